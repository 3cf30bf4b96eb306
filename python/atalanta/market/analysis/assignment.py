"""Early assignment: which American options are worth exercising now or before the next ex-date, and by how much.

Main entry: `find_assignments`. Whoever is short such an option is likely to be assigned. Values are those of the model
at the volatility of the out-of-the-money option nearest in strike, which the exercise value does not hide.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.analysis.analysis import Analysis
from atalanta.market.analysis.assumed import assumed
from atalanta.market.analysis.carry import tickers_of
from atalanta.market.analysis.expiries import group_by_expiry
from atalanta.market.analysis.overnight import Held, held_values
from atalanta.market.analysis.share_spot import share_spots
from atalanta.market.contracts.sessions import closes, day_before, opens
from atalanta.market.flags import QualityFlag
from atalanta.market.table import Table
from atalanta.pricing import Dividends, EarlyExercise, early_exercise
from atalanta.pricing.valuation import Tolerance, require_tolerance

__all__ = ["find_assignments"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

#: Log moneyness beyond which strikes are all alike far.
_FAR = 10.0

#: Less than this per share is no reason: a tenth of the smallest tick.
_LEAST = 1e-3

_YEAR = np.timedelta64(365, "D")

_UNUSABLE = np.uint32(QualityFlag.BAD_CONTRACT | QualityFlag.EXPIRED | QualityFlag.CROSSED)
_CONTRACT = (
    *("underlying", "root", "symbol", "quote_time", "expiry", "right", "strike", "bid", "ask"),
    *("multiplier", "years", "implied_spot"),
)


def find_assignments(
    analysis: Analysis, *, tolerance: Tolerance | None = None, threads: int | None = None
) -> Table:
    """American options in the money that are worth more exercised than held.

    Calls are compared in the last session before the next ex-date: exercised, or held through the dividend. Where that
    session has begun, exercise at the quote time's spot is set against the value then of holding past the ex-date;
    where it lies ahead, the two are compared at its close, were the spot then as it is now. That spot is one for all
    expiries: what the best told of them implies (`share_spots`). Puts, and calls that a
    yield makes worth exercising, are compared now with the exercise boundary. Rows whose quotes leave more time value
    than that could cost are not looked at.

    Args:
        analysis: N rows.
        tolerance: of the prices, as `price` takes it; None for that of the configuration.
        threads: of the kernels; None takes the package's setting.

    Returns:
        M rows: `underlying, root, symbol, quote_time, expiry, right, strike, bid, ask, multiplier, years,
        implied_spot`; `row` in the analysis; `spot` and `vol` used; per share `intrinsic`, `time_value` (mid less intrinsic),
        `boundary`; `rate` of the expiry, 0 where none is known; `now` (exercise is right now, else before the ex-date); `ex_date`, `last_day` (the session before
        it), `tonight` (that session has begun), `dividend`; `held`: value per share of holding through the dividend
        (NaN where `now`); `cost`: lost per share by not exercising, `intrinsic - held` or, where `now` is True, per
        calendar day; `cost_per_contract`; `probability` of exercise before expiry, risk-neutral. By underlying,
        then calls before puts, then by falling cost.

    Raises:
        InputError: a tolerance that cannot be used.
    """
    tolerance = assumed(tolerance=tolerance).tolerance
    require_tolerance(tolerance, "market.find_assignments")
    group = group_by_expiry(analysis).index
    ahead = _ahead(analysis)
    spot = share_spots(analysis.expiries)[group]
    rows = _candidates(analysis, spot, ahead.schedule[group], ahead.pairs)
    vol = _strike_vols(analysis, group)[rows]
    early = early_exercise(
        analysis["right"][rows],
        spot[rows],
        analysis["strike"][rows],
        analysis["years"][rows],
        analysis.expiries["rate"][group[rows]],
        vol,
        dividend_yield=analysis["borrow"][rows],
        dividends=Dividends(ahead.pairs, of=ahead.schedule[group[rows]]) if ahead.pairs else None,
        tolerance=tolerance,
        threads=threads,
    )
    schedule = ahead.schedule[group[rows]]
    ex_date = _ex_dates(early.next_ex_years, schedule, ahead)
    last_day = day_before(ex_date)
    tonight = opens(last_day) <= analysis["quote_time"][rows]  # never where it is NaT
    night = np.where(tonight, early.next_ex_years, (opens(ex_date) - closes(last_day)) / _YEAR)
    options = Held(
        right=analysis["right"][rows],
        spot=spot[rows],
        strike=analysis["strike"][rows],
        years=analysis["years"][rows],
        rate=analysis.expiries["rate"][group[rows]],
        vol=vol,
        dividend_yield=analysis["borrow"][rows],
        ex_years=early.next_ex_years,
        cash=early.next_dividend,
        schedule=schedule,
    )
    soon = np.asarray(early.ex_dividend_exercise, dtype=bool) & ~np.asarray(early.exercise_now, dtype=bool)
    held = np.full(len(rows), np.nan)
    chosen = Held(*(column[soon] for column in options))
    held[soon] = held_values(chosen, night[soon], ahead.pairs, tolerance=tolerance, threads=threads)
    found = _told(analysis, rows, early, held)
    found = found.with_columns(
        spot=options.spot, vol=vol, rate=options.rate, ex_date=ex_date, last_day=last_day, tonight=tonight
    )
    found = found.take(found["cost"] > _LEAST)
    order = np.lexsort((-found["cost"], found["now"], -found["right"], found["underlying"].astype(str)))
    return found.take(order)


def _told(analysis: Analysis, rows: Rows, early: EarlyExercise, held: Floats) -> Table:
    """What is told of each of M rows, but for volatility and dates."""
    now = np.asarray(early.exercise_now, dtype=bool)
    cost = np.where(now, early.cost_of_waiting / 365, early.intrinsic - held)
    mid = analysis["bid"][rows] / 2 + analysis["ask"][rows] / 2
    return Table(
        {
            **{name: analysis[name][rows] for name in _CONTRACT},
            "row": rows,
            "intrinsic": early.intrinsic,
            "time_value": mid - early.intrinsic,
            "boundary": early.boundary,
            "now": now,
            "dividend": early.next_dividend,
            "held": held,
            "cost": cost,
            "cost_per_contract": cost * analysis["multiplier"][rows],
            "probability": early.probability,
        }
    )


class _Ahead(NamedTuple):
    """The dividends of an analysis: (G,) schedule of each expiry (-1 for none); pairs and ex-dates of each schedule."""

    schedule: npt.NDArray[np.int32]
    pairs: list[list[tuple[float, float]]]
    ex_dates: list[npt.NDArray[np.datetime64]]


def _ahead(analysis: Analysis) -> _Ahead:
    paid, expiries = analysis.dividends, analysis.expiries
    found = _Ahead(np.full(len(expiries), -1, dtype=np.int32), [], [])
    rows_of = _places(tickers_of(expiries["underlying"]), expiries["quote_time"])
    for key, own in _places(paid["underlying"], paid["quote_time"]).items():
        found.schedule[rows_of[key]] = len(found.pairs)
        found.pairs.append(list(zip(paid["years"][own].tolist(), paid["cash"][own].tolist(), strict=True)))
        found.ex_dates.append(paid["ex_date"][own])
    return found


def _places(names: Any, moments: npt.NDArray[np.datetime64]) -> dict[tuple[str, int], list[int]]:
    """The rows of each name and instant."""
    places: dict[tuple[str, int], list[int]] = {}
    for row, key in enumerate(zip(names, moments.astype("M8[ns]").astype(np.int64).tolist(), strict=True)):
        places.setdefault(key, []).append(row)
    return places


def _candidates(
    analysis: Analysis,
    spot: Floats,
    schedule: npt.NDArray[np.int32],
    schedules: list[list[tuple[float, float]]],
) -> Rows:
    """American rows in the money whose quotes leave less time value than the next dividend, or none.

    So at the spot of the file too, where there is one: without a dividend that is due the forwards imply too low a one.
    """
    side = analysis["right"]
    intrinsic = np.fmin(side * spot, side * analysis["spot"]) - side * analysis["strike"]
    next_cash = np.array([pairs[0][1] for pairs in schedules] + [0.0])[schedule]
    next_cash = np.where(analysis["right"] > 0, next_cash, 0.0)
    usable = (analysis["flags"] & _UNUSABLE) == 0
    bid = np.where(analysis["bid"] > 0, analysis["bid"], 0.0)
    short_of_time = bid - intrinsic < next_cash
    american = analysis["exercise"] == "american"
    return np.flatnonzero(american & usable & (analysis["years"] > 0) & (intrinsic > 0) & short_of_time)


def _strike_vols(analysis: Analysis, group: npt.NDArray[np.int64]) -> Floats:
    """(N,) volatility of the out-of-the-money option nearest in strike, of the row's expiry; its own where none is sound."""
    vol, place = analysis["iv_mid"], np.clip(np.nan_to_num(analysis["moneyness"]), -_FAR, _FAR)
    out = analysis["right"] * analysis["moneyness"] >= 0
    known = np.flatnonzero(out & np.isfinite(vol) & (analysis["flags"] == 0))
    if not len(known):
        return vol
    key = 4 * _FAR * group + place  # expiries lie apart by more than a smile is wide
    known = known[np.argsort(key[known], kind="stable")]
    after = np.searchsorted(key[known], key)
    sides = [known[np.clip(after + step, 0, len(known) - 1)] for step in (-1, 0)]
    before, behind = (np.where(group[side] == group, np.abs(key[side] - key), np.inf) for side in sides)
    nearest = vol[np.where(before < behind, *sides)]
    return np.where(np.isfinite(np.minimum(before, behind)), nearest, vol)


def _ex_dates(years: Floats, schedule: npt.NDArray[np.int32], ahead: _Ahead) -> npt.NDArray[np.datetime64]:
    """The ex-date that lies so many years ahead; NaT where there is none."""
    found = np.full(len(years), np.datetime64("NaT", "D"))
    for place, pairs in enumerate(ahead.pairs):
        times = np.array([time for time, _ in pairs])
        own = np.flatnonzero((schedule == place) & np.isfinite(years))
        nearest = np.minimum(np.searchsorted(times, years[own] - 1e-9), len(times) - 1)
        found[own] = ahead.ex_dates[place][nearest]
    return found
