"""Bad quotes put into the simulated market on purpose, at known rates, one kind per row.

`inject_defects` is the entry; it rewrites the quotes in place and returns the kind of each row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atalanta.market.simulator.contracts import TrueRows
from atalanta.market.simulator.quotes import round_down, round_up, two_sided

__all__ = ["DEFECT_RATES", "Quotes", "inject_defects"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

#: Fraction of the listed contracts with each kind of bad quote. Rows left over from an expiry that has
#: passed are `expired`; their number follows from the listing.
DEFECT_RATES: dict[str, float] = {
    "above_bound": 0.002,
    "below_intrinsic": 0.004,
    "crossed": 0.004,
    "locked": 0.004,
    "no_bid": 0.005,
    "stale": 0.005,
    "wide": 0.006,
    "duplicate": 0.002,
}

_LEAST_BID = 0.20  # a defect is put where there was a real quote to spoil
_STALE_SECONDS = (1_800.0, 7_200.0)
_STALE_MOVE = (0.002, 0.008)  # how far the forward has moved since


@dataclass(slots=True)
class Quotes:
    """What the market shows: (N,) columns that defects may rewrite."""

    bid: Floats
    ask: Floats
    bid_size: npt.NDArray[np.int64]
    ask_size: npt.NDArray[np.int64]
    age: Floats  # seconds since the quote was last confirmed


def inject_defects(quotes: Quotes, true: TrueRows, rng: np.random.Generator) -> npt.NDArray[np.object_]:
    """Spoil the quotes of randomly chosen rows.

    Args:
        quotes: rewritten in place.
        true: the same N contracts.
        rng: draws which rows, and how stale a stale quote is.

    Returns:
        (N,) kind per row, "" where the quote is sound. `duplicate` marks rows to be listed twice.
    """
    listed = len(true.vol)
    kind = np.full(listed, "", dtype=object)
    priority, draw = rng.random((2, listed))
    free = (true.contracts.years > 0.0) & (quotes.bid >= _LEAST_BID)
    kind[true.contracts.years <= 0.0] = "expired"
    for name, rate in DEFECT_RATES.items():
        rows = np.flatnonzero(free & _ELIGIBLE.get(name, _any_row)(true))
        rows = rows[np.argsort(priority[rows], kind="stable")[: round(rate * listed)]]
        _SPOIL[name](quotes, true, rows, draw[rows])
        kind[rows] = name
        free[rows] = False
    return kind


def _any_row(true: TrueRows) -> npt.NDArray[np.bool_]:
    return np.ones(len(true.vol), dtype=bool)


def _deep_in_the_money(true: TrueRows) -> npt.NDArray[np.bool_]:
    return np.asarray(true.intrinsic > 0.03 * true.contracts.forward)


def _out_of_the_money(true: TrueRows) -> npt.NDArray[np.bool_]:
    return np.asarray(true.intrinsic == 0.0)


def _crossed(quotes: Quotes, _true: TrueRows, rows: Rows, _draw: Floats) -> None:
    quotes.bid[rows], quotes.ask[rows] = quotes.ask[rows], quotes.bid[rows]


def _locked(quotes: Quotes, _true: TrueRows, rows: Rows, _draw: Floats) -> None:
    quotes.ask[rows] = quotes.bid[rows]


def _no_bid(quotes: Quotes, _true: TrueRows, rows: Rows, draw: Floats) -> None:
    quotes.bid[rows] = np.where(draw < 0.5, 0.0, np.nan)  # feeds write an absent side both ways
    quotes.bid_size[rows] = 0


def _wide(quotes: Quotes, true: TrueRows, rows: Rows, _draw: Floats) -> None:
    quotes.bid[rows] = round_down(0.25 * true.price[rows], true.ticks.take(rows))
    quotes.ask[rows] = round_up(3.0 * true.price[rows], true.ticks.take(rows))


def _below_intrinsic(quotes: Quotes, true: TrueRows, rows: Rows, _draw: Floats) -> None:
    quotes.bid[rows] = round_down(0.86 * true.intrinsic[rows], true.ticks.take(rows))
    quotes.ask[rows] = round_up(0.90 * true.intrinsic[rows], true.ticks.take(rows))


def _above_bound(quotes: Quotes, true: TrueRows, rows: Rows, _draw: Floats) -> None:
    quotes.bid[rows] = round_up(1.02 * true.bound[rows], true.ticks.take(rows))
    quotes.ask[rows] = round_up(1.04 * true.bound[rows], true.ticks.take(rows))


def _stale(quotes: Quotes, true: TrueRows, rows: Rows, draw: Floats) -> None:
    quotes.age[rows] = _STALE_SECONDS[0] + (_STALE_SECONDS[1] - _STALE_SECONDS[0]) * draw
    move = _STALE_MOVE[0] + (_STALE_MOVE[1] - _STALE_MOVE[0]) * draw
    then = true.priced_at(1.0 + np.where(draw < 0.5, move, -move), rows)
    quotes.bid[rows], quotes.ask[rows] = two_sided(then, true.half[rows], draw, true.ticks.take(rows))


def _duplicate(_quotes: Quotes, _true: TrueRows, _rows: Rows, _draw: Floats) -> None:
    """The row is listed twice when the chain is put together; its quote is sound."""


_ELIGIBLE: dict[str, Callable[[TrueRows], npt.NDArray[np.bool_]]] = {
    "below_intrinsic": _deep_in_the_money,
    "wide": _out_of_the_money,
}

_SPOIL: dict[str, Callable[[Quotes, TrueRows, Rows, Floats], None]] = {
    "above_bound": _above_bound,
    "below_intrinsic": _below_intrinsic,
    "crossed": _crossed,
    "locked": _locked,
    "no_bid": _no_bid,
    "stale": _stale,
    "wide": _wide,
    "duplicate": _duplicate,
}
