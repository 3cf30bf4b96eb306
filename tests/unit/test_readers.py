import datetime as dt
import doctest
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalanta.errors import InputError
from atalanta.market.flags import QualityFlag
from atalanta.market.reading import readers
from atalanta.market.reading.readers import read_chain
from tests.vendor_layouts import BID, CLOSE, WRITTEN

ATALANTA = WRITTEN["atalanta"].columns
OPENBB = WRITTEN["openbb"].columns
BARE = {name: ATALANTA[name] for name in ("underlying", "expiry", "right", "strike", "bid", "ask")}


def _times(chain):
    return np.unique(chain["quote_time"]).astype("M8[s]").astype(str).tolist()


def _chain_or_message(columns):
    try:
        return read_chain(columns)
    except InputError as error:
        return str(error)


def test_the_example_of_the_docstring_holds():
    """The example is run."""
    example = doctest.DocTestFinder().find(
        readers.read_chain, "read_chain", globs={"read_chain": read_chain}
    )[0]
    assert 0 == doctest.DocTestRunner().run(example).failed


# --- quote time ---


@pytest.mark.parametrize(
    "quote_time",
    [
        "2024-09-13T16:00",
        "2024-09-13",
        "2024-09-13T20:00Z",
        dt.date(2024, 9, 13),
        dt.datetime(2024, 9, 13, 16),
        dt.datetime(2024, 9, 13, 20, tzinfo=dt.UTC),
        pd.Timestamp("2024-09-13T16:00", tz="America/New_York"),
        np.datetime64("2024-09-13T20:00"),
        1726257600,
    ],
)
def test_quote_time_is_taken_from_the_caller(quote_time):
    """New York time without a zone, UTC for datetime64, the close for a date alone."""
    chain = read_chain(BARE, quote_time=quote_time)
    assert ["2024-09-13T20:00:00"] == _times(chain)
    assert any(
        note.startswith("quote_time=") and note.endswith("2024-09-13T20:00:00 UTC") for note in chain.notes
    )


@pytest.mark.parametrize(
    ("quote_time", "meaning"),
    [
        ("2024-09-13T15:45", "New York time"),
        ("2024-09-13T19:45Z", "given with its zone"),
        ("2024-09-13", "the session's close"),
        ("2024-09-14", "16:00 in New York of a day without trading"),
        ("9/13/2024", "the session's close"),
        ("09/06/2024", "month/day/year, the session's close"),
        ("09/06/2024 15:45", "month/day/year, New York time"),
        ("09/07/2024", "month/day/year, 16:00 in New York of a day without trading"),
    ],
)
def test_how_the_callers_quote_time_was_read_is_told(quote_time, meaning):
    """The zone, the close and an order of month and day that could be the other are assumptions, and told."""
    notes = read_chain(WRITTEN["atalanta"].columns, quote_time=quote_time).notes
    assert any(note.startswith(f"quote_time={quote_time} taken as {meaning}: 2024-09-") for note in notes), (
        notes
    )


@pytest.mark.parametrize("spot", [560, 560.0, np.float32(560), np.int64(560), Decimal(560), {"SPY": 560}])
def test_a_spot_is_a_number_of_any_kind(spot):
    """Integers, NumPy scalars and decimals are prices."""
    assert {560.0} == set(read_chain(WRITTEN["atalanta"].columns, spot=spot)["spot"].tolist())


def test_the_callers_quote_time_goes_before_the_columns():
    """The caller knows better than the file."""
    assert ["2024-09-12T20:00:00"] == _times(read_chain(ATALANTA, quote_time="2024-09-12"))


def test_the_newest_quote_stands_in_for_a_missing_snapshot_time():
    """Without a snapshot time the newest quote is the snapshot, and the notes say so."""
    quoted_at = ["2024-09-13T19:59:00Z"] * 7 + ["2024-09-13T20:00:00Z"]
    chain = read_chain({**BARE, "quoted_at": quoted_at})
    assert ["2024-09-13T20:00:00"] == _times(chain)
    assert "quote time taken from the newest quote: 2024-09-13T20:00:00 UTC" in chain.notes


def test_several_snapshots_keep_their_times():
    """A contract quoted at two times is no duplicate; each row has the years of its own time."""
    twice = {name: cells * 2 for name, cells in ATALANTA.items()}
    twice["quote_ts_utc"] = ["2024-09-13T20:00Z"] * 8 + ["2024-09-12T20:00Z"] * 8
    chain = read_chain(twice)
    assert not chain["flags"].any()
    np.testing.assert_allclose(1 / 365, chain["years"][8:] - chain["years"][:8], rtol=1e-12)


# --- staleness ---


def test_a_quote_far_behind_the_snapshot_is_stale():
    """A row's own update time more than five minutes old is flagged, and kept as a column."""
    quoted_at = ["2024-09-13T19:59:00Z"] * 6 + ["2024-09-13T19:54:59Z", ""]
    chain = read_chain({**ATALANTA, "quoted_at": quoted_at})
    assert [6] == np.flatnonzero(chain["flags"]).tolist()
    assert QualityFlag.STALE == chain["flags"][6]
    assert np.isnat(chain["quoted_at"][7])


def test_a_side_that_moved_lately_keeps_a_quote_fresh():
    """OpenBB has a time per side: the newer one is the quote's, and a last trade's age never counts."""
    old, new = "2024-09-13T10:00", "2024-09-13T15:59"
    chain = read_chain(
        {
            **OPENBB,
            "bid_time": [old, old, new, ""] * 2,
            "ask_time": [old, new, old, new] * 2,
            "last_trade_time": [old] * 8,
        }
    )
    assert [0, 4] == np.flatnonzero(chain["flags"] & QualityFlag.STALE).tolist()
    assert {"quoted_at", "last_trade_at"} <= set(chain.columns)
    assert not {"bid_time", "ask_time"} & set(chain.columns)


# --- spot and underlying ---


def test_spot_is_taken_from_the_caller():
    """One price for one underlying, before the column."""
    assert [561.0] * 8 == read_chain(ATALANTA, spot=561.0)["spot"].tolist()


def test_spots_by_ticker_leave_the_others_alone():
    """Prices by ticker go to their rows; other rows keep the column's."""
    columns = {**ATALANTA, "underlying": ["SPY"] * 4 + ["QQQ"] * 4}
    assert [560.25] * 4 + [480.0] * 4 == read_chain(columns, spot={"QQQ": 480.0})["spot"].tolist()


def test_no_spot_is_nan_and_told():
    """The analysis goes by the implied forward: a chain without a spot is a chain."""
    chain = read_chain(BARE, quote_time="2024-09-13")
    assert np.isnan(chain["spot"]).all()
    assert not chain["flags"].any()
    assert "spot of 8 rows is unknown: NaN" in chain.notes


@pytest.mark.parametrize(("active", "expected"), [(559.0, 559.0), (0.0, 560.25), (np.nan, 560.25)])
def test_datashop_spot_is_the_active_price_else_the_mid(active, expected):
    """Cboe gives an active underlying price, and zero where there is none: then the mid counts."""
    columns = {**WRITTEN["datashop-1545"].columns, "active_underlying_price_1545": [active] * 8}
    assert [expected] * 8 == read_chain(columns)["spot"].tolist()


def test_an_underlying_is_taken_from_the_caller_and_told():
    """A name for all rows replaces the column's; marks of an index are taken off."""
    chain = read_chain(ATALANTA, underlying="^XSP")
    assert {"XSP"} == set(chain["underlying"])
    assert "underlying SPY replaced by XSP" in chain.notes


def test_an_underlying_that_was_renamed_is_taken_from_the_caller():
    """Symbols under a former ticker are bad beside the new one in the file, and good if the caller gives it."""
    renamed = {**ATALANTA, "symbol": WRITTEN["yahoo"].columns["contractSymbol"], "underlying": ["NEW"] * 8}
    assert {int(QualityFlag.BAD_CONTRACT)} == set(read_chain(renamed)["flags"].tolist())
    chain = read_chain(renamed, underlying="NEW")
    assert [0] * 8 == chain["flags"].tolist()
    assert ["NEW"] * 8 == chain["underlying"].tolist()


def test_the_same_underlying_is_no_replacement():
    """Saying what the file says is not worth a note."""
    assert not any("replaced" in note for note in read_chain(ATALANTA, underlying="SPY").notes)


def test_exercise_and_settlement_are_taken_from_the_caller():
    """Both hold for all rows, in any case of letters."""
    chain = read_chain(ATALANTA, exercise="European", settlement="am")
    assert ({"european"}, {"AM"}) == (set(chain["exercise"]), set(chain["settlement"]))


# --- flags and rows ---


def test_flags_of_a_written_chain_are_kept():
    """What an analysis found earlier stays with a row, beside what is found now."""
    columns = {
        **WRITTEN["canonical"].columns,
        "flags": [int(QualityFlag.NO_IV)] + [0] * 7,
        "ask": [BID[0]] + [99.0] * 7,
    }
    flags = read_chain(columns)["flags"]
    assert int(QualityFlag.NO_IV | QualityFlag.LOCKED) == int(flags[0])
    assert not (flags[1:] & QualityFlag.NO_IV).any()


@pytest.mark.parametrize("value", [-1, 2**40, np.nan, "x"])
def test_flags_that_are_none_are_not_taken_over(value):
    """A flag column with nonsense does not set bits at random."""
    chain = read_chain({**WRITTEN["canonical"].columns, "flags": np.array([value] + [0] * 7, dtype=object)})
    expected = int(QualityFlag.BAD_CONTRACT) if value == "x" else 0
    assert [expected] + [0] * 7 == chain["flags"].tolist()


def test_dte_is_checked_against_the_dates():
    """ORATS counts the trade date: the notes say on how many rows that holds."""
    columns = WRITTEN["orats-strikes"].columns
    assert any("on 8 of 8 rows" in note for note in read_chain(columns).notes)
    shifted = {**columns, "dte": [dte - 1 for dte in columns["dte"][:1]] + columns["dte"][1:]}
    assert any("on 6 of 8 rows" in note for note in read_chain(shifted).notes)
    assert "dte" not in read_chain(columns).columns


@given(st.permutations(range(8)), st.data())
def test_rows_are_kept_in_their_order(order, data):
    """Property: any selection of rows in any order, bad ones among them, comes back row by row."""
    order = order[: data.draw(st.integers(1, 8))]
    spoiled = data.draw(st.sets(st.sampled_from(order)))
    columns = {name: [cells[row] for row in order] for name, cells in ATALANTA.items()}
    columns["strike"] = [-1.0 if row in spoiled else ATALANTA["strike"][row] for row in order]
    chain = read_chain(columns)
    assert [ATALANTA["bid"][row] for row in order] == chain["bid"].tolist()
    assert [row in spoiled for row in order] == ((chain["flags"] & QualityFlag.BAD_CONTRACT) != 0).tolist()


@given(
    st.lists(
        st.sampled_from(
            [None, "", "x", "nan", "-1", "0", "1e400", "C", "2024-09-20", "1726257600", 5, -1.5, np.inf]
        ),
        min_size=8,
        max_size=8,
    ),
    st.sampled_from([*ATALANTA]),
)
def test_no_cell_raises_from_deep_inside(cells, name):
    """Property: whatever stands in a column, the answer is a chain of all rows or a clear error."""
    columns = {**ATALANTA, name: np.array(cells, dtype=object)}
    answer = _chain_or_message(columns)
    if isinstance(answer, str):
        assert answer.startswith("[market.read_chain] ")
        return
    chain = answer
    assert 8 == len(chain)
    usable = (chain["flags"] & QualityFlag.BAD_CONTRACT) == 0
    for column in ("strike", "years"):
        assert np.isfinite(chain[column][usable]).all()
    assert (chain["strike"][usable] > 0).all()
    for column in ("bid", "ask", "spot"):
        assert not np.isinf(chain[column]).any()


def test_quote_times_of_a_chain_are_utc():
    """The canonical quote time has no zone and is UTC: reading a chain again does not shift it."""
    chain = read_chain(ATALANTA)
    again = read_chain(read_chain(chain).to_pandas())
    assert (CLOSE == again["quote_time"]).all()
