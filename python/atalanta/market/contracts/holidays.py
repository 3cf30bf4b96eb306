"""The rules of the New York Stock Exchange: days without trading and days that close early, 1990 to 2099.

Main entries: `closures` and `early_closes`. Years to come follow today's rules; days that no rule gives
(mourning, storms, the attack of 2001) are listed by date.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["FIRST_YEAR", "LAST_YEAR", "REGULAR_CLOSE", "closures", "early_closes", "nth_weekday", "weekday"]

Dates = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]

FIRST_YEAR = 1990
LAST_YEAR = 2099
#: Minutes after midnight, New York.
REGULAR_CLOSE = 16 * 60
_ONE_O_CLOCK = 13 * 60
_TWO_O_CLOCK = 14 * 60

_JANUARY, _FEBRUARY, _JUNE, _JULY, _SEPTEMBER, _NOVEMBER, _DECEMBER = 1, 2, 6, 7, 9, 11, 12
_WEDNESDAY, _THURSDAY, _SATURDAY, _SUNDAY = 2, 3, 5, 6

_UNSCHEDULED_CLOSURES = (
    "1994-04-27",  # mourning, Nixon
    "2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14",  # the attack
    "2004-06-11",  # mourning, Reagan
    "2007-01-02",  # mourning, Ford
    "2012-10-29", "2012-10-30",  # hurricane Sandy
    "2018-12-05",  # mourning, Bush
    "2025-01-09",  # mourning, Carter
)  # fmt: skip

_UNSCHEDULED_EARLY = {
    "1994-02-11": 14 * 60 + 30,  # snow
    "1996-01-08": _TWO_O_CLOCK,  # snow
    "1996-07-05": _ONE_O_CLOCK,
    "1997-10-27": 15 * 60 + 30,  # circuit breaker
    "1997-12-26": _ONE_O_CLOCK,
    "2002-07-05": _ONE_O_CLOCK,
    "2003-12-26": _ONE_O_CLOCK,
    "2005-06-01": 15 * 60 + 56,  # systems failure
}


@cache
def closures() -> Dates:
    """(M,) sorted datetime64[D]: the days without trading; some fall on a weekend."""
    years = np.arange(FIRST_YEAR, LAST_YEAR + 2)  # one more: its New Year's Day may be observed before it
    rules = [
        _sunday_to_monday(
            _day(years, _JANUARY, 1)
        ),  # a Saturday is not observed: it would end the fiscal year
        nth_weekday(years[years >= 1998], _JANUARY, "Mon", 3),  # Martin Luther King
        nth_weekday(years, _FEBRUARY, "Mon", 3),  # Washington
        _easter(years) - _days(2),  # Good Friday
        nth_weekday(years, _JUNE, "Mon", 0),  # Memorial Day: the last Monday before June
        _observed(_day(years[years >= 2022], _JUNE, 19)),  # Juneteenth
        _observed(_day(years, _JULY, 4)),
        nth_weekday(years, _SEPTEMBER, "Mon", 1),  # Labor Day
        nth_weekday(years, _NOVEMBER, "Thu", 4),  # Thanksgiving
        _observed(_day(years, _DECEMBER, 25)),
        np.array(_UNSCHEDULED_CLOSURES, dtype="M8[D]"),
    ]
    return np.unique(np.concatenate(rules))


@cache
def early_closes() -> tuple[Dates, Ints]:
    """(M,) sorted datetime64[D] of the sessions that close early, and (M,) minutes after midnight, New York."""
    years = np.arange(FIRST_YEAR, LAST_YEAR + 1)
    christmas_eve, third_of_july = _day(years, _DECEMBER, 24), _day(years, _JULY, 3)
    july_weekday = weekday(third_of_july)
    july_short = (
        (years >= 1995) & (july_weekday <= _THURSDAY) & ((july_weekday != _WEDNESDAY) | (years >= 2013))
    )
    ruled = np.concatenate(
        [
            nth_weekday(years[years >= 1992], _NOVEMBER, "Thu", 4) + _days(1),  # the day after Thanksgiving
            christmas_eve[weekday(christmas_eve) <= _THURSDAY],  # a Friday is the observed holiday
            third_of_july[july_short],
        ]
    )
    minutes = np.where(ruled < np.datetime64("1993-01-01"), _TWO_O_CLOCK, _ONE_O_CLOCK)
    dates = np.concatenate([ruled, np.array(list(_UNSCHEDULED_EARLY), dtype="M8[D]")])
    minutes = np.concatenate([minutes, list(_UNSCHEDULED_EARLY.values())])
    order = np.argsort(dates)
    return dates[order], minutes[order]


def nth_weekday(years: npt.ArrayLike, month: npt.ArrayLike, day: str, n: int) -> Dates:
    """The n-th weekday of a month.

    Args:
        years: integers, any shape.
        month: 1 to 12, broadcast against `years`.
        day: `Mon` … `Sun`.
        n: 1 is the first, 0 the last one before the month begins.

    Returns:
        datetime64[D] in the broadcast shape.
    """
    return np.asarray(np.busday_offset(_day(years, month, 1), n - 1, roll="forward", weekmask=day))


def weekday(dates: Dates) -> Ints:
    """0 Monday … 6 Sunday of datetime64[D], any shape."""
    days: Ints = (dates.astype(np.int64) + _THURSDAY) % 7  # day 0, 1970-01-01, was a Thursday
    return days


def _day(years: npt.ArrayLike, month: npt.ArrayLike, day: int) -> Dates:
    months = (np.asarray(years) - 1970) * 12 + np.asarray(month) - 1
    return np.asarray(months.astype("M8[M]").astype("M8[D]") + _days(day - 1))


def _sunday_to_monday(dates: Dates) -> Dates:
    return np.asarray(dates + _days(weekday(dates) == _SUNDAY))


def _observed(dates: Dates) -> Dates:
    return np.asarray(_sunday_to_monday(dates) - _days(weekday(dates) == _SATURDAY))


def _days(count: npt.ArrayLike) -> npt.NDArray[np.timedelta64]:
    """So many days, one where that is true: neither numbers nor truth values are days to dates of newer NumPy."""
    return np.asarray(count, np.int64).astype("m8[D]")


def _easter(years: Ints) -> Dates:
    """Easter Sunday of the Gregorian calendar: Meeus, Jones and Butcher's algorithm."""
    golden, century, rest = years % 19, years // 100, years % 100
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    to_sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    days_after_march_first = epact + to_sunday - 7 * late + 21
    return np.asarray(_day(years, 3, 1) + _days(days_after_march_first))
