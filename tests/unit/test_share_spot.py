"""One spot for all expiries of a share: which expiry is believed, and what is said of exercise where the carry is not known."""

from __future__ import annotations

import numpy as np
import pytest

import atalanta
from atalanta.market.analysis.share_spot import share_spots
from tests.american_market import Stock, american_chain


def expiries(**columns):
    count = len(columns["years"])
    moment = np.array(["2026-03-02T15:00"] * count, dtype="M8[ns]")
    return {"underlying": np.array(["X"] * count, object), "quote_time": moment} | {
        name: np.array(column, dtype=None if name == "underlying" else float)
        if name != "quote_time"
        else column
        for name, column in columns.items()
    }


def test_the_nearest_well_told_expiry_is_believed():
    """A forward that nobody knows well is no guide though it is the next one; nor is one that two years of carry lead to."""
    made = share_spots(
        expiries(years=[0.002, 0.05, 2.0], implied_spot=[97.0, 100.0, 92.0], forward_se=[3.0, 0.01, 0.001])
    )
    np.testing.assert_array_equal([100.0] * 3, made)


def test_each_underlying_and_quote_time_has_its_own():
    """Two names, one of them quoted twice."""
    told = expiries(years=[0.1] * 3, implied_spot=[10.0, 20.0, 21.0], forward_se=[0.01] * 3)
    told["underlying"] = np.array(["A", "B", "B"], object)
    told["quote_time"] = told["quote_time"] + np.array([0, 0, 1], "m8[D]")
    np.testing.assert_array_equal([10.0, 20.0, 21.0], share_spots(told))


@pytest.mark.parametrize("error", [np.nan, np.inf])
def test_where_no_forward_was_told_each_expiry_keeps_its_own(error):
    """Spots of the file lead to such forwards; past expiries and unknown spots say nothing either."""
    told = expiries(years=[0.1, 0.2], implied_spot=[100.0, np.nan], forward_se=[error, 0.01])
    np.testing.assert_array_equal([100.0, np.nan], share_spots(told))
    assert 0 == len(share_spots(expiries(years=[], implied_spot=[], forward_se=[])))


def test_a_dividend_that_nobody_gave_makes_no_put_worth_exercising():
    """Its forward implies a spot 3 % too low, at which deep puts would seem to be worth less than exercise gives."""
    stock = Stock(dividends=(("2026-06-01", 1.5), ("2026-08-31", 1.5)), rate=0.01)
    chain = american_chain(stock, 30, 250, strikes=[80.0, 90.0, 95.0, 100.0, 105.0, 110.0, 120.0])
    analysis = atalanta.analyze(chain, rate=stock.rate, dividends={})
    far = analysis["days"] > 200
    assert (analysis["implied_spot"][far] < 0.975 * stock.spot).all()
    found = atalanta.market.analysis.find_assignments(analysis)
    assert ((found["bid"] - found["intrinsic"])[found["now"]] <= 0).all()
    np.testing.assert_allclose(found["spot"], stock.spot, rtol=2e-3)
    worth = np.maximum(stock.spot - analysis["strike"], 0) * (analysis["right"] > 0)
    worth += np.maximum(analysis["strike"] - stock.spot, 0) * (analysis["right"] < 0)
    kept = far & (analysis["bid"] > worth + 0.01)
    assert not np.isin(np.flatnonzero(kept), found["row"][found["now"]]).any()


@pytest.mark.parametrize(
    ("days", "dates", "told"),
    [
        ((30, 400), ("2026-04-01",), True),
        ((30, 150), ("2026-04-01",), False),
        ((30, 250), ("2026-04-01", "2026-07-01"), True),
        ((30, 200), ("2026-04-01", "2026-07-01"), False),
    ],
)
def test_dividends_that_end_long_before_the_expiries_are_told(days, dates, told):
    """A quarter and a quarter of one more after the last of several, seven months after a single one."""
    stock = Stock(dividends=tuple((date, 0.5) for date in dates))
    chain = american_chain(stock, *days, strikes=[95.0, 100.0, 105.0])
    made = atalanta.analyze(chain, rate=stock.rate, dividends=stock.calendar())
    assert told == any(f"the dividends given end on {dates[-1]}" in note for note in made.notes)
    nothing_more = stock.calendar()
    nothing_more = {name: [*entries, ("2027-12-31", 0.0)] for name, entries in nothing_more.items()}
    made = atalanta.analyze(chain, rate=stock.rate, dividends=nothing_more)
    assert not any("the dividends given end" in note for note in made.notes)
