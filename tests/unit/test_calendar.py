import datetime as dt

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.contracts.calendar import (
    is_trading_day,
    previous_trading_day,
    session_close,
    third_friday,
)

# Sessions per year, 1990 to 2050, and the early closes of nine years: counted in pandas_market_calendars 5.5.0
# (NYSE), whose every session and close of these 61 years agrees with this calendar.
SESSIONS_PER_YEAR = [
    *(
        253,
        253,
        254,
        253,
        252,
        252,
        254,
        253,
        252,
        252,
        252,
        248,
        252,
        252,
        252,
        252,
        251,
        251,
        253,
        252,
        252,
    ),
    *(
        252,
        250,
        252,
        252,
        252,
        252,
        251,
        251,
        252,
        253,
        252,
        251,
        250,
        252,
        250,
        251,
        251,
        251,
        251,
        251,
        251,
    ),
    *(252, 251, 250, 251, 252, 251, 251, 251, 251, 251, 251, 251, 251, 250, 251, 251, 252, 251, 251),
]
EARLY_CLOSES = {
    "1992": ["1992-11-27 14:00", "1992-12-24 14:00"],
    "1996": ["1996-01-08 14:00", "1996-07-05 13:00", "1996-11-29 13:00", "1996-12-24 13:00"],
    "2002": ["2002-07-05 13:00", "2002-11-29 13:00", "2002-12-24 13:00"],
    "2010": ["2010-11-26 13:00"],
    "2012": ["2012-07-03 13:00", "2012-11-23 13:00", "2012-12-24 13:00"],
    "2019": ["2019-07-03 13:00", "2019-11-29 13:00", "2019-12-24 13:00"],
    "2021": ["2021-11-26 13:00"],
    "2026": ["2026-11-27 13:00", "2026-12-24 13:00"],
    "2030": ["2030-07-03 13:00", "2030-11-29 13:00", "2030-12-24 13:00"],
}
HOLIDAYS_2024 = [
    *("2024-01-01", "2024-01-15", "2024-02-19", "2024-03-29", "2024-05-27"),
    *("2024-06-19", "2024-07-04", "2024-09-02", "2024-11-28", "2024-12-25"),
]
UNSCHEDULED = [
    *("1994-04-27", "2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14", "2004-06-11"),
    *("2007-01-02", "2012-10-29", "2012-10-30", "2018-12-05", "2025-01-09"),
]


def days(first, after):
    return np.arange(first, after, dtype="M8[D]")


def utc(*texts):
    return np.array(texts, dtype="M8[s]")


def new_york(instants):
    """New York's clock at UTC instants, by its rule since 2007 or before, independent of the zone database."""
    local = instants.astype("M8[m]") - np.timedelta64(300, "m")
    year, day = local.astype("M8[Y]"), local.astype("M8[D]")
    modern = year.astype(int) >= 2007 - 1970
    march, april, november = (year.astype("M8[M]") + np.timedelta64(months, "M") for months in (2, 3, 10))
    begin = np.where(modern, sunday(march, 1), sunday(april, 0))
    end = np.where(modern, sunday(november, 0), sunday(november, -1))
    return local + np.where((day >= begin) & (day < end), 60, 0).astype("m8[m]")


def sunday(month, n):
    return np.busday_offset(month.astype("M8[D]"), n, roll="forward", weekmask="Sun")


def test_sessions_per_year():
    """Every year from 1990 to 2050 has as many sessions as an independent calendar counts."""
    counted = [int(is_trading_day(days(f"{y}-01-01", f"{y + 1}-01-01")).sum()) for y in range(1990, 2051)]
    assert counted == SESSIONS_PER_YEAR


def test_holidays_of_one_year():
    """The closed weekdays of 2024 are the ten holidays that the exchange announced, and no other."""
    year = days("2024-01-01", "2025-01-01")
    weekdays = year[np.is_busday(year)]
    np.testing.assert_array_equal(np.array(HOLIDAYS_2024, dtype="M8[D]"), weekdays[~is_trading_day(weekdays)])


@pytest.mark.parametrize(
    ("date", "open_"),
    [
        ("1997-01-20", True),  # Martin Luther King's day is kept from 1998
        ("1998-01-19", False),
        ("2021-06-18", True),  # Juneteenth from 2022
        ("2022-06-20", False),  # a Sunday: observed on Monday
        ("2027-06-18", False),  # a Saturday: observed on Friday
        ("2021-12-31", True),  # New Year's Day on a Saturday is not observed
        ("2023-01-02", False),  # on a Sunday it is
        ("2026-07-03", False),
        ("2021-07-05", False),
        ("2021-12-24", False),
        ("2022-12-26", False),
        ("2023-04-07", False),  # Good Friday
        ("2038-04-23", False),  # the latest Good Friday there can be
        ("2008-03-21", False),
        ("2020-05-25", False),  # the last Monday of May
        ("2021-05-31", False),
        ("2023-11-23", False),  # the fourth, not the last, Thursday
        ("2023-11-30", True),
        ("2024-02-29", True),
        ("2024-03-02", False),
        ("2024-03-03", False),
    ],
)
def test_rules(date, open_):
    """Holidays follow the rule of their year, moved to Friday or Monday where they fall on a weekend."""
    assert open_ == bool(is_trading_day(date))


def test_unscheduled_closures():
    """Days of mourning, storm and attack are closed."""
    assert not is_trading_day(UNSCHEDULED).any()


def test_last_years_follow_the_rules():
    """The calendar reaches to the end of 2099, the last year a symbol can hold."""
    assert is_trading_day(["2098-12-31", "2099-01-01", "2099-04-10", "2099-12-31"]).tolist() == [
        True,
        False,
        False,
        True,
    ]


def test_missing_date_is_no_trading_day():
    """NaT is answered with False, in the shape that was asked."""
    assert is_trading_day(np.array([["2024-07-05", "NaT"]], dtype="M8[D]")).tolist() == [[True, False]]


def test_previous_trading_day():
    """The day before skips weekends and holidays and is never the day itself."""
    asked = ["2024-07-05", "2024-07-08", "2024-07-06", "2024-07-04", "2001-09-17", "NaT"]
    expected = ["2024-07-03", "2024-07-05", "2024-07-05", "2024-07-03", "2001-09-10", "NaT"]
    np.testing.assert_array_equal(
        np.array(expected, dtype="M8[D]"), previous_trading_day(np.array(asked, dtype="M8[D]"))
    )


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [
        (2023, 9, 15),
        (2024, 3, 15),
        (2019, 3, 15),
        (2024, 11, 15),
        (2025, 8, 15),
        (2030, 11, 15),
        (2021, 1, 15),
    ],
)
def test_third_friday(year, month, day):
    """The third Friday is the one from the 15th to the 21st."""
    assert np.datetime64(dt.date(year, month, day)) == third_friday(year, month)


def test_third_fridays_of_a_century():
    """Every third Friday is a Friday from the 15th to the 21st of its month, as a column."""
    fridays = third_friday(np.arange(1990, 2100)[:, None], np.arange(1, 13)).ravel().tolist()
    assert len(fridays) == 110 * 12
    assert {friday.weekday() for friday in fridays} == {4}
    assert {friday.day for friday in fridays} == set(range(15, 22))


@pytest.mark.parametrize("function", [is_trading_day, previous_trading_day, session_close])
@pytest.mark.parametrize("date", ["1989-12-31", "2100-01-01"])
def test_outside_the_calendar(function, date):
    """A date the rules do not cover is refused with the span they cover, not answered by a guess."""
    with pytest.raises(
        InputError, match=rf"^\[market\.\w+\] {date} is outside the calendar, 1990-01-01 to 2099"
    ):
        function(["2024-01-02", date])


@pytest.mark.parametrize("values", [20240102, [1.5], "soon", [True]])
def test_values_that_are_no_dates(values):
    """Numbers and words are refused, not read as days since 1970."""
    with pytest.raises(InputError, match=r"^\[market\.is_trading_day\] needs dates"):
        is_trading_day(values)


def test_daylight_saving():
    """16:00 New York is 20:00 UTC in summer and 21:00 in winter, from the very day the clocks change."""
    asked = ["2024-03-08", "2024-03-11", "2024-11-01", "2024-11-04", "2006-04-03", "2006-10-30"]
    hours = [21, 20, 20, 21, 20, 21]
    expected = utc(*(f"{day}T{hour}:00" for day, hour in zip(asked, hours, strict=True)))
    np.testing.assert_array_equal(expected, session_close(asked))


@pytest.mark.parametrize("year", EARLY_CLOSES)
def test_early_closes(year):
    """The short sessions of a year are those an independent calendar lists, all others close at 16:00."""
    sessions = days(f"{year}-01-01", f"{int(year) + 1}-01-01")
    sessions = sessions[is_trading_day(sessions)]
    regular = np.datetime64("2000-01-01T16:00", "m") - np.datetime64("2000-01-01", "m")
    closes = new_york(session_close(sessions))
    short = closes[(closes - closes.astype("M8[D]")) != regular]
    assert EARLY_CLOSES[year] == [str(close).replace("T", " ") for close in short]


def test_no_session_no_close():
    """Days without trading and NaT have no close; shape and order are kept."""
    asked = np.array([["2024-07-04", "2024-07-03"], ["NaT", "2024-07-06"]], dtype="M8[D]")
    expected = np.array([["NaT", "2024-07-03T17:00"], ["NaT", "NaT"]], dtype="M8[s]")
    np.testing.assert_array_equal(expected, session_close(asked))
