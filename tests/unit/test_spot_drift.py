"""A drift of the implied spot: told where the carry given is wrong, with its size and its sign, and not otherwise."""

from __future__ import annotations

import pytest

from atalanta.market.analysis import analyze
from tests.american_market import Stock, american_chain
from tests.parity_market import Expiry, joined, parity_chain

DAYS = (14, 60, 120, 200, 300)
BORROWED = Stock(borrow=0.05, dividends=())


def drifts(chain, **terms):
    return [note for note in analyze(chain, **terms).notes if "the spot that forwards imply" in note]


def test_the_right_carry_tells_nothing():
    """Rate, dividends and borrow cost as they are: one spot."""
    stock = Stock()
    assert [] == drifts(american_chain(stock, *DAYS), rate=stock.rate, dividends=stock.calendar())


def test_a_missing_borrow_cost_is_told_with_its_size():
    """5 % a year not given: the implied spot falls by about that, and the note says what would explain it."""
    (note,) = drifts(american_chain(BORROWED, *DAYS), rate=BORROWED.rate)
    assert note.startswith("XYZ: the spot that forwards imply falls by ")
    size = float(note.partition("falls by ")[2].partition("%")[0])
    assert size == pytest.approx(4.6, abs=0.6)
    assert "dividends not given, a borrow cost higher or a rate lower by as much" in note


def test_a_rate_that_is_too_low_makes_it_rise():
    """1 % given in the place of 4 %: it rises, and no dividend could explain that."""
    stock = Stock(dividends=())
    (note,) = drifts(american_chain(stock, *DAYS), rate=0.01)
    assert "rises by " in note
    assert "dividends" not in note
    assert "a borrow cost lower or a rate higher" in note


def test_a_little_is_not_told():
    """0.3 % a year may be the quotes' own."""
    stock = Stock(dividends=())
    assert [] == drifts(american_chain(stock, *DAYS), rate=0.043)


def test_few_expiries_tell_nothing():
    """Three are no drift."""
    assert [] == drifts(american_chain(BORROWED, *DAYS[:3]), rate=BORROWED.rate)


def test_european_expiries_tell_nothing():
    """The index's dividends are not given on purpose."""
    index = parity_chain(*(Expiry(days, 4500.0 * (1 + 0.02 * days / 365), 0.99) for days in DAYS))
    assert [] == drifts(index, rate=0.04)
    both = joined(index, american_chain(BORROWED, *DAYS))
    assert ["XYZ"] == [note[:3] for note in drifts(both, rate=BORROWED.rate)]
