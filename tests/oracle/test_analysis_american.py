"""Real American chains: a vendor's volatilities the evening before a dividend, and spots that forwards imply."""

from __future__ import annotations

import numpy as np
import pytest

from atalanta.market.analysis import Analysis, analyze
from atalanta.market.analysis.assignment import find_assignments
from atalanta.market.reading.readers import read_chain

_PRINTED = 5e-5  # the vendor prints four decimals

# SPY's ex-dates and cash; those after 2024 are extrapolated from the year before
SPY = (
    *(("2023-09-15", 1.5831), ("2023-12-15", 1.906), ("2024-03-15", 1.595), ("2024-06-21", 1.759)),
    *(("2024-09-20", 1.746), ("2024-12-20", 1.966), ("2025-03-21", 1.70), ("2025-06-20", 1.76)),
    *(("2025-09-19", 1.83), ("2025-12-19", 1.99)),
)


def chain_of(shared_data, name):
    return read_chain(shared_data / f"{name}.parquet")


@pytest.fixture(scope="module")
def spy_chain(shared_data):
    return chain_of(shared_data, "cboe_spy_20230914")


@pytest.fixture(scope="module")
def spy(spy_chain) -> Analysis:
    return analyze(spy_chain, rate=0.053, dividends={"SPY": SPY})


def compared(analysis, shortest, longest, side=1):
    """Two-sided rows out of the money (in it: −1) with a vendor's volatility, expiring between these years."""
    years, two_sided = analysis["years"], (analysis["bid"] > 0) & (analysis["ask"] > analysis["bid"])
    there = two_sided & (years >= shortest) & (years <= longest) & (analysis["iv_vendor"] > 0)
    return analysis.take(there & (side * analysis["right"] * analysis["moneyness"] > 0))


def inside(rows) -> float:
    """The share of the vendor's volatilities, as printed, between ours of bid and ask."""
    vendor = rows["iv_vendor"]
    above = vendor >= np.nan_to_num(rows["iv_bid"]) - _PRINTED
    return float(np.mean(above & (vendor <= rows["iv_ask"] + _PRINTED)))


def test_vols_agree_where_one_dividend_lies_ahead(spy):
    """7 days to 8 weeks: 97 % of the vendor's volatilities lie between ours, the median is 0.0001 off."""
    rows = compared(spy, 7 / 365, 0.15)
    difference = rows["iv_mid"] - rows["iv_vendor"]
    assert 859 == len(rows)
    assert np.isfinite(difference).all()
    assert inside(rows) >= 0.97
    assert abs(np.median(difference)) <= 2e-4
    near = np.abs(rows["moneyness"]) < 0.05
    assert np.median(np.abs(difference[near])) <= 2e-4


def test_a_european_model_does_not(spy_chain, spy):
    """Valued as European the same rows are biased, in the money by more than a vol point."""
    european = analyze(
        spy_chain.with_columns(exercise=np.full(len(spy_chain), "european", object)), rate=0.053
    )
    out, into = (
        [inside(compared(each, 7 / 365, 0.15, side)) for each in (spy, european)] for side in (1, -1)
    )
    assert min(out[0], into[0]) >= 0.975
    assert max(out[1], into[1]) < 0.75
    biased = compared(european, 7 / 365, 1.0, -1)
    assert np.nanmedian(biased["iv_mid"] - biased["iv_vendor"]) > 0.01


def test_further_dividends_are_a_yield_to_the_vendor(spy_chain):
    """With tomorrow's dividend in cash and 1.55 % a year beyond, 99 % lie inside from 7 months to 28.

    In cash, further dividends lower the volatility by about their share of the spot: a difference of models, of
    0.001 to 0.003 here, and not of quotes.
    """
    analysis = analyze(spy_chain, rate=0.053, dividends={"SPY": SPY[:1]}, borrow=0.0155)
    rows = compared(analysis, 0.6, 3.0)
    assert len(rows) > 800
    assert inside(rows) >= 0.99
    assert abs(np.median(rows["iv_mid"] - rows["iv_vendor"])) <= 2e-4


def test_whole_chain_is_close_all_the_same(spy):
    """With every dividend in cash: median −0.0006, 95 % within 0.004, 77 % inside; nothing is missing."""
    rows = compared(spy, 7 / 365, 1.0)
    difference = rows["iv_mid"] - rows["iv_vendor"]
    assert 1808 == len(rows)
    assert np.isfinite(difference).all()
    assert -0.0008 < np.median(difference) < -0.0004
    assert np.quantile(np.abs(difference), 0.95) < 0.004
    assert inside(rows) > 0.76


def test_the_implied_spot_is_one_number(spy):
    """Every expiry within a quarter implies the last price of 450.81 within 0.1 %, the dividend of tomorrow included."""
    expiries = spy.expiries
    near = (expiries["years"] > 0) & (expiries["years"] < 0.3)
    np.testing.assert_allclose(expiries["implied_spot"][near], 450.81, rtol=1e-3)
    assert np.nanmax(expiries["forward_se"][near]) < 0.06


def test_calls_worth_exercising_that_evening(spy):
    """Hundreds of calls in the money are worth up to the dividend less interest more that evening than next day."""
    found = find_assignments(spy)
    assert {1} == set(found["right"].tolist())
    assert {"2023-09-15"} == set(found["ex_date"].astype(str).tolist())
    assert 700 < len(found) < 900
    assert 1.5 < found["cost"].max() < 1.5831
    short = found.take(found["expiry"] == np.datetime64("2023-09-15"))
    assert 449.0 <= short["strike"].max() <= short["implied_spot"][0]


def test_every_row_is_accounted_for(spy):
    """7,292 rows come back; one without a volatility always carries a flag."""
    assert 7_292 == len(spy)
    assert (spy["flags"][np.isnan(spy["iv_mid"])] != 0).all()


def test_a_stock_without_dividends(shared_data):
    """TSLA at 7 and 14 days: two in three hundred of the bid-to-ask ranges more hold the vendor than European ones."""
    chain = chain_of(shared_data, "cboe_tsla_20231110")
    american = analyze(chain, rate=0.053)
    european = analyze(chain.with_columns(exercise=np.full(len(chain), "european", object)), rate=0.053)
    into = [compared(each, 7 / 365, 1.0, -1) for each in (american, european)]
    assert inside(compared(american, 7 / 365, 1.0)) >= inside(compared(european, 7 / 365, 1.0))
    bias = [np.nanmedian(rows["iv_mid"] - rows["iv_vendor"]) for rows in into]
    assert bias[0] < 0.01
    assert bias[1] > 0.05
    spots = american.expiries["implied_spot"][american.expiries["years"] > 0]
    assert np.ptp(spots) < 0.05


def test_a_dividend_shows_in_the_implied_spot(shared_data):
    """AAPL on 9 June 2014, $0.47 in August: with it the spots of July and August agree, without it they do not."""
    chain = chain_of(shared_data, "lean_aapl_20140606_09_split")
    chain = chain.take(chain["quote_time"] > np.datetime64("2014-06-08"))
    steps = []
    for dividends in (None, {"AAPL": [("2014-08-07", 0.47)]}):
        expiries = analyze(chain, rate=0.002, dividends=dividends).expiries
        spot = dict(zip(expiries["expiry"].astype(str), expiries["implied_spot"], strict=True))
        steps.append(spot["2014-08-15"] - spot["2014-07-18"])
    assert steps[0] < -0.22
    assert abs(steps[1]) < 0.07


def test_vxx_has_one_spot_too(shared_data):
    """In each of ten days the expiries within two months imply one spot within 0.3 %, other than the file's."""
    expiries = analyze(chain_of(shared_data, "hod_vxx_20161201_15"), rate=0.006).expiries
    near = (expiries["years"] > 0) & (expiries["years"] < 1 / 6)
    for moment in np.unique(expiries["quote_time"]):
        spots = expiries["implied_spot"][near & (expiries["quote_time"] == moment)]
        assert np.ptp(spots) < 0.003 * spots.mean()


@pytest.mark.parametrize(
    "name",
    [
        "cboe_tsla_20231110",
        "hod_vxx_20161201_15",
        "lean_goog_20151223",
        "yf_aapl_tsla_spy_20260212_2snaps",
        "yf_spy_qqq_iwm_20260813_0817",
    ],
)
def test_other_chains_are_analysed_without_loss(shared_data, name):
    """With a rate every row is valued as American: all come back, NaN only with a flag, spots within 3 %."""
    chain = chain_of(shared_data, name)
    analysis = analyze(chain, rate=0.03)
    np.testing.assert_array_equal(chain["symbol"], analysis["symbol"])
    assert (analysis["flags"][np.isnan(analysis["iv_mid"])] != 0).all()
    assert np.isfinite(analysis["iv_mid"]).mean() > 0.4
    near = (analysis["years"] > 0) & (analysis["years"] < 0.5)
    assert np.nanmax(np.abs(np.log(analysis["implied_spot"] / analysis["spot"]))[near]) < 0.03
