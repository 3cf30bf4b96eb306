"""The whole measurement of the router, in one run. Main entry: `run_routing`.

The regret of a choice is what it takes beyond the best target at that size, both out of one table of readings that
took turns. `total` weighs sizes by their time, `mean` all sizes alike.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from atalanta.benchmarking.routing.costs import CallCost, call_costs, decision_ns
from atalanta.benchmarking.routing.oracle import Row, measure_targets, sizes_to
from atalanta.benchmarking.routing.replay import replayed_router
from atalanta.benchmarking.routing.simulated import Disturbances, disturbances
from atalanta.compute import Router
from atalanta.compute.devices import Device, device
from atalanta.compute.devices.gpu import make_mlx_cpu
from atalanta.compute.router.targets import Target
from atalanta.compute.router.workloads import WORKLOADS

__all__ = ["Regret", "RoutingPlan", "RoutingSession", "run_routing"]

#: Accuracies at which MLX on the processor may take part; options have none there.
_TOLERANCES = {"add": 1e-5, "multiply": 1e-5, "exp": 1e-4, "matmul": 1e-5}
_SMALL = 1_000


@dataclass(frozen=True)
class RoutingPlan:
    """What to measure: operations, the logarithm of the largest size by operation's class, calls to learn from."""

    operations: tuple[str, ...] = ("price", "greeks", "implied_vol", "add", "exp", "matmul")
    largest: int = 22
    calls: int = 1_000

    @classmethod
    def quick(cls) -> RoutingPlan:
        """Up to 2^17 elements and 200 calls."""
        return cls(largest=17, calls=200)


@dataclass(frozen=True)
class Regret:
    """How far an operation's choices are from the best, as shares of the best time."""

    operation: str
    after: str
    total: float
    mean: float
    worst: float
    #: times the baseline, of the choices below 1,000 elements
    small: float
    #: on measured costs, see `replay`; False for calls made at that moment
    replayed: bool = False


@dataclass(frozen=True)
class RoutingSession:
    """Everything that was measured."""

    targets: tuple[str, ...]
    missing: tuple[str, ...]
    decision_ns: float
    python_decision_ns: float
    costs: tuple[CallCost, ...]
    calibration_seconds: dict[str, float]
    regrets: tuple[Regret, ...]
    rows: tuple[Row, ...]
    disturbances: Disturbances

    def as_dict(self) -> dict[str, Any]:
        """In plain types, for JSON."""
        return asdict(self)


def run_routing(plan: RoutingPlan, tell: Callable[[str], None] = lambda _: None) -> RoutingSession:
    """Measure the router on this machine.

    Args:
        plan: what, and up to which size.
        tell: is told what is being done.
    """
    devices, missing = _devices()
    router = Router(devices)
    router.begin()
    tell("decisions and calls")
    costs = call_costs()
    decision = decision_ns(router)
    python = _python_decision_ns(router)
    regrets: list[Regret] = []
    rows: list[Row] = []
    for operation in plan.operations:
        tell(operation)
        targets = _taking_part(router, operation)
        sizes = sizes_to(min(plan.largest, 20) if operation == "matmul" else plan.largest)
        before = measure_targets(operation, targets, sizes)
        regrets.append(_regret(router, operation, "calibration", before))
        _learn(router, operation, plan.calls, sizes)
        after = measure_targets(operation, targets, sizes)
        regrets.append(_regret(router, operation, f"{plan.calls:,} calls", after))
        rows += after
        quiet = [row.undisturbed() for row in (*before, *after)]
        regrets += _replayed_regrets(operation, _least_of(quiet), plan.calls)
    tell("a device that slows down and fails")
    return RoutingSession(
        router.targets,
        missing,
        decision,
        python,
        tuple(costs),
        {name: state.seconds for name, state in router.calibrations.items()},
        tuple(regrets),
        tuple(rows),
        disturbances(),
    )


def _devices() -> tuple[list[Device], tuple[str, ...]]:
    mlx = make_mlx_cpu()
    state = mlx.availability()
    if state.available:
        return [device("cpu"), mlx], ()
    return [device("cpu")], (f"MLX on the processor does not take part: {state.reason}",)


def _taking_part(router: Router, operation: str) -> list[Target]:
    limit = _limit(router, operation)
    return [target for _, target in router._table.admitted(operation) if target.errors[operation] <= limit]


def _limit(router: Router, operation: str) -> float:
    return _TOLERANCES.get(operation, router._table.default_tolerance(operation))


def _learn(router: Router, operation: str, calls: int, sizes: Sequence[int]) -> None:
    """Calls of sizes at random, alike in logarithm."""
    chance, sample = random.Random(7), WORKLOADS[operation].sample
    assert sample is not None
    for _ in range(calls):
        work = round(sizes[0] * (sizes[-1] / sizes[0]) ** chance.random())
        router.run(operation, *sample(work), tolerance=_limit(router, operation))


def _regret(router: Router, operation: str, after: str, rows: Sequence[Row]) -> Regret:
    return replace(_judged(router, operation, _limit(router, operation), rows), after=after)


def _judged(router: Router, operation: str, limit: float | None, rows: Sequence[Row]) -> Regret:
    chosen = [row.ns[router.decide(operation, row.work, tolerance=limit).target] for row in rows]
    baseline = router.targets[0]
    shares = [taken / row.best - 1.0 for taken, row in zip(chosen, rows, strict=True)]
    small = [taken / row.ns[baseline] for taken, row in zip(chosen, rows, strict=True) if row.work < _SMALL]
    return Regret(
        operation,
        "",
        sum(chosen) / sum(row.best for row in rows) - 1.0,
        sum(shares) / len(shares),
        max(shares),
        max(small, default=1.0),
    )


def _replayed_regrets(operation: str, rows: Sequence[Row], calls: int, runs: int = 5) -> list[Regret]:
    """The mean over several runs of a router that calibrates and learns on measured costs."""
    by_stage: dict[str, list[Regret]] = {}
    for seed in range(1, runs + 1):
        router, devices, _ = replayed_router(operation, rows, seed)
        renamed = [_renamed(row, [device.name for device in devices]) for row in rows]
        router.begin()
        by_stage.setdefault("calibration", []).append(_judged(router, operation, None, renamed))
        chance = random.Random(seed)
        for _ in range(calls):
            router.run(operation, *_stand_in(operation, chance.choice(rows).work))
        by_stage.setdefault(f"{calls:,} calls", []).append(_judged(router, operation, None, renamed))
    return [_mean_of(operation, after, made) for after, made in by_stage.items()]


def _least_of(rows: Sequence[Row]) -> list[Row]:
    """One row for each size, the least readings of both passes."""
    found: dict[int, dict[str, list[float]]] = {}
    for row in rows:
        into = found.setdefault(row.work, {name: [] for name in row.readings})
        for name, values in row.readings.items():
            into[name] += values
    return [Row(rows[0].operation, work, readings).undisturbed() for work, readings in sorted(found.items())]


def _stand_in(operation: str, work: int) -> tuple[Any, ...]:
    """Arrays of that much work; a replayed call does not look at them."""
    sample = WORKLOADS[operation].sample
    assert sample is not None
    return sample(work)


def _renamed(row: Row, names: Sequence[str]) -> Row:
    readings = {f"{name}:recorded": values for name, values in zip(names, row.readings.values(), strict=True)}
    return Row(row.operation, row.work, readings)


def _mean_of(operation: str, after: str, made: Sequence[Regret]) -> Regret:
    def mean(name: str) -> float:
        return statistics.fmean(getattr(one, name) for one in made)

    small = max(one.small for one in made)
    return Regret(operation, after, mean("total"), mean("mean"), mean("worst"), small, True)


def _python_decision_ns(router: Router, repeats: int = 20_000, rounds: int = 31) -> float:
    decide = router.decide
    least = float("inf")
    for _ in range(rounds):
        start = time.perf_counter_ns()
        for _ in range(repeats):
            decide("price", 1_000)
        least = min(least, (time.perf_counter_ns() - start) / repeats)
    return least
