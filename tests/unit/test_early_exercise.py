"""Early exercise: the boundary, the test at the next ex-date, what waiting costs, the probability."""

import dataclasses
import math

import numpy as np
import pytest

import atalanta
from atalanta import Dividends, InputError
from atalanta.pricing import EarlyExercise, exercise_boundary

NAMES = [field.name for field in dataclasses.fields(EarlyExercise)]
FLAGS = ["exercise_now", "ex_dividend_exercise"]
# A covered call deep in the money, $1.20 in five days: the case that is assigned.
ASSIGNED = ("call", 100.0, 90.0, 45 / 365, 0.0425, 0.25)
SOON = [(5 / 365, 1.2)]


def test_numbers_in_give_numbers_out():
    """With numbers alone every field is a float or a bool."""
    one = atalanta.early_exercise(*ASSIGNED, dividends=SOON)
    for name in NAMES:
        assert (bool if name in FLAGS else float) is type(getattr(one, name)), name


def test_columns_have_the_shape_of_the_rows():
    """A grid in gives columns of its shape, each with the bits of its own call."""
    spot, of = np.linspace(80.0, 120.0, 5)[:, None], np.array([-1, 0, 1])
    schedules = [SOON, [(0.05, 0.5), (0.1, 0.5)]]
    right = np.array(["call", "put", "call"])
    grid = atalanta.early_exercise(
        right, spot, 95.0, 0.12, 0.05, 0.3, dividends=Dividends(schedules, of=of), dividend_yield=0.01
    )
    for name in NAMES:
        column = getattr(grid, name)
        assert (5, 3) == column.shape, name
        assert (np.bool_ if name in FLAGS else np.float64) == column.dtype, name
    for i, j in np.ndindex(5, 3):
        entries = schedules[of[j]] if of[j] >= 0 else None
        alone = atalanta.early_exercise(
            str(right[j]), spot[i, 0], 95.0, 0.12, 0.05, 0.3, dividends=entries, dividend_yield=0.01
        )
        np.testing.assert_array_equal(
            [getattr(grid, name)[i, j] for name in NAMES], [getattr(alone, name) for name in NAMES]
        )


def test_the_price_is_the_american_price():
    """`price` agrees with `price(..., exercise='american')` to the bit; the rest of it adds up."""
    one = atalanta.early_exercise(*ASSIGNED, dividends=SOON)
    assert one.price == atalanta.price(*ASSIGNED, exercise="american", dividends=SOON)
    assert 10.0 == one.intrinsic
    assert one.time_value == one.price - one.intrinsic


def test_a_call_is_exercised_just_before_a_dividend_above_its_time_value():
    """Deep in the money before $1.20: exercise before the ex-date, not now; holding through costs dollars."""
    one = atalanta.early_exercise(*ASSIGNED, dividends=SOON)
    assert one.ex_dividend_exercise
    assert not one.exercise_now
    assert (SOON[0][0], SOON[0][1]) == (one.next_ex_years, one.next_dividend)
    after = atalanta.price("call", 98.8, 90.0, 40 / 365, 0.0425, 0.25, exercise="american")
    assert after == pytest.approx(one.value_after, abs=1e-9)
    assert 10.0 - after == pytest.approx(one.cost_of_holding, abs=1e-9)
    assert 0.1 < one.cost_of_holding < 1.2
    assert one.probability > 0.75
    assert 0.0 == one.cost_of_waiting


def test_the_boundary_at_the_ex_date_parts_exercise_from_holding():
    """Below the spot that `ex_dividend_boundary` names a call is held through its ex-date, above it not."""
    boundary = atalanta.early_exercise(*ASSIGNED, dividends=SOON).ex_dividend_boundary
    assert 92.0 < boundary < 100.0
    spots = boundary + np.array([-0.2, 0.2])
    sides = atalanta.early_exercise("call", spots, *ASSIGNED[2:], dividends=SOON)
    assert [False, True] == sides.ex_dividend_exercise.tolist()
    assert sides.cost_of_holding[1] < 0.2
    np.testing.assert_allclose(sides.ex_dividend_boundary, boundary, rtol=1e-9)
    small = atalanta.early_exercise(*ASSIGNED, dividends=[(5 / 365, 0.2)])  # less than the interest to expiry
    assert math.inf == small.ex_dividend_boundary
    assert 0.0 == atalanta.early_exercise("put", *ASSIGNED[1:], dividends=SOON).ex_dividend_boundary
    assert math.isnan(atalanta.early_exercise(*ASSIGNED).ex_dividend_boundary)


def test_a_call_out_of_the_money_is_held_through_its_dividend():
    """At the money the option is worth more alive."""
    one = atalanta.early_exercise("call", 100.0, 102.0, 45 / 365, 0.0425, 0.25, dividends=SOON)
    assert not one.ex_dividend_exercise
    assert 0.0 == one.cost_of_holding
    assert 0.0 == one.intrinsic
    assert one.value_after > 0.0
    assert one.probability < 0.5


def test_a_put_is_never_exercised_for_a_dividend_to_come():
    """A put gains by the ex-date: no cost of holding through it; exercise comes after."""
    one = atalanta.early_exercise("put", 80.0, 100.0, 0.5, 0.05, 0.25, dividends=[(0.05, 1.0)])
    assert not one.ex_dividend_exercise
    assert 0.0 == one.cost_of_holding
    assert one.value_after >= 21.0
    assert not one.exercise_now  # a dollar in eighteen days is more than the interest until then


def test_a_put_beyond_its_boundary_is_exercised_now():
    """In the exercise region the price is the exercise value, and waiting costs the interest on the strike."""
    one = atalanta.early_exercise("put", 60.0, 100.0, 0.5, 0.05, 0.25, dividend_yield=0.01)
    assert one.exercise_now
    assert one.boundary > 60.0
    assert (40.0, 40.0) == (one.price, one.intrinsic)
    assert 1.0 == one.probability
    assert 0.05 * 100.0 - 0.01 * 60.0 == pytest.approx(one.cost_of_waiting, rel=1e-14)
    assert math.isnan(one.next_ex_years)
    assert math.isnan(one.next_dividend)
    assert math.isnan(one.value_after)


def test_a_call_beyond_its_boundary_is_exercised_now():
    """With a yield above the rate a call deep in the money is exercised; waiting costs yield less interest."""
    one = atalanta.early_exercise("call", 200.0, 100.0, 0.5, 0.02, 0.25, dividend_yield=0.08)
    assert one.exercise_now
    assert 100.0 < one.boundary < 200.0
    assert 100.0 == one.price
    assert 0.08 * 200.0 - 0.02 * 100.0 == pytest.approx(one.cost_of_waiting, rel=1e-14)


def test_a_call_without_dividends_is_never_exercised():
    """No yield, no dividend, a positive rate: no boundary, no probability, no cost."""
    one = atalanta.early_exercise("call", 150.0, 100.0, 0.5, 0.05, 0.25)
    assert math.inf == one.boundary
    assert not one.exercise_now
    assert 0.0 == pytest.approx(one.probability, abs=1e-12)
    assert 0.0 == one.cost_of_waiting == one.cost_of_holding


def test_rates_below_zero_end_the_region_again():
    """A put with yield < rate < 0 is exercised between two spots only."""
    spot = np.array([60.0, 75.0, 95.0])
    rows = atalanta.early_exercise("put", spot, 100.0, 1.0, -0.01, 0.1, dividend_yield=-0.06)
    assert np.all(rows.far_boundary < rows.boundary)
    inside = (rows.far_boundary < spot) & (spot < rows.boundary)
    np.testing.assert_array_equal(inside, rows.exercise_now)
    np.testing.assert_array_equal(inside, rows.time_value == 0.0)


def test_the_boundary_is_where_the_price_meets_the_exercise_value():
    """Just beyond the boundary the price is the exercise value; just before it, more."""
    for terms in ({}, {"dividends": [(0.3, 0.2)], "tolerance": "precise"}):
        boundary = atalanta.early_exercise("put", 85.0, 100.0, 0.5, 0.06, 0.25, **terms).boundary
        beyond, before = atalanta.price(
            "put", [boundary - 0.3, boundary + 0.3], 100.0, 0.5, 0.06, 0.25, exercise="american", **terms
        )
        assert 100.0 - (boundary - 0.3) == pytest.approx(beyond, abs=1e-5)
        assert before > 100.0 - (boundary + 0.3) + 1e-4


def test_the_probability_grows_with_the_dividend():
    """The larger the dividend, the likelier the exercise before it; a put the other way round."""
    cash = np.array([0.2, 0.6, 1.2, 3.0])
    dividends = Dividends([[(5 / 365, float(c))] for c in cash], of=np.arange(4))
    call = atalanta.early_exercise(*ASSIGNED, dividends=dividends).probability
    assert np.all(np.diff(call) > 0)
    assert np.all((call >= 0) & (call <= 1))
    put = atalanta.early_exercise("put", 96.0, 100.0, 45 / 365, 0.0425, 0.25, dividends=dividends).probability
    assert np.all((put >= 0) & (put <= 1))


def test_only_dividends_before_expiry_that_pay_count():
    """The next dividend is the first that pays something before the row's own expiry."""
    entries = [(0.05, 0.0), (0.1, 0.5), (0.4, 2.0)]
    rows = atalanta.early_exercise("call", 100.0, 90.0, [0.08, 0.1, 0.3], 0.03, 0.2, dividends=entries)
    np.testing.assert_array_equal([np.nan, np.nan, 0.1], rows.next_ex_years)
    np.testing.assert_array_equal([np.nan, np.nan, 0.5], rows.next_dividend)
    assert [True, True, False] == np.isnan(rows.value_after).tolist()


def test_a_dividend_beyond_the_spot_leaves_a_call_nothing():
    """Holding a call through a dividend that takes the spot to zero costs all of its exercise value."""
    one = atalanta.early_exercise(*ASSIGNED, dividends=[(0.05, 500.0)])
    assert 0.0 == one.value_after
    assert 10.0 == one.cost_of_holding


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
@pytest.mark.parametrize("position", [1, 2, 3, 5])
@pytest.mark.parametrize("dividends", [None, SOON])
def test_a_bad_row_is_nan_and_exercises_nothing(bad, position, dividends):
    """A row without a price has no exercise either, and leaves its neighbours alone."""
    arguments = list(ASSIGNED)
    arguments[position] = [ASSIGNED[position], bad]
    rows = atalanta.early_exercise(*arguments, dividends=dividends)
    for name in (
        "price",
        "intrinsic",
        "time_value",
        "boundary",
        "far_boundary",
        "probability",
        "value_after",
    ):
        assert math.isnan(getattr(rows, name)[1]), name
    assert not rows.exercise_now[1]
    assert not rows.ex_dividend_exercise[1]
    assert math.isfinite(rows.price[0])


def test_wrong_calls_are_named():
    """The messages open with the function's name."""
    with pytest.raises(InputError, match=r"\[pricing\.early_exercise\] right"):
        atalanta.early_exercise("stock", *ASSIGNED[1:])
    with pytest.raises(InputError, match=r"\[pricing\.early_exercise\] dividends entry 0"):
        atalanta.early_exercise(*ASSIGNED, dividends=[(-1.0, 1.0)])
    with pytest.raises(InputError, match=r"\[pricing\.early_exercise\] tolerance"):
        atalanta.early_exercise(*ASSIGNED, tolerance=1.0)
    with pytest.raises(InputError, match=r"\[pricing\.exercise_boundary\] remaining has 2 dimensions"):
        exercise_boundary("put", 100.0, 1.0, 0.05, 0.2, [[0.5]])
    with pytest.raises(InputError, match=r"\[pricing\.exercise_boundary\] remaining has dtype"):
        exercise_boundary("put", 100.0, 1.0, 0.05, 0.2, "now")


def test_an_early_exercise_is_a_frozen_value():
    """Its fields are not to be replaced."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        atalanta.early_exercise(*ASSIGNED).price = 1.0


def test_the_boundary_over_time():
    """A put's boundary rises to the strike as its time runs out; beyond its life there is none."""
    remaining = np.array([1.0, 0.5, 0.1, 0.01])
    curve = exercise_boundary("put", [100.0, 50.0], 1.0, 0.05, 0.2, remaining)
    assert (4, 2) == curve.boundary.shape == curve.far_boundary.shape
    assert np.all(np.diff(curve.boundary, axis=0) > 0)
    assert np.all(curve.boundary[:, 0] < 100.0)
    np.testing.assert_allclose(curve.boundary[:, 1], curve.boundary[:, 0] / 2, rtol=1e-12)
    now = atalanta.early_exercise("put", 100.0, 100.0, 1.0, 0.05, 0.2).boundary
    assert now == curve.boundary[0, 0]
    for beyond in (1.001, -0.1, math.nan):
        assert math.isnan(exercise_boundary("put", 100.0, 1.0, 0.05, 0.2, beyond).boundary)


def test_the_boundary_over_time_with_dividends():
    """Before an ex-date a put's boundary vanishes; once it has passed, it is that of what is left."""
    entries = [(0.5, 2.0)]
    remaining = np.array([0.51, 0.5, 0.3])
    curve = exercise_boundary("put", 100.0, 1.0, 0.05, 0.2, remaining, dividends=entries)
    plain = exercise_boundary("put", 100.0, 1.0, 0.05, 0.2, remaining)
    assert 0.0 == curve.boundary[0]
    np.testing.assert_array_equal(plain.boundary[1:], curve.boundary[1:])
    call = exercise_boundary("call", 100.0, 1.0, 0.05, 0.2, [0.5 + 1e-7, 0.4], dividends=entries)
    assert [math.inf, math.inf] == call.boundary.tolist()  # exercised at the ex-date itself, if at all
    paying = exercise_boundary(
        "call", 100.0, 1.0, 0.02, 0.2, [0.9, 0.4], dividends=entries, dividend_yield=0.08
    )
    assert np.all((paying.boundary > 100.0) & (paying.boundary < 200.0))


@pytest.mark.parametrize("rows", [1, 3, 700])
@pytest.mark.parametrize("dividends", [None, "some"])
def test_instants_together_are_instants_alone(rows, dividends):
    """However many rows and instants are solved side by side, each has the bits of its own call."""
    rng = np.random.default_rng(rows)
    right = rng.choice(np.array([1, -1], np.int8), rows)
    options = (rng.uniform(80, 120, rows), rng.uniform(0.3, 1.2, rows), rng.uniform(-0.02, 0.08, rows))
    vol, dividend_yield = rng.uniform(0.1, 0.5, rows), rng.uniform(-0.03, 0.08, rows)
    remaining = np.array([1.0, 0.0, 0.31, -0.5, math.nan, 0.6, 1.1, 0.05, 0.31])
    if dividends is not None:
        dividends = Dividends([[(0.2, 1.0), (0.7, 0.5)], []], of=np.arange(rows) % 3 - 1)
    terms = {"dividend_yield": dividend_yield, "dividends": dividends}
    together = exercise_boundary(right, *options, vol, remaining, **terms)
    assert (9, rows) == together.boundary.shape == together.far_boundary.shape
    for m, instant in enumerate(remaining):
        alone = exercise_boundary(right, *options, vol, instant, **terms)
        np.testing.assert_array_equal(alone.boundary, together.boundary[m])
        np.testing.assert_array_equal(alone.far_boundary, together.far_boundary[m])
    assert np.isfinite(together.boundary).any()


def test_instants_of_no_rows_and_no_instants():
    """Nothing to solve is no error."""
    assert (2, 0) == exercise_boundary("put", np.empty(0), 1.0, 0.05, 0.2, [0.5, 0.2]).boundary.shape
    assert (0, 2) == exercise_boundary("put", [90.0, 100.0], 1.0, 0.05, 0.2, []).boundary.shape
    shared = exercise_boundary("put", 100.0, 1.0, 0.05, 0.2, np.linspace(0.01, 1.0, 5000)).boundary
    assert np.all(np.diff(shared) < 0)


@pytest.mark.parametrize("years", [math.inf, -1.0, math.nan])
@pytest.mark.parametrize("dividends", [None, [(0.1, 1.0)]])
def test_a_life_without_a_boundary(years, dividends):
    """No instant of a life that is none has one."""
    curve = exercise_boundary("put", 105.0, years, 0.05, 0.2, [0.0, 0.1], dividends=dividends)
    assert np.isnan(curve.boundary).all()
    assert np.isnan(curve.far_boundary).all()


@pytest.mark.parametrize(
    ("remaining", "reason"),
    [
        (None, "dtype object"),
        (True, "dtype bool"),
        (1j, "dtype complex"),
        ([None], "dtype object"),
        (np.datetime64("2026"), "dtype datetime64"),
        ([[0.1]], "2 dimensions"),
        ([[0.1], [0.1, 0.2]], "cannot be converted"),
    ],
    ids=repr,
)
def test_instants_that_are_none(remaining, reason):
    """A number or a column of numbers."""
    with pytest.raises(InputError, match=rf"^\[pricing\.exercise_boundary\] remaining .*{reason}"):
        exercise_boundary("put", 105.0, 0.5, 0.05, 0.2, remaining)


def test_what_is_exercised_now_is_exercised_for_certain():
    """At expiry too, where nothing is left to happen."""
    at_expiry = atalanta.early_exercise("put", [100.0, 110.0], 105.0, 0.0, 0.05, 0.2)
    assert [True, False] == at_expiry.exercise_now.tolist()
    assert [1.0, 0.0] == at_expiry.probability.tolist()


@pytest.mark.parametrize("tolerance", ["fast", "standard", "precise", 1e-6])
@pytest.mark.parametrize(("spot", "minutes"), [(95.0, 2), (105.0, 2), (95.0, 180)])
def test_a_put_is_exercised_after_a_dividend_shortly_before_expiry(spot, minutes, tolerance):
    """Then its boundary is next to the strike: exercise is all but certain where the date leaves it in the money."""
    years, rate, vol, cash = 30 / 365, 0.04, 0.2, 0.5
    ex = years - minutes / 60 / 24 / 365
    found = atalanta.early_exercise(
        "put", spot, 100.0, years, rate, vol, dividends=[(ex, cash)], tolerance=tolerance
    )
    deviation = (math.log((100.0 + cash) / spot) - (rate - vol**2 / 2) * ex) / (vol * math.sqrt(ex))
    assert found.probability == pytest.approx(0.5 * math.erfc(-deviation / math.sqrt(2)), abs=0.01)


def test_what_has_no_time_value_and_earns_by_exercise_is_exercised_now():
    """Found by an attack: the ladder that the boundary is read off said 20.58, the row's own and finer ones 21.13."""
    terms = ("put", 21.0, 100.0, 1.2222259480226272, 0.01972778557207665, 0.5279195937705317)
    found = atalanta.early_exercise(*terms, dividends=[(0.8882192645365007, 1.7429265168194807)])
    assert found.time_value == 0.0
    assert found.exercise_now
    assert found.boundary >= 21.0
    assert found.cost_of_waiting == pytest.approx(1.97, abs=0.01)
