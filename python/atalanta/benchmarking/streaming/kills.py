"""A message server that is killed again and again under a running feed. Main entry: `server_kills`."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from atalanta.benchmarking.streaming.figures import Figure
from atalanta.reliability import Breaker, Policy, Retry
from atalanta.streaming.errors import FeedError
from atalanta.streaming.feeds.nats_feed import NatsFeed
from atalanta.streaming.feeds.nats_publisher import NatsPublisher
from atalanta.streaming.feeds.session import FeedReport, run_feed
from atalanta.streaming.stream import Stream
from atalanta.streaming.universe import Universe

__all__ = ["SERVER", "installed", "server_kills"]

SERVER = "nats-server"
_PATIENCE = 60.0
_EVENTS = 20


class _Server:
    """On loopback, with what it keeps in a folder."""

    def __init__(self, folder: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._command = [SERVER, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", folder]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}/kills"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            time.sleep(0.005)
        raise FeedError(f"[benchmarking.server_kills] {SERVER} did not come up at port {self.port}")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def server_kills(kills: int, open_for: float, raw: dict[str, Any]) -> Iterator[Figure]:
    """Kill the server, wait until the feed's breaker is open, start it again: how long until events flow.

    That is the worst moment to come back. Events are published without a pause; each must arrive once.

    Args:
        kills: how often.
        open_for: the breaker's open time, in seconds.
        raw: gets every recovery.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = _Server(folder)
        server.start()
        try:
            seconds, published, snapshot = asyncio.run(_killed(server, kills, open_for))
        finally:
            server.kill()
    raw["server kills"] = {"seconds": seconds, "published": published, **snapshot.as_dict()}
    lost = published - snapshot.events_in
    doubled = snapshot.dropped["duplicate"]
    note = f"{kills} kills, open {open_for:g} s; {published:,} events, {lost} lost, {doubled} doubled, {snapshot.seen['gaps']} gaps"
    yield Figure("server killed, slowest recovery: open time", max(seconds) / open_for, "x", note)
    yield Figure("server killed, events lost or doubled", float(abs(lost) + doubled), "", note)


async def _killed(server: _Server, kills: int, open_for: float) -> tuple[list[float], int, Any]:
    universe = Universe({"AAA": 100.0, "BBB": 50.0})
    stream, report, seconds = Stream(universe, executor="inline"), FeedReport(), []
    breaker = Breaker("feed under kills", failures=5, window=5.0, open_for=open_for, max_open=open_for)
    policy = Policy(
        "feed under kills", retry=Retry(times=1, base=0.01, cap=0.05, budget=None), breaker=breaker
    )
    publisher = NatsPublisher(server.url, universe)
    await publisher.connect()
    feed = NatsFeed(server.url, begin="all")
    running = asyncio.create_task(
        run_feed(stream, feed, policy=policy, give_up_after=1_000_000, report=report)
    )
    published = await _publish(publisher, universe, 0)
    await _until(lambda: report.sent >= published)
    for _ in range(kills):
        server.kill()
        await _until(lambda: breaker.state == "open")
        server.start()
        up, before = time.monotonic(), report.sent
        published = await _publish(publisher, universe, published)
        await _until(lambda: report.sent > before)  # noqa: B023 -- awaited in this turn
        seconds.append(time.monotonic() - up)
    await _until(lambda: report.sent >= published)
    await asyncio.sleep(0.2)  # what came twice would come now
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await publisher.close()
    return seconds, published, stream.snapshot()


async def _publish(publisher: NatsPublisher, universe: Universe, published: int) -> int:
    numbers = published + np.arange(_EVENTS)
    events = universe.events(numbers % 2, 10.0, 10.5, time_ns=1 + numbers, tag=numbers)
    if not publisher.connected:
        await _reconnect(publisher)
    try:
        await publisher.publish(events)
    except FeedError:
        await _reconnect(publisher)  # which sends what is left
    return published + _EVENTS


async def _reconnect(publisher: NatsPublisher) -> None:
    while not publisher.connected:
        with contextlib.suppress(FeedError):
            await publisher.connect()
            return
        await asyncio.sleep(0.01)


async def _until(done: Any) -> None:
    end = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > end:
            raise FeedError("[benchmarking.server_kills] nothing came for a minute")
        await asyncio.sleep(0.001)


def installed() -> bool:
    """Whether there is a server to kill, and a client of it."""
    return shutil.which(SERVER) is not None and importlib.util.find_spec("nats") is not None
