"""The clock that policies share with the native core, sleeping that can be switched off, and the deadline in force.

Main entries: `remaining`, `monotonic`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from atalanta import _core
from atalanta._core import DEADLINE, monotonic

__all__ = [
    "AsyncSleep",
    "Clock",
    "Random",
    "Sleep",
    "asleep",
    "monotonic",
    "remaining",
    "set_waiting",
    "sleep",
]

#: Seconds, only ever growing.
Clock: TypeAlias = Callable[[], float]
#: A number from 0 up to, not including, 1.
Random: TypeAlias = Callable[[], float]
Sleep: TypeAlias = Callable[[float], None]
AsyncSleep: TypeAlias = Callable[[float], Awaitable[None]]

_waiting = True


def set_waiting(on: bool) -> bool:
    """Whether policies wait between attempts, in this process; returns what was set before. For tests."""
    global _waiting
    before, _waiting = _waiting, on
    return before


def sleep(seconds: float) -> None:
    """Wait, unless waiting is switched off."""
    if _waiting:
        time.sleep(seconds)


async def asleep(seconds: float) -> None:
    """`sleep` for a coroutine; lets others run in any case."""
    from asyncio import sleep as wait

    await wait(seconds if _waiting else 0.0)


def remaining(clock: Clock = _core.monotonic) -> float | None:
    """Seconds until the deadline of the policy's call that this runs in; None without one, below 0 when it has passed.

    What cannot be interrupted asks for it and hands it on: as a socket's timeout, a query's limit, a batch's size.

    Args:
        clock: the policy's, where it has one of its own.
    """
    deadline = DEADLINE.get(None)
    return None if deadline is None else deadline - clock()
