"""`atalanta stream`: a feed through the engine, watched while it runs. Main entries: `StreamRequest`, `run_stream`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from atalanta.cli.stream_source import SIMULATED, Opened, Source, open_feed
from atalanta.cli.watching import Look, watch
from atalanta.errors import InputError
from atalanta.streaming.feeds.protocol import Feed
from atalanta.streaming.feeds.session import FeedReport, run_feed
from atalanta.streaming.scenarios import Scenarios
from atalanta.streaming.settings import Executor
from atalanta.streaming.stream import Stream

__all__ = ["Shown", "StreamRequest", "run_stream"]

_ORIGIN = "cli.stream"
#: A book for the simulated market where none is named: the nearest contracts of each underlying.
_OWN_POSITIONS = 40


@dataclass(frozen=True)
class StreamRequest:
    """What was asked for on the command line."""

    source: Source
    book: Path | None = None
    executor: Executor = "hybrid"
    every: float = 0.5


@dataclass(frozen=True)
class Shown:
    """The state of a stream that is being watched; the last one has `final`."""

    stream: Stream
    feed: Feed
    report: FeedReport
    elapsed: float
    notes: tuple[str, ...]
    final: bool
    interrupted: bool = False
    total: int | None = None

    @property
    def told(self) -> tuple[str, ...]:
        """What was assumed, and what the feed has to say of itself, as a server's does of messages left out."""
        return tuple(dict.fromkeys((*self.notes, *getattr(self.feed, "notes", ()))))


def run_stream(request: StreamRequest, show: Callable[[Shown], None]) -> Shown:
    """Run the feed to its end, to the limit of seconds, or to an interrupt; `show` is called again and again.

    Raises:
        InputError: an option that cannot be used, a file that cannot be read, a book with unknown symbols.
        FeedError: the feed kept failing.
        StreamHaltedError: the stream has halted.
    """
    _check(request)
    opened = open_feed(request.source)
    feed, universe, notes = opened.feed, opened.universe, opened.notes
    positions: Any = request.book
    if positions is None and request.source.names == (SIMULATED,):
        positions = {str(symbol): 1.0 for symbol in universe.contracts["symbol"][:_OWN_POSITIONS]}
        notes = (*notes, f"no --book: one contract each of the first {len(positions)}")
    scenarios = None if positions is None else Scenarios()
    stream = Stream(universe, executor=request.executor, positions=positions, scenarios=scenarios)
    return asyncio.run(_watched(request, stream, Opened(feed, universe, notes, opened.total), show))


def _check(request: StreamRequest) -> None:
    if request.executor not in get_args(Executor):
        raise InputError(
            f"[{_ORIGIN}] --executor {request.executor}: give one of {', '.join(get_args(Executor))}"
        )
    if not 0.05 <= request.every <= 3600.0:
        raise InputError(f"[{_ORIGIN}] --every {request.every:g}: give seconds from 0.05 to 3600")


async def _watched(
    request: StreamRequest, stream: Stream, opened: Opened, show: Callable[[Shown], None]
) -> Shown:
    report, feed = FeedReport(), opened.feed
    last: list[Shown] = []

    def shown(look: Look) -> None:
        state = Shown(
            stream, feed, report, look.elapsed, opened.notes, look.final, look.interrupted, opened.total
        )
        last[:] = [state]
        show(last[0])

    work = run_feed(stream, feed, report=report)
    await watch(work, shown, every=request.every, seconds=request.source.seconds, ended=stream.stop)
    return last[0]
