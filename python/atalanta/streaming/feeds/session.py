"""Keeps a feed going into a stream: connects, subscribes, paces, and after a failure does so again. Main entry: `run_feed`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.errors import BreakerOpenError, InputError
from atalanta.reliability import Policy, Retry
from atalanta.streaming.errors import FeedError
from atalanta.streaming.feeds.iteration import (
    LOST,
    Pauses,
    batches_of,
    require_events_of,
    require_feed,
    require_patience,
)
from atalanta.streaming.feeds.pacing import when_due
from atalanta.streaming.feeds.protocol import Feed
from atalanta.streaming.stream import Stream

__all__ = ["FeedReport", "feed_policy", "run_feed"]

_LEAST_WAIT = 0.001


@dataclass
class FeedReport:
    """What a feed has brought.

    Attributes:
        sent: events given to the stream.
        refused: of them, those for which it had no room.
        connections: how often it was connected.
        failures: what was lost, the last 32 as text.
        highest: the highest sequence number by source.
    """

    sent: int = 0
    refused: int = 0
    connections: int = 0
    failures: list[str] = field(default_factory=list)
    highest: dict[int, int] = field(default_factory=dict)


def feed_policy(name: str) -> Policy:
    """The policy of a feed without one: a breaker of the preset `market_data`, three tries at a time."""
    return Policy(
        f"feed {name}", retry=Retry(times=2, base=0.05, cap=0.5, budget=None), breaker="market_data"
    )


async def run_feed(
    stream: Stream,
    feed: Feed,
    *,
    policy: Policy | None = None,
    give_up_after: int = 20,
    report: FeedReport | None = None,
) -> FeedReport:
    """Push all that a feed brings into a stream, until the feed ends or the task is cancelled.

    A lost connection is made again through the policy: after its waits, and not while its breaker is open; at once after
    one that lasted, later and later (up to a second) after several that did not last a tenth of one. The feed is told to
    resume behind the highest sequence numbers that came; the stream drops what comes twice and counts what never comes.

    Args:
        stream: where the events go.
        feed: where they come from.
        policy: around connecting; None for `feed_policy`.
        give_up_after: failures in a row, without an event in between, that are borne.
        report: filled while the feed runs, for whoever watches it.

    Raises:
        FeedError: too many failures in a row.
        InputError: what the feed gives are no events, or `give_up_after` is below 1.
        StreamHaltedError: the stream has halted.
    """
    require_patience(give_up_after, "streaming.run_feed")
    if not isinstance(stream, Stream):
        raise InputError(f"[streaming.run_feed] stream is {stream!r}; it must be a Stream")
    require_feed(feed, "streaming.run_feed")
    policy = feed_policy(feed.name) if policy is None else policy
    report = FeedReport() if report is None else report
    in_a_row, pauses = 0, Pauses()
    try:
        while True:
            sent = report.sent
            try:
                await policy.acall(_connect, stream, feed, report)
                pauses.connected()
                async with batches_of(feed) as batches:
                    async for events in batches:
                        await _push(stream, events, report)
                return report
            except BreakerOpenError as error:
                await asyncio.sleep(max(error.retry_after, _LEAST_WAIT))
            except LOST as error:
                in_a_row = 1 if report.sent > sent else in_a_row + 1
                report.failures = [*report.failures[-31:], f"{type(error).__name__}: {error}"]
                if in_a_row >= give_up_after:
                    raise FeedError(
                        f"[streaming.run_feed] {feed.name}: {in_a_row} failures in a row, the last {error!r}; see to the feed"
                    ) from error
                await asyncio.sleep(pauses.after_loss())
    finally:
        await feed.close()


async def _connect(stream: Stream, feed: Feed, report: FeedReport) -> None:
    await feed.connect()
    await feed.subscribe(stream.universe)
    report.connections += 1
    if report.highest or report.connections > 1:
        await feed.resume(dict(report.highest))


async def _push(stream: Stream, events: npt.NDArray[np.void], report: FeedReport) -> None:
    require_events_of(events, "streaming.run_feed")
    if len(events) == 0:
        return
    _note_highest(events, report)
    producer = stream._producer
    if int(events["intended_ns"][-1]) > 0:
        taken = await _at_their_times(stream, producer, events, report)
    else:
        taken = await _as_there_is_room(stream, producer, events)
    report.sent += len(events)
    report.refused += len(events) - taken
    if taken < len(events):
        stream._refuse_halted()


async def _at_their_times(
    stream: Stream, producer: Any, events: npt.NDArray[np.void], report: FeedReport
) -> int:
    """A native wait on a thread: an event loop's timers are a thousand times too coarse."""
    if stream.executor == "inline":
        return sum([stream.push_many(due) async for due in when_due(events)])
    pushing = asyncio.get_running_loop().run_in_executor(None, producer.push_paced, events)
    try:
        taken: int = await asyncio.shield(pushing)
        return taken
    except asyncio.CancelledError:
        producer.stop_pacing()
        report.sent += await pushing
        raise


async def _as_there_is_room(stream: Stream, producer: Any, events: npt.NDArray[np.void]) -> int:
    """Half of what may wait at a time, once less than that half waits: as fast as possible without conflation."""
    half = max(1, stream.settings.watermarks.conflate // 2)
    taken = 0
    for first in range(0, len(events), half):
        while stream.executor != "inline" and producer.waiting >= half and stream._core.running:
            await asyncio.sleep(0)
        taken += stream.push_many(events[first : first + half])
        await asyncio.sleep(0)
    return taken


def _note_highest(events: npt.NDArray[np.void], report: FeedReport) -> None:
    counted = events[events["sequence"] > 0]
    for source in np.unique(counted["source"]):
        highest = int(counted["sequence"][counted["source"] == source].max())
        report.highest[int(source)] = max(highest, report.highest.get(int(source), 0))
