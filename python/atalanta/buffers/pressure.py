"""What a pool does when the machine runs short of memory. Main entry: `PressureWatch`, which `watch_pressure` makes.

Linux tells of it by pressure stall information: a trigger is written to a file, which is then waited for.
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from atalanta.errors import InputError

__all__ = ["SOURCE", "PressureWatch", "open_trigger"]

#: Of the whole machine; a control group has its own `memory.pressure`.
SOURCE = "/proc/pressure/memory"

_ORIGIN = "[buffers.watch_pressure]"


def open_trigger(source: str, stall: float, window: float) -> int:
    """A descriptor that is ready when tasks waited for memory for `stall` of `window` seconds.

    Raises:
        InputError: times that cannot be, or a system that does not tell.
    """
    if not 0.5 <= window <= 10.0 or not 0.0 < stall <= window:
        raise InputError(
            f"{_ORIGIN} stall={stall!r}, window={window!r}: give a window of 0.5 to 10 s and a stall above 0 within it"
        )
    try:
        descriptor = os.open(source, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(
            f"{_ORIGIN} {source}: {error.strerror}, so that this system does not tell of memory pressure; "
            "call the pool's relieve() where the program learns of it"
        ) from None
    try:
        os.write(descriptor, f"some {round(1e6 * stall)} {round(1e6 * window)}\0".encode())
    except OSError as error:
        os.close(descriptor)
        raise InputError(
            f"{_ORIGIN} {source} refuses a stall of {stall:g} s in {window:g} s: {error.strerror}; without privileges "
            "Linux takes windows of whole multiples of 2 s, from version 6.5 on"
        ) from None
    return descriptor


class PressureWatch:
    """A thread that relieves a pool whenever memory gets short, until `stop` or the end of the `with` block.

    A forked child has no such thread; it needs a watch of its own.

    Attributes:
        events: how often memory was short.
    """

    def __init__(
        self, descriptor: int, relieve: Callable[[], int], then: Callable[[int], object] | None = None
    ) -> None:
        self.events = 0
        self._descriptor, self._relieve, self._then = descriptor, relieve, then
        self._stop_reading, self._stop_writing = os.pipe()
        self._ending = threading.Lock()
        self._thread: threading.Thread | None = threading.Thread(
            target=self._watch, name="atalanta-pressure", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the watch; a second time does nothing."""
        with self._ending:
            thread, self._thread = self._thread, None
        if thread is None:
            return
        with suppress(BrokenPipeError):  # the watch has ended by itself
            os.write(self._stop_writing, b"\0")
        os.close(self._stop_writing)
        if thread is not threading.current_thread():
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _watch(self) -> None:
        waiting = select.poll()
        waiting.register(self._descriptor, select.POLLPRI)
        waiting.register(self._stop_reading, select.POLLIN)
        try:
            while (ready := dict(waiting.poll())) and self._stop_reading not in ready:
                if not ready[self._descriptor] & select.POLLPRI:  # the source has gone
                    return
                self._act()
        finally:
            for descriptor in (self._descriptor, self._stop_reading):
                os.close(descriptor)

    def _act(self) -> None:
        freed = self._relieve()
        self.events += 1
        if self._then is None:
            return
        try:
            self._then(freed)
        except Exception:  # whatever the caller's function does, the watch goes on
            logging.getLogger(__name__).exception("%s the function called under pressure failed", _ORIGIN)
