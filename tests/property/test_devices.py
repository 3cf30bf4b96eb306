"""Properties of every device's options: agreement within the guarantees, parity, a vol that gives its price back."""

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from atalanta import pricing
from atalanta.compute.devices import device

EMULATED = device("emulated")
formats = st.sampled_from(EMULATED.capabilities()["price"].formats)


@st.composite
def options(draw):
    """(right, spot, strike, years, rate, vol, dividend_yield), wider than the kernels' domain on every side."""
    spot = draw(st.floats(1e-12, 1e12))
    vol, years = draw(st.floats(1e-3, 5.0)), draw(st.floats(1e-7, 50.0))
    strike = spot * math.exp(draw(st.floats(-8.0, 8.0)) * min(1.0, vol * math.sqrt(years)))
    rates = st.floats(-0.05, 0.15)
    return draw(st.sampled_from([1, -1])), spot, strike, years, draw(rates), vol, draw(rates)


@given(options(), formats)
def test_prices_agree_within_the_guarantee(option, chosen):
    """Inside a kernel's domain and outside it, where the CPU has finished the row."""
    *terms, dividend_yield = option
    exact = pricing.price(*terms, dividend_yield=dividend_yield)
    found = EMULATED.run("price", *option, tolerance=chosen.error)
    assert abs(found - exact) <= chosen.error * max(option[1], exact)


@given(options())
def test_parity(option):
    """Call minus put is the discounted forward minus the discounted strike."""
    _, spot, strike, years, rate, _, dividend_yield = option
    call, put = (float(EMULATED.run("price", right, *option[1:])) for right in (1, -1))
    forward, discounted = spot * math.exp(-dividend_yield * years), strike * math.exp(-rate * years)
    assert abs(call - put - (forward - discounted)) <= 2e-13 * (max(spot, call) + max(spot, put))


@given(options())
def test_a_vol_gives_its_price_back(option):
    """The price of the vol found is the price asked for, as far as 1e-9 of the vol moves it."""
    *terms, dividend_yield = option
    greeks = pricing.greeks(*terms, dividend_yield=dividend_yield)
    price, vega, vol = float(greeks.price), float(greeks.vega), option[5]
    found, status = EMULATED.run("implied_vol", price, *terms[:5], dividend_yield)
    assume(status == 0)
    allowed = 2e-9 * vega * vol + 1e-14 * max(price, option[1], option[2])
    again = pricing.price(*terms[:5], float(found), dividend_yield=dividend_yield)
    assert abs(again - price) <= allowed


@given(options(), st.integers(1, 5))
def test_a_row_does_not_depend_on_its_neighbours(option, place):
    """Alone or among others, the same bits."""
    alone = EMULATED.run("price", *option)
    neighbours = [np.full(7, value) for value in (1, 100.0, 90.0, 1.0, 0.01, 0.3, 0.0)]
    for column, value in zip(neighbours, option, strict=True):
        column[place] = value
    assert EMULATED.run("price", *neighbours)[place] == alone
