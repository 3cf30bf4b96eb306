"""Cells whose type is not known: which of them stand for no value, and how they are spelled and quoted.

Main entries: `is_missing`, `shown`, `per_distinct`. Huge integers, lists and arrays are cells like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.market.table import Column

__all__ = ["MISSING_WORDS", "is_missing", "per_distinct", "shown", "spelling"]

#: Text that stands for "no value", in lower case.
MISSING_WORDS = frozenset({"", "-", "--", "na", "n/a", "nan", "nat", "none", "null", "#n/a", "<na>"})

_LONGEST_SHOWN = 80


def is_missing(cell: object) -> bool:
    """Whether a cell of an object column stands for no value: None, NaN, NaT or one of `MISSING_WORDS`."""
    return cell is None or spelling(cell).lower() in MISSING_WORDS


def shown(cell: object) -> str:
    """A cell as messages quote it: its `repr`, cut where it is long."""
    try:
        text = repr(cell)
    except ValueError:  # Python writes no integer of more than 4300 digits
        return f"a huge {type(cell).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def spelling(cell: object) -> str:
    """A cell as text without blanks around; not empty where it has no text."""
    try:
        return str(cell).strip()
    except ValueError:
        return shown(cell)


def per_distinct(column: Column, convert: Callable[[Any], Any], dtype: npt.DTypeLike) -> Column:
    """(N,) the conversion of every cell, computed once per distinct value."""
    cells = column.tolist()
    try:
        distinct = dict.fromkeys(cells)
    except TypeError:  # lists and the like cannot be hashed; their text can
        cells = [spelling(cell) for cell in cells]
        distinct = dict.fromkeys(cells)
    if len(distinct) > len(cells) / 2:
        return np.array([convert(cell) for cell in cells], dtype=dtype)
    place = dict(zip(distinct, range(len(distinct)), strict=True))
    codes = np.fromiter(map(place.__getitem__, cells), np.int64, len(cells))
    return np.array([convert(cell) for cell in distinct], dtype=dtype)[codes]
