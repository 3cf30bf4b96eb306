"""The router: decides where an operation runs, runs it there, and learns from the time it took. Main entry: `Router`."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from atalanta import _core
from atalanta.compute.devices import OPERATIONS, Device, Result, devices
from atalanta.compute.devices.protocol import operation as known_operation
from atalanta.compute.router.calibration import Clock, calibrate
from atalanta.compute.router.caches import cache_bytes
from atalanta.compute.router.decision import Crossover, Decision, Explanation, Prediction
from atalanta.compute.router.overrides import Overrides, operations_named, overrides
from atalanta.compute.router.record import Curves, Refused, calibration_path, fingerprint, load, save
from atalanta.compute.router.state import CalibrationState, CalibrationWarning, say_once
from atalanta.compute.router.targets import Target, targets_of
from atalanta.compute.router.workloads import CLASSES, POOL_ROWS, WORKLOADS, Workload, work_of
from atalanta.errors import DeviceError, InputError

__all__ = ["Router"]

_ORIGIN = "compute.router"
_NS = 1e9
#: Of an operation that runs in the event loop's own thread; a longer one is given to a helper thread.
_INLINE_SECONDS = 100e-6
_P99 = 2.326  # standard deviations
_LARGEST_DOUBLING = 32

#: What a device may raise when it, and not the caller, is at fault.
_FAILURES = (DeviceError, RuntimeError, MemoryError, OSError)


class Router:
    """Where an operation finishes soonest at the accuracy asked for.

    First the accuracy gate and the health of the devices, then the predicted time a + b * work + transfer. Times are
    measured on this machine: in at most `budget` seconds at the first use, kept in a file, and refined by timing
    some of the calls. One router may be used by any number of threads.

    Args:
        devices: to choose from, the first always available; None for all of this machine's.
        calibrate: measure, or read the file, at the first use; False leaves the built-in thresholds in force.
        budget: seconds of calibration at the first use.
        path: the calibration file; None for the default of this machine's devices (`ATALANTA_CALIBRATION`, or the
            user's cache folder), and for no file where `devices` were given.
        deterministic: no learning and no tries; None for what `ATALANTA_DETERMINISTIC` says.
        clock: nanoseconds, only ever growing.
        seed: of the chance by which calls are tried elsewhere.

    Raises:
        InputError: an environment variable that cannot be followed.

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
        budget: float = 0.05,
        path: Path | None = None,
        deterministic: bool | None = None,
        clock: Clock = time.perf_counter_ns,
        seed: int = 1,
    ) -> None:
        self._own = devices is None
        self._devices: tuple[Device, ...] = _automatic() if devices is None else tuple(devices)
        self._clock, self._budget, self._path = clock, budget, path
        self._core = _core.RouterCore(Decision, seed)
        self._lock = threading.RLock()
        self._admitted: set[str] = set()
        self._thresholds: dict[str, int] = {}
        self._pins: dict[str, str] = {}
        self._state: dict[str, CalibrationState] = {}
        self._targets = targets_of(self._devices)
        self._index = {target.name: place for place, target in enumerate(self._targets)}
        self._register()
        self._follow(overrides(), deterministic)
        self._begun = not calibrate
        self._admit(self._devices[0])
        if not calibrate:
            self._admit_all()
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
        name = self._name_of(operation)
        limit = self._default_tolerance(name) if tolerance is None else tolerance
        predictions = [
            self._prediction(name, target, work, limit, residency == "device")
            for target in self._targets
            if self._may_run(name, target)
        ]
        predictions.sort(key=lambda one: one.seconds if one.seconds == one.seconds else float("inf"))
        return Explanation(
            name,
            WORKLOADS[name].kind,
            work,
            limit,
            OPERATIONS[name].measure,
            decision,
            tuple(predictions),
            tuple(self._crossovers(name, limit, residency)),
        )

    def predict(self, operation: str, target: str, work: int) -> float:
        """Seconds that an operation of this size is expected to take; NaN where that was not measured.

        Args:
            operation: as in `decide`.
            target: one of `targets`.
            work: as in `decide`.

        Raises:
            InputError: an unknown operation or target.
        """
        self.begin()
        known = self._core.prediction(self._operation(operation), self._place(target), work)
        return float(known["ns"]) / _NS

    # Running

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
        self.begin()
        known_operation(operation, _ORIGIN)
        work = work_of(operation, arrays)
        limit = self._default_tolerance(operation) if tolerance is None else float(tolerance)
        among = self._among(device)
        while True:
            target, reason, timed = self._core.choose(
                self._operation(operation),
                work,
                limit,
                among,
                None if deadline is None else deadline * _NS,
                False,
                self._clock(),
                _ORIGIN,
            )
            try:
                return self.attempt(operation, target, work, arrays, timed=timed, probe=reason == "probe")
            except _FAILURES:
                among &= ~(1 << target)
                if not self._anyone_left(operation, limit, among):
                    raise

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

        known_operation(operation, _ORIGIN)
        if self._begun:
            size = work_of(operation, arrays)
            expected = self._core.decide(operation, size, tolerance=tolerance, device=device).seconds
            if expected < _INLINE_SECONDS:
                return work()
        return await asyncio.to_thread(work)

    def attempt(
        self, operation: str, target: int, work: int, arrays: Sequence[Any], *, timed: bool, probe: bool = False
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
        start = self._clock()
        try:
            result = self._targets[target].run(operation, arrays)
        except _FAILURES:
            self._core.fail(target, self._clock())
            raise
        if timed or probe:
            self._core.observe(self._operation(operation), target, work, self._clock() - start, probe)
        return result

    # The user's word

    def pin(self, operation: str, target: str | None) -> str | None:
        """Let an operation, or all of a class, run on one target, whatever was measured; None lifts it.

        A target that does not meet the tolerance of a call is an error then; one that failed is replaced.

        Args:
            operation: as in `decide`.
            target: one of `targets`, or a device that has one target for the operation.

        Returns:
            The target before, so that it can be put back.

        Raises:
            InputError: an unknown operation or target, or one that does not do the operation.
        """
        names = self._names(operation)
        before = self._pins.get(names[0])
        chosen = [None if target is None else self._pinnable(name, target) for name in names]
        for name, place in zip(names, chosen, strict=True):
            self._core.pin(self._operation(name), place)
            if place is None:
                self._pins.pop(name, None)
            else:
                self._pins[name] = self._targets[place].name
        return before

    def set_threshold(self, operation: str, work: int | None) -> int | None:
        """Let an operation, or all of a class, leave the baseline from so many elements on; None lifts it.

        Args:
            operation: as in `decide`.
            work: elements, from 1 up.

        Returns:
            The threshold before, so that it can be put back.

        Raises:
            InputError: an unknown operation, or a threshold that is none.
        """
        if work is not None and (isinstance(work, bool) or not isinstance(work, int) or work < 1):
            raise InputError(f"[{_ORIGIN}.set_threshold] work is {work!r}; it must be a whole number from 1 up, or None")
        names = self._names(operation)
        before = self._thresholds.get(names[0])
        for name in names:
            self._core.set_threshold(self._operation(name), work or 0)
            if work is None:
                self._thresholds.pop(name, None)
            else:
                self._thresholds[name] = work
        return before

    # Calibration

    def begin(self) -> None:
        """Read the calibration file, or measure, unless that was done; the first use does it by itself."""
        if self._begun:
            return
        with self._lock:
            if self._begun:
                return
            self._load_or_measure(self._devices[0])
            self._begun = True
            if self._own:
                others = [device for device in self._devices[1:] if device.name not in self._admitted]
                if others:
                    # Compiling kernels takes longer than a first call may wait.
                    threading.Thread(
                        target=self._begin_others, args=(others,), name="atalanta-calibration", daemon=True
                    ).start()
            else:
                self._begin_others(self._devices[1:])
            self._answer_natively()

    def calibrate(self, budget: float = 0.05) -> None:
        """Measure again, every available device for `budget` seconds, and write the file.

        Args:
            budget: seconds for each device, beside what it needs to get ready.

        Raises:
            InputError: a budget that is no positive number.
        """
        if not budget > 0.0:
            raise InputError(f"[{_ORIGIN}.calibrate] budget is {budget!r}; it must be a number of seconds above 0")
        with self._lock:
            for device in self._devices:
                if self._admit(device):
                    self._measure(device, budget, "")
            self._begun = True
            self._answer_natively()

    def prepare(self, device: str) -> None:
        """Make a device that is asked for by name ready, or say why that is not possible.

        Args:
            device: its name, or that of one of its targets.

        Raises:
            DeviceError: it is not available here.
        """
        wanted = device.partition(":")[0]
        for one in self._devices:
            if one.name == wanted and not self._admit(one):
                state = one.availability()
                mend = f": {state.mend}" if state.mend else ""
                raise DeviceError(f"[{_ORIGIN}] {wanted} is not available: {state.reason}{mend}")

    # What there is

    @property
    def targets(self) -> tuple[str, ...]:
        """What may be chosen, by name; of devices that are not available too."""
        return tuple(target.name for target in self._targets)

    @property
    def devices(self) -> tuple[Device, ...]:
        """What the targets belong to."""
        return self._devices

    @property
    def operations(self) -> tuple[str, ...]:
        """What it decides on."""
        return tuple(WORKLOADS)

    @property
    def calibrations(self) -> dict[str, CalibrationState]:
        """Where what is known of each device is from."""
        return dict(self._state)

    @property
    def exploration_seconds(self) -> float:
        """Spent so far, beyond the best known choice, on calls that were tried elsewhere."""
        return self._core.exploration_ns / _NS

    def as_dict(self) -> dict[str, Any]:
        """Everything that decides, in plain types: calibration, overrides, predictions by operation and target."""
        return {
            "targets": [
                {"name": target.name, "tier": target.tier, "failures": self._core.failures(place)}
                for place, target in enumerate(self._targets)
            ],
            "calibration": {name: state.as_dict() for name, state in self._state.items()},
            "pins": dict(self._pins),
            "thresholds": dict(self._thresholds),
            "deterministic": self._deterministic,
            "exploration_seconds": self.exploration_seconds,
            "operations": {name: self._curves_of(name) for name in WORKLOADS},
        }

    def to_json(self) -> str:
        """`as_dict` as a JSON document; what was not measured is null."""
        return json.dumps(_without_nan(self.as_dict()), indent=1)

    # Setting up

    def _register(self) -> None:
        for target in self._targets:
            self._core.add_target(target.name, target.tier, False, 0.0)
        caches = cache_bytes()
        for workload in WORKLOADS.values():
            place = self._core.add_operation(
                workload.name, workload.kind, workload.bytes_per_element, _bends(workload, caches)
            )
            kind = workload.kind
            if CLASSES[kind] == workload.name and kind != workload.name:
                self._core.add_alias(kind, place)
            error = self._targets[0].errors.get(workload.name)
            self._core.set_default_tolerance(place, error if error is not None else float("inf"))
        self._core.name_device("auto", (1 << 32) - 1)
        for device in self._devices:
            places = [place for place, target in enumerate(self._targets) if target.device is device]
            self._core.name_device(device.name, sum(1 << place for place in places))
        for place, target in enumerate(self._targets):
            self._core.name_device(target.name, 1 << place)

    def _follow(self, given: Overrides, deterministic: bool | None) -> None:
        self._deterministic = given.deterministic if deterministic is None else deterministic
        self._core.set_deterministic(self._deterministic)
        for name, target in given.pins.items():
            if self._own:
                self.pin(name, target)
        for name, work in given.thresholds.items():
            self.set_threshold(name, work)

    def _admit(self, device: Device) -> bool:
        """Let a device be chosen if it is available."""
        with self._lock:
            if device.name in self._admitted:
                return True
            if not device.availability().available:
                return False
            for place, target in enumerate(self._targets):
                if target.device is device:
                    for name, error in target.errors.items():
                        self._core.allow(self._operation(name), place, error)
            self._admitted.add(device.name)
            return True

    def _admit_all(self) -> None:
        for device in self._devices:
            self._admit(device)

    def _answer_natively(self) -> None:
        self.__dict__["decide"] = self._core.decide

    def _begin_others(self, others: Sequence[Device]) -> None:
        for device in others:
            if self._admit(device):
                self._load_or_measure(device)

    def _load_or_measure(self, device: Device) -> None:
        path = self._file_of(device)
        note = ""
        try:
            curves = None if path is None else load(path, fingerprint(device.availability().reason))
        except Refused as refusal:
            curves, note = None, f"{path} was refused: {refusal}"
            say_once(
                f"[{_ORIGIN}] the calibration file {path} was refused and is measured anew: {refusal}",
                CalibrationWarning,
            )
        if curves is None or not self._use(device, curves):
            self._measure(device, self._budget, note)
        else:
            self._state[device.name] = CalibrationState(device.name, "file", path, 0.0, len(curves), note)

    def _measure(self, device: Device, budget: float, note: str) -> None:
        targets = [target for target in self._targets if target.device is device]
        start = self._clock()
        curves = calibrate(targets, budget * _NS, self._clock)
        seconds = (self._clock() - start) / _NS
        self._use(device, curves)
        path = self._file_of(device)
        source = "measured"
        if path is not None:
            try:
                save(path, fingerprint(device.availability().reason), curves)
            except OSError as error:
                note = f"{note}; " * bool(note) + f"not saved to {path}: {error.strerror or error}"
        self._state[device.name] = CalibrationState(device.name, source, path, seconds, len(curves), note)

    def _use(self, device: Device, curves: Curves) -> bool:
        """Take measured curves; False where some target has none, so that they are of another version of it."""
        known = {target.name: target for target in self._targets if target.device is device}
        used = {name: False for name in known}
        for (operation, target), points in curves.items():
            if target in known and operation in known[target].errors:
                self._core.calibrate(self._operation(operation), self._index[target], points)
                used[target] = True
        return all(used.values())

    def _file_of(self, device: Device) -> Path | None:
        if self._path is not None:
            first = device is self._devices[0]
            return self._path if first else self._path.with_name(f"{self._path.stem}-{device.name}{self._path.suffix}")
        return calibration_path(device.name) if self._own else None

    # Names

    def _operation(self, name: str) -> int:
        return self._core.operation_index(name, _ORIGIN)

    def _name_of(self, operation: str) -> str:
        return list(WORKLOADS)[self._operation(operation)]

    def _names(self, operation: str) -> tuple[str, ...]:
        return operations_named(operation) or (self._name_of(operation),)

    def _place(self, target: str) -> int:
        if target not in self._index:
            raise InputError(f"[{_ORIGIN}] target is {target!r}; it must be one of {', '.join(self._index)}")
        return self._index[target]

    def _among(self, device: str | None) -> int:
        among = self._core.device_mask(device, _ORIGIN)
        if device not in (None, "auto"):
            self.prepare(str(device))
        return among

    def _pinnable(self, operation: str, target: str) -> int:
        able = [
            place
            for place, one in enumerate(self._targets)
            if target in (one.name, one.device.name) and operation in one.errors
        ]
        if len(able) == 1:
            return able[0]
        fit = [one.name for one in self._targets if operation in one.errors]
        problem = "names several targets" if able else "does not do it, or is none"
        raise InputError(f"[{_ORIGIN}.pin] target of {operation} is {target!r}, which {problem}; give one of {', '.join(fit)}")

    # Knowledge

    def _default_tolerance(self, operation: str) -> float:
        return self._targets[0].errors.get(operation, float("inf"))

    def _may_run(self, operation: str, target: Target) -> bool:
        return operation in target.errors and target.device.name in self._admitted

    def _anyone_left(self, operation: str, limit: float, among: int) -> bool:
        return any(
            self._may_run(operation, target) and target.errors[operation] <= limit and among >> place & 1
            for place, target in enumerate(self._targets)
        )

    def _prediction(
        self, operation: str, target: Target, work: int, limit: float, on_device: bool
    ) -> Prediction:
        known = self._core.prediction(self._operation(operation), self._index[target.name], work, on_device)
        seconds = known["ns"] / _NS
        return Prediction(
            target.name,
            seconds,
            seconds * 2.718281828459045 ** (_P99 * known["spread"]),
            known["calibrated_ns"] / _NS,
            known["error"],
            known["error"] <= limit,
            known["usable"],
            known["samples"],
        )

    def _crossovers(self, operation: str, limit: float, residency: str | None) -> list[Crossover]:
        found: list[Crossover] = []
        before: str | None = None
        for quarter in range(4 * _LARGEST_DOUBLING):
            work = round(2.0 ** (quarter / 4))
            after = self._core.decide(operation, work, tolerance=limit, residency=residency).target
            if before is not None and after != before:
                found.append(Crossover(work, before, after))
            before = after
        return found

    def _curves_of(self, operation: str) -> dict[str, Any]:
        curves = {}
        for target in self._targets:
            if self._may_run(operation, target):
                place = self._index[target.name]
                works = [4**power for power in range(1, 13)]
                known = [self._core.prediction(self._operation(operation), place, work) for work in works]
                curves[target.name] = {
                    "error": target.errors[operation],
                    "work": works,
                    "seconds": [one["ns"] / _NS for one in known],
                    "samples": known[0]["samples"],
                }
        return curves


def _automatic() -> tuple[Device, ...]:
    return tuple(device for device in devices() if device.automatic)


def _bends(workload: Workload, caches: Sequence[float]) -> list[float]:
    """Bytes at which the time per element changes: the caches, and for options where the pool sets in."""
    if workload.kind != "pricing":
        return list(caches)
    return [POOL_ROWS * workload.bytes_per_element, *caches[1:]]


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value

