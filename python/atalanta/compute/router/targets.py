"""What the router chooses from: each device in each of its formats, the CPU also by its pool. Main entry: `targets_of`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from atalanta import pricing
from atalanta.compute.devices import Capability, Device, Format, Result
from atalanta.compute.devices.cpu import CpuDevice
from atalanta.compute.router.workloads import POOL_ROWS

__all__ = ["ONE_THREAD", "POOL", "Target", "targets_of"]

#: The CPU's targets for options. Arrays are NumPy's affair, under the first name.
ONE_THREAD, POOL = "cpu:one", "cpu:pool"

_PRICED = ("price", "greeks", "implied_vol")


class Target(NamedTuple):
    """A device in one arithmetic.

    Attributes:
        name: device and format, `gpu:float32`; of the CPU `cpu:one`, `cpu:pool` and `cpu:float32`.
        tier: baseline, wide or accelerator, see the router's page.
        errors: guaranteed, by operation; only these are run.
        run: the operation on arrays.
        joins_above: up to so many elements it does what the baseline does, and is not measured apart.
    """

    name: str
    device: Device
    tier: str
    errors: Mapping[str, float]
    run: Callable[[str, Sequence[Any]], Result]
    joins_above: int = 0


def targets_of(devices: Sequence[Device]) -> list[Target]:
    """All targets of some devices; the first device's first is the baseline, which is always there."""
    targets = []
    for place, device in enumerate(devices):
        if isinstance(device, CpuDevice):
            targets += _of_the_cpu(device)
        else:
            targets += _by_format(device, "baseline" if place == 0 else "accelerator")
    return targets


def _by_format(device: Device, tier: str) -> list[Target]:
    errors: dict[str, dict[str, float]] = {}
    for operation, capability in device.capabilities().items():
        for one in capability.formats:
            errors.setdefault(one.name, {})[operation] = one.error
    return [
        Target(f"{device.name}:{name}", device, tier, of_format, _runner(device, of_format))
        for name, of_format in errors.items()
    ]


def _runner(device: Device, errors: Mapping[str, float]) -> Callable[[str, Sequence[Any]], Result]:
    return lambda operation, arrays: device.run(operation, *arrays, tolerance=errors[operation])


def _of_the_cpu(device: CpuDevice) -> list[Target]:
    exact: dict[str, float] = {}
    single: dict[str, float] = {}
    for operation, capability in device.capabilities().items():
        exact[operation] = capability.error
        rough = _rougher(capability)
        if rough is not None:
            single[operation] = rough.error
    priced = {name: exact[name] for name in _PRICED}
    return [
        Target(ONE_THREAD, device, "baseline", exact, _on_threads(device, exact, 1)),
        Target(POOL, device, "wide", priced, _on_threads(device, exact, None), POOL_ROWS),
        Target("cpu:float32", device, "accelerator", single, _runner(device, single)),
    ]


def _rougher(capability: Capability) -> Format | None:
    return next((one for one in capability.formats if one.error > capability.error), None)


def _on_threads(
    device: CpuDevice, errors: Mapping[str, float], threads: int | None
) -> Callable[[str, Sequence[Any]], Result]:
    kernels = {"price": _price, "greeks": _greeks, "implied_vol": _implied_vol}
    others = _runner(device, errors)

    def run(operation: str, arrays: Sequence[Any]) -> Result:
        kernel = kernels.get(operation)
        return others(operation, arrays) if kernel is None else kernel(arrays, threads)

    return run


def _price(arrays: Sequence[Any], threads: int | None) -> Result:
    *option, dividend_yield = arrays
    return np.asarray(pricing.price(*option, dividend_yield=dividend_yield, threads=threads))


def _greeks(arrays: Sequence[Any], threads: int | None) -> Result:
    from atalanta import _core

    *option, dividend_yield = arrays
    return np.asarray(_core.greeks(*option, dividend_yield=dividend_yield, threads=threads))


def _implied_vol(arrays: Sequence[Any], threads: int | None) -> Result:
    *quote, dividend_yield = arrays
    vols, status = pricing.implied_vol(
        *quote, dividend_yield=dividend_yield, full_output=True, threads=threads
    )
    return np.asarray(vols), np.asarray(status, np.uint8)
