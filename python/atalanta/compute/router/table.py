"""Operations, targets and devices under the numbers that the native router knows them by. Main entry: `TargetTable`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from atalanta import _core
from atalanta.compute.devices import Device, devices
from atalanta.compute.router.decision import Decision
from atalanta.compute.router.overrides import Overrides, operations_named, tolerance_within
from atalanta.compute.router.targets import Target, targets_of
from atalanta.compute.router.workloads import CLASSES, WORKLOADS
from atalanta.errors import DeviceError, InputError

__all__ = ["ORIGIN", "TargetTable"]

ORIGIN = "compute.router"
_ANY = (1 << 32) - 1


class TargetTable:
    """The native router with everything registered; devices join the choice when they are admitted.

    Args:
        given: the devices, the first always available; None for all of this machine's that may be chosen.
        seed: of the native router's chance.
        asked: which devices may be chosen, and tolerances of calls that name none; of this machine's devices only.
    """

    def __init__(
        self,
        given: Sequence[Device] | None,
        seed: int,
        asked: Overrides = Overrides(),  # noqa: B008 - frozen
    ) -> None:
        self.devices = _automatic(asked) if given is None else tuple(given)
        self._tolerances = asked.tolerances if given is None else {}
        self.targets = targets_of(self.devices)
        self.core = _core.RouterCore(Decision, seed)
        self._places = {target.name: place for place, target in enumerate(self.targets)}
        self._admitted: set[str] = set()
        self._lock = threading.RLock()
        for target in self.targets:
            self.core.add_target(target.name, target.tier, False, 0.0)
        self._register_operations()
        self._name_devices()

    def _register_operations(self) -> None:
        for workload in WORKLOADS.values():
            name, kind = workload.name, workload.kind
            place = self.core.add_operation(name, kind, workload.bytes_per_element)
            if CLASSES[kind] == name and kind != name:
                self.core.add_alias(kind, place)
            self.core.set_default_tolerance(place, self.default_tolerance(name))

    def _name_devices(self) -> None:
        self.core.name_device("auto", _ANY)
        for device in self.devices:
            self.core.name_device(device.name, sum(1 << place for place in self.places_of(device)))
        for place, target in enumerate(self.targets):
            self.core.name_device(target.name, 1 << place)

    # Devices

    def admit(self, device: Device) -> bool:
        """Let a device be chosen if it is available."""
        with self._lock:
            if device.name in self._admitted:
                return True
            if not device.availability().available:
                return False
            for place in self.places_of(device):
                target = self.targets[place]
                for name, error in target.errors.items():
                    self.core.allow(self.operation(name), place, error)
                    self.core.join(self.operation(name), place, target.joins_above)
            self._admitted.add(device.name)
            return True

    def require(self, name: str) -> None:
        """Make a device that is asked for by name ready; a target's name stands for its device.

        Raises:
            DeviceError: it is not available here.
        """
        wanted = name.partition(":")[0]
        for device in self.devices:
            if device.name == wanted and not self.admit(device):
                state = device.availability()
                mend = f": {state.mend}" if state.mend else ""
                raise DeviceError(f"[{ORIGIN}] {wanted} is not available: {state.reason}{mend}")

    def is_admitted(self, device: Device) -> bool:
        """Whether it may be chosen."""
        return device.name in self._admitted

    # Names and numbers

    def operation(self, name: str) -> int:
        """The number of an operation, or of a class's first.

        Raises:
            InputError: there is none of that name.
        """
        return self.core.operation_index(name, ORIGIN)

    def operation_name(self, name: str) -> str:
        """An operation's own name."""
        return tuple(WORKLOADS)[self.operation(name)]

    def operation_names(self, name: str) -> tuple[str, ...]:
        """The operation of that name, or all of the class."""
        return operations_named(name) or (self.operation_name(name),)

    def place(self, target: str) -> int:
        """The number of a target.

        Raises:
            InputError: there is none of that name.
        """
        if target not in self._places:
            raise InputError(f"[{ORIGIN}] target is {target!r}; it must be one of {', '.join(self._places)}")
        return self._places[target]

    def places_of(self, device: Device) -> list[int]:
        """The numbers of a device's targets."""
        return [place for place, target in enumerate(self.targets) if target.device is device]

    def among(self, device: str | None) -> int:
        """The targets of a device as a bit set, ready to be used; of all for None and 'auto'.

        Raises:
            InputError: there is none of that name.
            DeviceError: it is not available here.
        """
        mask = self.core.device_mask(device, ORIGIN)
        if device is not None and device != "auto":
            self.require(device)
        return mask

    def pins(self, asked: str, names: Sequence[str], target: str | None) -> dict[str, int | None]:
        """The place of the one target that a name stands for, by each operation that it does.

        Raises:
            InputError: none or several.
        """
        if target is None:
            return dict.fromkeys(names)
        able = {name: [p for p in self.able(name) if target in self._names_of(p)] for name in names}
        if not any(able.values()):
            fit = sorted({self.targets[place].name for name in names for place in self.able(name)})
            raise InputError(
                f"[{ORIGIN}.pin] target of {asked} is {target!r}, which is none of {', '.join(fit) or 'nothing'}"
            )
        for name, places in able.items():
            if len(places) > 1:
                several = ", ".join(self.targets[place].name for place in places)
                raise InputError(
                    f"[{ORIGIN}.pin] target of {name} is {target!r}, which has several: give one of {several}"
                )
        return {name: places[0] for name, places in able.items() if places}

    def _names_of(self, place: int) -> tuple[str, str]:
        return self.targets[place].name, self.targets[place].device.name

    # What is possible

    def able(self, operation: str) -> Iterator[int]:
        """The targets that do an operation, available or not."""
        return (place for place, target in enumerate(self.targets) if operation in target.errors)

    def admitted(self, operation: str) -> list[tuple[int, Target]]:
        """The targets that may be chosen for an operation."""
        places = [place for place in self.able(operation) if self.is_admitted(self.targets[place].device)]
        return [(place, self.targets[place]) for place in places]

    def default_tolerance(self, operation: str) -> float:
        """What the configuration says, else the error of the first device's first target.

        Infinite where that does not do the operation.

        Raises:
            InputError: the configuration asks for less than that error.
        """
        least = self.targets[0].errors.get(operation, float("inf"))
        return tolerance_within(operation, self._tolerances.get(operation), least)


def _automatic(asked: Overrides) -> tuple[Device, ...]:
    allowed = asked.devices
    return tuple(one for one in devices() if one.automatic and (allowed is None or one.name in allowed))
