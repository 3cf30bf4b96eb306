"""Devices whose costs are known, on a clock that only they move."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from atalanta.compute.devices import Availability, Capability, Format
from atalanta.compute.router.workloads import work_of
from atalanta.errors import DeviceError


@dataclass
class FakeClock:
    """Nanoseconds that pass when somebody says so."""

    now: int = 1_000_000_000

    def __call__(self) -> int:
        return self.now


@dataclass
class FakeDevice:
    """Adds, multiplies and takes exponentials, in a time that is given and not in the time it takes."""

    name: str
    clock: FakeClock
    ns: Callable[[int], float]
    errors: dict[str, float] = field(default_factory=lambda: {"add": 1e-15, "exp": 1e-15})
    automatic: bool = True
    available: bool = True
    failing: bool = False
    factor: float = 1.0
    noise: random.Random = field(default_factory=lambda: random.Random(1))
    calls: int = 0
    tolerances: list[float | None] = field(default_factory=list)

    def availability(self):
        if self.available:
            return Availability(True, f"a device called {self.name}")
        return Availability(False, "it was unplugged", "plug it in")

    def capabilities(self):
        return {name: Capability((Format("float64", error),)) for name, error in self.errors.items()}

    def run(self, operation, *arrays, tolerance=None):
        self.calls += 1
        self.tolerances.append(tolerance)
        if self.failing:
            raise DeviceError(f"[compute.{self.name}] failed")
        spread = 1.0 + 0.05 * self.noise.uniform(-1.0, 1.0)
        self.clock.now += max(1, round(self.factor * spread * self.ns(work_of(operation, arrays))))
        given = [np.asarray(array, np.float64) for array in arrays]
        return given[0] + given[1] if operation == "add" else np.exp(given[0])


def two_devices():
    """A host that starts at once, and a device that is launched: equal at about 67,000 elements."""
    clock = FakeClock()
    host = FakeDevice("host", clock, lambda work: 300.0 + 0.9 * work)
    device = FakeDevice("device", clock, lambda work: 60e3 + 0.02 * work)
    return clock, host, device
