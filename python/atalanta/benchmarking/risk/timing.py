"""What one contender of the risk benchmark took, in every round. Main entry: `Timing`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Timing"]


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
