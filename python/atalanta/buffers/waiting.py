"""Waiting for memory of a pool with a limit, on an event loop. Main entry: `acquire_async`.

The pool writes a byte to a pipe after each release, whatever thread that happened in; nobody polls.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from atalanta import _core
from atalanta.buffers.checks import is_seconds
from atalanta.errors import BufferLimitError, DeadlineError, InputError

__all__ = ["acquire_async"]

_Result = TypeVar("_Result")
_ENOUGH = 4096


async def acquire_async(
    pool: _core.Pool, attempt: Callable[[], _Result], wanted: Callable[[], int], deadline: float | None
) -> _Result:
    """The result of `attempt` as soon as it does not fail at the limit.

    Args:
        pool: whose releases are waited for.
        attempt: acquires, or raises `BufferLimitError`.
        wanted: bytes of the block that is asked for; beyond the limit alone, waiting is hopeless.
        deadline: seconds from now; None waits without end.

    Raises:
        DeadlineError: nothing was released in time.
        BufferLimitError: waiting is hopeless.
        InputError: the deadline is negative or not a number.
    """
    if deadline is not None and not (is_seconds(deadline) and math.isfinite(deadline)):
        raise InputError(
            f"[buffers.acquire_async] deadline {deadline!r} is not a number of seconds from 0 on"
        )
    try:
        return attempt()
    except BufferLimitError:
        if not _fits_limit(pool, wanted()):
            raise
    try:
        async with asyncio.timeout(deadline):
            with _releases_of(pool) as released:
                while True:
                    released.clear()  # before the attempt: what is released after it is not missed
                    try:
                        return attempt()
                    except BufferLimitError:
                        if not _fits_limit(pool, wanted()):
                            raise
                    await released.wait()
    except TimeoutError as error:
        if isinstance(error, DeadlineError):
            raise
        figures = _core.pool_figures(pool)
        raise DeadlineError(
            f"[buffers.acquire_async] no memory came free within {deadline:g} s for a block of {wanted():,} bytes: "
            f"of the limit of {figures['limit_bytes']:,}, {figures['live_bytes']:,} are live; release arrays, "
            "wait longer or raise the limit with set_limit"
        ) from None


def _fits_limit(pool: _core.Pool, nbytes: int) -> bool:
    limit: int = _core.pool_figures(pool)["limit_bytes"]
    return not limit or nbytes <= limit


@contextmanager
def _releases_of(pool: _core.Pool) -> Iterator[asyncio.Event]:
    """An event of this loop that is set after every release."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)

    def woken() -> None:
        os.read(reading, _ENOUGH)
        event.set()

    loop.add_reader(reading, woken)
    _core.pool_watch(pool, writing)
    try:
        yield event
    finally:
        _core.pool_unwatch(pool, writing)  # before the descriptor can become another file's
        loop.remove_reader(reading)
        os.close(reading)
        os.close(writing)
