"""Feeds that give what they should not, lose their connection again and again, or meet a stream that has halted."""

import asyncio

import numpy as np
import pytest

from atalanta import _core
from atalanta.errors import InputError
from atalanta.reliability import Policy
from atalanta.streaming import (
    EVENT,
    Budget,
    ReplayFeed,
    Stream,
    StreamHaltedError,
    StreamSettings,
    read_ticks,
    run_feed,
)
from atalanta.streaming.feeds.iteration import Pauses
from tests.streaming_market import START, universe

HALTING = StreamSettings(market_data=Budget(1e-9, "halt"))


class Given:
    """Gives what it was made with; exceptions among it are raised."""

    name = "given"

    def __init__(self, *batches):
        self.batches, self.ended, self.closed, self.connections = batches, 0, 0, 0

    async def connect(self):
        self.connections += 1

    async def subscribe(self, market):
        pass

    async def resume(self, after):
        pass

    async def __aiter__(self):
        try:
            for batch in self.batches:
                if isinstance(batch, BaseException):
                    raise batch
                yield batch
        finally:
            self.ended += 1

    async def close(self):
        self.closed += 1


def quotes(count=3, **columns):
    return universe().events(["XYZ"] * count, 99.0, 101.0, time_ns=START, **columns)


def run(feed, executor="inline", settings=None, **options):
    """The report, and the stream after it has stopped."""

    async def main():
        async with Stream(universe(), executor=executor, settings=settings) as stream:
            report = await asyncio.wait_for(run_feed(stream, feed, policy=Policy("given"), **options), 30.0)
        return report, stream

    return asyncio.run(main())


@pytest.mark.parametrize("batch", [None, [1, 2], np.zeros(3), np.zeros((2, 2), dtype=EVENT)])
def test_what_is_no_batch_of_events_is_told(batch):
    """By its type and shape; the iteration is closed, and so is the feed."""
    feed = Given(quotes(), batch)
    with pytest.raises(InputError, match=r"the feed gave .*; it must give \(N,\) of the dtype EVENT"):
        run(feed)
    assert (1, 1) == (feed.ended, feed.closed)


def test_what_is_no_feed_or_no_stream_is_told():
    """Before anything is connected."""
    with pytest.raises(InputError, match="which lacks name, connect, subscribe, resume, __aiter__, close"):
        run(object())
    with pytest.raises(InputError, match="it must be a Stream"):
        asyncio.run(run_feed(universe(), Given()))
    for patience in (0, "a", True, 1.5):
        with pytest.raises(InputError, match="give_up_after is"):
            run(Given(), give_up_after=patience)


@pytest.mark.parametrize("executor", ["inline", "hybrid"])
@pytest.mark.parametrize("paced", [False, True])
def test_a_stream_that_has_halted_ends_its_feed(executor, paced):
    """It would go on for ever with events that nobody takes."""

    def batch(seconds):
        return quotes(intended_ns=_core.monotonic_ns() + round(1e9 * seconds) if paced else 0)

    feed = Given(*(batch(0.01 * turn) for turn in range(40)), quotes(70_000))
    with pytest.raises(StreamHaltedError, match="the budget of market_data was missed"):
        run(feed, executor=executor, settings=HALTING)
    assert (1, 1) == (feed.ended, feed.closed)


def test_a_feed_that_brings_something_and_fails_at_once_is_not_hammered():
    """It brings events each time, so it is never given up; the pauses grow up to a second."""
    feed = Given(quotes(), ConnectionResetError("cut off"))

    async def main():
        async with Stream(universe(), executor="inline") as stream:
            running = asyncio.ensure_future(run_feed(stream, feed, policy=Policy("given")))
            await asyncio.sleep(0.5)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return stream.snapshot()

    snapshot = asyncio.run(main())
    assert 2 <= feed.connections <= 6
    assert snapshot.exact
    assert 3 * feed.connections == snapshot.out
    assert 1 == feed.closed


def test_pauses_grow_and_begin_anew_after_a_connection_that_lasted(monkeypatch):
    now = 0
    monkeypatch.setattr(_core, "monotonic_ns", lambda: now)
    pauses, waited = Pauses(), []
    for lasted in [0.05] * 8 + [2.0, 0.05, 0.05]:
        pauses.connected()
        now += round(1e9 * lasted)
        waited.append(pauses.after_loss())
    assert [0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 0.0, 0.0, 0.05] == pytest.approx(waited)
    assert 0.0 == pauses.after_loss()  # a try that came to nothing: the policy waits


@pytest.mark.parametrize("speed", [0, -1.0, float("nan"), float("inf"), 1e-9, "fast", True])
def test_a_speed_is_a_number_that_times_can_be_made_of(tmp_path, speed):
    """Slower ones would bring intended times beyond what 64 bits hold."""
    path = tmp_path / "t.csv"
    path.write_text(f"symbol,time_ns,bid,ask\nXYZ,{START},99,101\n")
    with pytest.raises(InputError, match=r"it must be a number from 0\.001 to 1e\+09"):
        ReplayFeed(read_ticks(path), speed=speed)
    for limit in (-1, 1.5, True):
        with pytest.raises(InputError, match="limit is"):
            ReplayFeed(read_ticks(path), limit=limit)


def test_a_file_that_changes_while_it_is_replayed_changes_nothing(tmp_path):
    """It was read whole."""
    path = tmp_path / "t.csv"
    path.write_text("symbol,time_ns,bid,ask\n" + "".join(f"XYZ,{START + i},99,101\n" for i in range(5000)))
    feed = ReplayFeed(read_ticks(path), speed=None)
    path.write_text("")
    report, stream = run(feed)
    assert 5000 == report.sent == stream.snapshot().out
