"""Properties of American exercise and cash dividends: bounds, shape, symmetry, continuity, limits, round trip.

Slacks are the accepted error of a price, `TOLERANCE`, in units of a strike of 100, times the number of prices
that a comparison holds against each other.
"""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import atalanta

TOLERANCE = 1e-5  # for a strike of 100

rights = st.sampled_from([1, -1])
rates = st.floats(-0.02, 0.12)
yields = st.floats(0.0, 0.12)


@st.composite
def options(draw):
    """(right, spot, strike, years, rate, vol, dividend_yield) of a listed option."""
    spot = draw(st.floats(20.0, 500.0))
    years, vol = draw(st.floats(0.01, 3.0)), draw(st.floats(0.08, 0.9))
    strike = spot * math.exp(draw(st.floats(-2.5, 2.5)) * vol * math.sqrt(years))
    return (draw(rights), spot, strike, years, draw(rates), vol, draw(yields))


@st.composite
def schedules(draw):
    """Up to four dividends of up to 6 % of a spot of 100, in the next three years."""
    count = draw(st.integers(0, 4))
    years = sorted({round(draw(st.floats(0.005, 3.0)), 3) for _ in range(count)})
    return [(t, draw(st.floats(0.0, 6.0))) for t in years]


def price(option, dividends=None, exercise="american", **changes):
    """A price by name of what is changed."""
    names = ("right", "spot", "strike", "years", "rate", "vol", "dividend_yield")
    values = {**dict(zip(names, option, strict=True)), **changes}
    return atalanta.price(**values, exercise=exercise, dividends=dividends, tolerance=TOLERANCE)


def scaled(dividends, spot):
    """The schedule in per cent of the spot, as cash."""
    return [(t, cash * spot / 100.0) for t, cash in dividends]


@given(options(), schedules())
def test_american_is_worth_the_european_and_the_exercise_value(option, dividends):
    """An American option is worth at least the European one, immediate exercise, and nothing."""
    right, spot, strike, *_ = option
    entries = scaled(dividends, spot)
    american, slack = price(option, entries), 2 * TOLERANCE * strike / 100.0
    assert american >= price(option, entries, "european") - slack
    assert american >= max(right * (spot - strike), 0.0) - slack
    assert american <= (spot if right == 1 else strike) * max(1.0, math.exp(0.02 * option[3])) + slack


@given(options(), schedules(), st.floats(1.001, 1.5))
def test_monotone_in_spot_and_vol(option, dividends, factor):
    """A call gains with the spot, a put loses; both gain with volatility."""
    right, spot, strike, _, _, vol, _ = option
    entries = scaled(dividends, spot)
    value, slack = price(option, entries), 2 * TOLERANCE * strike / 100.0
    assert right * (price(option, entries, spot=spot * factor) - value) >= -slack
    assert price(option, entries, vol=vol * factor) >= value - slack


@given(options(), schedules(), st.floats(0.01, 0.3))
def test_monotone_and_convex_in_strike(option, dividends, width):
    """Along the strike a price falls (call) or rises (put) by at most the strike's move, and is convex."""
    right, spot, strike, *_ = option
    entries = scaled(dividends, spot)
    step = width * strike
    low, mid, high = (price(option, entries, strike=k) for k in (strike - step, strike, strike + step))
    slack = 4 * TOLERANCE * (strike + step) / 100.0
    limit = step * max(1.0, math.exp(-option[4] * option[3]))
    for first, second in ((low, mid), (mid, high)):
        assert -slack <= right * (first - second) <= limit + slack
    assert low + high - 2 * mid >= -slack


@given(options(), schedules())
def test_more_time_is_worth_more_to_an_american(option, dividends):
    """An American option of a later expiry can do all that the earlier one can."""
    entries = scaled(dividends, option[1])
    slack = 2 * TOLERANCE * option[2] / 100.0
    assert price(option, entries, years=option[3] * 1.1) >= price(option, entries) - slack


@given(options(), schedules(), st.sampled_from(["spot", "strike", "years", "rate", "vol", "dividend_yield"]))
def test_continuous_in_every_input(option, dividends, name):
    """A tiny move of an input moves the price by what its slope allows, across methods and regimes."""
    entries = scaled(dividends, option[1])
    names = ("right", "spot", "strike", "years", "rate", "vol", "dividend_yield")
    base = option[names.index(name)]
    if name == "years":  # an ex-date at the expiry would be crossed
        assume(all(abs(t - base) > 1e-5 for t, _ in entries))
    moved = base + 1e-7 * max(abs(base), 1e-2)
    scale = option[1] + option[2]
    assert abs(price(option, entries, **{name: moved}) - price(option, entries)) <= (
        2e-6 * scale + 2 * TOLERANCE * option[2] / 100.0
    )


@given(options())
def test_put_call_symmetry(option):
    """A call is a put with spot and strike, rate and yield exchanged."""
    right, spot, strike, years, rate, vol, dividend_yield = option
    mirrored = (-right, strike, spot, years, dividend_yield, vol, rate)
    slack = 2 * TOLERANCE * max(spot, strike) / 100.0
    assert abs(price(option) - price(mirrored)) <= slack


@given(options(), schedules())
def test_homogeneous(option, dividends):
    """All money doubled is the price doubled."""
    right, spot, strike, *rest = option
    entries = scaled(dividends, spot)
    doubled = [(t, 2 * cash) for t, cash in entries]
    twice = price((right, 2 * spot, 2 * strike, *rest), doubled)
    assert twice == pytest.approx(2 * price(option, entries), rel=1e-10, abs=1e-10 * strike)


@given(options(), st.floats(0.05, 0.95))
def test_dividends_that_vanish(option, fraction):
    """As the cash goes to 0 the two methods meet: no more than their standard tolerances apart."""
    *row, dividend_yield = option
    for exercise in ("american", "european"):
        terms = {"exercise": exercise, "dividend_yield": dividend_yield}
        with_dust = atalanta.price(*row, **terms, dividends=[(fraction * row[3], 1e-9)])
        without = atalanta.price(*row, **terms)
        assert abs(with_dust - without) <= (5e-4 + 3e-5) * max(row[1], row[2]) / 100.0


@given(options(), st.floats(0.0, 0.05))
def test_an_ex_date_that_comes_to_the_present(option, part):
    """An ex-date a moment away leaves the better of exercising before it and the option at the fallen spot."""
    right, spot, strike, *_ = option
    cash = part * spot
    soon = price(option, [(1e-9, cash)])
    after = price(option, spot=spot - cash)
    expected = max(after, right * (spot - strike))
    assert abs(soon - expected) <= 3 * TOLERANCE * strike / 100.0 + 2e-5 * spot


@given(options(), st.floats(0.0, 0.05))
def test_an_ex_date_that_comes_to_expiry(option, part):
    """A European option whose dividend falls just before expiry is one on the spot less the dividend."""
    _, spot, strike, years, *_ = option
    cash = part * spot
    late = price(option, [(years * (1 - 1e-9), cash)], "european")
    expected = price(option, None, "european", strike=strike + cash)
    assert abs(late - expected) <= 3 * TOLERANCE * (strike + cash) / 100.0 + 2e-5 * spot


@given(options(), schedules())
def test_parity_of_european_options_with_dividends(option, dividends):
    """Call minus put is the spot less the dividends' present values less the strike's."""
    _, spot, strike, years, rate, vol, _ = option
    entries = [(t, cash) for t, cash in scaled(dividends, spot) if t < years]
    paid = sum(cash * math.exp(-rate * t) for t, cash in entries)
    assume(paid < 0.2 * spot and vol * math.sqrt(years) < 0.5)  # the spot never falls to the dividend
    call, put = (price(option, entries, "european", right=right, dividend_yield=0.0) for right in (1, -1))
    forward = spot - paid - strike * math.exp(-rate * years)
    assert abs(call - put - forward) <= 4 * TOLERANCE * max(strike, spot) / 100.0


@given(options(), schedules(), st.sampled_from(["american", "european"]))
def test_implied_vol_returns(option, dividends, exercise):
    """The volatility of a price is the one it was made with, as far as the price determines it."""
    right, spot, strike, years, rate, vol, dividend_yield = option
    entries = scaled(dividends, spot)
    terms = {"exercise": exercise, "dividends": entries, "dividend_yield": dividend_yield}
    greeks = atalanta.greeks(right, spot, strike, years, rate, vol, **terms, tolerance=TOLERANCE)
    assume(greeks.vega > 0.02 * spot * math.sqrt(years))
    got, status = atalanta.implied_vol(
        greeks.price, right, spot, strike, years, rate, **terms, tolerance=TOLERANCE, full_output=True
    )
    assert status == 0
    assert abs(got - vol) <= 10 * TOLERANCE * strike / 100.0 / greeks.vega + 1e-9


@given(options(), schedules(), st.floats(0.0, 1.5))
def test_no_silent_wrong_volatility(option, dividends, fraction):
    """Whatever price is given, the volatility found prices back to it, or there is a status."""
    right, spot, strike, years, rate, _, dividend_yield = option
    entries = scaled(dividends, spot)
    value = fraction * (spot if right == 1 else strike)
    terms = {"exercise": "american", "dividends": entries, "dividend_yield": dividend_yield}
    vol, status = atalanta.implied_vol(
        value, right, spot, strike, years, rate, **terms, tolerance=TOLERANCE, full_output=True
    )
    assert math.isnan(vol) == (status != 0)
    if status != 0 or vol * math.sqrt(years) > 3.0:
        return
    assert abs(price(option, entries, vol=vol) - value) <= 10 * TOLERANCE * strike / 100.0


@given(st.lists(st.tuples(options(), st.integers(-1, 2)), min_size=1, max_size=40), schedules(), schedules())
def test_a_batch_is_a_loop(rows, first, second):
    """Every row of a batch has the bits of its own scalar call, whatever its method and its neighbours'."""
    all_schedules = [first, second, []]
    options_, of = zip(*rows, strict=True)
    right, *columns, dividend_yield = (np.array(column) for column in zip(*options_, strict=True))
    dividends = atalanta.Dividends(all_schedules, of=of)
    batch = atalanta.price(
        right, *columns, dividend_yield=dividend_yield, exercise="american", dividends=dividends
    )
    alone = [
        atalanta.price(
            *option[:-1],
            dividend_yield=option[-1],
            exercise="american",
            dividends=all_schedules[schedule] if schedule >= 0 else None,
        )
        for option, schedule in rows
    ]
    assert alone == batch.tolist()
