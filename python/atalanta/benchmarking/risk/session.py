"""One run of the risk benchmark: cold and warm grids, brute force and QuantLib in turn. Main entry: `run_risk_session`.

Wall time is what somebody waits for, and on a machine that others use says more of them: CPU time stands beside it. Rounds are
interleaved, so that a slow moment meets all alike; what is extrapolated from a sample says so.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.benchmarking.risk.peer import GRIDS, quantlib_cells
from atalanta.benchmarking.risk.workload import SPOT, dividend_book
from atalanta.risk import LiveGrid, Portfolio, simulate_history, value_at_risk
from atalanta.risk.grid import brute_force, scenario_grid
from atalanta.risk.grid_ladders import GridLadders
from atalanta.risk.scenarios import Shocks

__all__ = ["RiskPlan", "RiskSession", "Timing", "run_risk_session"]

_SEED = 7
_NS = 1e9


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
class Timing:
    """Seconds of one thing over the rounds, of the clock and of all processors; `of` says how many cells were timed."""

    name: str
    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    cells: int
    of: int

    @property
    def median(self) -> float:
        """Seconds for all cells; extrapolated where a sample was timed."""
        return float(np.median(self.seconds)) * self.cells / self.of

    @property
    def cpu_median(self) -> float:
        """The same in CPU time of the process."""
        return float(np.median(self.cpu_seconds)) * self.cells / self.of

    @property
    def extrapolated(self) -> bool:
        """Whether only a sample was timed."""
        return self.of < self.cells


@dataclass(frozen=True, slots=True)
class RiskSession:
    """What was measured.

    Attributes:
        positions, spots, vols: of the grid.
        timings: cold grids, brute force, VaR and, where it is installed, QuantLib.
        warm_ns: every warm read, in the order of time.
        warm_cpu_ns: the same in CPU time of the reading thread.
        warm_floor_ns: what the clock itself and a call that does nothing take, read for read.
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
    error: float
    missing: tuple[str, ...] = field(default=())

    def percentile(self, share: float, *, cpu: bool = False) -> float:
        """Seconds that so many per cent of the warm reads do not exceed."""
        return float(np.percentile(self.warm_cpu_ns if cpu else self.warm_ns, share)) / _NS

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
            "warm": {f"p{share:g}": self.percentile(share) for share in (50, 90, 99, 99.9)},
            "warm_cpu": {f"p{share:g}": self.percentile(share, cpu=True) for share in (50, 90, 99, 99.9)},
            "warm_ns": list(self.warm_ns),
            "warm_cpu_ns": list(self.warm_cpu_ns),
            "warm_floor_ns": list(self.warm_floor_ns),
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
    warm = _Warm([], [], [])
    walk = np.random.default_rng(_SEED)
    with LiveGrid(portfolio, time_tolerance=1e6) as live:
        names = list(works)
        for turn in range(plan.rounds):
            told(f"round {turn + 1} of {plan.rounds}")
            shift = turn % len(names)
            for name in (*names[shift:], *names[:shift]):
                begun, used = time.perf_counter(), time.process_time()
                works[name][0]()
                taken[name].append((time.perf_counter() - begun, time.process_time() - used))
            _read_warm(live, walk, plan.ticks, warm)
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
        _error(portfolio, shocks),
        missing,
    )


def _from_book(portfolio: Portfolio) -> object:
    return scenario_grid(Portfolio(portfolio.book, portfolio.analysis))


class _Warm(NamedTuple):
    """Nanoseconds of every read: of the clock, of the thread, and of a call that does nothing."""

    wall: list[int]
    cpu: list[int]
    floor: list[int]


def _read_warm(live: LiveGrid, walk: np.random.Generator, ticks: int, warm: _Warm) -> None:
    """Grids at spots that walk within a per cent, each timed by itself beside an empty call."""
    for spot in (SPOT * (1 + 0.002 * walk.standard_normal(ticks).clip(-5, 5))).tolist():
        begun = time.perf_counter_ns()
        _nothing()
        used, between = time.thread_time_ns(), time.perf_counter_ns()
        live.value({"PAYER": spot})
        ended, spent = time.perf_counter_ns(), time.thread_time_ns()
        warm.wall.append(ended - between)
        warm.cpu.append(spent - used)
        warm.floor.append(between - begun)


def _nothing() -> None:
    pass


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
    from dataclasses import replace

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
