"""Forwards of a stream: fitted again from its quotes, by the analysis's own method, or carried, and told which."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import atalanta
from atalanta.errors import InputError
from atalanta.market.analysis.parity import Pairs, fit_parity
from atalanta.streaming import Budget, Stream, StreamFlag, StreamSettings, Universe
from tests.streaming_market import EPOCH, START

RATE, YIELD, YEARS = 0.03, 0.01, 30.0 / 365.0
GROWTH, DISCOUNT = np.exp((RATE - YIELD) * YEARS), np.exp(-RATE * YEARS)
NAN = float("nan")
SECOND = 1_000_000_000


def paired(strikes, exercise="european", vol=0.2):
    """XYZ at 100 with a call and a put at each strike that expire in 30 days."""
    count = 2 * len(strikes)
    right = np.tile([1, -1], len(strikes)).astype(np.int8)
    strike = np.repeat(np.asarray(strikes, dtype=float), 2)
    return Universe(
        {"XYZ": 100.0},
        {
            "symbol": np.array(
                [f"XYZ{k:g}{'C' if r > 0 else 'P'}" for k, r in zip(strike, right, strict=True)], dtype=object
            ),
            "underlying": np.full(count, "XYZ", dtype=object),
            "expires_at": np.full(count, EPOCH + np.timedelta64(30, "D")),
            "exercise": np.full(count, exercise, dtype=object),
            "right": right,
            "strike": strike,
            "multiplier": np.full(count, 100.0),
            "vol": np.full(count, vol),
            "rate": np.full(count, RATE),
            "dividend_yield": np.full(count, YIELD),
        },
    )


def quotes(universe, scale, half=0.02, time_ns=START, spot=100.0, vol=0.2, noise=0.0, seed=1):
    """The underlying and all contracts at what they are worth on `scale` times the spot, as one batch of events."""
    table = universe.contracts
    years = YEARS - (time_ns - START) / SECOND / 86_400 / 365
    mid = atalanta.price(
        table["right"], scale * spot, table["strike"], years, RATE, vol, dividend_yield=YIELD
    ) + noise * np.random.default_rng(seed).standard_normal(len(table))
    half = np.broadcast_to(half, len(table))
    return universe.events(
        np.arange(1 + len(table)),
        np.concatenate([[spot - 0.01], mid - half]),
        np.concatenate([[spot + 0.01], mid + half]),
        time_ns=time_ns,
    )


def forward_of(stream):
    rows = stream.forwards()
    assert 1 == len(rows)
    return {name: rows[name][0] for name in rows}


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.95, 1.05),
    st.floats(0.0, 0.05),
    st.integers(3, 30),
    st.integers(0, 1000),
    st.integers(0, 6),
)
def test_the_fit_is_that_of_the_analysis(scale, noise, strikes, seed, wrong):
    """Forward and standard error, of noisy quotes some of which are wrong by far."""
    universe = paired(np.linspace(90, 110, strikes))
    events = quotes(universe, scale, 0.03, noise=noise, seed=seed)
    rng = np.random.default_rng(seed)
    for row in 1 + rng.integers(0, 2 * strikes, wrong):
        events["bid"][row] += 2.0
        events["ask"][row] += 2.0 + rng.random()
    events["bid"][events["bid"] <= 0] = NAN
    stream = Stream(universe, settings=StreamSettings(batch=128))
    stream.push_many(events)
    found = forward_of(stream)

    bid, ask = (events[name][1:].reshape(-1, 2) for name in ("bid", "ask"))
    put_first = universe.contracts["right"][0] < 0
    call, put = (1, 0) if put_first else (0, 1)
    there = np.isfinite(bid).all(axis=1)
    mid, width = (bid + ask) / 2, ask - bid
    rows = np.flatnonzero(there)
    pairs = Pairs(
        np.zeros(len(rows), dtype=np.int64),
        universe.contracts["strike"][::2][rows],
        (mid[:, call] - mid[:, put])[rows],
        np.hypot(width[:, call], width[:, put])[rows],
        rows,
        rows,
    )
    expected = fit_parity(pairs, 1, 0.15, DISCOUNT) if len(rows) >= 3 else None
    if expected is None or not expected.forward_se[0] <= 0.005 * expected.forward[0]:
        assert found["scale"] == 1.0
        assert np.isnan(found["forward_se"])
        return
    assert found["pairs"] == len(rows)
    assert pytest.approx(expected.forward[0], rel=1e-9) == found["forward"]
    assert pytest.approx(expected.forward_se[0], rel=1e-6) == found["forward_se"]
    assert pytest.approx(found["forward"] / GROWTH / 100.0, rel=1e-9) == found["scale"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 22),
            st.sampled_from([NAN, float("inf"), -1.0, 0.0, 1e-300, 5.0, 1e300]),
            st.sampled_from([NAN, float("inf"), -1.0, 0.0, 1e-300, 5.0, 1e300]),
            st.integers(0, 20),
        ),
        max_size=100,
    )
)
def test_whatever_is_quoted_a_forward_is_a_number_above_zero(rows):
    """Absurd quotes are left out, or leave the forward as it was; every event is accounted for."""
    universe = paired(np.arange(95.0, 106.0))
    stream = Stream(universe)
    stream.push_many(quotes(universe, 1.01))
    for key, bid, ask, later in rows:
        stream.push(key, bid, ask, time_ns=START + later * SECOND)
    found = forward_of(stream)
    assert found["scale"] > 0
    assert np.isfinite(found["scale"])
    assert stream.snapshot().exact


def test_what_is_carried_says_so():
    """Before anything has come in, for American expiries, and when it is asked for: no error, no instant."""
    strikes = np.arange(95.0, 106.0)
    fresh = forward_of(Stream(paired(strikes)))
    assert np.isnan(fresh["forward"])
    assert np.isnat(fresh["fitted_at"])
    for exercise, kind in (("american", "fitted"), ("european", "carried")):
        universe = paired(strikes, exercise)
        stream = Stream(universe, settings=StreamSettings(forwards=kind))
        stream.push_many(quotes(universe, 1.02))
        found = forward_of(stream)
        assert (1.0, 0) == (found["scale"], found["pairs"])
        assert pytest.approx(100.0 * GROWTH) == found["forward"]
        assert np.isnan(found["forward_se"])
        assert np.isnan(found["age"])
        assert np.isnat(found["fitted_at"])
        assert 0 == stream.snapshot().seen["forwards_fitted"]


def test_a_fitted_forward_tells_its_age_and_goes_stale():
    """And follows the price that ticks in between."""
    universe = paired(np.arange(95.0, 106.0))
    stream = Stream(universe)
    results = stream.results()
    stream.push_many(quotes(universe, 1.02))
    found = forward_of(stream)
    assert 1 == stream.snapshot().seen["forwards_fitted"]
    assert found["fitted_at"] == EPOCH
    assert 0.0 == found["age"]
    assert 0.0 < found["forward_se"] < 0.05
    stream.push("XYZ", 100.99, 101.01, time_ns=START + 2 * SECOND)
    later = forward_of(stream)
    assert pytest.approx(2.0) == later["age"]
    assert pytest.approx(1.01 * found["forward"], rel=1e-6) == later["forward"]
    results.take()
    stream.push("XYZ95C", 7.0, 7.1, time_ns=START + 6 * SECOND)
    assert results.take()["flags"][0] & StreamFlag.FORWARD_STALE
    assert 1 == stream.snapshot().seen["forwards_kept"]
    assert found["scale"] == forward_of(stream)["scale"]


def test_prices_move_with_the_forward():
    """Results of contracts that no event named tell so."""
    universe = paired(np.arange(95.0, 106.0))
    stream = Stream(universe)
    stream.push_many(quotes(universe, 1.0))
    before = stream.contracts()["price"]
    results = stream.results(refreshed=True)
    stream.push_many(quotes(universe, 1.02, time_ns=START + SECOND)[1:])
    batch = results.take()
    assert ((batch["flags"] & StreamFlag.REFRESHED) != 0).sum() >= 2 * 11
    moved = stream.contracts()["price"] - before
    assert (np.sign(moved) == universe.contracts["right"]).all()
    assert np.allclose(batch["vol"][: 2 * 11], 0.2, atol=2e-4)


def test_a_late_batch_carries_its_forwards_and_says_so():
    """The policy `degrade` of market data; refused where nothing is fitted."""
    strikes = np.arange(95.0, 106.0)
    late = StreamSettings(market_data=Budget(1e-9, "degrade"))
    universe = paired(strikes)
    stream = Stream(universe, settings=late)
    results = stream.results()
    stream.push_many(quotes(universe, 1.02))
    batch = results.take()
    assert not batch["flags"][0] & StreamFlag.DEGRADED  # the underlying has no forward
    assert (batch["flags"][1:] & StreamFlag.DEGRADED).all()
    assert 22 == stream.snapshot().seen["degraded"]
    assert 0 == stream.snapshot().seen["forwards_fitted"]
    for other, settings_ in (
        (paired(strikes, "american"), late),
        (universe, StreamSettings(market_data=Budget(1e-9, "degrade"), forwards="carried")),
    ):
        with pytest.raises(InputError, match="market_data cannot degrade"):
            Stream(other, settings=settings_)


@pytest.mark.parametrize(
    ("settings_", "told"),
    [
        (StreamSettings(forwards="guessed"), "forwards is 'guessed'"),
        (StreamSettings(forward_after=0.0), "forward_after is 0.0"),
    ],
)
def test_settings_of_forwards_that_cannot_be_used_are_refused(settings_, told):
    """With the value and what is allowed."""
    with pytest.raises(InputError, match=told):
        Stream(paired([100.0]), settings=settings_)
