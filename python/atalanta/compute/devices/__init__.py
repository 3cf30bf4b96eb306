"""The devices: one protocol, and the CPU, the GPU, the Neural Engine and the GPU's emulation behind it.

Results are evaluated NumPy arrays. Nothing optional is imported before the device that needs it is asked.
"""

from __future__ import annotations

from atalanta.compute.devices.protocol import (
    OPERATIONS,
    Availability,
    Capability,
    Device,
    Format,
    Operation,
    Result,
)
from atalanta.compute.devices.registry import DEVICE_NAMES, device, devices, devices_within

__all__ = [
    "DEVICE_NAMES",
    "OPERATIONS",
    "Availability",
    "Capability",
    "Device",
    "Format",
    "Operation",
    "Result",
    "device",
    "devices",
    "devices_within",
]
