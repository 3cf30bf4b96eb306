"""Every target at every size, in turns: what the best choice would take. Main entries: `measure_targets`, `Row`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from atalanta.compute.router.targets import Target
from atalanta.compute.router.workloads import WORKLOADS, work_of

__all__ = ["Row", "measure_targets", "sizes_to"]

_SAMPLE_NS = 300e3  # a reading spans at least so much
_ROUNDS = (6, 32)  # each half of them is judged by the other
_SIZE_NS = 0.6e9  # of one size, all targets together
_MOST_NS = 3e9  # then each half has one round at least
_FINE = 20  # sizes are half doublings up to 2 to this power, whole ones above


@dataclass(frozen=True)
class Row:
    """One operation at one size: readings in nanoseconds by target, which took turns."""

    operation: str
    work: int
    readings: dict[str, list[float]]

    @property
    def ns(self) -> dict[str, float]:
        """The median by target."""
        return {name: statistics.median(values) for name, values in self.readings.items()}


def sizes_to(largest: int) -> list[int]:
    """Powers of two from 64 on; below a million half doublings too."""
    return [
        round(2 ** (half / 2)) for half in range(12, 2 * largest + 1) if half <= 2 * _FINE or half % 2 == 0
    ]


def measure_targets(operation: str, targets: Sequence[Target], sizes: Sequence[int]) -> list[Row]:
    """Time every target at every size; within a round the first one rotates."""
    sample = WORKLOADS[operation].sample
    assert sample is not None
    rows = []
    for size in sizes:
        arrays = sample(size)
        readings = _in_turns(operation, targets, arrays)
        rows.append(Row(operation, work_of(operation, arrays), readings))
    return rows


def _in_turns(operation: str, targets: Sequence[Target], arrays: Sequence[Any]) -> dict[str, list[float]]:
    repeats = {target.name: _repeats(operation, target, arrays) for target in targets}
    taken: dict[str, list[float]] = {target.name: [] for target in targets}
    begin = time.perf_counter_ns()
    for turn in range(_ROUNDS[1]):
        taken_ns = time.perf_counter_ns() - begin
        if (turn >= _ROUNDS[0] and taken_ns > _SIZE_NS) or (turn >= 2 and taken_ns > _MOST_NS):
            break
        shift = turn % len(targets)
        for target in [*targets[shift:], *targets[:shift]]:
            taken[target.name].append(_reading(operation, target, arrays, repeats[target.name]))
    return taken


def _repeats(operation: str, target: Target, arrays: Sequence[Any]) -> int:
    _reading(operation, target, arrays, 1)
    return max(1, round(_SAMPLE_NS / max(_reading(operation, target, arrays, 1), 1.0)))


def _reading(operation: str, target: Target, arrays: Sequence[Any], repeats: int) -> float:
    start = time.perf_counter_ns()
    for _ in range(repeats):
        target.run(operation, arrays)
    return (time.perf_counter_ns() - start) / repeats
