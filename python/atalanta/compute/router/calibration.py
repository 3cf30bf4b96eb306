"""Measuring what operations cost here. Main entries: `measure`, `calibrate`.

Short: each pair of operation and target gets a share of the budget, and larger sizes are measured as long as they
fit into it; beyond them the curve is prolonged until calls show better.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from atalanta.compute.router.targets import Target
from atalanta.compute.router.workloads import WORKLOADS, Workload, work_of
from atalanta.errors import AtalantaError

__all__ = ["Clock", "Curve", "calibrate", "measure"]

#: Nanoseconds, only ever growing.
Clock = Callable[[], int]

#: (work, nanoseconds) by ascending work.
Curve = list[tuple[int, float]]

_REPEATS, _MORE_REPEATS = 3, 4
#: Times what the smaller size foretells: a reading beyond it was disturbed, and is taken again.
_DISTURBED = 1.5
#: Likewise: no kernel becomes so much slower from one size to the next.
_IMPOSSIBLE = 4.0
#: Measured whatever is left of the budget: a curve needs two points.
_LEAST_SIZES = 2
_LEAST_NS = 1.0
_log = logging.getLogger(__name__)


def measure(
    call: Callable[[Sequence[Any]], Any],
    workload: Workload,
    sizes: Sequence[int],
    budget_ns: float,
    clock: Clock,
) -> Curve:
    """Time a call at growing sizes, the least of a few repeats each, until the budget is spent.

    Args:
        call: takes the arrays.
        workload: gives them.
        sizes: ascending.
        budget_ns: for all sizes together; the two smallest are measured in any case.
        clock: of the measurement.
    """
    if workload.sample is None:
        return []
    curve: Curve = []
    begin = clock()
    call(workload.sample(sizes[0]))  # what is made at a first call is not what later ones cost
    for size in sizes:
        arrays = workload.sample(size)
        expected = _foretold(curve, size, workload.growth)
        left = budget_ns - (clock() - begin)
        if len(curve) >= _LEAST_SIZES and 2.0 * expected > left:
            break
        least = _least(partial(call, arrays), expected, left, clock)
        if curve and least > _IMPOSSIBLE * expected:
            break  # somebody else had the machine; the curve is prolonged instead
        curve.append((work_of(workload.name, arrays), max(least, _LEAST_NS)))
    return curve


def _foretold(curve: Curve, size: int, growth: float) -> float:
    """What the largest size so far foretells, were the time proportional."""
    if not curve:
        return float("inf")
    work, ns = curve[-1]
    return ns * math.pow(size / work, growth)


def _least(call: Callable[[], Any], expected: float, left: float, clock: Clock) -> float:
    least, begin = float("inf"), clock()
    for repeat in range(_REPEATS + _MORE_REPEATS):
        if repeat >= _REPEATS and least <= _DISTURBED * expected:
            break
        start = clock()
        call()
        least = min(least, clock() - start)
        if repeat > 0 and clock() - begin + least > left:
            break
    return least


def calibrate(targets: Sequence[Target], budget_ns: float, clock: Clock) -> dict[tuple[str, str], Curve]:
    """Measure every operation on every target that does it, the first of which is the baseline.

    Operations that have a choice of targets come first and get three times the share of the others. A target that
    fails is left out: what was not measured is not chosen.
    """
    pairs = [(name, target) for name in WORKLOADS for target in targets if name in target.errors]
    choices = {name: sum(name == other for other, _ in pairs) for name, _ in pairs}
    pairs.sort(key=lambda pair: choices[pair[0]] < 2)
    curves: dict[tuple[str, str], Curve] = {}
    deadline = clock() + budget_ns
    for place, (name, target) in enumerate(pairs):
        shares = [3.0 if choices[other] > 1 else 1.0 for other, _ in pairs[place:]]
        budget = max(0.0, deadline - clock()) * shares[0] / sum(shares)
        baseline = curves.get((name, targets[0].name), [])
        shared = [point for point in baseline if point[0] <= target.joins_above]
        sizes = [size for size in WORKLOADS[name].sizes if size > target.joins_above]
        curve = shared + _tried(name, target, sizes, budget, clock)
        if curve:
            curves[name, target.name] = curve
    return curves


def _tried(name: str, target: Target, sizes: Sequence[int], budget: float, clock: Clock) -> Curve:
    try:
        return measure(lambda arrays: target.run(name, arrays), WORKLOADS[name], sizes, budget, clock)
    except (AtalantaError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        _log.info("%s failed in the calibration of %s: %s", target.name, name, error)
        return []
