"""Properties that hold for every option: parity, bounds, monotonicity, round trip, broadcasting."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import atalanta

EPS = np.finfo(float).eps

spots = st.floats(1e-3, 1e5)
moneyness = st.floats(-1.5, 1.5)
years = st.floats(1e-4, 30.0)
rates = st.floats(-0.05, 0.15)
vols = st.floats(0.01, 3.0)
rights = st.sampled_from([1, -1])


@st.composite
def options(draw):
    """(right, spot, strike, years, rate, vol, dividend_yield) of a listed option, widely taken."""
    spot = draw(spots)
    strike = spot * math.exp(draw(moneyness))
    return (draw(rights), spot, strike, draw(years), draw(rates), draw(vols), draw(rates))


def price(right, spot, strike, years, rate, vol, dividend_yield):
    """The price with the yield as a positional argument."""
    return atalanta.price(right, spot, strike, years, rate, vol, dividend_yield=dividend_yield)


@given(options())
def test_parity(option):
    """Call minus put is the discounted forward minus the discounted strike."""
    _, spot, strike, t, r, _, q = option
    call, put = price(1, *option[1:]), price(-1, *option[1:])
    prepaid, discounted = spot * math.exp(-q * t), strike * math.exp(-r * t)
    assert abs(call - put - (prepaid - discounted)) <= 16 * EPS * (prepaid + discounted)


@given(options())
def test_bounds(option):
    """A price lies between the discounted intrinsic value and the discounted forward or strike."""
    right, spot, strike, t, r, _, q = option
    prepaid, discounted = spot * math.exp(-q * t), strike * math.exp(-r * t)
    slack = 16 * EPS * (prepaid + discounted)
    value = price(*option)
    assert max(right * (prepaid - discounted), 0.0) - slack <= value
    assert value <= (prepaid if right == 1 else discounted) + slack


@given(options(), st.floats(1.001, 2.0))
def test_monotone_in_spot_strike_and_vol(option, factor):
    """A call gains with spot and loses with strike, a put the reverse; both gain with volatility."""
    right, spot, strike, t, r, vol, q = option
    value = price(*option)
    slack = 16 * EPS * (spot * factor * math.exp(abs(q) * t) + strike * factor * math.exp(abs(r) * t))
    assert right * (price(right, spot * factor, strike, t, r, vol, q) - value) >= -slack
    assert right * (price(right, spot, strike * factor, t, r, vol, q) - value) <= slack
    assert price(right, spot, strike, t, r, vol * factor, q) >= value - slack


@given(options())
def test_homogeneity(option):
    """Spot and strike times two is the price times two, to the bit."""
    right, spot, strike, *rest = option
    assert 2 * price(*option) == price(right, 2 * spot, 2 * strike, *rest)


@given(options())
def test_black_scholes_equation(option):
    """Theta + (r - q) S delta + vol^2 S^2 gamma / 2 = r V."""
    right, spot, strike, t, r, vol, q = option
    g = atalanta.greeks(right, spot, strike, t, r, vol, dividend_yield=q)
    terms = (g.theta, (r - q) * spot * g.delta, 0.5 * vol**2 * spot**2 * g.gamma, -r * g.price)
    scale = sum(abs(term) for term in terms) + abs(r) * strike + abs(q) * spot
    assert abs(sum(terms)) <= 64 * EPS * scale * max(1.0, math.exp(abs(r) * t), math.exp(abs(q) * t))


@given(options())
def test_round_trip_out_of_the_money(option):
    """The implied volatility of a price prices back to it, within the digits that the price holds."""
    right, spot, strike, t, r, vol, q = option
    right = 1 if strike >= spot * math.exp((r - q) * t) else -1
    value = price(right, *option[1:])
    assume(value > 1e-290)
    got, status = atalanta.implied_vol(value, right, spot, strike, t, r, dividend_yield=q, full_output=True)
    if status == atalanta.ImpliedVolStatus.ABOVE_BOUND:
        bound = spot * math.exp(-q * t) if right == 1 else strike * math.exp(-r * t)
        assert value >= bound * (1 - 8 * EPS)
        return
    g = atalanta.greeks(right, spot, strike, t, r, vol, dividend_yield=q)
    inputs = (spot * g.delta, strike * math.exp(-r * t), t * g.theta, r * g.rho, q * g.phi)
    uncertainty = 8 * EPS * (value + sum(abs(x) for x in inputs)) / (vol * g.vega)
    assume(uncertainty < 1e-3)
    assert status == 0
    assert abs(got / vol - 1) <= 16 * EPS + uncertainty


@given(options(), st.floats(0.0, 3.0))
def test_no_silent_wrong_volatility(option, fraction):
    """Whatever price is given, the volatility found prices back to it, or there is a status."""
    right, spot, strike, t, r, _, q = option
    bound = spot * math.exp(-q * t) if right == 1 else strike * math.exp(-r * t)
    value = fraction * bound
    vol, status = atalanta.implied_vol(value, right, spot, strike, t, r, dividend_yield=q, full_output=True)
    assert math.isnan(vol) == (status != 0)
    if status != 0 or (vol > 12 and vol * math.sqrt(t) > 1):
        return
    back = price(right, spot, strike, t, r, vol, q)
    assert abs(back - value) <= 64 * EPS * (spot * math.exp(-q * t) + strike * math.exp(-r * t)) * max(
        1, abs(r * t)
    )


@given(st.lists(options(), min_size=1, max_size=200))
def test_a_batch_is_a_loop(rows):
    """Every row of a batch has the bits of its own scalar call."""
    right, spot, strike, t, r, vol, q = (np.array(column) for column in zip(*rows, strict=True))
    batch = atalanta.price(right, spot, strike, t, r, vol, dividend_yield=q)
    assert [price(*row) for row in rows] == list(batch)


@st.composite
def smooth_options(draw):
    """Options on which central differences are accurate: neither far from the money nor near expiry."""
    t, vol = draw(st.floats(0.05, 5.0)), draw(st.floats(0.05, 1.5))
    spot = draw(st.floats(1.0, 1e4))
    strike = spot * math.exp(draw(st.floats(-3.0, 3.0)) * vol * math.sqrt(t))
    return (draw(rights), spot, strike, t, draw(rates), vol, draw(rates))


DERIVATIVES = {
    "delta": ("price", "spot", 1),
    "vega": ("price", "vol", 1),
    "rho": ("price", "rate", 1),
    "phi": ("price", "yield", 1),
    "theta": ("price", "years", -1),
    "gamma": ("delta", "spot", 1),
    "vanna": ("delta", "vol", 1),
    "charm": ("delta", "years", -1),
    "vomma": ("vega", "vol", 1),
    "speed": ("gamma", "spot", 1),
    "zomma": ("gamma", "vol", 1),
    "color": ("gamma", "years", -1),
}


@pytest.mark.parametrize("name", DERIVATIVES)
@given(option=smooth_options())
def test_greeks_are_derivatives(name, option):
    """Each Greek is the slope of the one below it, by central differences."""
    right, spot, strike, t, r, vol, q = option
    of, wrt, sign = DERIVATIVES[name]
    base = {"spot": spot, "years": t, "rate": r, "vol": vol, "yield": q}
    step = {
        "spot": 2e-3 * spot * vol * math.sqrt(t),
        "years": 1e-3 * t,
        "rate": 1e-4,
        "vol": 1e-3 * vol,
        "yield": 1e-4,
    }[wrt]

    def at(shift):
        x = {**base, wrt: base[wrt] + shift * step}
        return atalanta.greeks(
            right, x["spot"], strike, x["years"], x["rate"], x["vol"], dividend_yield=x["yield"], order=3
        )[of]

    slope = sign * (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)
    scale = max(abs(at(k)) for k in (-2, 0, 2)) / step
    expected = atalanta.greeks(right, spot, strike, t, r, vol, dividend_yield=q, order=3)[name]
    assert expected == pytest.approx(slope, rel=1e-5, abs=1e-6 * scale + 1e-300)
