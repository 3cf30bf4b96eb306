"""Cells of a column turned into numbers, sides or text, with a mask of those that could not be.

Main entries: `numbers`, `rights`, `texts`. Whatever the input, the result has its length; a cell without a
value is missing, a cell with a value that makes no sense is bad, and neither is ever a plausible number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.amounts import ambiguous, amounts, has_decimal_comma
from atalanta.market.table import Column

__all__ = [
    "MISSING_WORDS",
    "Numbers",
    "Parsed",
    "is_missing",
    "number",
    "numbers",
    "per_distinct",
    "rights",
    "shown",
    "texts",
]

#: Text that stands for "no value", in lower case.
MISSING_WORDS = frozenset({"", "-", "--", "na", "n/a", "nan", "nat", "none", "null", "#n/a", "<na>"})

_ORDINARY = frozenset({str, float, int, type(None)})
_LONGEST_SHOWN = 80

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


def is_missing(cell: object) -> bool:
    """Whether a cell of an object column stands for no value: None, NaN, NaT or one of `MISSING_WORDS`."""
    return cell is None or _spelling(cell).lower() in MISSING_WORDS


def shown(cell: object) -> str:
    """A cell as messages quote it: its `repr`, cut where it is long."""
    try:
        text = repr(cell)
    except ValueError:  # Python writes no integer of more than 4300 digits
        return f"a huge {type(cell).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _spelling(cell: object) -> str:
    """A cell as text without blanks around; not empty where it has no text."""
    try:
        return str(cell).strip()
    except ValueError:
        return shown(cell)


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
    values = per_distinct(column, lambda cell: _RIGHTS.get(_spelling(cell).lower(), 0), np.int8)
    bad = per_distinct(column, lambda cell: not is_missing(cell), np.bool_) & (values == 0)
    return Parsed(values, bad)


def texts(column: Column) -> Parsed:
    """A column as str without blanks around; never bad. `NA` is a ticker: only an empty text is missing."""
    return Parsed(per_distinct(column, _text, np.object_), np.zeros(len(column), dtype=bool))


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.strip()
    return "" if is_missing(cell) else _spelling(cell)


def per_distinct(column: Column, convert: Callable[[Any], Any], dtype: npt.DTypeLike) -> Column:
    """(N,) the conversion of every cell, computed once per distinct value."""
    cells = column.tolist()
    try:
        distinct = dict.fromkeys(cells)
    except TypeError:  # lists and the like cannot be hashed; their text can
        cells = [_spelling(cell) for cell in cells]
        distinct = dict.fromkeys(cells)
    if len(distinct) > len(cells) / 2:
        return np.array([convert(cell) for cell in cells], dtype=dtype)
    place = dict(zip(distinct, range(len(distinct)), strict=True))
    codes = np.fromiter(map(place.__getitem__, cells), np.int64, len(cells))
    return np.array([convert(cell) for cell in distinct], dtype=dtype)[codes]
