"""Markets and events that the engine is measured with; all synthetic. Main entries: `ticks_only`, `book_of_eights`, `one_expiry`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.streaming.settings import StreamSettings
from atalanta.streaming.universe import Universe

__all__ = ["DAY_NS", "book_of_eights", "many_quotes", "one_expiry", "ticks", "ticks_only", "unbounded"]

Events = npt.NDArray[np.void]

DAY_NS = 86_400_000_000_000
_EPOCH = np.datetime64("2026-01-14T15:00", "ns")
START_NS = int(_EPOCH.astype(np.int64))
_SPOT = 100.0


def ticks_only(underlyings: int = 64) -> Universe:
    """Underlyings without contracts: the market-data stage has all the work."""
    return Universe({f"U{i}": _SPOT for i in range(underlyings)})


def book_of_eights(underlyings: int = 128, contracts: int = 8) -> Universe:
    """European contracts, so many around each underlying."""
    return _listed(underlyings, contracts, "european", {})


def one_expiry(contracts: int = 200) -> Universe:
    """One expiry of American contracts, with a dividend on the way."""
    return _listed(1, contracts, "american", {"U0": [(_EPOCH + np.timedelta64(10, "D"), 0.5)]})


def _listed(underlyings: int, contracts: int, exercise: str, dividends: dict[str, Any]) -> Universe:
    names = [f"U{i}" for i in range(underlyings)]
    count = underlyings * contracts
    place = np.tile(np.arange(contracts), underlyings)
    strike = np.round(_SPOT * (0.85 + 0.3 * (place // 2) / max(1, contracts // 2)), 2)
    right = np.where(place % 2 == 0, 1, -1)
    owner = np.repeat(names, contracts)
    table = {
        "symbol": np.array(
            [f"{n}-{s:g}-{r:+d}-{p}" for n, s, r, p in zip(owner, strike, right, place, strict=True)],
            dtype=object,
        ),
        "underlying": owner.astype(object),
        "expires_at": np.full(count, _EPOCH + np.timedelta64(30, "D")),
        "exercise": np.full(count, exercise, dtype=object),
        "right": right.astype(np.int8),
        "strike": strike,
        "multiplier": np.full(count, 100.0),
        "vol": np.full(count, 0.25),
        "rate": np.full(count, 0.04),
        "dividend_yield": np.zeros(count),
    }
    return Universe(dict.fromkeys(names, _SPOT), table, dividends)


def ticks(universe: Universe, count: int, seed: int = 1, step: float = 2e-5) -> Events:
    """Quotes of the underlyings in turn, each price a random walk; no sequence numbers."""
    rng = np.random.Generator(np.random.PCG64(seed))
    underlyings = len(universe.tickers)
    key = np.arange(count) % underlyings
    path = np.cumsum(rng.choice([-1.0, 1.0], size=(-(-count // underlyings), underlyings)) * step, axis=0)
    spot = (_SPOT * np.exp(path)).ravel()[:count]
    made: Events = universe.events(key, spot - 0.01, spot + 0.01, time_ns=START_NS)
    return made


def many_quotes(universe: Universe, count: int, seed: int = 1) -> Events:
    """Quotes of contracts at random, around what they are worth at the volatility to begin with."""
    from atalanta.pricing import price

    rng = np.random.Generator(np.random.PCG64(seed))
    table = universe.contracts
    row = rng.integers(0, len(table), count)
    worth = price(table["right"], _SPOT, table["strike"], 30 / 365, 0.04, 0.25)[row]
    half = 0.01 + 0.01 * worth
    made: Events = universe.events(
        len(universe.tickers) + row,
        np.maximum(worth - half, 0.01),
        worth + half,
        time_ns=START_NS,
    )
    return made


def unbounded(**changes: Any) -> StreamSettings:
    """Settings under which nothing is conflated: what is measured is the work of every event."""
    return StreamSettings(conflation="never", **changes)
