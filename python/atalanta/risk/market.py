"""The market as risk needs it: the expiries of the newest snapshot, and the underlyings. Main entry: `Market.of`.

Taken from an `Analysis`: forwards, discounts, implied spots, dividends and volatilities are its own; nothing is fitted anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.analysis import Analysis
from atalanta.market.analysis.expiries import ExpiryGroups, group_by_expiry
from atalanta.risk.options import Schedules
from atalanta.risk.smiles import Smile

__all__ = ["Market", "ticker"]

Floats = npt.NDArray[np.float64]


def ticker(name: object) -> str:
    """An underlying's name as books and dividends write it: in capitals, without the ^ of an index."""
    return str(name).strip().removeprefix("^").upper()


@dataclass(frozen=True, slots=True)
class Market:
    """U underlyings and G expiries of the newest snapshot of each.

    Attributes:
        underlyings: their tickers, by name.
        spots: (U,) the chain's price per share; where it holds none, the spot that its first expiry implies.
        quote_times: (U,) datetime64[ns], of the snapshot.
        rows: (R,) places in the analysis of the newest snapshot's contracts.
        group: (R,) the expiry of each.
        underlying: (G,) place in `underlyings`.
        root, expiry, expires_at, american: (G,) as in the chain.
        years, rate, discount, forward: (G,) of the analysis.
        spot: (G,) that values the expiry's contracts, see `Options.spot`.
        dividend_yield: (G,) see `Options.dividend_yield`.
        schedule: (G,) int32, row of `schedules`, -1 for none.
        schedules: cash dividends of those underlyings that pay any.
        ex_dates: the dates of each schedule.
        smiles: G, of the volatilities at the mids.
    """

    underlyings: tuple[str, ...]
    spots: Floats
    quote_times: npt.NDArray[np.datetime64]
    rows: npt.NDArray[np.intp]
    group: npt.NDArray[np.int64]
    underlying: npt.NDArray[np.int32]
    root: npt.NDArray[np.object_]
    expiry: npt.NDArray[np.datetime64]
    expires_at: npt.NDArray[np.datetime64]
    years: Floats
    rate: Floats
    discount: Floats
    forward: Floats
    spot: Floats
    dividend_yield: Floats
    american: npt.NDArray[np.bool_]
    schedule: npt.NDArray[np.int32]
    schedules: Schedules
    ex_dates: tuple[npt.NDArray[np.datetime64], ...]
    smiles: tuple[Smile, ...]

    @classmethod
    def of(cls, analysis: Analysis) -> Self:
        """The market that an analysis describes.

        Raises:
            InputError: not an analysis, or one without rows.
        """
        if not isinstance(analysis, Analysis):
            raise InputError(
                f"[risk.Portfolio] the market is a {type(analysis).__name__}: give what atalanta.analyze returns"
            )
        if not len(analysis):
            raise InputError("[risk.Portfolio] the market holds no contract: give a chain with rows")
        groups = group_by_expiry(analysis)
        names, place = _underlyings(groups.column(analysis, "underlying"))
        times = groups.column(analysis, "quote_time")
        newest = np.array([times[place == u].max() for u in range(len(names))])
        keep = np.flatnonzero(times == newest[place])
        return cls(**_columns(analysis, groups, names, place, newest, keep))


def _underlyings(column: npt.NDArray[Any]) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    tickers = [ticker(name) for name in column.tolist()]
    names = tuple(dict.fromkeys(tickers))
    return names, np.array([names.index(name) for name in tickers], dtype=np.int32)


def _columns(
    analysis: Analysis,
    groups: ExpiryGroups,
    names: tuple[str, ...],
    place: npt.NDArray[np.int32],
    newest: npt.NDArray[np.datetime64],
    keep: npt.NDArray[np.intp],
) -> dict[str, Any]:
    def by_group(name: str) -> npt.NDArray[Any]:
        return groups.column(analysis, name)[keep]

    new_place = np.full(len(groups), -1)
    new_place[keep] = np.arange(len(keep))
    rows = np.flatnonzero(new_place[groups.index] >= 0)
    group = new_place[groups.index[rows]]
    years, discount, forward = by_group("years"), by_group("discount"), by_group("forward")
    underlying = place[keep]
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = -np.log(discount) / years
        rate = np.where(np.abs(rate) < 1e-15, 0.0, rate)
    implied, borrow = by_group("implied_spot"), by_group("borrow")
    spots = _spots(analysis, groups, place, newest, implied, underlying, len(names))
    schedules, ex_dates, schedule_of = _schedules(analysis, names, newest)
    schedule = schedule_of[underlying]
    first = np.array([times[0] for times, _ in schedules] + [np.inf])
    moves = (first[schedule] < years) | (rate != 0) | (borrow != 0)
    american = (by_group("exercise") == "american") & (years > 0) & np.isfinite(rate) & moves
    reference = spots[underlying]
    with np.errstate(invalid="ignore", divide="ignore"):
        carry = np.where(years > 0, np.log(reference / (forward * discount)) / years, 0.0)
    return {
        "underlyings": names,
        "spots": spots,
        "quote_times": newest,
        "rows": rows,
        "group": group,
        "underlying": underlying,
        "root": by_group("root"),
        "expiry": by_group("expiry"),
        "expires_at": by_group("expires_at"),
        "years": years,
        "rate": rate,
        "discount": discount,
        "forward": forward,
        "spot": np.where(american, implied, reference),
        "dividend_yield": np.where(american, borrow, carry),
        "american": american,
        "schedule": schedule,
        "schedules": schedules,
        "ex_dates": ex_dates,
        "smiles": _smiles(analysis, rows, group, len(keep)),
    }


def _spots(
    analysis: Analysis,
    groups: ExpiryGroups,
    place: npt.NDArray[np.int32],
    newest: npt.NDArray[np.datetime64],
    implied: Floats,
    underlying: npt.NDArray[np.int32],
    count: int,
) -> Floats:
    """(U,) the quoted spot of the newest snapshot, else what the first expiry implies."""
    of_row, spot = place[groups.index], analysis["spot"]
    usable = (spot > 0) & np.isfinite(spot) & (analysis["quote_time"] == newest[of_row])
    spots = np.full(count, np.nan)
    for u in range(count):
        quoted = spot[usable & (of_row == u)]
        told = implied[(underlying == u) & np.isfinite(implied)]
        spots[u] = quoted.mean() if quoted.size else told[0] if told.size else np.nan
    return spots


def _schedules(
    analysis: Analysis, names: tuple[str, ...], newest: npt.NDArray[np.datetime64]
) -> tuple[Schedules, tuple[npt.NDArray[np.datetime64], ...], npt.NDArray[np.int32]]:
    paid = analysis.dividends
    of = np.full(len(names), -1, dtype=np.int32)
    found: list[tuple[Floats, Floats]] = []
    dates: list[npt.NDArray[np.datetime64]] = []
    for u, name in enumerate(names):
        own = np.array([ticker(other) == name for other in paid["underlying"].tolist()], dtype=bool) & (
            paid["quote_time"] == newest[u]
        )
        if own.any():
            of[u] = len(found)
            found.append((paid["years"][own], paid["cash"][own]))
            dates.append(paid["ex_date"][own])
    return tuple(found), tuple(dates), of


def _smiles(
    analysis: Analysis, rows: npt.NDArray[np.intp], group: npt.NDArray[np.int64], count: int
) -> tuple[Smile, ...]:
    moneyness, right = analysis["moneyness"][rows], analysis["right"][rows]
    vol, sound = analysis["iv_mid"][rows], analysis["flags"][rows] == 0
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=count))
    parts = np.split(order, ends[:-1])
    return tuple(Smile.of(moneyness[own], right[own], vol[own], sound[own]) for own in parts)
