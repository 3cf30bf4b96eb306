"""Seeded inputs: columns of contracts as every contender gets them. Main entries: the `*_rows` functions.

The same count and seed give the same rows; every row has a price that its volatility explains.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import pricing

__all__ = ["ONE_OPTION", "Rows", "market_rows", "quoted_rows", "tail_rows"]

Floats = npt.NDArray[np.float64]

_SEED = 7

#: The contract of the one-option calls: right, spot, strike, years, rate.
ONE_OPTION = ("call", 100.0, 105.0, 0.5, 0.03)


@dataclass(frozen=True, eq=False)
class Rows:
    """N European options, one column per field; names and units are those of `atalanta.price`."""

    right: npt.NDArray[np.int8]
    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats
    vol: Floats
    price: Floats

    def __len__(self) -> int:
        return len(self.spot)

    def take(self, index: Any) -> Rows:
        """The rows of an index, a mask or a slice."""
        return Rows(*(np.ascontiguousarray(getattr(self, column.name)[index]) for column in fields(self)))

    @property
    def is_call(self) -> npt.NDArray[np.bool_]:
        """(N,) True for calls."""
        return self.right > 0

    @property
    def letters(self) -> npt.NDArray[np.str_]:
        """(N,) 'c' or 'p'."""
        return np.where(self.is_call, "c", "p")

    @property
    def forward(self) -> Floats:
        """(N,) forward price."""
        return np.asarray(self.spot * np.exp((self.rate - self.dividend_yield) * self.years))

    @property
    def undiscounted_price(self) -> Floats:
        """(N,) price at expiry money, as Black's formula has it."""
        return np.asarray(self.price * np.exp(self.rate * self.years))


def market_rows(count: int, seed: int = _SEED) -> Rows:
    """Contracts as a market has them: strikes within 40 % of the spot, a week to two years, vol 8 to 80 %."""
    random = np.random.default_rng(seed)
    spot = random.uniform(80.0, 120.0, count)
    return _priced(
        right=np.where(random.random(count) < 0.5, 1, -1),
        spot=spot,
        strike=spot * np.exp(random.uniform(-0.4, 0.4, count)),
        years=random.uniform(0.02, 2.0, count),
        rate=random.uniform(0.0, 0.08, count),
        dividend_yield=random.uniform(0.0, 0.05, count),
        vol=random.uniform(0.08, 0.8, count),
    )


def quoted_rows(count: int, seed: int = _SEED) -> Rows:
    """The out-of-the-money side of `market_rows`, repeated without those worth less than 1e-9 of the spot."""
    rows = market_rows(max(count, 100), seed)
    columns = {column.name: getattr(rows, column.name) for column in fields(rows) if column.name != "price"}
    rows = _priced(**{**columns, "right": np.where(rows.strike >= rows.forward, 1, -1)})
    return rows.take(np.resize(np.flatnonzero(rows.price > 1e-9 * rows.spot), count))


def tail_rows(count: int, seed: int = _SEED) -> Rows:
    """Contracts 6 to 34 standard deviations out of the money, worth down to 1e-290."""
    random, drawn = np.random.default_rng(seed), max(count, 100)
    years, rate = random.uniform(0.5, 1.5, drawn), random.uniform(0.0, 0.08, drawn)
    dividend_yield, right = random.uniform(0.0, 0.05, drawn), np.where(random.random(drawn) < 0.5, 1, -1)
    deviation = 10 ** random.uniform(-1.5, 0.2, drawn)
    distance = random.uniform(6.0, 34.0, drawn)
    rows = _priced(
        right=right,
        spot=np.full(drawn, 100.0),
        strike=100.0 * np.exp((rate - dividend_yield) * years + right * distance * deviation),
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        vol=deviation / np.sqrt(years),
    )
    return rows.take(np.resize(np.flatnonzero(rows.price > 1e-290), count))


def _priced(*, right: npt.NDArray[Any], **columns: Floats) -> Rows:
    signs = right.astype(np.int8)
    rows = Rows(right=signs, price=np.empty(0), **columns)
    price = pricing.price(
        signs,
        rows.spot,
        rows.strike,
        rows.years,
        rows.rate,
        rows.vol,
        dividend_yield=rows.dividend_yield,
    )
    return Rows(right=signs, price=price, **columns)
