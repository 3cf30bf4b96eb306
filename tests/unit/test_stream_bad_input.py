"""What nobody should give to a stream: refused with what it was and what it must be, or counted."""

import asyncio
import time

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.streaming import (
    Budget,
    Stream,
    StreamHaltedError,
    StreamSettings,
    Universe,
    Watermarks,
)
from tests.streaming_market import START, universe

NAN, INF = float("nan"), float("inf")


def contracts(**changes):
    """Two contracts on X, with some columns changed."""
    columns = {
        "symbol": np.array(["XC", "XP"], dtype=object),
        "underlying": np.array(["X", "X"], dtype=object),
        "expires_at": np.array(["2026-02-20T21:00"] * 2, dtype="M8[ns]"),
        "exercise": np.array(["european"] * 2, dtype=object),
        "right": np.array([1, -1], dtype=np.int8),
        "strike": np.array([100.0, 100.0]),
        "multiplier": np.array([100.0, 100.0]),
    }
    return columns | {name: np.array(value) for name, value in changes.items()}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"symbol": ["XC", "XC"]}, "'XC' comes twice"),
        ({"symbol": ["XC", ""]}, "a symbol is ''"),
        ({"right": ["C", "P"]}, "right of XC is 'C'; it must be 1 for a call or -1 for a put"),
        ({"right": [2, 1]}, "right of XC is 2;"),
        ({"strike": ["a", "1"]}, "strike of XC is 'a'; it must be a number above 0"),
        ({"strike": [1.0, -1.0]}, r"strike of XP is -1\.0;"),
        ({"multiplier": [0.0, 1.0]}, r"multiplier of XC is 0\.0;"),
        ({"vol": [0.2, -0.2]}, r"vol of XP is -0\.2; it must be a decimal above 0, or NaN"),
        ({"vol": [INF, 0.2]}, "vol of XC is inf"),
        ({"rate": [NAN, 0.0]}, "rate of XC is nan; it must be a decimal from -1 to 1"),
        ({"rate": [0.01, 0.02]}, "give the contracts of an expiry one"),
        ({"expires_at": ["soon", "2026-02-20"]}, "expires_at holds what is no instant"),
        ({"expires_at": np.array(["NaT", "2026-02-20"], dtype="M8[s]")}, "expires_at of XC is NaT"),
        ({"expires_at": np.array(["2500-01-01", "2026-02-20"], dtype="M8[s]")}, "expires_at of XC is NaT"),
        ({"exercise": ["bermudan", "european"]}, "exercise is 'bermudan'"),
        ({"underlying": ["X", "Y"]}, "contracts on 'Y', which is no underlying here"),
    ],
)
def test_contracts_that_cannot_be_used(changes, told):
    """Named with the value and what it must be; nothing wraps, overflows or is guessed."""
    with pytest.raises(InputError, match=told):
        Universe({"X": 100.0}, contracts(**changes))


@pytest.mark.parametrize(
    ("underlyings", "told"),
    [
        (None, "there is no underlying"),
        ({}, "there is no underlying"),
        (["X"], "it must be a mapping"),
        ({"X": "dear"}, "the price of X is 'dear'"),
        ({"X": -1.0}, r"the price of X is -1\.0; it must be above 0, or NaN"),
        ({"X": INF}, "the price of X is inf"),
        ({" ": 1.0}, "a symbol is ' '"),
        ({"A\nB": 1.0}, "give every instrument a name of one line"),
    ],
)
def test_underlyings_that_cannot_be_used(underlyings, told):
    """A price is above 0 or unknown."""
    with pytest.raises(InputError, match=told):
        Universe(underlyings)


@pytest.mark.parametrize("schedule", [("soon", 1.0), ("2026-01-01", -1.0), ("2026-01-01", NAN), 1.0])
def test_dividends_that_cannot_be_used(schedule):
    """A date and cash of 0 or more."""
    with pytest.raises(InputError, match="a dividend of X is"):
        Universe({"X": 1.0}, None, {"X": [schedule]})


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"key": [-1]}, "key holds -1; it must be a whole number from 0 to 4294967295"),
        ({"key": [0.5]}, r"key holds 0\.5"),
        ({"key": [2.0**33]}, "key holds"),
        ({"sequence": [-1]}, "sequence holds -1"),
        ({"sequence": [NAN]}, "sequence holds nan"),
        ({"sides": [300]}, "sides holds 300; it must be a whole number from 0 to 255"),
        ({"source": [70_000]}, "source holds 70000"),
        ({"bid": ["a"]}, "do not fit together"),
    ],
)
def test_events_hold_what_was_given_or_nothing(columns, told):
    """NumPy would wrap -1 to the largest number and cut 0.5 off."""
    with pytest.raises(InputError, match=told):
        universe().events(**{"key": [0], "bid": 1.0, "ask": 2.0, **columns})
    assert (0,) == universe().events([], [], []).shape


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"universe": {"X": 1.0}}, "it must be a Universe"),
        ({"settings": {"ring": 3}}, "it must be StreamSettings"),
        ({"settings": StreamSettings(watermarks=None)}, "it must be Watermarks"),
        ({"settings": StreamSettings(always_conflate="no")}, "always_conflate is 'no'"),
        ({"settings": StreamSettings(refresh_vol=NAN)}, "refresh_vol is nan"),
        ({"settings": StreamSettings(pricing=Budget(0.0))}, r"pricing\.seconds is 0\.0"),
        ({"settings": StreamSettings(watermarks=Watermarks(conflate=10, normal=20))}, "watermarks"),
        ({"tolerance": NAN}, "tolerance is nan"),
        ({"tolerance": "fast"}, "tolerance is 'fast'"),
        ({"executor": "pinned", "processor": -1}, "processor is -1"),
        ({"executor": "pinned", "processor": 1 << 20}, "processor is 1048576"),
        ({"risk_stages": None}, "risk_stages is None"),
        ({"risk_stages": [1]}, "each must be a capsule"),
        ({"positions": {"XYZ": "many"}}, "XYZ: the quantity is 'many'; it must be a number"),
        ({"positions": {"XYZ": None}}, "XYZ: the quantity is None"),
        (
            {"positions": {f"Q{i}": 1.0 for i in range(9)}},
            "9 of 9 positions are of no.*'Q4' and 4 more; leave",
        ),
    ],
)
def test_streams_that_cannot_be_made(arguments, told):
    """Before a thread runs."""
    with pytest.raises(InputError, match=told):
        Stream(**{"universe": universe(), **arguments})


def test_numbers_of_numpy_are_numbers():
    """For counts, seconds, keys and positions."""
    settings = StreamSettings(ring=np.int64(1 << 16), stale_after=np.float64(2.0))
    stream = Stream(universe(), settings=settings, positions={"XYZ": np.float64(2.0)})
    assert stream.push(np.int64(0), 99.0, 101.0, time_ns=np.int64(START))
    assert 2.0 == stream.book().delta
    stream.restart_source(np.int64(3))


@pytest.mark.parametrize("events", [None, [1, 2], np.zeros((2, 2)), np.zeros(())])
def test_what_is_no_array_of_events_is_refused(events):
    """With how to make one."""
    with pytest.raises(InputError, match=r"make them with Universe\.events"):
        Stream(universe()).push_many(events)


def test_every_second_event_of_an_array():
    """Arrays with gaps between their rows are taken too."""
    stream = Stream(universe())
    events = stream.universe.events("XYZ", 99.0, [101.0, 0.0, 103.0, 0.0], time_ns=START)
    assert 2 == stream.push_many(events[::2])
    assert 101.0 == stream.underlyings()["spot"][0]


def test_one_event_that_cannot_be_made_says_which_value():
    """And what it must be; a ticket is not the caller's."""
    stream = Stream(universe())
    with pytest.raises(InputError, match=r"time_ns is 1\.5; it must be a whole number"):
        stream.push("XYZ", 1.0, 2.0, time_ns=1.5)
    with pytest.raises(InputError, match="no column 'colour'"):
        stream.push("XYZ", 1.0, 2.0, time_ns=START, colour=3)
    with pytest.raises(InputError, match="-1: no event can be made: a key must be"):
        stream.push(-1, 1.0, 2.0, time_ns=START)
    with pytest.raises(InputError, match="the ticket is the stream's own"):
        stream.process_sync("XYZ", 1.0, 2.0, time_ns=START, ticket=3)
    with pytest.raises(InputError, match="True is no symbol"):
        stream.push(True, 1.0, 2.0, time_ns=START)
    assert 0 == stream.snapshot().events_in


def test_a_producer_of_another_thread_refuses_the_same():
    """Symbols, columns and events as of the stream itself; an inline stream has no thread that would look at its ring."""
    with pytest.raises(InputError, match="push into the stream itself, or use 'hybrid'"):
        Stream(universe()).producer()
    with Stream(universe(), executor="hybrid") as stream:
        producer = stream.producer()
        assert producer.push("XYZ", 99.0, 101.0, time_ns=START)
        assert 2 == producer.push_many(stream.universe.events(["XYZ", "XYZ1"], 1.0, 2.0, time_ns=START))
        assert producer.capacity >= 1 << 16
        assert 0 <= producer.waiting <= 3
        for call, told in (
            (lambda: producer.push("ABC", 1.0, 2.0, time_ns=START), "'ABC' is no symbol"),
            (lambda: producer.push("XYZ", "a", 2.0, time_ns=START), "bid is 'a'; it must be a number"),
            (lambda: producer.push("XYZ", 1.0, 2.0, time_ns=START, colour=1), "no column 'colour'"),
            (lambda: producer.push_many([1]), r"make them with Universe\.events"),
        ):
            with pytest.raises(InputError, match=told):
                call()
        further = [stream.producer() for _ in range(14)]
        assert 14 == len(further)
        with pytest.raises(InputError, match="producers already"):
            stream.producer()
        assert stream.snapshot().exact
    assert 3 == stream.snapshot().events_in


def test_other_arguments_are_told_as_well():
    """Counts, seconds, sources."""
    stream = Stream(universe())
    for most in (-1, 0, "all", 1.5):
        with pytest.raises(InputError, match="most is"):
            stream.results().take(most)
    for target in ("a", 0.0, NAN):
        with pytest.raises(InputError, match="latency_target is"):
            stream.processor("slow", latency_target=target)
    for source in ("a", 1.5, 64):
        with pytest.raises(InputError, match="source is"):
            stream.restart_source(source)


def test_nothing_waits_for_a_stream_that_has_stopped():
    """Consumers, processors and awaited events are refused until it is started again; the account stays exact."""
    stream = Stream(universe(), executor="hybrid")
    seen = []
    stream.processor("keeper")(seen.append)
    stream.stop()
    for refused in (stream.results, lambda: stream.processor("keeper")):
        with pytest.raises(InputError, match=r"the stream has stopped; start\(\) it first"):
            refused()
    with pytest.raises(StreamHaltedError, match=r"the stream has stopped; start\(\) it first"):
        asyncio.run(asyncio.wait_for(stream.process("XYZ", 99.0, 101.0, time_ns=START), 10.0))
    assert stream.push("XYZ", 99.0, 101.0, time_ns=START)  # waits in the ring
    assert (1, True) == (stream.snapshot().in_flight, stream.snapshot().exact)
    stream.start()
    stream.processor("keeper")(seen.append)  # its name is free again
    stream.push("XYZ", 99.0, 101.0, time_ns=START)
    final = stream.stop()
    assert (2, 0, True) == (final.out, final.in_flight, final.exact)
    assert seen


@pytest.mark.parametrize("raised", [RuntimeError("no"), SystemExit(3), asyncio.CancelledError()])
def test_whatever_a_processor_raises_its_thread_goes_on(raised):
    """An end of the program, asked for in a processor, would end the processor alone, and silently."""
    with Stream(universe(), executor="hybrid") as stream:

        @stream.processor("sore")
        def sore(_):
            raise raised

        for turn in range(3):
            stream.push("XYZ", 99.0, 101.0 + turn, time_ns=START + turn)
            deadline = time.monotonic() + 10.0
            while stream.snapshot().processors[0].failures <= turn and time.monotonic() < deadline:
                time.sleep(0.005)
    (report,) = stream.snapshot().processors
    assert (3, 3, 0) == (report.failures, report.handled, report.missed)
    assert type(raised).__name__ in report.last_error


def test_a_consumer_that_is_closed_while_it_is_waited_for_ends():
    """Whoever waits in `async for` hears of it, and closing twice is closing once."""

    async def main():
        async with Stream(universe(), executor="hybrid") as stream:
            results = stream.results()

            async def read():
                return [len(batch) async for batch in results]

            reading = asyncio.ensure_future(read())
            await asyncio.sleep(0.05)
            results.close()
            results.close()
            return await asyncio.wait_for(reading, 10.0)

    assert [] == asyncio.run(main())
