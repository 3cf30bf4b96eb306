"""Recorded readings of real kernels as devices of a router on a clock of its own. Main entry: `replayed_router`.

A live run judges choices by readings of another moment: on a busy machine the moments differ by more than the targets.
Here calibration, calls and judgement draw from the same readings.
"""

from __future__ import annotations

import bisect
import math
import random
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from atalanta.benchmarking.routing.oracle import Row
from atalanta.compute import Router
from atalanta.compute.devices import Availability, Capability, Format, Result
from atalanta.compute.router.workloads import WORKLOADS, work_of

__all__ = ["Clock", "Replayed", "replayed_router"]


class Clock:
    """Nanoseconds that pass when a call is replayed."""

    now = 1_000_000_000

    def __call__(self) -> int:
        """Now."""
        return self.now


class Replayed:
    """One target of one operation: a call takes as long as some recorded one of its size did."""

    automatic = True

    def __init__(
        self,
        name: str,
        operation: str,
        readings: Mapping[int, Sequence[float]],
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self.name, self._operation, self._clock, self._chance = name, operation, clock, chance
        self._readings = dict(readings)
        self._works = sorted(readings)

    def availability(self) -> Availability:
        """Always."""
        return Availability(True, f"recorded {self.name}")

    def capabilities(self) -> Mapping[str, Capability]:
        """Its operation."""
        return {self._operation: Capability((Format("recorded", 1e-15),))}

    def run(self, operation: str, *arrays: npt.ArrayLike, tolerance: float | None = None) -> Result:
        """Let the time of a recorded call pass."""
        del tolerance
        self.take(work_of(operation, arrays))
        return np.zeros(0)

    def take(self, work: int) -> float:
        """Nanoseconds of a recorded call near that size, in proportion."""
        place = bisect.bisect_left(self._works, work)
        near = self._works[max(0, place - 1) : place + 1]
        recorded = min(near, key=lambda one: abs(math.log(max(work, 1) / one)))
        scale = math.pow(max(work, 1) / recorded, WORKLOADS[self._operation].growth)
        ns = self._chance.choice(self._readings[recorded]) * scale
        self._clock.now += max(1, round(ns))
        return ns

    def median(self, work: int) -> float:
        """Of the recorded calls of exactly that size."""
        return statistics.median(self._readings[work])


def replayed_router(operation: str, rows: Sequence[Row], seed: int) -> tuple[Router, list[Replayed], Clock]:
    """A router over recorded targets; the first is the baseline."""
    clock, chance = Clock(), random.Random(seed)
    names = list(rows[0].readings)
    devices = [
        Replayed(
            name.replace(":", "_"), operation, {row.work: row.readings[name] for row in rows}, clock, chance
        )
        for name in names
    ]
    return Router(devices, clock=clock, seed=seed), devices, clock
