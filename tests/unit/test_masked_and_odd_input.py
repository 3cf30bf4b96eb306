"""Input that once slipped through or failed from deep inside: masks, odd names, odd line ends, odd digits."""

import datetime

import numpy as np
import pandas as pd
import pytest

from atalanta import InputError, read_chain
from atalanta.market.table import Table

ROWS = {
    "expiry": ["2026-02-20", "2026-02-20"],
    "right": ["C", "P"],
    "strike": [100.0, 100.0],
    "bid": [4.0, 3.0],
    "ask": [4.2, 3.2],
}
TERMS = {"underlying": "XYZ", "spot": 100.0, "quote_time": "2026-01-14T15:45"}


def test_a_masked_cell_is_missing():
    """What lies under a mask is not read: a masked bid is no bid."""
    bid = np.ma.array([4.0, 3.0], mask=[True, False])
    chain = read_chain({**ROWS, "bid": bid}, **TERMS)
    np.testing.assert_array_equal([np.nan, 3.0], chain["bid"])


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (np.ma.array([1, 2], mask=[1, 0]), [np.nan, 2.0]),
        (np.ma.array(np.array(["2026-01-01", "2026-01-02"], "M8[D]"), mask=[0, 1]), ["2026-01-01", "NaT"]),
        (np.ma.array(["a", "b"], mask=[0, 1]), ["a", None]),
    ],
    ids=["integers", "dates", "text"],
)
def test_a_table_keeps_no_masked_value(column, expected):
    """A table made of masked arrays holds NaN, NaT or None where the mask is set."""
    got = Table({"x": column})["x"]
    np.testing.assert_array_equal(np.array(expected, got.dtype), got)


@pytest.mark.parametrize("name", [0, None, ("a", "b")])
def test_a_column_whose_name_is_no_text_does_not_matter(name):
    """A stray column of a pandas frame, whatever its name, leaves the chain as it is."""
    frame = pd.DataFrame(ROWS)
    frame[name] = [1.0, 2.0]
    np.testing.assert_array_equal([4.0, 3.0], read_chain(frame, **TERMS)["bid"])


def test_lines_that_end_in_a_carriage_return_alone(tmp_path):
    """A CSV file with the line ends of old Macs is read like any other."""
    path = tmp_path / "old.csv"
    path.write_bytes(b"expiry,right,strike,bid,ask\r2026-02-20,C,100,4.0,4.2\r2026-02-20,P,100,3.0,3.2\r")
    np.testing.assert_array_equal([4.0, 3.0], read_chain(path, **TERMS)["bid"])


def test_a_name_that_no_file_can_have():
    """A path with a NUL is an InputError that shows it."""
    with pytest.raises(InputError, match="cannot be opened"):
        read_chain("a\0.csv")


@pytest.mark.parametrize("cell", ["1_4.1", "\u0661\u0664"])
def test_digits_are_ascii_and_without_underscores(cell):
    """What Python would accept as a number and no exporter writes is refused as one, with a flag."""
    chain = read_chain({**ROWS, "bid": [cell, "3.0"]}, **TERMS)
    assert np.isnan(chain["bid"][0])
    assert chain["flags"][0] != 0


def test_columns_of_different_lengths_in_a_mapping():
    """A column that is shorter than the others is an InputError; a list in a cell is a bad cell."""
    with pytest.raises(InputError):
        read_chain({**ROWS, "bid": [1.0]}, **TERMS)
    chain = read_chain({**ROWS, "bid": [1.0, [2.0, 3.0]]}, **TERMS)
    assert np.isnan(chain["bid"][1])
    assert chain["flags"][1] != 0


def test_a_date_type_from_python_is_read():
    """Dates as Python objects mean what they say."""
    chain = read_chain({**ROWS, "expiry": [datetime.date(2026, 2, 20)] * 2}, **TERMS)
    assert ["2026-02-20"] * 2 == [str(day) for day in chain["expiry"]]
