"""Processors in Python: functions that see the results of a stream, each at its own pace. Main entry: `Processor`."""

from __future__ import annotations

import inspect
import logging
import select
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError
from atalanta.streaming.snapshot import ProcessorReport

__all__ = ["Processor"]

Batch = npt.NDArray[np.void]
Process = Callable[[Batch], object]
ShouldProcess = Callable[[Batch], Any]

_LOG = logging.getLogger("atalanta.streaming")
_LOOK_SECONDS = 0.1
_ORIGIN = "streaming.Stream.processor"


class Processor:
    """One function with a ring and a thread of its own: however slow it is, the engine does not wait for it.

    Args:
        name: for reports.
        outlet: where its results come from.
        process: given batches of `RESULT` records.
        latency_target: seconds from the intended time of a batch's oldest event to the end of the call.
        should_process: given a batch: True, False, or (N,) bool of the rows that are wanted.
        max_batch: most rows at a time.

    A call that raises is counted and logged, and the next batch comes all the same.
    """

    def __init__(
        self,
        name: str,
        outlet: _core.OutletCore,
        process: Process,
        latency_target: float | None,
        should_process: ShouldProcess | None,
        max_batch: int,
    ) -> None:
        _require_function("process", process)
        if should_process is not None:
            _require_function("should_process", should_process)
        self.name, self._outlet, self._process = name, outlet, process
        self._target_ns = None if latency_target is None else round(1e9 * latency_target)
        self._should_process, self._max_batch = should_process, max_batch
        self._handled = self._skipped = self._late = self._failures = 0
        self._last_error: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"atalanta-{name}", daemon=True)
        self._thread.start()

    def report(self) -> ProcessorReport:
        """What it has done so far."""
        return ProcessorReport(
            self.name,
            self._handled,
            self._skipped,
            self._outlet.missed,
            self._late,
            self._failures,
            self._last_error,
        )

    @property
    def ended(self) -> bool:
        """Whether it takes no results any more."""
        return self._outlet.closed

    def end(self, timeout: float | None = 10.0) -> None:
        """Handle what is there, then end."""
        self._outlet.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            closed = self._outlet.closed
            batch = self._outlet.take(self._max_batch)
            if len(batch):
                self._handle(batch)
            elif closed:
                return
            elif self._outlet.wait_for_more():
                select.select([self._outlet.fileno()], [], [], _LOOK_SECONDS)
                self._outlet.clear_wake()

    def _handle(self, batch: Batch) -> None:
        try:
            wanted = batch if self._should_process is None else _chosen(batch, self._should_process(batch))
            self._skipped += len(batch) - len(wanted)
            if len(wanted):
                self._handled += len(wanted)
                self._process(wanted)
        except BaseException as error:  # noqa: BLE001 - whatever a user's function raises must not end its thread
            self._failures += 1
            self._last_error = f"{type(error).__name__}: {error}"
            if self._failures & (self._failures - 1) == 0:  # the first, the second, the fourth, ...
                _LOG.warning("processor %r raised (failure %d)", self.name, self._failures, exc_info=True)
            return
        if self._target_ns is not None and len(wanted):
            intended = wanted["intended_ns"]
            intended = intended[intended > 0]
            if len(intended) and _core.monotonic_ns() - int(intended.min()) > self._target_ns:
                self._late += 1


def _chosen(batch: Batch, answer: Any) -> Batch:
    if isinstance(answer, bool | np.bool_):
        return batch if answer else batch[:0]
    mask = np.asarray(answer)
    if mask.dtype != np.bool_ or mask.shape != batch.shape:
        raise InputError(
            f"[{_ORIGIN}] should_process gave {mask.dtype} of shape {mask.shape}; it must give a bool, or one for each row"
        )
    chosen: Batch = batch[mask]
    return chosen


def _require_function(name: str, function: object) -> None:
    if not callable(function) or inspect.iscoroutinefunction(function):
        raise InputError(
            f"[{_ORIGIN}] {name} is {function!r}; it must be a plain function: in a coroutine use `async for` over results()"
        )
