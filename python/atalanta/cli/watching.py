"""Work that goes on while it is looked at, until it ends, its time is up, or Ctrl-C. Main entry: `watch`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

__all__ = ["Look", "watch"]


@dataclass(frozen=True)
class Look:
    """Seconds since the beginning; `final` says that the work has stopped, `interrupted` that it was asked to."""

    elapsed: float
    final: bool
    interrupted: bool


async def watch(
    work: Coroutine[Any, Any, object],
    show: Callable[[Look], None],
    *,
    every: float,
    seconds: float | None,
    ended: Callable[[], object] = lambda: None,
) -> None:
    """Run it and call `show` again and again, and once more when it has stopped; what it raised is raised then.

    Args:
        work: cancelled at the end of its time or at an interrupt.
        show: told how far it is.
        every: seconds from one look to the next.
        seconds: after which it ends; None for no such limit.
        ended: called before the last look.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # where loops take no signals
        loop.add_signal_handler(signal.SIGINT, stop.set)
    started = loop.time()
    running, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        while not running.done() and not stop.is_set():
            left = every if seconds is None else seconds - (loop.time() - started)
            if left <= 0:
                break
            await asyncio.wait(
                {running, stopping}, timeout=min(every, left), return_when=asyncio.FIRST_COMPLETED
            )
            show(Look(loop.time() - started, False, stop.is_set()))
    finally:
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
        stopping.cancel()
        if not running.done():
            running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        ended()
    show(Look(loop.time() - started, True, stop.is_set()))
    if not running.cancelled():
        running.result()
