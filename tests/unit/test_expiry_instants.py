import datetime as dt

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.contracts.calendar import expiry_instants, is_trading_day, third_friday, years_between


def utc(*texts):
    return np.array(texts, dtype="M8[s]")


def frame_columns(shared_data, name):
    frame = pytest.importorskip("polars").read_parquet(shared_data / f"{name}.parquet")
    quoted = frame["quote_ts_utc"].dt.replace_time_zone(None).to_numpy()
    return frame, frame["expiry"].to_numpy(), quoted


@pytest.mark.parametrize(
    ("root", "listed", "instant", "settlement"),
    [
        ("SPX", "2023-09-15", "2023-09-15T13:30", "AM"),
        ("SPXW", "2023-09-15", "2023-09-15T20:00", "PM"),
        ("SPX", "2023-12-15", "2023-12-15T14:30", "AM"),
        ("SPXW", "2023-12-15", "2023-12-15T21:00", "PM"),
        ("SPX", "2022-04-14", "2022-04-14T13:30", "AM"),  # the third Friday is Good Friday
        ("SPX", "2022-04-15", "2022-04-14T13:30", "AM"),  # listed on it
        ("SPX", "2014-01-18", "2014-01-17T14:30", "AM"),  # the Saturday of older listings
        ("NDX", "2023-09-15", "2023-09-15T13:30", "AM"),
        ("NDXP", "2023-09-15", "2023-09-15T20:00", "PM"),
        ("RUT", "2023-09-15", "2023-09-15T13:30", "AM"),
        ("RUTW", "2023-09-15", "2023-09-15T20:00", "PM"),
        ("DJX", "2023-09-15", "2023-09-15T13:30", "AM"),
        ("XSP", "2023-09-15", "2023-09-15T20:00", "PM"),
        ("OEX", "2023-09-15", "2023-09-15T20:00", "PM"),
        ("VIX", "2023-09-20", "2023-09-20T13:30", "AM"),  # Wednesdays
        ("VIXW", "2023-09-27", "2023-09-27T13:30", "AM"),
        ("VIX", "2024-06-19", "2024-06-18T13:30", "AM"),  # a holiday
        ("AAPL", "2023-09-15", "2023-09-15T20:00", "PM"),
        ("SPY", "2023-09-15", "2023-09-15T20:00", "PM"),  # trades until 16:15, fixed at 16:00
        ("AAPL1", "2024-01-19", "2024-01-19T21:00", "PM"),
        ("AAPL", "2014-07-03", "2014-07-03T17:00", "PM"),  # early closes
        ("TSLA", "2023-11-24", "2023-11-24T18:00", "PM"),
        ("GOOG", "2015-12-24", "2015-12-24T18:00", "PM"),
        ("AAPL", "2008-03-22", "2008-03-20T20:00", "PM"),  # a Saturday after Good Friday
        ("AAPL", "2023-04-07", "2023-04-06T20:00", "PM"),
        ("AAPL", "2023-04-09", "2023-04-06T20:00", "PM"),  # a Sunday
        ("SPY", "2026-06-19", "2026-06-18T20:00", "PM"),
    ],
)
def test_products(root, listed, instant, settlement):
    """The payoff is fixed by the close or the open of the expiration day, as the product's rule says."""
    found = expiry_instants(root, listed)
    np.testing.assert_array_equal(utc(instant), found.expires_at)
    np.testing.assert_array_equal(utc(instant).astype("M8[D]"), found.expiry)
    assert found.settlement.tolist() == [settlement]


def test_rows_keep_their_order():
    """Each row gets the instant of its own root and date, whatever its neighbours are."""
    found = expiry_instants(
        ["SPXW", "SPX", "AAPL", "SPXW"], ["2023-12-15", "2023-09-15", "2023-09-15", "2023-09-15"]
    )
    expected = utc("2023-12-15T21:00", "2023-09-15T13:30", "2023-09-15T20:00", "2023-09-15T20:00")
    np.testing.assert_array_equal(expected, found.expires_at)
    assert found.settlement.tolist() == ["PM", "AM", "PM", "PM"]
    assert found.notes == ()


def test_types():
    """The columns have the types of the chain, also when there are no rows."""
    for roots, listed in ((["SPX"], ["2023-09-15"]), ([], np.array([], dtype="M8[D]"))):
        expiry, expires_at, settlement, notes = expiry_instants(roots, listed)
        assert ["M8[D]", "M8[s]", "O"] == [column.dtype for column in (expiry, expires_at, settlement)]
        assert [len(roots)] * 3 == [len(column) for column in (expiry, expires_at, settlement)]
        assert notes == ()


def test_settlement_given_by_the_caller_wins():
    """AM or PM given for a row overrules the product; None, NaN and '' leave it to the product."""
    given = np.array(["PM", "AM", None, float("nan"), ""], dtype=object)
    found = expiry_instants(["SPX", "SPXW", "SPX", "SPXW", "SPX"], "2023-09-15", given)
    assert found.settlement.tolist() == ["PM", "AM", "AM", "PM", "AM"]
    hours = [int(str(instant)[11:13]) for instant in found.expires_at]
    assert hours == [20, 13, 13, 20, 13]


def test_one_settlement_for_all_rows():
    """A single settlement holds for every row."""
    assert expiry_instants("SPX", ["2023-09-15", "2023-10-20"], "PM").settlement.tolist() == ["PM", "PM"]


@pytest.mark.parametrize(
    ("root", "listed"),
    [("SPX", "2023-09-15"), ("^SPX", "2022-04-14"), ("NDX", "2023-10-20"), ("RUT", "2024-01-19")],
)
def test_underlying_without_symbols_is_taken_as_pm(root, listed):
    """Without a symbol an index's standard monthly may be AM or PM settled: PM is taken, and a note says so."""
    found = expiry_instants([root, "AAPL"], listed, roots_from_symbols=False)
    assert found.settlement.tolist() == ["PM", "PM"]
    note = (
        "standard monthly without a symbol taken as PM-settled (give settlement='AM' for the AM-settled series), "
        f"{root}: 1 row"
    )
    assert found.notes == (note,)


@pytest.mark.parametrize(
    ("root", "listed", "settlement"),
    [
        ("SPX", "2023-09-18", None),
        ("SPX", "2023-09-15", "AM"),
        ("SPXW", "2023-09-15", None),
        ("VIX", "2023-09-20", None),
    ],
)
def test_nothing_is_assumed_where_nothing_is_open(root, listed, settlement):
    """No note where the date or the caller settles it, or where the root has one settlement only."""
    assert expiry_instants(root, listed, settlement, roots_from_symbols=False).notes == ()


def test_monthly_root_on_another_day():
    """A symbol of the monthly root on another day than the standard monthly is PM-settled, with a note."""
    found = expiry_instants("SPX", ["2023-09-18", "2023-09-15", "2023-09-19"])
    assert found.settlement.tolist() == ["PM", "AM", "PM"]
    assert found.notes == ("taken as PM-settled, the expiry not being the standard monthly, SPX: 2 rows",)


def test_moved_dates_are_noted():
    """Dates without trading are moved, counted, and shown by an example."""
    listed = ["2016-12-17"] * 3 + ["2017-01-21", "2017-01-20"]
    found = expiry_instants("VXX", listed)
    assert found.expiry.astype(str).tolist() == ["2016-12-16"] * 3 + ["2017-01-20"] * 2
    note = (
        "expiry on a day without trading, moved to the trading day before "
        "(2016-12-17 to 2016-12-16 and 1 more): 4 rows"
    )
    assert found.notes == (note,)


def test_rows_without_a_usable_date():
    """A missing date, or one outside the calendar, has no instant; the other rows do, and a note counts."""
    listed = np.array(["NaT", "1973-04-26", "2245-01-19", "2024-01-19"], dtype="M8[D]")
    found = expiry_instants("AAPL", listed)
    expected = np.array(["NaT", "NaT", "NaT", "2024-01-19T21:00"], dtype="M8[s]")
    np.testing.assert_array_equal(expected, found.expires_at)
    np.testing.assert_array_equal(expected.astype("M8[D]"), found.expiry)
    assert found.notes == ("no expiry date within 1990-01-01 to 2099-12-31, so no expiry instant: 3 rows",)


@pytest.mark.parametrize("unit", ["M8[D]", "M8[s]", "M8[us]", "M8[ns]", "O", "U"])
def test_any_kind_of_date(unit):
    """Dates may come in any unit, as Python dates or as ISO text."""
    listed = np.array(["2023-09-15", "2023-12-15"], dtype="M8[D]").astype(unit)
    np.testing.assert_array_equal(
        utc("2023-09-15T20:00", "2023-12-15T21:00"), expiry_instants("AAPL", listed).expires_at
    )


def test_time_of_day_is_ignored():
    """An expiry given as an instant means its date, whatever the time of day."""
    listed = np.array(["2023-09-15T00:00", "2023-09-15T23:59:59"], dtype="M8[ns]")
    np.testing.assert_array_equal(
        utc("2023-09-15T20:00", "2023-09-15T20:00"), expiry_instants("AAPL", listed).expires_at
    )


def test_many_roots():
    """Eight hundred roots, each with its own dates, gives what each row gives alone."""
    roots = [f"R{letter}{number:03d}" for letter in "AB" for number in range(400)]
    listed = [dt.date(2024, 1, 1 + n % 31) for n in range(800)]
    found = expiry_instants(roots, listed)
    alone = [expiry_instants(root, day).expires_at[0] for root, day in zip(roots, listed, strict=True)]
    np.testing.assert_array_equal(np.array(alone), found.expires_at)


def test_unknown_settlement():
    """A settlement that is neither AM nor PM is refused by name."""
    with pytest.raises(InputError, match=r"^\[market\.expiry_instants\] settlement 'noon' is unknown"):
        expiry_instants(["SPX", "SPX"], "2023-09-15", ["AM", "noon"])


def test_columns_of_different_length():
    """Columns that do not broadcast are one clear error with their shapes."""
    with pytest.raises(InputError, match=r"root \(2,\), expiry \(3,\) and settlement \(\) differ in length"):
        expiry_instants(["SPX", "SPY"], ["2023-09-15"] * 3)


def test_expiry_that_is_no_date():
    """Dates as numbers like 20230915 are refused, not read as days since 1970."""
    with pytest.raises(InputError, match=r"^\[market\.expiry_instants\] needs dates .*int64"):
        expiry_instants("SPX", [20230915])


@pytest.mark.parametrize(
    ("quoted", "expires", "days_"),
    [
        ("2023-09-14T20:15", "2023-09-14T20:00", -15 / 1440),
        ("2023-09-14T20:00", "2023-09-14T20:00", 0.0),
        ("2023-09-14T20:15", "2023-09-15T13:30", 17.25 / 24),
        ("2023-09-15T20:00", "2024-09-14T20:00", 365.0),
        ("2024-03-08T21:00", "2024-03-11T20:00", 3 - 1 / 24),  # the clocks change between
        ("2026-02-12T15:09", "2028-12-15T21:00", 1037 + 351 / 1440),
    ],
)
def test_calendar_days_over_365(quoted, expires, days_):
    """Years are elapsed time over 365 days of 24 hours, negative after expiry."""
    assert years_between(np.datetime64(quoted), utc(expires)).tolist() == [
        pytest.approx(days_ / 365, rel=1e-15)
    ]


def test_missing_instants():
    """A missing instant gives NaN, never a number."""
    quoted = np.array(["NaT", "2024-01-19T15:00"], dtype="M8[ns]")
    expires = np.array(["2024-01-19T21:00", "NaT"], dtype="M8[s]")
    assert np.isnan(years_between(quoted, expires)).all()


def test_column_against_column():
    """Quotes in nanoseconds and instants in seconds meet exactly, row by row."""
    quoted = np.array(["2024-01-19T20:59:59.999999999", "2024-01-18T21:00"], dtype="M8[ns]")
    expected = [1e-9 / (365 * 86_400), 1 / 365]
    np.testing.assert_allclose(years_between(quoted, utc("2024-01-19T21:00")), expected, rtol=1e-15)


def test_am_and_pm_of_one_date_differ():
    """SPX and SPXW of one date are six and a half hours apart."""
    found = expiry_instants(["SPX", "SPXW"], "2023-09-15")
    am, pm = years_between(np.datetime64("2023-09-14T20:15"), found.expires_at)
    assert pytest.approx(6.5 / 24 / 365, rel=1e-12) == pm - am


def test_bad_arguments():
    """Numbers and lengths that do not match are clear errors."""
    with pytest.raises(InputError, match=r"^\[market\.years_between\] needs dates .*float64"):
        years_between(1.5, utc("2024-01-19"))
    with pytest.raises(
        InputError,
        match=r"^\[market\.years_between\] quote_time \(2,\) and expires_at \(3,\) differ in length",
    ):
        years_between(utc("2024-01-19", "2024-01-19"), utc("2024-01-19", "2024-01-19", "2024-01-19"))


@pytest.mark.parametrize(
    ("name", "moved", "expired", "shortest_days"),
    [
        ("cboe_spy_20230914", 0, 250, -15 / 1440),
        ("cboe_tsla_20231110", 0, 230, 0.0),
        ("hod_spxw_201801", 0, 386, 0.0),
        ("hod_vxx_20161201_15", 7_332, 246, 0.0),
        ("lean_aapl_20140606_09_split", 2_492, 172, 0.0),
        ("lean_goog_20151223", 0, 0, 21 / 24),
        ("yf_aapl_tsla_spy_20260212_2snaps", 0, 0, 181 / 1440),
        ("yf_spy_qqq_iwm_20260813_0817", 0, 0, (3 * 3600 + 46 * 60 + 27) / 86_400),
    ],
)
def test_chains(shared_data, name, moved, expired, shortest_days):
    """Only Saturdays are moved, and the rows at or past expiry are those of the snapshot's own day."""
    frame, listed, quoted = frame_columns(shared_data, name)
    found = expiry_instants(frame["underlying"].to_numpy(), listed, roots_from_symbols=False)
    assert moved == np.count_nonzero(found.expiry != listed)
    assert is_trading_day(found.expiry).all()
    years = years_between(quoted, found.expires_at)
    assert expired == np.count_nonzero(years <= 0)
    assert pytest.approx(shortest_days / 365, abs=1e-15) == years.min()


def test_spx_monthlies_are_am_settled(shared_data):
    """SPX and SPXW share third Fridays: the first are fixed by the open, the second by the close, in one chain."""
    frame, listed, quoted = frame_columns(shared_data, "cboe_spx_20230914")
    roots = frame["symbol"].str.extract(r"^([A-Z]+)").to_numpy()
    found = expiry_instants(roots, listed)
    np.testing.assert_array_equal(np.where(roots == "SPX", "AM", "PM"), found.settlement)
    assert found.notes == ()
    years = years_between(quoted, found.expires_at)
    assert pytest.approx(17.25 / 24 / 365, rel=1e-12) == years[roots == "SPX"].min()
    assert np.count_nonzero(years <= 0) == 296


def test_spx_without_symbols(shared_data):
    """Named by the underlying only, every SPX row is PM-settled and one note counts the ambiguous rows."""
    _, listed, _ = frame_columns(shared_data, "cboe_spx_20230914")
    found = expiry_instants("SPX", listed, roots_from_symbols=False)
    thirds = np.isin(listed.astype("M8[D]"), third_friday(np.arange(2023, 2026)[:, None], np.arange(1, 13)))
    assert set(found.settlement) == {"PM"}
    assert found.notes[0].endswith(f"SPX: {np.count_nonzero(thirds):,} rows")


def test_saturday_listings_agree_with_the_symbols(shared_data):
    """The Saturdays of a listing mean the very days that its symbols hold."""
    frame, listed, _ = frame_columns(shared_data, "hod_vxx_20161201_15")
    inside = frame["symbol"].str.slice(3, 6).str.to_date("%y%m%d").to_numpy()
    np.testing.assert_array_equal(inside, expiry_instants("VXX", listed).expiry)
