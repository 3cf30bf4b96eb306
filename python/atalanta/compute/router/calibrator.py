"""Brings the native router its calibration: out of a file, else by measuring. Main entry: `Calibrator`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from atalanta.compute.devices import Device
from atalanta.compute.router.calibration import Clock, calibrate
from atalanta.compute.router.record import (
    Curves,
    Refused,
    calibration_path,
    fingerprint,
    load,
    obstacle,
    save,
)
from atalanta.compute.router.state import CalibrationState, CalibrationWarning, say_once
from atalanta.compute.router.table import ORIGIN, TargetTable

__all__ = ["Calibrator"]

_NS = 1e9


class Calibrator:
    """The calibration of every device of a table, in one file.

    Args:
        table: what is calibrated.
        budget: seconds of measuring for each device.
        path: the file; None for that of this machine, or for no file where `keeps` is false.
        keeps: whether the devices are this machine's own.
        clock: nanoseconds.
    """

    def __init__(
        self, table: TargetTable, budget: float, path: Path | None, keeps: bool, clock: Clock
    ) -> None:
        self._table, self._budget, self._path, self._keeps, self._clock = table, budget, path, keeps, clock
        self.states: dict[str, CalibrationState] = {}
        self._pending: tuple[str, ...] = ()
        self._changed = threading.Condition()

    @property
    def pending(self) -> tuple[str, ...]:
        """The devices that `begin_beside` has not begun yet, the one at hand first."""
        return self._pending

    def wait(self, seconds: float) -> None:
        """Until nothing is pending, and so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, min(seconds, threading.TIMEOUT_MAX))

    def begin(self, device: Device) -> None:
        """Read the device's file, or measure and write it."""
        path, note = self._file(), ""
        try:
            curves = None if path is None else load(path, _identity(device))
        except Refused as refusal:
            curves, keeper = None, path is not None and not obstacle(path)
            note = _told(path, refusal) * keeper
            if refusal.foreign and keeper:
                say_once(
                    f"[{ORIGIN}] the calibration file {path} was refused and is measured anew: {refusal}",
                    CalibrationWarning,
                )
        if curves is None or not self._use(device, curves):
            self.measure(device, self._budget, note)
        else:
            self.states[device.name] = CalibrationState(device.name, "file", path, 0.0, len(curves), note)

    def measure(self, device: Device, budget: float, note: str = "") -> None:
        """Measure a device now, and write its file."""
        targets = [self._table.targets[place] for place in self._table.places_of(device)]
        start = self._clock()
        curves = calibrate(targets, budget * _NS, self._clock, _process_ends)
        if _process_ends():
            return  # half a calibration is none
        seconds = (self._clock() - start) / _NS
        self._use(device, curves)
        path = self._file()
        if path is not None and (trouble := _trouble_saving(path, _identity(device), curves)):
            note = f"{note}; " * bool(note) + trouble
        self.states[device.name] = CalibrationState(device.name, "measured", path, seconds, len(curves), note)

    def begin_beside(self, devices: Sequence[Device]) -> None:
        """Begin others in a thread: compiling their kernels takes longer than a first call may wait.

        Not a daemon, which the end of the process would catch inside a device's library; it ends early instead.
        """
        self._pending = tuple(device.name for device in devices)
        threading.Thread(target=self._begin_in_turn, args=(devices,), name="atalanta-calibration").start()

    def begin_available(self, devices: Sequence[Device]) -> None:
        """Begin those of the devices that are there."""
        for device in devices:
            if not _process_ends() and self._table.admit(device) and not _process_ends():
                self.begin(device)

    def _begin_in_turn(self, devices: Sequence[Device]) -> None:
        try:
            for device in devices:
                self.begin_available([device])
                self._set_pending(self._pending[1:])
        finally:  # whoever waits need not wait for what will not come
            self._set_pending(())

    def _set_pending(self, names: tuple[str, ...]) -> None:
        with self._changed:
            self._pending = names
            self._changed.notify_all()

    def _use(self, device: Device, curves: Curves) -> bool:
        """Take curves over; False where a target has none, so that they are not all that is needed."""
        missing = set(self._table.places_of(device))
        for (operation, target), points in curves.items():
            for place in self._table.places_of(device):
                known = self._table.targets[place]
                if known.name == target and operation in known.errors:
                    self._table.core.calibrate(self._table.operation(operation), place, points)
                    missing.discard(place)
        return not missing

    def _file(self) -> Path | None:
        if self._path is None:
            return calibration_path() if self._keeps else None
        return self._path


def _trouble_saving(path: Path, machine: str, curves: Curves) -> str:
    """Write a file, unless something else stands there, which is kept; why it was not written, empty if it was."""
    if reason := obstacle(path):
        say_once(f"[{ORIGIN}] the calibration is used, and not saved: {reason}", CalibrationWarning)
        return f"not saved: {reason}"
    try:
        save(path, machine, curves)
    except OSError as error:
        return f"not saved to {path}: {error.strerror or error}"
    return ""


def _process_ends() -> bool:
    return not threading.main_thread().is_alive()


def _told(path: Path | None, refusal: Refused) -> str:
    return (
        f"{path} was refused: {refusal}"
        if refusal.foreign
        else f"nothing of these settings in {path}: {refusal}"
    )


def _identity(device: Device) -> str:
    return fingerprint(device.name, device.availability().reason)
