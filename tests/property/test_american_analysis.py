"""Properties of American chains that hold for every share: the spot comes back, vols reprice, NaN is flagged."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from atalanta.market.analysis import analyze
from atalanta.market.analysis.assignment import find_assignments
from atalanta.pricing import Dividends, price
from tests.american_market import Stock, american_chain

amounts = st.floats(0.05, 3.0).map(lambda cash: round(cash, 2))
calendars = st.lists(
    st.tuples(
        st.sampled_from(["2026-03-03", "2026-03-16", "2026-04-10", "2026-06-15", "2026-09-14"]), amounts
    ),
    max_size=3,
    unique_by=lambda entry: entry[0],
).map(lambda entries: tuple(sorted(entries)))
stocks = st.builds(
    Stock,
    spot=st.sampled_from([20.0, 100.0, 450.0]).map(float),
    rate=st.floats(0.0, 0.09),
    borrow=st.floats(-0.01, 0.1),
    dividends=calendars,
    vol=st.floats(0.12, 0.8),
    skew=st.floats(-0.2, 0.1),
    name=st.just("XYZ"),
)
days = st.sampled_from([11, 45, 120, 300])


def scaled(stock: Stock) -> Stock:
    """The same with dividends in proportion to the spot."""
    return stock._replace(dividends=tuple((day, cash * stock.spot / 100) for day, cash in stock.dividends))


def terms_of(stock: Stock):
    return {"rate": stock.rate, "borrow": stock.borrow, "dividends": {stock.name: list(stock.dividends)}}


@settings(max_examples=40)
@given(stocks.map(scaled), days)
def test_the_spot_comes_back(stock, expiry):
    """Noiseless quotes give the spot back to 0.02 % wherever a pair is left to tell."""
    chain = american_chain(stock, expiry, half=1e-4 * stock.spot, tolerance="standard")
    expiries = analyze(chain, **terms_of(stock)).expiries
    if expiries["source"][0].startswith("parity"):
        assert abs(expiries["implied_spot"][0] / stock.spot - 1) < 2e-4


@settings(max_examples=40)
@given(stocks.map(scaled), days)
def test_every_number_can_be_trusted_or_is_flagged(stock, expiry):
    """A vol prices back to its mid at the implied spot; a row without one carries a flag; bid ≤ mid ≤ ask."""
    chain = american_chain(stock, expiry, tolerance="standard")
    analysis = analyze(chain, **terms_of(stock))
    assert (analysis["flags"][np.isnan(analysis["iv_mid"])] != 0).all()
    known = np.isfinite(analysis["iv_mid"])
    schedule = stock.schedule()
    value = price(
        chain["right"],
        analysis["implied_spot"],
        chain["strike"],
        chain["years"],
        analysis.expiries["rate"][0],
        analysis["iv_mid"],
        dividend_yield=stock.borrow,
        exercise="american",
        dividends=Dividends([schedule]) if schedule else None,
    )
    assert (np.abs(value - analysis["mid"])[known] <= 1e-4 * chain["strike"][known]).all()
    for low, high in (("iv_bid", "iv_mid"), ("iv_mid", "iv_ask")):
        both = np.isfinite(analysis[low]) & np.isfinite(analysis[high])
        assert (analysis[low][both] <= analysis[high][both] + 1e-4).all()


@settings(max_examples=20)
@given(stocks, days, st.lists(st.floats(0.0, 50.0), min_size=42, max_size=42))
def test_no_quotes_raise(stock, expiry, noise):
    """Whatever is quoted, every row comes back, NaN only with a flag, and assignment is judged without an error."""
    chain = american_chain(stock, expiry, tolerance="fast")
    ask = np.array(noise)
    analysis = analyze(chain.with_columns(bid=0.8 * ask, ask=ask), tolerance="fast", **terms_of(stock))
    assert (analysis["flags"][np.isnan(analysis["iv_mid"])] != 0).all()
    found = find_assignments(analysis, tolerance="fast")
    assert (found["cost"] > 0).all()
    assert (found["cost"] <= stock.spot + chain["strike"].max()).all()
