"""Recordings of what a pool was asked for, to be kept and carried out again. Main entry: `Trace`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.buffers.checks import whole
from atalanta.errors import InputError

__all__ = ["ReplayFigures", "Trace"]

_MOST_STEPS = (1 << 32) - 1
_TYPES: dict[str, type[np.unsignedinteger[Any]]] = {
    "blocks": np.uint32,
    "nbytes": np.uint64,
    "tags": np.uint32,
}


@dataclass(frozen=True)
class ReplayFigures:
    """What a replay cost, memory counted from what the process had before; 0 where the system cannot say.

    Attributes:
        seconds: CPU time of allocator and page faults, every page of a block being written once.
        live_over_resident: live bytes over the process's memory, both averaged over the trace.
        peak_live_bytes, peak_resident_bytes: the most of each.
        resident_at_end_bytes, resident_when_idle_bytes: when all was released, and 100 ms later.
    """

    operations: int
    seconds: float
    live_over_resident: float
    peak_live_bytes: int
    peak_resident_bytes: int
    resident_at_end_bytes: int
    resident_when_idle_bytes: int


@dataclass(frozen=True, eq=False)
class Trace:
    """Acquires and releases in order, (N,) each.

    Attributes:
        blocks: which block, numbered by first use (uint32).
        nbytes: bytes of an acquire; 0 is a release (uint64).
        tags: index into `tag_names` (uint32).
    """

    blocks: npt.NDArray[np.uint32]
    nbytes: npt.NDArray[np.uint64]
    tags: npt.NDArray[np.uint32]
    tag_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.blocks)

    def sizes(self, tag: str) -> npt.NDArray[np.uint64]:
        """The sizes that were asked for under a tag, in order.

        Raises:
            InputError: no such tag in the trace.
        """
        if tag not in self.tag_names:
            raise InputError(f"[buffers.Trace] {tag!r}: no such tag (there are: {', '.join(self.tag_names)})")
        sizes: npt.NDArray[np.uint64] = self.nbytes[self.tags == self.tag_names.index(tag)]
        return sizes[sizes > 0]

    def replay(self, pool: _core.Pool, sample_every: int = 16) -> ReplayFigures:
        """Carry the trace out on a pool.

        Args:
            pool: that acquires and releases.
            sample_every: operations from one look at the process's memory to the next, from 1 up.

        Raises:
            InputError: `sample_every` is no such number.
            MemoryError: the pool refused a block.
        """
        every = whole(sample_every)
        if not 1 <= every <= _MOST_STEPS:
            raise InputError(
                f"[buffers.Trace] sample_every={sample_every!r}: give a whole number from 1 to {_MOST_STEPS}"
            )
        figures = _core.allocator_replay(pool, self.blocks, self.nbytes, every)
        if figures is None:
            raise MemoryError("[buffers.Trace] the pool refused a block; raise its limit")
        return ReplayFigures(**figures)

    def save(self, path: str | Path) -> None:
        """Write the trace to a compressed .npz file, under this very name.

        Raises:
            InputError: the file cannot be written.
        """
        names = np.array(self.tag_names, dtype=np.str_)
        try:
            with open(path, "wb") as file:  # given a name, NumPy would append .npz to it
                np.savez_compressed(
                    file, blocks=self.blocks, nbytes=self.nbytes, tags=self.tags, tag_names=names
                )
        except OSError as error:
            raise InputError(
                f"[buffers.Trace] {path} cannot be written: {error.strerror or error}; give a file in a folder that is there"
            ) from None

    @classmethod
    def load(cls, path: str | Path) -> Trace:
        """Read what `save` wrote.

        Raises:
            InputError: the file is none, or damaged.
        """
        try:
            if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
                raise InputError("it is not a file")
            with open(path, "rb") as file:  # given a name, NumPy would leave a damaged archive open
                columns = _columns_of(np.load(file, allow_pickle=False))
        except FileNotFoundError:
            raise InputError(f"[buffers.Trace] there is no file {path}") from None
        except Exception as error:  # a damaged archive may fail in any way
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            if isinstance(error, ValueError) and "pickle" in reason:
                reason = "it is no archive of arrays"  # NumPy would have it loaded unsafely
            raise InputError(
                f"[buffers.Trace] {path} is no trace: {reason}; give a file that `Trace.save` wrote"
            ) from error
        trace = cls(*columns)
        problem = trace._problem()
        if problem:
            raise InputError(f"[buffers.Trace] {path} is no trace: {problem}")
        return trace

    def _problem(self) -> str | None:
        """Why the columns make no trace: a replay would release what is not there."""
        if not len(self.blocks) == len(self.nbytes) == len(self.tags):
            return "its columns differ in length"
        acquires = self.nbytes > 0
        acquired = self.blocks[acquires]
        if not np.array_equal(acquired, np.arange(len(acquired), dtype=np.uint32)):
            return "its blocks are not numbered in order"
        releases = self.blocks[~acquires]
        if len(np.unique(releases)) != len(releases):
            return "it releases a block twice"
        made = np.cumsum(acquires)[~acquires]
        if np.any(releases >= made):
            return "it releases a block before acquiring it"
        if len(self.tags) and int(self.tags.max()) >= len(self.tag_names):
            return "it has a tag without a name"
        return None


def _columns_of(file: Any) -> tuple[Any, Any, Any, tuple[str, ...]]:
    """What an archive holds, in the types of a trace.

    Raises:
        InputError: it is none, or its columns are not what they should be.
    """
    if isinstance(file, np.ndarray):
        raise InputError("it is one array, not an archive of columns")
    with file:
        columns = [_numbers(name, file[name]) for name in _TYPES]
        names = file["tag_names"]
    if names.ndim != 1 or names.dtype.kind != "U":
        raise InputError(f"its tag_names are {_described(names)}, not a column of texts")
    return columns[0], columns[1], columns[2], tuple(map(str, names))


def _numbers(name: str, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    dtype = _TYPES[name]
    if column.ndim != 1 or column.dtype.kind not in "iu":
        raise InputError(f"its {name} are {_described(column)}, not a column of whole numbers")
    most = int(np.iinfo(dtype).max)
    if len(column) and (int(column.min()) < 0 or int(column.max()) > most):
        raise InputError(f"its {name} are not all from 0 to {most}")
    return column.astype(dtype)


def _described(column: npt.NDArray[Any]) -> str:
    return f"of shape {column.shape} and type {column.dtype}"
