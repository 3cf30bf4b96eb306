from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from atalanta.market.analysis import analyze
from atalanta.market.chain import Chain
from tests.parity_market import Expiry, changed, parity_chain, smile

expiries = st.builds(
    lambda days, forward, rate, vol: Expiry(days, forward, float(np.exp(-rate * days / 365)), vol),
    days=st.integers(2, 1000),
    forward=st.floats(5.0, 20_000.0),
    rate=st.floats(-0.02, 0.15),
    vol=st.floats(0.1, 1.0),
)

#: Quotes that no contract of such a market can have; prices in forwards.
bad_quotes = st.sampled_from(
    [
        *((np.nan, np.nan), (0.0, 1.0), (0.5, 0.4), (1.0, np.inf), (-1.0, -0.5), (0.3, np.nan)),
        *((2.0, 2.000001), (1e6, 2e6), (3.0, 3.3)),
    ]
)


def within(analysis, expiry: Expiry, deviations: float):
    """Rows whose strike is within some standard deviations of the forward."""
    return np.abs(analysis["moneyness"]) < deviations * expiry.vol * np.sqrt(expiry.years)


def test_no_strike_of_the_market_is_far_away():
    """The properties below have rows to check even for the shortest and calmest expiry."""
    expiry = Expiry(2, 100.0, 1.0, 0.1)
    assert within(analyze(parity_chain(expiry, strikes=_strikes(expiry))), expiry, 2.0).sum() > 4


def _strikes(expiry: Expiry):
    reach = min(3 * expiry.vol * np.sqrt(expiry.years), 0.3)
    return expiry.forward * np.exp(reach * np.linspace(-1, 1, 15))


@given(expiries)
def test_truth_is_recovered(expiry):
    """From noiseless quotes come the forward to 1e-9 and, within two deviations, the volatility to 1e-9."""
    chain = parity_chain(expiry, strikes=_strikes(expiry))
    analysis = analyze(chain)
    assert pytest.approx(expiry.forward, rel=1e-9) == analysis["forward"][0]
    assert pytest.approx(expiry.discount, rel=1e-9) == analysis["discount"][0]
    near = within(analysis, expiry, 2.0)
    np.testing.assert_allclose(smile(expiry, chain["strike"])[near], analysis["iv_mid"][near], rtol=1e-9)


@given(expiries, st.randoms(use_true_random=False))
def test_row_order_does_not_matter(expiry, random):
    """Shuffled rows give the same numbers, shuffled."""
    chain = parity_chain(expiry, expiry._replace(days=expiry.days + 30))
    order = list(range(len(chain)))
    random.shuffle(order)
    straight, shuffled = analyze(chain), analyze(chain.take(order))
    for name in straight:
        np.testing.assert_array_equal(straight[name][order], shuffled[name], err_msg=name)


@given(
    expiries,
    st.lists(st.sampled_from(["american", "european"]), min_size=84, max_size=84),
    st.permutations(range(84)),
)
def test_row_order_does_not_matter_where_exercise_styles_mix(expiry, styles, order):
    """Whatever rows are American, shuffled rows give the same numbers, shuffled."""
    chain = parity_chain(expiry, expiry._replace(days=expiry.days + 30))
    chain = chain.with_columns(exercise=np.array(styles, dtype=object))
    straight, shuffled = analyze(chain), analyze(chain.take(order))
    for name in straight:
        np.testing.assert_array_equal(straight[name][order], shuffled[name], err_msg=name)


@given(
    expiries,
    st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)), min_size=30, max_size=30),
    st.one_of(st.none(), st.floats(-0.5, 0.9)),
)
def test_analysing_twice_is_analysing_once(expiry, quotes, rate):
    """The columns of an analysis, analysed again, give the same bits, whatever rate the first one was given."""
    chain = parity_chain(expiry, strikes=_strikes(expiry))
    bid, ask = np.array(quotes).T
    odd = np.arange(30) % 3 == 0
    chain = chain.with_columns(bid=np.where(odd, bid, chain["bid"]), ask=np.where(odd, ask, chain["ask"]))
    first = analyze(chain, rate=rate)
    once, again = analyze(chain), analyze(Chain({name: first[name] for name in first}))
    for name in once:
        np.testing.assert_array_equal(once[name], again[name], err_msg=name)


@given(expiries, st.integers(0, 29), bad_quotes)
def test_a_bad_quote_harms_no_other_row(expiry, row, quote):
    """A bad quote flags its own row only, and moves no other row's forward or volatility by more than 1e-9."""
    chain = parity_chain(expiry, strikes=_strikes(expiry))
    bad = changed(
        changed(chain, "bid", row, quote[0] * expiry.forward), "ask", row, quote[1] * expiry.forward
    )
    before, after = analyze(chain), analyze(bad)
    others = np.arange(len(chain)) != row
    np.testing.assert_array_equal(before["flags"][others], after["flags"][others])
    assert after["flags"][row] != 0
    np.testing.assert_allclose(before["forward"], after["forward"], rtol=1e-9)
    near = within(before, expiry, 2.0) & others
    np.testing.assert_allclose(before["iv_mid"][near], after["iv_mid"][near], rtol=1e-9)


@given(
    expiries,
    st.lists(st.tuples(st.floats(), st.floats()), min_size=30, max_size=30),
    st.integers(0, 2**11 - 1),
)
def test_a_missing_number_is_always_flagged(expiry, quotes, flags):
    """Whatever the quotes, NaN in iv_mid, delta or vega comes with a flag, and a volatility is never negative."""
    chain = parity_chain(expiry, strikes=_strikes(expiry))
    bid, ask = np.array(quotes).T
    analysis = analyze(chain.with_columns(bid=bid, ask=ask, flags=np.where(np.arange(30) % 3, 0, flags)))
    for name in ("iv_mid", "delta", "vega"):
        assert (analysis["flags"][np.isnan(analysis[name])] != 0).all()
    assert not (analysis["iv_mid"] < 0).any()


@given(expiries, st.floats(0.01, 100.0))
def test_prices_in_another_unit_give_the_same_vols(expiry, scale):
    """Strikes, spot and quotes times a constant: forward times it, volatility and delta unchanged."""
    chain = parity_chain(expiry, strikes=_strikes(expiry))
    prices = {name: scale * chain[name] for name in ("strike", "spot", "bid", "ask")}
    before, after = analyze(chain), analyze(chain.with_columns(**prices))
    np.testing.assert_allclose(scale * before["forward"], after["forward"], rtol=1e-9)
    near = within(before, expiry, 2.0)
    for name in ("iv_mid", "delta"):
        np.testing.assert_allclose(before[name][near], after[name][near], rtol=1e-8)


@given(expiries)
def test_a_vol_lies_between_those_of_bid_and_ask(expiry):
    """iv_bid ≤ iv_mid ≤ iv_ask wherever all three exist."""
    analysis = analyze(parity_chain(expiry))
    both = np.isfinite(analysis["iv_bid"]) & np.isfinite(analysis["iv_ask"]) & np.isfinite(analysis["iv_mid"])
    assume(both.any())
    assert (analysis["iv_bid"][both] <= analysis["iv_mid"][both]).all()
    assert (analysis["iv_mid"][both] <= analysis["iv_ask"][both]).all()
