import datetime as dt

import numpy as np
import pytest

from atalanta.market.contracts.products import PRODUCTS, Product, product, product_columns, root_codes


@pytest.mark.parametrize(
    ("root", "underlying", "exercise", "settlement"),
    [
        ("SPX", "SPX", "european", "AM_MONTHLY"),
        ("SPXW", "SPX", "european", "PM"),
        ("SPXPM", "SPX", "european", "PM"),
        ("XSP", "XSP", "european", "PM"),
        ("NDX", "NDX", "european", "AM_MONTHLY"),
        ("NDXP", "NDX", "european", "PM"),
        ("XND", "XND", "european", "PM"),
        ("RUT", "RUT", "european", "AM_MONTHLY"),
        ("RUTW", "RUT", "european", "PM"),
        ("MRUT", "MRUT", "european", "PM"),
        ("DJX", "DJX", "european", "AM_MONTHLY"),
        ("VIX", "VIX", "european", "AM"),
        ("VIXW", "VIX", "european", "AM"),
        ("XEO", "OEX", "european", "PM"),
        ("OEX", "OEX", "american", "PM"),
        ("SPY", "SPY", "american", "PM"),
        ("AAPL", "AAPL", "american", "PM"),
    ],
)
def test_terms_of_known_roots(root, underlying, exercise, settlement):
    """Index options are European but for OEX; AM settlement belongs to the root, not to the index."""
    row = product(root)
    assert (underlying, exercise, settlement) == (row.underlying, row.exercise, row.settlement)
    assert row.multiplier == 100.0


def test_unknown_root_is_a_stock_option():
    """A root outside the table is an American PM-settled option on 100 shares, traded until 16:00."""
    assert product("ZZZ") == Product("ZZZ", "ZZZ", "american", "PM", dt.time(16, 0), 100.0, False)


@pytest.mark.parametrize(
    ("root", "closes"),
    [("SPX", dt.time(16, 15)), ("SPY", dt.time(16, 15)), ("QQQ", dt.time(16, 15)), ("TSLA", dt.time(16, 0))],
)
def test_last_trade(root, closes):
    """Index options and some fund options trade a quarter of an hour longer than stock options."""
    assert closes == product(root).last_trade


@pytest.mark.parametrize("root", ["AAPL1", "AAPL2", "AAPL9"])
def test_adjusted_root(root):
    """A digit after a ticker marks an adjusted contract: the root stays, the underlying loses the digit."""
    row = product(root)
    assert (root, "AAPL", True, "american") == (row.root, row.underlying, row.adjusted, row.exercise)


def test_adjusted_root_keeps_the_terms_of_its_plain_root():
    """An adjusted root follows the table's row of the root before the digit."""
    row = product("SPY1")
    assert (True, "SPY", dt.time(16, 15)) == (row.adjusted, row.underlying, row.last_trade)


@pytest.mark.parametrize("root", ["AAPL", "2SPY", "AAPL0", "AB12"])
def test_other_digits_mark_no_adjustment(root):
    """Only one digit from 1 to 9 after letters marks an adjusted root."""
    assert not product(root).adjusted


@pytest.mark.parametrize("root", ["AAPL7", "AMZN7", "GLD7", "GOOG7", "SPY7"])
def test_mini_options(root):
    """The five mini options of 2013 and 2014 are on 10 shares and not adjusted."""
    row = product(root)
    assert (10.0, root[:-1], False) == (row.multiplier, row.underlying, row.adjusted)


@pytest.mark.parametrize("spelling", ["SPX", "^SPX", "$SPX", "spx", " SPX "])
def test_index_spellings(spelling):
    """An index is recognised with a caret or dollar sign, in lower case and between blanks."""
    assert PRODUCTS["SPX"] == product(spelling)


def test_table_is_keyed_by_its_own_roots():
    """Each row stands under its own root."""
    assert [(row.root, row) for row in PRODUCTS.values()] == list(PRODUCTS.items())


def test_columns_follow_the_rows():
    """Terms come back row by row, whatever the order and repetition of the roots."""
    columns = product_columns(["SPXW", "AAPL1", "OEX", "SPY7", "SPXW"])
    assert columns["underlying"].tolist() == ["SPX", "AAPL", "OEX", "SPY", "SPX"]
    assert columns["exercise"].tolist() == ["european", "american", "american", "american", "european"]
    assert columns["multiplier"].tolist() == [100.0, 100.0, 100.0, 10.0, 100.0]
    assert columns["adjusted"].tolist() == [False, True, False, False, False]


def test_columns_of_no_rows():
    """No rows give empty columns of the same types."""
    columns = product_columns([])
    assert [column.dtype.char for column in columns.values()] == ["O", "O", "d", "?"]
    assert [len(column) for column in columns.values()] == [0] * 4


def test_root_codes_name_each_row():
    """Distinct roots come in alphabetical order, and a row's code is its place among them."""
    names, codes = root_codes(np.array(["SPY", "AAPL", "SPY"], dtype=object))
    assert names == ("AAPL", "SPY")
    assert codes.tolist() == [1, 0, 1]


def test_root_codes_of_missing_values():
    """None and NaN, the missing values of data frames, count as the empty text."""
    names, codes = root_codes(np.array(["SPY", None, float("nan"), ""], dtype=object))
    assert (names, codes.tolist()) == (("", "SPY"), [1, 0, 0, 0])
