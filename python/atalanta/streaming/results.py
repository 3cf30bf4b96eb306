"""Results as they come, in batches: one wake-up for all that a batch of the engine brought. Main entry: `Results`."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError
from atalanta.streaming.errors import StreamHaltedError

__all__ = ["Results", "require_count"]

Batch = npt.NDArray[np.void]

_MOST = 1 << 20


def require_count(origin: str, name: str, value: Any, most: int = _MOST) -> int:
    """`value`, which must be a whole number from 1 to `most`.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not 1 <= value <= most:
        raise InputError(f"[{origin}] {name} is {value!r}; it must be a whole number from 1 to {most}")
    return int(value)


class Results:
    """Batches of `RESULT` records, in `async for` or by `take`; made by `Stream.results`.

    Each has a ring of its own: what finds no room in it, because nobody reads, is counted in `missed` and costs the
    stream nothing. Ends when the stream stops.
    """

    def __init__(self, outlet: _core.OutletCore, max_batch: int, halted: Any) -> None:
        self._outlet, self._max_batch, self._halted = outlet, max_batch, halted
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None

    @property
    def missed(self) -> int:
        """Results that found no room."""
        return self._outlet.missed

    @property
    def waiting(self) -> int:
        """Results that are there to be taken."""
        return self._outlet.waiting

    def take(self, most: int | None = None) -> Batch:
        """What is there now, up to `most`; may be empty, never waits.

        Raises:
            InputError: `most` is no whole number from 1 to 2**20.
        """
        if most is None:
            return self._outlet.take(self._max_batch)
        return self._outlet.take(require_count("streaming.Results.take", "most", most))

    def close(self) -> None:
        """Take no more part in the stream; whoever waits in `async for` comes to its end. Of the loop's thread."""
        self._outlet.close()
        wake = self._wake
        self._stop_watching()
        if wake is not None:
            wake.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Batch:
        while True:
            batch = self._outlet.take(self._max_batch)
            if len(batch):
                return batch
            if self._outlet.closed:
                # What came in between the look and the closing is not lost.
                batch = self._outlet.take(self._max_batch)
                if len(batch):
                    return batch
                self._stop_watching()
                stage = self._halted()
                if stage is not None:
                    raise StreamHaltedError(
                        f"[streaming.Stream] halted: the budget of {stage} was missed; give it another on_miss"
                    )
                raise StopAsyncIteration
            wake = self._watched()
            wake.clear()
            if self._outlet.wait_for_more():
                await wake.wait()
                self._outlet.clear_wake()

    def _watched(self) -> asyncio.Event:
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._wake is None:
            self._stop_watching()
            self._loop, self._wake = loop, asyncio.Event()
            loop.add_reader(self._outlet.fileno(), self._readable)
        return self._wake

    def _readable(self) -> None:
        self._outlet.clear_wake()
        if self._wake is not None:
            self._wake.set()

    def _stop_watching(self) -> None:
        loop, self._loop, self._wake = self._loop, None, None
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self._outlet.fileno())
