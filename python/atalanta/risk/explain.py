"""Profit and loss explained: by how much delta, gamma, vega, time, rates and dividends made it.

Main entries: `explain` for one book in two markets, `explain_move` for a move that is thought of.

The parts are the terms of a Taylor series at the market before, volatility to second order too; the residual is what they
leave, so that all sum to the whole.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.table import Table
from atalanta.risk.market_moves import Moves, compare, paid_by
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
    seen = compare(before, after)
    return _explained(before, seen.first, seen.last.price(), seen.moves, seen.spots, seen.cash, seen.notes)


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
    moves = Moves(
        last.spot - first.spot,
        last.vol - first.vol,
        ones * years,
        ones * rate,
        0.0 * ones,
        first.paid_within(years),
        0.0 * ones,
    )
    cash = np.array([paid_by(portfolio, u, years) for u in range(len(portfolio.underlyings))])
    spots = portfolio.market.spots
    return _explained(portfolio, first, last.price(), moves, (spots - cash) * (1 + spot) - spots, cash, ())


def _explained(
    portfolio: Portfolio,
    options: Options,
    after: Floats,
    moves: Moves,
    spots: Floats,
    cash: Floats,
    notes: tuple[str, ...],
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
