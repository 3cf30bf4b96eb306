import csv
import gzip
import io
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalanta.errors import InputError, MissingExtraError
from atalanta.market.reading import csv_files
from atalanta.market.reading.files import open_columns
from atalanta.market.reading.instants import instants
from atalanta.market.table import Table


@pytest.fixture(params=["csv module", "polars"])
def splitter(request, monkeypatch):
    """Either way of splitting a CSV file; the choice goes by size."""
    monkeypatch.setattr(csv_files, "LARGE_CSV_BYTES", 0 if request.param == "polars" else 10**9)
    return request.param


def _cells(table):
    return {column.name: column.values.tolist() for column in table.columns}


def _write(tmp_path, text, name="chain.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.usefixtures("splitter")
def test_csv_cells_stay_text(tmp_path):
    """Nothing is guessed from the look of a cell: leading zeros, dates and empty cells stay as written."""
    table = open_columns(_write(tmp_path, "id,day,bid\n007,2024-09-13,1.50\n1e3,,\n"))
    assert {"id": ["007", "1e3"], "day": ["2024-09-13", ""], "bid": ["1.50", ""]} == _cells(table)


def test_text_that_is_numbers_has_a_quick_way(tmp_path, splitter):
    """The quick way to numbers gives them all, or declines: it never drops a cell it cannot read."""
    table = open_columns(_write(tmp_path, "bid,ask\n1.5,2\n,x\n"))
    bid, ask = table.columns
    assert ask.load_numbers() is None
    if splitter == "polars":
        np.testing.assert_array_equal([1.5, np.nan], bid.load_numbers())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.usefixtures("splitter")
def test_delimiter_and_line_ends_are_recognised(tmp_path, delimiter, end):
    """Comma, semicolon, tab or bar, with either line end, with or without the last one."""
    lines = [delimiter.join(cells) for cells in (("bid", "ask"), ("1", "2"), ("3", ""))]
    for text in (end.join(lines), end.join(lines) + end):
        assert {"bid": ["1", "3"], "ask": ["2", ""]} == _cells(open_columns(_write(tmp_path, text)))


@pytest.mark.usefixtures("splitter")
def test_blank_lines_are_skipped_and_told(tmp_path):
    """Lines without a single value are no rows; the notes count them."""
    table = open_columns(_write(tmp_path, "\n\nbid,ask\n1,2\n\n,\n3,4\n\n"))
    assert {"bid": ["1", "3"], "ask": ["2", "4"]} == _cells(table)
    assert ("3 blank lines skipped",) == table.notes


@pytest.mark.usefixtures("splitter")
def test_byte_order_mark_is_not_part_of_the_first_header(tmp_path):
    """A spreadsheet's byte order mark is taken off."""
    assert ("bid", "ask") == open_columns(_write(tmp_path, "\ufeffbid,ask\n1,2\n")).names


@pytest.mark.usefixtures("splitter")
def test_headers_that_occur_twice_are_kept_apart(tmp_path):
    """Two columns of one name both arrive; who uses them has to decide."""
    table = open_columns(_write(tmp_path, "bid,bid\n1,2\n"))
    assert [("bid", ["1"]), ("bid", ["2"])] == [
        (column.name, column.values.tolist()) for column in table.columns
    ]


@pytest.mark.usefixtures("splitter")
def test_quoted_cells_go_through_the_csv_module(tmp_path):
    """Delimiters, line ends and quotation marks inside quotation marks belong to the cell."""
    table = open_columns(_write(tmp_path, 'name,bid\n"a, b",1\n"say ""x""\nagain",2\n'))
    assert {"name": ["a, b", 'say "x"\nagain'], "bid": ["1", "2"]} == _cells(table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c\n1,2,3\n4,5\n", "line 3: 2 fields, the header has 3"),
        ("a,b,c\n1,2,3\n4,5,6,7\n", "line 3: 4 fields, the header has 3"),
        ("a,b,c\n1,2\n4,5,6,7\n", "line 2: 2 fields, the header has 3"),
        ("a,b,c\n1,2,3\n\n4,5", "line 4: 2 fields, the header has 3"),
        ("a,b,c\n1,2,3\n4,5,6,7", "line 3: 4 fields, the header has 3"),
    ],
)
@pytest.mark.usefixtures("splitter")
def test_lines_of_another_width_are_refused(tmp_path, text, message):
    """A short or long line is named, also where a short and a long one make up for each other."""
    with pytest.raises(InputError, match=message):
        open_columns(_write(tmp_path, text))


@pytest.mark.usefixtures("splitter")
def test_bytes_that_are_no_utf8_are_refused(tmp_path):
    """Latin-1 further down is refused too, with the place."""
    with pytest.raises(InputError, match="is not UTF-8 text"):
        open_columns(_write(tmp_path, b"a,b\n" + b"1,2\n" * 2000 + b"\xe9,2\n"))


def test_a_field_beyond_the_csv_limit_is_refused(tmp_path):
    """What the csv module cannot hold is one clear error with its line."""
    limit = csv.field_size_limit()
    with pytest.raises(InputError, match="line 2: field larger than field limit"):
        open_columns(_write(tmp_path, "a,b\n" + "x" * (limit + 1) + ",2\n"))


@given(
    st.lists(
        st.tuples(*[st.text("ab .-0123456789é", max_size=6)] * 3).filter(lambda row: any(row)),
        min_size=1,
        max_size=12,
    )
)
def test_both_ways_of_splitting_agree(rows):
    """Property: whatever the cells, the csv module and polars give the same text."""
    text = "".join(",".join(row) + "\n" for row in rows).encode()
    names = ["a", "b", "c"]
    by_csv, _ = csv_files._split_by_csv(text, "x.csv", ",", names)
    by_polars, _ = csv_files._split_by_polars(text, "x.csv", ",", names)
    assert [c.values.tolist() for c in by_csv] == [c.values.tolist() for c in by_polars]
    assert [list(column) for column in zip(*rows, strict=True)] == [c.values.tolist() for c in by_csv]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_the_quick_way_to_numbers_is_exact(values):
    """Property: the shortest decimal spelling of a double comes back as that double."""
    text = "\n".join(f"{value!r},0" for value in values).encode()
    (column, _), _ = csv_files._split_by_polars(text, "x.csv", ",", ["a", "b"])
    np.testing.assert_array_equal(values, column.load_numbers())


def test_large_csv_is_read_without_polars_too(tmp_path, monkeypatch):
    """Polars is a matter of speed: where it is not installed the csv module reads the same."""
    monkeypatch.setattr(csv_files, "LARGE_CSV_BYTES", 0)
    monkeypatch.setattr(csv_files.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setitem(sys.modules, "polars", None)
    assert {"a": ["1"], "b": ["2"]} == _cells(open_columns(_write(tmp_path, "a,b\n1,2\n")))


def test_parquet_without_polars_says_what_to_install(tmp_path, monkeypatch):
    """The missing extra is named with the command that installs it."""
    path = tmp_path / "chain.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(
        MissingExtraError, match=r"needs polars.*extra 'files', or: python -m pip install polars$"
    ):
        open_columns(path)


@pytest.mark.parametrize("name", ["CHAIN.CSV", "chain.txt", "chain.tsv", "chain.txt.gz"])
def test_endings_of_text_files(tmp_path, name):
    """Text files are CSV by several names, in any case."""
    text = b"a,b\n1,2\n"
    if name.endswith("gz"):
        text = gzip.compress(text)
    assert ("a", "b") == open_columns(str(_write(tmp_path, text, name))).names


INSTANT = np.datetime64("2024-09-13T20:00", "ns")


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"t": pd.to_datetime(["2024-09-13T16:00-04:00"]).tz_convert("America/New_York")}),
        pl.DataFrame({"t": ["2024-09-13T20:00:00Z"]}).with_columns(
            pl.col("t").str.to_datetime(time_zone="UTC").dt.convert_time_zone("America/New_York")
        ),
        pa.table({"t": pa.array([INSTANT.astype("M8[us]").item()], pa.timestamp("us", "America/New_York"))}),
    ],
    ids=["pandas", "polars", "pyarrow"],
)
def test_times_with_a_zone_become_utc(frame):
    """A zoned column of any library is the instant it says, whatever zone the reader would have assumed."""
    (column,) = open_columns(frame).columns
    assert INSTANT == instants(column.values, utc=False, zoned=column.zoned).values[0]


def test_times_without_a_zone_are_left_to_the_reader():
    """A naive column is not known to be UTC."""
    assert not open_columns(pl.DataFrame({"t": [INSTANT.astype("M8[us]").item()]})).columns[0].zoned


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (pl.Series(["a", None], dtype=pl.Categorical), ["a", ""]),
        (pl.Series(["a", None], dtype=pl.Enum(["a"])), ["a", ""]),
        (pl.Series(["a", None]), ["a", ""]),
        (pl.Series(["1.25", None]).cast(pl.Decimal(10, 2)), [1.25, None]),
        (pl.Series([1, None]), [1.0, None]),
    ],
    ids=["categorical", "enum", "string", "decimal", "integer"],
)
def test_columns_of_a_frame_become_plain(series, expected):
    """Dictionaries become text, decimals numbers; missing text is empty, a missing number NaN."""
    values = open_columns(pl.DataFrame({"x": series})).columns[0].values.tolist()
    assert expected == [None if isinstance(value, float) and np.isnan(value) else value for value in values]


@pytest.mark.parametrize(
    ("frame", "origin"),
    [
        (pd.DataFrame({"a": [1]}), "pandas"),
        (pl.DataFrame({"a": [1]}), "polars"),
        (pl.LazyFrame({"a": [1]}), "polars"),
        (pa.table({"a": [1]}), "pyarrow"),
        ({"a": [1]}, "polars"),
        (Table({"a": [1]}, origin="pandas"), "pandas"),
    ],
)
def test_origin_is_the_library_that_came_in(frame, origin):
    """The kind of frame is remembered, so that the same kind can be given back."""
    assert origin == open_columns(frame).origin


def test_values_are_fetched_once():
    """A column is converted when it is first asked for, and kept."""
    (column,) = open_columns(pl.DataFrame({"a": ["x"]})).columns
    assert column.values is column.values


def test_csv_text_equals_the_frames_text():
    """The two carriers of one text column give equal cells."""
    frame = pl.DataFrame({"a": ["x", "y"], "b": ["", "z"]})
    buffer = io.BytesIO()
    frame.write_csv(buffer)
    columns, _ = csv_files._split_by_csv(buffer.getvalue().partition(b"\n")[2], "x.csv", ",", ["a", "b"])
    assert [c.values.tolist() for c in open_columns(frame).columns] == [c.values.tolist() for c in columns]
