"""The devices by name. Main entries: `device`, `devices`, `devices_within`."""

from __future__ import annotations

import importlib
from functools import cache

from atalanta.compute.devices.protocol import Device, check_tolerance, operation
from atalanta.errors import InputError

__all__ = ["DEVICE_NAMES", "device", "devices", "devices_within"]

# The module and function that make each; a module is imported when its device is first asked for.
_MAKER_OF = {
    "cpu": ("cpu", "make"),
    "gpu": ("gpu", "make"),
    "neural_engine": ("neural_engine", "make"),
    "emulated": ("emulated", "make"),
    "mlx_cpu": ("gpu", "make_mlx_cpu"),
}

#: In the order in which they are listed.
DEVICE_NAMES = tuple(_MAKER_OF)


@cache
def _made(name: str) -> Device:
    module, maker = _MAKER_OF[name]
    made: Device = getattr(importlib.import_module(f"atalanta.compute.devices.{module}"), maker)()
    return made


def device(name: str) -> Device:
    """The device of that name; one object per process.

    Raises:
        InputError: there is none of that name.
    """
    if name not in DEVICE_NAMES:
        raise InputError(
            f"[compute.device] device is {name!r}; it must be one of {', '.join(map(repr, DEVICE_NAMES))}"
        )
    return _made(name)


def devices() -> tuple[Device, ...]:
    """Every device, available or not, in the order of `DEVICE_NAMES`."""
    return tuple(_made(name) for name in DEVICE_NAMES)


def devices_within(name: str, tolerance: float | None) -> tuple[Device, ...]:
    """The accuracy gate: available devices that may be chosen by themselves and do `name` within `tolerance`.

    Args:
        name: an operation.
        tolerance: largest error in the operation's measure; None asks for none in particular.

    Raises:
        InputError: an unknown operation, a tolerance that is no positive number, or none of the devices meets
            it; the message lists what each guarantees.
    """
    wanted = operation(name, "compute.devices")
    check_tolerance(tolerance, "compute.devices")
    found = tuple(one for one in devices() if one.automatic and _does(one, name, tolerance))
    if not found:
        raise InputError(
            f"[compute.devices] tolerance is {tolerance!r}, and no device meets it for {name} "
            f"({wanted.measure}). Guaranteed: {_guarantees(name)}. Ask for one of these or more"
        )
    return found


def _does(one: Device, name: str, tolerance: float | None) -> bool:
    capability = one.capabilities().get(name)
    return (
        capability is not None
        and capability.format_for(tolerance) is not None
        and one.availability().available
    )


def _guarantees(name: str) -> str:
    """What each device guarantees, and whether it is there."""
    parts = []
    for one in devices():
        capability = one.capabilities().get(name)
        if one.automatic and capability is not None:
            absent = "" if one.availability().available else ", not available here"
            parts.append(f"{one.name} {capability.error:g}{absent}")
    return "; ".join(parts) or f"no device does {name}"
