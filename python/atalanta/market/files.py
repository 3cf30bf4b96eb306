"""Files and data frames opened to plain columns, before anything is known about their meaning.

Main entry: `open_columns`. The cells of a CSV file stay text (no type is guessed); missing cells of text
columns are empty strings; a date with a zone is turned to UTC, and the column says so.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from atalanta.errors import InputError, import_extra
from atalanta.market.table import Column, Table

__all__ = ["LARGE_CSV_BYTES", "RawColumn", "RawTable", "open_columns"]

#: From this size on, a CSV file without quotation marks is split by polars where it is installed.
LARGE_CSV_BYTES = 2_000_000

_ORIGIN = "[market.read_chain]"
_TEXT_ENDINGS = (".csv", ".txt", ".tsv")
_ENDINGS = ".csv, .csv.gz, .parquet"
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class RawColumn:
    """One column as found; its values are fetched when they are first asked for.

    Attributes:
        name: its header, unchanged.
        rows: N.
        load: gives (N,) numbers, datetime64 or objects.
        load_numbers: a quick way to (N,) float64 where the values are text; None where a cell is no number.
        zoned: the values are datetime64 and known to be UTC.
    """

    name: str
    rows: int
    load: Callable[[], Column]
    load_numbers: Callable[[], Column | None] = lambda: None
    zoned: bool = False

    @cached_property
    def values(self) -> Column:
        """(N,) the cells as found."""
        return self.load()


@dataclass(frozen=True, slots=True)
class RawTable:
    """N rows of columns as found; two columns may bear one name.

    Attributes:
        label: what messages call the source.
        origin: the kind of data frame to give back: `polars`, `pandas` or `pyarrow`.
        columns: in their order.
        notes: what was skipped on the way in.
    """

    label: str
    origin: str
    columns: tuple[RawColumn, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The headers in order."""
        return tuple(column.name for column in self.columns)

    def __len__(self) -> int:
        return self.columns[0].rows if self.columns else 0


def open_columns(source: Any) -> RawTable:
    """Open a file, a data frame or a mapping of columns.

    Args:
        source: path of a `.csv`, `.csv.gz` or `.parquet` file (`.txt` and `.tsv` are read as CSV); a pandas,
            polars or Arrow frame (lazy frames are collected); a mapping of columns; a `Table`.

    Raises:
        InputError: no such file, another type, unreadable, empty, or columns of different lengths.
        MissingExtraError: a Parquet file, and polars is not installed.
    """
    if isinstance(source, str | Path):
        table = _open_file(Path(source))
    elif isinstance(source, Table):
        table = _open_mapping(source.to_dict(), f"the {type(source).__name__}", source.origin)
    elif isinstance(source, Mapping):
        table = _open_mapping(source, "the mapping", "polars")
    else:
        table = _open_frame(source)
    if not len(table):
        raise InputError(f"{_ORIGIN} {table.label} holds no rows: nothing to read")
    return table


def _open_file(path: Path) -> RawTable:
    name = path.name.lower()
    stem = name.removesuffix(".gz")
    if not name.endswith((".parquet", ".pq")) and not stem.endswith(_TEXT_ENDINGS):
        raise InputError(f"{_ORIGIN} {path.name} is of a type that cannot be read (known: {_ENDINGS})")
    data = _bytes(path)
    if name.endswith((".parquet", ".pq")):
        return _open_parquet(data, path.name)
    return _open_csv(_unzipped(data, path.name) if name.endswith(".gz") else data, path.name)


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{_ORIGIN} there is no file {path}") from None
    except OSError as error:
        raise InputError(f"{_ORIGIN} {path} cannot be opened: {error.strerror or error}") from error
    if not data:
        raise InputError(f"{_ORIGIN} {path.name} is empty (0 bytes)")
    return data


def _unzipped(data: bytes, label: str) -> bytes:
    try:
        return gzip.decompress(data)
    except EOFError:
        raise InputError(
            f"{_ORIGIN} {label} is cut off: the gzip stream has no end; fetch it again"
        ) from None
    except (OSError, zlib.error) as error:
        raise InputError(f"{_ORIGIN} {label} is not a readable gzip file: {error}") from error


def _open_parquet(data: bytes, label: str) -> RawTable:
    polars = import_extra("polars", "files", "market.read_chain")
    if not (data.startswith(b"PAR1") and data.endswith(b"PAR1")):
        raise InputError(f"{_ORIGIN} {label} is not a Parquet file, or is cut off: it lacks the PAR1 marks")
    try:
        frame = polars.read_parquet(io.BytesIO(data))
    except (polars.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{_ORIGIN} {label} is not a readable Parquet file: {_first_line(error)}") from error
    return replace(_open_frame(frame), label=label)


def _open_csv(data: bytes, label: str) -> RawTable:
    if data.startswith((b"PAR1", b"\x1f\x8b", b"PK\x03\x04")) or b"\0" in data[:4096]:
        raise InputError(f"{_ORIGIN} {label} is not UTF-8 text, so not CSV (known: {_ENDINGS})")
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    first, _, body = data.partition(b"\n")
    header = _text(first, label)
    delimiter = max(_DELIMITERS, key=header.count)
    split = _split_by_polars if _suits_polars(data) else _split_by_csv
    names = next(csv.reader([header], delimiter=delimiter), [])
    columns, blank = split(body, label, delimiter, names)
    return RawTable(label, "polars", columns, (f"{blank:,} blank lines skipped",) if blank else ())


def _text(data: bytes, label: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{_ORIGIN} {label} is not UTF-8 text (byte {error.start:,}): save it as CSV in UTF-8"
        ) from None


def _suits_polars(data: bytes) -> bool:
    return (
        len(data) >= LARGE_CSV_BYTES and b'"' not in data and importlib.util.find_spec("polars") is not None
    )


def _split_by_csv(
    body: bytes, label: str, delimiter: str, names: list[str]
) -> tuple[tuple[RawColumn, ...], int]:
    """The columns as text, and how many lines were blank."""
    reader = csv.reader(io.StringIO(_text(body, label), newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    blank = 0
    try:
        for row in reader:
            if not any(row):
                blank += 1
            elif len(row) == len(names):
                rows.append(row)
            else:
                raise _ragged(label, reader.line_num + 1, len(row), len(names))
    except csv.Error as error:
        raise InputError(f"{_ORIGIN} {label}, line {reader.line_num + 1}: {error}") from error
    cells = zip(*rows, strict=True) if rows else ((),) * len(names)
    columns = (np.array(column, dtype=object) for column in cells)
    return tuple(_column(name, values) for name, values in zip(names, columns, strict=True)), blank


def _split_by_polars(
    body: bytes, label: str, delimiter: str, names: list[str]
) -> tuple[tuple[RawColumn, ...], int]:
    """As `_split_by_csv`, for text without quotation marks."""
    polars = import_extra("polars", "files", "market.read_chain")
    if body.count(delimiter.encode()) != (len(names) - 1) * len(body.splitlines()):
        _check_widths(body, label, delimiter, len(names))
    try:
        frame = polars.read_csv(
            body,
            has_header=False,
            separator=delimiter,
            quote_char=None,
            schema={str(place): polars.String for place in range(len(names))},
        )
    except polars.exceptions.PolarsError as error:
        _text(body, label)
        _check_widths(body, label, delimiter, len(names))
        raise InputError(f"{_ORIGIN} {label} is not readable as CSV: {_first_line(error)}") from error
    blank = frame.select(polars.all_horizontal(polars.all().is_null())).to_series()
    kept = frame.filter(~blank) if blank.any() else frame
    return tuple(_text_column(name, cells) for name, cells in zip(names, kept, strict=True)), int(blank.sum())


def _text_column(name: str, cells: Any) -> RawColumn:
    """A column of a polars frame of text, whose empty cells are null."""

    def as_numbers() -> Column | None:
        numbers = cells.cast(import_extra("polars", "files", "market.read_chain").Float64, strict=False)
        return numbers.to_numpy() if numbers.null_count() == cells.null_count() else None

    return RawColumn(name, len(cells), lambda: cells.fill_null("").to_numpy(), as_numbers)


def _check_widths(body: bytes, label: str, delimiter: str, width: int) -> None:
    """Polars fills short lines up without a word, so the delimiters of every line are counted."""
    text = np.frombuffer(body, dtype=np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    if not body.endswith(b"\n"):
        ends = np.append(ends, len(text))
    starts = np.concatenate([[0], ends[:-1] + 1])
    found = np.diff(np.searchsorted(np.flatnonzero(text == ord(delimiter)), ends), prepend=0)
    wrong = (found != width - 1) & (ends - starts > 1)
    if wrong.any():
        line = int(np.argmax(wrong))
        raise _ragged(label, line + 2, int(found[line]) + 1, width)


def _ragged(label: str, line: int, found: int, width: int) -> InputError:
    return InputError(
        f"{_ORIGIN} {label}, line {line}: {found} fields, the header has {width}; the file is cut off there, "
        "or a value holds an unquoted delimiter"
    )


def _open_mapping(source: Mapping[str, Any], label: str, origin: str) -> RawTable:
    columns = tuple(_column(str(name), _plain(name, values, label)) for name, values in source.items())
    lengths = {column.name: column.rows for column in columns}
    if len(set(lengths.values())) > 1:
        raise InputError(f"{_ORIGIN} the columns of {label} differ in length: {lengths}")
    return RawTable(label, origin, columns)


def _column(name: str, values: Column) -> RawColumn:
    return RawColumn(name, len(values), lambda: values)


def _plain(name: object, values: Any, label: str) -> Column:
    column = np.asarray(values)
    if column.ndim != 1:
        raise InputError(
            f"{_ORIGIN} column {name!r} of {label} has {column.ndim} dimensions, not 1: give one value per row"
        )
    return column.astype(object) if column.dtype.kind in "US" else column


def _open_frame(source: Any) -> RawTable:
    try:
        frame = nw.from_native(source)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        names = frame.columns
    except nw.exceptions.NarwhalsError as error:
        raise InputError(f"{_ORIGIN} the data frame cannot be read: {_first_line(error)}") from error
    except TypeError:
        raise InputError(
            f"{_ORIGIN} cannot read a {type(source).__name__}: give a path ({_ENDINGS}), a pandas, polars or "
            "Arrow frame, or a mapping of columns"
        ) from None
    library = frame.implementation
    origin = "pandas" if library.is_pandas_like() else "pyarrow" if library.is_pyarrow() else "polars"
    columns = tuple(_frame_column(str(name), frame[name]) for name in names)
    return RawTable(f"the {origin} frame", origin, columns)


def _frame_column(name: str, series: nw.Series[Any]) -> RawColumn:
    kind = series.dtype
    zoned = isinstance(kind, nw.Datetime) and kind.time_zone is not None
    return RawColumn(name, len(series), partial(_series_values, series, zoned), zoned=zoned)


def _series_values(series: nw.Series[Any], zoned: bool) -> Column:
    if zoned:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    elif isinstance(series.dtype, nw.Categorical | nw.Enum):
        series = series.cast(nw.String())
    elif isinstance(series.dtype, nw.Decimal):
        series = series.cast(nw.Float64())
    return series.fill_null("").to_numpy() if series.dtype == nw.String else series.to_numpy()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
