"""`atalanta publish`: a feed onto a NATS server. Main entries: `PublishRequest`, `run_publish`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from atalanta.cli.stream_source import Opened, Source, is_server, open_feed
from atalanta.cli.watching import Look, watch
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
    request: PublishRequest, opened: Opened, publisher: NatsPublisher, show: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    report = PublishReport()
    state: dict[str, Any] = {"command": "publish", "feed": opened.feed.name, "to": publisher.name}

    def shown(look: Look) -> None:
        state.update(asdict(report) | asdict(look))
        show(state)

    work = publish_feed(opened.feed, publisher, opened.universe, report=report)
    await watch(work, shown, every=request.every, seconds=request.source.seconds)
    return state
