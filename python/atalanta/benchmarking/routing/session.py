"""The whole measurement of the router, in one run. Main entry: `run_routing`.

Each operation gets a router of its own, calibrated there and then as at a first use. It is judged twice, knowing that
alone and after a number of calls, each time on readings of all targets in turns; see `regret`. Beside the CPU the GPU takes part,
or where there is none MLX on the processor.
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
from atalanta.benchmarking.routing.regret import STATISTICS, Regret, regret_of
from atalanta.benchmarking.routing.replay import replayed_router
from atalanta.benchmarking.routing.simulated import Disturbances, disturbances
from atalanta.compute import Router, default_router
from atalanta.compute.devices import Device, device
from atalanta.compute.devices.gpu import make_mlx_cpu
from atalanta.compute.router.targets import Target
from atalanta.compute.router.workloads import WORKLOADS, work_of

__all__ = ["RoutingPlan", "RoutingSession", "run_routing"]

#: Accuracies at which MLX may take part, in each of its formats; of options where it does them, on a GPU.
_TOLERANCES = {"add": 1e-5, "multiply": 1e-5, "exp": 1e-4, "matmul": 1e-5}
_OF_OPTIONS = {"price": 1e-6, "greeks": 1e-5, "implied_vol": 1e-4}
#: A product of 4,096 square matrices takes seconds: what is learnt from ends at 2 to this power elements.
_LARGEST_LEARNT = {"matmul": 22}
#: Of learning from live calls, which may be fewer then; and of another measurement of the same GPU, which would disturb.
_LEARNING_S, _PATIENCE_S = 20.0, 60.0


@dataclass(frozen=True)
class RoutingPlan:
    """What to measure: operations, the logarithm of the largest size by operation's class, calls to learn from."""

    operations: tuple[str, ...] = ("price", "greeks", "implied_vol", "add", "exp", "matmul")
    largest: int = 24
    calls: int = 1_000

    @classmethod
    def quick(cls) -> RoutingPlan:
        """Up to 2^17 elements and 200 calls."""
        return cls(largest=17, calls=200)


@dataclass(frozen=True)
class RoutingSession:
    """Everything that was measured."""

    targets: tuple[str, ...]
    #: what takes part beside the CPU, and what it calls itself; empty where nothing does
    beside: str
    #: by operation, what took turns
    taking_part: dict[str, tuple[str, ...]]
    #: by operation, the error that was allowed
    tolerances: dict[str, float]
    missing: tuple[str, ...]
    decision_ns: float
    python_decision_ns: float
    costs: tuple[CallCost, ...]
    #: by device, of every calibration in this run, the first with what happens once
    calibration_seconds: dict[str, list[float]]
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
    default_router().wait(_PATIENCE_S)
    calibration = [dict(_seconds(router))]
    tell("decisions and calls")
    costs = call_costs()
    decision = decision_ns(router)
    python = _python_decision_ns(router)
    regrets: list[Regret] = []
    rows: list[Row] = []
    for operation in plan.operations:
        tell(operation)
        router = Router(devices)
        router.begin()
        calibration.append(_seconds(router))
        made, read = _judge(router, operation, plan)
        regrets += made
        rows += read
    tell("a device that slows down and fails")
    return RoutingSession(
        router.targets,
        "; ".join(f"{one.name}: {one.availability().reason}" for one in devices[1:]),
        {name: tuple(one.name for one in _taking_part(router, name)) for name in plan.operations},
        {name: _limit(router, name) for name in plan.operations},
        missing,
        decision,
        python,
        tuple(costs),
        {name: [one[name] for one in calibration] for name in calibration[0]},
        tuple(regrets),
        tuple(rows),
        disturbances(),
    )


def _devices() -> tuple[list[Device], tuple[str, ...]]:
    gpu = device("gpu")
    if gpu.availability().available:
        return [device("cpu"), gpu], ()
    mlx = make_mlx_cpu()
    state = mlx.availability()
    if state.available:
        return [device("cpu"), mlx], ()
    return [device("cpu")], (f"MLX on the processor does not take part: {state.reason}",)


def _taking_part(router: Router, operation: str) -> list[Target]:
    limit = _limit(router, operation)
    return [target for _, target in router._table.admitted(operation) if target.errors[operation] <= limit]


def _limit(router: Router, operation: str) -> float:
    table = router._table
    several = len({target.device.name for _, target in table.admitted(operation)}) > 1
    allowed = _TOLERANCES | _OF_OPTIONS if several else _TOLERANCES
    return allowed.get(operation, table.default_tolerance(operation))


def _learn(router: Router, operation: str, calls: int, sizes: Sequence[int]) -> int:
    """Calls of sizes at random, alike in logarithm; how many there was time for."""
    chance, sample = random.Random(7), WORKLOADS[operation].sample
    assert sample is not None
    end = time.perf_counter() + _LEARNING_S
    for made in range(calls):
        if time.perf_counter() > end:
            return made
        work = round(sizes[0] * (sizes[-1] / sizes[0]) ** chance.random())
        router.run(operation, *sample(work), tolerance=_limit(router, operation))
    return calls


def _seconds(router: Router) -> dict[str, float]:
    return {name: state.seconds for name, state in router.calibrations.items()}


def _judge(router: Router, operation: str, plan: RoutingPlan) -> tuple[list[Regret], list[Row]]:
    targets, sizes = _taking_part(router, operation), sizes_to(plan.largest)
    learnt = sizes_to(min(plan.largest, _LARGEST_LEARNT.get(operation, plan.largest)))
    regrets: list[Regret] = []
    rows: list[list[Row]] = []
    for after in ("calibration", "calls"):
        if rows:
            after = f"{_learn(router, operation, plan.calls, learnt):,} calls"
        choices = _choices(router, operation, sizes)
        read = measure_targets(operation, targets, sizes)
        regrets += [
            regret_of(read, choices, router.targets[0], after=after, readings=readings)
            for readings in STATISTICS
        ]
        rows.append(read)
    return [*regrets, *_replayed_regrets(operation, _least_of(rows), plan.calls)], [*rows[0], *rows[1]]


def _choices(router: Router, operation: str, sizes: Sequence[int]) -> list[str]:
    limit = _limit(router, operation)
    sample = WORKLOADS[operation].sample
    assert sample is not None
    works = (work_of(operation, sample(size)) for size in sizes)
    return [router.decide(operation, work, tolerance=limit).target for work in works]


def _replayed_regrets(operation: str, rows: Sequence[Row], calls: int, runs: int = 5) -> list[Regret]:
    """The mean over several runs of a router that calibrates and learns on measured costs."""
    by_stage: dict[str, list[Regret]] = {}
    for seed in range(1, runs + 1):
        router, devices, _ = replayed_router(operation, rows, seed)
        renamed = [_renamed(row, [device.name for device in devices]) for row in rows]
        router.begin()
        chance = random.Random(seed)
        for after in ("calibration", f"{calls:,} calls"):
            if after != "calibration":
                for _ in range(calls):
                    router.run(operation, *_stand_in(operation, chance.choice(rows).work))
            choices = [router.decide(operation, row.work).target for row in rows]
            judged = regret_of(renamed, choices, router.targets[0], after=after, readings="replayed")
            by_stage.setdefault(after, []).append(judged)
    return [_mean_of(made) for made in by_stage.values()]


def _least_of(passes: Sequence[Sequence[Row]]) -> list[Row]:
    """One row for each size, the least readings of all passes."""
    return [
        Row(
            same[0].operation,
            same[0].work,
            {name: [min(min(row.readings[name]) for row in same)] for name in same[0].readings},
        )
        for same in zip(*passes, strict=True)
    ]


def _stand_in(operation: str, work: int) -> tuple[Any, ...]:
    """Arrays of that much work; a replayed call does not look at them."""
    sample = WORKLOADS[operation].sample
    assert sample is not None
    return sample(work)


def _renamed(row: Row, names: Sequence[str]) -> Row:
    readings = {f"{name}:recorded": values for name, values in zip(names, row.readings.values(), strict=True)}
    return Row(row.operation, row.work, readings)


def _mean_of(made: Sequence[Regret]) -> Regret:
    def mean(name: str) -> float:
        return statistics.fmean(getattr(one, name) for one in made)

    worst = max(made, key=lambda one: one.worst)
    return replace(
        worst,
        total=mean("total"),
        noise=mean("noise"),
        mean=mean("mean"),
        small=max(one.small for one in made),
    )


def _python_decision_ns(router: Router, repeats: int = 20_000, rounds: int = 31) -> float:
    decide = router.decide
    least = float("inf")
    for _ in range(rounds):
        start = time.perf_counter_ns()
        for _ in range(repeats):
            decide("price", 1_000)
        least = min(least, (time.perf_counter_ns() - start) / repeats)
    return least
