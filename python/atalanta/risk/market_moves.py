"""What moved between two markets of one book: contract by contract, share by share. Main entry: `compare`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.risk.flags import PositionFlag
from atalanta.risk.options import Options

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["Comparison", "Moves", "compare", "paid_by"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moves:
    """What happened to M contracts: (M,) each, `paid` the cash that went ex, `forecast` the value of changed dividends."""

    spot: Floats
    vol: Floats
    years: Floats
    rate: Floats
    carry: Floats
    paid: Floats
    forecast: Floats


@dataclass(frozen=True, slots=True)
class Comparison:
    """One book in two markets.

    Attributes:
        first, last: the M contracts that both can value, before and after.
        moves: what happened to them.
        spots, cash: (U,) the moves of the shares, and what they paid.
        notes: what was left out.
    """

    first: Options
    last: Options
    moves: Moves
    spots: Floats
    cash: Floats
    notes: tuple[str, ...]


def compare(before: Portfolio, after: Portfolio) -> Comparison:
    """Find every contract of a book in the later market.

    Args:
        before: the book in the earlier market.
        after: the same book in the later one.

    Raises:
        InputError: another book, or a market that is not later.
    """
    same = before.book["symbol"].tolist() == after.book["symbol"].tolist()
    if not same or not all(
        np.array_equal(before.book[name], after.book[name], equal_nan=True)
        for name in ("quantity", "multiplier")
    ):
        raise InputError("[risk.explain] the books differ: explain one book in two markets")
    places = _places(before, after)
    passed = _passed(before, after, places)
    if (passed < 0).any():
        raise InputError(
            "[risk.explain] the second market is the earlier one: give them in the order of time"
        )
    pick, later, missing = _common(before, after)
    first = _taken(before.options, pick)
    years = passed[first.underlying]
    last = _later_options(after, first, later, places)
    moves = Moves(
        last.spot - first.spot,
        last.vol - first.vol,
        years,
        last.rate - first.rate,
        np.where(first.american, last.dividend_yield - first.dividend_yield, 0.0),
        np.where(first.american, _paid(first, years), 0.0),
        _forecast(before, after, first, places, passed),
    )
    moves = replace(moves, carry=_comparable_carry(first, last, moves.carry))
    spots = after.market.spots[places] - before.market.spots
    cash = np.array([paid_by(before, u, passed[u]) for u in range(len(before.underlyings))], dtype=np.float64)
    notes = [f"{missing:,} contracts without a value in both markets left out"] if missing else []
    return Comparison(first, last, moves, spots, cash, tuple(notes))


def _places(before: Portfolio, after: Portfolio) -> npt.NDArray[np.intp]:
    """(U,) each underlying's place in the later market."""
    missing = [name for name in before.underlyings if name not in after.underlyings]
    if missing:
        raise InputError(f"[risk.explain] the second market does not hold {', '.join(missing)}")
    return np.array([after.underlyings.index(name) for name in before.underlyings], dtype=np.intp)


def _passed(before: Portfolio, after: Portfolio, places: npt.NDArray[np.intp]) -> Floats:
    """(U,) years between the snapshots."""
    gone = after.market.quote_times[places] - before.market.quote_times
    return np.asarray(gone.astype("m8[ns]").astype(np.float64) / (365 * 86_400e9))


def _common(before: Portfolio, after: Portfolio) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """The contracts that can be valued in both: their places before and after, -1 after where they expired."""
    pairs: dict[int, int] = {}
    missing: set[int] = set()
    gone = (after.matched.flags & np.uint32(PositionFlag.EXPIRED)) != 0
    for row in np.flatnonzero(before.contract >= 0).tolist():
        first, last = int(before.contract[row]), int(after.contract[row])
        if last >= 0 or gone[row]:
            pairs[first] = last
        else:
            missing.add(first)
    chosen = np.array(sorted(pairs), dtype=np.int64)
    return (
        chosen,
        np.array([pairs[one] for one in chosen.tolist()], dtype=np.int64),
        len(missing - pairs.keys()),
    )


def _taken(options: Options, rows: npt.NDArray[np.int64]) -> Options:
    names = (
        *("right", "spot", "strike", "years", "rate", "dividend_yield", "vol"),
        *("american", "schedule", "underlying", "weight"),
    )
    return replace(options, **{name: getattr(options, name)[rows] for name in names})


def _later_options(
    after: Portfolio,
    first: Options,
    later: npt.NDArray[np.int64],
    places: npt.NDArray[np.intp],
) -> Options:
    """The contracts in the later market; expired ones without years at its spot."""
    known, own = later >= 0, after.options
    at = np.maximum(later, 0)
    spots = after.market.spots[places][first.underlying]

    def taken(column: npt.NDArray[np.float64], gone: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(known, column[at] if len(column) else gone, gone)

    schedule = np.where(known, own.schedule[at] if len(own) else -1, -1).astype(np.int32)
    return replace(
        first,
        spot=taken(own.spot, spots),
        years=taken(own.years, np.zeros(len(first))),
        rate=taken(own.rate, first.rate),
        vol=taken(own.vol, first.vol),
        dividend_yield=taken(own.dividend_yield, first.dividend_yield),
        american=np.where(known, own.american[at] if len(own) else False, False),
        schedule=schedule,
        schedules=own.schedules,
    )


def _comparable_carry(first: Options, last: Options, carry: Floats) -> Floats:
    """The change of the yield; of European contracts too, whose yield leads from the spot to the forward."""
    both = ~first.american & (last.years > 0)
    return np.where(both, last.dividend_yield - first.dividend_yield, carry)


def _paid(options: Options, years: Floats) -> Floats:
    """(M,) cash of the contract's own schedule that goes ex within (M,) years."""
    paid = np.zeros(len(options))
    for row in np.flatnonzero(options.schedule >= 0).tolist():
        times, cash = options.schedules[options.schedule[row]]
        paid[row] = cash[times <= years[row]].sum()
    return paid


def paid_by(portfolio: Portfolio, underlying: int, years: float) -> float:
    """Cash that a share of an underlying pays within so many years."""
    market = portfolio.market
    rows = market.schedule[market.underlying == underlying]
    if not rows.size or rows[0] < 0:
        return 0.0
    times, cash = market.schedules[rows[0]]
    return float(cash[times <= years].sum())


def _forecast(
    before: Portfolio, after: Portfolio, first: Options, places: npt.NDArray[np.intp], passed: Floats
) -> Floats:
    """(M,) what changed forecasts of dividends are worth: those still ahead, matched by ex-date."""
    deltas = first.dividend_deltas()
    worth = np.zeros(len(first))
    for u in range(len(before.underlyings)):
        own, new = _schedule_of(before, u), _schedule_of(after, int(places[u]))
        if own is None:
            continue
        days, times, cash = own
        known = {} if new is None else dict(zip(new[0].tolist(), new[2].tolist(), strict=True))
        last = new[0].max() if new is not None and len(new[0]) else None
        rows = np.flatnonzero((first.underlying == u) & (first.schedule >= 0))
        for entry, day in enumerate(days.tolist()):
            if times[entry] <= passed[u] or last is None or day > last.tolist():
                continue  # paid, or beyond what the later market knows
            worth[rows] += deltas[entry, rows] * (known.get(day, 0.0) - cash[entry])
    return worth


def _schedule_of(
    portfolio: Portfolio, underlying: int
) -> tuple[npt.NDArray[np.datetime64], Floats, Floats] | None:
    market = portfolio.market
    rows = market.schedule[market.underlying == underlying]
    if not rows.size or rows[0] < 0:
        return None
    times, cash = market.schedules[rows[0]]
    return market.ex_dates[rows[0]], times, cash
