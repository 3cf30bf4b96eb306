"""Recordings of what a pool was asked for, to be kept and carried out again. Main entry: `Trace`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError

__all__ = ["ReplayFigures", "Trace"]

_COLUMNS = ("blocks", "nbytes", "tags", "tag_names")


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

        Raises:
            MemoryError: the pool refused a block.
        """
        figures = _core.allocator_replay(pool, self.blocks, self.nbytes, sample_every)
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
            with np.load(path) as file:
                blocks, nbytes, tags, names = (file[name] for name in _COLUMNS)
        except FileNotFoundError:
            raise InputError(f"[buffers.Trace] there is no file {path}") from None
        except (KeyError, ValueError, OSError, EOFError) as error:
            raise InputError(f"[buffers.Trace] {path} is no trace: {error}") from None
        trace = cls(
            blocks.astype(np.uint32), nbytes.astype(np.uint64), tags.astype(np.uint32), tuple(map(str, names))
        )
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
