"""Whatever goes into a stream, every event is accounted for, and the last quote of each key is what counts."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from atalanta.streaming import TRADE, Budget, Stream, StreamSettings, Watermarks
from tests.streaming_market import START, universe

PRICES = st.sampled_from([float("nan"), float("inf"), -1.0, 0.0, 1e-9, 3.0, 4.0, 4.5, 99.0, 101.0, 1e300])
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 9),  # keys; 7 and above are unknown
        PRICES,
        PRICES,
        st.integers(0, 40),  # sequence
        st.integers(-5, 5),  # time
        st.integers(0, 4),  # sides, one of them none that exists
        st.sampled_from([0, TRADE, 9]),
        st.sampled_from([0, 1, 63, 64]),  # source
    ),
    max_size=120,
)
BUDGETS = st.sampled_from(["mark_late", "drop", "conflate"])


@settings(max_examples=80)
@given(
    EVENTS,
    BUDGETS,
    BUDGETS,
    st.sampled_from(["never", "unsequenced", "quotes"]),
    st.booleans(),
    st.integers(1, 50),
)
def test_every_event_is_accounted_for(rows, market, pricing, conflation, always, batch):
    stream = Stream(
        universe(),
        settings=StreamSettings(
            market_data=Budget(1e-9, market),
            pricing=Budget(1e-9, pricing),
            conflation=conflation,
            always_conflate=always,
            batch=batch,
            ring=64,
            watermarks=Watermarks(16, 2, 40, 20),
        ),
        positions={"XYZ0": 1.0},
    )
    results = stream.results()
    if rows:
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        names = ("sequence", "time_ns", "sides", "kind", "source")
        events = stream.universe.events(*columns[:3], **dict(zip(names, columns[3:], strict=True)))
        events["time_ns"] += START
        stream.push_many(events)
    snapshot = stream.snapshot()
    assert snapshot.exact
    assert len(rows) == snapshot.events_in
    assert 0 == snapshot.in_flight
    batch_of_results = results.take()
    assert snapshot.out == len(batch_of_results)
    assert snapshot.conflated == batch_of_results["merged"].sum()


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.floats(1.0, 50.0), st.floats(0.01, 5.0)), min_size=1, max_size=80
    )
)
def test_conflation_ends_where_no_conflation_does(quotes):
    """The state after a burst depends on the last quote of each key alone."""
    streams = [
        Stream(universe(), settings=StreamSettings(always_conflate=always)) for always in (False, True)
    ]
    key, bid, width = (np.array(column) for column in zip(*quotes, strict=True))
    for stream in streams:
        stream.push_many(stream.universe.events(key, bid, bid + width, time_ns=START))
    plain, merged = (stream.contracts() for stream in streams)
    for name in ("bid", "ask"):
        assert np.array_equal(plain[name], merged[name], equal_nan=True)
    spots = [stream.underlyings()["spot"][0] for stream in streams]
    assert spots[0] == spots[1]
    assert streams[1].snapshot().out == len(np.unique(key))
