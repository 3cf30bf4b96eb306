"""Columns as the GPU kernels take them: float32 parts, side by side. Main entries: `Batch`, `joined`.

A column that all rows share is sent once. Every array has eight elements at least: MLX gives shorter ones
another type, and so the kernel another text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError

__all__ = ["CHUNK_ROWS", "Batch", "Floats", "Packed", "joined", "real_numbers"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

#: Rows of one launch: a few tens of megabytes, and indices far from overflow.
CHUNK_ROWS = 1 << 20


class Packed(NamedTuple):
    """One launch: the layout (rows, then the step of each column) and the columns."""

    rows: int
    layout: npt.NDArray[np.int32]
    columns: tuple[Floats, ...]


class Batch(NamedTuple):
    """Columns broadcast to one shape; each is flat, and of one element where all rows share it."""

    shape: tuple[int, ...]
    columns: tuple[Doubles, ...]

    @classmethod
    def of(cls, arrays: Sequence[npt.ArrayLike], names: Sequence[str], origin: str) -> Batch:
        """Take the arrays of a call.

        Raises:
            InputError: one is not of real numbers, or they do not broadcast.
        """
        given = [_doubles(array, name, origin) for array, name in zip(arrays, names, strict=True)]
        try:
            shape = np.broadcast_shapes(*(array.shape for array in given))
        except ValueError:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(names, given, strict=True))
            raise InputError(
                f"[{origin}] the shapes do not broadcast: {shapes}. Give columns of one shape, or numbers"
            ) from None
        flat = (
            array.reshape(-1)
            if array.size == 1
            else np.ascontiguousarray(np.broadcast_to(array, shape)).ravel()
            for array in given
        )
        return cls(shape, tuple(flat))

    @property
    def rows(self) -> int:
        """Rows of the broadcast shape."""
        return int(np.prod(self.shape, dtype=np.int64))

    def packed(self, widths: Sequence[int], chunk: int = CHUNK_ROWS) -> Iterator[tuple[slice, Packed]]:
        """The launches, each with its place among the rows."""
        shared = self.rows != 1
        steps = [0 if shared and column.size == 1 else 1 for column in self.columns]
        once = [
            _parts(c, w) if not step else None for c, w, step in zip(self.columns, widths, steps, strict=True)
        ]
        for first in range(0, self.rows, chunk):
            place = slice(first, min(first + chunk, self.rows))
            rows = place.stop - first
            columns = tuple(
                _parts(column[place], width) if ready is None else ready
                for column, width, ready in zip(self.columns, widths, once, strict=True)
            )
            yield place, Packed(rows, np.array([rows, *steps], np.int32), columns)

    def picked(self, rows: npt.NDArray[np.intp]) -> tuple[Doubles, ...]:
        """The columns of some rows alone."""
        return tuple(column if column.size == 1 else column[rows] for column in self.columns)


def joined(value: Floats, width: int) -> Doubles:
    """Results in double precision, from one or two floats each."""
    return value.astype(np.float64) if width == 1 else _core.join_pairs(value)


def _parts(column: Doubles, width: int) -> Floats:
    """Each number as `width` floats whose sum it is, as far as they reach; padded to the least size."""
    return _core.split_column(column, width)


def _doubles(array: npt.ArrayLike, name: str, origin: str) -> Doubles:
    if name == "right" and np.asarray(array).dtype.kind in "US":
        return _rights(np.asarray(array))
    return real_numbers(array, name, origin).astype(np.float64, copy=False)


def real_numbers(array: npt.ArrayLike, name: str, origin: str) -> npt.NDArray[Any]:
    """The array as it is; what lies under a mask is NaN.

    Raises:
        InputError: it holds no real numbers, or is no array.
    """
    try:
        given = np.asanyarray(array)
    except ValueError:
        raise InputError(
            f"[{origin}] {name} cannot be converted to an array (rows of different lengths?)"
        ) from None
    if given.dtype.kind not in "fiu":
        raise InputError(f"[{origin}] {name} has dtype {given.dtype}; it must hold real numbers")
    if type(given) is not np.ndarray and isinstance(given, np.ma.MaskedArray):  # np.ma is slow to load
        return np.asarray(np.ma.filled(given.astype(np.float64), np.nan))
    return np.asarray(given)


def _rights(text: npt.NDArray[np.str_]) -> Doubles:
    """+1 and -1 for the spellings that the pricing functions take; they have refused all others."""
    first = np.char.lower(text.astype(np.str_)).astype("U1")
    return np.where(first == "c", 1.0, -1.0)
