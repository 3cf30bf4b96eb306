import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalanta.market.cell_text import is_missing, per_distinct, shown, spelling


def _objects(*cells):
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


@pytest.mark.parametrize(
    "cell", [None, np.nan, pd.NA, pd.NaT, np.datetime64("NaT", "ns"), "", "  ", "NA", "n/a", "-", "Null"]
)
def test_missing_cells(cell):
    """Every library's way of saying "no value", and the words that files use for it."""
    assert is_missing(cell)


@pytest.mark.parametrize("cell", [0, 0.0, False, "0", "x", "nano"])
def test_cells_that_are_not_missing(cell):
    """Zero is a value, and so is text that only begins like a missing word."""
    assert not is_missing(cell)


@given(st.lists(st.sampled_from(["a", "b", None, 1, 2.5, (1, 2)]), max_size=30))
def test_per_distinct_is_the_conversion_of_every_cell(cells):
    """Property: with many repeats or none, the result is the conversion cell by cell."""
    assert [str(cell) for cell in cells] == per_distinct(_objects(*cells), str, np.object_).tolist()


def test_per_distinct_converts_a_repeated_value_once():
    """Repeats cost nothing: the conversion sees each value once."""
    seen = []
    per_distinct(_objects(*["a", "b"] * 50), seen.append, np.object_)
    assert ["a", "b"] == seen


def test_per_distinct_takes_what_cannot_be_hashed():
    """Lists in a column are converted by their text rather than raising."""
    assert [3, 3, 6] == per_distinct(_objects([1], [2], [1, 2]), len, np.int64).tolist()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("a", "'a'"), (None, "None"), ("x" * 100, "'" + "x" * 79 + "..."), (10**5000, "a huge int")],
    ids=["text", "none", "long", "huge"],
)
def test_cells_are_quoted_in_one_short_line(cell, expected):
    """Messages show a cell as Python writes it, cut where it is long; what Python does not write is named."""
    assert expected == shown(cell)


def test_the_spelling_of_what_has_none_is_not_empty():
    """An integer too long to be written is no missing value."""
    assert "a huge int" == spelling(10**5000)
    assert not is_missing(10**5000)
