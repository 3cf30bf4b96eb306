import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalanta.market.flags import QualityFlag, flag_names
from atalanta.market.reading.hygiene import clean_price, duplicates, quote_flags

NOW = np.datetime64("2024-09-13T20:00", "ns")
EXPIRES = np.datetime64("2024-09-20T20:00", "s")


def _columns(rows=1, **changed):
    """Clean rows with strikes 1, 2, 3, ...; every argument replaces a column, a scalar all of its rows."""
    columns = {
        "root": "SPY",
        "quote_time": NOW,
        "expires_at": EXPIRES,
        "right": 1,
        "strike": np.arange(1.0, rows + 1),
        "bid": 1.0,
        "ask": 1.1,
        "multiplier": 100.0,
        "years": 0.02,
        **changed,
    }
    return {
        name: np.array(np.broadcast_to(values, rows), dtype=object if name == "root" else None)
        for name, values in columns.items()
    }


def _names(rows=1, **changed):
    return flag_names(quote_flags(_columns(rows, **changed))).tolist()


def test_a_clean_row_has_no_flag():
    """An ordinary two-sided quote on an ordinary contract is ok."""
    assert ["ok"] == _names()


def test_flags_are_a_bit_set():
    """Flags come as uint32, one per row."""
    flags = quote_flags(_columns(3))
    assert (np.dtype(np.uint32), (3,)) == (flags.dtype, flags.shape)


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [
        (1.0, 1.1, "ok"),
        (1.1, 1.0, "crossed"),
        (1.0, 1.0, "locked"),
        (0.1, 0.0, "crossed|no_ask"),
        (0.0, 0.05, "no_bid"),
        (0.0, 0.0, "no_bid|no_ask"),
        (-1.0, 0.05, "no_bid"),
        (-1.0, -1.0, "no_bid|no_ask"),
        (0.5, -1.0, "crossed|no_ask"),
        (0.0, -1.0, "no_bid|no_ask"),
        (np.nan, 1.0, "no_bid"),
        (1.0, np.nan, "no_ask"),
        (np.nan, np.nan, "no_bid|no_ask"),
        (1.0, np.inf, "bad_contract"),
        (np.inf, np.inf, "bad_contract"),
        (np.inf, 1.0, "crossed|bad_contract"),
        (-np.inf, 1.0, "no_bid|bad_contract"),
    ],
)
def test_quotes_are_judged(bid, ask, expected):
    """Crossed and locked need a bid; zero, negative and missing sides are none; infinite ones break the row."""
    assert [expected] == _names(bid=bid, ask=ask)


@pytest.mark.parametrize(
    ("bid", "ask", "wide"),
    [
        (0.05, 0.10, False),  # one tick of 0.05, though 67 % of the mid
        (0.02, 0.07, False),  # the same in binary, one bit above 0.05
        (0.05, 0.15, True),
        (0.01, 0.07, True),
        (3.0, 5.0, False),  # exactly half of the mid
        (3.0, 5.01, True),
        (100.0, 120.0, False),
        (100.0, 180.0, True),
        (0.0, 5.0, False),  # one-sided: there is no mid
    ],
)
def test_wide_is_half_of_the_mid_and_more_than_a_tick(bid, ask, wide):
    """A spread is wide above both 50 % of the mid and 0.05 per share; the limits themselves are not wide."""
    assert wide == bool(quote_flags(_columns(bid=bid, ask=ask))[0] & QualityFlag.WIDE)


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [
        (1.7e308, 1.75e308, "ok"),
        (1.0, 1.7e308, "wide"),
        (1.7e308, 1.0, "crossed"),
        (1.7e308, 1.7e308, "locked"),
    ],
)
def test_huge_quotes_raise_no_warning(bid, ask, expected):
    """Quotes whose sum exceeds the largest number are judged like any others, without a warning on the way."""
    assert [expected] == _names(bid=bid, ask=ask)


@pytest.mark.parametrize(("years", "expired"), [(1e-9, False), (0.0, True), (-0.01, True), (np.nan, False)])
def test_expired_is_no_time_left(years, expired):
    """At the expiry instant an option is expired; a row without one is a bad contract instead."""
    assert expired == bool(quote_flags(_columns(years=years))[0] & QualityFlag.EXPIRED)


@pytest.mark.parametrize(
    ("age", "stale"), [(0, False), (300, False), (301, True), (86_400, True), (-5, False)]
)
def test_stale_is_five_minutes_behind_the_snapshot(age, stale):
    """Only the row's own quote time counts; exactly 300 s are allowed, and so is a quote after the snapshot."""
    columns = _columns(quoted_at=NOW - np.timedelta64(age, "s"))
    assert stale == bool(quote_flags(columns)[0] & QualityFlag.STALE)


def test_a_row_without_its_own_time_is_not_stale():
    """An unknown age is not held against a quote, and a last trade's time never is."""
    trade = NOW - np.timedelta64(30, "D")
    assert ["ok"] == _names(quoted_at=np.datetime64("NaT", "ns"))
    assert ["ok"] == _names(last_trade_at=trade)


@pytest.mark.parametrize(
    "changed",
    [
        {"strike": 0.0},
        {"strike": -1.0},
        {"strike": np.nan},
        {"strike": np.inf},
        {"right": 0},
        {"right": 2},
        {"expires_at": np.datetime64("NaT", "s")},
        {"quote_time": np.datetime64("NaT", "ns")},
        {"multiplier": 0.0},
        {"multiplier": -100.0},
        {"multiplier": np.nan},
        {"multiplier": np.inf},
    ],
    ids=str,
)
def test_terms_that_cannot_be_used_are_a_bad_contract(changed):
    """Each term alone breaks its row."""
    assert ["bad_contract"] == _names(**changed)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("root", ["SPX", "SPXW"]),
        ("quote_time", [NOW, NOW + np.timedelta64(1, "s")]),
        ("expires_at", [EXPIRES, EXPIRES + np.timedelta64(390, "m")]),
        ("right", [1, -1]),
        ("strike", [5.0, 5.001]),
    ],
)
def test_rows_that_differ_in_the_key_are_no_duplicates(name, values):
    """Root, quote time, expiry instant, side and strike tell contracts apart; each suffices alone."""
    same = {"strike": 5.0}
    assert [False, True] == duplicates(_columns(2, **same)).tolist()
    assert [False, False] == duplicates(_columns(2, **{**same, name: values})).tolist()


def test_all_but_the_first_are_duplicates_wherever_they_stand():
    """Duplicates need not be neighbours; the quote does not matter."""
    strikes = [3.0, 1.0, 3.0, 2.0, 1.0, 3.0]
    bid = [1.0, 1.0, 0.9, 1.0, 1.0, 1.0]
    assert [2, 4, 5] == np.flatnonzero(duplicates(_columns(6, strike=strikes, bid=bid))).tolist()


def test_unusable_keys_are_no_duplicates():
    """Rows without a strike or an instant are bad on their own, not because of each other."""
    assert [False, False] == duplicates(_columns(2, strike=np.nan)).tolist()
    assert [False, False] == duplicates(
        _columns(2, strike=5.0, expires_at=np.datetime64("NaT", "s"))
    ).tolist()


def test_no_rows_are_no_flags():
    """An empty chain has an empty column of flags."""
    assert (0,) == quote_flags(_columns(0)).shape


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0, np.nan]), max_size=20))
def test_duplicates_agree_with_a_walk(strikes):
    """Property: a row is a duplicate exactly if its key was seen before."""
    seen, expected = set(), []
    for strike in strikes:
        expected.append(strike in seen)
        if not np.isnan(strike):
            seen.add(strike)
    assert expected == duplicates(_columns(len(strikes), strike=strikes)).tolist()


@given(st.floats(-1, 10), st.floats(-1, 10))
def test_two_sided_rows_are_crossed_locked_or_in_order(bid, ask):
    """Property: exactly one of crossed, locked, in order holds where both sides are positive."""
    flags = quote_flags(_columns(bid=bid, ask=ask))[0]
    if bid > 0 and ask > 0:
        in_order = not flags & (QualityFlag.CROSSED | QualityFlag.LOCKED)
        assert 1 == bool(flags & QualityFlag.CROSSED) + bool(flags & QualityFlag.LOCKED) + in_order
        assert (bid < ask) == in_order
    else:
        assert flags & (QualityFlag.NO_BID | QualityFlag.NO_ASK)


def test_clean_price_keeps_zero_and_drops_what_is_none():
    """Zero means no quote and stays; negative and infinite prices become NaN."""
    np.testing.assert_array_equal(
        [0.0, 1.5, np.nan, np.nan, np.nan, np.nan],
        clean_price(np.array([0.0, 1.5, -1.0, np.inf, -np.inf, np.nan])),
    )
