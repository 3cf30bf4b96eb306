"""A noiseless market for tests: quotes whose mids are Black-Scholes values of a known forward, discount and smile."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from atalanta.market.chain import Chain
from atalanta.pricing import price

QUOTE_TIME = np.datetime64("2026-03-02T15:00", "ns")


class Expiry(NamedTuple):
    """What is true of one expiry: `days` to it, forward, discount and the volatility at the forward."""

    days: int
    forward: float
    discount: float
    vol: float = 0.2
    root: str = "SPXW"

    @property
    def years(self) -> float:
        """ACT/365."""
        return self.days / 365


def smile(expiry: Expiry, strike):
    """The true volatility: linear in log moneyness."""
    return expiry.vol - 0.1 * np.log(strike / expiry.forward)


def parity_chain(*expiries: Expiry, strikes=None, exercise="european", spot=4500.0, **columns) -> Chain:
    """A call and a put per strike and expiry, quoted 2 % either side of their true value.

    `columns` replace whole columns; strikes are 21 from 80 % to 120 % of the forward unless given.
    """
    return joined(*(_one(each, strikes, exercise, spot) for each in expiries)).with_columns(**columns)


def joined(*chains: Chain) -> Chain:
    """Chains put below each other."""
    return Chain({name: np.concatenate([chain[name] for chain in chains]) for name in chains[0]})


def changed(chain: Chain, name: str, rows, value) -> Chain:
    """The chain with some values of one column replaced."""
    column = chain[name].copy()
    column[rows] = value
    return chain.with_columns(**{name: column})


def _one(expiry: Expiry, strikes, exercise: str, spot: float) -> Chain:
    strikes = expiry.forward * np.linspace(0.8, 1.2, 21) if strikes is None else np.asarray(strikes, float)
    strike, right = np.repeat(strikes, 2), np.tile([1, -1], len(strikes))
    rate = -np.log(expiry.discount) / expiry.years
    spot_now = expiry.forward * expiry.discount
    value = price(right, spot_now, strike, expiry.years, rate, smile(expiry, strike))
    expires_at = QUOTE_TIME.astype("M8[s]") + np.timedelta64(expiry.days, "D")
    size = len(strike)

    def same(text: str):
        return np.full(size, text, dtype=object)

    return Chain(
        {
            "underlying": same("SPX"),
            "root": same(expiry.root),
            "symbol": np.array(
                [f"{expiry.root}{expiry.days}{r:+d}{k:.6f}" for r, k in zip(right, strike, strict=True)],
                object,
            ),
            "quote_time": np.full(size, QUOTE_TIME),
            "expiry": np.full(size, expires_at.astype("M8[D]")),
            "expires_at": np.full(size, expires_at),
            "settlement": same("PM"),
            "right": right,
            "strike": strike,
            "bid": 0.98 * value,
            "ask": 1.02 * value,
            "spot": np.full(size, spot),
            "exercise": same(exercise),
            "multiplier": np.full(size, 100.0),
            "years": np.full(size, expiry.years),
            "flags": np.zeros(size, np.uint32),
        }
    )
