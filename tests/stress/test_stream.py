"""Streams under threads and faults: the account is exact at every reading, whoever fails or falls asleep."""

import threading

import numpy as np
import pytest

from atalanta.streaming import Budget, Stream, StreamSettings, Watermarks
from tests.streaming_market import START, universe

EACH, SENDERS = 15_000, 3


def events_of(market, seed):
    """Everything that may come: unknown keys, gaps, repeats, bad quotes, clocks that jump, times long ago."""
    rng = np.random.Generator(np.random.PCG64(seed))
    bid = rng.choice([np.nan, 0.0, 3.0, 4.0, 99.0, 101.0], EACH)
    events = market.events(
        rng.integers(0, len(market) + 1, EACH),
        bid,
        bid + rng.choice([-1.0, 0.0, 0.5, 2.0], EACH),
        time_ns=START + rng.integers(-1000, 1000, EACH),
        sequence=np.where(rng.random(EACH) < 0.5, 0, np.arange(EACH) // 2 + rng.integers(0, 3, EACH)),
        kind=rng.choice([0, 0, 0, 1], EACH),
        source=seed,
    )
    events["intended_ns"][rng.random(EACH) < 0.01] = 1
    return events


@pytest.mark.parametrize("executor", ["inline", "hybrid", "pinned"])
@pytest.mark.parametrize("on_miss", ["mark_late", "drop", "conflate"])
def test_the_account_is_exact_at_every_reading(executor, on_miss):
    settings = StreamSettings(
        market_data=Budget(100e-6, on_miss),
        pricing=Budget(500e-6, on_miss),
        ring=512,
        conflation="quotes",
        watermarks=Watermarks(64, 8, 400, 200),
    )
    stream = Stream(universe(), executor=executor, settings=settings, positions={"XYZ0": 2.0})

    @stream.processor("fails", capacity=64)
    def fails(batch):
        raise RuntimeError(len(batch))

    results = stream.results(capacity=128)  # nobody reads
    wrong, done, taken = [], threading.Event(), [0] * SENDERS

    def send(place):
        producer = stream if executor == "inline" else stream.producer()
        events = events_of(stream.universe, place)
        for first in range(0, EACH, 100):
            taken[place] += producer.push_many(events[first : first + 100])

    def read():
        while not done.is_set():
            snapshot = stream.snapshot()
            if not snapshot.exact:
                wrong.append(snapshot)
            stream.contracts()
            stream.set_positions({"XYZ1": 1.0})

    reader = threading.Thread(target=read)
    senders = [threading.Thread(target=send, args=(place,)) for place in range(SENDERS)]
    reader.start()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    done.set()
    reader.join()
    last = stream.stop()
    assert [] == wrong
    assert last.exact
    assert SENDERS * EACH == last.events_in
    assert 0 == last.in_flight
    assert SENDERS * EACH - sum(taken) == last.dropped["full"]
    assert last.out == results.missed + len(results.take(1 << 16))
    report = last.processors[0]
    assert (report.failures > 0) == (last.out > 0)
    assert last.out == report.handled + report.missed
