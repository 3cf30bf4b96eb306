"""Cells of a column turned into numbers, sides or text, with a mask of those that could not be.

Main entries: `numbers`, `rights`, `texts`. Whatever the input, the result has its length; a cell without a
value is missing, a cell with a value that makes no sense is bad, and neither is ever a plausible number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.cell_text import is_missing, per_distinct, spelling
from atalanta.market.reading.amounts import ambiguous, amounts, has_decimal_comma
from atalanta.market.table import Column

__all__ = [
    "Numbers",
    "Parsed",
    "number",
    "numbers",
    "rights",
    "texts",
]

_ORDINARY = frozenset({str, float, int, type(None)})

_RIGHTS = {
    "c": 1,
    "call": 1,
    "calls": 1,
    "1": 1,
    "1.0": 1,
    "p": -1,
    "put": -1,
    "puts": -1,
    "-1": -1,
    "-1.0": -1,
}


class Parsed(NamedTuple):
    """A converted column.

    Attributes:
        values: (N,) NaN, NaT, 0 or the empty text where there is no value.
        bad: (N,) the cell held something, and it could not be converted.
    """

    values: Column
    bad: npt.NDArray[np.bool_]


class Numbers(NamedTuple):
    """A column of numbers.

    Attributes:
        values: (N,) float64, NaN where there is none.
        bad: as in `Parsed`.
        amounts: (N,) the cell was read without its dollar sign or thousands commas.
    """

    values: npt.NDArray[np.float64]
    bad: npt.NDArray[np.bool_]
    amounts: npt.NDArray[np.bool_]


def numbers(column: Column) -> Numbers:
    """A column as float64; text is read as a decimal number in ASCII digits, or as an amount like `$1,234.50`."""
    none = np.zeros(len(column), dtype=bool)
    if column.dtype.kind in "fiu":
        with np.errstate(over="ignore"):  # a long double beyond float64 is infinite
            return Numbers(column.astype(np.float64, copy=False), none, none)
    if column.dtype.kind != "O":
        return Numbers(np.full(len(column), np.nan), ~none, none)
    if not _converts_as_a_whole(column.tolist()):
        return _numbers_one_by_one(column)
    try:
        return Numbers(np.where(column == "", "nan", column).astype(np.float64), none, none)
    except (OverflowError, TypeError, ValueError):
        return _numbers_one_by_one(column)


def _converts_as_a_whole(cells: list[Any]) -> bool:
    """Whether NumPy and `number` agree on what is a number among these cells."""
    return _ORDINARY.issuperset(map(type, cells)) and _is_plain(
        "".join([cell for cell in cells if isinstance(cell, str)])
    )


def _numbers_one_by_one(column: Column) -> Numbers:
    cells = column.tolist()
    values = np.array([number(cell) for cell in cells], dtype=np.float64)
    unread = {row: cell.strip() for row in _where(np.isnan(values)) if isinstance(cell := cells[row], str)}
    read = amounts(unread)
    if has_decimal_comma(unread.values()):  # then a point may group thousands as well
        points = [isinstance(cell, str) and ambiguous(cell.strip()) for cell in cells]
        values[points] = np.nan
    bad = np.isnan(values)
    bad[bad] = [not is_missing(cell) for cell in column[bad].tolist()]
    rows = list(read)
    values[rows], bad[rows] = list(read.values()), False
    return Numbers(values, bad, np.isin(np.arange(len(cells)), rows))


def _where(mask: npt.NDArray[np.bool_]) -> list[int]:
    return [int(row) for row in np.flatnonzero(mask)]


def number(cell: Any) -> float:
    """One cell as a number, NaN where it is none: `1_000` and other alphabets' digits are not guessed at."""
    if cell is np.ma.masked or (isinstance(cell, str | bytes) and not _is_plain(cell)):
        return np.nan
    try:
        return float(cell)
    except (OverflowError, TypeError, ValueError):
        return np.nan


def _is_plain(text: str | bytes) -> bool:
    has_separator = b"_" in text if isinstance(text, bytes) else "_" in text
    return text.strip().isascii() and not has_separator


def rights(column: Column) -> Parsed:
    """A column as int8: +1 call, -1 put, 0 where it is neither. Takes C, P, call, put in any case, 1 and -1."""
    if column.dtype.kind in "fiu":
        known = np.isin(column, (1, -1))
        return Parsed(np.where(known, column, 0).astype(np.int8), ~known & ~np.isnan(column))
    values = per_distinct(column, lambda cell: _RIGHTS.get(spelling(cell).lower(), 0), np.int8)
    bad = per_distinct(column, lambda cell: not is_missing(cell), np.bool_) & (values == 0)
    return Parsed(values, bad)


def texts(column: Column) -> Parsed:
    """A column as str without blanks around; never bad. `NA` is a ticker: only an empty text is missing."""
    return Parsed(per_distinct(column, _text, np.object_), np.zeros(len(column), dtype=bool))


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.strip()
    return "" if is_missing(cell) else spelling(cell)
