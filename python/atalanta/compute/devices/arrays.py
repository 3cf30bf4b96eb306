"""Matrix, vector and search operations on NumPy arrays: what every device checks, and NumPy's own way of doing them.

Main entries: `checked`, `on_numpy`, `fits_float32`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.compute.devices.columns import real_numbers
from atalanta.compute.devices.protocol import OPERATIONS, Capability, Format, Result
from atalanta.errors import InputError

__all__ = [
    "ARRAY_OPERATIONS",
    "NUMPY_CAPABILITIES",
    "Reals",
    "checked",
    "fits_float32",
    "largest",
    "on_numpy",
]

Reals = npt.NDArray[Any]

ARRAY_OPERATIONS = ("matmul", "add", "multiply", "exp", "dot", "similarity")

# A rounding is 2^-24 or 2^-53, and an input is rounded to float32 first. A sum of k products has at most k of them
# per term beside those of its two factors; NumPy's exp is within 4 units in the last place.
_FLOAT64 = {"add": 2e-16, "multiply": 2e-16, "exp": 1e-15, "matmul": 5e-16, "dot": 5e-16, "similarity": 5e-16}
_FLOAT32 = {
    "matmul": 2.5e-7,
    "similarity": 2.5e-7,
}  # elsewhere memory is the limit, and conversion costs more

NUMPY_CAPABILITIES: Mapping[str, Capability] = MappingProxyType(
    {
        name: Capability(
            (
                *(Format("float32", error) for error in [_FLOAT32.get(name)] if error),
                Format("float64", _FLOAT64[name]),
            )
        )
        for name in ARRAY_OPERATIONS
    }
)

_LEAST, _MOST = 1e-15, 1e15
_MOST_EXPONENT = 80.0
#: Scores that are held at a time while the largest are sought.
_SCORES = 1 << 24
#: Numbers that are looked at at a time.
_PIECE = 1 << 15


def checked(operation: str, arrays: tuple[npt.ArrayLike, ...], origin: str) -> tuple[Reals, ...]:
    """The arrays of a call, as float32 where they were and else as float64.

    Raises:
        InputError: arrays that are no real numbers or whose shapes do not fit the operation.
    """
    given = tuple(
        _reals(array, name, origin) for array, name in zip(arrays, OPERATIONS[operation].arrays, strict=True)
    )
    if operation == "similarity":
        _check_similarity(given, origin)
    elif not _fits(operation, [array.shape for array in given]):
        shapes = " and ".join(str(array.shape) for array in given)
        raise InputError(f"[{origin}] {operation} got shapes {shapes}; {_NEEDED[operation]}")
    return given


def fits_float32(operation: str, arrays: tuple[Reals, ...]) -> bool:
    """Whether no product of these numbers leaves float32 and no number is lost in it."""
    if operation == "exp":
        return all(bool(sizes.max() <= _MOST_EXPONENT) for sizes in _sizes(arrays[0]))
    return all(_ordinary(sizes) for array in arrays[:2] for sizes in _sizes(array))


def on_numpy(operation: str, arrays: tuple[Reals, ...], format_name: str = "float64") -> Result:
    """Run a checked operation in NumPy; in float32 where that was asked for and the numbers fit."""
    narrow = format_name == "float32" and fits_float32(operation, arrays)
    dtype = np.dtype(np.float32 if narrow else np.float64)
    if operation == "similarity":
        queries, corpus, k = arrays
        return _similarity(queries.astype(dtype), corpus.astype(dtype, copy=False), int(k))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        converted = [array.astype(dtype, copy=False) for array in arrays]
        function: Any = getattr(np, operation)
        value = np.asarray(function(*converted)).astype(np.float64, copy=False)
    return value.reshape(1) if operation == "dot" else value


def largest(scores: Reals, k: int) -> tuple[Reals, npt.NDArray[np.int64]]:
    """The k largest of each row, in order; of equal ones the first."""
    columns = scores.shape[1]
    if k < columns:
        near = np.argpartition(-scores, k - 1, axis=1)
        least = np.take_along_axis(scores, near[:, k - 1 : k], axis=1)
        if np.any((scores >= least).sum(axis=1) > k):  # of those equal to the last, the first
            near = np.argsort(-scores, axis=1, kind="stable")
        near = np.sort(near[:, :k], axis=1)
    else:
        near = np.broadcast_to(np.arange(columns), scores.shape)
    values = np.take_along_axis(scores, near, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1), np.take_along_axis(near, order, axis=1).astype(np.int64)


def _similarity(queries: Reals, corpus: Reals, k: int) -> Result:
    values = np.empty((len(queries), k))
    rows = np.empty((len(queries), k), np.int64)
    step = max(1, _SCORES // len(corpus))
    for first in range(0, len(queries), step):
        place = slice(first, first + step)
        values[place], rows[place] = largest(queries[place] @ corpus.T, k)
    return values, rows


def _sizes(array: Reals) -> Iterator[Reals]:
    """The absolute values, a piece at a time: the same memory each time, which stays in the cache."""
    if array.size <= _PIECE:
        if array.size:
            yield np.abs(array)
        return
    memory = np.empty(_PIECE, array.dtype)
    pieces: Any = np.nditer(array, ["external_loop", "buffered"], buffersize=_PIECE)
    for piece in pieces:
        yield np.abs(piece, out=memory[: piece.size])


def _ordinary(sizes: Reals) -> bool:
    if not sizes.max() <= _MOST:  # nor are NaNs
        return False
    return bool(sizes.min() >= _LEAST) or not ((sizes < _LEAST) & (sizes != 0.0)).any()


_NEEDED = {
    "matmul": "it needs (m, k) and (k, n)",
    "dot": "it needs two of shape (k,)",
    "add": "they must broadcast",
    "multiply": "they must broadcast",
    "exp": "any shape will do",
}


def _fits(operation: str, shapes: list[tuple[int, ...]]) -> bool:
    if operation == "matmul":
        return all(len(shape) == 2 for shape in shapes) and shapes[0][1] == shapes[1][0]
    if operation == "dot":
        return all(len(shape) == 1 for shape in shapes) and shapes[0] == shapes[1]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


def _check_similarity(given: tuple[Reals, ...], origin: str) -> None:
    queries, corpus, k = given
    if queries.ndim != 2 or corpus.ndim != 2 or queries.shape[1] != corpus.shape[1]:
        raise InputError(
            f"[{origin}] similarity got queries {queries.shape} and corpus {corpus.shape}; "
            "it needs (m, d) and (n, d)"
        )
    if k.size != 1 or not 1 <= k.reshape(()) <= len(corpus) or k.reshape(()) != np.floor(k.reshape(())):
        raise InputError(
            f"[{origin}] k is {_count_text(k)}; it must be a whole number from 1 to the {len(corpus)} rows of the corpus"
        )
    if not (np.isfinite(queries).all() and np.isfinite(corpus).all()):
        raise InputError(f"[{origin}] similarity got NaN or infinity; what has no size cannot be ranked")


def _count_text(k: Reals) -> str:
    """As it was given: a whole number is one, though all arrays are floats here."""
    if k.size != 1:
        return f"an array of shape {k.shape}"
    number = float(k.reshape(()))
    return str(int(number)) if number.is_integer() else repr(number)


def _reals(array: npt.ArrayLike, name: str, origin: str) -> Reals:
    given = real_numbers(array, name, origin)
    return given if given.dtype == np.float32 else given.astype(np.float64, copy=False)
