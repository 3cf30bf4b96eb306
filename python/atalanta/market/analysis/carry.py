"""Carry: what a share pays and costs while it is held, for every expiry of a chain.

Main entry: `Carry.of`. A dividend counts for an expiry when its ex-date, 09:30 New York, lies between the quote and
the expiry instant. Forward and spot are one another's image: `spot_of`, `forward_of`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.analysis.expiries import ExpiryGroups
from atalanta.market.contracts.calendar import years_between
from atalanta.market.contracts.sessions import opens
from atalanta.market.dividends.calendar import CashDividends, DividendCalendar
from atalanta.market.dividends.sources import ORIGIN
from atalanta.market.table import Table

__all__ = ["Borrow", "Carry", "tickers_of"]

Floats = npt.NDArray[np.float64]
Borrow = float | Mapping[str, float] | None

_LARGEST_BORROW = 1.0
_LISTED = 6

#: Expiries later than so many times the gap between dividends after the last one given look as if one were missing.
_MISSING_AFTER = 1.25
_GAP_OF_ONE = np.timedelta64(182, "D")  # where a single dividend tells no gap


@dataclass(frozen=True, slots=True)
class Carry:
    """Dividends and borrow cost of G expiries.

    Attributes:
        years: (G,) to the expiry.
        borrow: (G,) continuous cost of borrowing the share, as a yield.
        schedules: ((K,) years to the ex-dates, (K,) cash) for each underlying and quote time that has any.
        schedule: (G,) int32, row of `schedules`; -1 where no dividend is known.
        used: the dividends ahead: `underlying, quote_time, ex_date, years, cash`.
        given: whether dividends or a borrow cost were given at all.
        outside: underlyings of which all dividends given lie before the quotes or after the last expiry.
        notes: what was moved, left out or missed.
    """

    years: Floats
    borrow: Floats
    schedules: tuple[tuple[Floats, Floats], ...]
    schedule: npt.NDArray[np.int32]
    used: Table
    given: bool
    outside: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, chain: Table, groups: ExpiryGroups, dividends: Any = None, borrow: Borrow = None) -> Self:
        """The carry of a chain's expiries.

        Args:
            chain: N rows.
            groups: the grouping of those rows into G expiries.
            dividends: as `open_dividends` takes it; None for none.
            borrow: continuous cost as a decimal, for all underlyings or {ticker: cost}; None for none.

        Raises:
            InputError: dividends or a borrow cost that cannot be used, or of underlyings the chain does not hold.
        """
        tickers = tickers_of(groups.column(chain, "underlying"))
        names = list(dict.fromkeys(tickers.tolist()))
        calendar = DividendCalendar.none() if dividends is None else DividendCalendar.of(dividends, names)
        schedules = _Schedules(chain, groups, tickers)
        for name in names:
            if name in calendar.by_underlying:
                schedules.add(name, calendar.by_underlying[name])
        american = dict.fromkeys(tickers[groups.column(chain, "exercise") == "american"].tolist())
        unpaid = [name for name in american if dividends is not None and name not in calendar.by_underlying]
        silent = [f"no dividend is given for {', '.join(unpaid[:_LISTED])}"] * bool(unpaid)
        costs, cost_notes = _borrow(borrow, names)
        return cls(
            groups.column(chain, "years"),
            np.array([costs[name] for name in tickers.tolist()], dtype=np.float64),
            tuple(schedules.found),
            schedules.of,
            schedules.table(),
            dividends is not None or borrow is not None,
            tuple(schedules.outside),
            (*calendar.notes, *schedules.notes, *silent, *cost_notes),
        )

    def dividend_value(self, rate: Floats) -> Floats:
        """(G,) value today of the dividends before each expiry, discounted at (G,) rate less borrow; NaN without a rate."""
        value = np.where(np.isnan(rate), np.nan, 0.0)
        for row, (times, cash) in enumerate(self.schedules):
            there = np.flatnonzero(self.schedule == row)
            growth = (rate - self.borrow)[there, None]
            paid = cash * np.exp(-growth * times) * (times < self.years[there, None])
            value[there] = paid.sum(axis=1)
        return value

    def has_dividend(self) -> npt.NDArray[np.bool_]:
        """(G,) whether a dividend lies before the expiry."""
        first = np.array([times[0] for times, _ in self.schedules] + [np.inf])  # -1 is the last
        return np.asarray(first[self.schedule] < self.years)

    def spot_of(self, forward: Floats, rate: Floats) -> Floats:
        """(G,) the spot that gives each forward under (G,) rates: F e^−(r−b)T + Σ D e^−(r−b)t."""
        growth = (rate - self.borrow) * self.years
        return np.asarray(forward * np.exp(-growth) + self.dividend_value(rate))

    def forward_of(self, spot: Floats, rate: Floats) -> Floats:
        """(G,) the forward of each spot under (G,) rates."""
        growth = (rate - self.borrow) * self.years
        return np.asarray((spot - self.dividend_value(rate)) * np.exp(growth))


class _Schedules:
    """Collects the dividends ahead of each underlying and quote time."""

    def __init__(self, chain: Table, groups: ExpiryGroups, tickers: npt.NDArray[np.object_]) -> None:
        self._rows_of: dict[str, list[int]] = {}
        for row, ticker in enumerate(tickers.tolist()):
            self._rows_of.setdefault(ticker, []).append(row)
        self._quote_time = groups.column(chain, "quote_time")
        self._expires_at = groups.column(chain, "expires_at")
        self._alive = groups.column(chain, "years") > 0
        self._spot = groups.column(chain, "spot")
        self.found: list[tuple[Floats, Floats]] = []
        self.of = np.full(len(groups), -1, dtype=np.int32)
        self.notes: list[str] = []
        self.outside: list[str] = []
        self._rows: list[tuple[str, np.datetime64, CashDividends, Floats]] = []

    def add(self, name: str, dividends: CashDividends) -> None:
        """Give every quote time of an underlying what it has ahead."""
        own = np.array(self._rows_of[name])
        _check_size(name, dividends, self._spot[own])
        goes_ex = opens(dividends.ex_dates)
        own = own[self._alive[own]]
        past, late = np.ones(len(dividends), dtype=bool), np.ones(len(dividends), dtype=bool)
        for moment in np.unique(self._quote_time[own]):
            there = own[self._quote_time[own] == moment]
            gone, beyond = goes_ex <= moment, goes_ex >= self._expires_at[there].max()
            past, late = past & gone, late & beyond
            ahead = ~gone & ~beyond & (dividends.cash > 0)
            if ahead.any():
                self.of[there] = len(self.found)
                kept = CashDividends(dividends.ex_dates[ahead], dividends.cash[ahead])
                years = years_between(moment, goes_ex[ahead])
                self.found.append((years, kept.cash))
                self._rows.append((name, moment, kept, years))
        self.notes += _left_out(name, dividends, past, late & ~past)
        self.notes += _ends_early(name, dividends, self._expires_at[own])
        if len(own) and (past | late).all():  # one of nothing within is a statement too
            self.outside.append(name)

    def table(self) -> Table:
        """The dividends ahead, one row per underlying, quote time and ex-date."""
        counts = [len(kept) for _, _, kept, _ in self._rows]
        return Table(
            {
                "underlying": np.repeat(np.array([row[0] for row in self._rows], dtype=object), counts),
                "quote_time": np.repeat(np.array([row[1] for row in self._rows], dtype="M8[ns]"), counts),
                "ex_date": np.concatenate([row[2].ex_dates for row in self._rows] or [np.array([], "M8[D]")]),
                "years": np.concatenate([row[3] for row in self._rows] or [np.array([])]),
                "cash": np.concatenate([row[2].cash for row in self._rows] or [np.array([])]),
            }
        )


def tickers_of(names: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Names of underlyings as calendars of dividends write them: in capitals, without the ^ of an index."""
    return np.array([str(name).strip().removeprefix("^").upper() for name in names.tolist()], dtype=object)


def _check_size(name: str, dividends: CashDividends, spot: Floats) -> None:
    known = spot[np.isfinite(spot) & (spot > 0)]
    if known.size and len(dividends) and dividends.cash.max() >= known.max():
        worst = int(np.argmax(dividends.cash))
        raise InputError(
            f"{ORIGIN} {name} pays {dividends.cash[worst]:g} on {dividends.ex_dates[worst]}, no less than its spot "
            f"of {known.max():g}: cash is per share, in the currency of the spot (not in cents)"
        )


def _left_out(
    name: str, dividends: CashDividends, past: npt.NDArray[np.bool_], late: npt.NDArray[np.bool_]
) -> Iterator[str]:
    for why, which, first in (("on or before the quote time", past, -1), ("after the last expiry", late, 0)):
        if which.any():
            days = dividends.ex_dates[which]
            side = "last" if first else "first"
            plural = "" if len(days) == 1 else "s"
            yield f"{name}: {len(days):,} dividend{plural} {why} not used ({side}: {days[first]})"


def _ends_early(name: str, dividends: CashDividends, expires_at: npt.NDArray[np.datetime64]) -> Iterator[str]:
    """That expiries lie so far beyond the last dividend given, be it one of nothing, that more are likely."""
    if not (dividends.cash > 0).any():
        return
    days = dividends.ex_dates
    gap = np.median(np.diff(days)) if len(days) > 1 else _GAP_OF_ONE
    later = np.unique(
        expires_at[expires_at > (days[-1] + (_MISSING_AFTER * gap).astype("m8[D]")).astype("M8[ns]")]
    )
    if len(later):
        yield (
            f"{name}: the dividends given end on {days[-1]}, and {len(later):,} of its expiries lie well beyond, the last on "
            f"{later[-1].astype('M8[D]')}: these are valued as if nothing were paid from then on. Estimates are dividends too: give "
            "further dates"
        )


def _borrow(borrow: Borrow, names: list[str]) -> tuple[dict[str, float], list[str]]:
    """The cost of each underlying, and what was left out."""
    if not isinstance(borrow, Mapping):
        cost = 0.0 if borrow is None else _cost(borrow, "borrow")
        return dict.fromkeys(names, cost), []
    given = {
        str(name).strip().removeprefix("^").upper(): _cost(cost, f"borrow of {name!r}")
        for name, cost in borrow.items()
    }
    others = sorted(given.keys() - set(names))
    if others and not given.keys() & set(names):
        raise InputError(
            f"[market.analyze] borrow: wrong underlying: of {', '.join(others[:_LISTED])}; the chain holds "
            f"{', '.join(names[:_LISTED]) or 'none'}"
        )
    notes = [f"borrow of {', '.join(others[:_LISTED])} not used: the chain holds no such underlying"] * bool(
        others
    )
    return {name: given.get(name, 0.0) for name in names}, notes


def _cost(value: Any, what: str) -> float:
    try:
        cost = float(value)
    except (TypeError, ValueError):
        cost = np.nan
    if not abs(cost) <= _LARGEST_BORROW:
        raise InputError(
            f"[market.analyze] {what} is {value!r}; it must be a decimal from -{_LARGEST_BORROW:g} to "
            f"{_LARGEST_BORROW:g} (0.01 is 1 % a year)"
        )
    return cost
