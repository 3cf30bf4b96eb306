"""Files and data frames opened to plain columns, before anything is known about their meaning.

Main entry: `open_columns`. Missing cells of text columns are empty strings; a time with a zone is turned to
UTC, and its column says so.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from atalanta.errors import InputError, import_extra
from atalanta.market.reading.csv_files import read_csv
from atalanta.market.reading.raw_table import RawColumn, RawTable
from atalanta.market.table import Column, Table, plain_column

__all__ = ["open_columns"]

_ORIGIN = "[market.read_chain]"
_TEXT_ENDINGS = (".csv", ".txt", ".tsv")
_ENDINGS = ".csv, .csv.gz, .parquet"


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
    if path.is_dir():
        raise InputError(f"{_ORIGIN} {path} is a folder; name one file in it (known: {_ENDINGS})")
    name = path.name.lower()
    stem = name.removesuffix(".gz")
    if not name.endswith((".parquet", ".pq")) and not stem.endswith(_TEXT_ENDINGS):
        raise InputError(f"{_ORIGIN} {path.name} is of a type that cannot be read (known: {_ENDINGS})")
    data = _bytes(path)
    if name.endswith((".parquet", ".pq")):
        return _open_parquet(data, path.name)
    return read_csv(_unzipped(data, path.name) if name.endswith(".gz") else data, path.name)


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{_ORIGIN} there is no file {path}") from None
    except OSError as error:
        raise InputError(f"{_ORIGIN} {path} cannot be opened: {error.strerror or error}") from error
    except ValueError as error:  # a name that no file can have
        raise InputError(f"{_ORIGIN} {str(path)!r} cannot be opened: {error}") from error
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


def _open_mapping(source: Mapping[str, Any], label: str, origin: str) -> RawTable:
    columns = tuple(RawColumn.of(str(name), _plain(name, values, label)) for name, values in source.items())
    lengths = {column.name: column.rows for column in columns}
    if len(set(lengths.values())) > 1:
        raise InputError(f"{_ORIGIN} the columns of {label} differ in length: {lengths}")
    return RawTable(label, origin, columns)


def _plain(name: object, values: Any, label: str) -> Column:
    column = _column(name, values, label)
    if column.ndim != 1:
        raise InputError(
            f"{_ORIGIN} column {name!r} of {label} has {column.ndim} dimensions, not 1: give one value per row"
        )
    return column.astype(object) if column.dtype.kind in "US" else column


def _column(name: object, values: Any, label: str) -> Column:
    try:
        try:
            return plain_column(values)
        except ValueError:  # some cells are lists: kept as cells, they are no numbers
            return np.array(values, dtype=object)
    except Exception as error:  # whatever foreign values raise when they are asked for
        raise InputError(
            f"{_ORIGIN} column {name!r} of {label} cannot be read: {_first_line(error)}; give one value per row"
        ) from error


def _open_frame(source: Any) -> RawTable:
    try:
        frame = nw.from_native(source)
    except TypeError:
        raise InputError(
            f"{_ORIGIN} cannot read a {type(source).__name__}: give a path ({_ENDINGS}), a pandas, polars or "
            "Arrow frame, or a mapping of columns"
        ) from None
    except nw.exceptions.NarwhalsError as error:
        raise _unreadable(error) from error
    try:
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        # By position: narwhals looks only names that are text up.
        series = tuple(zip(frame.columns, frame.iter_columns(), strict=True))
    except Exception as error:  # a lazy frame raises here whatever its steps raise
        raise _unreadable(error) from error
    library = frame.implementation
    origin = "pandas" if library.is_pandas_like() else "pyarrow" if library.is_pyarrow() else "polars"
    columns = tuple(_frame_column(str(name), column) for name, column in series)
    return RawTable(f"the {origin} frame", origin, columns)


def _unreadable(error: Exception) -> InputError:
    return InputError(f"{_ORIGIN} the data frame cannot be read: {_first_line(error)}")


def _frame_column(name: str, series: nw.Series[Any]) -> RawColumn:
    kind = series.dtype
    zoned = isinstance(kind, nw.Datetime) and kind.time_zone is not None
    return RawColumn(name, len(series), partial(_series_column, name, series, zoned), zoned=zoned)


def _series_column(name: str, series: nw.Series[Any], zoned: bool) -> Column:
    try:
        return _series_values(series, zoned)
    except Exception as error:  # each library raises its own where a type has no counterpart
        raise InputError(
            f"{_ORIGIN} column {name!r} of the data frame ({series.dtype}) cannot be read: {_first_line(error)}"
        ) from error


def _series_values(series: nw.Series[Any], zoned: bool) -> Column:
    if series.dtype.is_nested():
        cells = np.empty(len(series), dtype=object)
        for row, cell in enumerate(series.to_list()):
            cells[row] = cell
        return cells
    if zoned:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    elif isinstance(series.dtype, nw.Categorical | nw.Enum):
        series = series.cast(nw.String())
    elif isinstance(series.dtype, nw.Decimal | nw.Int128 | nw.UInt128):
        series = series.cast(nw.Float64())
    if series.dtype != nw.String:
        return series.to_numpy()
    return series.fill_null("").to_numpy().astype(object, copy=False)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
