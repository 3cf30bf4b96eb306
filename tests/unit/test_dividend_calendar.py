"""Dividends by calendar: what can be given, what is refused and with which words."""

from __future__ import annotations

import datetime as dt
import gzip

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from atalanta.errors import InputError
from atalanta.market.dividends.calendar import DividendCalendar
from atalanta.market.table import Table

SPY = ["SPY"]


def days(calendar, name="SPY"):
    return calendar.by_underlying[name].ex_dates.astype(str).tolist()


def cash(calendar, name="SPY"):
    return calendar.by_underlying[name].cash.tolist()


def from_text(tmp_path, text, underlyings=SPY, name="div.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return DividendCalendar.of(path, underlyings)


@pytest.mark.parametrize(
    "header",
    [
        "underlying,ex_date,cash",
        "Ticker;Ex-Date;Amount",
        "symbol\tdate\tdividend",
        " SYMBOL , ex date , CASH ",
        "root,Ex-Dividend Date,Dividends",
    ],
)
def test_headers_by_meaning(tmp_path, header):
    """Case, blanks, hyphens and underscores of a header do not matter; comma, semicolon and tab delimit."""
    delimiter = next(sign for sign in ",;\t" if sign in header)
    row = delimiter.join(["SPY", "2023-09-15", "1.58"])
    calendar = from_text(tmp_path, f"{header}\n{row}\n")
    assert (["2023-09-15"], [1.58]) == (days(calendar), cash(calendar))


def test_a_file_without_tickers_belongs_to_the_only_underlying(tmp_path):
    """With one underlying in the chain the column of tickers may be left out, or empty."""
    assert ["2023-09-15"] == days(from_text(tmp_path, "ex_date,cash\n2023-09-15,1.58\n"))
    assert ["2023-09-15"] == days(from_text(tmp_path, "ticker,ex_date,cash\n,2023-09-15,1.58\n"))


def test_order_blank_lines_and_byte_order_mark_do_not_matter(tmp_path):
    """Entries come back in order of date."""
    text = "\ufeffex_date,cash\n2023-12-15,1.9\n\n2023-09-15,1.58\n"
    calendar = from_text(tmp_path, text)
    assert (["2023-09-15", "2023-12-15"], [1.58, 1.9]) == (days(calendar), cash(calendar))


@pytest.mark.parametrize(
    "source",
    [
        {"SPY": [("2023-09-15", 1.58)]},
        {"^spy ": [(dt.date(2023, 9, 15), 1.58)]},
        {"SPY": [(np.datetime64("2023-09-15"), np.float64(1.58))]},
        {"SPY": (each for each in [(dt.datetime(2023, 9, 15, 9, 30), "1.58")])},
        {"ex_date": ["2023-09-15"], "cash": [1.58]},
        {"ticker": ["SPY"], "date": [dt.date(2023, 9, 15)], "amount": [1.58]},
        pl.DataFrame({"ex_date": [dt.date(2023, 9, 15)], "cash": [1.58]}),
        pl.LazyFrame({"date": ["2023-09-15"], "dividend": [1.58]}),
        pd.DataFrame(
            {"Date": pd.to_datetime(["2023-09-15"]).tz_localize("America/New_York"), "Dividends": [1.58]}
        ),
        pa.table({"ex_date": ["2023-09-15"], "cash": [1.58]}),
        Table(
            {
                "underlying": np.array(["SPY"], dtype=object),
                "ex_date": np.array(["2023-09-15"], "M8[D]"),
                "cash": [1.58],
            }
        ),
    ],
    ids=[
        "pairs",
        "ticker as written",
        "numpy",
        "generator",
        "columns",
        "named columns",
        "polars",
        "lazy",
        "pandas",
        "arrow",
        "table",
    ],
)
def test_kinds_of_sources(source):
    """A mapping by ticker, columns, any frame and a table of the package say the same."""
    calendar = DividendCalendar.of(source, SPY)
    assert (["2023-09-15"], [1.58]) == (days(calendar), cash(calendar))


@pytest.mark.parametrize("kind", ["parquet", "csv.gz"])
def test_other_files(tmp_path, kind):
    """Parquet and zipped CSV are read too."""
    path = tmp_path / f"div.{kind}"
    if kind == "parquet":
        pl.DataFrame({"ex_date": ["2023-09-15"], "cash": [1.58]}).write_parquet(path)
    else:
        path.write_bytes(gzip.compress(b"ex_date,cash\n2023-09-15,1.58\n"))
    assert ["2023-09-15"] == days(DividendCalendar.of(str(path), SPY))


@pytest.mark.parametrize("source", [{}, {"SPY": []}])
def test_no_dividends_can_be_said(source):
    """An empty mapping, or an empty list for a ticker, is a calendar without dividends."""
    assert {} == DividendCalendar.of(source, SPY).by_underlying


def test_an_ex_date_without_trading_moves_to_the_next_session():
    """The share opens without its dividend on the next trading day; a note says so."""
    calendar = DividendCalendar.of({"SPY": [("2023-09-16", 1.58), ("2023-12-25", 1.9)]}, SPY)
    assert ["2023-09-18", "2023-12-26"] == days(calendar)
    assert "SPY: ex-date 2023-09-16 has no trading, taken as 2023-09-18" == calendar.notes[0]


def test_other_underlyings_are_left_out_with_a_note():
    """A calendar for a whole account serves a chain of one name."""
    source = {"SPY": [("2023-09-15", 1.58)], "AAPL": [("2023-11-10", 0.24)], "MSFT": [("2023-11-15", 0.75)]}
    calendar = DividendCalendar.of(source, SPY)
    assert ["SPY"] == list(calendar.by_underlying)
    assert ("dividends of AAPL, MSFT not used: the chain holds no such underlying",) == calendar.notes


def refused(source, match, underlyings=SPY):
    with pytest.raises(InputError, match=rf"^\[market\.analyze\] dividends: {match}"):
        DividendCalendar.of(source, underlyings)


def test_only_other_underlyings_are_an_error():
    """Dividends of another share, and none of this one, are a mistake."""
    refused(
        {"AAPL": [("2023-11-10", 0.24)]},
        "entry 0 of 'AAPL': wrong underlying: they are of AAPL, the chain holds SPY: write its",
    )


def test_a_long_list_of_underlyings_is_cut():
    """Six names and a count."""
    refused(
        {"AAPL": [("2023-11-10", 0.24)]},
        r"entry 0 of .AAPL.: wrong .* A, B, C, D, E, F and 2 more",
        list("ABCDEFGH"),
    )


def test_nameless_entries_need_a_single_underlying():
    """With two underlyings in the chain nothing says whose dividend it is."""
    refused(
        {"ex_date": ["2023-09-15"], "cash": [1.58]},
        r"the mapping, row 1 names no underlying.*add a column underlying",
        ["A", "B"],
    )


@pytest.mark.parametrize("amount", ["-1.58", "nan", "", "inf", "1,58x", "one", "None"])
def test_amounts_that_are_none(tmp_path, amount):
    """File, line, value, limit and an example; whatever the cell holds."""
    path = tmp_path / "div.csv"
    path.write_text(f'ex_date,cash\n2023-06-16,1.6\n2023-09-15,"{amount}"\n')
    refused(
        path,
        rf"div\.csv, line 3: cash '{amount}' is no amount per share from 0: write a number such as 1\.58",
    )


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf"), None, "x", [1.0]])
def test_amounts_that_are_none_in_a_mapping(amount):
    """The entry is named by ticker and place."""
    refused({"SPY": [("2023-06-16", 1.6), ("2023-09-15", amount)]}, "entry 1 of 'SPY': cash .* is no amount")


@pytest.mark.parametrize("date", ["soon", "", "2023-13-01", "1889-01-02", "15.9.2023"])
def test_dates_that_are_none(tmp_path, date):
    """The message shows the value and the form."""
    path = tmp_path / "div.csv"
    path.write_text(f"ex_date,cash\n{date},1.58\n")
    refused(path, rf"div\.csv, line 2: ex-date '{date}' is no date from 1990 to 2099: write YYYY-MM-DD")


def test_a_date_that_can_be_read_two_ways_is_refused(tmp_path):
    """09/10/2023 is September or October: a dividend in the wrong month is worse than an error."""
    path = tmp_path / "div.csv"
    path.write_text("ex_date,cash\n09/10/2023,1.58\n")
    refused(path, "div.csv, line 2: ex-date '09/10/2023' can be read day first or month first")


def test_two_amounts_on_one_day_are_refused():
    """A row repeated or a special dividend: only the caller knows; both places are named."""
    source = {"SPY": [("2023-09-15", 1.58), ("2023-12-15", 1.9), ("2023-09-15", 0.5)]}
    refused(
        source,
        r"SPY has two on 2023-09-15: 1\.58 \(entry 0 of 'SPY'\) and 0\.5 \(entry 2 of 'SPY'\): remove one",
    )


def test_a_weekend_and_its_monday_are_one_day():
    """Two dates that fall on one session count as one day."""
    refused({"SPY": [("2023-09-16", 1.58), ("2023-09-18", 0.5)]}, "SPY has two on 2023-09-18")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "when,cash\n2023-09-15,1.58\n",
            r"div\.csv has no column for the ex-date \(looked for: .*found: when, cash\)",
        ),
        ("ex_date,what\n2023-09-15,1.58\n", r"div\.csv has no column for the cash"),
        ("", r"div\.csv is empty: give a header"),
        ("ex_date,cash\n\n", r"div\.csv holds no dividend below its header: add them, or leave it out"),
        ("ex_date,cash\n2023-09-15\n", r"div\.csv, line 2 has 1 fields, the header has 2: mend that line"),
        ("ex_date,cash\n2023-09-15,1,58\n", r"div\.csv, line 2 has 3 fields, the header has 2"),
    ],
)
def test_files_that_are_no_calendar(tmp_path, text, match):
    """A missing column lists what was looked for and found; a line of another width is named."""
    path = tmp_path / "div.csv"
    path.write_text(text)
    refused(path, match)


@pytest.mark.parametrize(
    ("source", "match"),
    [
        ("absent.csv", "there is no file absent.csv"),
        ("absent.parquet", "there is no file absent.parquet"),
        ("calendar.xls", r"calendar\.xls is of a type that cannot be read"),
        (7, "cannot read a int"),
        ({"SPY": 1.58}, "of 'SPY' are of type float: give a list of"),
        ({"SPY": "2023-09-15"}, "of 'SPY' are of type str: give a list of"),
        ({"SPY": {"2023-09-15": 1.58}}, "of 'SPY' are of type dict: give a list of"),
        ({"SPY": [1.58]}, r"entry 0 of 'SPY' is 1\.58: give a pair \(ex_date, cash\)"),
        ({"SPY": [("2023-09-15", 1.58, 2)]}, r"entry 0 of 'SPY' is .*: give a pair"),
        (
            {"ex_date": ["2023-09-15", "2023-12-15"], "cash": [1.58]},
            "the columns of the mapping differ in length",
        ),
    ],
)
def test_sources_that_are_none(source, match):
    """Each is told by its own name, never by an error from deep inside."""
    refused(source, match)


def test_bytes_that_are_no_text(tmp_path):
    """A file in another encoding says where it stops being UTF-8."""
    path = tmp_path / "div.csv"
    path.write_bytes(b"ex_date,cash\n2023-09-15,\xff\n")
    refused(path, r"div\.csv is not UTF-8 text \(byte 24\)")
