"""The Neural Engine: registered, and not available in this version. It will run models (`inference`), not formulas."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from types import MappingProxyType

import numpy.typing as npt

from atalanta.compute.devices.protocol import Availability, Capability, Result, require
from atalanta.errors import DeviceError

__all__ = ["NeuralEngineDevice", "make"]

_NOTHING: Mapping[str, Capability] = MappingProxyType({})


class NeuralEngineDevice:
    """A name that says why it cannot be used."""

    name = "neural_engine"
    automatic = True

    def availability(self) -> Availability:
        """Never in this version."""
        if sys.platform == "darwin" and platform.machine() == "arm64":
            return Availability(
                False,
                "it computes in half precision, which cannot price to a cent, and no model runs on it yet",
            )
        return Availability(False, "this machine has none: it is a part of Apple silicon")

    def capabilities(self) -> Mapping[str, Capability]:
        """None yet."""
        return _NOTHING

    def run(self, operation: str, *arrays: npt.ArrayLike, tolerance: float | None = None) -> Result:
        """See `Device.run`; refuses everything."""
        require(self, operation, len(arrays), tolerance)
        raise DeviceError(
            f"[compute.neural_engine] this device is not available: {self.availability().reason}"
        )


def make() -> NeuralEngineDevice:
    """The device."""
    return NeuralEngineDevice()
