"""Running where the router decided: timing, failures, and what takes their place. Main entry: `Running`."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from atalanta import _core
from atalanta._core import Answer
from atalanta.compute.devices import Result
from atalanta.compute.devices.protocol import operation as known_operation
from atalanta.compute.router.calibration import Clock
from atalanta.compute.router.health import TargetBreaker, target_breaker, tell_change
from atalanta.compute.router.limits import limits
from atalanta.compute.router.table import ORIGIN, TargetTable
from atalanta.compute.router.workloads import work_of
from atalanta.errors import DeviceError, InputError
from atalanta.reliability.events import FellBack, emit

__all__ = ["FAILURES", "Running"]

_NS = 1e9
#: Of an operation that runs in the event loop's own thread; a longer one is given to a helper thread.
_INLINE_SECONDS = 100e-6

#: What a device may raise when it, and not the caller, is at fault.
FAILURES = (DeviceError, RuntimeError, MemoryError, OSError)


class Running:
    """The part of the router that runs what was decided."""

    _table: TargetTable
    _core: _core.RouterCore
    _clock: Clock
    _begun: bool

    @abstractmethod
    def begin(self) -> None:
        """Make calibration available."""

    def run(
        self,
        operation: str,
        *arrays: Any,
        tolerance: float | None = None,
        deadline: float | None = None,
        device: str | None = None,
    ) -> Result:
        """Decide and run; a device that fails is left out, and the next best one does the work.

        Args:
            operation: a name in `OPERATIONS`.
            arrays: as that operation lists them.
            tolerance: as in `decide`.
            deadline: as in `decide`.
            device: as in `decide`; a device asked for by name is not replaced when it fails.

        Raises:
            InputError: as `decide`; or arrays that do not fit the operation.
            DeviceError: every device that may do it failed.
        """
        return self.answer(operation, *arrays, tolerance=tolerance, deadline=deadline, device=device).value

    def answer(
        self,
        operation: str,
        *arrays: Any,
        tolerance: float | None = None,
        deadline: float | None = None,
        device: str | None = None,
    ) -> Answer[Result]:
        """`run`, with where the result is from.

        Args:
            operation: as in `run`.
            arrays: as in `run`.
            tolerance: as in `run`.
            deadline: as in `run`.
            device: as in `run`.

        Returns:
            An `Answer`: `live` from the device that is the best for it, `fallback:TARGET` where that one failed, now
            (its error is the `cause`) or before, and is in quarantine.

        Raises:
            InputError: as `run`.
            DeviceError: as `run`.
        """
        self.begin()
        known_operation(operation, ORIGIN)
        tolerance, deadline = limits(tolerance, deadline)
        work = work_of(operation, arrays)
        limit = self._table.default_tolerance(operation) if tolerance is None else tolerance
        among = self._table.among(device)
        failed: tuple[str, Exception] | None = None
        while True:
            target, reason, timed = self._core.choose(
                self._table.operation(operation),
                work,
                limit,
                among,
                None if deadline is None else deadline * _NS,
                False,
                self._clock(),
                ORIGIN,
            )
            name = self._table.targets[target].name
            try:
                value = self.attempt(operation, target, work, arrays, timed=timed, probe=reason == "probe")
            except FAILURES as error:
                among &= ~(1 << target)
                if not self._anyone_left(operation, limit, among):
                    raise
                failed = name, error
                continue
            if failed is None:
                return Answer(value, f"fallback:{name}" if reason == "health" else "live")
            emit(FellBack(failed[0], name, failed[1]))
            return Answer(value, f"fallback:{name}", cause=failed[1])

    async def run_async(
        self,
        operation: str,
        *arrays: Any,
        tolerance: float | None = None,
        deadline: float | None = None,
        device: str | None = None,
    ) -> Result:
        """`run` for a coroutine: what is expected to be long runs beside the event loop, not in it.

        Args:
            operation: as in `run`.
            arrays: as in `run`.
            tolerance: as in `run`.
            deadline: as in `run`.
            device: as in `run`.

        Raises:
            InputError: as `run`.
            DeviceError: as `run`.
        """

        def work() -> Result:
            return self.run(operation, *arrays, tolerance=tolerance, deadline=deadline, device=device)

        known_operation(operation, ORIGIN)
        tolerance, deadline = limits(tolerance, deadline)
        if self._begun:
            size = work_of(operation, arrays)
            try:
                expected = self._core.decide(operation, size, tolerance=tolerance, device=device).seconds
            except InputError:  # `run` says so too, or tries again what is in quarantine
                expected = math.inf
            if expected < _INLINE_SECONDS:
                return work()
        from asyncio import to_thread  # loads sockets, which pricing an option does not need

        return await to_thread(work)

    def attempt(
        self,
        operation: str,
        target: int,
        work: int,
        arrays: Sequence[Any],
        *,
        timed: bool,
        probe: bool = False,
    ) -> Result:
        """Run on one target; tell the router what it took, or that it failed.

        Args:
            operation: a name in `OPERATIONS`.
            target: its place in `targets`.
            work: elements.
            arrays: as the operation lists them.
            timed: whether its time counts.
            probe: whether it was tried to learn something.

        Raises:
            DeviceError: the target failed; it is then in quarantine.
        """
        permit, name = self._core.permit(target), self._table.targets[target].name
        touching, start = _core.touching_ns(), self._clock()
        try:
            result = self._table.targets[target].run(operation, arrays)
        except FAILURES:
            if out_ns := self._core.fail(target, self._clock(), permit):
                tell_change(self._core, target, name, out_ns)
            raise
        if timed or probe:
            took = self._clock() - start - (_core.touching_ns() - touching)
            place = self._table.operation(operation)
            if self._core.observe(place, target, work, took, probe, permit=permit):
                tell_change(self._core, target, name, 0)
        return result

    def breaker(self, target: str) -> TargetBreaker:
        """The circuit breaker that is a target's quarantine: its state, and modes set by hand.

        Args:
            target: one of `targets`.

        Raises:
            InputError: there is none of that name.
        """
        return target_breaker(self._core, self._table.place(target), target, self._clock)

    @property
    def quarantine(self) -> tuple[str, ...]:
        """The targets that are left alone at present, because they failed or by hand."""
        return tuple(
            target.name
            for place, target in enumerate(self._table.targets)
            if self._core.breaker(place).state != "closed"
        )

    def _anyone_left(self, operation: str, limit: float, among: int) -> bool:
        return any(
            target.errors[operation] <= limit and among >> place & 1
            for place, target in self._table.admitted(operation)
        )
