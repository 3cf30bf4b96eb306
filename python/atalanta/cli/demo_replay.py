"""The demo's last part: a few seconds of simulated ticks through the streaming engine. Main entries: `replay`, `print_replay`."""

from __future__ import annotations

import asyncio
from typing import Any

from rich.console import Console

from atalanta.cli.screen import print_verdict
from atalanta.cli.stream_screen import account_line, latency_table
from atalanta.errors import InputError
from atalanta.streaming.feeds.session import run_feed
from atalanta.streaming.feeds.simulated import SimulatorFeed
from atalanta.streaming.snapshot import STAGES, Snapshot
from atalanta.streaming.stream import Stream

__all__ = ["DEFAULT_SECONDS", "check_of", "print_replay", "replay"]

DEFAULT_SECONDS = 5.0
_MOST_SECONDS = 600.0
_TICKS_A_SECOND = 20_000.0


def replay(seconds: float, seed: int) -> Snapshot | None:
    """Stream the market for so long; None for 0 seconds.

    Raises:
        InputError: the seconds are not from 0 to 600.
    """
    if not 0.0 <= seconds <= _MOST_SECONDS:
        raise InputError(f"[cli.demo] --replay {seconds:g}: give seconds from 0 to 600")
    return None if seconds == 0.0 else asyncio.run(_replayed(seconds, seed))


async def _replayed(seconds: float, seed: int) -> Snapshot:
    feed = SimulatorFeed(seed=seed, seconds=seconds, rate=_TICKS_A_SECOND)
    universe = feed.universe()
    positions = {str(symbol): 1.0 for symbol in universe.contracts["symbol"]}
    async with Stream(universe, executor="hybrid", positions=positions) as stream:
        await run_feed(stream, feed)
    return stream.snapshot()


def check_of(snapshot: Snapshot) -> dict[str, Any]:
    """For the document: microseconds by stage, what was late, and whether each event is accounted for."""
    latency = {stage: snapshot.latency[f"{stage}.total"] for stage in STAGES}
    return {
        "events": snapshot.events_in,
        "passed": snapshot.exact,
        "late": dict(snapshot.late),
        "late_by_stall": dict(snapshot.late_by_stall),
        "microseconds": {
            stage: {name: each.quantile_ns(share) / 1e3 for name, share in _SHARES}
            for stage, each in latency.items()
        },
    }


_SHARES = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))


def print_replay(console: Console, snapshot: Snapshot) -> None:
    """The latencies of each stage, and the account as a verdict."""
    console.print()
    console.print("Streaming: simulated ticks at their own pace, one contract each as the book", style="bold")
    console.print(latency_table(snapshot))
    print_verdict(console, "account", snapshot.exact, account_line(snapshot))
