from __future__ import annotations

import json
import math

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.analysis import Analysis, analyze
from atalanta.market.chain import CHAIN_COLUMNS, Chain
from atalanta.market.flags import QualityFlag
from atalanta.market.simulator import simulate_chain
from atalanta.pricing import greeks, price
from tests.parity_market import Expiry, changed, joined, parity_chain, smile

SHORT = Expiry(30, 4515.0, 0.9960)
LONG = Expiry(365, 4650.0, 0.9550)
OF_EXPIRY = ("forward", "discount", "forward_se", "moneyness")
OF_QUOTE = ("iv_bid", "iv_mid", "iv_ask", "delta", "gamma", "vega", "theta", "rho")
OF_CARRY = ("implied_spot", "borrow", "dividend_value")
ADDED = ("days", *OF_EXPIRY, "mid", *OF_QUOTE, *OF_CARRY)
CALL, PUT = 20, 21  # rows of the strike at the forward


def one_row(row: int, **values) -> Analysis:
    """The analysis of SHORT with one row's values changed."""
    chain = parity_chain(SHORT)
    for name, value in values.items():
        chain = changed(chain, name, row, value)
    return analyze(chain)


def test_columns_are_those_of_the_chain_and_what_was_computed():
    """The chain's columns come first in their order, further ones included; then the seventeen of the analysis."""
    chain = parity_chain(SHORT).with_columns(volume=np.arange(42))
    assert (*CHAIN_COLUMNS, "volume", *ADDED) == analyze(chain).columns


def test_rows_and_input_columns_are_untouched():
    """Row order and every input column but the flags are given back as they were."""
    chain = parity_chain(LONG, SHORT)
    analysis = analyze(chain)
    for name in CHAIN_COLUMNS:
        np.testing.assert_array_equal(chain[name], analysis[name])


def test_mid_is_half_way_between_bid_and_ask():
    """The mid is that of the quotes, also where it implies no volatility."""
    analysis = one_row(0, bid=890.0, ask=891.0)  # below its intrinsic value
    np.testing.assert_allclose((analysis["bid"] + analysis["ask"]) / 2, analysis["mid"], rtol=1e-15)
    assert (890.5, True) == (analysis["mid"][0], np.isnan(analysis["iv_mid"][0]))


@pytest.mark.parametrize(
    "values",
    [
        {"bid": 0.0},
        {"ask": np.nan},
        {"bid": 90.0, "ask": 80.0},
        {"flags": QualityFlag.EXPIRED},
        {"flags": QualityFlag.BAD_CONTRACT},
    ],
)
def test_rows_that_cannot_be_trusted_have_no_mid(values):
    """One-sided and crossed quotes, expired and bad contracts have no mid; their days stay."""
    analysis = one_row(CALL, **values)
    assert np.isnan(analysis["mid"][CALL])
    assert np.isfinite(analysis["mid"]).sum() == 41
    assert np.isfinite(analysis["days"]).all()


def test_days_are_the_years_in_calendar_days():
    """Days to expiry are 365 times the years, below zero for a past expiry, NaN where there is no time."""
    years = np.tile([30 / 365, -0.5, np.nan], 14)
    analysis = analyze(parity_chain(SHORT, years=years))
    np.testing.assert_array_equal(365 * years, analysis["days"])
    assert 30.0 == analysis["days"][0]


def test_vols_of_bid_mid_and_ask():
    """The mid's volatility is the true one; bid's and ask's reprice the bid and the ask."""
    chain = parity_chain(SHORT)
    analysis = analyze(chain)
    near = np.abs(analysis["moneyness"]) < 0.1
    np.testing.assert_allclose(smile(SHORT, chain["strike"])[near], analysis["iv_mid"][near], rtol=1e-9)
    contract = chain["right"], 4515.0 * 0.996, chain["strike"], SHORT.years, -math.log(0.996) / SHORT.years
    for side in ("bid", "ask"):
        vol = analysis[f"iv_{side}"]
        near &= np.isfinite(vol)  # a bid in the money may be worth less than exercise
        np.testing.assert_allclose(chain[side][near], greeks(*contract, vol).price[near], rtol=1e-9)
    assert near.sum() >= 19


def test_greeks_are_the_kernel_at_the_mid_vol():
    """Greeks are those of a spot of F × D without yield, in raw units."""
    chain = parity_chain(LONG)
    analysis = analyze(chain)
    expected = greeks(
        chain["right"], 4650.0 * 0.955, chain["strike"], 1.0, -math.log(0.955), smile(LONG, chain["strike"])
    )
    for name in ("delta", "gamma", "vega", "theta", "rho"):
        np.testing.assert_allclose(expected[name], analysis[name], rtol=1e-7, err_msg=name)


def test_delta_is_with_respect_to_the_spot_with_dividends_in_cash():
    """Call delta minus put delta is 1: the forward's dividends do not discount it."""
    analysis = analyze(parity_chain(LONG))
    delta = analysis["delta"]
    np.testing.assert_allclose(
        np.ones(21), delta[analysis["right"] == 1] - delta[analysis["right"] == -1], rtol=1e-7
    )


def test_forward_columns_are_those_of_the_expiry():
    """Each contract carries forward, discount and standard error of its own expiry."""
    analysis = analyze(parity_chain(LONG, SHORT))
    np.testing.assert_allclose(np.repeat([4650.0, 4515.0], 42), analysis["forward"], rtol=1e-12)
    np.testing.assert_allclose(np.repeat([0.955, 0.996], 42), analysis["discount"], rtol=1e-11)
    np.testing.assert_allclose(
        np.log(analysis["strike"] / analysis["forward"]), analysis["moneyness"], atol=1e-15
    )


def test_atm_vol_is_the_smile_at_the_forward():
    """Between the nearest out-of-the-money strikes the volatility is linear in log moneyness, as this smile is."""
    strikes = np.arange(4007.0, 5000.0, 50.0)  # none at the forward
    analysis = analyze(parity_chain(SHORT, LONG, strikes=strikes))
    np.testing.assert_allclose([0.2, 0.2], analysis.expiries["atm_vol"], rtol=1e-8)


def test_atm_vol_is_not_extrapolated():
    """Where all strikes lie on one side of the forward the nearest one's volatility is taken."""
    chain = parity_chain(LONG, strikes=[4700.0, 4800.0, 4900.0])
    expiries = analyze(chain, rate=-math.log(0.955)).expiries
    assert pytest.approx(smile(LONG, 4700.0), rel=1e-6) == expiries["atm_vol"][0]


def test_atm_vol_is_nan_where_no_row_has_a_vol():
    """A past expiry has no volatility at the forward."""
    expiries = analyze(joined(parity_chain(LONG), parity_chain(SHORT, years=np.zeros(42)))).expiries
    np.testing.assert_array_equal([True, False], np.isnan(expiries["atm_vol"]))


@pytest.mark.parametrize(("bid", "flag"), [(0.0, QualityFlag.NO_BID), (np.nan, QualityFlag.NO_BID), (0.0, 0)])
def test_row_without_bid_has_only_the_vol_of_its_ask(bid, flag):
    """Without a bid there is no mid: iv_bid, iv_mid and Greeks are NaN, the row says no_iv, iv_ask remains."""
    analysis = one_row(CALL, bid=bid, flags=flag)
    assert flag | QualityFlag.NO_IV == analysis["flags"][CALL]
    np.testing.assert_array_equal(
        [True, True, True, True, False],
        [np.isnan(analysis[n][CALL]) for n in ("mid", "iv_bid", "iv_mid", "delta", "iv_ask")],
    )


def test_row_without_ask_has_only_the_vol_of_its_bid():
    """Without an ask there is no mid either; iv_bid remains."""
    analysis = one_row(PUT, ask=np.nan, flags=QualityFlag.NO_ASK)
    assert analysis["flags"][PUT] == QualityFlag.NO_ASK | QualityFlag.NO_IV
    np.testing.assert_array_equal(
        [False, True, True], [np.isnan(analysis[n][PUT]) for n in ("iv_bid", "iv_mid", "iv_ask")]
    )


@pytest.mark.parametrize(
    "values",
    [
        {"bid": 90.0, "ask": 80.0, "flags": QualityFlag.CROSSED},
        {"bid": 90.0, "ask": 80.0},
        {"flags": QualityFlag.EXPIRED},
        {"flags": QualityFlag.BAD_CONTRACT},
        {"strike": np.nan},
        {"strike": 0.0},
        {"right": 0},
    ],
)
def test_rows_that_cannot_be_trusted_have_no_vol_at_all(values):
    """Crossed, expired and bad contracts have NaN in every computed column from the quotes, and say no_iv."""
    analysis = one_row(CALL, **values)
    assert values.get("flags", 0) | QualityFlag.NO_IV == analysis["flags"][CALL]
    assert all(np.isnan(analysis[name][CALL]) for name in OF_QUOTE)


def test_mid_below_intrinsic_is_flagged():
    """A call quoted under its discounted intrinsic value has no volatility and says why."""
    analysis = one_row(0, bid=890.0, ask=891.0)  # strike 3612: worth 899.4 at least
    assert analysis["flags"][0] == QualityFlag.BELOW_INTRINSIC | QualityFlag.NO_IV
    assert np.isnan(analysis["iv_mid"][0])
    assert np.isnan(analysis["iv_ask"][0])


def test_mid_above_the_bound_is_flagged():
    """A put quoted above its discounted strike has no volatility and says why."""
    analysis = one_row(PUT, bid=4600.0, ask=4700.0)
    assert analysis["flags"][PUT] == QualityFlag.ABOVE_BOUND | QualityFlag.NO_IV
    assert np.isnan(analysis["iv_mid"][PUT])


def test_flags_of_an_earlier_analysis_are_found_anew():
    """What an analysis under a wrong rate flagged says nothing about the quotes: the next one flags by its own."""
    chain = simulate_chain().chain
    wrong = analyze(chain, rate=0.9)
    straight, again = analyze(chain), analyze(Chain({name: wrong[name] for name in wrong}))
    assert (wrong["flags"] != straight["flags"]).sum() > 100
    for name in ("flags", *ADDED):
        np.testing.assert_array_equal(straight[name], again[name], err_msg=name)
    np.testing.assert_array_equal(straight.expiries["source"], again.expiries["source"])


@pytest.mark.parametrize("days", [2, 37])
def test_a_chain_of_absurd_vols_is_flagged_not_refused(days):
    """Calls at 97 % of the spot imply more than 1200 %: no volatility, no Greeks, no_iv, and no error."""
    chain = parity_chain(Expiry(days, 100.0, 1.0), strikes=[100.0, 110.0], spot=100.0)
    chain = chain.take(chain["right"] == 1).with_columns(bid=[97.0, 97.0], ask=[98.0, 98.0])
    analysis = analyze(chain)
    assert [int(QualityFlag.NO_IV)] * 2 == analysis["flags"].tolist()
    assert all(np.isnan(analysis[name]).all() for name in ("iv_bid", "iv_mid", "iv_ask", "delta", "vega"))


def test_a_vol_above_1200_per_cent_stands_where_little_time_is_left():
    """Minutes before expiry 1500 % moves the price by a few per cent: a real, if wild, market."""
    expiry = Expiry(30, 100.0, 1.0)
    years = 5 / (365 * 24 * 60)
    chain = parity_chain(expiry, strikes=[100.0, 101.0], spot=100.0)
    value = price(chain["right"], 100.0, chain["strike"], years, 0.0, 15.0)
    analysis = analyze(chain.with_columns(years=np.full(4, years), bid=0.99 * value, ask=1.01 * value))
    np.testing.assert_allclose([15.0] * 4, analysis["iv_mid"], rtol=1e-9)


@pytest.mark.parametrize("bid", [1e308, 1.6e308])
def test_absurd_prices_raise_no_warning(bid):
    """Quotes whose sum exceeds the largest number are above the bound, without a warning on the way."""
    analysis = one_row(CALL, bid=bid, ask=1.7e308)
    assert analysis["flags"][CALL] == QualityFlag.ABOVE_BOUND | QualityFlag.NO_IV


def test_a_row_without_strike_and_side_raises_no_warning():
    """A strike of zero is infinitely far from the forward; without a side it is on neither side of it."""
    analysis = one_row(CALL, strike=0.0, right=0)
    assert np.isnan(analysis["iv_mid"][CALL])
    assert 41 == np.isfinite(analysis["iv_mid"]).sum()


@pytest.mark.parametrize("name", ["strike", "spot"])
def test_absurd_strikes_and_spots_raise_no_warning(name):
    """A strike or spot near the largest number gives NaN with a flag where it matters, and no warning."""
    analysis = analyze(changed(parity_chain(SHORT), name, CALL, 1.7e308))
    assert (analysis["flags"][np.isnan(analysis["iv_mid"])] != 0).all()
    assert np.isfinite(analysis["iv_mid"]).sum() > 30


def test_refuted_expiry_has_no_number_and_harms_no_other():
    """Strikes in cents leave their own expiry without any number, and say no_iv; the other expiry keeps all of its."""
    cents = parity_chain(LONG)
    analysis = analyze(joined(parity_chain(SHORT), cents.with_columns(strike=100 * cents["strike"])))
    alone = analyze(parity_chain(SHORT))
    assert {int(QualityFlag.NO_IV)} == set(analysis["flags"][42:].tolist())
    for name in ADDED:
        np.testing.assert_array_equal(alone[name], analysis[name][:42], err_msg=name)
        assert np.isnan(analysis[name][42:]).all() == (name not in {"days", "mid", "borrow"}), name
    assert {"parity": 1, "refuted": 1} == analysis.summary()["sources"]


@pytest.mark.parametrize("flag", [QualityFlag.WIDE, QualityFlag.STALE, QualityFlag.LOCKED])
def test_doubtful_quotes_keep_their_vol_and_their_flag(flag):
    """Wide, stale and locked quotes are analysed: the flag tells the reader to beware."""
    analysis = one_row(CALL, flags=flag)
    assert flag == analysis["flags"][CALL]
    assert pytest.approx(0.2, rel=1e-9) == analysis["iv_mid"][CALL]


def test_expiry_without_forward_has_no_vol():
    """Where neither pairs nor spot give a forward every row is NaN and says no_iv."""
    chain = parity_chain(LONG, spot=np.nan)
    analysis = analyze(chain.take(chain["right"] == 1))
    assert {int(QualityFlag.NO_IV)} == set(analysis["flags"].tolist())
    assert np.isnan(analysis["iv_ask"]).all()


def test_given_rate_is_used():
    """A given rate is the one that discounts, and its source is told."""
    analysis = analyze(parity_chain(LONG), rate=0.04)
    np.testing.assert_allclose(math.exp(-0.04), analysis["discount"], rtol=1e-14)
    assert analysis.expiries["source"].tolist() == ["parity, given rate"]


def test_notes_and_origin_follow():
    """What was assumed on the way is told after the chain's own notes; the frame kind is kept."""
    chain = parity_chain(LONG, exercise="american").with_notes("read from memory")
    chain.origin = "pandas"
    analysis = analyze(chain)
    assert analysis.notes[0] == "read from memory"
    assert "American" in analysis.notes[1]
    assert analysis.origin == "pandas"


def test_a_part_of_an_analysis_keeps_its_expiries():
    """Taking rows or adding columns gives an Analysis with the same table of expiries."""
    analysis = analyze(parity_chain(LONG, SHORT))
    part = analysis.take(analysis["right"] == 1).with_columns(rank=np.arange(42))
    assert isinstance(part, Analysis)
    assert analysis.expiries is part.expiries
    assert analysis.seconds == part.seconds


def test_summary_counts():
    """The summary counts contracts, volatilities, flags, expiries and sources, and is plain JSON."""
    chain = changed(parity_chain(LONG, SHORT), "bid", [CALL, PUT], 0.0)
    summary = analyze(changed(chain, "flags", [CALL, PUT], QualityFlag.NO_BID)).summary()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["seconds"] > 0
    assert summary["median_half_spread_vol"] > 0
    counts = {name: summary[name] for name in summary if name not in ("seconds", "median_half_spread_vol")}
    assert counts == {
        "contracts": 84,
        "with_iv": 82,
        "ok": 82,
        "flags": {"no_bid": 2, "no_iv": 2},
        "expiries": 2,
        "underlyings": ["SPX"],
        "sources": {"parity": 2},
    }


def test_median_half_spread_in_vol():
    """The half spread is (iv_ask − iv_bid) / 2, over the rows that have both."""
    analysis = analyze(changed(parity_chain(SHORT, strikes=[4515.0]), "bid", 0, 0.0), rate=0.0)
    expected = (analysis["iv_ask"][1] - analysis["iv_bid"][1]) / 2
    assert pytest.approx(expected, rel=1e-12) == analysis.summary()["median_half_spread_vol"]


def test_empty_chain():
    """No rows in, no rows out, with every column; the summary has no spread to tell."""
    analysis = analyze(parity_chain(SHORT).take(slice(0, 0)))
    assert 0 == len(analysis) == len(analysis.expiries)
    assert (*CHAIN_COLUMNS, *ADDED) == analysis.columns
    assert analysis.summary()["median_half_spread_vol"] is None


def test_only_chains_are_analysed():
    """Anything but a Chain is refused with the way to make one."""
    with pytest.raises(
        InputError, match=r"\[market.analyze\] needs a Chain, got dict: make one with read_chain"
    ):
        analyze({"strike": [1.0]})


def test_simulated_vols_lie_between_bid_and_ask():
    """In a realistic market 99 % of the true volatilities of unflagged rows lie between ours of bid and ask."""
    simulation = simulate_chain(seed=11)
    borrow = dict(zip(simulation.underlyings["underlying"], simulation.underlyings["borrow"], strict=True))
    analysis = analyze(simulation.chain, dividends=simulation.dividends, borrow=borrow)
    clean = analysis["flags"] == 0
    vol, low, high = simulation.truth["vol"], np.nan_to_num(analysis["iv_bid"]), analysis["iv_ask"]
    assert clean.sum() > 4000
    assert np.mean((low <= vol)[clean] & (vol <= high)[clean]) > 0.99
