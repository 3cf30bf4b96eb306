"""One underlying of a NATS feed: where it goes on, and its sequence numbers. Main entry: `Partition`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.streaming.feeds.packing import MOST_NUMBER, unpack
from atalanta.streaming.universe import Universe

__all__ = ["Partition"]

_UNKNOWN = (1 << 32) - 1

Events = npt.NDArray[np.void]


class Partition:
    """An underlying, the source that its events are, and the number of the message that comes next.

    When the publisher's numbering begins anew, that of the events goes on with one number left out: what came in
    between, if anything did, nobody knows, so it is a gap.
    """

    def __init__(self, underlying: str, source: int, goes_on_with: int) -> None:
        self.underlying, self.source, self.goes_on_with = underlying, source, goes_on_with
        self._epoch: int | None = None
        self._shift, self._last = 0, 0

    def take(self, message: Any, universe: Universe) -> Events:
        """The events of a message of NATS, with keys of this universe; `_UNKNOWN` for symbols that it lacks.

        Raises:
            InputError: the message cannot be read.
        """
        self.goes_on_with = int(message.metadata.sequence.stream) + 1
        packed = unpack(bytes(message.data))
        numbers = packed.numbers
        if self._epoch is not None and numbers.epoch != self._epoch:
            self._shift = self._last + 2 - numbers.first
        self._epoch = numbers.epoch
        first = numbers.first + self._shift
        events = packed.events
        events["key"] = universe.keys(packed.symbols, unknown=_UNKNOWN)[events["key"]]
        events["source"] = self.source
        self._last = max(self._last, first + len(events) - 1)
        if self._last <= MOST_NUMBER:
            events["sequence"] = first + np.arange(len(events), dtype=np.int64)
        return events
