"""A small universe for the tests of streams, and events in it."""

import numpy as np

from atalanta.streaming import Universe

EPOCH = np.datetime64("2026-01-14T15:00", "ns")
START = int(EPOCH.astype(np.int64))
YEARS = 30.0 / 365.0


def universe(exercise="european", contracts=6, vol=0.2):
    """One underlying XYZ at 100, calls and puts around it that expire in 30 days."""
    place = np.arange(contracts)
    return Universe(
        {"XYZ": 100.0},
        {
            "symbol": np.array([f"XYZ{i}" for i in place], dtype=object),
            "underlying": np.full(contracts, "XYZ", dtype=object),
            "expires_at": np.full(contracts, EPOCH + np.timedelta64(30, "D")),
            "exercise": np.full(contracts, exercise, dtype=object),
            "right": np.where(place % 2 == 0, 1, -1).astype(np.int8),
            "strike": 95.0 + 2.0 * place,
            "multiplier": np.full(contracts, 100.0),
            "vol": np.full(contracts, vol),
            "rate": np.full(contracts, 0.03),
            "dividend_yield": np.full(contracts, 0.01),
        },
    )


def key_row(market, symbol):
    """Row of a contract in the universe's own order."""
    return market.key(symbol) - len(market.tickers)
