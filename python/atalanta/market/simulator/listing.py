"""Which contracts the simulated market lists: a realistic expiry ladder and strike grids.

`list_contracts` is the entry; strikes lie on the exchange's increments, dense near the forward.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.contracts.calendar import (
    expiry_instants,
    is_trading_day,
    previous_trading_day,
    third_friday,
    years_between,
)
from atalanta.market.simulator.dividends import Ahead
from atalanta.market.simulator.universe import Ladder, Underlying, zero_rate

__all__ = ["Series", "expiry_ladder", "list_series", "strike_grid"]

Dates = npt.NDArray[np.datetime64]
Floats = npt.NDArray[np.float64]

_STRIKES_INSIDE = 44  # fine increments within ±1.25 standard deviations, at most this many
_LISTED_EARLIER_YEARS = 6 / 365  # strikes were listed days ago, when more could still happen
_FARTHEST = (1.8, 1.1)  # log-moneyness below and above the forward
_EXPIRED_STRIKES = 8


class Series(NamedTuple):
    """The S expiries of one underlying, one row per root and expiry."""

    root: npt.NDArray[np.object_]
    expiry: Dates
    expires_at: npt.NDArray[np.datetime64]
    settlement: npt.NDArray[np.object_]
    years: Floats
    forward: Floats
    discount: Floats
    strikes: tuple[Floats, ...]


def list_series(underlying: Underlying, now: np.datetime64, dividends: Ahead) -> Series:
    """List an underlying's expiries as of `now` with their true forwards and strikes.

    The expiry of the trading day before is still there, as in real snapshots; its `years` are negative.
    """
    today = now.astype("M8[D]")
    standard, others = expiry_ladder(underlying.ladder, today)
    if underlying.am_monthlies:
        others = np.union1d(others, standard[:3])  # near months trade AM and PM side by side
    else:
        standard, others = standard[:0], np.union1d(others, standard)
    expired = _trading_day(today - np.timedelta64(1, "D"))
    dates = np.concatenate([[expired], others, standard])
    settled = np.array(["PM"] * (1 + len(others)) + ["AM"] * len(standard), dtype=object)
    root = np.where(settled == "AM", underlying.symbol, underlying.pm_root).astype(object)
    instants = expiry_instants(root, dates, settlement=settled)
    order = np.argsort(instants.expires_at, kind="stable")
    years = years_between(now, instants.expires_at)
    forward, discount = _forwards(underlying, dividends, years)
    strikes = [
        strike_grid(underlying, *each) if each[1] > 0.0 else _near(underlying, underlying.spot)
        for each in zip(forward.tolist(), years.tolist(), strict=True)
    ]
    return Series(
        root[order],
        dates[order],
        instants.expires_at[order],
        settled[order],
        years[order],
        forward[order],
        discount[order],
        tuple(strikes[row] for row in order),
    )


def expiry_ladder(ladder: Ladder, today: np.datetime64) -> tuple[Dates, Dates]:
    """The standard (third-Friday) expiries from `today` on, and all others, each sorted and distinct."""
    days = today + np.arange(2 * ladder.dailies + 10)
    dailies = days[is_trading_day(days)][: ladder.dailies]
    to_friday = (4 - (today.astype(int) + 3)) % 7  # 1970-01-01 was a Thursday
    weeklies = _trading_day(today + to_friday + 7 * np.arange(ladder.weeklies))
    months = today.astype("M8[M]") + np.arange(ladder.monthlies + 1)
    years = today.astype("M8[Y]") + np.arange(1, ladder.leaps + 1)
    januaries = years.astype("M8[M]")
    monthlies = _third_fridays(months)
    monthlies = monthlies[monthlies >= today][: ladder.monthlies]
    standard = np.union1d(monthlies, _third_fridays(januaries))
    others = np.union1d(dailies, weeklies)
    return standard, others[~np.isin(others, standard)]


def strike_grid(underlying: Underlying, forward: float, years: float) -> Floats:
    """Strikes for one expiry: (K,) sorted, fine near the forward, coarse from -5 to +3.5 deviations."""
    deviation = float(np.sqrt(underlying.smile.atm_variance(years + _LISTED_EARLIER_YEARS)))
    width = 2.5 * deviation * forward
    steps = underlying.increments
    fine = next((i for i, step in enumerate(steps) if width / step <= _STRIKES_INSIDE), len(steps) - 1)
    coarse = steps[min(fine + 2, len(steps) - 1)]
    inner = _multiples(steps[fine], forward * np.exp(-1.25 * deviation), forward * np.exp(1.25 * deviation))
    down, up = min(5.0 * deviation, _FARTHEST[0]), min(3.5 * deviation, _FARTHEST[1])
    outer = _multiples(coarse, forward * np.exp(-down), forward * np.exp(up))
    return np.union1d(inner, outer)


def _near(underlying: Underlying, spot: float) -> Floats:
    step = underlying.increments[0]
    return np.asarray(step * (round(spot / step) + np.arange(_EXPIRED_STRIKES) - _EXPIRED_STRIKES // 2))


def _multiples(step: float, low: float, high: float) -> Floats:
    return step * np.arange(max(np.ceil(low / step), 1.0), np.floor(high / step) + 1.0)


def _trading_day(dates: npt.ArrayLike) -> Dates:
    days = np.asarray(dates, dtype="M8[D]")
    return np.where(is_trading_day(days), days, previous_trading_day(days))


def _third_fridays(months: Dates) -> Dates:
    count = months.astype("M8[M]").astype(np.int64)  # since January 1970
    return _trading_day(third_friday(1970 + count // 12, 1 + count % 12))


def _forwards(underlying: Underlying, dividends: Ahead, years: Floats) -> tuple[Floats, Floats]:
    """Forward and discount per expiry; cash dividends before the expiry come off the spot."""
    rate = zero_rate(years)
    carry = rate - underlying.share_yield
    paid = dividends.value(carry, years)
    alive = years > 0.0
    forward = np.where(alive, (underlying.spot - paid) * np.exp(carry * years), underlying.spot)
    return forward, np.where(alive, np.exp(-rate * years), 1.0)
