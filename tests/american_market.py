"""A noiseless American market for tests: quotes whose mids are American values of a known spot, carry and smile."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from atalanta.market.chain import Chain
from atalanta.market.contracts.calendar import years_between
from atalanta.market.contracts.sessions import opens
from atalanta.pricing import Dividends, price
from tests.parity_market import QUOTE_TIME, joined

DIVIDENDS = (("2026-03-16", 0.8), ("2026-06-15", 0.8))


class Stock(NamedTuple):
    """What is true of an underlying: spot, rate, borrow cost, (ex-date, cash) pairs, volatility at the spot, skew."""

    spot: float = 100.0
    rate: float = 0.04
    borrow: float = 0.0
    dividends: tuple[tuple[str, float], ...] = DIVIDENDS
    vol: float = 0.25
    skew: float = -0.1
    name: str = "XYZ"

    def smile(self, strike):
        """Volatility by strike: linear in log moneyness, the same for calls and puts."""
        return self.vol + self.skew * np.log(strike / self.spot)

    def calendar(self):
        """The dividends as `analyze` takes them."""
        return {self.name: list(self.dividends)}

    def schedule(self):
        """The dividends as the kernels take them: (years, cash) of those ahead."""
        days = np.array([day for day, _ in self.dividends], dtype="M8[D]")
        years = years_between(QUOTE_TIME, opens(days))
        return [
            (time, cash) for time, (_, cash) in zip(years.tolist(), self.dividends, strict=True) if time > 0
        ]

    def forward(self, years: float) -> float:
        """The forward under the spot model."""
        growth = self.rate - self.borrow
        paid = sum(cash * np.exp(-growth * time) for time, cash in self.schedule() if time < years)
        return float((self.spot - paid) * np.exp(growth * years))


def american_chain(
    stock: Stock, *days: float, strikes=None, half=0.01, exercise="american", tolerance="precise"
) -> Chain:
    """A call and a put per strike and expiry, mids at their values, quoted `half` either side.

    Strikes are 21 from 80 % to 120 % of the spot unless given.
    """
    return joined(*(_one(stock, each, strikes, half, exercise, tolerance) for each in days))


def _one(stock: Stock, days: float, strikes, half: float, exercise: str, tolerance) -> Chain:
    strikes = stock.spot * np.linspace(0.8, 1.2, 21) if strikes is None else np.asarray(strikes, float)
    strike, right = np.repeat(strikes, 2), np.tile(np.array([1, -1], dtype=np.int8), len(strikes))
    size, years = len(strike), days / 365
    schedule = stock.schedule()
    value = price(
        right,
        stock.spot,
        strike,
        years,
        stock.rate,
        stock.smile(strike),
        dividend_yield=stock.borrow,
        exercise=exercise,
        dividends=Dividends([schedule]) if schedule else None,
        tolerance=tolerance,
    )
    expires_at = QUOTE_TIME.astype("M8[s]") + np.timedelta64(round(86_400 * days), "s")

    def same(text: str):
        return np.full(size, text, dtype=object)

    return Chain(
        {
            "underlying": same(stock.name),
            "root": same(stock.name),
            "symbol": np.array(
                [f"{stock.name}{days}{r:+d}{k:g}" for r, k in zip(right, strike, strict=True)], object
            ),
            "quote_time": np.full(size, QUOTE_TIME),
            "expiry": np.full(size, expires_at.astype("M8[D]")),
            "expires_at": np.full(size, expires_at),
            "settlement": same("PM"),
            "right": right,
            "strike": strike,
            "bid": value - half,
            "ask": value + half,
            "spot": np.full(size, stock.spot),
            "exercise": same(exercise),
            "multiplier": np.full(size, 100.0),
            "years": np.full(size, years),
            "flags": np.zeros(size, dtype=np.uint32),
        }
    )
