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
from atalanta.market.csv_files import read_csv
from atalanta.market.raw_table import RawColumn, RawTable
from atalanta.market.table import Column, Table

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
