"""Early assignment: which options are found, what not exercising costs, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from atalanta.market.analysis import analyze
from atalanta.market.analysis.assignment import find_assignments
from atalanta.market.flags import QualityFlag
from atalanta.pricing import price
from tests.american_market import Stock, american_chain
from tests.parity_market import Expiry, changed, joined, parity_chain

TONIGHT = Stock(dividends=(("2026-03-03", 1.5), ("2026-06-02", 1.5)))
STRIKES = [70.0, 80.0, 90.0, 95.0, 98.0, 100.0, 105.0, 110.0]


def found_of(stock, *days, chain=None, strikes=STRIKES):
    chain = american_chain(stock, *days, strikes=strikes) if chain is None else chain
    dividends = stock.calendar() if stock.dividends else None
    analysis = analyze(chain, rate=stock.rate, dividends=dividends, borrow=stock.borrow, tolerance="precise")
    return analysis, find_assignments(analysis, tolerance="precise")


@pytest.fixture(scope="module")
def tonight():
    return found_of(TONIGHT, 11, 39)


def test_calls_in_the_money_before_a_dividend_are_found(tonight):
    """Deep calls of both expiries are worth exercising before the share goes ex; none at or out of the money is."""
    _, found = tonight
    assert {1} == set(found["right"].tolist())
    assert {11, 39} == set(np.round(365 * found["years"]).astype(int).tolist())
    assert found["strike"].max() < 100
    assert not found["now"].any()


def test_the_cost_is_what_holding_through_the_dividend_loses(tonight):
    """Intrinsic value less the value of the American call just after, at the spot less the dividend."""
    _, found = tonight
    time = TONIGHT.schedule()[0][0]
    after = price(
        1,
        found["implied_spot"] - 1.5,
        found["strike"],
        found["years"] - time,
        TONIGHT.rate,
        TONIGHT.smile(found["strike"]),
        exercise="american",
        tolerance="precise",
    )
    np.testing.assert_allclose(found["intrinsic"] - after, found["cost"], atol=2e-3)
    np.testing.assert_allclose(100 * found["cost"], found["cost_per_contract"], rtol=1e-14)


def test_the_deeper_the_more_it_costs_up_to_the_dividend(tonight):
    """Time value falls with depth: the cost rises towards the dividend less the interest on the strike."""
    _, found = tonight
    short = found.take(np.round(365 * found["years"]) == 11)
    order = np.argsort(short["strike"])
    assert (np.diff(short["cost"][order]) < 0).all()
    assert 1.3 < short["cost"].max() < 1.5


def test_dates_and_amounts(tonight):
    """Ex-date, the last session before it, and its cash."""
    _, found = tonight
    assert {"2026-03-03"} == set(found["ex_date"].astype(str).tolist())
    assert {"2026-03-02"} == set(found["last_day"].astype(str).tolist())
    assert {1.5} == set(found["dividend"].tolist())


def test_rows_point_into_the_analysis(tonight):
    """Every row is one of the analysis, once; worst first within a side."""
    analysis, found = tonight
    np.testing.assert_array_equal(found["symbol"], analysis["symbol"][found["row"]])
    assert len(np.unique(found["row"])) == len(found)
    assert (np.diff(found["cost"]) <= 0).all()


def test_calls_at_their_exercise_value_are_found_though_they_have_no_vol(tonight):
    """The deepest calls imply no volatility; the put nearest in strike lends its own."""
    analysis, found = tonight
    assert np.isnan(analysis["iv_mid"][found["row"]]).any()
    assert np.isfinite(found["vol"]).all()
    lent = np.where(np.round(365 * found["years"]) == 11, 90.0, 80.0)  # below, a put is not worth its bid
    expected = TONIGHT.smile(np.maximum(found["strike"], lent))
    np.testing.assert_allclose(expected, found["vol"], atol=2e-3)


def test_probabilities_are_high_where_exercise_is_right(tonight):
    """Between a half and one: the spot may still fall before the evening."""
    _, found = tonight
    assert (found["probability"] > 0.5).all()
    assert (found["probability"] <= 1.0 + 1e-9).all()


def test_a_dividend_within_the_time_value_is_no_reason():
    """Four months and five cents: nobody exercises."""
    stock = Stock(dividends=(("2026-03-03", 0.05),))
    _, found = found_of(stock, 120, strikes=[80.0, 90.0, 95.0, 100.0, 110.0])
    assert not (found["right"] > 0).any()


def test_puts_beyond_the_boundary_are_worth_exercising_now():
    """Deep puts without a dividend: the boundary lies above the spot, each day costs the interest on the strike."""
    stock = Stock(dividends=(), rate=0.06)
    _, found = found_of(stock, 30, strikes=[90.0, 100.0, 110.0, 120.0, 130.0])
    assert {-1} == set(found["right"].tolist())
    assert found["now"].all()
    assert {130.0} <= set(found["strike"].tolist()) <= {110.0, 120.0, 130.0}
    assert (found["boundary"] >= found["implied_spot"] - 0.01).all()
    np.testing.assert_allclose(0.06 * found["strike"] / 365, found["cost"], rtol=0.02)
    assert np.isnat(found["ex_date"]).all()


def test_puts_wait_for_the_dividend():
    """The evening before a dividend no put is worth exercising: tomorrow it gives more."""
    _, found = found_of(TONIGHT, 11, strikes=[90.0, 100.0, 110.0, 120.0])
    assert not (found["right"] < 0).any()


def test_a_borrow_cost_makes_calls_worth_exercising():
    """A share that costs 40 % a year to be without is taken now."""
    stock = Stock(dividends=(), borrow=0.4)
    _, found = found_of(stock, 60, strikes=[40.0, 50.0, 60.0, 100.0, 110.0])
    calls = found.take(found["right"] > 0)
    assert len(calls) > 0
    assert calls["now"].all()


@pytest.mark.parametrize("flag", [QualityFlag.BAD_CONTRACT, QualityFlag.CROSSED])
def test_contracts_that_cannot_be_trusted_are_left_out(flag):
    """A crossed quote or a bad contract is no fact to warn of."""
    chain = american_chain(TONIGHT, 11, strikes=STRIKES)
    _, sound = found_of(TONIGHT, chain=chain)
    _, found = found_of(TONIGHT, chain=changed(chain, "flags", int(sound["row"][0]), flag))
    assert len(sound) - 1 == len(found)


def test_calls_without_a_bid_are_looked_at():
    """A short call can be assigned whether or not it is quoted."""
    chain = american_chain(TONIGHT, 11, strikes=STRIKES)
    _, sound = found_of(TONIGHT, chain=chain)
    row = int(sound["row"][0])
    bare = changed(changed(chain, "bid", row, np.nan), "flags", row, QualityFlag.NO_BID)
    _, found = found_of(TONIGHT, chain=bare)
    assert row in found["row"].tolist()
    assert np.isnan(found["time_value"][found["row"] == row]).all()


def test_snapshots_and_underlyings_keep_their_own_dividends():
    """The same call is found the evening before and not the day after."""
    first = american_chain(TONIGHT, 11, strikes=STRIKES)
    second = first.with_columns(
        quote_time=first["quote_time"] + np.timedelta64(24, "h"), years=first["years"] - 1 / 365
    )
    for side in ("bid", "ask"):
        second = second.with_columns(**{side: np.maximum(second[side] - 1.5 * (second["right"] > 0), 0.01)})
    _, found = found_of(TONIGHT, chain=joined(first, second))
    calls = found["right"] > 0
    assert {first["quote_time"][0]} == set(found["quote_time"][calls])


def test_european_chains_have_none():
    """Index options are not assigned early; the table has its columns and no rows."""
    found = find_assignments(analyze(parity_chain(Expiry(30, 4515.0, 0.996))))
    assert 0 == len(found)
    assert {"cost", "cost_per_contract", "ex_date", "now", "probability"} <= set(found.columns)
