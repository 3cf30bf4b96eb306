"""The public pricing functions: shapes, types, spellings, outputs and every kind of bad call."""

import copy
import inspect
import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

import atalanta
from atalanta import InputError
from atalanta.pricing import GREEK_NAMES

CALL = ("call", 100.0, 105.0, 0.5, 0.03, 0.2)
# 60-digit arithmetic on these exact doubles.
CALL_PRICE = 4.17829971551349
PUT_PRICE = 7.61505337383507


def test_numbers_in_give_a_float_out():
    """A call with numbers alone returns a Python float."""
    assert type(atalanta.price(*CALL)) is float
    assert pytest.approx(CALL_PRICE, rel=1e-14) == atalanta.price(*CALL)
    assert type(atalanta.price(np.int8(1), np.float64(100.0), 105, 0.5, 0.03, 0.2)) is float
    assert type(atalanta.implied_vol(CALL_PRICE, *CALL[:5])) is float


def test_zero_dimensional_arrays_are_numbers():
    """Arrays without dimensions count as numbers."""
    assert type(atalanta.price("call", np.array(100.0), 105.0, 0.5, 0.03, 0.2)) is float


def test_signature_is_visible_to_inspect():
    """`inspect.signature` shows every parameter with its default."""
    parameters = inspect.signature(atalanta.price).parameters
    assert ["right", "spot", "strike", "years", "rate", "vol"] == list(parameters)[:6]
    assert 0.0 == parameters["dividend_yield"].default
    assert "european" == parameters["exercise"].default
    assert "standard" == parameters["tolerance"].default
    assert parameters["dividends"].default is None
    assert parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY


def test_functions_belong_to_the_package():
    """Exported functions name the public module, and can be pickled and copied."""
    assert "atalanta" == atalanta.price.__module__
    assert atalanta.price is pickle.loads(pickle.dumps(atalanta.price))
    assert atalanta.price is copy.deepcopy(atalanta.price)


@pytest.mark.parametrize("right", ["call", "Call", "CALL", "C", "c", 1, np.int8(1), np.int64(1)])
def test_every_spelling_of_a_call(right):
    """Strings in either case and +1 all mean a call."""
    assert pytest.approx(CALL_PRICE, rel=1e-14) == atalanta.price(right, *CALL[1:])


@pytest.mark.parametrize("right", ["put", "Put", "PUT", "P", "p", -1, np.int8(-1)])
def test_every_spelling_of_a_put(right):
    """Strings in either case and -1 all mean a put."""
    assert pytest.approx(PUT_PRICE, rel=1e-13) == atalanta.price(right, *CALL[1:])


@pytest.mark.parametrize(
    "rights",
    [
        np.array([1, -1], np.int8),
        np.array([1, -1], np.int64),
        np.array([1.0, -1.0]),
        np.array(["call", "put"]),
        np.array([b"C", b"P"]),
        np.array(["C", "P"], dtype=object),
        np.array(["call", "put"], dtype=np.dtypes.StringDType()),
        ["c", "p"],
        [1, -1],
        pd.Series(["call", "put"]),
        pl.Series(["C", "P"]),
    ],
    ids=lambda rights: f"{type(rights).__name__}-{getattr(rights, 'dtype', '')}",
)
def test_every_kind_of_rights_column(rights):
    """Columns of rights may be integers, floats, or strings of any kind."""
    got = atalanta.price(rights, *CALL[1:])
    np.testing.assert_allclose(got, [CALL_PRICE, PUT_PRICE], rtol=1e-13)


@pytest.mark.parametrize("bad", ["x", "calls", "", "pu", 0, 2, True, 1.5])
def test_an_unknown_right_is_an_error(bad):
    """A right that is neither call nor put is named in the error."""
    with pytest.raises(InputError, match=r"\[pricing\.price\] right"):
        atalanta.price(bad, *CALL[1:])


def test_an_unknown_right_in_a_column_names_its_row():
    """The first unusable right of a column is reported with its row."""
    with pytest.raises(InputError, match=r"right is 'stock' in row 1"):
        atalanta.price(["call", "stock"], *CALL[1:])
    with pytest.raises(InputError, match=r"right is 0 in row 2"):
        atalanta.price(np.array([1, -1, 0], np.int8), *CALL[1:])


def test_arguments_broadcast_as_in_numpy():
    """Any mix of shapes broadcasts; the result has the common shape and the values of a loop."""
    spot = np.linspace(80.0, 120.0, 5)[:, None, None]
    strike = np.linspace(90.0, 110.0, 3)[:, None]
    years = np.array([0.1, 0.5, 1.0, 2.0])
    right = np.array([1, -1], np.int8).repeat(2)
    got = atalanta.price(right, spot, strike, years, 0.03, 0.2, dividend_yield=0.01)
    assert (5, 3, 4) == got.shape
    for index in np.ndindex(got.shape):
        i, j, k = index
        alone = atalanta.price(
            int(right[k]), spot[i, 0, 0], strike[j, 0], years[k], 0.03, 0.2, dividend_yield=0.01
        )
        assert alone == got[index]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9, 15, 63, 64, 65, 71, 72, 127, 128, 130, 1000])
def test_every_batch_size_gives_the_scalar_result(size):
    """Whatever the length (remainders, padding, blocks), each row has the bits of a scalar call."""
    rng = np.random.default_rng(size)
    spot, vol = rng.uniform(50, 150, size), rng.uniform(0.05, 0.9, size)
    right = rng.choice(np.array([1, -1], np.int8), size)
    prices = atalanta.price(right, spot, 100.0, 0.7, 0.02, vol)
    assert (size,) == prices.shape
    assert [
        atalanta.price(int(e), s, 100.0, 0.7, 0.02, v) for e, s, v in zip(right, spot, vol, strict=True)
    ] == list(prices)
    vols = atalanta.implied_vol(prices, right, spot, 100.0, 0.7, 0.02)
    alone = [
        atalanta.implied_vol(p, int(e), s, 100.0, 0.7, 0.02)
        for p, e, s in zip(prices.tolist(), right, spot.tolist(), strict=True)
    ]
    np.testing.assert_array_equal(alone, vols)


def test_shapes_that_do_not_fit_are_listed():
    """A broadcast failure lists the shape of every array argument."""
    with pytest.raises(InputError, match=r"spot \(2,\), strike \(3,\)"):
        atalanta.price("call", [90.0, 100.0], [1.0, 2.0, 3.0], 0.5, 0.03, 0.2)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("100", "dtype <U3"),
        ([100.0, None], "dtype object"),
        ([1 + 2j], "dtype complex128"),
        (np.array(["2020-01-01"], "M8[D]"), "dtype datetime64"),
        ([True, False], "dtype bool"),
        ([[1.0], [1.0, 2.0]], "cannot be converted to an array"),
        (None, "dtype object"),
    ],
)
def test_a_wrong_type_is_named_with_its_argument(value, reason):
    """Text, objects, complex numbers, dates and booleans are no prices."""
    with pytest.raises(InputError, match=rf"\[pricing\.price\] spot .*{reason}"):
        atalanta.price("call", value, 105.0, 0.5, 0.03, 0.2)


def test_other_number_types_are_converted():
    """float32, integers and unsigned integers are converted to double; non-contiguous arrays are read right."""
    strikes = np.arange(90, 110)
    expected = atalanta.price("call", 100.0, strikes.astype(float), 0.5, 0.03, 0.2)
    for dtype in (np.float32, np.int16, np.uint8, np.int64, ">f8"):
        np.testing.assert_array_equal(
            expected, atalanta.price("call", 100.0, strikes.astype(dtype), 0.5, 0.03, 0.2)
        )
    backwards = strikes.astype(float)[::-1]
    np.testing.assert_array_equal(expected[::-1], atalanta.price("call", 100.0, backwards, 0.5, 0.03, 0.2))
    fortran = np.asfortranarray(np.arange(80.0, 104.0).reshape(4, 6))
    np.testing.assert_array_equal(
        atalanta.price("put", fortran.copy("C"), 100.0, 0.5, 0.03, 0.2),
        atalanta.price("put", fortran, 100.0, 0.5, 0.03, 0.2),
    )


def test_masked_values_become_nan():
    """What lies under a mask is not priced."""
    spot = np.ma.array([90.0, 100.0, 110.0], mask=[False, True, False])
    assert [False, True, False] == list(np.isnan(atalanta.price("call", spot, 100.0, 0.5, 0.03, 0.2)))


def test_out_is_filled_and_returned():
    """`out` receives the result, whatever its memory layout, and is what the call returns."""
    spot = np.linspace(80, 120, 50)
    expected = atalanta.price("call", spot, 100.0, 0.5, 0.03, 0.2)
    out = np.empty(50)
    assert out is atalanta.price("call", spot, 100.0, 0.5, 0.03, 0.2, out=out)
    np.testing.assert_array_equal(expected, out)
    strided = np.zeros(100)[::2]
    assert strided is atalanta.price("call", spot, 100.0, 0.5, 0.03, 0.2, out=strided)
    np.testing.assert_array_equal(expected, strided)


@pytest.mark.parametrize("offset", [0, 3, -3])
def test_out_may_overlap_an_input(offset):
    """Writing over an input gives the same result as writing elsewhere."""
    memory = np.linspace(80, 120, 106)
    spot, out = memory[3:103], memory[3 + offset : 103 + offset]
    expected = atalanta.price("call", spot.copy(), 100.0, 0.5, 0.03, 0.2)
    np.testing.assert_array_equal(expected, atalanta.price("call", spot, 100.0, 0.5, 0.03, 0.2, out=out))


@pytest.mark.parametrize(
    ("out", "reason"),
    [
        (np.empty(3), r"out has shape \(3,\); the result has shape \(2,\)"),
        (np.empty(2, np.float32), "out must be a NumPy array of float64"),
        ([0.0, 0.0], "out must be a NumPy array of float64"),
    ],
)
def test_an_unusable_out_is_an_error(out, reason):
    """`out` is never converted or reshaped in silence."""
    with pytest.raises(InputError, match=reason):
        atalanta.price("call", [90.0, 100.0], 100.0, 0.5, 0.03, 0.2, out=out)


def test_a_read_only_out_is_an_error():
    """A read-only `out` is refused before any work."""
    out = np.empty(2)
    out.flags.writeable = False
    with pytest.raises(InputError, match="out is read-only"):
        atalanta.price("call", [90.0, 100.0], 100.0, 0.5, 0.03, 0.2, out=out)


def test_wrong_calls_fail_as_in_python():
    """Missing, unknown, repeated and surplus arguments are TypeErrors that name them."""
    with pytest.raises(TypeError, match="missing the argument 'vol'"):
        atalanta.price("call", 100.0, 105.0, 0.5, 0.03)
    with pytest.raises(TypeError, match="unexpected keyword argument 'volatility'"):
        atalanta.price(*CALL[:5], volatility=0.2)
    with pytest.raises(TypeError, match="multiple values for argument 'vol'"):
        atalanta.price(*CALL, vol=0.2)
    with pytest.raises(TypeError, match="takes 6 positional arguments but 7 were given"):
        atalanta.price(*CALL, 0.01)
    assert atalanta.price(*CALL) == atalanta.price(
        vol=0.2, rate=0.03, years=0.5, strike=105.0, spot=100.0, right="call"
    )


@pytest.mark.parametrize("threads", [0, -1, 1025, 1.5, "two", True])
def test_a_wrong_thread_count_is_an_error(threads):
    """Threads are a whole number from 1 to 1024."""
    with pytest.raises(InputError, match=r"threads is .*whole number from 1 to 1024"):
        atalanta.price(*CALL, threads=threads)
    with pytest.raises(InputError, match="threads is"):
        atalanta.set_threads(threads)


@pytest.mark.parametrize("vol", [25.0, [20.0, 25.0, 30.0]])
def test_volatility_in_per_cent_is_an_error(vol):
    """A volatility of 2500 % over a year is a unit mistake, and the error says how to mend it."""
    with pytest.raises(InputError, match=r"looks like per cent.*divide by 100"):
        atalanta.price("call", 100.0, 105.0, 1.0, 0.03, vol)
    with pytest.raises(InputError, match="looks like per cent"):
        atalanta.greeks("call", 100.0, 105.0, 1.0, 0.03, vol)


def test_a_high_volatility_near_expiry_is_priced():
    """Minutes before expiry volatilities above 1200 % are real, and single huge ones do not fail a batch."""
    assert atalanta.price("call", 100.0, 101.0, 1e-5, 0.0, 16.0) > 0
    assert np.all(atalanta.price("call", 100.0, 101.0, 1.0, 0.0, [0.2, 30.0]) > 0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0])
@pytest.mark.parametrize("position", [1, 2, 3, 5])
def test_a_bad_domain_is_nan_alone_and_in_a_batch(position, bad):
    """NaN, infinity and negative values of spot, strike, years and vol give NaN in that row only."""
    arguments = list(CALL)
    arguments[position] = bad
    assert math.isnan(atalanta.price(*arguments))
    arguments[position] = [CALL[position]] * 20
    arguments[position][7] = bad
    assert [7] == list(np.flatnonzero(np.isnan(atalanta.price(*arguments))))
    for order in (1, 2, 3):
        for column in atalanta.greeks(*arguments, order=order).values():
            assert [7] == list(np.flatnonzero(np.isnan(column)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_rate_that_is_no_number_is_nan(bad):
    """NaN and infinite rates and yields give NaN."""
    assert math.isnan(atalanta.price("put", 100.0, 105.0, 0.5, bad, 0.2))
    assert math.isnan(atalanta.price("put", 100.0, 105.0, 0.5, 0.03, 0.2, dividend_yield=bad))


def test_zero_time_and_zero_vol_give_the_intrinsic_value():
    """At expiry the price is the intrinsic value; without volatility it is the discounted one."""
    assert 10.0 == atalanta.price("call", 100.0, 90.0, 0.0, 0.05, 0.2)
    assert 0.0 == atalanta.price("put", 100.0, 90.0, 0.0, 0.05, 0.2)
    expected = 100 * math.exp(-0.01) - 90 * math.exp(-0.05)
    assert pytest.approx(expected, rel=1e-15) == atalanta.price(
        "call", 100.0, 90.0, 1.0, 0.05, 0.0, dividend_yield=0.01
    )


@pytest.mark.parametrize(("order", "count"), [(1, 7), (2, 10), (3, 13)])
def test_greeks_have_the_columns_of_their_order(order, count):
    """Each order adds its columns; all are reachable by attribute and by name."""
    greeks = atalanta.greeks("put", 100.0, [90.0, 100.0], 0.5, 0.03, 0.2, order=order)
    assert GREEK_NAMES[:count] == tuple(greeks)
    for name in greeks:
        np.testing.assert_array_equal(greeks[name], getattr(greeks, name))
        assert (2,) == greeks[name].shape


def test_a_greek_of_a_higher_order_says_how_to_get_it():
    """A Greek that was not computed is an AttributeError with the mend, not None."""
    greeks = atalanta.greeks(*CALL)
    with pytest.raises(AttributeError, match=r"vanna was not computed: call greeks\(\.\.\., order=2\)"):
        _ = greeks.vanna
    with pytest.raises(AttributeError, match=r"order=3"):
        _ = greeks.color
    with pytest.raises(KeyError):
        _ = greeks["vanna"]


@pytest.mark.parametrize("order", [0, 4, 1.0, "2", True])
def test_a_wrong_order_is_an_error(order):
    """Order is 1, 2 or 3."""
    with pytest.raises(InputError, match=r"order is .*must be 1, 2 or 3"):
        atalanta.greeks(*CALL, order=order)


def test_greeks_of_numbers_are_floats_and_print_well():
    """With numbers alone every Greek is a float."""
    greeks = atalanta.greeks(*CALL, order=3)
    assert {float} == {type(value) for value in greeks.values()}
    assert repr(greeks).startswith("Greeks(price=4.178")
    assert greeks.price == atalanta.price(*CALL)


def test_greeks_of_a_grid_keep_its_shape_and_take_out():
    """A grid in gives grids out; `out` holds all columns."""
    out = np.empty((10, 3, 4))
    spot, vol = np.linspace(90, 110, 3)[:, None], np.linspace(0.1, 0.4, 4)
    greeks = atalanta.greeks("call", spot, 100.0, 0.5, 0.03, vol, order=2, out=out)
    assert (3, 4) == greeks.delta.shape
    np.testing.assert_array_equal(out[1], greeks.delta)
    np.testing.assert_array_equal(greeks.price, atalanta.price("call", spot, 100.0, 0.5, 0.03, vol))


def test_the_price_of_the_greeks_is_the_price():
    """`greeks` and `price` agree to the bit at every order."""
    rng = np.random.default_rng(5)
    n = 500
    inputs = ("put", rng.uniform(60, 150, n), 100.0, rng.uniform(0.01, 3, n), 0.03, rng.uniform(0.05, 1, n))
    expected = atalanta.price(*inputs)
    for order in (1, 2, 3):
        np.testing.assert_array_equal(expected, atalanta.greeks(*inputs, order=order).price)


def test_implied_vol_gives_a_status_for_each_row():
    """`full_output` says why a row has no volatility."""
    prices = [4.178, 0.0, -1.0, 100.0, 101.0, math.nan, math.inf]
    vol, status = atalanta.implied_vol(prices, *CALL[:5], full_output=True)
    expected = [0, 1, 3, 2, 2, 3, 3]
    assert expected == list(status)
    assert [code != 0 for code in expected] == list(np.isnan(vol))
    assert np.uint8 == status.dtype
    for price, code in zip(prices, expected, strict=True):
        alone, status_alone = atalanta.implied_vol(price, *CALL[:5], full_output=True)
        assert code == status_alone == atalanta.ImpliedVolStatus(code)
        assert math.isnan(alone) == (code != 0)


@pytest.mark.parametrize(
    ("name", "bad"),
    [("spot", 0.0), ("spot", -1.0), ("strike", 0.0), ("years", 0.0), ("years", -0.1), ("rate", math.nan)],
)
def test_implied_vol_of_a_bad_input_is_nan_with_its_status(name, bad):
    """Inputs without a price have no implied volatility, and the status says so."""
    inputs = {
        "price": 4.0,
        "right": "call",
        "spot": 100.0,
        "strike": 105.0,
        "years": 0.5,
        "rate": 0.03,
        name: bad,
    }
    vol, status = atalanta.implied_vol(**inputs, full_output=True)
    assert math.isnan(vol)
    assert atalanta.ImpliedVolStatus.BAD_INPUT == status


def test_a_deep_in_the_money_price_at_its_intrinsic_value_has_no_vol():
    """A price at, or below, the discounted intrinsic value is refused, not rounded to a small volatility."""
    for price in (50.0, 50.0 - 1e-6):
        vol, status = atalanta.implied_vol(price, "call", 100.0, 50.0, 0.5, 0.0, full_output=True)
        assert math.isnan(vol)
        assert atalanta.ImpliedVolStatus.BELOW_INTRINSIC == status


def test_empty_batches_are_fine():
    """No rows in, no rows out."""
    assert (0,) == atalanta.price("call", np.empty(0), 100.0, 0.5, 0.03, 0.2).shape
    assert (0,) == atalanta.greeks("call", np.empty(0), 100.0, 0.5, 0.03, 0.2).delta.shape
    vol, status = atalanta.implied_vol(np.empty((3, 0)), "call", 100.0, 100.0, 0.5, 0.03, full_output=True)
    assert (3, 0) == vol.shape == status.shape


def test_out_none_is_as_if_not_given():
    """The default of `out`, spelled out, changes nothing: numbers give a float."""
    assert type(atalanta.price(*CALL, out=None)) is float
    assert type(atalanta.implied_vol(4.178, *CALL[:5], out=None)) is float
    assert type(atalanta.greeks(*CALL, out=None).delta) is float


def test_long_doubles_are_converted():
    """Extended precision is rounded to double, as a number and as an array."""
    assert atalanta.price("call", np.longdouble(100), *CALL[2:]) == atalanta.price(*CALL)
    np.testing.assert_array_equal(
        atalanta.price("call", np.array([100.0, 90.0], np.longdouble), *CALL[2:]),
        atalanta.price("call", [100.0, 90.0], *CALL[2:]),
    )


def test_an_integer_beyond_double_is_an_error():
    """An integer that no double holds is refused by name."""
    with pytest.raises(InputError, match="strike is an integer beyond the range"):
        atalanta.price("call", 100.0, 10**400, 0.5, 0.03, 0.2)


def test_a_keyword_that_is_no_text_is_a_type_error():
    """A keyword with a lone surrogate is reported, not a failure of the report."""
    with pytest.raises(TypeError, match="unexpected keyword"):
        atalanta.price(*CALL, **{"\ud800": 1})


def test_rights_as_python_objects():
    """Object columns may mix strings and integers; anything else is named with its row."""
    got = atalanta.price(np.array([1, "put", -1], object), *CALL[1:])
    np.testing.assert_allclose(got, [CALL_PRICE, PUT_PRICE, PUT_PRICE], rtol=1e-13)
    with pytest.raises(InputError, match="right is None in row 1"):
        atalanta.price(np.array(["C", None], object), *CALL[1:])


def test_byte_swapped_text_rights_are_read():
    """Text of the other byte order means what it says."""
    rights = np.array(["call", "put"]).astype(">U4")
    np.testing.assert_allclose(atalanta.price(rights, *CALL[1:]), [CALL_PRICE, PUT_PRICE], rtol=1e-13)


def test_masked_rights_are_an_error():
    """A row without a right cannot be priced, and there is no NaN of rights."""
    masked = np.ma.array(["C", "P"], mask=[False, True])
    with pytest.raises(InputError, match="right has masked rows"):
        atalanta.price(masked, *CALL[1:])


class Refusing:
    """An object that raises when it is turned into an array, or asked for its truth."""

    def __init__(self, error):
        self.error = error

    def __array__(self, dtype=None, copy=None):
        raise self.error

    def __bool__(self):
        raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("no")])
def test_what_an_argument_raises_is_not_swallowed(error):
    """An interrupt during the conversion of an argument reaches the caller as itself."""
    with pytest.raises(type(error)):
        atalanta.price("call", Refusing(error), *CALL[2:])
    with pytest.raises(type(error)):
        atalanta.price(Refusing(error), *CALL[1:])


@pytest.mark.parametrize("price", [4.178, [4.178, 5.0]])
def test_a_truth_that_raises_reaches_the_caller(price):
    """`full_output` whose truth raises is that error, at that call."""
    with pytest.raises(RuntimeError, match="no truth"):
        atalanta.implied_vol(price, *CALL[:5], full_output=Refusing(RuntimeError("no truth")))


@pytest.mark.parametrize("vol", [20.0, [20.0], [20.0, 25.0, math.nan], [math.nan, 20.0]])
def test_rows_without_a_vol_do_not_hide_per_cent(vol):
    """The unit check is the same for a number, one row and many, and looks past NaN."""
    with pytest.raises(InputError, match="looks like per cent"):
        atalanta.price("call", 100.0, 105.0, 1.0, 0.03, vol)


@pytest.mark.parametrize("rate", [5.0, -3.0, [5.0, 4.5], [math.nan, 5.0]])
@pytest.mark.parametrize("name", ["rate", "dividend_yield"])
def test_rates_in_per_cent_are_an_error(name, rate):
    """Rates or yields that are all beyond 100 % a year are a unit mistake in every function."""
    inputs = {"right": "call", "spot": 100.0, "strike": 105.0, "years": 0.5, "rate": 0.03, name: rate}
    with pytest.raises(InputError, match=rf"{name} is .* looks like per cent"):
        atalanta.price(**inputs, vol=0.2)
    with pytest.raises(InputError, match=rf"{name} is .* looks like per cent"):
        atalanta.greeks(**inputs, vol=0.2)
    with pytest.raises(InputError, match=rf"{name} is .* looks like per cent"):
        atalanta.implied_vol(4.0, **inputs)


def test_one_rate_beyond_a_hundred_per_cent_does_not_fail_a_batch():
    """A single extreme rate among ordinary ones is priced as it stands."""
    assert np.all(np.isfinite(atalanta.price("call", 100.0, 105.0, 0.5, [0.03, 1.5], 0.2)))
