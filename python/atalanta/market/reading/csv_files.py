"""CSV files split to columns of text: no type is guessed, and a line of another width is an error.

Main entry: `read_csv`. The csv module and polars give the same text; polars is taken for size.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import re
from typing import Any

import numpy as np

from atalanta.errors import InputError, import_extra
from atalanta.market.reading.raw_table import RawColumn, RawTable
from atalanta.market.table import Column

__all__ = ["LARGE_CSV_BYTES", "read_csv"]

#: From this size on, a file without quotation marks is split by polars where it is installed.
LARGE_CSV_BYTES = 2_000_000

_ORIGIN = "[market.read_chain]"
_DELIMITERS = ",;\t|"
_LINE_END = re.compile(rb"\r\n?|\n")


def read_csv(data: bytes, label: str) -> RawTable:
    """The columns of a CSV file as text.

    Args:
        data: the file's bytes: UTF-8, one header line, delimited by comma, semicolon, tab or bar.
        label: what messages call the file.

    Raises:
        InputError: not text, or a line with more or fewer fields than the header.
    """
    if data.startswith((b"PAR1", b"\x1f\x8b", b"PK\x03\x04")) or b"\0" in data[:4096]:
        raise InputError(f"{_ORIGIN} {label} is not UTF-8 text, so not CSV")
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    first, body = (*_LINE_END.split(data, maxsplit=1), b"")[:2]
    header = _text(first, label)
    delimiter = max(_DELIMITERS, key=header.count)
    split = _split_by_polars if _suits_polars(data) else _split_by_csv
    columns, blank = split(body, label, delimiter, _names(header, label, delimiter))
    return RawTable(label, "polars", columns, (f"{blank:,} blank lines skipped",) if blank else ())


def _names(header: str, label: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error as error:
        raise InputError(f"{_ORIGIN} {label}, line 1: {error}") from error


def _text(data: bytes, label: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{_ORIGIN} {label} is not UTF-8 text (byte {error.start:,}): save it as CSV in UTF-8"
        ) from None


def _suits_polars(data: bytes) -> bool:
    """Whether polars splits the lines as the csv module does, and is worth it."""
    return (
        len(data) >= LARGE_CSV_BYTES
        and b'"' not in data
        and data.count(b"\r") == data.count(b"\r\n")  # to polars a lone CR ends no line
        and importlib.util.find_spec("polars") is not None
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
    return tuple(RawColumn.of(name, values) for name, values in zip(names, columns, strict=True)), blank


def _split_by_polars(
    body: bytes, label: str, delimiter: str, names: list[str]
) -> tuple[tuple[RawColumn, ...], int]:
    """As `_split_by_csv`, for text without quotation marks."""
    polars = import_extra("polars", "files", "market.read_chain")
    lines = body.lstrip(b"\r\n")  # polars takes the width of the first line for that of all
    if not lines:
        return tuple(RawColumn.of(name, np.array([], dtype=object)) for name in names), body.count(b"\n")
    if body.count(delimiter.encode()) != (len(names) - 1) * len(body.splitlines()):
        _check_widths(body, label, delimiter, len(names))
    try:
        frame = polars.read_csv(
            lines,
            has_header=False,
            separator=delimiter,
            quote_char=None,
            schema={str(place): polars.String for place in range(len(names))},
        )
    except polars.exceptions.PolarsError as error:
        _text(body, label)
        _check_widths(body, label, delimiter, len(names))
        raise InputError(
            f"{_ORIGIN} {label} is not readable as CSV: {str(error).strip().splitlines()[0]}"
        ) from error
    blank = frame.select(polars.all_horizontal(polars.all().is_null())).to_series()
    kept = frame.filter(~blank) if blank.any() else frame
    skipped = body[: len(body) - len(lines)].count(b"\n") + int(blank.sum())
    return tuple(_text_column(name, cells) for name, cells in zip(names, kept, strict=True)), skipped


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
