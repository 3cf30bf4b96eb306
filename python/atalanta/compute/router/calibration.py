"""Measuring what operations cost here. Main entries: `calibrate`, `measure`.

Short: each operation gets a share of the budget, and larger sizes are measured as long as they fit into it, or as calls are too
short to show the use of more threads; beyond them the curves are prolonged until calls show better. All targets of an
operation are measured at the same sizes and in turns: what else the machine does falls on them alike, and their curves end
together. Devices beyond the CPU may compile or choose a kernel for each new size, in seconds: there the first call of a size
is no reading, and its time is not the budget's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from atalanta import _core
from atalanta.compute.devices.cpu import CpuDevice
from atalanta.compute.router.targets import Target
from atalanta.compute.router.workloads import WORKLOADS, Workload, work_of
from atalanta.errors import AtalantaError

__all__ = ["Clock", "Curve", "Stopwatch", "calibrate", "measure"]

#: Nanoseconds, only ever growing.
Clock = Callable[[], int]

#: (work, nanoseconds) by ascending work.
Curve = list[tuple[int, float]]

Call = Callable[[Sequence[Any]], Any]

_REPEATS, _MORE_REPEATS = 3, 4
#: Times what the smaller size foretells: a reading beyond it was disturbed, and is taken again.
_DISTURBED = 1.5
#: Likewise: no kernel becomes so much slower from one size to the next.
_IMPOSSIBLE = 4.0
#: Measured whatever is left of the budget: a curve needs two points.
_LEAST_SIZES = 2
#: Left for every size, for its repeats too: where others have spent the budget, a first call that is cold would be all that is
#: known, and a curve would end where the work does not show yet.
_LEAST_LEFT_NS = 200_000.0
#: Until the baseline takes so long, waking a thread hides what it is worth: larger sizes are measured whatever is left.
_TELLING_NS = 250_000.0
#: For each such size; of the baseline's time, hoped for of a target that shares the work.
_TELLING_LEFT_NS = 4_000_000.0
_SHARED = 0.6
_LEAST_NS = 1.0
#: Of a device beyond the CPU, all operations together: first calls of a size, beside the budget. Then curves end at two sizes.
_MOST_EXCUSED_NS = 20e9
#: Of the budget: an operation without a choice only needs its time to be known roughly.
_WITH_A_CHOICE = 6.0
_PRODUCTS = {"matmul", "dot", "similarity"}
_FAILURES = (AtalantaError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


class Stopwatch:
    """A clock that first calls of a size do not advance, where they are excused.

    Args:
        clock: goes on whatever happens.
        excusable_ns: once it is spent, curves end at two sizes. 0 where a first call is like any other, as the CPU's.
        ended: whether to measure nothing more.
    """

    def __init__(
        self, clock: Clock, excusable_ns: float = 0.0, ended: Callable[[], bool] = lambda: False
    ) -> None:
        self.ended, self.excuses = ended, excusable_ns > 0.0
        self._clock, self._excused = clock, 0
        self._excusable = self._allowed = excusable_ns

    def __call__(self) -> int:
        """Nanoseconds without those excused."""
        return self._clock() - self._excused

    @property
    def spent(self) -> bool:
        """Whether all that is allowed was excused."""
        return self.excuses and self._excused >= self._allowed

    def allow(self, share: float) -> None:
        """Only so much of what is left, for what comes next."""
        self._allowed = self._excused + share * max(0.0, self._excusable - self._excused)

    def excuse(self, begin: int) -> None:
        """Go back to a time it showed."""
        if self.excuses:
            self._excused += self() - begin


def calibrate(
    targets: Sequence[Target], budget_ns: float, clock: Clock, ended: Callable[[], bool] = lambda: False
) -> dict[tuple[str, str], Curve]:
    """Measure every operation on every target that does it, the first of which is the baseline.

    Operations that have a choice of targets get six times the share of the others, of the budget and of what is excused.
    Products and searches come last: on a busy machine NumPy's own threads may wait for each other for longer than all the
    rest takes. A target that fails is left out: what was not measured is not chosen.

    Args:
        targets: of one device.
        budget_ns: for all together.
        clock: of the measurement.
        ended: asked before each size; what follows is left out once it says so.
    """
    able = {name: [target for target in targets if name in target.errors] for name in WORKLOADS}
    names = sorted(
        (name for name in able if able[name]), key=lambda name: (name in _PRODUCTS, len(able[name]) < 2)
    )
    shares = [_WITH_A_CHOICE if len(able[name]) > 1 else 1.0 for name in names]
    curves: dict[tuple[str, str], Curve] = {}
    of_the_cpu = all(isinstance(target.device, CpuDevice) for target in targets)
    watch = Stopwatch(clock, 0.0 if of_the_cpu else _MOST_EXCUSED_NS, ended)
    deadline = watch() + budget_ns
    for place, name in enumerate(names):
        if ended():
            break
        share = shares[place] / sum(shares[place:])
        watch.allow(share)
        budget = max(0.0, deadline - watch()) * share
        calls = {target.name: partial(target.run, name) for target in able[name]}
        joins = {target.name: target.joins_above for target in able[name]}
        found = measure(calls, joins, WORKLOADS[name], budget, watch)
        curves.update({(name, target): curve for target, curve in found.items()})
    return curves


def measure(
    calls: Mapping[str, Call],
    joins: Mapping[str, int],
    workload: Workload,
    budget_ns: float,
    watch: Stopwatch,
) -> dict[str, Curve]:
    """Time calls at growing sizes, the least of a few repeats each, until the budget is spent.

    Args:
        calls: take the arrays; by target, the first is the baseline.
        joins: by target, up to which size it does what the baseline does: the baseline's points are then its own.
        workload: gives the arrays.
        budget_ns: for all together; what takes a fifth of a millisecond is measured in any case, and the two smallest sizes,
            and what it takes to see whether sharing the work pays.
        watch: of the measurement.

    Returns:
        A curve by target; none of those that failed.
    """
    if workload.sample is None:
        return {}
    _warm(calls, workload.sample(workload.sizes[0]), watch)
    begin, baseline = watch(), next(iter(calls))
    curves: dict[str, Curve] = {name: [] for name in calls}
    for size in workload.sizes:
        if watch.ended():
            break
        arrays = workload.sample(size)
        due = {name: calls[name] for name in curves if size > joins[name]}
        expected = {name: _foretold(curves[name], size, workload.growth) for name in due}
        left = max(_LEAST_LEFT_NS, budget_ns - (watch() - begin))
        enough = all(len(curves[name]) >= _LEAST_SIZES for name in due)
        hoped = dict(expected)
        if enough and (unshown := _unshown(curves, baseline, joins)):
            enough, left = False, max(left, _TELLING_LEFT_NS)
            if expected[baseline] >= _TELLING_NS:  # where sharing should pay, and is measured again if not
                hoped |= {name: _SHARED * expected[baseline] for name in unshown if name in due}
        if enough and (
            watch.spent or 2.0 * sum(_likely(curves[name], expected[name]) for name in due) > left
        ):
            break
        if watch.excuses and size > workload.sizes[0]:
            _warm(due, arrays, watch)
        readings = _readings(due, arrays, hoped, left, watch)
        if any(curves[name] and ns > _IMPOSSIBLE * expected[name] for name, ns in readings.items()):
            break  # somebody else had the machine; the curves are prolonged instead
        work = work_of(workload.name, arrays)
        for name in list(curves):
            if name in due and name not in readings:
                del curves[name]
            elif (source := name if name in due else baseline) in readings:
                curves[name].append((work, max(readings[source], _LEAST_NS)))
    return {name: curve for name, curve in curves.items() if curve}


def _warm(calls: Mapping[str, Call], arrays: Any, watch: Stopwatch) -> None:
    """A call each that is no reading: the first one loads modules, starts threads and compiles kernels."""
    begin = watch()
    for name, call in calls.items():
        try:
            call(arrays)
        except _FAILURES as error:  # as the next one will
            _tell(name, error)
    watch.excuse(begin)


def _unshown(curves: Mapping[str, Curve], baseline: str, joins: Mapping[str, int]) -> list[str]:
    """Targets that share the work, while the baseline takes too little for it to show, or they still do what it does."""
    if baseline not in curves:
        return []
    short = curves[baseline][-1][1] < _TELLING_NS
    return [name for name in curves if joins[name] > 0 and (short or curves[name][-1][0] <= joins[name])]


def _foretold(curve: Curve, size: int, growth: float) -> float:
    """What the largest size so far foretells, were the time proportional."""
    if not curve:
        return float("inf")
    work, ns = curve[-1]
    return ns * math.pow(size / work, growth)


def _likely(curve: Curve, proportional: float) -> float:
    """What the slope so far foretells, where a launch hides the work: a quarter of the proportional time at least."""
    (work, ns), (later, later_ns) = curve[-2:]
    steepness = max(0.0, later_ns / ns - 1.0) / (later / work - 1.0)  # 1 where the time is proportional
    return proportional * max(0.25, min(1.0, steepness))


def _readings(
    calls: Mapping[str, Call], arrays: Any, hoped: Mapping[str, float], left: float, clock: Clock
) -> dict[str, float]:
    """The least of a few readings by target, taken in turns; without those that failed."""
    least = dict.fromkeys(calls, float("inf"))
    begin = clock()
    for repeat in range(_REPEATS + _MORE_REPEATS):
        disturbed = any(least[name] > _DISTURBED * hoped[name] for name in least)
        if repeat >= _REPEATS and not disturbed:
            break
        if repeat > 0 and clock() - begin + sum(least.values()) > max(left, _REPEATS * _LEAST_LEFT_NS):
            break
        for name in list(least):
            try:
                least[name] = min(least[name], _time(calls[name], arrays, clock))
            except _FAILURES as error:
                _tell(name, error)
                del least[name]
    return least


def _time(call: Call, arrays: Any, clock: Clock) -> int:
    """Without the first touch of memory that had to be fetched: whoever comes next would find it there."""
    touching, start = _core.touching_ns(), clock()
    call(arrays)
    return clock() - start - (_core.touching_ns() - touching)


def _tell(target: str, error: Exception) -> None:
    import logging  # slow to load, and rarely needed

    logging.getLogger(__name__).info("%s failed in calibration: %s", target, error)
