"""The scenario ladder of a stream's positions: what it is asked, and what it says. Main entries: `Scenarios`, `ScenarioGrid`.

The engine keeps it up to date in its risk stage; see `Stream.scenarios`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.risk.grid import Grid
from atalanta.risk.scenarios import Shocks

__all__ = ["ScenarioGrid", "Scenarios"]

_ORIGIN = "streaming.Scenarios"
_MOST_READS = 1 << 20
_LONGEST = 86_400.0


@dataclass(frozen=True)
class Scenarios:
    """Which scenarios a stream keeps up to date, and how.

    Args:
        spots: (S,) changes of every spot as decimals; None for the eleven of `scenario_grid`.
        vols: (V,) changes of every volatility; None for its nine.
        vol_unit: 'relative' or 'points', as of `scenario_grid`. Contracts keep their volatility as the spot moves.
        vol_tolerance: a volatility that is further from that of its ladders, as a share, asks for new ones.
        time_tolerance: seconds of market time after which new ladders are asked for; options are worth what they were until then.
        spot_drift: how far a spot may move from that of its ladders before they no longer reach, as a share up to 0.5; half
            of it asks for new ones.
        reads: contracts at most that a batch of events reads anew because their volatility has changed; the others wait.
    """

    spots: npt.ArrayLike | None = None
    vols: npt.ArrayLike | None = None
    vol_unit: Literal["relative", "points"] = "relative"
    vol_tolerance: float = 0.01
    time_tolerance: float = 60.0
    spot_drift: float = 0.05
    reads: int = 16

    def shocks(self) -> Shocks:
        """The axes, checked.

        Raises:
            InputError: shocks that cannot be used, as of `scenario_grid`.
        """
        return Shocks.at_once(self.spots, self.vols, vol_unit=self.vol_unit)

    def native(self, tolerance: float) -> dict[str, Any]:
        """What the engine is given.

        Raises:
            InputError: a value out of range.
        """
        shocks = self.shocks()
        reads: Any = self.reads
        for name, most in (("vol_tolerance", 1.0), ("time_tolerance", _LONGEST), ("spot_drift", 0.5)):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0.0 < value <= most:
                raise InputError(
                    f"[{_ORIGIN}] {name} is {value!r}; it must be a number above 0, at most {most:g}"
                )
        if not isinstance(reads, int) or isinstance(reads, bool) or not 1 <= reads <= _MOST_READS:
            raise InputError(
                f"[{_ORIGIN}] reads is {reads!r}; it must be a whole number from 1 to {_MOST_READS}"
            )
        return {
            # Profit and loss are against the book without a shock, which is read with the others.
            "spots": np.union1d(shocks.spots, [0.0]),
            "vols": np.union1d(shocks.vols, [0.0]),
            "points": shocks.vol_unit == "points",
            "vol_tolerance": float(self.vol_tolerance),
            "spot_drift": float(self.spot_drift),
            "refresh_after_ns": max(1, round(1e9 * float(self.time_tolerance))),
            "reads": self.reads,
            "tolerance": tolerance,
        }


@dataclass(frozen=True, eq=False)
class ScenarioGrid(Grid):
    """The scenario ladder at one moment: a `Grid` of the stream's positions, at the spots and volatilities that it knows.

    NaN in the cells of an underlying whose options have no ladders yet, or none that reach its spot; then in `pnl` too.

    Attributes:
        builds: how often ladders have been solved; `age_seconds` is that of the ones in use.
        market_time: of those, datetime64[ns]; NaT before the first.
        contracts: with a position.
        left_out: of those: without a volatility or a spot, or expired: in no cell.
        pending: of those: they count as they were at an earlier volatility or spot.
    """

    builds: int = 0
    market_time: np.datetime64 = field(default_factory=lambda: np.datetime64("NaT", "ns"))
    contracts: int = 0
    left_out: int = 0
    pending: int = 0

    def as_dict(self) -> dict[str, Any]:
        """In plain types, for JSON."""
        known = not np.isnat(self.market_time)
        return {
            **super().as_dict(),
            "builds": self.builds,
            "market_time": f"{self.market_time}Z" if known else None,
            "contracts": self.contracts,
            "left_out": self.left_out,
            "pending": self.pending,
        }


def grid_of(state: dict[str, Any], scenarios: Scenarios, tickers: tuple[str, ...]) -> ScenarioGrid:
    """From what the engine gives."""
    shocks = scenarios.shocks()
    rows = np.flatnonzero(np.isin(np.union1d(shocks.spots, [0.0]), shocks.spots))
    columns = np.flatnonzero(np.isin(np.union1d(shocks.vols, [0.0]), shocks.vols))
    pnl = state["pnl"][:, rows[:, None], columns]
    builds = int(state["builds"])
    return ScenarioGrid(
        shocks=shocks,
        pnl=pnl.sum(axis=0),
        by_underlying=dict(zip(tickers, pnl, strict=True)),
        value=float(state["value"].sum()),
        age_seconds=max(0.0, state["age_ns"] / 1e9),
        notes=_notes(state, pnl, tickers),
        builds=builds,
        market_time=np.datetime64(int(state["time_ns"]) if state["time_ns"] else "NaT", "ns"),
        contracts=int(state["positions"]),
        left_out=int(state["left_out"]),
        pending=int(state["pending"]),
    )


def _notes(state: dict[str, Any], pnl: npt.NDArray[np.float64], tickers: tuple[str, ...]) -> tuple[str, ...]:
    notes = []
    unknown = [name for name, cells in zip(tickers, pnl, strict=True) if np.isnan(cells).any()]
    if unknown:
        notes.append(
            f"{', '.join(unknown)}: no ladders that reach the spot so far; the cells are NaN until there are"
        )
    if state["left_out"] and state["builds"]:
        notes.append(
            f"{state['left_out']:,} of {state['positions']:,} contracts have no volatility or spot, or have expired: in no cell"
        )
    if state["pending"]:
        notes.append(
            f"{state['pending']:,} contracts wait to be read at their latest volatility: they count as they were"
        )
    if state["failures"]:
        notes.append(f"{state['failures']:,} times there was no memory for new ladders")
    return tuple(notes)
