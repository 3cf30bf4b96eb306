"""Positions matched with a market: which contract each is, and what values it. Main entry: `match`.

A contract is looked for by root, expiry, right and strike, then by the underlying in the place of the root, as in chains
that name no roots. One that the chain does not hold is valued on the smile of its expiry and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.market.analysis import Analysis
from atalanta.market.contracts.calendar import expiry_instants
from atalanta.market.contracts.products import product
from atalanta.risk.book import Book
from atalanta.risk.flags import UNPRICED, PositionFlag
from atalanta.risk.market import Market, ticker

__all__ = ["Matched", "match"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matched:
    """N positions and where they stand in a market.

    Attributes:
        flags: (N,) those of the book and what was found here.
        row: (N,) place in the analysis, -1 where the chain holds no such contract.
        group: (N,) expiry of the market; -1 for shares and positions without one.
        underlying: (N,) place in `Market.underlyings`; -1 where the market does not hold it.
        expiry: (N,) datetime64[D] on which the contract trades last; NaT for shares.
        multiplier: (N,).
        vol: (N,) decimals; NaN for shares and where there is none.
        mid: (N,) market price per share; NaN where it is not quoted on both sides.
    """

    flags: npt.NDArray[np.uint32]
    row: Integers
    group: Integers
    underlying: Integers
    expiry: npt.NDArray[np.datetime64]
    multiplier: Floats
    vol: Floats
    mid: Floats

    @property
    def priced(self) -> npt.NDArray[np.bool_]:
        """(N,) positions that have a value."""
        return np.asarray((self.flags & np.uint32(UNPRICED)) == 0)


def match(book: Book, market: Market, analysis: Analysis) -> Matched:
    """Find every position in a market.

    Args:
        book: N positions.
        market: of `analysis`.
        analysis: the chain behind it.
    """
    found = _Search(book, market, analysis)
    found.options()
    found.shares()
    return found.result()


class _Search:
    def __init__(self, book: Book, market: Market, analysis: Analysis) -> None:
        self._book, self._market, self._analysis = book, market, analysis
        size = len(book)
        self._flags = book["flags"].copy()
        self._row = np.full(size, -1, dtype=np.int64)
        self._group = np.full(size, -1, dtype=np.int64)
        self._underlying = np.full(size, -1, dtype=np.int64)
        self._vol, self._mid = np.full(size, np.nan), np.full(size, np.nan)
        self._expiry = book["expiry"].copy()
        self._multiplier = book["multiplier"].copy()
        self._option = np.flatnonzero(book["kind"] == "option")

    def options(self) -> None:
        """Rows, groups and volatilities of option positions."""
        if not self._option.size:
            return
        market, rows = self._market, self._option
        roots = self._book["root"][rows]
        instants = expiry_instants(roots, self._book["expiry"][rows])
        self._expiry[rows] = instants.expiry
        exact, loose = self._contract_index()
        by_root = {(str(r), e): g for g, (r, e) in _reversed(market.root, market.expiry.tolist())}
        by_name = {
            (market.underlyings[u], e): g
            for g, (u, e) in _reversed(market.underlying.tolist(), market.expiry.tolist())
        }
        for place, position in enumerate(rows.tolist()):
            root = str(roots[place])
            kind = product(root)
            name = ticker(kind.underlying)
            day = instants.expiry[place].tolist()
            right, strike = int(self._book["right"][position]), float(self._book["strike"][position])
            row = exact.get((root, day, right, strike))
            if row is None and not kind.adjusted:  # whose quotes are of what it delivers
                row = loose.get((name, day, right, strike))
            if name in market.underlyings:
                self._underlying[position] = market.underlyings.index(name)
            if row is not None:
                self._take_row(position, row)
                continue
            group = by_root.get((root, day), by_name.get((name, day)))
            if group is None:
                gone = self._is_past(position, instants.expires_at[place])
                self._flag(position, PositionFlag.EXPIRED if gone else PositionFlag.NO_MATCH)
                continue
            self._flag(position, PositionFlag.NOT_QUOTED)
            self._take_group(position, group)

    def _contract_index(self) -> tuple[dict[Any, int], dict[Any, int]]:
        """Rows of the newest snapshot by root and by underlying; of equal ones the first."""
        market, chain = self._market, self._analysis
        names = ("root", "expiry", "right", "strike")
        root, expiry, right, strike = (chain[name][market.rows].tolist() for name in names)
        places = range(len(market.rows) - 1, -1, -1)
        exact = {(str(root[i]), expiry[i], right[i], strike[i]): i for i in places}
        of = market.underlying[market.group]
        loose = {(market.underlyings[of[i]], expiry[i], right[i], strike[i]): i for i in places}
        return exact, loose

    def _take_row(self, position: int, row: int) -> None:
        at = self._market.rows[row]
        self._row[position] = at
        self._mid[position] = self._analysis["mid"][at]
        if np.isnan(self._multiplier[position]):
            self._multiplier[position] = self._analysis["multiplier"][at]
        self._take_group(position, int(self._market.group[row]))
        own = self._analysis["iv_mid"][at]
        if np.isfinite(own):
            self._vol[position] = own
        elif np.isfinite(self._vol[position]):
            self._flag(position, PositionFlag.VOL_FROM_SMILE)

    def _take_group(self, position: int, group: int) -> None:
        market = self._market
        self._group[position], self._underlying[position] = group, market.underlying[group]
        if market.years[group] <= 0:
            self._flag(position, PositionFlag.EXPIRED)
            return
        strike, forward = self._book["strike"][position], market.forward[group]
        with np.errstate(invalid="ignore", divide="ignore"):
            self._vol[position] = market.smiles[group].at(np.log(strike / forward))

    def shares(self) -> None:
        """Shares whose ticker is an underlying of the market."""
        names = {name: place for place, name in enumerate(self._market.underlyings)}
        for position in np.flatnonzero(self._book["kind"] == "stock").tolist():
            place = names.get(str(self._book["root"][position]))
            if np.isnan(self._multiplier[position]):
                self._multiplier[position] = 1.0
            if place is None:
                self._flag(position, PositionFlag.NO_MATCH)
                continue
            self._underlying[position] = place
            self._mid[position] = self._market.spots[place]
            if not np.isfinite(self._market.spots[place]):
                self._flag(position, PositionFlag.NO_VALUE)

    def result(self) -> Matched:
        """What was found; options without a usable value are flagged."""
        market, book = self._market, self._book
        for position in np.flatnonzero(np.isnan(self._multiplier)).tolist():
            root = str(book["root"][position])
            self._multiplier[position] = product(root).multiplier if root else np.nan
        inside = np.flatnonzero((self._group >= 0) & ((self._flags & np.uint32(UNPRICED)) == 0))
        group = self._group[inside]
        known = np.isfinite(self._vol[inside]) & np.isfinite(market.spot[group]) & (market.spot[group] > 0)
        known &= np.isfinite(market.rate[group]) & np.isfinite(market.dividend_yield[group])
        known &= book["strike"][inside] > 0
        self._flags[inside[~known]] |= np.uint32(PositionFlag.NO_VALUE)
        return Matched(
            self._flags,
            self._row,
            self._group,
            self._underlying,
            self._expiry,
            self._multiplier,
            self._vol,
            self._mid,
        )

    def _is_past(self, position: int, expires_at: np.datetime64) -> bool:
        place = self._underlying[position]
        times = self._market.quote_times
        now = times[place] if place >= 0 else times.max()
        return bool(expires_at <= now)

    def _flag(self, position: int, flag: PositionFlag) -> None:
        self._flags[position] |= np.uint32(flag)


def _reversed(first: Any, second: Any) -> list[tuple[int, tuple[Any, Any]]]:
    """Places with their keys, the last first, so that of equal keys the first place stays."""
    return list(enumerate(zip(first, second, strict=True)))[::-1]
