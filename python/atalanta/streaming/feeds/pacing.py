"""When recorded events are due: at their own pace, N times as fast, or at once. Main entries: `paced`, `when_due`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError

__all__ = ["FASTEST", "SLOWEST", "paced", "require_speed", "when_due"]

Events = npt.NDArray[np.void]

#: How many times as fast as a recording a replay may be.
SLOWEST, FASTEST = 1e-3, 1e9

_NEVER_NS = float(1 << 61)
_SLICE_NS = 250_000_000  # of time in a batch, at most
_MOST_ROWS = 4096  # of a batch without times
_MOST_PACED_ROWS = 65_536
_HEAD_START_NS = 5_000_000


def require_speed(speed: Any, origin: str) -> float | None:
    """`speed`, which must be from 0.001 to 1e9, or None for as fast as possible.

    Raises:
        InputError: it is not.
    """
    if speed is None:
        return None
    usable = isinstance(speed, int | float | np.integer | np.floating) and not isinstance(speed, bool)
    if not usable or not SLOWEST <= speed <= FASTEST:
        raise InputError(
            f"[{origin}] speed is {speed!r}; it must be a number from {SLOWEST:g} to {FASTEST:g}, or None for as fast as possible"
        )
    return float(speed)


def paced(events: Events, arrival_ns: npt.NDArray[np.int64], speed: float | None) -> Iterator[Events]:
    """Batches of copies with their intended times set.

    The first one is due a little after the iteration begins. Bursts stay what they were: events that came together are
    due together, however long the pause before them.

    Args:
        events: (N,) in order of arrival.
        arrival_ns: (N,) when each came; never decreasing.
        speed: of the replay; None: no times, as fast as they are taken.
    """
    if len(events) == 0:
        return
    if speed is None:
        for first in range(0, len(events), _MOST_ROWS):
            yield events[first : first + _MOST_ROWS].copy()
        return
    start = _core.monotonic_ns() + _HEAD_START_NS
    due = start + np.minimum((arrival_ns - arrival_ns[0]) / speed, _NEVER_NS).astype(np.int64)
    first = 0
    while first < len(events):
        last = _in_a_pause(due, first)
        batch = events[first:last].copy()
        batch["intended_ns"] = due[first:last]
        yield batch
        first = last


async def when_due(events: Events) -> AsyncIterator[Events]:
    """Parts of a batch, each when it is due, by the timers of an event loop: a millisecond late at most times.

    What is late already comes together.

    Args:
        events: (N,) with intended times that do not decrease.
    """
    due, first = events["intended_ns"], 0
    while first < len(events):
        now = _core.monotonic_ns()
        last = int(np.searchsorted(due, now, side="right"))
        if last > first:
            yield events[first:last]
            first = last
        else:
            await asyncio.sleep((int(due[first]) - now) / 1e9)


def _in_a_pause(due: npt.NDArray[np.int64], first: int) -> int:
    """Where a batch ends: in the longest pause of the second half of its time, lest the change of batches is late."""
    half, whole = np.searchsorted(
        due, [due[first] + _SLICE_NS // 2, due[first] + _SLICE_NS], side="right"
    ).tolist()
    last = min(whole, first + _MOST_PACED_ROWS)
    if last >= len(due):
        return len(due)
    half = min(max(half, first + 1), last)
    pauses = due[half : last + 1] - due[half - 1 : last]
    return int(half + np.argmax(pauses))
