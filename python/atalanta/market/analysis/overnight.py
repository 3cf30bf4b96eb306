"""What holding an American call through its next ex-date is worth, seen from the last moment to exercise before it.

Main entry: `held_values`. The share moves from then to the ex-date as the kernels have it, a lognormal that falls by
the cash; the value is the discounted mean of the option's just after, by Gauss-Hermite quadrature.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.pricing import Dividends, price
from atalanta.pricing.valuation import Tolerance

__all__ = ["Held", "held_values"]

Floats = npt.NDArray[np.float64]

#: Enough for an expiry on the ex-date after a long weekend, where the value after is nearly kinked.
_NODES = 32

#: Of the spot: a share is not worth less after its dividend.
_FLOOR = 1e-6


class Held(NamedTuple):
    """American options on M rows, (M,) each: as `price` takes them, years seen from the quote time."""

    right: npt.NDArray[np.int8]
    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    vol: Floats
    dividend_yield: Floats
    ex_years: Floats
    cash: Floats
    schedule: npt.NDArray[np.int32]


def held_values(
    held: Held,
    night: Floats,
    schedules: list[list[tuple[float, float]]],
    *,
    tolerance: Tolerance,
    threads: int | None,
) -> Floats:
    """Value per share, `night` years before the next ex-date, of the option that is not exercised before it.

    Args:
        held: M rows; the spot is that at the moment looked at.
        night: (M,) years from that moment to the ex-date.
        schedules: (years to the ex-date from the quote time, cash) of each schedule.
        tolerance: of the prices.
        threads: of the kernels.

    Returns:
        (M,); NaN where an input is.
    """
    if not len(night):
        return np.zeros(0)
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    spread = (held.vol * np.sqrt(night))[:, None]
    drift = ((held.rate - held.dividend_yield) * night)[:, None]
    before = held.spot[:, None] * np.exp(drift - spread**2 / 2 + spread * nodes)
    after = np.maximum(before - held.cash[:, None], _FLOOR * held.spot[:, None])
    values = price(
        held.right[:, None],
        after,
        held.strike[:, None],
        (held.years - held.ex_years)[:, None],
        held.rate[:, None],
        held.vol[:, None],
        dividend_yield=held.dividend_yield[:, None],
        exercise="american",
        dividends=_later(held, schedules),
        tolerance=tolerance,
        threads=threads,
    )
    mean: Floats = values @ weights / weights.sum()
    return np.exp(-held.rate * night) * mean


def _later(held: Held, schedules: list[list[tuple[float, float]]]) -> Dividends:
    """The dividends after the next of each row, (M, 1), counted from it: the next one is the same in a schedule."""
    later: list[list[tuple[float, float]]] = [[] for _ in schedules]
    for place in np.unique(held.schedule).tolist():
        ex = held.ex_years[held.schedule == place][0]
        later[place] = [(time - ex, cash) for time, cash in schedules[place] if time > ex]
    return Dividends(later, of=held.schedule[:, None])
