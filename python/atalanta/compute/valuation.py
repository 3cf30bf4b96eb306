"""`price`, `greeks` and `implied_vol` where they finish soonest: the functions that the package exports.

Small calls take the kernels' own path; a large one asks the router for one thread, the pool or another device.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta._core import routed_implied_vol as implied_vol
from atalanta._core import routed_price as price
from atalanta.pricing import Greeks
from atalanta.pricing.dividends import DividendsLike
from atalanta.pricing.valuation import Exercise, Tolerance

__all__ = ["greeks", "implied_vol", "price", "quarantine"]


def quarantine() -> tuple[str, ...]:
    """The targets that are left alone because they failed; none while these functions have needed no router."""
    shared = sys.modules.get("atalanta.compute.router.shared")
    return () if shared is None else tuple(shared.quarantine())


def greeks(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: Tolerance = "standard",
    order: Literal[1, 2, 3] = 1,
    out: npt.NDArray[np.float64] | None = None,
    threads: int | None = None,
    device: str | None = "auto",
) -> Greeks:
    """Price and Greeks in one pass: of European and American options, with a yield and cash dividends.

    Arguments are those of `price`; all broadcast to one shape (...).

    Args:
        right: (...) +1 for a call, -1 for a put; or 'call', 'put', 'C', 'P' in either case.
        spot: (...) price of the underlying, per share.
        strike: (...) per share.
        years: (...) time to the expiry instant in years.
        rate: (...) continuously compounded interest rate per year, as a decimal.
        vol: (...) volatility per square root of a year, as a decimal (0.25 is 25 %).
        dividend_yield: (...) continuously compounded yield per year, as a decimal.
        exercise: 'european' or 'american', for all rows.
        dividends: None, one sequence of (years to the ex-date, cash per share) pairs for all rows, or a
            `Dividends`.
        tolerance: as in `price`. Greeks have errors of their own; delta and gamma follow the price's.
        order: 1 gives price, delta, gamma, vega, theta, rho, phi; 2 adds vanna, charm, vomma;
            3 adds speed, zomma, color. 2 and 3 exist for European exercise without cash dividends.
        out: (C, ...) float64 array for the C = 7, 10 or 13 columns of this order.
        threads: threads for a large batch; None for one or the pool's, whichever was measured to be quicker.
        device: as in `price`. Order 2 and 3 are done by the CPU alone.

    Returns:
        The columns by name, each (...). Vega, rho, phi per 1.00; theta, charm, color per year. With
        `dividends=` also `dividend_delta`, (D, ...): dV/d(cash) of each entry of the row's schedule.

    Raises:
        InputError: arguments that do not broadcast, are not real numbers, or look like per cent; or as in
            `price`; order 2 or 3 with American exercise or cash dividends.

    Example:
        >>> import atalanta
        >>> g = atalanta.greeks("call", 100.0, [95.0, 105.0], 0.5, 0.03, 0.2)
        >>> g.delta.round(4)
        array([0.7052, 0.4332])
    """
    values = _core.routed_greeks(
        right,
        spot,
        strike,
        years,
        rate,
        vol,
        dividend_yield=dividend_yield,
        exercise=exercise,
        dividends=dividends,
        tolerance=tolerance,
        order=order,
        out=out,
        threads=threads,
        device=device,
    )
    return Greeks(values) if dividends is None else Greeks(*values)
