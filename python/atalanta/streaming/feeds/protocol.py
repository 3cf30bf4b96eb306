"""What a feed is: four awaited calls and an iteration. Main entry: `Feed`.

An adapter for a broker or a message system is a class with these methods; it needs no base class. `run_feed` does the rest:
reconnecting, subscribing again, resuming, pacing and pushing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from atalanta.streaming.universe import Universe

__all__ = ["Events", "Feed"]

#: (N,) of the dtype EVENT. An `intended_ns` in the future says when to push; 0 says at once.
Events = npt.NDArray[np.void]


@runtime_checkable
class Feed(Protocol):
    """Where events come from.

    A connection that is lost is told by raising (`ConnectionError`, `OSError`, `TimeoutError`, `FeedError`) out of `connect`,
    `subscribe`, `resume` or the iteration; a feed that has nothing more ends its iteration.
    """

    @property
    def name(self) -> str:
        """For messages and policies."""
        ...

    async def connect(self) -> None:
        """Connect; again after a failure."""
        ...

    async def subscribe(self, universe: Universe) -> None:
        """Ask for these instruments; keys of events are those of this universe."""
        ...

    async def resume(self, after: Mapping[int, int]) -> None:
        """Ask for what came after these sequence numbers, by source; a feed that keeps nothing does nothing.

        Events that come twice are dropped and counted by the stream, events that never come are counted as a gap.
        """
        ...

    def __aiter__(self) -> AsyncIterator[Any]:
        """Batches of `Events`, one at a time."""
        ...

    async def close(self) -> None:
        """Let go of everything; must not raise for a feed that never connected."""
        ...
