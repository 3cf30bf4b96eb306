"""Seeded American options, with a yield or with cash dividends. Main entries: the `*_rows` and `*_quotes` functions.

Times are whole days of 1/365 year, because other libraries know dates only. Prices are NaN but for the quotes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import pricing
from atalanta.benchmarking.workloads import Floats, Rows
from atalanta.pricing.valuation import Tolerance

__all__ = [
    "CHAIN",
    "ListedRows",
    "Schedule",
    "american_price",
    "chain_quotes",
    "chain_rows",
    "contract",
    "evenly",
    "grid_quotes",
    "grid_rows",
    "irregular_rows",
    "terms",
]

#: Entries of (years to the ex-date, cash per share), the first date first.
Schedule = tuple[tuple[float, float], ...]

_SEED = 7
_YEAR = 365

#: The grid of Andersen, Lake and Offengenden (2016), strike 100.
_GRID = {
    "spot": (25.0, 50.0, 80.0, 90.0, 100.0, 110.0, 120.0, 150.0, 175.0, 200.0),
    "years": tuple(days / _YEAR for days in (30, 91, 182, 273, 365)),
    "rate": (0.02, 0.04, 0.06, 0.08, 0.10),
    "dividend_yield": (0.0, 0.04, 0.08, 0.12),
    "vol": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
}

#: The chain: spot, rate, days to its expiries, to the first ex-date and between them, cash, strikes of an expiry.
_SPOT, _RATE = 100.0, 0.04
_EXPIRIES, _FIRST, _EVERY, _CASH, _STRIKES = (37, 91, 183, 365, 730), 30, 91, 0.6, 16

#: Rows of one chain.
CHAIN = 2 * _STRIKES * len(_EXPIRIES)

#: A quote tells a volatility where it is this much of the strike above what exercise now or at expiry is worth.
_WORTH = 1e-3


@dataclass(frozen=True, eq=False)
class ListedRows(Rows):
    """N American options: the columns of `Rows`, and for each row its schedule of cash dividends or -1."""

    schedules: tuple[Schedule, ...] = ()
    schedule_of: npt.NDArray[np.int32] | None = None

    def take(self, index: Any) -> ListedRows:
        """The rows of an index, a mask or a slice."""
        taken: dict[str, Any] = {
            column.name: np.ascontiguousarray(getattr(self, column.name)[index]) for column in fields(Rows)
        }
        of = None if self.schedule_of is None else np.ascontiguousarray(self.schedule_of[index])
        return replace(self, **taken, schedule_of=of)

    def some(self, count: int) -> ListedRows:
        """At most so many rows, those of `evenly`."""
        return self.take(evenly(len(self), count))

    def schedule(self, row: int) -> Schedule:
        """The entries that count for a row: those before its expiry."""
        if self.schedule_of is None or self.schedule_of[row] < 0:
            return ()
        return tuple(entry for entry in self.schedules[self.schedule_of[row]] if entry[0] < self.years[row])


def evenly(total: int, count: int) -> npt.NDArray[np.intp]:
    """At most `count` places among `total`, evenly spaced, the first always among them."""
    return np.linspace(0, total, min(count, total), endpoint=False).astype(np.intp)


def contract(rows: Rows) -> tuple[Any, Any, Any, Any, Any]:
    """The columns between price and volatility, as the functions of `atalanta` want them."""
    return rows.right, rows.spot, rows.strike, rows.years, rows.rate


def terms(rows: ListedRows) -> dict[str, Any]:
    """What makes the rows American options, by keyword."""
    cash = None if rows.schedule_of is None else pricing.Dividends(rows.schedules, of=rows.schedule_of)
    return {"dividend_yield": rows.dividend_yield, "exercise": "american", "dividends": cash}


def american_price(rows: ListedRows, vol: Floats, tolerance: Tolerance = "standard") -> Floats:
    """(N,) Atalanta's prices."""
    return np.asarray(pricing.price(*contract(rows), vol, tolerance=tolerance, **terms(rows)))


def grid_rows(count: int, seed: int = _SEED) -> ListedRows:
    """Puts and calls drawn from the grid of Andersen, Lake and Offengenden: strike 100, a month to a year."""
    random = np.random.default_rng(seed)
    return _rows(
        right=np.where(random.random(count) < 0.5, 1, -1),
        strike=np.full(count, 100.0),
        **{name: random.choice(values, count) for name, values in _GRID.items()},
    )


def chain_rows(count: int) -> ListedRows:
    """Whole chains, one underlying after another: 5 expiries, 16 strikes, puts and calls, a dividend each quarter.

    Spot 100, rate 4 %, 0.6 a quarter from day 30 on, a smile about 25 %; further underlyings are the same chain at
    another price of the share.
    """
    one = _one_chain()
    number = -(-count // CHAIN)
    scale = np.linspace(1.0, 2.0, number, endpoint=False)
    repeated: dict[str, Any] = {
        column.name: np.tile(getattr(one, column.name), number) for column in fields(Rows)
    }
    for name in ("spot", "strike"):
        repeated[name] *= np.repeat(scale, CHAIN)
    schedules = tuple(
        tuple((years, cash * size) for years, cash in one.schedules[0]) for size in scale.tolist()
    )
    of = np.repeat(np.arange(number, dtype=np.int32), CHAIN)
    return ListedRows(**repeated, schedules=schedules, schedule_of=of).take(slice(count))


def irregular_rows(count: int, seed: int = _SEED) -> ListedRows:
    """Every row its own 1 to 8 dividends of 0.1 to 3 at any day, vol 10 to 80 % with vol x sqrt(years) below 1.2.

    Spot 100, a week to three years, strikes within two standard deviations, rates to 8 %.
    """
    random = np.random.default_rng(seed)
    days = np.exp(random.uniform(np.log(9), np.log(3 * _YEAR), count)).astype(int)
    years = days / _YEAR
    vol = np.minimum(random.uniform(0.1, 0.8, count), 1.19 / np.sqrt(years))
    rows = _rows(
        right=np.where(random.random(count) < 0.5, 1, -1),
        spot=np.full(count, 100.0),
        strike=100.0 * np.exp(random.uniform(-2.0, 2.0, count) * vol * np.sqrt(years)),
        years=years,
        rate=random.uniform(0.0, 0.08, count),
        dividend_yield=np.zeros(count),
        vol=vol,
    )
    schedules = tuple(_irregular_schedule(random, int(last)) for last in days)
    return replace(rows, schedules=schedules, schedule_of=np.arange(count, dtype=np.int32))


def grid_quotes(count: int, seed: int = _SEED) -> ListedRows:
    """The rows of `grid_rows` whose price tells their volatility, repeated to the count, with that price."""
    return _quoted(grid_rows(max(count, 100), seed), count)


def chain_quotes(count: int) -> ListedRows:
    """The rows of `chain_rows` whose price tells their volatility, repeated to the count, with that price."""
    return _quoted(chain_rows(max(count, CHAIN)), count)


def _quoted(rows: ListedRows, count: int) -> ListedRows:
    price = american_price(rows, rows.vol)
    exercised = rows.right * (rows.spot - rows.strike)
    paid_later = rows.strike * np.exp(-rows.rate * rows.years)
    held = rows.right * (rows.spot * np.exp(-rows.dividend_yield * rows.years) - paid_later)
    least = np.maximum(np.maximum(exercised, held), 0.0)
    telling = np.flatnonzero(price > least + _WORTH * rows.strike)
    return replace(rows, price=price).take(np.resize(telling, count))


def _one_chain() -> ListedRows:
    widths = np.linspace(-1.8, 1.8, _STRIKES)
    days = np.repeat(_EXPIRIES, 2 * _STRIKES)
    count, years = len(days), days / _YEAR
    width = np.tile(np.repeat(widths, 2), len(_EXPIRIES))
    strike = np.round(_SPOT * np.exp(0.25 * width * np.sqrt(years)), 2)
    rows = _rows(
        right=np.tile((-1, 1), count // 2),
        spot=np.full(count, _SPOT),
        strike=strike,
        years=years,
        rate=np.full(count, _RATE),
        dividend_yield=np.zeros(count),
        vol=0.25 - 0.0075 * width + 0.005 * width**2,
    )
    dates = range(_FIRST, max(_EXPIRIES), _EVERY)
    schedule = tuple((day / _YEAR, _CASH) for day in dates)
    return replace(rows, schedules=(schedule,), schedule_of=np.zeros(count, dtype=np.int32))


def _irregular_schedule(random: np.random.Generator, last: int) -> Schedule:
    number = min(int(random.integers(1, 9)), last - 1)
    days = np.sort(random.choice(np.arange(1, last), number, replace=False))
    return tuple((day / _YEAR, cash) for day, cash in zip(days.tolist(), _cash(random, number), strict=True))


def _cash(random: np.random.Generator, number: int) -> Sequence[float]:
    return [float(cash) for cash in random.uniform(0.1, 3.0, number)]


def _rows(*, right: npt.NDArray[Any], **columns: Floats) -> ListedRows:
    made: dict[str, Any] = {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
    return ListedRows(right=right.astype(np.int8), price=np.full(len(right), np.nan), **made)
