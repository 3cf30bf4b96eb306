"""The ladders behind a scenario grid: solved once, read at any market near theirs. Main entry: `GridLadders`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.risk.options import Options
from atalanta.risk.revaluation import Revaluation, spread_levels
from atalanta.risk.scenarios import Shocks, smile_factors

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["GridLadders", "at_horizon"]

Floats = npt.NDArray[np.float64]

#: Levels of volatility where those asked for differ from spot to spot.
_SPREAD_LEVELS = 12

#: Levels that value the book without a shock, as multiples of the volatilities.
_AROUND = np.array([0.8, 0.9, 1.0, 1.1, 1.2])


class GridLadders:
    """The ladders behind a grid: made once for some options and shocks, read at any spot near theirs.

    Args:
        portfolio: whose smiles the volatilities follow.
        options: M contracts at the present.
        shocks: of the grid.
        drift: how far spots may move from those of `options` before the ladders no longer reach, as a share.
        vol_drift: the same of volatilities: levels around those of the shocks.
        threads: to build with.
        summed: add up the ladders of the book, so that a grid at spots moved by up to `drift` is a read of the sums; worth
            it where many grids are read.
    """

    def __init__(
        self,
        portfolio: Portfolio,
        options: Options,
        shocks: Shocks,
        *,
        drift: float = 0.0,
        vol_drift: float = 0.0,
        threads: int | None = None,
        summed: bool = False,
    ) -> None:
        self.options, self.shocks = options, shocks
        self._factors = smile_factors(portfolio, shocks.spots) if shocks.sticky == "moneyness" else None
        later = at_horizon(options, shocks)
        self._dropped = options.spot - later.spot
        reach = (1 + shocks.spots[0]) * (1 - drift), (1 + shocks.spots[-1]) * (1 + drift)
        self._shocked = Revaluation(later, _with_margin(self._levels(), vol_drift), reach, threads)
        count = len(portfolio.underlyings)
        self._grid = _core.BookGrid(
            spots=shocks.spots,
            vols=shocks.vols,
            points=shocks.vol_unit == "points",
            weight=options.weight,
            group=options.underlying,
            groups=count,
            dropped=self._dropped,
            smile=np.empty(0) if self._factors is None else self._factors,
        )
        self.summed = summed and self._grid.add_up(self._shocked.ladders, options.spot, options.vol, drift)
        self._count = count
        self._still = _still(shocks)
        self._unshocked = None
        if self._still is None:  # the grid does not hold what the book is worth now
            levels = options.vol[:, None] * _AROUND
            self._unshocked = Revaluation(options, levels, (1 - drift, 1 + drift), threads)

    @property
    def solves(self) -> int:
        """Ladders that were solved."""
        return self._shocked.solves + (0 if self._unshocked is None else self._unshocked.solves)

    def _levels(self) -> Floats:
        """(M, L) the shocked volatilities, where they are the same at every spot; else spread over their range."""
        vols = self.options.vol
        if self._factors is None:
            return self.shocks.shifted(vols)
        asked = self.shocks.shifted(vols[:, None] * self._factors).reshape(len(vols), -1)
        asked = np.concatenate([asked, vols[:, None]], axis=1)
        return spread_levels(asked.min(axis=1), asked.max(axis=1), _SPREAD_LEVELS)

    def totals(self, spot: Floats, vol: Floats) -> tuple[Floats, Floats]:
        """What the contracts of each underlying are worth at (M,) present spots and volatilities; NaN beyond the levels.

        Returns:
            (U, S, V) at the shocks, and (U,) without a shock.
        """
        totals = self._grid.totals(self._shocked.ladders, spot, vol)
        if self._unshocked is None:
            return totals, totals[:, *(self._still or (0, 0))]
        base = self._unshocked.values(spot[:, None], vol[:, None])[:, :, 0]
        return totals, _core.add_up(base, self.options.weight, self.options.underlying, self._count)[:, 0]

    def values(self, spot: Floats, vol: Floats, threads: int | None = 1) -> Floats:
        """(M, S, V) values per share at the shocks of (M,) present spots and volatilities."""
        spots = (spot - self._dropped)[:, None] * (1 + self.shocks.spots)
        vols = self.shocks.shifted(vol if self._factors is None else vol[:, None] * self._factors)
        return self._shocked.values(spots, vols, threads)


def _still(shocks: Shocks) -> tuple[int, int] | None:
    """The cell in which nothing moves, None where there is none."""
    spots, vols = np.flatnonzero(shocks.spots == 0), np.flatnonzero(shocks.vols == 0)
    return (int(spots[0]), int(vols[0])) if spots.size and vols.size and shocks.days == 0 else None


def _with_margin(levels: Floats, drift: float) -> Floats:
    """(M, L + 2) levels with one more below and above where there is a drift."""
    if drift == 0.0:
        return levels
    return np.concatenate([levels[:, :1] * (1 - drift), levels, levels[:, -1:] * (1 + drift)], axis=1)


def at_horizon(options: Options, shocks: Shocks) -> Options:
    """The options as they will be at the shocks' horizon; at expiry without years and dividends."""
    if np.isfinite(shocks.days):
        return options.after(shocks.years)
    count = len(options)
    return replace(options, years=np.zeros(count), schedules=(), schedule=np.full(count, -1, dtype=np.int32))
