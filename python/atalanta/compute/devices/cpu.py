"""The CPU: the vector kernels and NumPy; always there."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import pricing
from atalanta.compute.devices.arrays import ARRAY_OPERATIONS, NUMPY_CAPABILITIES, checked, on_numpy
from atalanta.compute.devices.protocol import Availability, Capability, Format, Result, require
from atalanta.machine import cpu_features

__all__ = ["CpuDevice", "make"]

# Found by the accuracy tests against exact values, with room to spare.
_OPTIONS = {"price": 4e-15, "greeks": 1e-13, "implied_vol": 1e-15}

_CAPABILITIES: Mapping[str, Capability] = MappingProxyType(
    {name: Capability((Format("float64", error),)) for name, error in _OPTIONS.items()}
    | dict(NUMPY_CAPABILITIES)
)


class CpuDevice:
    """The vector kernels, on the default number of threads, and NumPy."""

    name = "cpu"
    automatic = True

    def availability(self) -> Availability:
        """Always there; the reason names the instruction set in use."""
        info = cpu_features()
        threads = f"{info['threads']} thread" + ("s" if info["threads"] != 1 else "")
        return Availability(True, f"vector kernels ({info['isa']}), {threads}")

    def capabilities(self) -> Mapping[str, Capability]:
        """Options in double precision; arrays in both precisions."""
        return _CAPABILITIES

    def run(self, operation: str, *arrays: npt.ArrayLike, tolerance: float | None = None) -> Result:
        """See `Device.run`."""
        chosen = require(self, operation, len(arrays), tolerance)
        if operation in ARRAY_OPERATIONS:
            return on_numpy(operation, checked(operation, arrays, "compute.cpu"), chosen.name)
        return _run_options(operation, arrays)


def _run_options(operation: str, arrays: tuple[Any, ...]) -> Result:
    *option, dividend_yield = arrays
    if operation == "price":
        return np.asarray(pricing.price(*option, dividend_yield=dividend_yield))
    if operation == "greeks":
        return pricing.greeks(*option, dividend_yield=dividend_yield).stacked()
    solved: Any = pricing.implied_vol(*option, dividend_yield=dividend_yield, full_output=True)
    return np.asarray(solved[0]), np.asarray(solved[1], np.uint8)


def make() -> CpuDevice:
    """The device."""
    return CpuDevice()
