"""The scenario grid: what the book gains and loses at shocked spots and volatilities, by full revaluation.

Main entry: `scenario_grid`. Ladders side by side: a solve for each contract and volatility, a read for each spot.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from atalanta.market.table import Table
from atalanta.risk.grid_ladders import GridLadders, at_horizon
from atalanta.risk.scenarios import Horizon, Shocks, Sticky, smile_factors

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["Grid", "book_pnl", "brute_force", "grid_notes", "paid_to_shares", "scenario_grid"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """Profit and loss of a book over spots and volatilities.

    Attributes:
        shocks: of the axes.
        pnl: (S, V) in the currency of the quotes, against the book's value now.
        by_underlying: ticker to its share of `pnl`; they sum to it.
        value: of the book now, by the model.
        solves: ladders that were solved for it.
        seconds: wall time.
        age_seconds: of the ladders that were read; 0 where they were made for this.
        notes: what is to be known about it.
    """

    shocks: Shocks
    pnl: Floats
    by_underlying: dict[str, Floats]
    value: float
    solves: int = 0
    seconds: float = 0.0
    age_seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    def worst(self) -> tuple[float, float, float]:
        """Spot shock, vol shock and P&L of the worst cell."""
        return self._cell(int(np.argmin(self.pnl)))

    def best(self) -> tuple[float, float, float]:
        """Spot shock, vol shock and P&L of the best cell."""
        return self._cell(int(np.argmax(self.pnl)))

    def _cell(self, place: int) -> tuple[float, float, float]:
        s, v = np.unravel_index(place, self.pnl.shape)
        return float(self.shocks.spots[s]), float(self.shocks.vols[v]), float(self.pnl[s, v])

    def to_table(self) -> Table:
        """One row per cell: `spot_shock, vol_shock, pnl` and the P&L of each underlying by its ticker."""
        spots, vols = np.meshgrid(self.shocks.spots, self.shocks.vols, indexing="ij")
        parts = {name: pnl.ravel() for name, pnl in self.by_underlying.items()}
        return Table(
            {"spot_shock": spots.ravel(), "vol_shock": vols.ravel(), "pnl": self.pnl.ravel(), **parts},
            notes=self.notes,
        )

    def as_dict(self) -> dict[str, Any]:
        """The grid in plain types, for JSON."""
        return {
            "spot_shocks": self.shocks.spots.tolist(),
            "vol_shocks": self.shocks.vols.tolist(),
            "vol_unit": self.shocks.vol_unit,
            "sticky": self.shocks.sticky,
            "horizon_days": self.shocks.days if np.isfinite(self.shocks.days) else "expiry",
            "value": self.value,
            "pnl": self.pnl.tolist(),
            "by_underlying": {name: pnl.tolist() for name, pnl in self.by_underlying.items()},
            "solves": self.solves,
            "seconds": self.seconds,
            "age_seconds": self.age_seconds,
            "notes": list(self.notes),
        }


def scenario_grid(
    portfolio: Portfolio,
    *,
    spots: npt.ArrayLike | None = None,
    vols: npt.ArrayLike | None = None,
    vol_unit: Any = "relative",
    sticky: Sticky = "strike",
    horizon: Horizon = 0.0,
    threads: int | None = None,
) -> Grid:
    """What the book gains and loses at shocked spots and volatilities, every option valued anew.

    All spots move together by the same share, and all volatilities by the same shock; each underlying's part stands in
    `Grid.by_underlying`. At a later horizon the unshocked spot is the present one less the cash dividends paid until then,
    which shares have received; options that have expired by then are worth their payoff at the scenario's spot.

    Args:
        portfolio: the book in its market.
        spots: (S,) changes as decimals, above −1; None for `SPOT_SHOCKS`.
        vols: (V,) changes of every volatility; None for `VOL_SHOCKS`.
        vol_unit: 'relative' (0.2 turns 25 % into 30 %) or 'points' (0.05 turns 25 % into 30 %).
        sticky: 'strike' or 'moneyness': what keeps its volatility when the spot moves.
        horizon: days from the quotes, a date, or 'expiry': every option at its payoff, without dividends.
        threads: None for the package's setting.

    Raises:
        InputError: shocks, words or a horizon that cannot be used.
    """
    started = time.perf_counter()
    shocks = Shocks.of(portfolio, spots, vols, vol_unit=vol_unit, sticky=sticky, horizon=horizon)
    options = portfolio.options
    ladders = GridLadders(portfolio, options, shocks, threads=threads)
    totals = ladders.totals(options.spot, options.vol)
    paid = paid_to_shares(portfolio, shocks.years)
    pnl = book_pnl(portfolio, shocks, *totals, portfolio.market.spots, paid)
    return Grid(
        shocks,
        pnl.sum(axis=0),
        dict(zip(portfolio.underlyings, pnl, strict=True)),
        portfolio.value,
        ladders.solves,
        time.perf_counter() - started,
        notes=(*portfolio.notes, *grid_notes(portfolio, shocks)),
    )


def brute_force(portfolio: Portfolio, shocks: Shocks) -> Floats:
    """(M, S, V) values per share of every cell, each from a solve of its own: what the grid is checked against."""
    held = at_horizon(portfolio.options, shocks)
    vols = held.vol[:, None]
    if shocks.sticky == "moneyness":
        vols = vols * smile_factors(portfolio, shocks.spots)
    spot = (held.spot[:, None] * (1 + shocks.spots))[:, :, None]
    return held.price(*np.broadcast_arrays(spot, shocks.shifted(vols)))


def book_pnl(
    portfolio: Portfolio, shocks: Shocks, totals: Floats, base: Floats, spots: Floats, paid: Floats
) -> Floats:
    """(U, S, V) P&L of every underlying.

    Args:
        portfolio: of U underlyings.
        shocks: of the grid.
        totals: (U, S, V) what the options are worth.
        base: (U,) the same without a shock.
        spots: (U,) the present prices of the shares.
        paid: (U,) what a share pays until the horizon; the shock is of the price without it.
    """
    pnl = totals - base[:, None, None]
    held = portfolio.shares != 0
    if held.any():
        shares = np.where(held, portfolio.shares * (spots - paid), 0.0)
        pnl += (shares[:, None] * shocks.spots)[:, :, None]
    return pnl


def paid_to_shares(portfolio: Portfolio, years: float, since: float = 0.0) -> Floats:
    """(U,) cash that a share of each underlying pays in so many years from `since` on.

    Nothing at an infinite horizon, see `Shocks.days`. Years are counted from the quotes.
    """
    market = portfolio.market
    paid = np.zeros(len(market.underlyings))
    if not np.isfinite(years):
        return paid
    for group, row in zip(market.underlying.tolist(), market.schedule.tolist(), strict=True):
        if row >= 0:
            times, cash = market.schedules[row]
            paid[group] = cash[(times > since) & (times <= since + years)].sum()
    return paid


def grid_notes(portfolio: Portfolio, shocks: Shocks) -> list[str]:
    """What the shocks did that their reader should know."""
    notes = []
    options = portfolio.options
    if np.isfinite(shocks.days) and shocks.days > 0:
        gone = int((options.years <= shocks.years).sum())
        if gone:
            notes.append(
                f"{gone:,} contracts expire within the horizon: at the scenario's spot they are worth their payoff"
            )
    if shocks.vol_unit == "points" and (options.vol + shocks.vols[0] < 0).any():
        notes.append("some volatilities would fall below zero: they stop at 0.01 vol points")
    return notes
