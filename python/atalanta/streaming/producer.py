"""A way into a stream for another thread. Main entry: `Producer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError
from atalanta.streaming.awaited import key_of, no_event
from atalanta.streaming.engine import require_events
from atalanta.streaming.universe import Universe

__all__ = ["Producer", "push_one"]

_ORIGIN = "streaming.Producer"


def push_one(
    origin: str,
    core: _core.ProducerCore,
    universe: Universe,
    symbol: str | int,
    bid: float,
    ask: float,
    time_ns: int,
    columns: dict[str, Any],
) -> bool:
    """Into a ring: False where it found no room.

    Raises:
        InputError: an unknown symbol, or a value that the record cannot hold.
    """
    key = key_of(universe, symbol)
    try:
        return core.push(key, bid, ask, time_ns, **columns)
    except (TypeError, ValueError, OverflowError) as error:
        given = {"bid": bid, "ask": ask, "time_ns": time_ns, **columns}
        raise InputError(no_event(origin, symbol, given)) from error


class Producer:
    """A ring of its own, which the engine looks at in turn; made by `Stream.producer`.

    Args:
        core: of the engine.
        universe: of the stream.
        refuse_halted: raises where the stream has halted.
    """

    def __init__(
        self, core: _core.ProducerCore, universe: Universe, refuse_halted: Callable[[], None]
    ) -> None:
        self._core, self._universe, self._refuse_halted = core, universe, refuse_halted

    @property
    def waiting(self) -> int:
        """Events in the ring."""
        return self._core.waiting

    @property
    def capacity(self) -> int:
        """Events that the ring can hold."""
        return self._core.capacity

    def push_many(self, events: npt.NDArray[np.void]) -> int:
        """As `Stream.push_many`: how many were taken, from the first on.

        Raises:
            InputError: no events.
            StreamHaltedError: the stream has halted.
        """
        events = require_events(f"{_ORIGIN}.push_many", events)
        taken = self._core.push_many(events)
        if taken < len(events):
            self._refuse_halted()
        return taken

    def push(self, symbol: str | int, bid: float, ask: float, *, time_ns: int, **columns: Any) -> bool:
        """As `Stream.push`: False where it found no room.

        Raises:
            InputError: an unknown symbol, or a value that the record cannot hold.
            StreamHaltedError: the stream has halted.
        """
        taken = push_one(f"{_ORIGIN}.push", self._core, self._universe, symbol, bid, ask, time_ns, columns)
        if not taken:
            self._refuse_halted()
        return taken
