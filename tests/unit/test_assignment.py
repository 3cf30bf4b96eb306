"""Early assignment: which options are found, what not exercising costs, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from atalanta.market.analysis import analyze
from atalanta.market.analysis.assignment import find_assignments
from atalanta.market.flags import QualityFlag
from atalanta.pricing import early_exercise, price
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


def european(stock, found, gone=0.0, of=1):
    """Held through its last dividend, a call on a share without a yield is European: its value `gone` years from now."""
    return price(
        1,
        found["spot"],
        found["strike"],
        found["years"] - gone,
        stock.rate,
        found["vol"],
        dividends=[(time - gone, cash) for time, cash in stock.schedule()[:of]],
        tolerance="precise",
    )


def test_the_cost_is_what_holding_through_the_dividend_loses_tonight(tonight):
    """Intrinsic value less today's value of the call that is not exercised before the share goes ex: the night counts."""
    _, found = tonight
    np.testing.assert_allclose(european(TONIGHT, found), found["held"], atol=2e-4)
    np.testing.assert_allclose(found["intrinsic"] - found["held"], found["cost"], rtol=1e-12)
    np.testing.assert_allclose(100 * found["cost"], found["cost_per_contract"], rtol=1e-14)
    assert found["tonight"].all()


def test_a_later_dividend_is_judged_at_the_close_before_it():
    """Three weeks ahead, over a weekend: the value at Friday's close, 65.5 hours before Monday's opening, at today's spot."""
    stock = Stock(dividends=(("2026-03-23", 1.5),))
    _, found = found_of(stock, 39)
    assert len(found) > 2
    assert not found["tonight"].any()
    assert {"2026-03-20"} == set(found["last_day"].astype(str).tolist())
    gone = stock.schedule()[0][0] - 65.5 / 24 / 365
    np.testing.assert_allclose(european(stock, found, gone), found["held"], atol=2e-4)


def test_an_expiry_on_the_ex_date_is_held_for_the_night_and_a_day():
    """Hours from ex-date to expiry, where the value is nearly kinked: the quadrature still gives the European value."""
    _, found = found_of(TONIGHT, 1.25, strikes=[90.0, 95.0, 98.0, 99.0, 100.0, 105.0])
    assert {98.0, 99.0} & set(found["strike"].tolist())
    np.testing.assert_allclose(european(TONIGHT, found), found["held"], atol=2e-3)


def test_dividends_after_the_next_are_counted_from_it():
    """Two ahead: less than the American value, more than if neither dividend could be escaped."""
    stock = Stock(dividends=(("2026-03-03", 1.5), ("2026-03-31", 1.5)))
    _, found = found_of(stock, 39)
    assert len(found) > 2
    assert (found["held"] > european(stock, found, of=2) + 0.01).all()
    assert (found["held"] < european(stock, found, of=1) - 0.01).any()
    assert (found["held"] < european(stock, found, of=1) + 1e-3).all()


def test_a_night_that_is_worth_the_dividend_is_no_reason():
    """At 98 the call loses just after the ex-date, were the spot the same; tonight it is worth more held than exercised."""
    _, found = found_of(TONIGHT, 11, strikes=[95.0, 97.5, 98.0, 99.0, 100.0, 105.0])
    assert {95.0, 97.5} == set(found["strike"].tolist())
    terms = ("call", 100.0, 98.0, 11 / 365, TONIGHT.rate, TONIGHT.smile(98.0))
    assert early_exercise(*terms, dividends=TONIGHT.schedule()).cost_of_holding > 0.03
    assert price(*terms, dividends=TONIGHT.schedule()) > 2.04


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
    assert (found["boundary"] >= found["spot"] - 0.01).all()
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
