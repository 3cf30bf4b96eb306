"""Properties of the simulated market that hold for every seed and every trading afternoon."""

from __future__ import annotations

import datetime as dt

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from atalanta.market.contracts.calendar import is_trading_day
from atalanta.market.simulator import simulate_chain
from atalanta.market.simulator.ticks import simulate_ticks

seeds = st.integers(0, 2**64 - 1)
afternoons = st.builds(
    lambda day, minute: dt.datetime.combine(day, dt.time(17 + minute // 60, minute % 60)),
    st.dates(dt.date(1990, 1, 3), dt.date(2090, 12, 29)).filter(lambda day: bool(is_trading_day(day))),
    st.integers(0, 6 * 60),  # through and past the close
)


@settings(max_examples=25)
@given(seed=seeds, moment=afternoons)
def test_every_market_is_consistent(seed, moment):
    """Sound quotes hold the truth, parity holds as its exercise style has it, contracts expire when their time is up."""
    market = simulate_chain(seed=seed, quote_time=moment)
    chain, truth = market.chain, market.truth
    sound, alive = truth["defect"] == "", chain["years"] > 0.0
    assert (chain["bid"][sound] <= truth["price"][sound]).all()
    assert (truth["price"][sound] <= chain["ask"][sound]).all()
    assert (chain["bid"][sound] < chain["ask"][sound]).all()
    assert list(alive) == list(truth["defect"] != "expired")
    assert list(alive) == list(np.isfinite(truth["vol"]))
    once = truth["defect"] != "duplicate"
    call, put = once & (chain["right"] > 0), once & (chain["right"] < 0)
    gap = truth["price"][call] - truth["price"][put]
    strike, european = chain["strike"][call], chain["exercise"][call] == "european"
    parity = truth["discount"][call] * (truth["forward"][call] - strike)
    assert np.abs((gap - parity) / truth["forward"][call])[european].max() <= 1e-12
    spot = dict(zip(market.underlyings["underlying"], market.underlyings["spot"], strict=True))
    spot = np.array([spot[name] for name in chain["underlying"][call]])
    slack = 1e-5 * spot  # of two American prices
    assert (gap <= spot - truth["discount"][call] * strike + slack)[~european].all()
    stripped = np.minimum(truth["discount"][call] * truth["forward"][call], spot)
    assert (gap >= stripped - strike - slack)[~european & alive[call]].all()
    written = chain["expiry"] >= np.datetime64("2000-01-01")  # a symbol's year has two digits
    assert len(set(chain["symbol"][written].tolist())) == (once & written).sum()
    assert 4_000 < len(chain) < 8_000


@settings(max_examples=15)
@given(
    seed=seeds,
    seconds=st.floats(1e-6, 600.0),
    ticks=st.floats(0.1, 3_000.0),
)
def test_every_stream_is_consistent(seed, seconds, ticks):
    """Times are ordered and inside the window; sound quotes hold a finite truth."""
    stream = simulate_ticks(simulate_chain(), seconds=seconds, rate=ticks / seconds, seed=seed)
    times = stream.ticks["time_ns"]
    assert (np.diff(times) >= 0).all()
    assert ((times >= 0) & (times <= seconds * 1e9)).all()
    sound = stream.truth["defect"] == ""
    assert np.isfinite(stream.truth["price"]).all()
    assert (stream.ticks["bid"][sound] <= stream.truth["price"][sound]).all()
    assert (stream.truth["price"][sound] <= stream.ticks["ask"][sound]).all()
