import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalanta.market.cell_text import MISSING_WORDS
from atalanta.market.reading.cells import numbers, rights, texts


def _objects(*cells):
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1.5", 1.5),
        (" 1.5 ", 1.5),
        ("-1e-3", -0.001),
        ("+2", 2.0),
        (3, 3.0),
        (decimal.Decimal("0.05"), 0.05),
        (np.float32(0.5), 0.5),
        ("inf", np.inf),
        ("1e999", np.inf),
    ],
)
def test_cells_that_are_numbers(cell, expected):
    """Text, blanks around it, and number objects of any kind become floats."""
    for column in (_objects(cell), _objects(cell, "x")):  # the quick way, and cell by cell
        parsed = numbers(column)
        assert (expected, False) == (parsed.values[0], parsed.bad[0])


@pytest.mark.parametrize("cell", ["abc", "1,5", "€5", "5%", "1 2", "0x10", "2024-01-01", [1.0], 10**400])
def test_cells_that_are_no_numbers(cell):
    """What is not exactly a number is bad and NaN; nothing is guessed."""
    parsed = numbers(_objects("1", cell))
    assert (1.0, False) == (parsed.values[0], parsed.bad[0])
    assert np.isnan(parsed.values[1])
    assert parsed.bad[1]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("$4.20", 4.2),
        ("$ 4.20", 4.2),
        (" $.05 ", 0.05),
        ("-$4.20", -4.2),
        ("$-4.20", -4.2),
        ("1,234.50", 1234.5),
        ("$1,234.50", 1234.5),
        ("-1,234", -1234.0),
        ("1,234,567.", 1234567.0),
        ("12,345,678.901", 12345678.901),
    ],
)
def test_amounts_are_numbers_and_are_counted(cell, expected):
    """A dollar sign before a number and commas between thousands are read past, and their rows are known."""
    parsed = numbers(_objects("1", cell, None))
    assert [1.0, expected] == parsed.values[:2].tolist()
    assert [False, False, False] == parsed.bad.tolist()
    assert [False, True, False] == parsed.amounts.tolist()


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "$",
            "$-",
            "-$-1",
            "$$5",
            "5$",
            "$1e3",
            "$1_0",
            "$nan",
            ",5",
            "5,",
            "1,23",
            "12,34,567",
            "1,2345",
        ),
        *(
            "0,123",
            "01,234",
            "1234,567",
            "1,234,56",
            "1,,234",
            "1,234.5.6",
            "(1,234)",
            "1 234",
            "$١",
        ),
    ],
)
def test_amounts_that_are_none(cell):
    """Groups that are no thousands, other currencies, brackets and stray signs are not guessed at."""
    parsed = numbers(_objects("1", cell))
    assert np.isnan(parsed.values[1])
    assert (True, False) == (parsed.bad[1], parsed.amounts[1])


@pytest.mark.parametrize("telling", ["12,5", "0,125", "1234,50", "1.234,50", "1 234,50", ",5", "-4,20"])
@pytest.mark.parametrize("doubtful", ["1,234", "-1,234", "$1,234", "1.234", "12.345"])
def test_a_decimal_comma_makes_thousands_doubtful(telling, doubtful):
    """Beside a number that has a decimal comma, 1,234 and 1.234 may be either: both are bad, plain numbers are not."""
    parsed = numbers(_objects("550", doubtful, telling, "0.5", "1,234.50"))
    np.testing.assert_array_equal([550.0, np.nan, np.nan, 0.5, 1234.5], parsed.values)
    assert [False, True, True, False, False] == parsed.bad.tolist()
    alone = numbers(_objects("550", doubtful, "0.5"))
    assert not alone.bad.any()


@given(st.decimals(-(10**12), 10**12, places=2))
def test_every_amount_is_the_number_without_its_signs(value):
    """Property: a number written with thousands commas and a dollar sign is that number, to the bit."""
    sign = "-" if value < 0 else ""
    parsed = numbers(_objects(f"{value:,}", f"{sign}${abs(value):,}"))
    assert [float(value)] * 2 == parsed.values.tolist()


@pytest.mark.parametrize("word", sorted(MISSING_WORDS))
def test_missing_numbers_are_not_bad(word):
    """A missing cell is NaN without blame."""
    parsed = numbers(_objects(word, "1"))
    assert np.isnan(parsed.values[0])
    assert [False, False] == parsed.bad.tolist()


def test_numeric_columns_are_numbers_as_they_are():
    """Floats are not copied; integers of any width are converted."""
    floats = np.array([1.0, np.nan])
    assert numbers(floats).values is floats
    for dtype in ("i1", "u8", "f4"):
        assert [1.0, 2.0] == numbers(np.array([1, 2], dtype=dtype)).values.tolist()


@pytest.mark.parametrize("column", [np.array([True]), np.array(["2024-01-01"], dtype="M8[D]")])
def test_columns_of_another_kind_hold_no_numbers(column):
    """Booleans and dates are not numbers, though they could be cast to some."""
    parsed = numbers(column)
    assert np.isnan(parsed.values).all()
    assert parsed.bad.all()


@pytest.mark.parametrize("cell", ["C", "c", "Call", "CALL ", "calls", "1", "1.0", 1, 1.0])
def test_calls(cell):
    """A call is +1 however it is spelled."""
    assert ([1], [False]) == tuple(part.tolist() for part in rights(_objects(cell)))


@pytest.mark.parametrize("cell", ["P", "p", "Put", " PUT", "puts", "-1", "-1.0", -1, -1.0])
def test_puts(cell):
    """A put is -1 however it is spelled."""
    assert ([-1], [False]) == tuple(part.tolist() for part in rights(_objects(cell)))


@pytest.mark.parametrize(("cell", "bad"), [("X", True), ("0", True), (2, True), ("", False), (None, False)])
def test_neither_call_nor_put(cell, bad):
    """Anything else is 0: bad where something was there, missing where nothing was."""
    assert ([0], [bad]) == tuple(part.tolist() for part in rights(_objects(cell)))


def test_rights_of_numeric_columns():
    """+1 and -1 are taken, every other number is bad, NaN is missing."""
    parsed = rights(np.array([1.0, -1.0, 0.0, 2.0, np.nan]))
    assert [1, -1, 0, 0, 0] == parsed.values.tolist()
    assert [False, False, True, True, False] == parsed.bad.tolist()
    assert np.dtype(np.int8) == parsed.values.dtype


def test_texts_are_stripped_and_never_bad():
    """Blanks go; missing objects are empty; numbers become their text; NA and NAN are tickers."""
    parsed = texts(_objects(" SPY ", None, np.nan, 5, "NA", "NAN", pd.NA))
    assert ["SPY", "", "", "5", "NA", "NAN", ""] == parsed.values.tolist()
    assert not parsed.bad.any()


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_text_of_a_number_is_that_number(values):
    """Property: the shortest spelling of a double is read back to the bit."""
    np.testing.assert_array_equal(values, numbers(_objects(*map(repr, values))).values)
