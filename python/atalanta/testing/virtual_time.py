"""An event loop whose time passes when nothing is left to do: an hour of timers in the time of its callbacks.

Main entries: `VirtualTimeLoop`, `run_in_virtual_time`.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["VirtualTimeLoop", "run_in_virtual_time"]

_T = TypeVar("_T")


class _SkippingSelector(selectors.DefaultSelector):
    """Instead of waiting, lets that time have passed. Real sockets are still looked at."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0.0)
        if not ready and timeout is None:
            return super().select(None)  # nothing is planned: only another thread can wake this loop
        if not ready and timeout is not None:
            self.skipped += max(0.0, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For code that waits by this loop's timers alone. What threads or sockets take is not counted.

    Its `time` is a clock for policies and breakers: `Policy(clock=loop.time)`.
    """

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return float(self._skipping.skipped)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for its threads: a limit in virtual time would have passed at once."""
        del timeout
        await super().shutdown_default_executor()


def run_in_virtual_time(main: Coroutine[Any, Any, _T]) -> _T:
    """`asyncio.run` on a `VirtualTimeLoop`.

    Example:
        >>> import asyncio
        >>> from atalanta.testing import run_in_virtual_time
        >>> async def an_hour():
        ...     begin = asyncio.get_running_loop().time()
        ...     await asyncio.sleep(3600.0)
        ...     return asyncio.get_running_loop().time() - begin
        >>> round(run_in_virtual_time(an_hour()))
        3600
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
