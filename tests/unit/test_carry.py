"""Carry: which dividends count for which expiry, and the way between spot and forward."""

from __future__ import annotations

import math

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.analysis.carry import Carry
from atalanta.market.analysis.expiries import group_by_expiry
from tests.american_market import Stock, american_chain
from tests.parity_market import QUOTE_TIME, joined

STOCK = Stock()


def chain_of(*days, stock=STOCK):
    return american_chain(stock, *days, strikes=[stock.spot], tolerance="fast")


def carry_of(chain, dividends=None, borrow=None):
    return Carry.of(chain, group_by_expiry(chain), dividends, borrow)


def one(cash_by_day):
    return {"XYZ": list(cash_by_day.items())}


def test_years_run_to_the_open_of_the_ex_date():
    """Quoted at 15:00 UTC, a share that goes ex next day does so at 09:30 New York: 14:30 UTC in winter."""
    carry = carry_of(chain_of(30), one({"2026-03-03": 0.8}))
    ((years, cash),) = carry.schedules
    assert [23.5 / (24 * 365)] == pytest.approx(years.tolist(), rel=1e-12)
    assert [0.8] == cash.tolist()


def test_summer_time_opens_an_hour_earlier():
    """After 8 March 2026 the New York open is 13:30 UTC."""
    carry = carry_of(chain_of(30), one({"2026-03-09": 0.8}))
    assert [(7 * 24 - 1.5) / (24 * 365)] == pytest.approx(carry.schedules[0][0].tolist(), rel=1e-12)


def test_dividends_before_an_expiry_count_for_it():
    """One schedule serves all expiries; each counts what goes ex before it."""
    carry = carry_of(chain_of(10, 30, 120), STOCK.calendar())
    assert [False, True, True] == carry.has_dividend().tolist()
    value = carry.dividend_value(np.full(3, 0.04))
    (first, cash), (second, _) = STOCK.schedule()
    expected = [
        0.0,
        cash * math.exp(-0.04 * first),
        cash * (math.exp(-0.04 * first) + math.exp(-0.04 * second)),
    ]
    np.testing.assert_allclose(expected, value, rtol=1e-13)


def test_spot_and_forward_are_one_anothers_image():
    """F = (S − Σ D e^−(r−b)t) e^(r−b)T, and back."""
    carry = carry_of(chain_of(30, 120), STOCK.calendar(), 0.01)
    rate = np.array([0.04, 0.05])
    forward = carry.forward_of(np.full(2, 100.0), rate)
    (first, cash), (second, _) = STOCK.schedule()
    by_hand = 100 - cash * math.exp(-0.04 * first) - cash * math.exp(-0.04 * second)
    assert forward[1] == pytest.approx(by_hand * math.exp(0.04 * 120 / 365), rel=1e-13)
    np.testing.assert_allclose([100.0, 100.0], carry.spot_of(forward, rate), rtol=1e-14)


def test_nothing_given_is_no_carry():
    """Without dividends and borrow cost forward and spot differ by the rate alone; nothing is told."""
    carry = carry_of(chain_of(30))
    assert ((), False, ()) == (carry.schedules, carry.given, carry.notes)
    assert [-1] == carry.schedule.tolist()
    assert [0.0] == carry.dividend_value(np.array([0.04])).tolist()
    assert 0 == len(carry.used)


def test_past_and_late_dividends_are_left_out_with_a_note():
    """On or before the quote, and after the last expiry: counted and named, once each."""
    dates = {"2025-12-15": 0.7, "2026-03-02": 0.7, "2026-03-16": 0.8, "2026-09-14": 0.8, "2026-12-14": 0.8}
    carry = carry_of(chain_of(30, 120), one(dates))
    assert ["2026-03-16"] == carry.used["ex_date"].astype(str).tolist()
    assert (
        "XYZ: 2 dividends on or before the quote time not used (last: 2026-03-02)",
        "XYZ: 2 dividends after the last expiry not used (first: 2026-09-14)",
    ) == carry.notes


def test_a_quote_before_the_open_has_the_dividend_of_its_day_ahead():
    """Until 09:30 New York the share still holds the dividend."""
    chain = chain_of(30)
    early = chain.with_columns(quote_time=np.full(len(chain), np.datetime64("2026-03-02T13:00", "ns")))
    assert ["2026-03-02"] == carry_of(early, one({"2026-03-02": 0.8})).used["ex_date"].astype(str).tolist()
    at_the_open = chain.with_columns(quote_time=np.full(len(chain), np.datetime64("2026-03-02T14:30", "ns")))
    assert 0 == len(carry_of(at_the_open, one({"2026-03-02": 0.8})).used)


def test_every_snapshot_has_its_own_times():
    """A dividend lies ahead of the first snapshot and behind the second; no note, as it was used."""
    first = chain_of(30)
    second = first.with_columns(quote_time=first["quote_time"] + np.timedelta64(20, "D"))
    carry = carry_of(joined(first, second), one({"2026-03-16": 0.8}))
    assert [0, -1] == carry.schedule.tolist()
    assert QUOTE_TIME == carry.used["quote_time"][0]
    assert () == carry.notes


def test_zero_cash_is_no_dividend():
    """An announced zero does not make an expiry one with dividends."""
    carry = carry_of(chain_of(30), one({"2026-03-16": 0.0}))
    assert [False] == carry.has_dividend().tolist()


def test_american_names_without_dividends_are_told():
    """Where a calendar is given, an American underlying that it does not mention is named; European ones are not."""
    other = chain_of(30).with_columns(underlying=np.full(2, "ABC", dtype=object))
    index = chain_of(30).with_columns(
        underlying=np.full(2, "IDX", dtype=object), exercise=np.full(2, "european", dtype=object)
    )
    carry = carry_of(joined(chain_of(30), other, index), STOCK.calendar())
    assert "no dividend is given for ABC" in carry.notes
    assert not any("IDX" in note for note in carry.notes)


def test_tickers_match_whatever_their_spelling():
    """A chain's ^xyz takes the dividends of XYZ."""
    chain = chain_of(30).with_columns(underlying=np.full(2, "^xyz ", dtype=object))
    assert 1 == len(carry_of(chain, one({"2026-03-16": 0.8})).used)


def test_a_dividend_of_the_size_of_the_spot_is_refused():
    """Cents in the place of dollars, most likely: value, date, limit and mend."""
    with pytest.raises(
        InputError, match=r"XYZ pays 120 on 2026-03-16, no less than its spot of 100: cash is per share"
    ):
        carry_of(chain_of(30), one({"2026-03-16": 120.0, "2026-06-15": 0.8}))


@pytest.mark.parametrize(
    ("borrow", "expected"), [(0.01, 0.01), (-0.02, -0.02), ({"XYZ": 0.03}, 0.03), ({"xyz": "0.03"}, 0.03)]
)
def test_borrow_costs(borrow, expected):
    """One cost for all, or by ticker; a rebate is negative."""
    assert [expected] == carry_of(chain_of(30), None, borrow).borrow.tolist()


def test_underlyings_without_a_borrow_cost_have_none():
    """A mapping need not name all; what it names beside is told."""
    other = chain_of(30).with_columns(underlying=np.full(2, "ABC", dtype=object))
    carry = carry_of(joined(chain_of(30), other), None, {"XYZ": 0.03, "GME": 0.4})
    assert [0.0, 0.03] == carry.borrow.tolist()
    assert ("borrow of GME not used: the chain holds no such underlying",) == carry.notes


@pytest.mark.parametrize("borrow", [5.0, -1.5, float("nan"), float("inf"), "much", None.__class__])
def test_borrow_costs_that_are_none(borrow):
    """Per cent, NaN and texts are refused with the value and the limits."""
    with pytest.raises(
        InputError, match=r"\[market\.analyze\] borrow is .*; it must be a decimal from -1 to 1"
    ):
        carry_of(chain_of(30), None, borrow)


def test_the_borrow_cost_of_another_underlying_is_an_error():
    """A cost for GME alone does not belong to this chain."""
    with pytest.raises(InputError, match="borrow: wrong underlying: of GME; the chain holds XYZ"):
        carry_of(chain_of(30), None, {"GME": 0.4})
