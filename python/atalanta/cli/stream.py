"""`atalanta stream`: a feed through the engine, watched while it runs. Main entries: `StreamRequest`, `run_stream`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from atalanta.errors import InputError
from atalanta.streaming.feeds.files import read_ticks
from atalanta.streaming.feeds.protocol import Feed
from atalanta.streaming.feeds.replay import ReplayFeed
from atalanta.streaming.feeds.session import FeedReport, run_feed
from atalanta.streaming.feeds.simulated import SimulatorFeed
from atalanta.streaming.settings import Executor
from atalanta.streaming.stream import Stream
from atalanta.streaming.universe import Universe

__all__ = ["Shown", "StreamRequest", "run_stream"]

_ORIGIN = "cli.stream"
_SIMULATED = "sim"
#: A book for the simulated market where none is named: the nearest contracts of each underlying.
_OWN_POSITIONS = 40


@dataclass(frozen=True)
class StreamRequest:
    """What was asked for on the command line; `speed` is None for as fast as possible."""

    feeds: tuple[str, ...]
    book: Path | None = None
    speed: float | None = 1.0
    seconds: float | None = None
    rate: float = 20_000.0
    interest: float = 0.0
    seed: int = 7
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


def parse_speed(text: str) -> float | None:
    """A number, or None for `max`.

    Raises:
        InputError: neither, or not above 0.
    """
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.0 < speed < 1e9:
        raise InputError(f"[{_ORIGIN}] --speed {text}: give a number above 0, or max")
    return speed


def run_stream(request: StreamRequest, show: Callable[[Shown], None]) -> Shown:
    """Run the feed to its end, to the limit of seconds, or to an interrupt; `show` is called again and again.

    Raises:
        InputError: an option that cannot be used, a file that cannot be read, a book with unknown symbols.
        FeedError: the feed kept failing.
        StreamHaltedError: the stream has halted.
    """
    _check(request)
    feed, universe, notes = _open(request)
    positions: Any = request.book
    if positions is None and request.feeds == (_SIMULATED,):
        positions = {str(symbol): 1.0 for symbol in universe.contracts["symbol"][:_OWN_POSITIONS]}
        notes = (*notes, f"no --book: one contract each of the first {len(positions)}")
    stream = Stream(universe, executor=request.executor, positions=positions)
    return asyncio.run(_watched(request, stream, feed, notes, show))


def _check(request: StreamRequest) -> None:
    if request.executor not in get_args(Executor):
        raise InputError(
            f"[{_ORIGIN}] --executor {request.executor}: give one of {', '.join(get_args(Executor))}"
        )
    if not 0.05 <= request.every <= 3600.0:
        raise InputError(f"[{_ORIGIN}] --every {request.every:g}: give seconds from 0.05 to 3600")
    if request.seconds is not None and not 0.0 < request.seconds <= 23_400.0:
        raise InputError(f"[{_ORIGIN}] --seconds {request.seconds:g}: give seconds above 0, at most 23400")


def _open(request: StreamRequest) -> tuple[Feed, Universe, tuple[str, ...]]:
    if _SIMULATED in request.feeds:
        if len(request.feeds) > 1:
            raise InputError(f"[{_ORIGIN}] --feed sim goes with no other feed: name files, or sim alone")
        wall = 10.0 if request.seconds is None else request.seconds
        market_seconds = wall * (request.speed or 1.0)
        simulated = SimulatorFeed(
            seed=request.seed, seconds=min(market_seconds, 23_400.0), rate=request.rate, speed=request.speed
        )
        return simulated, simulated.universe(), simulated.notes
    recording = read_ticks(*request.feeds)
    return (
        ReplayFeed(recording, speed=request.speed),
        recording.universe(rate=request.interest),
        recording.notes,
    )


async def _watched(
    request: StreamRequest, stream: Stream, feed: Feed, notes: tuple[str, ...], show: Callable[[Shown], None]
) -> Shown:
    loop, report, stop = asyncio.get_running_loop(), FeedReport(), asyncio.Event()
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, stop.set)
    started = loop.time()

    def shown(final: bool = False) -> Shown:
        return Shown(stream, feed, report, loop.time() - started, notes, final, stop.is_set())

    running = asyncio.ensure_future(run_feed(stream, feed, report=report))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not running.done() and not stop.is_set():
            left = None if request.seconds is None else request.seconds - (loop.time() - started)
            if left is not None and left <= 0:
                break
            patience = request.every if left is None else min(request.every, left)
            await asyncio.wait({running, stopping}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            show(shown())
    finally:
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
        stopping.cancel()
        if not running.done():
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(running, return_exceptions=True)
        stream.stop()
    last = shown(final=True)
    show(last)
    if not running.cancelled():
        running.result()  # what the feed or the stream has raised
    return last
