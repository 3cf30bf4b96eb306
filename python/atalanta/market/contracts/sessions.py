"""Trading sessions of checked days: which days trade, when they open and close, as UTC instants.

The arithmetic beneath `calendar`, which checks what comes from outside: here every argument is datetime64[D]
from `FIRST_DAY` to `LAST_DAY`, or NaT, which gives NaT.
"""

from __future__ import annotations

import datetime as dt
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from atalanta.market.contracts.holidays import FIRST_YEAR, LAST_YEAR, REGULAR_CLOSE, closures, early_closes

__all__ = [
    "FIRST_DAY",
    "LAST_DAY",
    "closes",
    "day_before",
    "last_session",
    "next_session",
    "opens",
    "standard_monthly",
    "trades",
]

Dates = npt.NDArray[np.datetime64]

FIRST_DAY = np.datetime64(f"{FIRST_YEAR}-01-01", "D")
LAST_DAY = np.datetime64(f"{LAST_YEAR}-12-31", "D")
_OPEN = 9 * 60 + 30


@cache
def _trading_week() -> np.busdaycalendar:
    return np.busdaycalendar(weekmask="1111100", holidays=closures())


def trades(days: Dates) -> npt.NDArray[np.bool_]:
    """Whether each day has a session; NaT has none."""
    return np.asarray(np.is_busday(days, busdaycal=_trading_week()))


def last_session(days: Dates) -> Dates:
    """Each day itself where it has a session, else the trading day before."""
    return np.asarray(np.busday_offset(days, 0, roll="backward", busdaycal=_trading_week()))


def next_session(days: Dates) -> Dates:
    """Each day itself where it has a session, else the next trading day."""
    return np.asarray(np.busday_offset(days, 0, roll="forward", busdaycal=_trading_week()))


def day_before(days: Dates) -> Dates:
    """The last trading day strictly before each day."""
    return np.asarray(np.busday_offset(days, -1, roll="forward", busdaycal=_trading_week()))


def standard_monthly(days: Dates) -> Dates:
    """The standard monthly expiration of each day's month: the third Friday, or the trading day before."""
    third = np.busday_offset(days.astype("M8[M]"), 2, roll="forward", weekmask="Fri")
    return last_session(np.asarray(third))


def opens(days: Dates) -> Dates:
    """09:30 New York as datetime64[s], UTC."""
    return _utc(days, np.full(days.shape, _OPEN))


def closes(days: Dates) -> Dates:
    """16:00 New York, earlier on short days, as datetime64[s], UTC."""
    early_days, early_minutes = early_closes()
    place = np.minimum(np.searchsorted(early_days, days), len(early_days) - 1)
    return _utc(days, np.where(early_days[place] == days, early_minutes[place], REGULAR_CLOSE))


def _utc(days: Dates, minutes: npt.NDArray[np.int64]) -> Dates:
    offsets = np.array([_utc_offset(day) for day in days.ravel().tolist()], dtype="m8[s]").reshape(days.shape)
    return np.asarray(days.astype("M8[s]") + minutes.astype("m8[m]") - offsets)


@lru_cache(maxsize=8192)
def _utc_offset(day: dt.date | None) -> int:
    """Seconds by which New York is ahead of UTC at noon; its clocks change at night."""
    if day is None:
        return 0
    noon = dt.datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo("America/New_York"))
    return int((noon.utcoffset() or dt.timedelta()).total_seconds())
