"""Cells of tick files as numbers and instants, refused by row where they are none. Main entries: `numbers`, `whole_numbers`, `times`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.reading.instants import instants
from atalanta.market.table import Column

__all__ = ["numbers", "require_all", "times", "whole_numbers"]

Columns = Mapping[str, Column]
Ints = npt.NDArray[np.int64]

_ORIGIN = "streaming.read_ticks"


def numbers(columns: Columns, name: str) -> npt.NDArray[np.float64]:
    """A column as floats; NaN for an empty cell.

    Raises:
        InputError: a cell holds what is no number.
    """
    values = np.asarray(columns[name])
    if values.dtype.kind in "OU":
        values = np.where(values == "", "nan", values)  # an empty cell
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"[{_ORIGIN}] column {name!r} holds what is no number: {error}; an absent one is an empty cell"
        ) from error


def require_all(name: str, sound: npt.NDArray[np.bool_], values: Column, what: str) -> None:
    """Each cell is sound.

    Raises:
        InputError: with the first that is not, and its row.
    """
    if not sound.all():
        row = int(np.flatnonzero(~sound)[0])
        value = values[row].item() if isinstance(values[row], np.generic) else values[row]
        raise InputError(f"[{_ORIGIN}] {name} in row {row + 1} is {value!r}; it must be {what}")


def whole_numbers(columns: Columns, name: str, least: int, most: int, empty: int | None = None) -> Ints:
    """A column as whole numbers; floats cannot hold the nanoseconds of today exactly, so text is read as what it is.

    Raises:
        InputError: a cell holds none from `least` to `most`; an empty one, where `empty` does not stand for it.
    """
    values = np.asarray(columns[name])
    what = f"a whole number from {least} to {most}"
    if values.dtype.kind in "iu":
        require_all(name, (values >= least) & (values <= most), values, what)
        return values.astype(np.int64)
    if values.dtype.kind == "f":
        filled = values if empty is None else np.where(np.isnan(values), empty, values)
        sound = (filled >= least) & (filled <= most) & (filled == np.floor(filled))
        require_all(name, sound, values, what)
        return filled.astype(np.int64)
    read = [_whole_or_none(cell, empty) for cell in values.tolist()]
    sound = np.array([one is not None and least <= one <= most for one in read], dtype=np.bool_)
    require_all(name, sound, values, what)
    return np.array(read, dtype=np.int64)


def _whole_or_none(cell: Any, empty: int | None) -> int | None:
    text = str(cell).strip() if cell is not None else ""
    if not text or text == "nan":
        return empty
    try:
        return int(text)
    except ValueError:
        return None


def times(columns: Columns) -> Ints:
    """The column `time` as nanoseconds since 1970, in UTC where it names no zone.

    Raises:
        InputError: a cell holds no instant.
    """
    read = instants(np.asarray(columns["time"]), utc=True)
    what = "an instant from 1990 to 2099, in UTC where it names no zone"
    require_all("time", ~np.isnat(read.values), columns["time"], what)
    return read.values.astype("M8[ns]").astype(np.int64)
