"""Warm reads of a scenario grid, one by one, and what the machine adds to a loop as long. Main entry: `WarmReads`."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from atalanta.risk import LiveGrid
from atalanta.risk.grid_ladders import GridLadders

__all__ = ["WarmReads"]

_FIRST = 16


class WarmReads:
    """Grids at moving spots of the one underlying.

    Args:
        live: what is measured.
        apart: the same ladders that have not been added up.

    Attributes:
        wall, cpu: nanoseconds of every read, of the clock and of the thread.
        floor: of a loop beside each that does nothing for as long as the median of the first reads.
        apart: of the read contract by contract.
    """

    def __init__(self, live: LiveGrid, apart: GridLadders) -> None:
        self._live, self._apart = live, apart
        self.wall: list[int] = []
        self.cpu: list[int] = []
        self.floor: list[int] = []
        self.apart: list[int] = []
        self._name = live.portfolio.underlyings[0]
        self._own = float(live.portfolio.market.spots[0])
        options = live.portfolio.options
        self._spot, self._vol = options.spot, options.vol
        self._turns = self._turns_of(self._median_read())

    def read(self, spots: npt.NDArray[np.float64]) -> None:
        """Read at (N,) spots; the three contenders in turn at each."""
        for spot in spots.tolist():
            used, begun = time.thread_time_ns(), time.perf_counter_ns()
            self._live.value({self._name: spot})
            ended, spent = time.perf_counter_ns(), time.thread_time_ns()
            self.wall.append(ended - begun)
            self.cpu.append(spent - used)
            self.floor.append(_nothing(self._turns))
            moved = self._spot * (spot / self._own)
            begun = time.perf_counter_ns()
            self._apart.totals(moved, self._vol)
            self.apart.append(time.perf_counter_ns() - begun)

    def _median_read(self) -> float:
        taken = []
        for _ in range(_FIRST):
            begun = time.perf_counter_ns()
            self._live.value({self._name: self._own})
            taken.append(time.perf_counter_ns() - begun)
        return float(np.median(taken))

    @staticmethod
    def _turns_of(nanoseconds: float) -> int:
        """Turns of the empty loop that take as long."""
        turns = 1000
        least = min(_nothing(turns) for _ in range(_FIRST))
        return max(1, round(turns * nanoseconds / least))


def _nothing(turns: int) -> int:
    begun = time.perf_counter_ns()
    for _ in range(turns):
        pass
    return time.perf_counter_ns() - begun
