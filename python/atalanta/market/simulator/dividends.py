"""The cash dividends of the simulated market: when each share goes ex, and what that takes off its forwards.

`ahead` is the entry. A share is without its dividend from the open, 09:30 New York, of the ex-date on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.contracts.calendar import years_between
from atalanta.market.contracts.holidays import nth_weekday
from atalanta.market.contracts.sessions import next_session, opens
from atalanta.market.simulator.universe import Underlying
from atalanta.market.table import Table

__all__ = ["Ahead", "ahead", "dividend_table"]

Floats = npt.NDArray[np.float64]

_MONTHS = (1, 4, 7, 10)
_YEARS_AHEAD = 3


class Ahead(NamedTuple):
    """The dividends of one underlying from an instant on: (K,) each."""

    ex_dates: npt.NDArray[np.datetime64]
    years: Floats
    cash: Floats

    def value(self, rate: Floats, years: Floats) -> Floats:
        """(E,) value today of those before each expiry, at its (E,) rate."""
        paid = self.cash * np.exp(-rate[:, None] * self.years) * (self.years < years[:, None])
        return np.asarray(paid.sum(axis=1))


def ahead(underlying: Underlying, now: np.datetime64) -> Ahead:
    """The dividends after `now`, three years ahead; empty where none is paid."""
    year = int(str(now.astype("M8[Y]")))
    dates = next_session(
        np.concatenate([nth_weekday(y, _MONTHS, "Thu", 3) for y in range(year, year + _YEARS_AHEAD + 1)])
    )
    years = years_between(now, opens(dates))
    kept = (years > 0) & (underlying.dividend > 0)
    return Ahead(dates[kept], years[kept], np.full(int(kept.sum()), underlying.dividend))


def dividend_table(universe: tuple[Underlying, ...], schedules: tuple[Ahead, ...]) -> Table:
    """One row per underlying and ex-date: `underlying, ex_date, cash`, as `analyze` takes its dividends."""
    names = [
        np.full(len(each.cash), one.symbol, dtype=object)
        for one, each in zip(universe, schedules, strict=True)
    ]
    return Table(
        {
            "underlying": np.concatenate(names),
            "ex_date": np.concatenate([each.ex_dates for each in schedules]),
            "cash": np.concatenate([each.cash for each in schedules]),
        }
    )
