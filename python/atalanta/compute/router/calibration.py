"""Measuring what operations cost here. Main entries: `measure`, `calibrate`.

Short: each pair of operation and target gets a share of the budget, and larger sizes are measured as long as they
fit into it; beyond them the curve is prolonged until calls show better.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from atalanta.compute.router.targets import Target
from atalanta.compute.router.workloads import WORKLOADS, Workload, work_of
from atalanta.errors import AtalantaError

__all__ = ["Clock", "Curve", "calibrate", "measure"]

#: Nanoseconds, only ever growing.
Clock = Callable[[], int]

#: (work, nanoseconds) by ascending work.
Curve = list[tuple[int, float]]

_REPEATS = 3
_LEAST_NS = 1.0
_log = logging.getLogger(__name__)


def measure(call: Callable[[Sequence[Any]], Any], workload: Workload, budget_ns: float, clock: Clock) -> Curve:
    """Time a call at growing sizes, the least of a few repeats each, until the budget is spent.

    Args:
        call: takes the arrays.
        workload: gives them.
        budget_ns: for all sizes together; the smallest one is measured in any case.
        clock: of the measurement.
    """
    if workload.sample is None:
        return []
    curve: Curve = []
    begin = clock()
    call(workload.sample(workload.sizes[0]))  # what is made at a first call is not what later ones cost
    for size in workload.sizes:
        arrays = workload.sample(size)
        expected = curve[-1][1] * size / curve[-1][0] if curve else 0.0
        if curve and clock() - begin + 2.0 * expected > budget_ns:
            break
        least = float("inf")
        for _ in range(_REPEATS):
            start = clock()
            call(arrays)
            least = min(least, clock() - start)
            if clock() - begin + least > budget_ns:
                break
        curve.append((work_of(workload.name, arrays), max(least, _LEAST_NS)))
    return curve


def calibrate(
    targets: Sequence[Target], budget_ns: float, clock: Clock
) -> dict[tuple[str, str], Curve]:
    """Measure every operation on every target that does it.

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
        try:
            curve = measure(lambda arrays: target.run(name, arrays), WORKLOADS[name], budget, clock)  # noqa: B023
        except (AtalantaError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            _log.info("%s failed in the calibration of %s: %s", target.name, name, error)
            continue
        if curve:
            curves[name, target.name] = curve
    return curves
