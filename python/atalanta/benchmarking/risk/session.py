"""One run of the risk benchmark: cold and warm grids, brute force and QuantLib in turn. Main entry: `run_risk_session`.

Wall time is what somebody waits for, and on a machine that others use says more of them: CPU time stands beside it. Rounds are
interleaved, so that a slow moment meets all alike; what is extrapolated from a sample says so.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from types import ModuleType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from atalanta.benchmarking.risk.peer import GRIDS, quantlib_cells
from atalanta.benchmarking.risk.stage import stage_latencies
from atalanta.benchmarking.risk.timing import Timing
from atalanta.benchmarking.risk.warm import WarmReads
from atalanta.benchmarking.risk.workload import SPOT, dividend_book
from atalanta.risk import LiveGrid, Portfolio, simulate_history, value_at_risk
from atalanta.risk.grid import brute_force, scenario_grid
from atalanta.risk.grid_ladders import GridLadders
from atalanta.risk.scenarios import Shocks
from atalanta.streaming import Latency

__all__ = ["RiskPlan", "RiskSession", "Timing", "run_risk_session"]

_SEED = 7
_NS = 1e9
_TIMED: tuple[tuple[str, Literal["wall", "cpu", "floor", "apart"]], ...] = (
    ("warm", "wall"),
    ("warm_cpu", "cpu"),
    ("warm_floor", "floor"),
    ("warm_contract_by_contract", "apart"),
)


@dataclass(frozen=True, slots=True)
class RiskPlan:
    """How much to measure: rounds, warm reads of each, cells of a slow peer, strikes of each of five expiries."""

    rounds: int = 9
    ticks: int = 400
    sample: int = 20
    strikes: int = 20

    @classmethod
    def quick(cls) -> RiskPlan:
        """Enough to see that it works."""
        return cls(rounds=3, ticks=100, sample=6)


@dataclass(frozen=True, slots=True)
class RiskSession:
    """What was measured.

    Attributes:
        positions, spots, vols: of the grid.
        timings: cold grids, brute force, VaR and, where it is installed, QuantLib.
        warm_ns: every warm read, in the order of time.
        warm_cpu_ns: the same in CPU time of the reading thread.
        warm_floor_ns: a loop that does nothing for as long, read for read: what the machine adds by itself.
        apart_ns: in turn with them, reads of the same grid contract by contract, without the sums of the ladders.
        stage: service times of a stream's risk stage with the scenario ladder, see `stage_latencies`.
        error: largest |cell − brute force at tolerance 'precise'| in dollars a share.
        missing: what could not be measured, and why.
    """

    positions: int
    spots: int
    vols: int
    timings: tuple[Timing, ...]
    warm_ns: tuple[int, ...]
    warm_cpu_ns: tuple[int, ...]
    warm_floor_ns: tuple[int, ...]
    apart_ns: tuple[int, ...]
    stage: dict[str, Latency]
    error: float
    missing: tuple[str, ...] = field(default=())

    def percentile(self, share: float, of: Literal["wall", "cpu", "floor", "apart"] = "wall") -> float:
        """Seconds that so many per cent of the warm reads, or of what was timed beside them, do not exceed."""
        timed = {
            "wall": self.warm_ns,
            "cpu": self.warm_cpu_ns,
            "floor": self.warm_floor_ns,
            "apart": self.apart_ns,
        }
        return float(np.percentile(timed[of], share)) / _NS

    def timing(self, name: str) -> Timing | None:
        """By its name."""
        return next((one for one in self.timings if one.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        """For the document: raw figures too."""
        return {
            "positions": self.positions,
            "cells": self.positions * self.spots * self.vols,
            "timings": [
                {
                    **asdict(one),
                    "median_seconds": one.median,
                    "cpu_median_seconds": one.cpu_median,
                    "extrapolated": one.extrapolated,
                }
                for one in self.timings
            ],
            **{
                name: {f"p{share:g}": self.percentile(share, of) for share in (50, 90, 99, 99.9)}
                for name, of in _TIMED
            },
            "warm_ns": list(self.warm_ns),
            "warm_cpu_ns": list(self.warm_cpu_ns),
            "warm_floor_ns": list(self.warm_floor_ns),
            "apart_ns": list(self.apart_ns),
            "stage": {name: each.as_dict(raw=True) for name, each in self.stage.items()},
            "error_per_share": self.error,
            "missing": list(self.missing),
        }


def run_risk_session(plan: RiskPlan, told: Callable[[str], None] = lambda _: None) -> RiskSession:
    """Measure everything in turn.

    Args:
        plan: how much.
        told: of what is measured next.
    """
    told("making the book")
    portfolio = dividend_book(_SEED, plan.strikes)
    shocks = Shocks.of(portfolio)
    cells = len(portfolio.options) * len(shocks.spots) * len(shocks.vols)
    history = simulate_history({"PAYER": 0.25}, seed=_SEED)
    works: dict[str, tuple[Callable[[], object], int]] = {
        "cold grid": (lambda: scenario_grid(portfolio), cells),
        "cold grid, one thread": (lambda: scenario_grid(portfolio, threads=1), cells),
        "matching, Greeks and cold grid": (lambda: _from_book(portfolio), cells),
        "brute force": (lambda: brute_force(portfolio, shocks), cells),
        "VaR and ES, 500 scenarios": (
            lambda: value_at_risk(portfolio, history),
            len(portfolio.options) * 500,
        ),
    }
    ql, missing = _quantlib()
    sizes = {name: size for name, (_, size) in works.items()}
    if ql is not None:
        for grid in GRIDS:
            name = f"QuantLib FD {grid[0]}x{grid[1]}"
            works[name] = (
                quantlib_cells(ql, portfolio.options, *_sample(portfolio, shocks, plan.sample), grid),
                cells,
            )
            sizes[name] = plan.sample
    for work, _ in works.values():
        work()  # what is made late is made now
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    walk = np.random.default_rng(_SEED)
    with LiveGrid(portfolio, time_tolerance=1e6) as live:
        warm = WarmReads(live, GridLadders(portfolio, portfolio.options, shocks, drift=0.05, vol_drift=0.05))
        names = list(works)
        for turn in range(plan.rounds):
            told(f"round {turn + 1} of {plan.rounds}")
            shift = turn % len(names)
            for name in (*names[shift:], *names[:shift]):
                begun, used = time.perf_counter(), time.process_time()
                works[name][0]()
                taken[name].append((time.perf_counter() - begun, time.process_time() - used))
            warm.read(SPOT * (1 + 0.002 * walk.standard_normal(plan.ticks).clip(-5, 5)))
    told("streaming")
    stage = stage_latencies(portfolio, plan.rounds * plan.ticks)
    told("comparing with brute force")
    timings = tuple(
        Timing(
            name,
            tuple(wall for wall, _ in taken[name]),
            tuple(cpu for _, cpu in taken[name]),
            works[name][1],
            sizes[name],
        )
        for name in works
    )
    return RiskSession(
        len(portfolio),
        len(shocks.spots),
        len(shocks.vols),
        timings,
        tuple(warm.wall),
        tuple(warm.cpu),
        tuple(warm.floor),
        tuple(warm.apart),
        stage,
        _error(portfolio, shocks),
        missing,
    )


def _from_book(portfolio: Portfolio) -> object:
    return scenario_grid(Portfolio(portfolio.book, portfolio.analysis))


def _sample(
    portfolio: Portfolio, shocks: Shocks, count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Cells drawn over contracts, spots and volatilities alike."""
    rng = np.random.default_rng(_SEED)
    contracts = rng.permutation(len(portfolio.options))[:count].astype(np.int64)
    spots = portfolio.options.spot[contracts] * (1 + rng.choice(shocks.spots, count))
    vols = portfolio.options.vol[contracts] * (1 + rng.choice(shocks.vols, count))
    return contracts, spots, vols


def _error(portfolio: Portfolio, shocks: Shocks) -> float:
    options = portfolio.options
    ladders = GridLadders(portfolio, options, shocks)
    exact = replace(options, tolerance="precise")
    vols = shocks.shifted(np.repeat(options.vol[:, None], len(shocks.spots), axis=1))
    spots = np.broadcast_to((options.spot[:, None] * (1 + shocks.spots))[:, :, None], vols.shape)
    return float(np.abs(ladders.values(options.spot, options.vol) - exact.price(spots, vols)).max())


def _quantlib() -> tuple[ModuleType | None, tuple[str, ...]]:
    try:
        return importlib.import_module("QuantLib"), ()
    except ImportError:
        return None, ("QuantLib is not installed: python -m pip install QuantLib",)
