"""The example of an adapter, between a server that keeps what it sent and a proxy that breaks the way to it."""

import asyncio
import contextlib
import importlib.util
import time
from pathlib import Path

import pytest

from atalanta.reliability import Breaker, Policy, Retry
from atalanta.streaming import FeedReport, Stream, Universe, run_feed
from atalanta.testing import FaultProxy

EXAMPLE = Path(__file__).parents[2] / "examples" / "broker_feed.py"
TWO = Universe({"AAA": 100.0, "BBB": 50.0})
COUNT = 3_000


@pytest.fixture(scope="module")
def line_feed():
    if not EXAMPLE.is_file():
        pytest.skip("no examples/ beside these tests")
    spec = importlib.util.spec_from_file_location("broker_feed", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LineFeed


class Server:
    """Numbered quotes, a millisecond apart; it can send again what it has sent, unless `forgetful`."""

    def __init__(self, forgetful=False):
        self.sent, self._forgetful, self._serving = 0, forgetful, []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error):
        self._server.close()
        for task, writer in self._serving:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await task
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader, writer):
        self._serving.append((asyncio.current_task(), writer))
        subscribed = (await reader.readline()).split()
        assert b"subscribe" == subscribed[0]
        next_one = 1 + self.sent
        with contextlib.suppress(asyncio.TimeoutError):
            wish = await asyncio.wait_for(reader.readline(), 0.05)
            if wish.startswith(b"resume") and not self._forgetful:
                next_one = 1 + int(wish.split()[1])
        with contextlib.suppress(ConnectionError):
            while next_one <= COUNT:
                lines = b"".join(
                    b"%d %d %s 10.0 10.5\n" % (n, n * 1000, (b"AAA", b"BBB")[n % 2])
                    for n in range(next_one, min(next_one + 10, COUNT + 1))
                )
                writer.write(lines)
                await writer.drain()
                next_one = min(next_one + 10, COUNT + 1)
                self.sent = max(self.sent, next_one - 1)
                await asyncio.sleep(0.001)
            await asyncio.sleep(60.0)


async def streamed(line_feed, server, disturb):
    """Run until the last number is there, or for ten seconds; disturbed all the while."""
    stream, report = Stream(TWO, executor="inline"), FeedReport()
    policy = Policy(
        "line feed",
        retry=Retry(times=1, base=0.01, cap=0.02, budget=None),
        breaker=Breaker("line feed", failures=10, window=5.0, open_for=0.1),
    )
    with FaultProxy("127.0.0.1", server.port) as proxy:
        running = asyncio.create_task(
            run_feed(
                stream, line_feed("127.0.0.1", proxy.port), policy=policy, give_up_after=1000, report=report
            )
        )
        end = time.monotonic() + 20.0
        while report.highest.get(0, 0) < COUNT and time.monotonic() < end:
            await asyncio.sleep(0.05)
            disturb(proxy)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    return stream.snapshot(), report


def test_cut_connections_lose_and_double_nothing(line_feed):
    """Reset every fifth of a second; the server sends again what the feed asks for."""

    async def run():
        turn = 0

        def disturb(proxy):
            nonlocal turn
            turn += 1
            if turn % 4 == 0:
                proxy.reset()
            if turn % 4 == 1:
                proxy.heal()

        async with Server() as server:
            return await streamed(line_feed, server, disturb)

    snapshot, report = asyncio.run(run())
    assert COUNT == snapshot.events_in - snapshot.dropped["duplicate"]
    assert snapshot.exact
    assert 0 == snapshot.seen["missing"]
    assert report.connections > 2


def test_what_a_server_does_not_keep_is_a_gap(line_feed):
    """The count says how many are missing."""

    async def run():
        turn = 0

        def disturb(proxy):
            nonlocal turn
            turn += 1
            (proxy.reset if turn == 4 else proxy.heal)()

        async with Server(forgetful=True) as server:
            return await streamed(line_feed, server, disturb)

    snapshot, report = asyncio.run(run())
    assert report.connections >= 2
    assert snapshot.exact
    assert COUNT == snapshot.events_in - snapshot.dropped["duplicate"] + snapshot.seen["missing"]
    assert snapshot.seen["gaps"] >= (snapshot.seen["missing"] > 0)
