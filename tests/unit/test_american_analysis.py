"""American chains: forwards without the early-exercise premium, vols and Greeks on the implied spot."""

from __future__ import annotations

import math

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.analysis import analyze
from atalanta.market.analysis.assignment import find_assignments
from atalanta.market.analysis.forwards import fit_forwards
from atalanta.market.flags import QualityFlag
from atalanta.pricing import Dividends, greeks
from tests.american_market import Stock, american_chain
from tests.parity_market import Expiry, changed, joined, parity_chain

PAYER = Stock()
HARD_TO_BORROW = Stock(borrow=0.08, dividends=())
PLAIN = Stock(dividends=())
DEAR_MONEY = Stock(rate=0.09, dividends=())
STOCKS = {"payer": PAYER, "borrow": HARD_TO_BORROW, "no dividend": PLAIN, "high rate": DEAR_MONEY}


def terms_of(stock: Stock):
    """What `analyze` must be told to know what is true."""
    return {
        "rate": stock.rate,
        "borrow": stock.borrow,
        "dividends": stock.calendar() if stock.dividends else None,
    }


@pytest.fixture(params=STOCKS)
def stock(request):
    return STOCKS[request.param]


def test_the_spot_is_recovered(stock):
    """Parity of the European values gives the forward and the spot that made the prices, to 0.02 %."""
    expiries = analyze(american_chain(stock, 30, 120, 365), tolerance="precise", **terms_of(stock)).expiries
    forwards = [stock.forward(days / 365) for days in (30, 120, 365)]
    np.testing.assert_allclose(forwards, expiries["forward"], rtol=2e-5)
    np.testing.assert_allclose([stock.spot] * 3, expiries["implied_spot"], rtol=2e-5)
    assert ["parity, given rate"] * 3 == expiries["source"].tolist()


def test_parity_of_american_prices_themselves_misses_the_forward():
    """What the refit is for: at a rate of 9 % American prices of a year put the forward 1.5 % too low."""
    chain = american_chain(DEAR_MONEY, 365)
    naive = fit_forwards(
        chain.with_columns(exercise=np.full(len(chain), "european", object)), DEAR_MONEY.rate
    )
    assert naive.expiries["forward"][0] < 0.985 * DEAR_MONEY.forward(1.0)


def test_vols_are_those_that_made_the_prices(stock):
    """Wherever the mid is above what exercise gives, its volatility is the true one, out of the money and in."""
    chain = american_chain(stock, 30, 120, 365)
    analysis = analyze(chain, tolerance="precise", **terms_of(stock))
    error = analysis["iv_mid"] - stock.smile(chain["strike"])
    told = np.abs(error) * analysis["vega"] / stock.spot
    assert np.isfinite(error).mean() > 0.85
    assert np.nanmax(told) < 1e-4


def test_rows_without_a_vol_are_at_their_exercise_value():
    """NaN stands only where the price is what exercise gives, and the flag says below_intrinsic."""
    chain = american_chain(DEAR_MONEY, 30, 120, 365)
    analysis = analyze(chain, tolerance="precise", **terms_of(DEAR_MONEY))
    none = np.isnan(analysis["iv_mid"]) & (chain["bid"] > 0)
    exercise = np.maximum(chain["right"] * (DEAR_MONEY.spot - chain["strike"]), 0.0)
    mid = (chain["bid"] + chain["ask"]) / 2
    assert none.any()
    assert (mid[none] - exercise[none] < 0.03).all()
    assert {int(QualityFlag.BELOW_INTRINSIC | QualityFlag.NO_IV)} == set(analysis["flags"][none].tolist())


def test_greeks_are_those_of_the_american_option_on_the_spot():
    """Delta is with respect to the spot: call and put do not differ by 1 as European ones do."""
    chain = american_chain(PAYER, 120)
    analysis = analyze(chain, tolerance="precise", **terms_of(PAYER))
    expected = greeks(
        chain["right"],
        PAYER.spot,
        chain["strike"],
        120 / 365,
        PAYER.rate,
        PAYER.smile(chain["strike"]),
        exercise="american",
        dividends=Dividends([PAYER.schedule()]),
        tolerance="precise",
    )
    known = np.isfinite(analysis["iv_mid"])
    np.testing.assert_allclose(expected.delta[known], analysis["delta"][known], atol=1e-3)
    for name in ("gamma", "vega", "theta", "rho"):
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(
            expected[name][known] / scale, analysis[name][known] / scale, atol=5e-3, err_msg=name
        )
    gap = analysis["delta"][chain["right"] == 1] - analysis["delta"][chain["right"] == -1]
    assert np.nanmax(gap) > 1.001


def test_bid_and_ask_enclose_the_mid():
    """Volatilities of bid and ask reprice bid and ask: the mid's lies between them."""
    analysis = analyze(american_chain(PAYER, 30, 120), **terms_of(PAYER))
    both = np.isfinite(analysis["iv_bid"]) & np.isfinite(analysis["iv_ask"])
    assert both.sum() > 60
    assert (analysis["iv_bid"][both] < analysis["iv_mid"][both]).all()
    assert (analysis["iv_mid"][both] < analysis["iv_ask"][both]).all()


def test_a_forgotten_dividend_shows():
    """Without its dividends the share of 100 seems to stand lower by their value, and vols in the money are off."""
    chain = american_chain(PAYER, 120)
    analysis = analyze(chain, rate=PAYER.rate)
    assert 98.3 < analysis.expiries["implied_spot"][0] < 98.8
    deep = (chain["right"] == 1) & (chain["strike"] <= 90)
    assert np.nanmax(np.abs(analysis["iv_mid"] - PAYER.smile(chain["strike"]))[deep]) > 0.005


def test_what_leads_from_spot_to_forward_stands_in_every_row():
    """Implied spot, borrow cost and value of the dividends are columns of rows and of expiries."""
    analysis = analyze(american_chain(PAYER, 30, 120), **{**terms_of(PAYER), "borrow": 0.01})
    for name in ("implied_spot", "borrow", "dividend_value"):
        np.testing.assert_array_equal(np.repeat(analysis.expiries[name], 42), analysis[name])
    assert [0.01, 0.01] == analysis.expiries["borrow"].tolist()
    assert ["2026-03-16", "2026-06-15"] == analysis.dividends["ex_date"].astype(str).tolist()


def test_a_part_of_an_analysis_keeps_its_dividends():
    """Rows taken away change neither expiries nor dividends."""
    analysis = analyze(american_chain(PAYER, 120), **terms_of(PAYER))
    assert analysis.dividends is analysis.take(slice(0, 2)).dividends


def test_american_rows_without_carry_are_european():
    """No rate, no dividend, no borrow cost: nothing is gained by exercise, and the bits are those of European rows."""
    chain = parity_chain(Expiry(91, 4500.0, 1.0), exercise="american")
    european = chain.with_columns(exercise=np.full(len(chain), "european", object))
    one, other = analyze(chain, rate=0.0), analyze(european, rate=0.0)
    # the fit of American pairs is narrower; on the same forward everything else is the same
    np.testing.assert_allclose(one["forward"], other["forward"], rtol=1e-12)
    np.testing.assert_allclose(one["iv_mid"], other["iv_mid"], rtol=1e-9)
    assert "worth what European ones are" in " ".join(one.notes)


def test_european_rows_do_not_change_beside_american_ones():
    """Bit by bit: the index of a chain is analysed as if it stood alone, with dividends or without."""
    index, stock = (
        parity_chain(Expiry(30, 4515.0, 0.996), Expiry(365, 4650.0, 0.955)),
        american_chain(PAYER, 30),
    )
    alone = analyze(index)
    for terms in ({}, {"dividends": PAYER.calendar(), "borrow": {"XYZ": 0.01}}):
        together = analyze(joined(index, stock), **terms).take(slice(0, len(index)))
        for name in alone.columns:
            np.testing.assert_array_equal(alone[name], together[name], err_msg=name)


def test_dividends_touch_european_rows_through_the_carried_forward_only():
    """A European share option: parity knows the dividends already; without pairs the forward is the spot's less them."""
    chain = american_chain(PAYER, 120, exercise="european")
    paired, told = analyze(chain, rate=0.04), analyze(chain, **terms_of(PAYER))
    np.testing.assert_array_equal(paired["iv_mid"], told["iv_mid"])
    calls = chain.take(chain["right"] == 1)
    assert analyze(calls, **terms_of(PAYER))["forward"][0] == pytest.approx(
        PAYER.forward(120 / 365), rel=1e-12
    )
    assert analyze(calls, rate=0.04)["forward"][0] == pytest.approx(100 * np.exp(0.04 * 120 / 365), rel=1e-12)


def test_calls_alone_are_valued_on_the_spot():
    """Where parity cannot tell the spot of the file is the spot of the model."""
    chain = american_chain(PAYER, 30, 120)
    analysis = analyze(chain.take(chain["right"] == 1), tolerance="precise", **terms_of(PAYER))
    assert ["spot, given rate"] * 2 == analysis.expiries["source"].tolist()
    np.testing.assert_allclose([100.0, 100.0], analysis.expiries["implied_spot"], rtol=1e-12)
    error = analysis["iv_mid"] - PAYER.smile(analysis["strike"])
    assert np.nanmax(np.abs(error) * analysis["vega"]) < 5e-3


def test_pairs_at_exercise_value_leave_the_carried_spot():
    """The evening before a dividend beyond all time value no call has a volatility: no pair is left to fit."""
    stock = Stock(dividends=(("2026-03-03", 5.0),))
    chain = american_chain(stock, 4, strikes=[80.0, 82.0, 84.0, 86.0])
    analysis = analyze(chain, **terms_of(stock))
    assert "spot, given rate" == analysis.expiries["source"][0]
    assert np.isnan(analysis.expiries["forward_se"][0])


def test_an_outlier_does_not_move_the_forward():
    """One pair quoted far off the others counts nothing, as for European contracts."""
    chain = american_chain(PAYER, 120)
    for name in ("bid", "ask"):
        chain = changed(chain, name, 20, chain[name][20] + 3.0)
    expiries = analyze(chain, tolerance="precise", **terms_of(PAYER)).expiries
    assert expiries["forward"][0] == pytest.approx(PAYER.forward(120 / 365), rel=2e-5)


def test_swapped_calls_and_puts_are_refuted_before_any_refit():
    """A contradiction is found from the quotes as they are, American or not."""
    chain = american_chain(PAYER, 120)
    analysis = analyze(chain.with_columns(right=-chain["right"]), **terms_of(PAYER))
    assert ["refuted"] == analysis.expiries["source"].tolist()
    assert np.isnan(analysis["iv_mid"]).all()


@pytest.mark.parametrize("tolerance", ["fast", "standard", "precise", 1e-4])
def test_tolerances(tolerance):
    """Every tolerance that `price` knows is one of `analyze`."""
    analysis = analyze(american_chain(PAYER, 120), tolerance=tolerance, **terms_of(PAYER))
    assert analysis.expiries["implied_spot"][0] == pytest.approx(100.0, rel=2e-4)


@pytest.mark.parametrize("exercise", ["american", "european"])
@pytest.mark.parametrize("tolerance", ["sharp", math.nan, 1.0, "", []])
def test_a_wrong_tolerance_is_refused(tolerance, exercise):
    """By the caller's name, whether or not a row would have needed it."""
    chain = american_chain(PAYER, 30, strikes=np.arange(90.0, 111.0, 10.0), tolerance="standard")
    chain = chain.with_columns(exercise=np.full(len(chain), exercise, dtype=object))
    with pytest.raises(InputError, match=r"^\[market\.analyze\] tolerance is .*from 1e-7 to 1e-2"):
        analyze(chain, rate=0.04, tolerance=tolerance)
    with pytest.raises(InputError, match=r"^\[market\.find_assignments\] tolerance is .*from 1e-7 to 1e-2"):
        find_assignments(analyze(chain, rate=0.04), tolerance=tolerance)


def test_threads_do_not_change_a_bit():
    """One thread or two, the columns are the same."""
    chain = american_chain(PAYER, 30, 120)
    one, two = (analyze(chain, threads=count, **terms_of(PAYER)) for count in (1, 2))
    for name in one.columns:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def test_the_order_of_the_rows_does_not_matter():
    """Shuffled rows give shuffled results, to the last bits of the fit."""
    chain = american_chain(PAYER, 30, 120)
    order = np.random.default_rng(1).permutation(len(chain))
    straight, shuffled = (analyze(each, **terms_of(PAYER)) for each in (chain, chain.take(order)))
    np.testing.assert_allclose(straight["forward"][order], shuffled["forward"], rtol=1e-12)
    np.testing.assert_allclose(straight["iv_mid"][order], shuffled["iv_mid"], atol=1e-6)
