"""A stream that runs for long: does its memory grow, does a wake-up get lost, does the account stay exact?

    python benchmarks/soak_stream.py MINUTES [EVENTS_A_SECOND]

Bursts every ten milliseconds on a hybrid stream, which parks between them, with a consumer that waits for every batch, a
processor, American contracts that are solved behind, and pauses of half a second. Prints a line a minute and the verdict.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import numpy as np

from atalanta.streaming import SimulatorFeed, Stream, StreamSettings

_BURST_SECONDS, _PAUSE_EVERY, _PAUSE_SECONDS = 0.01, 500, 0.5
_WARM_SECONDS = 60.0
_MOST_GROWTH = 8.0  # MiB: what allocators and the system's accounting scatter by


def resident_mib() -> float:
    """Of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


async def soak(seconds: float, rate: float) -> bool:
    """Run; whether nothing was found."""
    feed = SimulatorFeed(seconds=10.0, rate=rate, speed=None)
    universe = feed.universe()
    await feed.subscribe(universe)
    events = np.concatenate([batch async for batch in feed])
    burst = max(1, round(rate * _BURST_SECONDS))
    readings: list[tuple[float, float]] = []
    seen = 0
    # Exact solves each minute: each second they would be most of the work, and the soak is about the stream.
    settings = StreamSettings(refresh_after=60.0, refresh_vol=1.0, refresh_spot=0.5)
    async with Stream(
        universe,
        executor="hybrid",
        settings=settings,
        positions=dict.fromkeys(universe.symbols[len(universe.tickers) :], 1.0),
    ) as stream:
        results = stream.results()
        counted = 0

        @stream.processor("count")
        def count(batch: np.ndarray) -> None:
            nonlocal counted
            counted += len(batch)

        async def consume() -> None:
            nonlocal seen
            async for batch in results:
                seen += len(batch)

        consuming = asyncio.create_task(consume())
        begin = time.monotonic()
        turn, told = 0, begin
        while (now := time.monotonic()) - begin < seconds:
            first = turn * burst % (len(events) - burst)
            part = events[first : first + burst].copy()
            part["time_ns"] += np.int64(turn) * np.int64(1e9 * _BURST_SECONDS)
            stream.push_many(part)
            turn += 1
            await asyncio.sleep(_PAUSE_SECONDS if turn % _PAUSE_EVERY == 0 else _BURST_SECONDS)
            if now - told >= 60.0:
                told = now
                if now - begin >= _WARM_SECONDS:
                    readings.append((now - begin, resident_mib()))
                print(
                    f"{(now - begin) / 60:5.1f} min  {resident_mib():7.1f} MiB  {stream.snapshot().events_in:,} events",
                    flush=True,
                )
        end = time.monotonic() + 5.0
        while stream.snapshot().in_flight and time.monotonic() < end:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        snapshot = stream.snapshot()
        waiting = results.waiting
        consuming.cancel()
    growth = readings[-1][1] - readings[0][1] if len(readings) > 1 else 0.0
    whole = seen + results.missed == snapshot.out and waiting == 0
    print(
        f"{snapshot.events_in:,} events, {seen:,} results seen, {results.missed:,} missed, {counted:,} processed"
    )
    print(
        f"account exact: {snapshot.exact}; every result delivered or counted: {whole}; nothing in flight: {not snapshot.in_flight}"
    )
    print(f"resident memory from minute 1 to the end: {growth:+.1f} MiB")
    return snapshot.exact and whole and not snapshot.in_flight and growth < _MOST_GROWTH


if __name__ == "__main__":
    minutes = float(sys.argv[1])
    events_a_second = float(sys.argv[2]) if len(sys.argv) > 2 else 20_000.0
    sys.exit(0 if asyncio.run(soak(60.0 * minutes, events_a_second)) else 1)
