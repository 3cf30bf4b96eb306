"""American exercise and cash dividends through the public calls: shapes, methods per row, tolerances, errors."""

import math

import numpy as np
import pytest

import atalanta
from atalanta import Dividends, ImpliedVolStatus, InputError

PUT = ("put", 100.0, 105.0, 0.5, 0.05, 0.2)
QUARTERLY = [(0.1, 0.8), (0.35, 0.8)]
AMERICAN = {"exercise": "american"}
LISTED = {"exercise": "american", "dividends": QUARTERLY}


@pytest.mark.parametrize("terms", [AMERICAN, LISTED, {"dividends": QUARTERLY}])
def test_numbers_in_give_numbers_out(terms):
    """With numbers alone, prices, volatilities and Greeks are floats."""
    price = atalanta.price(*PUT, **terms)
    assert type(price) is float
    vol, status = atalanta.implied_vol(price, *PUT[:5], **terms, full_output=True)
    assert (float, 0) == (type(vol), status)
    assert {float} == {type(value) for value in atalanta.greeks(*PUT, **terms).values()}


@pytest.mark.parametrize("terms", [AMERICAN, LISTED, {"dividends": QUARTERLY}])
def test_a_grid_keeps_its_shape_and_takes_out(terms):
    """A grid in gives a grid out, in the caller's memory where it is given; `greeks` holds `price`."""
    spot, vol = np.linspace(90.0, 110.0, 3)[:, None], np.linspace(0.1, 0.4, 4)
    out = np.empty((3, 4))
    got = atalanta.price("put", spot, 100.0, 0.5, 0.05, vol, **terms, out=out)
    assert got is out
    columns = np.empty((7, 3, 4))
    greeks = atalanta.greeks("put", spot, 100.0, 0.5, 0.05, vol, **terms, out=columns)
    np.testing.assert_array_equal(out, greeks.price)
    np.testing.assert_array_equal(columns[1], greeks.delta)
    vols = np.empty((3, 4))
    assert vols is atalanta.implied_vol(out, "put", spot, 100.0, 0.5, 0.05, **terms, out=vols)


def test_out_may_overlap_an_input():
    """Writing over an input gives the same result as writing elsewhere."""
    spot = np.linspace(80.0, 120.0, 50)
    expected = atalanta.price("put", spot.copy(), 100.0, 0.5, 0.05, 0.2, **LISTED)
    np.testing.assert_array_equal(
        expected, atalanta.price("put", spot, 100.0, 0.5, 0.05, 0.2, **LISTED, out=spot)
    )


@pytest.mark.parametrize("terms", [AMERICAN, LISTED])
def test_empty_batches_are_fine(terms):
    """No rows in, no rows out."""
    assert (0,) == atalanta.price("put", np.empty(0), 100.0, 0.5, 0.05, 0.2, **terms).shape
    assert (0,) == atalanta.greeks("put", np.empty(0), 100.0, 0.5, 0.05, 0.2, **terms).vega.shape
    vol = atalanta.implied_vol(np.empty((3, 0)), "put", 100.0, 100.0, 0.5, 0.05, **terms)
    assert (3, 0) == vol.shape


def mixed(n=97, seed=4):
    """A batch with rows of every method: no dividend, one before expiry, one after it, none at all."""
    rng = np.random.default_rng(seed)
    right = rng.choice(np.array([1, -1], np.int8), n)
    columns = (
        rng.uniform(70, 130, n),
        rng.uniform(80, 120, n),
        rng.uniform(0.02, 1.5, n),
        rng.uniform(0.0, 0.08, n),
        rng.uniform(0.1, 0.6, n),
    )
    of = rng.integers(-1, 3, n)
    schedules = [QUARTERLY, [(0.2, 1.5), (0.7, 1.5), (1.2, 1.5)], []]
    return right, columns, rng.uniform(0.0, 0.05, n), schedules, of


@pytest.mark.parametrize("exercise", ["european", "american"])
def test_a_mixed_batch_is_a_loop(exercise):
    """Whatever rows stand beside it, each has the bits of its own call, by every method."""
    right, columns, dividend_yield, schedules, of = mixed()
    terms = {"exercise": exercise, "dividends": Dividends(schedules, of=of), "dividend_yield": dividend_yield}
    batch = atalanta.greeks(right, *columns, **terms)
    vols, status = atalanta.implied_vol(batch.price, right, *columns[:4], **terms, full_output=True)
    np.testing.assert_array_equal(batch.price, atalanta.price(right, *columns, **terms))
    assert (3, len(of)) == batch.dividend_delta.shape
    for i, schedule in enumerate(of):
        entries = schedules[schedule] if schedule >= 0 else []
        row = [int(right[i]), *(column[i].item() for column in columns)]
        alone = {"exercise": exercise, "dividends": entries, "dividend_yield": dividend_yield[i].item()}
        greeks = atalanta.greeks(*row, **alone)
        np.testing.assert_array_equal(
            [batch[k][i] for k in batch], [greeks[k] for k in greeks], err_msg=str(i)
        )
        delta = np.zeros(3)
        delta[: len(entries)] = greeks.dividend_delta
        np.testing.assert_array_equal(delta, batch.dividend_delta[:, i])
        one = atalanta.implied_vol(batch.price[i].item(), *row[:5], **alone, full_output=True)
        np.testing.assert_array_equal((vols[i], status[i]), one)


def test_dividend_delta_counts_the_entries_that_count():
    """An entry after expiry, of another row's schedule or of a row without one has a delta of 0."""
    dividends = Dividends([QUARTERLY, [(0.2, 1.5)]], of=[0, 1, -1, 0])
    years = np.array([0.5, 0.5, 0.5, 0.2])
    delta = atalanta.greeks("call", 100.0, 100.0, years, 0.03, 0.2, dividends=dividends).dividend_delta
    assert (2, 4) == delta.shape
    assert [[True, True, False, True], [True, False, False, False]] == (delta < -0.05).tolist()
    assert 0.0 == delta[1, 1] == delta[0, 2] == delta[1, 2] == delta[1, 3]


def test_dividend_delta_is_the_slope_in_cash():
    """dV/d(cash) by central differences of a precise price."""
    step = 0.01
    got = atalanta.greeks(*PUT, **LISTED, tolerance="precise").dividend_delta
    for entry in range(2):
        prices = []
        for shift in (step, -step):
            moved = [(t, cash + shift * (k == entry)) for k, (t, cash) in enumerate(QUARTERLY)]
            prices.append(atalanta.price(*PUT, exercise="american", dividends=moved, tolerance="precise"))
        assert (prices[0] - prices[1]) / (2 * step) == pytest.approx(got[entry], abs=2e-3)


def test_dividend_delta_of_a_call_without_dividends_says_how_to_get_it():
    """The attribute names the argument that is missing; it is not part of the mapping."""
    with pytest.raises(
        AttributeError, match=r"dividend_delta was not computed: call greeks\(\.\.\., dividends="
    ):
        _ = atalanta.greeks(*PUT, **AMERICAN).dividend_delta
    with_dividends = atalanta.greeks(*PUT, **LISTED)
    assert (2,) == with_dividends.dividend_delta.shape
    assert "dividend_delta" not in with_dividends
    assert (0,) == atalanta.greeks(*PUT, dividends=[]).dividend_delta.shape


@pytest.mark.parametrize("terms", [AMERICAN, {"dividends": QUARTERLY}, LISTED])
@pytest.mark.parametrize("order", [2, 3])
def test_higher_orders_are_refused(terms, order):
    """Second and third order exist for the closed form alone."""
    with pytest.raises(InputError, match=rf"\[pricing\.greeks\] order is {order}; .* it must be 1"):
        atalanta.greeks(*PUT, **terms, order=order)


@pytest.mark.parametrize("exercise", ["bermudan", "American", None, 1, b"american"])
@pytest.mark.parametrize("function", [atalanta.price, atalanta.greeks])
def test_an_unknown_exercise_is_an_error(function, exercise):
    """Exercise is 'european' or 'american', spelled so."""
    with pytest.raises(InputError, match=r"exercise is .*; it must be 'european' or 'american'"):
        function(*PUT, exercise=exercise)
    with pytest.raises(InputError, match=r"\[pricing\.implied_vol\] exercise is"):
        atalanta.implied_vol(7.0, *PUT[:5], exercise=exercise)


@pytest.mark.parametrize(
    "tolerance",
    [0.0, -1e-4, 9.9e-8, 1.1e-2, 1, math.nan, math.inf, "exact", "Fast", None, True, [1e-3], 10**400],
)
@pytest.mark.parametrize("terms", [AMERICAN, LISTED, {}])
def test_a_wrong_tolerance_is_an_error(tolerance, terms):
    """A tolerance is one of three names or a number in its range, also where the closed form needs none."""
    with pytest.raises(InputError, match=r"\[pricing\.price\] tolerance is .*from 1e-7 to 1e-2"):
        atalanta.price(*PUT, **terms, tolerance=tolerance)


@pytest.mark.parametrize(("terms", "errors"), [(AMERICAN, (1e-4, 3e-5, 5e-7)), (LISTED, (2e-3, 5e-4, 1e-5))])
def test_named_tolerances_are_met(terms, errors):
    """Prices differ from the most precise by less than the named tolerance, and 'standard' is the default."""
    spot = np.linspace(80.0, 125.0, 40)
    row = ("put", spot, 100.0, 0.7, 0.05, 0.25)
    exact = atalanta.price(*row, **terms, tolerance=1e-7)
    for name, error in zip(("fast", "standard", "precise"), errors, strict=True):
        assert np.max(np.abs(atalanta.price(*row, **terms, tolerance=name) - exact)) <= error
    np.testing.assert_array_equal(
        atalanta.price(*row, **terms), atalanta.price(*row, **terms, tolerance="standard")
    )
    for error in (1e-2, 1e-4, np.float32(1e-5)):
        assert np.max(np.abs(atalanta.price(*row, **terms, tolerance=error) - exact)) <= error


def test_the_tolerance_does_not_touch_the_closed_form():
    """European rows without dividends have the same bits at every tolerance."""
    assert (
        atalanta.price(*PUT) == atalanta.price(*PUT, tolerance="fast") == atalanta.price(*PUT, tolerance=1e-7)
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0])
@pytest.mark.parametrize("position", [1, 2, 3, 5])
@pytest.mark.parametrize("terms", [AMERICAN, LISTED, {"dividends": QUARTERLY}])
def test_a_bad_domain_is_nan_alone_and_in_a_batch(terms, position, bad):
    """NaN, infinity and negative values give NaN in every column of that row only."""
    arguments = list(PUT)
    arguments[position] = bad
    assert math.isnan(atalanta.price(*arguments, **terms))
    arguments[position] = [PUT[position]] * 20
    arguments[position][7] = bad
    for column in atalanta.greeks(*arguments, **terms).values():
        assert [7] == list(np.flatnonzero(np.isnan(column)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("terms", [AMERICAN, LISTED, {"dividends": QUARTERLY}])
def test_a_rate_that_is_no_number_is_nan(terms, bad):
    """NaN and infinite rates and yields give NaN."""
    assert math.isnan(atalanta.price(*PUT[:4], bad, 0.2, **terms))
    assert math.isnan(atalanta.price(*PUT, dividend_yield=bad, **terms))


@pytest.mark.parametrize("terms", [AMERICAN, LISTED])
def test_per_cent_are_refused_here_too(terms):
    """Rates and volatilities in per cent are unit mistakes whatever the exercise."""
    with pytest.raises(InputError, match=r"rate is 5\.0 and looks like per cent"):
        atalanta.price("put", 100.0, 105.0, 0.5, 5.0, 0.2, **terms)
    with pytest.raises(InputError, match=r"vol is 25\.0 and looks like per cent"):
        atalanta.price("put", 100.0, 105.0, 0.5, 0.05, 25.0, **terms)


def test_limits_of_american_exercise():
    """At expiry the exercise value; without volatility the better of exercising now and holding."""
    assert 10.0 == atalanta.price("put", 100.0, 110.0, 0.0, 0.05, 0.2, **AMERICAN)
    assert 10.0 == pytest.approx(atalanta.price("put", 100.0, 110.0, 1.0, 0.05, 0.0, **AMERICAN), abs=1e-12)
    assert 110.0 == pytest.approx(atalanta.price("put", 0.0, 110.0, 1.0, 0.05, 0.2, **AMERICAN), abs=1e-12)
    assert 0.0 == atalanta.price("call", 0.0, 110.0, 1.0, 0.05, 0.2, **AMERICAN)
    assert 100.0 == pytest.approx(atalanta.price("call", 100.0, 0.0, 1.0, 0.05, 0.2, **AMERICAN), abs=1e-12)


@pytest.mark.parametrize("terms", [AMERICAN, LISTED, {"dividends": QUARTERLY}])
def test_implied_vol_gives_a_status_for_each_row(terms):
    """No volatility at or below the least value, at or above the bound, or for what is no price."""
    least = atalanta.price(*PUT[:5], 1e-9, **terms)
    prices = [atalanta.price(*PUT, **terms), least - 1e-3, 0.0, 105.0, 120.0, -1.0, math.nan, math.inf]
    vol, status = atalanta.implied_vol(prices, *PUT[:5], **terms, full_output=True)
    assert [0, 1, 1, 2, 2, 3, 3, 3] == status.tolist()
    assert [False] + [True] * 7 == np.isnan(vol).tolist()
    assert 0.2 == pytest.approx(vol[0], abs=1e-3)


def test_a_price_at_the_exercise_value_has_no_vol():
    """An American price at its exercise value says nothing about the volatility, and the status says so."""
    for terms in (AMERICAN, LISTED):
        vol, status = atalanta.implied_vol(30.0, "put", 70.0, 100.0, 0.5, 0.05, **terms, full_output=True)
        assert math.isnan(vol)
        assert ImpliedVolStatus.BELOW_INTRINSIC == status


@pytest.mark.parametrize(
    ("name", "bad"),
    [("spot", 0.0), ("spot", -1.0), ("strike", 0.0), ("years", 0.0), ("years", -0.1), ("rate", math.nan)],
)
@pytest.mark.parametrize("terms", [AMERICAN, LISTED])
def test_implied_vol_of_a_bad_input_is_nan_with_its_status(terms, name, bad):
    """Inputs without a price have no implied volatility, and the status says so."""
    inputs = dict(zip(("right", "spot", "strike", "years", "rate"), PUT, strict=False))
    vol, status = atalanta.implied_vol(**{"price": 7.0, **inputs, name: bad}, **terms, full_output=True)
    assert math.isnan(vol)
    assert ImpliedVolStatus.BAD_INPUT == status


@pytest.mark.parametrize("terms", [AMERICAN, LISTED, {"dividends": QUARTERLY}, {}])
def test_a_start_changes_the_work_and_not_the_result(terms):
    """Starting volatilities, known, wrong, missing for some rows or all, lead to the same volatilities."""
    strikes, vols = np.linspace(85.0, 115.0, 13), np.linspace(0.4, 0.2, 13)
    prices = atalanta.price("put", 100.0, strikes, 0.5, 0.03, vols, **terms)
    row = ("put", 100.0, strikes, 0.5, 0.03)
    expected = atalanta.implied_vol(prices, *row, **terms)
    np.testing.assert_allclose(expected, vols, atol=2e-3)
    some = np.where(np.arange(13) % 2, vols, np.nan)
    for start in (None, 0.2, vols, some, np.full(13, np.nan), [5.0] * 13, [-1.0] * 13, [math.inf] * 13):
        got, status = atalanta.implied_vol(prices, *row, **terms, start=start, full_output=True)
        assert not status.any()
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_start_broadcasts_and_must_be_numbers():
    """A column of starts widens the result like any argument; text is refused by name."""
    got = atalanta.implied_vol(7.9, *PUT[:5], **AMERICAN, start=[0.1, 0.2])
    assert (2,) == got.shape
    with pytest.raises(InputError, match=r"start has dtype <U3; it must hold real numbers"):
        atalanta.implied_vol(7.9, *PUT[:5], **AMERICAN, start="0.2")
    with pytest.raises(InputError, match=r"strike \(3,\), start \(2,\)"):
        atalanta.implied_vol(7.9, "put", 100.0, [1.0, 2.0, 3.0], 0.5, 0.05, start=[0.1, 0.2])


@pytest.mark.parametrize("threads", [0, "two", True])
def test_a_wrong_thread_count_is_an_error(threads):
    """Threads are checked as everywhere."""
    with pytest.raises(InputError, match="threads is"):
        atalanta.price(*PUT, **LISTED, threads=threads)
