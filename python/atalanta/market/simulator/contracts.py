"""The listed contracts as columns, and what is true of each: volatility, forward, discount, price.

`list_contracts` and `true_rows` are the entries; rows run by underlying, expiry, strike, call before put.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.simulator.listing import Series, list_series
from atalanta.market.simulator.quotes import Ticks, half_spread
from atalanta.market.simulator.universe import Underlying
from atalanta.pricing import greeks, price

__all__ = ["Contracts", "TrueRows", "list_contracts", "true_rows"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


class Contracts(NamedTuple):
    """The listed contracts, (N,) columns; `which` is the row of the underlying."""

    which: Rows
    root: npt.NDArray[np.object_]
    expiry: npt.NDArray[np.datetime64]
    expires_at: npt.NDArray[np.datetime64]
    settlement: npt.NDArray[np.object_]
    years: Floats
    forward: Floats
    discount: Floats
    strike: Floats
    right: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class TrueRows:
    """What is true of each contract, (N,) columns; `half` is the half-spread before rounding."""

    contracts: Contracts
    vol: Floats
    price: Floats
    half: Floats
    ticks: Ticks

    @property
    def intrinsic(self) -> Floats:
        """Discounted intrinsic value."""
        return _intrinsic(self.contracts)

    @property
    def bound(self) -> Floats:
        """Highest price without arbitrage."""
        listed = self.contracts
        return listed.discount * np.where(listed.right > 0, listed.forward, listed.strike)

    def priced_at(self, forward: Floats, rows: Rows) -> Floats:
        """Prices of some rows with their forward moved, at the same volatility and time."""
        listed = self.contracts
        years = listed.years[rows]
        rate = -np.log(listed.discount[rows]) / years
        right, strike = listed.right[rows], listed.strike[rows]
        return np.asarray(price(right, forward, strike, years, rate, self.vol[rows], dividend_yield=rate))


def list_contracts(universe: tuple[Underlying, ...], now: np.datetime64) -> Contracts:
    """All contracts listed on the universe at an instant."""
    parts = [_expand(index, list_series(each, now)) for index, each in enumerate(universe)]
    return Contracts(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _expand(index: int, series: Series) -> Contracts:
    """One row per contract from one row per expiry."""
    counts = [2 * len(strikes) for strikes in series.strikes]
    strike = np.repeat(np.concatenate(series.strikes), 2)
    right = np.tile(np.array([1, -1], dtype=np.int8), len(strike) // 2)
    return Contracts(
        which=np.full(len(strike), index),
        root=np.repeat(series.root, counts),
        expiry=np.repeat(series.expiry, counts),
        expires_at=np.repeat(series.expires_at, counts),
        settlement=np.repeat(series.settlement, counts),
        years=np.repeat(series.years, counts),
        forward=np.repeat(series.forward, counts),
        discount=np.repeat(series.discount, counts),
        strike=strike,
        right=right,
    )


def true_rows(universe: tuple[Underlying, ...], contracts: Contracts) -> TrueRows:
    """True volatilities and prices; an expired contract has no volatility and is worth its payoff."""
    alive = contracts.years > 0.0
    years = np.where(alive, contracts.years, np.nan)
    rate = -np.log(contracts.discount) / years
    log_moneyness = np.log(contracts.strike / contracts.forward)
    vol = _smile_vol(universe, contracts.which, log_moneyness, years)
    market = (contracts.right, contracts.forward, contracts.strike, years, rate, vol)
    vega = np.where(alive, greeks(*market, dividend_yield=rate).vega, 0.0)
    deviations = np.where(alive, log_moneyness / (vol * np.sqrt(years)), 0.0)
    ticks = Ticks(*np.array([each.ticks for each in universe])[contracts.which].T)
    width = np.array([each.vol_width for each in universe])[contracts.which]
    intrinsic = _intrinsic(contracts)
    return TrueRows(
        contracts=contracts,
        vol=vol,
        price=np.where(alive, price(*market, dividend_yield=rate), intrinsic),
        half=half_spread(width, vega, deviations, intrinsic, ticks),
        ticks=ticks,
    )


def _smile_vol(universe: tuple[Underlying, ...], which: Rows, log_moneyness: Floats, years: Floats) -> Floats:
    vol = np.full(len(which), np.nan)
    for index, each in enumerate(universe):
        rows = which == index
        vol[rows] = np.sqrt(each.smile.total_variance(log_moneyness[rows], years[rows]) / years[rows])
    return vol


def _intrinsic(contracts: Contracts) -> Floats:
    return contracts.discount * np.maximum(contracts.right * (contracts.forward - contracts.strike), 0.0)
