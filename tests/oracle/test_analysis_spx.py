"""A real index chain against its vendor's implied volatilities, and the forwards of its two settlements."""

from __future__ import annotations

import numpy as np
import pytest

from atalanta.market.analysis import Analysis, analyze
from atalanta.market.reading.readers import read_chain

_PRINTED = 5e-5  # the vendor prints four decimals


@pytest.fixture(scope="module")
def analysis(shared_data) -> Analysis:
    return analyze(read_chain(shared_data / "cboe_spx_20230914.parquet"))


@pytest.fixture(scope="module")
def comparable(analysis):
    """SPXW rows out of the money, two-sided, 7 days to 1 year, for which the vendor has a volatility."""
    years, two_sided = analysis["years"], (analysis["bid"] > 0) & (analysis["ask"] > analysis["bid"])
    maturity = (years >= 7 / 365) & (years <= 1)
    out_of_the_money = analysis["right"] * analysis["moneyness"] > 0
    rows = (
        (analysis["root"] == "SPXW") & two_sided & maturity & out_of_the_money & (analysis["iv_vendor"] > 0)
    )
    return analysis.take(rows)


@pytest.fixture(scope="module")
def with_delta(comparable):
    """Those of them with a delta of 0.01 at least, where a tick is worth less than the vendor's method."""
    return comparable.take(np.abs(comparable["delta"]) >= 0.01)


def inside(rows, tolerance: float) -> float:
    """The share of the vendor's volatilities between ours of bid and ask."""
    vendor = rows["iv_vendor"]
    above = vendor >= np.nan_to_num(rows["iv_bid"]) - tolerance
    return float(np.mean(above & (vendor <= rows["iv_ask"] + tolerance)))


def test_every_comparable_row_has_a_vol(comparable):
    """All 5,262 rows have a volatility: out of the money and two-sided there is no reason to have none."""
    assert 5262 == len(comparable)
    assert np.isfinite(comparable["iv_mid"]).all()


def test_vols_agree_with_the_vendor(with_delta):
    """Median difference at most 0.0002 in volatility, 95 % within 0.0008."""
    difference = np.abs(with_delta["iv_mid"] - with_delta["iv_vendor"])
    assert np.median(difference) <= 0.0002
    assert np.quantile(difference, 0.95) <= 0.0008


def test_vendor_vols_lie_between_bid_and_ask(with_delta):
    """At least 99.5 % of the vendor's volatilities lie between ours of bid and ask."""
    assert inside(with_delta, 0.0) >= 0.995
    assert inside(with_delta, _PRINTED) >= 0.9965


def test_far_wings_agree_less(comparable):
    """With the wings below a delta of 0.01: median difference 0.00023, 99.3 % inside, 99.45 % as printed.

    The vendor's volatilities lie above ours there, more the further out, on both sides and at every maturity, while
    they agree at the money: no forward, rate or clock does that.
    """
    assert np.median(np.abs(comparable["iv_mid"] - comparable["iv_vendor"])) <= 0.00023
    assert inside(comparable, 0.0) >= 0.993
    assert inside(comparable, _PRINTED) >= 0.9945


def test_forwards_of_morning_and_afternoon_agree(analysis):
    """SPX (AM) and SPXW (PM) of one date are fitted apart and differ by less than 0.2 index points."""
    expiries = analysis.expiries
    forwards = {
        root: dict(zip(expiries["expiry"][which].tolist(), expiries["forward"][which].tolist(), strict=True))
        for root in ("SPX", "SPXW")
        for which in [expiries["root"] == root]
    }
    both = sorted(forwards["SPX"].keys() & forwards["SPXW"].keys())
    assert 6 <= len(both)
    assert max(abs(forwards["SPX"][date] - forwards["SPXW"][date]) for date in both) < 0.2


def test_forwards_are_certain(analysis):
    """Within a year every forward is known to 0.07 index points, a part in 65,000."""
    expiries = analysis.expiries
    living = (expiries["years"] > 0) & (expiries["years"] < 1)
    assert expiries["forward_se"][living].max() < 0.07


def test_rates_are_those_of_the_day(analysis):
    """Every implied rate lies between 4.5 % and 6.5 %; the 3-month bill stood at 5.5 %."""
    rate = analysis.expiries["rate"]
    rate = rate[np.isfinite(rate)]
    assert 58 == len(rate)
    assert 0.045 < rate.min() < rate.max() < 0.065


def test_all_rows_are_accounted_for(analysis):
    """19,920 rows come back; one without a volatility always carries a flag."""
    assert 19_920 == len(analysis)
    assert (analysis["flags"][np.isnan(analysis["iv_mid"])] != 0).all()
    assert 1 == analysis.summary()["flags"]["crossed"]


@pytest.mark.parametrize(
    "name",
    [
        "cboe_spy_20230914",
        "cboe_tsla_20231110",
        "hod_spxw_201801",
        "hod_vxx_20161201_15",
        "lean_aapl_20140606_09_split",
        "lean_goog_20151223",
        "yf_aapl_tsla_spy_20260212_2snaps",
        "yf_spy_qqq_iwm_20260813_0817",
    ],
)
def test_other_chains_are_analysed_without_loss(shared_data, name):
    """Every row comes back in order, NaN only with a flag, and the forward within 3 % a year of the spot."""
    chain = read_chain(shared_data / f"{name}.parquet")
    analysis = analyze(chain)
    np.testing.assert_array_equal(chain["symbol"], analysis["symbol"])
    assert (analysis["flags"][np.isnan(analysis["iv_mid"])] != 0).all()
    drift = np.abs(np.log(analysis["forward"] / analysis["spot"]))
    assert np.nanmax(drift / (analysis["years"] + 0.5)) < 0.05
