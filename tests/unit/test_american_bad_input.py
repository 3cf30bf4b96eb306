"""Hostile arguments to everything that takes American exercise or dividends: an error that says why, or NaN."""

from __future__ import annotations

import math
import os

import numpy as np
import pandas as pd
import polars as pl
import pytest

import atalanta
from atalanta import Dividends, ImpliedVolStatus, InputError, Ladder
from atalanta.pricing import exercise_boundary

ROW = {"right": "put", "spot": 100.0, "strike": 105.0, "years": 0.5, "rate": 0.05, "vol": 0.2}
CASH = [(0.1, 1.0)]


def _price(row, **terms):
    return atalanta.price(*row.values(), exercise="american", **terms)


def _greeks(row, **terms):
    return np.array(list(atalanta.greeks(*row.values(), exercise="american", **terms).values()))


def _implied_vol(row, **terms):
    *contract, vol = row.values()
    return atalanta.implied_vol(30.0 * vol, *contract, exercise="american", **terms)


def _early_exercise(row, **terms):
    return atalanta.early_exercise(*row.values(), **terms).price


def _exercise_boundary(row, **terms):
    return exercise_boundary(*(row[name] for name in row if name != "spot"), 0.3, **terms).boundary


def _ladder(row, **terms):
    return Ladder(*row.values(), exercise="american", **terms).at(100.0).price


FUNCTIONS = {
    "price": _price,
    "greeks": _greeks,
    "implied_vol": _implied_vol,
    "early_exercise": _early_exercise,
    "exercise_boundary": _exercise_boundary,
    "Ladder": _ladder,
}


@pytest.fixture(params=FUNCTIONS)
def function(request):
    """Each of the functions, its origin attached."""

    def call(row=ROW, **terms):
        return FUNCTIONS[request.param](row, **terms)

    call.origin = rf"^\[pricing\.{request.param}\] "
    return call


def with_(**changes):
    return {**ROW, **changes}


@pytest.mark.parametrize(
    ("dividends", "reason"),
    [
        ([(0.3, 1.0), (0.1, 1.0)], r"entry 1 is \(0\.1, 1\.0\); the entry before goes ex later: sort them"),
        ([(0.1, 1.0), (0.1, 2.0)], "entry 1 is .* the same ex-date: add their amounts"),
        ([(0.1, -1.0)], "entry 0 is .* the cash must not be negative"),
        ([(0.0, 1.0)], "entry 0 is .* on or before the valuation instant.*leave it out"),
        ([(-0.0, 1.0)], "on or before the valuation instant"),
        ([(-0.1, 1.0)], "on or before the valuation instant"),
        ([(math.nan, 1.0)], "the years to the ex-date must be finite"),
        ([(math.inf, 1.0)], "the years to the ex-date must be finite"),
        ([(0.1, math.nan)], "the cash must be finite"),
        ([(0.1, math.inf)], "the cash must be finite"),
        ([(0.1,)], "pair of numbers"),
        ([(0.1, 1.0, 2.0)], "pair of numbers"),
        ([0.1, 1.0], "pair of numbers"),
        ([("0.1", "1")], "pair of numbers"),
        ([(0.1, True)], "pair of numbers"),
        ([(0.1, 1j)], "pair of numbers"),
        ([(10**400, 1.0)], "pair of numbers"),
        ([(np.datetime64("2026-01-01"), 1.0)], "pair of numbers"),
        ([None], "pair of numbers"),
        ({"SPY": CASH}, "pair of numbers"),
        ([CASH], r"Several schedules: atalanta\.Dividends\(schedules, of=\.\.\.\)"),
        ("0.1:1", "must be a sequence"),
        (b"\x01", "must be a sequence"),
        (3, "must be a sequence"),
        (np.array(3.0), "must be a sequence"),
        (Dividends, "must be a sequence"),
    ],
    ids=repr,
)
def test_a_schedule_that_is_none(function, dividends, reason):
    """Every function refuses it in its own name, with entry, value and mend."""
    with pytest.raises(InputError, match=function.origin + f"dividends .*{reason}"):
        function(dividends=dividends)


@pytest.mark.parametrize("cash", [95.0, 100.0, 500.0, 1e300])
def test_a_dividend_as_large_as_the_spot_takes_it_to_zero(cash):
    """It is the model's limit, not an error: a put is exercised on what is left, a call before."""
    put = _price(ROW, dividends=[(0.1, cash)], tolerance="precise")
    left = atalanta.price("call", 100.0, cash, 0.1, 0.05, 0.2)  # of the spot, at its price of now
    assert put == pytest.approx(105.0 * math.exp(-0.05 * 0.1) - left, abs=5e-4)
    call = _price(with_(right="call", strike=90.0), dividends=[(0.1, cash)], tolerance="precise")
    assert call == pytest.approx(_price(with_(right="call", strike=90.0, years=0.1)), abs=1e-5)


def test_dividends_at_or_after_expiry_change_no_bit(function):
    """They do not touch the row: its method and its bits are those without."""
    for late in ([(0.5, 3.0)], [(0.6, 3.0)], [(1e300, 1e300)], [], np.empty((0, 2))):
        np.testing.assert_array_equal(function(dividends=late), function())


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        ([1], "of is 1; it must be the place of one of the 1 schedules"),
        ([-2], "of is -2"),
        (np.array([2**63], np.uint64), "of is 9223372036854775808"),
        (10**30, "of has dtype object; it must hold integers"),
        ([0.0], "of has dtype float64; it must hold integers"),
        (math.nan, "of has dtype float64"),
        ([True], "of has dtype bool"),
        (["0"], "of has dtype <U1"),
        ([None], "of has dtype object"),
        ([[0], [0, 0]], "of cannot be converted to an array"),
        (np.ma.array([0, 0], mask=[False, True]), "of has masked rows"),
    ],
    ids=repr,
)
def test_an_index_that_names_no_schedule(of, reason):
    """Out of range, no integer, no array, or masked."""
    with pytest.raises(InputError, match=rf"^\[pricing\.Dividends\] {reason}"):
        Dividends([CASH], of=of)


@pytest.mark.parametrize("of", [[0, 0, 0], np.zeros((3, 2), int), np.empty(0, int)], ids=repr)
def test_an_index_of_other_rows(function, of):
    """It broadcasts with the other arguments, or the message names it with its shape."""
    with pytest.raises(InputError, match=function.origin + r".*dividends\.of \("):
        function(with_(strike=np.full((2, 2), 105.0)), dividends=Dividends([CASH], of=of))


@pytest.mark.parametrize("years", ["x", None, [1.0], True, -1.0, math.nan])
def test_dividends_after_no_time(years):
    """The time from now is a number from 0."""
    with pytest.raises(InputError, match=r"^\[pricing\.Dividends\] years is .*must be a number from 0"):
        Dividends([CASH]).after(years)


@pytest.mark.parametrize("dividends", [None, CASH])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0])
@pytest.mark.parametrize("name", ["spot", "strike", "years", "rate", "vol", "dividend_yield"])
def test_no_number_or_a_negative_one_is_nan(function, name, value, dividends):
    """In its own row, whose neighbours keep their bits; rates may be negative."""
    if value == -1.0 and name in ("rate", "dividend_yield"):
        pytest.skip("a rate of -1 is one")
    if function.origin == r"^\[pricing\.exercise_boundary\] " and name == "spot":
        pytest.skip("the boundary has no spot")
    good = ROW.get(name, 0.0)
    columns = {name: np.array([good, value, good])}
    row = with_(**columns) if name in ROW else ROW
    got = function(row, dividends=dividends, **({} if name in ROW else columns))
    alone = function(dividends=dividends)
    assert np.isnan(got[..., 1]).all()
    np.testing.assert_array_equal(got[..., 0], alone)
    np.testing.assert_array_equal(got[..., 2], alone)


COLUMNS = {
    "strided": np.arange(90.0, 110.0)[::3],
    "backwards": np.array([90.0, 100.0, 105.0])[::-1],
    "other byte order": np.array([90.0, 105.0], ">f8"),
    "read-only": np.broadcast_to(np.array([[90.0], [100.0]]), (2, 3)),
    "columns first": np.asfortranarray(np.arange(90.0, 96.0).reshape(2, 3)),
    "no dimension": np.array(95.0),
    "half precision": np.array([90.0, 105.0], np.float16),
    "integers": np.array([90, 105], np.uint16),
    "a list": [90, 105.0],
    "pandas": pd.Series([90.0, 105.0], index=[7, 3]),
    "polars": pl.Series([90.0, 105.0]),
    "no rows": np.empty((0, 3)),
}


@pytest.mark.parametrize("dividends", [None, CASH])
@pytest.mark.parametrize("layout", COLUMNS)
def test_any_layout_of_memory_gives_the_same_bits(function, layout, dividends):
    """Whatever an array looks like in memory, its values decide."""
    column = COLUMNS[layout]
    plain = np.ascontiguousarray(column, dtype=np.float64).reshape(np.shape(column))
    got = function(with_(strike=column), dividends=dividends)
    assert plain.shape == np.shape(got)[np.ndim(got) - plain.ndim :]
    np.testing.assert_array_equal(got, function(with_(strike=plain), dividends=dividends))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "dtype object"),
        ("105", "dtype <U3"),
        (True, "dtype bool"),
        (1j, "dtype complex128"),
        (np.datetime64("2026-01-01"), "dtype datetime64"),
        ([105.0, None], "dtype object"),
        ([[1.0], [1.0, 2.0]], "cannot be converted to an array"),
        (10**400, "beyond the range of a double"),
    ],
    ids=["None", "text", "bool", "complex", "date", "objects", "ragged", "huge"],
)
@pytest.mark.parametrize("name", ["strike", "years", "vol"])
def test_what_is_no_number_at_all(function, name, value, reason):
    """The argument is named, with what it holds."""
    if function.origin == r"^\[pricing\.implied_vol\] " and name == "vol":
        pytest.skip("the volatility is what is sought")
    with pytest.raises(InputError, match=function.origin + f"{name} .*{reason}"):
        function(with_(**{name: value}), dividends=CASH)


@pytest.mark.parametrize("shapes", [(2, 3), (0, 3)])
def test_shapes_that_do_not_broadcast(function, shapes):
    """Both are named."""
    first, second = (np.full(size, 100.0) for size in shapes)
    with pytest.raises(
        InputError, match=function.origin + r"arguments do not broadcast.*strike \(.*years \("
    ):
        function(with_(strike=first, years=second / 200), dividends=CASH)


@pytest.mark.parametrize(
    "right", [0, 2, math.nan, None, "", "stock", [1, 2], [1.0, math.nan], b"x"], ids=repr
)
def test_a_right_that_is_none(function, right):
    """Neither call nor put."""
    with pytest.raises(InputError, match=function.origin + r"right is .*it must be \+1 or 'call'"):
        function(with_(right=right), dividends=CASH)


@pytest.mark.parametrize(
    "tolerance",
    [0.0, -1e-4, 9.9e-8, 1.1e-2, math.nan, math.inf, "exact", None, True, [1e-3], np.full(2, 1e-3)],
)
def test_a_tolerance_out_of_range(function, tolerance):
    """Three names, or a number between two limits that the message tells."""
    with pytest.raises(InputError, match=function.origin + r"tolerance is .*from 1e-7 to 1e-2"):
        function(tolerance=tolerance)


@pytest.mark.parametrize("threads", [0, -1, 1025, 10**30, 2.0, "2", True, math.nan, [2]])
def test_a_count_of_threads_out_of_range(function, threads):
    """A whole number from 1 to 1024."""
    with pytest.raises(InputError, match=function.origin + "threads is .*a whole number from 1 to 1024"):
        function(threads=threads, dividends=CASH)


@pytest.mark.parametrize("threads", [1, 1024, np.int64(2), np.uint8(3)])
def test_any_count_of_threads_gives_the_same_bits(function, threads):
    """NumPy's integers are whole numbers too; more threads than rows are no error."""
    np.testing.assert_array_equal(function(threads=threads, dividends=CASH), function(dividends=CASH))


@pytest.mark.parametrize("right", ["put", "call"])
def test_a_quote_that_only_absurd_volatilities_would_reach(right):
    """With cash, volatilities go to 8 over a root of the years; a quote above their price has none, and says so."""
    largest = 8.0 / math.sqrt(0.5)
    most = _price(with_(right=right, vol=largest), dividends=CASH)
    bound = 105.0 if right == "put" else 100.0
    quotes = np.array([most - 0.5, most + 0.1 * (bound - most), bound - 1e-6, bound, bound + 1.0])
    contract = (right, 100.0, 105.0, 0.5, 0.05)
    vol, status = atalanta.implied_vol(
        quotes, *contract, exercise="american", dividends=CASH, full_output=True
    )
    assert [ImpliedVolStatus.OK] + [ImpliedVolStatus.ABOVE_BOUND] * 4 == status.tolist()
    assert [False, True, True, True, True] == np.isnan(vol).tolist()
    assert _price(with_(right=right, vol=vol[0]), dividends=CASH) == pytest.approx(quotes[0], abs=0.05)


@pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")
@pytest.mark.parametrize("tolerance", ["fast", "standard", "precise"])
@pytest.mark.parametrize("right", ["put", "call"])
def test_two_boundaries_over_centuries(right, tolerance):
    """The lower rate times the years decides: NaN, and a status, beyond -10; as sure as ever within."""
    years = np.array([199.9, 200.1, 500.0])
    rates = (-0.02, -0.05) if right == "put" else (-0.05, -0.02)
    terms = {"dividend_yield": rates[1], "exercise": "american", "tolerance": tolerance}
    spot, strike = (95.0, 100.0) if right == "put" else (100.0, 95.0)
    greeks = atalanta.greeks(right, spot, strike, years, rates[0], 0.1, **terms)
    for name, column in greeks.items():
        assert [False, True, True] == np.isnan(column).tolist(), name
    quotes = np.full(3, greeks.price[0])
    vol, status = atalanta.implied_vol(
        quotes, right, spot, strike, years, rates[0], **terms, full_output=True
    )
    assert [ImpliedVolStatus.OK, ImpliedVolStatus.BAD_INPUT, ImpliedVolStatus.BAD_INPUT] == status.tolist()
    assert vol[0] == pytest.approx(0.1, abs=1e-4)
    assert np.isnan(vol[1:]).all()
    early = atalanta.early_exercise(right, spot, strike, years, rates[0], 0.1, dividend_yield=rates[1])
    assert np.isnan(early.price[1:]).all()
    assert np.isnan(early.boundary[1:]).all()
    assert not early.exercise_now[1:].any()
