"""Replay of a recording at its own speed, N times as fast, or as fast as possible. Main entry: `ReplayFeed`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.streaming.feeds.files import Recording
from atalanta.streaming.feeds.pacing import paced, require_speed
from atalanta.streaming.universe import Universe

__all__ = ["ReplayFeed"]

Events = npt.NDArray[np.void]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class ReplayFeed:
    """A recording as a feed.

    Args:
        recording: as `read_ticks` gives it.
        speed: 1 for that of the recording, N for N times as fast, None for as fast as possible.
        limit: so many events at most.

    Raises:
        InputError: a speed that is not from 0.001 to 1e9, or a limit that is no whole number from 0.
    """

    def __init__(self, recording: Recording, *, speed: float | None = 1.0, limit: int | None = None) -> None:
        self.recording, self.speed = recording, require_speed(speed, "streaming.ReplayFeed")
        if limit is not None and not _is_count(limit):
            raise InputError(
                f"[streaming.ReplayFeed] limit is {limit!r}; it must be a whole number from 0, or None"
            )
        self._next = 0
        self._end = len(recording) if limit is None else min(limit, len(recording))
        self._place: npt.NDArray[np.uint32] | None = None

    @property
    def name(self) -> str:
        """That of the file."""
        return self.recording.name

    async def connect(self) -> None:
        """Nothing to do."""

    async def subscribe(self, universe: Universe) -> None:
        """Keys become those of this universe; instruments that it does not have are unknown to the stream, and counted."""
        unknown = (1 << 32) - 1
        self._place = universe.keys(self.recording.symbols, unknown=unknown)

    async def resume(self, after: Mapping[int, int]) -> None:
        """Goes on behind the last batch that was given out."""
        del after

    async def __aiter__(self) -> AsyncIterator[Events]:
        if self._place is None:
            raise InputError("[streaming.ReplayFeed] subscribe(universe) comes before the iteration")
        events = self.recording.events[self._next : self._end].copy()
        events["key"] = self._place[events["key"]] if len(self._place) else events["key"]
        for batch in paced(events, self.recording.arrival_ns[self._next : self._end], self.speed):
            self._next += len(batch)
            yield batch

    async def close(self) -> None:
        """Nothing to do."""
