"""The simulated market as a feed: the same seed gives the same events. Main entry: `SimulatorFeed`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.simulator.simulation import simulate_chain
from atalanta.market.simulator.ticks import simulate_ticks
from atalanta.streaming.feeds.pacing import paced, require_speed
from atalanta.streaming.records import EVENT
from atalanta.streaming.universe import Universe

__all__ = ["SimulatorFeed"]

Events = npt.NDArray[np.void]


class SimulatorFeed:
    """Synthetic ticks on a synthetic market; tickers and prices are invented.

    Args:
        seed: of the market and its ticks.
        seconds: of market time, up to one session.
        rate: ticks expected a second.
        speed: 1 for the market's own pace, N for N times as fast, None for as fast as possible.
        universe: of the market, where it is there already (`SimulatorFeed.universe` makes one).

    Raises:
        InputError: an argument out of range.
    """

    def __init__(
        self, *, seed: int = 7, seconds: float = 10.0, rate: float = 20_000.0, speed: float | None = 1.0
    ) -> None:
        self.speed = require_speed(speed, "streaming.SimulatorFeed")
        self._market = simulate_chain(seed=seed)
        self._ticks = simulate_ticks(self._market, seconds=seconds, rate=rate, seed=seed).ticks
        self._seed, self._next = seed, 0
        self._events: Events | None = None

    @property
    def name(self) -> str:
        """Says that it is synthetic."""
        return f"simulated market, seed {self._seed}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What is invented."""
        return self._market.chain.notes

    def universe(self) -> Universe:
        """The market's instruments, with what its quotes imply of forwards and volatilities."""
        market = self._market
        names, spots = market.underlyings["underlying"], market.underlyings["spot"]
        borrow = dict(zip(names.tolist(), market.underlyings["borrow"].tolist(), strict=True))
        return Universe.from_chain(
            market.chain,
            spots=dict(zip(names.tolist(), spots.tolist(), strict=True)),
            dividends=market.dividends,
            borrow=borrow,
        )

    async def connect(self) -> None:
        """Nothing to do."""

    async def subscribe(self, universe: Universe) -> None:
        """Keys become those of this universe; what it does not have is left out."""
        ticks, market = self._ticks, self._market
        unknown = (1 << 32) - 1
        of_underlying = universe.keys(market.underlyings["underlying"], unknown=unknown)
        of_contract = universe.keys(market.chain["symbol"], unknown=unknown)
        is_option, row = ticks["kind"] == 1, ticks["row"]
        events = np.zeros(len(ticks), dtype=EVENT)
        events["key"] = np.where(
            is_option, of_contract[np.where(is_option, row, 0)], of_underlying[np.where(is_option, 0, row)]
        )
        quote_time = int(market.chain["quote_time"][0].astype("M8[ns]").astype(np.int64))
        events["time_ns"] = quote_time + ticks["time_ns"]
        for name in ("bid", "ask", "bid_size", "ask_size"):
            events[name] = ticks[name]
        events["sides"] = 3
        self._events = events[events["key"] != unknown]

    async def resume(self, after: Mapping[int, int]) -> None:
        """Goes on behind the last batch that was given out."""
        del after

    async def __aiter__(self) -> AsyncIterator[Events]:
        if self._events is None:
            raise InputError("[streaming.SimulatorFeed] subscribe(universe) comes before the iteration")
        left = self._events[self._next :]
        for batch in paced(left, left["time_ns"].copy(), self.speed):
            self._next += len(batch)
            yield batch

    async def close(self) -> None:
        """Nothing to do."""
