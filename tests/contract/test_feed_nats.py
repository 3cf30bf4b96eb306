"""The NATS feed against a real server on loopback, which these tests start, kill and start again."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.reliability import Breaker, Policy, Retry
from atalanta.streaming import EVENT, SimulatorFeed, Stream, Universe, run_feed
from atalanta.streaming.errors import FeedError
from atalanta.streaming.feeds.nats_feed import NatsFeed
from atalanta.streaming.feeds.nats_publisher import NatsPublisher
from atalanta.streaming.feeds.publishing import PublishReport, publish_feed
from tests.streaming_market import universe

pytest.importorskip("nats", reason="nats-py is not installed (extra 'nats')")
if shutil.which("nats-server") is None:
    pytest.skip("nats-server is not installed", allow_module_level=True)

TWO = Universe({"AAA": 100.0, "BRK.B": 50.0})


class Server:
    """A nats-server with a folder of its own; its port stays the same from one start to the next."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self._process = folder, None

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}/ticks"

    def start(self):
        command = ["nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10.0
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            time.sleep(0.01)
        raise AssertionError("the server did not come up")

    def kill(self, how=signal.SIGKILL):
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, how)
            self._process.wait(10.0)


@pytest.fixture
def server(tmp_path):
    one = Server(tmp_path / "jetstream")
    one.start()
    yield one
    one.kill()


def quotes(universe, count, first=0, key=None):
    """Events whose bid says which one they are."""
    numbers = first + np.arange(count)
    keys = numbers % len(universe) if key is None else key
    return universe.events(keys, 10.0 + numbers, 10.5 + numbers, time_ns=1_000 * (1 + numbers), tag=numbers)


def patient():
    """Tries again at once, ten times, then waits for 0.2 s."""
    breaker = Breaker("nats under test", failures=10, window=5.0, open_for=0.2)
    return Policy("feed under test", retry=Retry(times=1, base=0.01, cap=0.02, budget=None), breaker=breaker)


async def collected(feed, count, seconds=20.0):
    """The next `count` events of a connected feed."""
    found, have = [], 0

    async def collect():
        nonlocal have
        async for events in feed:
            found.append(events)
            have += len(events)
            if have >= count:
                return

    await asyncio.wait_for(collect(), seconds)
    return np.concatenate(found)


async def connected(url, universe, **settings):
    feed = NatsFeed(url, **settings)
    await feed.connect()
    await feed.subscribe(universe)
    return feed


def test_events_arrive_by_underlying_numbered_and_complete(server):
    async def run():
        async with NatsPublisher(server.url, TWO) as publisher:
            feed = await connected(server.url, TWO)
            sent = quotes(TWO, 1000)
            assert 2 == await publisher.publish(sent)
            got = await collected(feed, 1000)
            await feed.close()
        return sent, got

    sent, got = asyncio.run(run())
    for source, ticker in enumerate(TWO.tickers):
        wanted, found = sent[sent["key"] == TWO.key(ticker)], got[got["source"] == source]
        assert list(range(1, 501)) == found["sequence"].tolist()
        for name in ("key", "bid", "ask", "time_ns", "tag", "sides"):
            np.testing.assert_array_equal(wanted[name], found[name])


def test_who_joins_reads_the_universe_and_what_is_kept(server):
    """An underlying with a dot in its name is a subject of its own; one partition may be read without the other."""

    async def run():
        async with NatsPublisher(server.url, TWO) as publisher:
            await publisher.publish(quotes(TWO, 100))
        feed = NatsFeed(server.url, underlyings=["BRK.B"], begin="all")
        universe = await feed.universe()
        await feed.connect()
        await feed.subscribe(universe)
        got = await collected(feed, 50)
        await feed.close()
        return universe, got

    universe, got = asyncio.run(run())
    assert TWO.symbols == universe.symbols
    assert {1} == set(got["key"].tolist())
    assert list(range(1, 51)) == got["sequence"].tolist()


def test_a_publisher_that_starts_anew_goes_on_with_the_numbers(server):
    async def run():
        for turn in range(3):
            async with NatsPublisher(server.url, TWO) as publisher:
                await publisher.publish(quotes(TWO, 20, 20 * turn, key=0))
        feed = await connected(server.url, TWO, begin="all")
        got = await collected(feed, 60)
        await feed.close()
        return got

    assert list(range(1, 61)) == asyncio.run(run())["sequence"].tolist()


def test_a_batch_is_kept_when_the_server_goes_before_its_numbers_are_known(server):
    """The first batch of a partition asks the server how far its numbers are; what it does not answer is sent later."""

    async def run():
        publisher = NatsPublisher(server.url, TWO)
        await publisher.connect()
        server.kill()
        with pytest.raises(FeedError):
            await publisher.publish(quotes(TWO, 10, key=0))
        assert not publisher.connected
        server.start()
        await publisher.connect()
        await publisher.publish(quotes(TWO, 10, 10, key=0))
        await publisher.close()
        feed = await connected(server.url, TWO, begin="all")
        got = await collected(feed, 20)
        await feed.close()
        return got

    got = asyncio.run(run())
    assert list(range(20)) == got["tag"].tolist()
    assert list(range(1, 21)) == got["sequence"].tolist()


def test_a_chain_of_twenty_thousand_contracts_is_announced(server):
    """A server takes messages of a megabyte by default."""
    big = universe(contracts=20_000)

    async def run():
        async with NatsPublisher(server.url, big):
            return await NatsFeed(server.url).universe()

    assert big.symbols == asyncio.run(run()).symbols


def test_what_is_published_are_events(server):
    """Nothing is taken over of what is refused."""

    async def run():
        async with NatsPublisher(server.url, TWO) as publisher:
            for batch in (None, np.zeros(3), np.zeros((2, 2), dtype=EVENT)):
                with pytest.raises(InputError, match=r"must give \(N,\) of the dtype EVENT"):
                    await publisher.publish(batch)
            with pytest.raises(InputError, match="key 99 is none of the universe's 2"):
                await publisher.publish(quotes(TWO, 1, key=99))
            return await publisher.publish(quotes(TWO, 1, key=0))

    assert 1 == asyncio.run(run())


def test_what_was_not_acknowledged_is_sent_once(server):
    """The server ends with a batch under way: the next connect sends it, and each event is there once."""

    async def run():
        publisher = NatsPublisher(server.url, TWO)
        await publisher.connect()
        await publisher.publish(quotes(TWO, 10, key=0))
        server.kill()
        with pytest.raises(FeedError):
            await publisher.publish(quotes(TWO, 10, 10, key=0))
        with pytest.raises(FeedError, match="not connected"):
            await publisher.publish(quotes(TWO, 10, 99, key=0))
        server.start()
        await publisher.connect()
        await publisher.publish(quotes(TWO, 10, 20, key=0))
        await publisher.close()
        feed = await connected(server.url, TWO, begin="all")
        got = await collected(feed, 30)
        await feed.close()
        return got

    got = asyncio.run(run())
    assert list(range(30)) == got["tag"].tolist()
    assert list(range(1, 31)) == got["sequence"].tolist()


def test_a_numbering_that_begins_anew_is_a_gap_and_nothing_is_taken_for_old(server):
    """The server lost all that it kept: the feed goes on, one number is left out, and a note says it."""

    async def run():
        stream = Stream(TWO, executor="inline")
        async with NatsPublisher(server.url, TWO) as publisher:
            await publisher.publish(quotes(TWO, 50, key=0))
        feed = await connected(server.url, TWO, begin="all")
        before = await collected(feed, 50)
        server.kill()
        shutil.rmtree(server.folder)
        server.start()
        async with NatsPublisher(server.url, TWO) as publisher:
            await publisher.publish(quotes(TWO, 10, 50, key=0))
        await feed.connect()
        await feed.subscribe(TWO)
        after = await collected(feed, 10)
        await feed.close()
        stream.push_many(np.concatenate([before, after]))
        return feed, after, stream.snapshot()

    feed, after, snapshot = asyncio.run(run())
    assert list(range(52, 62)) == after["sequence"].tolist()
    assert (60, 1) == (snapshot.events_in, snapshot.seen["gaps"])
    assert "begun anew" in feed.notes[-1]


def test_what_is_no_message_of_ours_is_left_out_and_told(server):
    async def run():
        import nats

        async with NatsPublisher(server.url, TWO) as publisher:
            feed = await connected(server.url, TWO)
            other = await nats.connect(server.url.rpartition("/")[0])
            for body in (b"", b"not ours", b"ATLT" + bytes(60)):
                await other.jetstream().publish("ticks.events.AAA", body)
            await other.close()
            await publisher.publish(quotes(TWO, 4, key=0))
            got = await collected(feed, 4)
            await feed.close()
        return feed, got

    feed, got = asyncio.run(run())
    assert 3 == feed.foreign
    assert "a message of AAA was left out: it does not begin" in feed.notes[0]
    assert [0, 1, 2, 3] == got["tag"].tolist()


def test_twenty_kills_of_the_server_lose_and_double_nothing(server):
    """While a publisher and a stream go on: every event once, each recovery within the policy's waits."""
    kills, each = 20, 200

    async def publish(publisher, first):
        with contextlib.suppress(FeedError):  # what is left goes with the next connect
            await publisher.publish(quotes(TWO, each, first))

    async def reconnect(publisher):
        while True:
            try:
                await publisher.connect()
                return
            except FeedError:
                await asyncio.sleep(0.02)

    async def run():
        stream = Stream(TWO, executor="inline")
        publisher = NatsPublisher(server.url, TWO)
        await publisher.connect()
        feed = NatsFeed(server.url, begin="all")
        running = asyncio.create_task(run_feed(stream, feed, policy=patient(), give_up_after=1000))
        for turn in range(kills):
            await publish(publisher, each * turn)
            server.kill()
            server.start()
            await reconnect(publisher)
        end = time.monotonic() + 20.0
        while stream.snapshot().events_in < kills * each and time.monotonic() < end:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)  # nothing comes twice after it
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await publisher.close()
        return stream.snapshot()

    snapshot = asyncio.run(run())
    assert kills * each == snapshot.events_in
    assert snapshot.exact
    assert 0 == sum(snapshot.dropped.values())
    assert 0 == snapshot.seen["gaps"]


def test_a_feed_is_published_whole_through_a_kill_of_the_server(server):
    """A simulated market, some seconds of it at once: each event is there once, numbered by underlying."""

    async def run():
        feed = SimulatorFeed(seconds=2.0, rate=5_000.0, speed=None)
        universe = feed.universe()
        publisher = NatsPublisher(server.url, universe)
        report = PublishReport()
        publishing = asyncio.create_task(
            publish_feed(feed, publisher, universe, policy=patient(), give_up_after=1000, report=report)
        )
        while report.events == 0:
            await asyncio.sleep(0.001)
        server.kill()
        server.start()
        await publishing
        reader = NatsFeed(server.url, begin="all")
        await reader.connect()
        await reader.subscribe(universe)
        got = await collected(reader, report.events)
        await reader.close()
        return report, got

    report, got = asyncio.run(run())
    assert (report.events, 2) == (len(got), report.connections)
    for source in np.unique(got["source"]):
        numbers = got["sequence"][got["source"] == source]
        assert list(range(1, 1 + len(numbers))) == numbers.tolist()


@pytest.mark.parametrize(
    "url", ["127.0.0.1:4222", "http://127.0.0.1", "nats://", "nats://h:99999", "nats://h/a.b", "nats://h/a b"]
)
def test_an_address_that_is_none_is_told(url):
    with pytest.raises(InputError, match="is no address"):
        NatsFeed(url)


def test_no_server_and_no_stream_are_lost_connections(server):
    async def run():
        with pytest.raises(FeedError, match="no JetStream 'ticks'"):
            await connected(server.url, TWO)
        with pytest.raises(FeedError, match="no JetStream 'ticks'"):
            await NatsFeed(server.url).universe()
        server.kill()
        with pytest.raises(FeedError, match="cannot connect"):
            await connected(server.url, TWO)

    asyncio.run(run())
