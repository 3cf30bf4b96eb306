"""Shocks of spot and volatility as the user names them, and what they make of each contract. Main entry: `Shocks`."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.contracts.calendar import session_close, years_between
from atalanta.risk.revaluation import LEAST_VOL

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["SPOT_SHOCKS", "VOL_SHOCKS", "Horizon", "Shocks", "Sticky"]

Floats = npt.NDArray[np.float64]

Sticky = Literal["strike", "moneyness"]

#: Days from the quotes, a date (its close), or 'expiry': every option at its payoff.
Horizon = float | str | dt.date

#: The default grid: changes of the spot, and of each volatility as a share of itself.
SPOT_SHOCKS = (-0.20, -0.15, -0.10, -0.05, -0.02, 0.0, 0.02, 0.05, 0.10, 0.15, 0.20)
VOL_SHOCKS = (-0.30, -0.20, -0.10, -0.05, 0.0, 0.10, 0.20, 0.30, 0.50)

_ORIGIN = "[risk.scenario_grid]"
_MOST = {"spots": 201, "vols": 30}  # two of the 32 levels there may be stand around them
_LONGEST_DAYS = 3653.0


@dataclass(frozen=True, slots=True)
class Shocks:
    """A grid of shocks.

    Attributes:
        spots: (S,) changes of every spot as a share of itself, ascending.
        vols: (V,) changes of every volatility, ascending: shares of itself, or with `vol_unit` 'points' decimals to
            add (0.05 is five vol points).
        vol_unit: 'relative' or 'points'.
        sticky: 'strike': a contract keeps its volatility as the spot moves; 'moneyness': it takes the one that its
            new moneyness has on the smile of its expiry.
        days: from the quotes to the moment of the scenario; infinite for the payoff at expiry.
    """

    spots: Floats
    vols: Floats
    vol_unit: Literal["relative", "points"] = "relative"
    sticky: Sticky = "strike"
    days: float = 0.0

    @classmethod
    def of(
        cls,
        portfolio: Portfolio,
        spots: npt.ArrayLike | None = None,
        vols: npt.ArrayLike | None = None,
        *,
        vol_unit: Literal["relative", "points"] = "relative",
        sticky: Sticky = "strike",
        horizon: Horizon = 0.0,
    ) -> Shocks:
        """Shocks as `scenario_grid` takes them, checked.

        Raises:
            InputError: shocks that are no numbers, not distinct, too many or beyond −100 %; another word for the unit or
                what is sticky; or a horizon before the quotes.
        """
        present = cls.at_once(spots, vols, vol_unit=vol_unit)
        if sticky not in ("strike", "moneyness"):
            raise InputError(f"{_ORIGIN} sticky is {sticky!r}; it must be 'strike' or 'moneyness'")
        return replace(present, sticky=sticky, days=horizon_days(portfolio, horizon))

    @classmethod
    def at_once(
        cls,
        spots: npt.ArrayLike | None = None,
        vols: npt.ArrayLike | None = None,
        *,
        vol_unit: Literal["relative", "points"] = "relative",
    ) -> Shocks:
        """Shocks of the present with sticky strikes, checked as by `of`."""
        if vol_unit not in ("relative", "points"):
            raise InputError(f"{_ORIGIN} vol_unit is {vol_unit!r}; it must be 'relative' or 'points'")
        moves = _ascending(SPOT_SHOCKS if spots is None else spots, "spots", -1.0)
        return cls(moves, _ascending(VOL_SHOCKS if vols is None else vols, "vols", -1.0), vol_unit)

    @property
    def years(self) -> float:
        """The horizon in years."""
        return self.days / 365

    def shifted(self, vol: Floats) -> Floats:
        """(..., V) volatilities at each shock, none below `LEAST_VOL`."""
        shifts = self.vols
        moved = vol[..., None] * (1 + shifts) if self.vol_unit == "relative" else vol[..., None] + shifts
        return np.maximum(moved, LEAST_VOL)


def smile_factors(portfolio: Portfolio, spots: Floats) -> Floats:
    """(M, S) by what a contract's volatility changes on the smile of its expiry when the spot moves by these shares."""
    market, options = portfolio.market, portfolio.options
    factors = np.ones((len(options), len(spots)))
    rows = np.flatnonzero(portfolio.contract >= 0)
    moved = np.log1p(spots)
    done = set()
    for row in rows.tolist():
        contract, group = int(portfolio.contract[row]), int(portfolio.matched.group[row])
        if contract in done:
            continue
        done.add(contract)
        place = np.log(options.strike[contract] / market.forward[group])
        own = market.smiles[group].at(place)
        if np.isfinite(own) and own > 0:
            factors[contract] = market.smiles[group].at(place - moved) / own
    return factors


def horizon_days(portfolio: Portfolio, horizon: Any) -> float:
    """Calendar days from the newest quotes to a horizon.

    Raises:
        InputError: before the quotes, more than ten years, or no horizon at all.
    """
    if horizon == "expiry" and isinstance(horizon, str):
        return np.inf
    if isinstance(horizon, str | dt.date | np.datetime64):
        close = session_close(_day(horizon))
        if np.isnat(close):
            raise InputError(f"{_ORIGIN} horizon {horizon} is no trading day: name one that is")
        days = 365 * float(years_between(portfolio.market.quote_times.max(), close))
    else:
        try:
            days = float(horizon)
        except (TypeError, ValueError):
            days = np.nan
    if not 0.0 <= days <= _LONGEST_DAYS:
        raise InputError(
            f"{_ORIGIN} horizon is {horizon!r}; it must be days from 0 to {_LONGEST_DAYS:g}, a date YYYY-MM-DD after the "
            "quotes, or 'expiry'"
        )
    return days


def _day(horizon: Any) -> np.datetime64:
    try:
        return np.datetime64(horizon, "D")
    except ValueError:
        raise InputError(
            f"{_ORIGIN} horizon {horizon!r} is neither a number of days, nor a date YYYY-MM-DD, nor 'expiry'"
        ) from None


def _ascending(values: npt.ArrayLike, name: str, beyond: float) -> Floats:
    try:
        shocks = np.atleast_1d(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError):
        shocks = np.array([np.nan])
    most = _MOST[name]
    if shocks.ndim != 1 or not 1 <= shocks.size <= most:
        raise InputError(f"{_ORIGIN} {name} holds {shocks.size} shocks; give one list of 1 to {most}")
    if not (np.isfinite(shocks).all() and (shocks > beyond).all()):
        raise InputError(
            f"{_ORIGIN} {name} holds {shocks[~(shocks > beyond) | ~np.isfinite(shocks)][0]}; shocks are changes as "
            "decimals above -1 (-0.2 is a fall by 20 %)"
        )
    ordered = np.unique(shocks)
    if ordered.size != shocks.size:
        raise InputError(f"{_ORIGIN} {name} holds a shock twice: give each once")
    return ordered
