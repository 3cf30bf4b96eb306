"""A device that slows down, fails and recovers, on a clock of its own. Main entry: `disturbances`."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.compute import Router
from atalanta.compute.devices import Availability, Capability, Format, Result
from atalanta.errors import DeviceError

__all__ = ["Disturbances", "disturbances"]

_WORK = 100_000  # 90 us on the host, 62 us on the device
_NOISE = 0.08


@dataclass(frozen=True)
class Disturbances:
    """How the router bore it, the worst of several runs."""

    calls_until_slow_left: int
    seconds_until_slow_back: float
    calls_until_failing_left: int
    seconds_until_failing_back: float
    exploration_share: float


class _Clock:
    now = 1_000_000_000

    def __call__(self) -> int:
        return self.now


class _Simulated:
    automatic = True

    def __init__(self, name: str, clock: _Clock, ns: Callable[[int], float], chance: random.Random) -> None:
        self.name, self._clock, self._ns, self._chance = name, clock, ns, chance
        self.factor, self.failing = 1.0, False

    def availability(self) -> Availability:
        return Availability(True, f"simulated {self.name}")

    def capabilities(self) -> Mapping[str, Capability]:
        return {"add": Capability((Format("float64", 1e-15),))}

    def run(self, operation: str, *arrays: npt.ArrayLike, tolerance: float | None = None) -> Result:
        del operation, tolerance
        if self.failing:
            raise DeviceError(f"[compute.{self.name}] failed")
        work = int(np.size(arrays[0]))
        self._clock.now += round(self.factor * self._ns(work) * self._chance.lognormvariate(0.0, _NOISE))
        return np.zeros(0)


def disturbances(runs: int = 10) -> Disturbances:
    """Slow a device twofold, mend it, let it fail, mend it; each run with a chance of its own."""
    made = [_one(seed) for seed in range(1, runs + 1)]
    fields = Disturbances.__dataclass_fields__
    return Disturbances(**{name: max(getattr(one, name) for one in made) for name in fields})


def _one(seed: int) -> Disturbances:
    clock, chance = _Clock(), random.Random(seed)
    host = _Simulated("host", clock, lambda work: 300.0 + 0.9 * work, chance)
    device = _Simulated("device", clock, lambda work: 60e3 + 0.02 * work, chance)
    router = Router([host, device], clock=clock, seed=seed)
    arrays = (np.zeros(_WORK), np.zeros(_WORK))
    begin = clock.now
    router.begin()

    def call() -> None:
        router.run("add", *arrays)

    def uses_device() -> bool:
        return router.decide("add", _WORK).device == "device"

    for _ in range(200):
        call()
    device.factor = 2.0
    slow_left = _count(call, lambda: not uses_device())
    _pass(clock, call, 2.0)
    device.factor = 1.0
    slow_back = _seconds(clock, call, uses_device)
    _pass(clock, call, 1.0)
    device.failing = True
    failing_left = _count(call, lambda: not uses_device())
    _pass(clock, call, 5.0)
    device.failing = False
    failing_back = _seconds(clock, call, uses_device)
    share = router.exploration_seconds / (1e-9 * (clock.now - begin))
    return Disturbances(slow_left, slow_back, failing_left, failing_back, share)


def _count(call: Callable[[], Any], ended: Callable[[], bool], most: int = 10_000) -> int:
    calls = 0
    while not ended() and calls < most:
        call()
        calls += 1
    return calls


def _pass(clock: _Clock, call: Callable[[], Any], seconds: float) -> None:
    end = clock.now + seconds * 1e9
    while clock.now < end:
        call()


def _seconds(clock: _Clock, call: Callable[[], Any], ended: Callable[[], bool], most: float = 60.0) -> float:
    begin = clock.now
    while not ended() and clock.now - begin < most * 1e9:
        call()
    return (clock.now - begin) * 1e-9
