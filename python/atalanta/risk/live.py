"""A scenario grid that is read again and again: ladders are kept, and rebuilt in the background. Main entry: `LiveGrid`.

A tick of the spot is a read. When volatilities or time have moved further than they may, one background thread solves new
ladders while the present ones go on being read; every grid tells the age of those that it was read from.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.risk.grid import Grid, book_pnl, grid_notes, paid_to_shares
from atalanta.risk.grid_ladders import GridLadders
from atalanta.risk.scenarios import Horizon, Shocks, Sticky

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["LiveGrid"]

Floats = npt.NDArray[np.float64]

_YEAR = 365 * 86_400.0

#: Share of the outermost volatilities by which levels stand around them.
_LEAST_VOL_DRIFT = 0.05


@dataclass(frozen=True, slots=True)
class _Build:
    """Ladders; the (U,) prices and (M,) volatilities that they were made for, and when.

    `paid`: (U,) what shares pay until the horizon from then.
    """

    ladders: GridLadders
    prices: Floats
    vol: Floats
    made_at: float
    paid: Floats

    def reaches(self, prices: Floats, drift: float) -> bool:
        """Whether (U,) prices are still near those of the ladders; an underlying without a price matters to none."""
        return not (np.abs(prices / self.prices - 1) > drift).any()


class LiveGrid:
    """The scenario grid of a portfolio whose market moves.

    Args:
        portfolio: the book and the market at the start.
        spots, vols, vol_unit, sticky, horizon: as `scenario_grid` takes them; the horizon stays as far ahead as it is.
        vol_tolerance: how far a contract's volatility may move from its ladders', as a share, before they are rebuilt;
            until then it is read from the polynomial through their levels.
        time_tolerance: seconds of age before ladders are rebuilt; in between, options are worth what they were.
        spot_drift: how far spots may move from those at the start of a build and still be within its ladders.
        threads: to build with; None for the package's setting. Reads take one.
        clock: seconds, monotonic.

    `value` may be called from several threads. `close`, or leaving its `with` block, waits for a build under way.

    Raises:
        InputError: shocks or tolerances that cannot be used.
    """

    def __init__(
        self,
        portfolio: Portfolio,
        *,
        spots: npt.ArrayLike | None = None,
        vols: npt.ArrayLike | None = None,
        vol_unit: Any = "relative",
        sticky: Sticky = "strike",
        horizon: Horizon = 0.0,
        vol_tolerance: float = 0.01,
        time_tolerance: float = 60.0,
        spot_drift: float = 0.05,
        threads: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, given in (
            ("vol_tolerance", vol_tolerance),
            ("time_tolerance", time_tolerance),
            ("spot_drift", spot_drift),
        ):
            if not 0.0 < given < np.inf:
                raise InputError(f"[risk.LiveGrid] {name} is {given!r}; it must be a number above 0")
        self.portfolio = portfolio
        self.shocks = Shocks.of(portfolio, spots, vols, vol_unit=vol_unit, sticky=sticky, horizon=horizon)
        self._tolerance, self._patience, self._drift = vol_tolerance, time_tolerance, min(spot_drift, 0.5)
        self._threads, self._clock = threads, clock
        self._names = {name: place for place, name in enumerate(portfolio.underlyings)}
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._failure = ""
        self._started = clock()
        self.builds = 0
        self._notes = (*portfolio.notes, *grid_notes(portfolio, self.shocks))
        options = portfolio.options
        self._vol = options.vol
        self._build = self._made(options.spot, options.vol, portfolio.market.spots)

    def value(
        self,
        spots: Mapping[str, float] | None = None,
        vols: npt.ArrayLike | None = None,
    ) -> Grid:
        """The grid at the present market, from the ladders that there are.

        Args:
            spots: price per share by ticker; underlyings that are not named keep the portfolio's.
            vols: (M,) volatilities of `portfolio.options`, or one factor for all of them; None keeps the last ones.

        Returns:
            P&L against the book at this spot and these volatilities. `age_seconds` is that of the ladders. Where spots or
            volatilities have left their range, new ones are made first: the call then takes as long as a cold grid.

        Raises:
            InputError: an unknown ticker, a price that is not positive, or volatilities that are no such column.
        """
        begun = time.perf_counter()
        options = self.portfolio.options
        ratio, vol = self._ratios(spots), self._vols(vols)
        spot = options.spot * ratio[options.underlying]
        solves = 0
        build = self._build
        prices = self.portfolio.market.spots * ratio
        pnl, base = self._read(build, spot, vol, prices)
        if not (build.reaches(prices, self._drift) and math.isfinite(pnl.sum())):
            build = self._rebuilt(spot, vol, prices)
            solves = build.ladders.solves
            pnl, base = self._read(build, spot, vol, prices)
        elif self._stale(build, vol):
            self._rebuild_behind(spot, vol, prices)
        failure = self._failure
        return Grid(
            self.shocks,
            pnl.sum(axis=0) if len(pnl) > 1 else pnl[0].copy(),
            dict(zip(self.portfolio.underlyings, pnl, strict=True)),
            float(base.sum() + self.portfolio.stock_value @ ratio),
            solves,
            time.perf_counter() - begun,
            max(0.0, self._clock() - build.made_at),
            (*self._notes, f"the last rebuild failed: {failure}") if failure else self._notes,
        )

    def _read(self, build: _Build, spot: Floats, vol: Floats, prices: Floats) -> tuple[Floats, Floats]:
        """(U, S, V) P&L and what the options of each underlying are worth without a shock."""
        totals, base = build.ladders.totals(spot, vol)
        return book_pnl(self.portfolio, self.shocks, totals, base, prices, build.paid), base

    def wait(self) -> None:
        """Wait for the build under way, if there is one."""
        worker = self._worker
        if worker is not None:
            worker.join()

    def close(self) -> None:
        """Wait for the build under way; the grid can still be read."""
        self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ratios(self, spots: Mapping[str, float] | None) -> Floats:
        ratio = np.ones(len(self._names))
        for name, price in (spots or {}).items():
            place = self._names.get(name)
            if place is None:
                raise InputError(
                    f"[risk.LiveGrid] spot of {name!r}: the portfolio holds {', '.join(self._names) or 'none'}"
                )
            if not 0.0 < price < np.inf:
                raise InputError(f"[risk.LiveGrid] spot of {name} is {price!r}; it must be a price above 0")
            ratio[place] = price / self.portfolio.market.spots[place]
        return ratio

    def _vols(self, vols: npt.ArrayLike | None) -> Floats:
        if vols is None:
            return self._vol
        given = np.asarray(vols, dtype=np.float64)
        vol = self.portfolio.options.vol * given if given.ndim == 0 else given
        if vol.shape != self.portfolio.options.vol.shape or not (vol > 0).all() or not np.isfinite(vol).all():
            raise InputError(
                f"[risk.LiveGrid] vols has the shape {given.shape}; give {len(self.portfolio.options)} volatilities above "
                "0, or one factor above 0"
            )
        self._vol = vol
        return vol

    def _stale(self, build: _Build, vol: Floats) -> bool:
        if self._clock() - build.made_at > self._patience:
            return True
        return vol is not build.vol and bool((np.abs(vol / build.vol - 1) > self._tolerance).any())

    def _rebuild_behind(self, spot: Floats, vol: Floats, prices: Floats) -> None:
        """Start a build unless one is under way."""
        with self._lock:
            if self._worker is not None and self._worker.is_alive():
                return
            self._worker = threading.Thread(
                target=self._rebuild, args=(spot, vol, prices), name="atalanta-risk-ladders", daemon=True
            )
            self._worker.start()

    def _rebuild(self, spot: Floats, vol: Floats, prices: Floats) -> None:
        try:
            self._rebuilt(spot, vol, prices)
            self._failure = ""
        except Exception as error:  # noqa: BLE001 - the next grid tells; the ladders that there are go on being read
            self._failure = f"{type(error).__name__}: {error}"

    def _rebuilt(self, spot: Floats, vol: Floats, prices: Floats) -> _Build:
        build = self._made(spot, vol, prices)
        with self._lock:
            if build.made_at >= self._build.made_at:  # one begun later may have come first
                self._build = build
        return build

    def _made(self, spot: Floats, vol: Floats, prices: Floats) -> _Build:
        """Ladders at these spots, as they are quoted now: dividends that have gone ex since are in them."""
        begun = self._clock()
        passed = (begun - self._started) / _YEAR
        aged = self.portfolio.options.after(passed)
        present = replace(aged, spot=spot, vol=vol)
        ladders = GridLadders(
            self.portfolio,
            present,
            self.shocks,
            drift=self._drift,
            vol_drift=max(_LEAST_VOL_DRIFT, 3 * self._tolerance),
            threads=self._threads,
            summed=True,
        )
        self.builds += 1
        return _Build(ladders, prices, vol, begun, paid_to_shares(self.portfolio, self.shocks.years, passed))
