"""Dates and times in whatever spelling, turned into dates and UTC instants.

Main entries: `dates` and `instants`. A time without a zone is UTC where its column says so and New York
otherwise; a date alone means the close of its session; 9/13/2024 is month, day, year.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from atalanta.market.cell_text import is_missing, per_distinct
from atalanta.market.contracts.sessions import FIRST_DAY, LAST_DAY, closes, trades
from atalanta.market.table import Column

__all__ = ["Dates", "Instants", "dates", "instants"]

Bools = npt.NDArray[np.bool_]
Times = npt.NDArray[np.datetime64]
Kinds = npt.NDArray[np.int64]

_UTC, _LOCAL, _DAY, _BAD, _NONE = range(5)  # what a cell is: instant, New York time, date, neither, missing
_MONTH_FIRST, _EITHER, _DAY_FIRST = 8, 16, 24  # added to it: what the order in 9/13/2024 can be
_NEW_YORK = ZoneInfo("America/New_York")
_NAT = np.iinfo(np.int64).min
_US_FORMATS = ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p")
_DAY_THEN_MONTH = re.compile(r"(1[3-9]|2[0-9]|3[01])/(0?[1-9]|1[0-2])/")
_EPOCH_UNITS = ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3), (9e18, 1))  # up to: in nanoseconds
_FINER = ("ps", "fs", "as")  # than nanoseconds
_FIRST_EPOCH = 6e8  # smaller numbers are no time from 1990 on in any unit


class Instants(NamedTuple):
    """A column of instants.

    Attributes:
        values: (N,) datetime64[ns], UTC; NaT where there is none.
        bad: (N,) the cell held something that is no time from 1990 to 2099.
        local: rows whose time had no zone and was taken as New York's.
        dates: rows with a date alone.
        closed: those of them on a day without a session, taken as 16:00.
        guessed: (N,) a date like 06/02/2026 that was taken as month, day, year, and nothing in the column tells.
    """

    values: Times
    bad: Bools
    local: int
    dates: int
    closed: int
    guessed: Bools


class Dates(NamedTuple):
    """A column of dates.

    Attributes:
        values: (N,) datetime64[D]; NaT where there is none.
        bad: (N,) the cell held something that is no date from 1990 to 2099.
        guessed: as in `Instants`.
    """

    values: Times
    bad: Bools
    guessed: Bools


def dates(column: Column) -> Dates:
    """A column as datetime64[D]: dates, times (the day they fall on), ISO or US text, YYYYMMDD, Unix time."""
    wall, kind, guessed = _read(column)
    return Dates(wall.astype("M8[D]"), kind == _BAD, guessed)


def instants(column: Column, *, utc: bool, zoned: bool = False, before_close: int = 0) -> Instants:
    """A column as UTC instants.

    Args:
        column: (N,) datetime64, text, `datetime` objects, YYYYMMDD, or Unix time (s, ms, us or ns by size).
        utc: times without a zone are UTC; otherwise they are New York's.
        zoned: the column is datetime64 and known to be UTC.
        before_close: minutes before the close of the session that a date alone stands for.
    """
    wall, kind, guessed = _read(column)
    midnight = wall == wall.astype("M8[D]")
    kind = np.where(midnight & (kind == _LOCAL) & (not (utc or zoned)), _DAY, kind)
    kind = np.where((kind == _LOCAL) & (utc or zoned), _UTC, kind)
    values = wall.copy()
    local, alone = kind == _LOCAL, kind == _DAY
    values[local] = _from_new_york(wall[local])
    values[alone] = _sessions_end(wall[alone]) - np.timedelta64(before_close, "m")
    closed = int((~trades(wall[alone].astype("M8[D]"))).sum())
    return Instants(values, kind == _BAD, int(local.sum()), int(alone.sum()), closed, guessed)


def _read(column: Column) -> tuple[Times, Kinds, Bools]:
    """(N,) wall-clock times as datetime64[ns], what each cell is, and whether its month and day were guessed."""
    letter, guessed = column.dtype.kind, np.zeros(len(column), dtype=bool)
    if letter == "M":
        column, kind = _from_datetimes(column)
    elif letter in "fiu":
        with np.errstate(over="ignore"):  # a long double beyond float64 is no time
            column, kind = _from_numbers(column.astype(np.float64))
    elif letter == "m":
        column, kind = np.full(len(column), _NAT).view("M8[ns]"), np.full(len(column), _BAD)
    else:
        read = per_distinct(column, _read_cell, "i8,i8")
        column, (kind, guessed) = read["f0"].view("M8[ns]"), _without_order(read["f1"])
    days = column.astype("M8[D]")
    outside = ~np.isnat(days) & ((days < FIRST_DAY) | (days > LAST_DAY))
    kind = np.where(outside, _BAD, kind)
    return np.where(kind == _BAD, np.array("NaT", column.dtype), column).astype("M8[ns]"), kind, guessed


def _from_datetimes(column: Times) -> tuple[Times, Kinds]:
    if np.datetime_data(column.dtype)[0] in _FINER:
        column = column.astype("M8[ns]")
    alone = column.dtype == np.dtype("M8[D]")
    return column, np.where(np.isnat(column), _NONE, _DAY if alone else _LOCAL)


def _without_order(kind: Kinds) -> tuple[Kinds, Bools]:
    """What each cell is, and which dates could be month or day first; one that cannot decides for all."""
    order, kind = kind & ~7, kind & 7
    either = order == _EITHER
    if (order == _DAY_FIRST).any():  # then 06/02/2026 is no month, day, year either
        return np.where(either, _BAD, kind), np.zeros(len(kind), dtype=bool)
    return kind, either & ~(order == _MONTH_FIRST).any()


def _from_numbers(column: npt.NDArray[np.float64]) -> tuple[Times, Kinds]:
    distinct, inverse = np.unique(column, return_inverse=True)
    read = np.array([_read_cell(value) for value in distinct.tolist()], dtype="i8,i8")[inverse]
    return read["f0"].view("M8[ns]"), read["f1"]


def _read_cell(cell: Any) -> tuple[int, int]:
    """Nanoseconds since 1970 as the clock on the wall shows them, and what the cell is."""
    if is_missing(cell):
        return _NAT, _NONE
    if isinstance(cell, np.datetime64):
        wall, kind, _ = _read(np.array([cell]))
        return int(wall.view(np.int64)[0]), int(kind[0])
    if isinstance(cell, str):
        return _read_text(cell.strip())
    if isinstance(cell, dt.datetime):
        return _from_datetime(cell)
    if isinstance(cell, dt.date):
        return _from_day(cell)
    return _read_number(cell) if isinstance(cell, int | float) else (_NAT, _BAD)


def _read_text(text: str) -> tuple[int, int]:
    if not text.isascii():  # digits of other alphabets are not guessed at
        return _NAT, _BAD
    for parse in (dt.date.fromisoformat, dt.datetime.fromisoformat):
        try:
            parsed = parse(text)
        except ValueError:
            continue
        return _from_datetime(parsed) if isinstance(parsed, dt.datetime) else _from_day(parsed)
    if text.replace(".", "", 1).isdecimal():
        return _read_number(float(text))
    return _read_slashed(text)


def _read_slashed(text: str) -> tuple[int, int]:
    for layout in _US_FORMATS:
        try:
            parsed = dt.datetime.strptime(text, layout)
        except ValueError:
            continue
        value, kind = _from_datetime(parsed) if ":" in text else _from_day(parsed.date())
        return value, kind + (
            _MONTH_FIRST if parsed.day > 12 else _EITHER if parsed.day != parsed.month else 0
        )
    return _NAT, _BAD + (_DAY_FIRST if _DAY_THEN_MONTH.match(text) else 0)


def _read_number(value: float) -> tuple[int, int]:
    if not abs(value) < _EPOCH_UNITS[-1][0]:  # infinite, NaN, or an integer that no float holds
        return _NAT, _BAD
    if value == int(value) and 19_000_101 <= value <= 21_001_231:
        try:
            return _from_day(dt.date.fromisoformat(str(int(value))))
        except ValueError:
            return _NAT, _BAD
    for limit, nanoseconds in _EPOCH_UNITS:
        if _FIRST_EPOCH <= value < limit:
            return int(value * nanoseconds), _UTC
    return _NAT, _BAD


def _from_day(day: dt.date) -> tuple[int, int]:
    return _nanoseconds(dt.datetime(day.year, day.month, day.day)), _DAY


def _from_datetime(time: dt.datetime) -> tuple[int, int]:
    try:
        if time.tzinfo is None:
            return _nanoseconds(time), _LOCAL
        return _nanoseconds(time.astimezone(dt.UTC).replace(tzinfo=None)), _UTC
    except (OverflowError, ValueError):  # its zone takes it out of the years 1 to 9999
        return _NAT, _BAD


def _nanoseconds(time: dt.datetime) -> int:
    if not 1900 <= time.year <= 2200:
        return _nanoseconds(time.replace(year=1900, month=1, day=1))  # outside the calendar either way
    return (time - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1) * 1000


def _from_new_york(wall: Times) -> Times:
    distinct, inverse = np.unique(wall, return_inverse=True)
    seconds = distinct.astype("M8[s]")
    offsets = [time.replace(tzinfo=_NEW_YORK).utcoffset() for time in seconds.tolist()]
    return np.asarray((distinct - np.array(offsets, dtype="m8[s]"))[inverse], dtype="M8[ns]")


def _sessions_end(days: Times) -> Times:
    distinct, inverse = np.unique(days.astype("M8[D]"), return_inverse=True)
    return closes(distinct)[inverse].astype("M8[ns]")
