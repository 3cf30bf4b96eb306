"""`atalanta publish`: a feed onto a NATS server. Main entries: `PublishRequest`, `run_publish`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from atalanta.cli.stream_source import Source, is_server, open_feed
from atalanta.errors import InputError
from atalanta.streaming.feeds.nats_publisher import NatsPublisher
from atalanta.streaming.feeds.publishing import PublishReport, publish_feed

__all__ = ["PublishRequest", "run_publish"]


@dataclass(frozen=True)
class PublishRequest:
    """What was asked for on the command line."""

    source: Source
    to: str
    keep_seconds: float = 3600.0
    every: float = 0.5


def run_publish(request: PublishRequest, show: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Publish until the feed ends, to the limit of seconds, or to an interrupt; the last state.

    Raises:
        InputError: an option that cannot be used, or a feed that is a server itself.
        FeedError: the server kept failing.
    """
    if any(is_server(name) for name in request.source.names):
        raise InputError("[cli.publish] --feed is a server already; name sim or files, and another --to")
    opened = open_feed(request.source)
    publisher = NatsPublisher(request.to, opened.universe, keep_seconds=request.keep_seconds)
    return asyncio.run(_watched(request, opened, publisher, show))


async def _watched(
    request: PublishRequest, opened: Any, publisher: NatsPublisher, show: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    loop, report, stop = asyncio.get_running_loop(), PublishReport(), asyncio.Event()
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, stop.set)
    started = loop.time()

    def state(final: bool) -> dict[str, Any]:
        elapsed = loop.time() - started
        return {
            "command": "publish",
            "feed": opened.feed.name,
            "to": publisher.name,
            "elapsed": elapsed,
            "events": report.events,
            "messages": report.messages,
            "connections": report.connections,
            "failure": report.failure,
            "final": final,
            "interrupted": stop.is_set(),
        }

    running = asyncio.ensure_future(publish_feed(opened.feed, publisher, opened.universe, report=report))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not running.done() and not stop.is_set():
            left = (
                None if request.source.seconds is None else request.source.seconds - (loop.time() - started)
            )
            if left is not None and left <= 0:
                break
            patience = request.every if left is None else min(request.every, left)
            await asyncio.wait({running, stopping}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                show(state(False))
    finally:
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
        stopping.cancel()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    last = state(True)
    show(last)
    return last
