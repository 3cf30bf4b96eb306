"""The listed contracts as columns, and what is true of each: volatility, forward, discount, price.

`list_contracts` and `true_rows` are the entries; rows run by underlying, expiry, strike, call before put.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.compute.valuation import greeks
from atalanta.market.simulator.dividends import Ahead
from atalanta.market.simulator.listing import Series, list_series
from atalanta.market.simulator.quotes import Ticks, half_spread
from atalanta.market.simulator.universe import Underlying
from atalanta.market.simulator.valuation import Terms, bound, intrinsic, worth

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
    terms: Terms
    schedules: tuple[Ahead, ...]
    vol: Floats
    price: Floats
    half: Floats
    ticks: Ticks

    @property
    def intrinsic(self) -> Floats:
        """Least price without arbitrage."""
        return intrinsic(self.terms)

    @property
    def bound(self) -> Floats:
        """Highest price without arbitrage."""
        return bound(self.terms)

    def priced_at(self, factor: Floats, rows: Rows) -> Floats:
        """Prices of some rows with spot and forward multiplied, at the same volatility and time."""
        return worth(self.terms.take(rows).moved(factor), self.vol[rows], self.schedules)


def list_contracts(
    universe: tuple[Underlying, ...], now: np.datetime64, schedules: tuple[Ahead, ...]
) -> Contracts:
    """All contracts listed on the universe at an instant; `schedules` are the dividends of each underlying."""
    parts = [
        _expand(index, list_series(each, now, dividends))
        for index, (each, dividends) in enumerate(zip(universe, schedules, strict=True))
    ]
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


def true_rows(
    universe: tuple[Underlying, ...], contracts: Contracts, schedules: tuple[Ahead, ...]
) -> TrueRows:
    """True volatilities and prices; an expired contract has no volatility and is worth its payoff."""
    alive = contracts.years > 0.0
    years = np.where(alive, contracts.years, np.nan)
    terms = _terms(universe, contracts, years)
    log_moneyness = np.log(contracts.strike / contracts.forward)
    vol = _smile_vol(universe, contracts.which, log_moneyness, years)
    at_forward = (contracts.right, contracts.forward, contracts.strike, years, terms.rate, vol)
    vega = np.where(alive, greeks(*at_forward, dividend_yield=terms.rate).vega, 0.0)
    deviations = np.where(alive, log_moneyness / (vol * np.sqrt(years)), 0.0)
    ticks = Ticks(*np.array([each.ticks for each in universe])[contracts.which].T)
    width = np.array([each.vol_width for each in universe])[contracts.which]
    payoff = np.maximum(contracts.right * (contracts.forward - contracts.strike), 0.0)
    least = np.where(alive, intrinsic(terms), payoff)
    return TrueRows(
        contracts=contracts,
        terms=terms,
        schedules=schedules,
        vol=vol,
        price=np.where(alive, worth(terms, vol, schedules), payoff),
        half=half_spread(width, vega, deviations, least, ticks),
        ticks=ticks,
    )


def _terms(universe: tuple[Underlying, ...], contracts: Contracts, years: Floats) -> Terms:
    which = contracts.which
    return Terms(
        which=which,
        american=np.array([each.american for each in universe])[which],
        right=contracts.right,
        spot=np.array([each.spot for each in universe])[which],
        forward=contracts.forward,
        strike=contracts.strike,
        years=years,
        rate=-np.log(contracts.discount) / years,
        share_yield=np.array([each.share_yield for each in universe])[which],
    )


def _smile_vol(universe: tuple[Underlying, ...], which: Rows, log_moneyness: Floats, years: Floats) -> Floats:
    vol = np.full(len(which), np.nan)
    for index, each in enumerate(universe):
        rows = which == index
        vol[rows] = np.sqrt(each.smile.total_variance(log_moneyness[rows], years[rows]) / years[rows])
    return vol
