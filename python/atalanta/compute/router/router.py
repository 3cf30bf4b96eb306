"""The router: decides where an operation runs, runs it there, and learns from the time it took. Main entry: `Router`."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from operator import index
from pathlib import Path
from typing import Any

from atalanta.compute.devices import Device
from atalanta.compute.router.calibration import Clock
from atalanta.compute.router.calibrator import Calibrator
from atalanta.compute.router.decision import Decision, Explanation
from atalanta.compute.router.limits import number
from atalanta.compute.router.overrides import naming_origin, overrides
from atalanta.compute.router.reports import explanation, knowledge, without_nan
from atalanta.compute.router.running import Running
from atalanta.compute.router.state import CalibrationState
from atalanta.compute.router.table import ORIGIN, TargetTable
from atalanta.compute.router.workloads import WORKLOADS
from atalanta.errors import InputError

__all__ = ["Router"]

_NS = 1e9
#: The native router counts elements in 64 bits.
_MOST_WORK = (1 << 64) - 1


class Router(Running):
    """Where an operation finishes soonest at the accuracy asked for.

    First the accuracy gate and the health of the devices, then the predicted time a + b * work + transfer. Times are
    measured on this machine: in some 30 ms at the first use, kept in a file, and refined by timing
    some of the calls. One router may be used by any number of threads.

    Args:
        devices: to choose from, the first always available; None for all of this machine's.
        calibrate: measure, or read the file, at the first use; False leaves the built-in thresholds in force.
        budget: seconds of measuring at the first use; arrays and the file come on top.
        path: the calibration file; None for the default of this machine's devices (`router.calibration` of the
            configuration, or the user's cache folder), and for no file where `devices` were given.
        deterministic: no learning and no tries; None for what the configuration says.
        clock: nanoseconds, only ever growing.
        seed: of the chance by which calls are tried elsewhere.

    Raises:
        InputError: a configuration that cannot be followed.

    Example:
        >>> import atalanta
        >>> router = atalanta.Router(calibrate=False)
        >>> router.decide("price", 500)
        Decision(target='cpu:one', seconds=nan, reason='prior')
    """

    def __init__(
        self,
        devices: Sequence[Device] | None = None,
        *,
        calibrate: bool = True,
        budget: float = 0.025,
        path: str | Path | None = None,
        deterministic: bool | None = None,
        clock: Clock = time.perf_counter_ns,
        seed: int = 1,
    ) -> None:
        given = overrides()
        self._table = TargetTable(devices, seed, given)
        self._core = self._table.core
        self._clock = clock
        self._calibrator = Calibrator(
            self._table, budget, None if path is None else Path(path), devices is None, clock
        )
        self._waits = devices is not None
        self._lock = threading.RLock()
        self._thresholds: dict[str, int] = {}
        self._pins: dict[str, str] = {}
        self._deterministic = given.deterministic if deterministic is None else deterministic
        self._core.set_deterministic(self._deterministic)
        self._table.admit(self.devices[0])
        if devices is None:
            for name, target in given.pins.items():
                with naming_origin("pins", name):
                    self.pin(name, target)
        for name, work in given.thresholds.items():
            self.set_threshold(name, work)
        self._begun = not calibrate
        if not calibrate:
            for device in self.devices:
                self._table.admit(device)
            self._answer_natively()

    # Deciding

    def decide(
        self,
        operation: str,
        work: int,
        *,
        tolerance: float | None = None,
        deadline: float | None = None,
        residency: str | None = None,
        device: str | None = None,
    ) -> Decision:
        """Where an operation of this size runs soonest at this accuracy. Runs nothing.

        Args:
            operation: a name in `OPERATIONS`, or a class: matrix, vector, transcendental, pricing, search, inference.
            work: elements; of a product (m, k) @ (k, n) the (m k n) ** (2 / 3) of a square one of equal effort; of a
                search the vectors compared, each counted as d / 128.
            tolerance: largest error, in the operation's measure; None for that of the first device, the CPU.
            deadline: seconds; then the quickest target that keeps it in 99 of 100 calls, or the likeliest to.
            residency: 'host' (NumPy's memory, as None) or 'device', where the operands lie.
            device: 'auto', or the name of the device or target that it must be.

        Raises:
            InputError: an unknown operation, device or residency; work, tolerance or deadline that is none; or no
                device meets the tolerance: the message lists what each guarantees.
        """
        # Only the first use comes here: from then on the native method stands in this one's place.
        self.begin()
        return self._core.decide(
            operation, work, tolerance=tolerance, deadline=deadline, residency=residency, device=device
        )

    def explain(
        self, operation: str, work: int, *, tolerance: float | None = None, residency: str | None = None
    ) -> Explanation:
        """The decision, with what is known of every target and where the choice changes.

        Args:
            operation: as in `decide`.
            work: as in `decide`.
            tolerance: as in `decide`.
            residency: as in `decide`.

        Raises:
            InputError: as `decide`.
        """
        decision = self.decide(operation, work, tolerance=tolerance, residency=residency)
        pinned = self._pins.get(self._table.operation_name(operation))
        return explanation(self._table, operation, work, tolerance, residency, decision, pinned)

    def predict(self, operation: str, target: str, work: int) -> float:
        """Seconds that an operation of this size is expected to take; NaN where that was not measured.

        Args:
            operation: as in `decide`.
            target: one of `targets`.
            work: as in `decide`.

        Raises:
            InputError: an unknown operation or target, or work that is none.
        """
        try:
            elements = -1 if isinstance(work, bool) else index(work)
        except TypeError:
            elements = -1
        if not 0 <= elements <= _MOST_WORK:
            raise InputError(
                f"[{ORIGIN}.predict] work is {work!r}; it must be a whole number of elements from 0 up to {_MOST_WORK}"
            )
        self.begin()
        known = self._core.prediction(self._table.operation(operation), self._table.place(target), elements)
        return float(known["ns"]) / _NS

    # The user's word

    def pin(self, operation: str, target: str | None) -> str | None:
        """Let an operation, or those of a class, run on one target, whatever was measured; None lifts it.

        A target that does not meet the tolerance of a call, failed or is not there is passed over; `explain` says so.

        Args:
            operation: as in `decide`.
            target: one of `targets`, or a device that has one target for the operation.

        Returns:
            The target before, so that it can be put back.

        Raises:
            InputError: an unknown operation or target, or one that does nothing of the kind.
        """
        names = self._table.operation_names(operation)
        before = self._pins.get(names[0])
        for name, place in self._table.pins(operation, names, target).items():
            self._core.pin(self._table.operation(name), place)
            if place is None:
                self._pins.pop(name, None)
            else:
                self._pins[name] = self._table.targets[place].name
        return before

    def set_threshold(self, operation: str, work: int | None) -> int | None:
        """Let an operation, or all of a class, leave the baseline from so many elements on; None lifts it.

        Args:
            operation: as in `decide`.
            work: elements, from 1 up to 2 ** 64 - 1.

        Returns:
            The threshold before, so that it can be put back.

        Raises:
            InputError: an unknown operation, or a threshold that is none.
        """
        if work is not None and (type(work) is not int or not 1 <= work <= _MOST_WORK):
            raise InputError(
                f"[{ORIGIN}.set_threshold] work is {work!r}; it must be a whole number from 1 up to {_MOST_WORK}, or None"
            )
        names = self._table.operation_names(operation)
        before = self._thresholds.get(names[0])
        for name in names:
            self._core.set_threshold(self._table.operation(name), work or 0)
            if work is None:
                self._thresholds.pop(name, None)
            else:
                self._thresholds[name] = work
        return before

    # Calibration

    def begin(self) -> None:
        """Read the calibration file, or measure, unless that was done; the first use does it by itself."""
        with self._lock:
            if self._begun:
                return
            self._calibrator.begin(self.devices[0])
            begin_others = self._calibrator.begin_available if self._waits else self._calibrator.begin_beside
            if len(self.devices) > 1:
                begin_others(self.devices[1:])
            self._begun = True
            self._answer_natively()

    def wait(self, seconds: float) -> tuple[str, ...]:
        """Begin, and wait until every device that is there was measured, but no longer than that.

        Calls never wait: a device joins the choice once it was measured. This is for whoever shows or compares them all.

        Args:
            seconds: at most, beside what the first device needs.

        Returns:
            `pending` at the end: the devices that are still being measured, none if all are ready.

        Raises:
            InputError: seconds that are no number from 0 on.
        """
        most = number(seconds)
        if not most >= 0.0:
            raise InputError(
                f"[{ORIGIN}.wait] seconds is {seconds!r}; it must be a number of seconds from 0 on"
            )
        self.begin()
        self._calibrator.wait(most)
        return self.pending

    def calibrate(self, budget: float = 0.05) -> None:
        """Measure again, every available device for `budget` seconds, and write the file.

        Args:
            budget: seconds for each device, beside what it needs to get ready.

        Raises:
            InputError: a budget that is no positive number.
        """
        seconds = number(budget)
        if not seconds > 0.0:
            raise InputError(
                f"[{ORIGIN}.calibrate] budget is {budget!r}; it must be a number of seconds above 0"
            )
        with self._lock:
            for device in self.devices:
                if self._table.admit(device):
                    self._calibrator.measure(device, seconds)
            self._begun = True
            self._answer_natively()

    def prepare(self, device: str) -> None:
        """Make a device that is asked for by name ready, or say why that is not possible.

        Args:
            device: its name, or that of one of its targets.

        Raises:
            DeviceError: it is not available here.
        """
        self._table.require(device)

    # What there is

    @property
    def targets(self) -> tuple[str, ...]:
        """What may be chosen, by name; of devices that are not available too."""
        return tuple(target.name for target in self._table.targets)

    @property
    def devices(self) -> tuple[Device, ...]:
        """What the targets belong to."""
        return self._table.devices

    @property
    def operations(self) -> tuple[str, ...]:
        """What it decides on."""
        return tuple(WORKLOADS)

    @property
    def calibrations(self) -> dict[str, CalibrationState]:
        """Where what is known of each device is from."""
        return dict(self._calibrator.states)

    @property
    def pending(self) -> tuple[str, ...]:
        """Devices that are still being looked for or measured, and are not chosen yet; see `wait`."""
        return self._calibrator.pending

    @property
    def exploration_seconds(self) -> float:
        """Spent so far, beyond the best known choice, on calls that were tried elsewhere."""
        return self._core.exploration_ns / _NS

    def as_dict(self) -> dict[str, Any]:
        """Everything that decides, in plain types: calibration, overrides, predictions by operation and target."""
        return {
            "targets": [
                {"name": target.name, "tier": target.tier, "failures": self._core.failures(place)}
                for place, target in enumerate(self._table.targets)
            ],
            "calibration": {name: state.as_dict() for name, state in self._calibrator.states.items()},
            "pending": list(self.pending),
            "pins": dict(self._pins),
            "thresholds": dict(self._thresholds),
            "deterministic": self._deterministic,
            "exploration_seconds": self.exploration_seconds,
            "operations": {name: knowledge(self._table, name) for name in WORKLOADS},
        }

    def to_json(self) -> str:
        """`as_dict` as a JSON document; what was not measured is null."""
        import json

        return json.dumps(without_nan(self.as_dict()), indent=1)

    def _answer_natively(self) -> None:
        self.__dict__["decide"] = self._core.decide
