"""Greeks under their names; `price` and `implied_vol` are the kernels' own functions."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta._core import implied_vol, price
from atalanta.errors import InputError
from atalanta.pricing.dividends import DividendsLike
from atalanta.pricing.greek_columns import Greeks

__all__ = ["Exercise", "Tolerance", "greeks", "implied_vol", "price", "require_tolerance"]

Exercise = Literal["european", "american"]
Tolerance = Literal["fast", "standard", "precise"] | float


def require_tolerance(value: Any, origin: str, name: str = "tolerance") -> None:
    """Refuse what the kernels do not take as a tolerance, before work is done that would be in vain.

    Args:
        value: what was given.
        origin: who asks, as the message's opening tag.
        name: what the asker calls it.

    Raises:
        InputError: the kernels' own message, under that origin and name.
    """
    try:
        _core.price("call", 1.0, 1.0, 1.0, 0.0, 0.2, tolerance=value)
    except InputError as error:
        told = str(error).removeprefix("[pricing.price] tolerance ")
        raise InputError(f"[{origin}] {name} {told}") from None


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
        threads: threads for a large batch; None for the default (see `set_threads`).

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
    values = _core.greeks(
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
    )
    return Greeks(values) if dividends is None else Greeks(*values)
