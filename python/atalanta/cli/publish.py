"""`atalanta publish`: a feed onto a NATS server. Main entries: `PublishRequest`, `run_publish`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from atalanta.cli.stream_source import Opened, Source, is_server, open_feed
from atalanta.cli.watching import Look, watch
from atalanta.errors import InputError
from atalanta.streaming.errors import FeedError
from atalanta.streaming.feeds.nats_publisher import NatsPublisher
from atalanta.streaming.feeds.publishing import PublishReport, publish_feed

__all__ = ["PublishRequest", "Told", "run_publish"]


@dataclass(frozen=True)
class PublishRequest:
    """What was asked for on the command line."""

    source: Source
    to: str
    keep_seconds: float = 3600.0
    every: float = 0.5


class Told:
    """Lines for a reader: where it goes first, then how far it is, and each failure once."""

    def __init__(self) -> None:
        self._begun, self._failure = False, ""

    def lines(self, state: Mapping[str, Any]) -> str:
        """Of a state."""
        told = [] if self._begun else [f"{state['feed']} to {state['to']}"]
        self._begun = True
        if state["failure"] != self._failure:
            self._failure = state["failure"]
            told.append(f"! {self._failure}")
        times = state["connections"]
        told.append(
            f"{state['elapsed']:7.1f} s   {state['events']:,} events, {state['messages']:,} messages; "
            f"{'not connected' if times == 0 else 'connected once' if times == 1 else f'connected {times} times'}"
        )
        return "\n".join(told)


def run_publish(request: PublishRequest, show: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Publish until the feed ends, to the limit of seconds, or to an interrupt; the last state.

    Raises:
        InputError: an option that cannot be used, or a feed that is a server itself.
        FeedError: the server kept failing, or no connection came about in the time given.
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
    if report.connections == 0 and not state["interrupted"]:
        raise FeedError(report.failure or f"[cli.publish] {publisher.name} did not answer in time")
    return state
