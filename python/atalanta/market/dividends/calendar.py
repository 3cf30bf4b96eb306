"""The dividend calendar: the cash dividends of each underlying of a chain, by ex-date.

Main entry: `DividendCalendar.of`. Entries are sorted, have one amount a day, and fall on days with a session: the
share trades without its dividend from the open of that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.contracts.sessions import next_session
from atalanta.market.dividends.sources import ORIGIN, DividendEntry, open_dividends

__all__ = ["CashDividends", "DividendCalendar"]

_LISTED = 6


@dataclass(frozen=True, slots=True)
class CashDividends:
    """The dividends of one underlying: (K,) ex-dates in order and what each share receives."""

    ex_dates: npt.NDArray[np.datetime64]
    cash: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.cash)


@dataclass(frozen=True, slots=True)
class DividendCalendar:
    """Cash dividends by underlying, and what was assumed on the way here.

    Attributes:
        by_underlying: ticker to its dividends; a ticker without any is not there.
        notes: what was moved or left out, in words.
    """

    by_underlying: dict[str, CashDividends]
    notes: tuple[str, ...] = ()

    @classmethod
    def none(cls) -> Self:
        """A calendar without any dividend."""
        return cls({})

    @classmethod
    def of(cls, source: Any, underlyings: Sequence[str]) -> Self:
        """Read a source and keep what belongs to a chain.

        Args:
            source: as `open_dividends` takes it.
            underlyings: the tickers of the chain; with one of them the source need not name it.

        Raises:
            InputError: an entry that cannot be used, two amounts for one day, no ticker where there are several
                underlyings, or no ticker that the chain holds.
        """
        entries = _named(open_dividends(source), underlyings)
        others = sorted({entry.ticker for entry in entries}.difference(underlyings))
        kept = [entry for entry in entries if entry.ticker in underlyings]
        if others and not kept:
            raise InputError(
                f"{ORIGIN} {entries[0].place}: wrong underlying: they are of {_listed(others)}, the chain holds "
                f"{_listed(underlyings)}: write its ticker, or give none where all are of one underlying"
            )
        notes = [f"dividends of {_listed(others)} not used: the chain holds no such underlying"] * bool(
            others
        )
        found: dict[str, CashDividends] = {}
        for ticker in dict.fromkeys(entry.ticker for entry in kept):
            own = [entry for entry in kept if entry.ticker == ticker]
            found[ticker] = _in_order(own)
            notes += _moved(own)
        return cls(found, tuple(notes))


def _named(entries: list[DividendEntry], underlyings: Sequence[str]) -> list[DividendEntry]:
    """Entries with their tickers: the chain's only one where the source names none."""
    nameless = next((entry for entry in entries if not entry.ticker), None)
    if nameless is None:
        return entries
    if len(underlyings) != 1:
        raise InputError(
            f"{ORIGIN} {nameless.place} names no underlying, and the chain holds {_listed(underlyings)}: "
            "add a column underlying"
        )
    return [entry._replace(ticker=entry.ticker or underlyings[0]) for entry in entries]


def _sessions(entries: list[DividendEntry]) -> npt.NDArray[np.datetime64]:
    """The day on which each entry goes ex: its date, or the next one with trading."""
    return next_session(np.array([entry.date for entry in entries], dtype="M8[D]"))


def _in_order(entries: list[DividendEntry]) -> CashDividends:
    order = np.argsort(_sessions(entries), kind="stable")
    ordered, days = [entries[place] for place in order.tolist()], _sessions(entries)[order]
    twice = np.flatnonzero(days[1:] == days[:-1])
    if twice.size:
        first, second = ordered[twice[0]], ordered[twice[0] + 1]
        raise InputError(
            f"{ORIGIN} {first.ticker} has two on {days[twice[0]]}: {first.cash:g} ({first.place}) and "
            f"{second.cash:g} ({second.place}): remove one, or write their sum once"
        )
    return CashDividends(days, np.array([entry.cash for entry in ordered]))


def _moved(entries: list[DividendEntry]) -> list[str]:
    return [
        f"{entry.ticker}: ex-date {entry.date} has no trading, taken as {day}"
        for entry, day in zip(entries, _sessions(entries), strict=True)
        if day != entry.date
    ]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "") if names else "none"
