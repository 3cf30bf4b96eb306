"""Ladders: what they cover, that they agree with prices, how spots broadcast with rows."""

import math
import threading

import numpy as np
import pytest

import atalanta
from atalanta import Dividends, InputError, Ladder

ROW = ("put", 100.0, 105.0, 0.5, 0.05, 0.2)
TERMS = {"exercise": "american", "dividends": [(0.1, 0.8), (0.35, 0.8)]}


@pytest.mark.parametrize("tolerance", ["standard", "precise"])
@pytest.mark.parametrize("terms", [TERMS, {"dividends": [(0.1, 0.8)]}, {"exercise": "american"}, {}])
def test_a_ladder_agrees_with_prices(terms, tolerance):
    """Over its range a ladder gives the prices of calls at each spot, and their first Greeks."""
    error = {"standard": 5e-4, "precise": 1e-5}[tolerance]
    ladder = Ladder(*ROW, **terms, tolerance=tolerance)
    spots = np.linspace(ladder.spots.lowest, ladder.spots.highest, 60)[1:-1]
    values = ladder.at(spots)
    greeks = atalanta.greeks("put", spots, *ROW[2:], **terms, tolerance="precise")
    np.testing.assert_allclose(values.price, greeks.price, rtol=0, atol=2 * error)
    np.testing.assert_allclose(values.delta, greeks.delta, rtol=0, atol=2e-3)


def test_at_its_own_spot_a_ladder_is_the_price():
    """At the spot of its row a ladder reads what `greeks` gives on a narrower grid, within both their errors."""
    values, greeks = Ladder(*ROW, **TERMS).at(100.0), atalanta.greeks(*ROW, **TERMS)
    error = {"price": 5e-4, "delta": 2e-4, "gamma": 1e-4, "theta": 1e-2}
    for name in values._fields:
        assert greeks[name] == pytest.approx(getattr(values, name), abs=error[name]), name


def test_one_row_at_one_spot_gives_floats():
    """Numbers in give numbers out."""
    ladder = Ladder(*ROW, **TERMS)
    assert () == ladder.shape
    assert {float} == {type(value) for value in ladder.at(95.0)}
    assert {float} == {type(value) for value in (*ladder.spots, *ladder.exercised)}
    assert type(ladder.at(np.array(95.0)).price) is float


def test_spots_broadcast_with_rows():
    """A number is a spot for all rows, a column reads each row at many, a grid each at its own."""
    strikes = np.array([90.0, 100.0, 110.0])
    ladder = Ladder("put", 100.0, strikes, *ROW[3:], **TERMS)
    assert (3,) == ladder.shape == ladder.at(97.0).price.shape
    grid = ladder.at(np.array([[90.0], [97.0]]))
    assert (2, 3) == grid.price.shape
    np.testing.assert_array_equal(grid.price[1], ladder.at(97.0).price)
    np.testing.assert_array_equal(
        np.diag(ladder.at(np.array([[90.0], [97.0], [99.0]])).delta), ladder.at([90.0, 97.0, 99.0]).delta
    )
    for k, strike in enumerate(strikes):
        alone = Ladder("put", 100.0, strike, *ROW[3:], **TERMS)
        np.testing.assert_array_equal([column[1, k] for column in grid], alone.at(97.0))
    square = Ladder("put", 100.0, strikes[:, None], [[0.2, 0.5]], *ROW[4:], **TERMS)
    assert (3, 2) == square.shape
    assert (5, 3, 2) == square.at(np.linspace(90, 110, 5)[:, None, None]).gamma.shape
    assert (3,) == Ladder(*ROW, **TERMS).at([90.0, 95.0, 100.0]).theta.shape


def test_outside_its_range_a_ladder_is_nan():
    """Beyond the spots that it covers, below zero and at no number there is NaN, not an extrapolation."""
    ladder = Ladder(*ROW, **TERMS)
    lowest, highest = ladder.spots
    deviations = 4.3 * 0.2 * math.sqrt(0.5)
    assert lowest < 100.0 * math.exp(-0.9 * deviations)
    assert highest > 100.0 * math.exp(0.9 * deviations)
    for spot in (lowest * 0.999, highest * 1.001, 0.0, -5.0, math.nan, math.inf, -math.inf):
        assert all(math.isnan(value) for value in ladder.at(spot))
    for spot in (lowest * 1.0001, highest * 0.9999):
        assert not any(math.isnan(value) for value in ladder.at(spot))


def test_exercised_spots_are_worth_their_exercise_value():
    """Where exercising now is right a read gives the exercise value; elsewhere more."""
    ladder = Ladder("put", 100.0, 105.0, 0.5, 0.08, 0.2, exercise="american")
    lowest, highest = ladder.exercised
    assert 60.0 < highest < 105.0
    assert lowest <= ladder.spots.lowest
    spots = np.linspace(ladder.spots.lowest + 0.01, highest - 0.01, 20)
    np.testing.assert_allclose(ladder.at(spots).price, 105.0 - spots, atol=1e-9)
    np.testing.assert_allclose(ladder.at(spots).delta, -1.0, atol=1e-9)
    assert ladder.at(highest + 2.0).price > 105.0 - (highest + 2.0)
    never = Ladder("call", 100.0, 105.0, 0.5, 0.08, 0.2, exercise="american").exercised
    assert never.lowest > never.highest


def test_rows_without_a_ladder_are_nan():
    """Unusable rows, and rows without time or volatility, cover nothing; their neighbours do."""
    ladder = Ladder("put", 100.0, 105.0, [0.5, 0.0, math.nan, -1.0], 0.05, 0.2, **TERMS)
    assert [False, True, True, True] == np.isnan(ladder.spots.lowest).tolist()
    assert [False, True, True, True] == np.isnan(ladder.at(100.0).price).tolist()
    assert np.isnan(Ladder("put", 100.0, 105.0, 0.5, 0.05, [0.0, math.inf], **TERMS).at(100.0).delta).all()


def test_each_row_has_its_own_dividends():
    """Schedules per row, as everywhere."""
    dividends = Dividends([[(0.1, 2.0)], [(0.2, 0.5)]], of=[0, -1, 1])
    values = Ladder(*ROW, exercise="american", dividends=dividends).at(96.0)
    expected = atalanta.price("put", 96.0, *ROW[2:], exercise="american", dividends=dividends)
    np.testing.assert_allclose(values.price, expected, atol=1e-3)


def test_empty_ladders_are_fine():
    """No rows, or no spots, give empty columns."""
    assert (0,) == Ladder("put", np.empty(0), *ROW[2:], **TERMS).at(100.0).price.shape
    assert (0,) == Ladder(*ROW, **TERMS).at(np.empty(0)).price.shape


def test_wrong_calls_are_named():
    """The messages open with the ladder's name."""
    for arguments, reason in (
        ({"exercise": "bermudan"}, "exercise is 'bermudan'"),
        ({"dividends": [(0.0, 1.0)]}, "dividends entry 0"),
        ({"tolerance": 1.0}, "tolerance is 1.0"),
        ({"threads": 0}, "threads is 0"),
        ({"dividend_yield": 5.0}, "looks like per cent"),
    ):
        with pytest.raises(InputError, match=rf"\[pricing\.Ladder\] .*{reason}"):
            Ladder(*ROW, **arguments)
    ladder = Ladder("put", 100.0, [90.0, 100.0], *ROW[3:], **TERMS)
    with pytest.raises(InputError, match=r"\[pricing\.Ladder\] .* spot \(3,\), the ladder \(2,\)"):
        ladder.at([1.0, 2.0, 3.0])
    with pytest.raises(InputError, match=r"spot has dtype <U3"):
        ladder.at("100")
    with pytest.raises(TypeError):
        Ladder(*ROW, order=2)
    assert "Ladder(shape=(2,), nbytes=" in repr(ladder)
    assert ladder.nbytes > 1000


def test_threads_build_the_same_ladders_and_read_them_together():
    """Any count of building threads gives the same bits, and readers do not disturb each other."""
    strikes = np.linspace(80.0, 120.0, 200)
    one, many = (Ladder("put", 100.0, strikes, *ROW[3:], **TERMS, threads=count) for count in (1, 3))
    spots = np.linspace(85.0, 115.0, 40)[:, None]
    expected = one.at(spots)
    np.testing.assert_array_equal(expected, many.at(spots))
    seen = []
    readers = [threading.Thread(target=lambda: seen.append(one.at(spots).price)) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert 8 == len(seen)
    for price in seen:
        np.testing.assert_array_equal(expected.price, price)


@pytest.mark.parametrize("exercise", ["european", "american"])
@pytest.mark.parametrize("deviations", [-4.5, -3.0, 3.0, 4.5])
@pytest.mark.parametrize("right", ["call", "put"])
def test_a_strike_far_from_the_spot_is_read_right(right, deviations, exercise):
    """Four deviations out, at a strike that lies there, a ladder still gives the price."""
    years, vol = 0.5, 0.3
    strike = 100.0 * math.exp(deviations * vol * math.sqrt(years))
    terms = {"exercise": exercise, "dividends": [(0.1, 0.8), (0.35, 0.8)]}
    spots = 100.0 * np.exp(np.linspace(-4.2, 4.2, 29) * vol * math.sqrt(years))
    values = Ladder(right, 100.0, strike, years, 0.04, vol, **terms).at(spots)
    greeks = atalanta.greeks(right, spots, strike, years, 0.04, vol, **terms, tolerance="precise")
    np.testing.assert_allclose(values.price, greeks.price, rtol=0, atol=1e-5 * strike)
    np.testing.assert_allclose(values.delta, greeks.delta, rtol=0, atol=2e-3)
