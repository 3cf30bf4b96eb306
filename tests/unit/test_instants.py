import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalanta.market.reading.instants import dates, instants

CLOSE = "2024-09-13T20:00:00"  # of Friday 13 September 2024, New York summer time


def _objects(*cells):
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


def _utc(column, **arguments):
    return instants(column, **{"utc": False, **arguments}).values.astype("M8[s]").astype(str).tolist()


@pytest.mark.parametrize(
    "cell",
    [
        "2024-09-13T20:00:00Z",
        "2024-09-13 16:00:00-04:00",
        "2024-09-13T20:00:00.000000+0000",
        "2024-09-13T20:00:00.000000000+00:00",
        "20240913T200000Z",
        "1726257600",
        "1726257600.0",
        1726257600,
        1726257600_000,
        1726257600_000_000,
        1726257600_000_000_000,
        dt.datetime(2024, 9, 13, 20, tzinfo=dt.UTC),
        pd.Timestamp("2024-09-13T16:00", tz="America/New_York"),
    ],
)
def test_instants_with_a_zone(cell):
    """Zones, offsets and Unix times in s, ms, us and ns say the instant by themselves."""
    for utc in (False, True):
        assert [CLOSE] == _utc(_objects(cell), utc=utc)


@pytest.mark.parametrize(
    "cell",
    [
        "2024-09-13T16:00",
        "2024-09-13 16:00:00",
        " 2024-09-13 16:00 ",
        "9/13/2024 16:00",
        "09/13/2024 16:00:00",
        "9/13/2024 4:00 PM",
        "9/13/2024 4:00:00 PM",
        dt.datetime(2024, 9, 13, 16),
        pd.Timestamp("2024-09-13T16:00"),
        np.datetime64("2024-09-13T16:00"),
    ],
)
def test_times_without_a_zone_are_new_yorks(cell):
    """A bare time is New York's, and is counted as an assumption."""
    found = instants(_objects(cell), utc=False)
    assert [CLOSE] == found.values.astype("M8[s]").astype(str).tolist()
    assert (1, 0) == (found.local, found.dates)


def test_times_without_a_zone_are_utc_where_the_column_says_so():
    """A column that is UTC by name is not shifted, and nothing is assumed."""
    found = instants(_objects("2024-09-13T20:00"), utc=True)
    assert [CLOSE] == found.values.astype("M8[s]").astype(str).tolist()
    assert (0, 0) == (found.local, found.dates)


@pytest.mark.parametrize(
    "cell", ["2024-09-13", "20240913", 20240913, "9/13/2024", "2024-09-13 00:00:00", dt.date(2024, 9, 13)]
)
def test_a_date_alone_is_the_close_of_its_session(cell):
    """A quote of a day is one at its close, and is counted as an assumption."""
    found = instants(_objects(cell), utc=False)
    assert [CLOSE] == found.values.astype("M8[s]").astype(str).tolist()
    assert (0, 1) == (found.local, found.dates)


@pytest.mark.parametrize(
    ("day", "close"),
    [
        ("2024-11-29", "2024-11-29T18:00:00"),  # the day after Thanksgiving closes at 13:00
        ("2024-12-13", "2024-12-13T21:00:00"),  # winter time
        ("2024-09-14", "2024-09-14T20:00:00"),  # a Saturday has no session: 16:00 all the same
    ],
)
def test_the_close_is_the_calendars(day, close):
    """Short days and daylight saving are the calendar's."""
    assert [close] == _utc(_objects(day))


def test_minutes_before_the_close_follow_a_short_day():
    """15 minutes before the close are 15:45 on an ordinary day and 12:45 on a short one."""
    column = _objects("2024-09-13", "2024-11-29")
    assert ["2024-09-13T19:45:00", "2024-11-29T17:45:00"] == _utc(column, before_close=15)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_datetime_columns(unit):
    """datetime64 of any unit: UTC where it is known to be, New York's otherwise."""
    assert [CLOSE] == _utc(np.array(["2024-09-13T20:00"], dtype=f"M8[{unit}]"), zoned=True)
    assert [CLOSE] == _utc(np.array(["2024-09-13T16:00"], dtype=f"M8[{unit}]"))


def test_datetime_columns_at_midnight_are_dates():
    """A naive midnight is a date written as a time; a zoned one is an instant."""
    midnight = np.array(["2024-09-13"], dtype="M8[ns]")
    assert [CLOSE] == _utc(midnight)
    assert [CLOSE] == _utc(midnight.astype("M8[D]"), utc=True)
    assert ["2024-09-13T00:00:00"] == _utc(midnight, zoned=True)
    assert ["2024-09-13T00:00:00"] == _utc(midnight, utc=True)


def test_unix_times_in_numeric_columns():
    """Integer and float columns are Unix time or YYYYMMDD by size; NaN is missing."""
    assert [CLOSE] == _utc(np.array([1726257600]))
    assert [CLOSE] == _utc(np.array([20240913]))
    assert [CLOSE, "NaT"] == _utc(np.array([1726257600.0, np.nan]))


def test_daylight_saving_is_that_of_the_time():
    """The hour that occurs twice is the first; the one that does not exist goes by the time before."""
    cells = ("2024-11-03T00:30", "2024-11-03T01:30", "2024-11-03T02:30", "2024-03-10T02:30")
    expected = ["2024-11-03T04:30:00", "2024-11-03T05:30:00", "2024-11-03T07:30:00", "2024-03-10T07:30:00"]
    assert expected == _utc(_objects(*cells))


@pytest.mark.parametrize(
    "cell",
    [
        "noon",
        "2024-13-01",
        "2024-02-30",
        "13/9/2024",
        "20241301",
        7.5,
        np.inf,
        "inf",
        -1,
        True,
        "1850-01-01",
        "2150-01-01",
        [1],
    ],
)
def test_what_is_no_time_is_bad(cell):
    """Words, impossible dates and times outside the calendar are NaT and bad."""
    found = instants(_objects(cell, "2024-09-13"), utc=False)
    assert ["NaT", CLOSE] == found.values.astype("M8[s]").astype(str).tolist()
    assert [True, False] == found.bad.tolist()


@pytest.mark.parametrize("cell", [None, "", "NaT", np.nan, pd.NaT, np.datetime64("NaT", "ns")])
def test_what_is_missing_is_not_bad(cell):
    """A missing time is NaT without blame."""
    found = instants(_objects(cell, "2024-09-13"), utc=False)
    assert np.isnat(found.values[0])
    assert [False, False] == found.bad.tolist()


def test_datetimes_outside_the_calendar_are_bad():
    """Dates that nanoseconds cannot hold do not wrap around."""
    column = np.array(["1500-01-01", "9999-12-31", "2024-09-13", "NaT"], dtype="M8[s]")
    assert ["NaT", "NaT", CLOSE, "NaT"] == _utc(column)
    assert [True, True, False, False] == instants(column, utc=False).bad.tolist()
    assert ["NaT", "NaT"] == _utc(_objects(dt.datetime(9999, 12, 31), dt.date(1, 1, 1)))


@pytest.mark.parametrize(
    "cell",
    [
        "2024-09-20",
        "20240920",
        20240920,
        "9/20/2024",
        "2024-09-20T16:00",
        "2024-09-20T00:00Z",
        dt.date(2024, 9, 20),
    ],
)
def test_dates(cell):
    """An expiry is a day, however it is written; a time of day does not matter."""
    assert ["2024-09-20"] == dates(_objects(cell)).values.astype(str).tolist()


@pytest.mark.parametrize(
    ("cells", "expected", "guessed"),
    [
        (["06/02/2026", "06/05/2026 15:45"], ["2026-06-02", "2026-06-05"], 2),
        (["06/02/2026", "06/02/2026"], ["2026-06-02", "2026-06-02"], 2),
        (["06/02/2026", "6/16/2026"], ["2026-06-02", "2026-06-16"], 0),
        (["06/06/2026", "12/12/2026"], ["2026-06-06", "2026-12-12"], 0),
        (["06/02/2026", "16/06/2026"], ["NaT", "NaT"], 0),
        (["2026-06-02", "20260605"], ["2026-06-02", "2026-06-05"], 0),
    ],
)
def test_the_order_of_month_and_day_is_that_of_the_column(cells, expected, guessed):
    """Month first, and counted as a guess unless a cell of the column tells; where one tells day first, no date."""
    column = np.array(cells, dtype=object)
    read = dates(column)
    assert expected == read.values.astype(str).tolist()
    assert guessed == int(read.guessed.sum())
    assert [day == "NaT" for day in expected] == read.bad.tolist()
    as_times = instants(column, utc=False)
    assert expected == as_times.values.astype("M8[D]").astype(str).tolist()
    assert guessed == int(as_times.guessed.sum())


def test_dates_of_datetime_columns():
    """datetime64 columns are cut to the day."""
    column = np.array(["2024-09-20T16:00", "NaT", "1850-01-01"], dtype="M8[us]")
    parsed = dates(column)
    assert ["2024-09-20", "NaT", "NaT"] == parsed.values.astype(str).tolist()
    assert [False, False, True] == parsed.bad.tolist()


@given(st.datetimes(dt.datetime(1990, 1, 2), dt.datetime(2099, 12, 30), timezones=st.timezones()))
def test_every_spelling_of_an_instant_agrees(time):
    """Property: ISO text, Unix microseconds and the object itself are one instant, to the microsecond."""
    expected = np.datetime64(time.astimezone(dt.UTC).replace(tzinfo=None), "ns")
    cells = _objects(time, time.isoformat(), expected.astype("M8[us]").astype(np.int64).item())
    spellings = cells if expected.astype(np.int64) > 10**18 else cells[:2]  # small numbers are milliseconds
    assert {expected} == set(instants(spellings, utc=False).values)
