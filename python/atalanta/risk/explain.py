"""Profit and loss explained: by how much delta, gamma, vega, time, rates and dividends made it.

Main entries: `explain` for one book in two markets, `explain_move` for a move that is thought of.

The parts are the terms of a Taylor series at the market before, volatility to second order too; the residual is what they
leave, so that all sum to the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.table import Table
from atalanta.risk.flags import PositionFlag
from atalanta.risk.options import Options

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["PARTS", "explain", "explain_move"]

Floats = npt.NDArray[np.float64]

#: The terms in their order, and what each is.
PARTS = {
    "delta": "delta times the move of the spot as it is quoted",
    "gamma": "half of gamma times the squared move, dividends put back",
    "vega": "vega times the move of the volatility",
    "vanna": "cross term of spot and volatility",
    "vomma": "second-order term of the volatility",
    "theta": "theta times the time passed",
    "rho": "by the rate, and by the yield or borrow cost",
    "dividend": "cash paid on shares; what ex-dates take from the spot and the option had in its price; changed forecasts",
    "residual": "what the terms leave",
}

_VOL_STEP = 0.05  # of second-order terms, as a share of the volatility


@dataclass(frozen=True, slots=True)
class _Moves:
    """What happened to M contracts: (M,) each, `paid` the cash that went ex, `forecast` the value of changed dividends."""

    spot: Floats
    vol: Floats
    years: Floats
    rate: Floats
    carry: Floats
    paid: Floats
    forecast: Floats


def explain(before: Portfolio, after: Portfolio) -> Table:
    """The P&L of a book between two markets.

    Args:
        before: the book in the earlier market.
        after: the same book in the later one. Options that have expired in between are worth their payoff at its spot.

    Returns:
        A row per underlying and one called 'total': `underlying`, the columns of `PARTS`, `pnl` (their sum), `before` and `after`
        (values, without cash received). Positions without a value in either market are left out, with a note.

    Raises:
        InputError: another book, or a market that is not later.
    """
    if before.book["symbol"].tolist() != after.book["symbol"].tolist() or not np.array_equal(
        before.book["quantity"], after.book["quantity"]
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
    moves = _Moves(
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
    cash = np.array(
        [_paid_by(before, u, passed[u]) for u in range(len(before.underlyings))], dtype=np.float64
    )
    notes = [f"{missing:,} contracts without a value in both markets left out"] if missing else []
    return _explained(before, first, last.price(), moves, spots, cash, notes)


def explain_move(
    portfolio: Portfolio, *, spot: float = 0.0, vol: float = 0.0, days: float = 0.0, rate: float = 0.0
) -> Table:
    """The P&L of a move that is thought of, explained.

    Args:
        portfolio: the book in its market.
        spot: change of every spot as a share of itself, after the dividends of those days have gone ex.
        vol: change of every volatility as a share of itself.
        days: that pass.
        rate: change of every rate (0.01 is one per cent).

    Returns:
        As `explain`.

    Raises:
        InputError: a move that is no number, or beyond −100 %.
    """
    for name, value in (("spot", spot), ("vol", vol)):
        if not -1.0 < value < np.inf:
            raise InputError(
                f"[risk.explain_move] {name} is {value!r}; it must be a change as a decimal above -1"
            )
    if not (0.0 <= days < np.inf and math.isfinite(rate)):
        raise InputError(
            f"[risk.explain_move] days is {days!r} and rate {rate!r}; give finite numbers, days from 0"
        )
    first = portfolio.options
    years = days / 365
    aged = first.after(years)
    last = replace(aged, spot=aged.spot * (1 + spot), vol=aged.vol * (1 + vol), rate=aged.rate + rate)
    ones = np.ones(len(first))
    moves = _Moves(
        last.spot - first.spot,
        last.vol - first.vol,
        ones * years,
        ones * rate,
        0.0 * ones,
        first.paid_within(years),
        0.0 * ones,
    )
    cash = np.array([_paid_by(portfolio, u, years) for u in range(len(portfolio.underlyings))])
    spots = portfolio.market.spots
    return _explained(portfolio, first, last.price(), moves, (spots - cash) * (1 + spot) - spots, cash, [])


def _explained(
    portfolio: Portfolio,
    options: Options,
    after: Floats,
    moves: _Moves,
    spots: Floats,
    cash: Floats,
    notes: list[str],
) -> Table:
    """The rows, from (M,) values after and the (U,) moves and dividends of shares."""
    greeks = options.greeks()
    step = _VOL_STEP * options.vol
    up, down = options.greeks(vol=options.vol + step), options.greeks(vol=options.vol - step)
    vanna, vomma = (up.delta - down.delta) / (2 * step), (up.vega - down.vega) / (2 * step)
    held = moves.spot + moves.paid  # of who holds the share and its dividend
    by_option = {
        "delta": greeks.delta * moves.spot,
        "gamma": greeks.gamma * held * held / 2,
        "vega": greeks.vega * moves.vol,
        "vanna": vanna * held * moves.vol,
        "vomma": vomma * moves.vol * moves.vol / 2,
        "theta": greeks.theta * moves.years,
        "rho": greeks.rho * moves.rate + greeks.phi * moves.carry,
        "dividend": greeks.delta * moves.paid + moves.forecast,
    }
    count = len(portfolio.underlyings)
    sums: dict[str, Floats] = {
        name: np.bincount(options.underlying, column * options.weight, minlength=count).astype(np.float64)
        for name, column in by_option.items()
    }
    held_shares = np.where(portfolio.shares == 0, 0.0, portfolio.shares)
    sums["delta"] = sums["delta"] + held_shares * np.nan_to_num(spots)
    sums["dividend"] = sums["dividend"] + held_shares * cash
    value = np.bincount(options.underlying, greeks.price * options.weight, minlength=count)
    later = np.bincount(options.underlying, after * options.weight, minlength=count)
    stock = held_shares * np.nan_to_num(portfolio.market.spots)
    pnl = later - value + held_shares * (np.nan_to_num(spots) + cash)
    rows = [[sums[name][u] for name in sums] for u in range(count)]
    rows.append([math.fsum(column) for column in zip(*rows, strict=True)] if rows else [0.0] * len(sums))
    whole = [*pnl.tolist(), math.fsum(pnl.tolist())]
    residual = [
        math.fsum([total, *(-part for part in parts)]) for total, parts in zip(whole, rows, strict=True)
    ]
    columns = np.array(rows).T
    befores = (value + stock).tolist()
    afters = (later + stock + held_shares * np.nan_to_num(spots)).tolist()
    return Table(
        {
            "underlying": np.array([*portfolio.underlyings, "total"], dtype=object),
            **dict(zip(sums, columns, strict=True)),
            "residual": np.array(residual),
            "pnl": np.array(whole),
            "before": np.array([*befores, math.fsum(befores)]),
            "after": np.array([*afters, math.fsum(afters)]),
        },
        notes=(*portfolio.notes, *notes),
    )


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


def _paid_by(portfolio: Portfolio, underlying: int, years: float) -> float:
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
