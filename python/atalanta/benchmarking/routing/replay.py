"""Measured costs of real kernels as devices of a router on a clock of its own. Main entry: `replayed_router`.

A live run judges choices by readings of another moment: on a busy machine the moments differ by more than the targets.
Here the least reading of each target and size is the truth, kinks and all, and calls scatter around it as they do on
a quiet machine: by 8 %, with one in a hundred two times as long or more.
"""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from atalanta.benchmarking.routing.oracle import Row
from atalanta.compute import Router
from atalanta.compute.devices import Availability, Capability, Format, Result
from atalanta.compute.router.workloads import WORKLOADS, work_of

__all__ = ["Clock", "Replayed", "replayed_router"]


_NOISE, _SPIKES = 0.08, 0.01


class Clock:
    """Nanoseconds that pass when a call is replayed."""

    now = 1_000_000_000

    def __call__(self) -> int:
        """Now."""
        return self.now


class Replayed:
    """One target of one operation."""

    automatic = True

    def __init__(
        self,
        name: str,
        operation: str,
        costs: Mapping[int, float],
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self.name, self._operation, self._clock, self._chance = name, operation, clock, chance
        self._costs = dict(costs)
        self._works = sorted(costs)

    def availability(self) -> Availability:
        """Always."""
        return Availability(True, f"recorded {self.name}")

    def capabilities(self) -> Mapping[str, Capability]:
        """Its operation."""
        return {self._operation: Capability((Format("recorded", 1e-15),))}

    def run(self, operation: str, *arrays: npt.ArrayLike, tolerance: float | None = None) -> Result:
        """Let the time of a call pass."""
        del tolerance
        self.take(work_of(operation, arrays))
        return np.zeros(0)

    def take(self, work: int) -> float:
        """Nanoseconds of a call, in proportion to the nearest measured size."""
        place = bisect.bisect_left(self._works, work)
        near = self._works[max(0, place - 1) : place + 1]
        recorded = min(near, key=lambda one: abs(math.log(max(work, 1) / one)))
        scale = math.pow(max(work, 1) / recorded, WORKLOADS[self._operation].growth)
        ns = self._costs[recorded] * scale * self._chance.lognormvariate(0.0, _NOISE)
        if self._chance.random() < _SPIKES:
            ns *= 2.0 + self._chance.expovariate(1.0)
        self._clock.now += max(1, round(ns))
        return ns


def replayed_router(operation: str, rows: Sequence[Row], seed: int) -> tuple[Router, list[Replayed], Clock]:
    """A router over measured targets; the first is the baseline."""
    clock, chance = Clock(), random.Random(seed)
    names = list(rows[0].readings)
    devices = [
        Replayed(name.replace(":", "_"), operation, {row.work: row.ns[name] for row in rows}, clock, chance)
        for name in names
    ]
    return Router(devices, clock=clock, seed=seed), devices, clock
