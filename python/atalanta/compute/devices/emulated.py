"""The GPU kernels compiled for the host: for tests only, never chosen by itself, and slower than the CPU."""

from __future__ import annotations

from collections.abc import Mapping

import numpy.typing as npt

from atalanta import _core
from atalanta.compute.devices.columns import Floats, Packed
from atalanta.compute.devices.options import OPTION_CAPABILITIES, Kernel, OptionKernels
from atalanta.compute.devices.protocol import Availability, Capability, Result, require

__all__ = ["EmulatedDevice", "make"]


class EmulatedDevice:
    """What the GPU would compute, computed here."""

    name = "emulated"
    automatic = False

    def __init__(self) -> None:
        self._options = OptionKernels(_launch, "compute.emulated")

    def availability(self) -> Availability:
        """Always there."""
        return Availability(True, "the GPU kernels compiled for the host; for tests, never chosen by itself")

    def capabilities(self) -> Mapping[str, Capability]:
        """The option kernels of the GPU."""
        return OPTION_CAPABILITIES

    def run(self, operation: str, *arrays: npt.ArrayLike, tolerance: float | None = None) -> Result:
        """See `Device.run`."""
        chosen = require(self, operation, len(arrays), tolerance)
        return self._options.run(operation, arrays, chosen)


def _launch(kernel: Kernel, packed: Packed) -> Floats:
    return _core.emulate_kernel(kernel.name, packed.layout, packed.columns)


def make() -> EmulatedDevice:
    """The device."""
    return EmulatedDevice()
