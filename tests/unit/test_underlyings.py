import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalanta.market.contracts.products import PRODUCTS
from atalanta.market.contracts.underlyings import is_root_of, other_underlying


@pytest.mark.parametrize("root", sorted(PRODUCTS))
def test_every_root_of_the_table_is_its_underlyings(root):
    """The table of products decides for the roots it holds, also where the root stands for the underlying."""
    assert is_root_of(root, PRODUCTS[root].underlying)
    assert is_root_of(root, root)


@pytest.mark.parametrize(
    ("root", "underlying"),
    [
        ("SPXW", "^SPX"),
        ("SPX", "SPXW"),
        ("SPXQ", "SPX"),  # end of quarter, not in the table
        ("RUTW", "$RUT"),
        ("AAPL1", "AAPL"),
        ("AAPL7", "AAPL"),
        ("2AAPL", "AAPL"),
        ("1SPXW", "SPX"),
        ("1AAPL1", "AAPL"),
        ("BRKB", "BRK.B"),
        ("BRKB", "BRK/B"),
        ("BRKB1", "BRK-B"),
        ("SPY", "spy"),
        ("ABCD", "ABCD"),
    ],
)
def test_roots_of_an_underlying(root, underlying):
    """Weeklies, adjusted, mini and FLEX contracts are the underlying's; case and punctuation do not count."""
    assert is_root_of(root, underlying)


@pytest.mark.parametrize(
    ("root", "underlying"),
    [
        ("QQQ", "SPY"),
        ("SPX", "SPY"),
        ("SPY", "SPX"),
        ("XSP", "SPX"),
        ("SPXL", "SPX"),  # a fund of its own
        ("RUTH", "RUT"),
        ("CW", "C"),  # only indices have roots with a letter behind the ticker
        ("AAPL1", "AAP"),
        ("QQQ1", "SPY"),
        ("2QQQ", "SPY"),
        ("BRKA", "BRK.B"),
        ("SPY", ""),
    ],
)
def test_roots_of_another_underlying(root, underlying):
    """Alike is not the same."""
    assert not is_root_of(root, underlying)


@given(st.lists(st.tuples(*[st.sampled_from(["SPX", "SPXW", "SPY", "AAPL1", "AAPL", ""])] * 2), max_size=20))
def test_columns_agree_with_the_rule_row_by_row(rows):
    """Property: the column form is the rule on every row, for no row too."""
    roots, tickers = (np.array([row[side] for row in rows], dtype=object) for side in (0, 1))
    assert [not is_root_of(*row) for row in rows] == other_underlying(roots, tickers).tolist()
