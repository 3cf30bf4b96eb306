from __future__ import annotations

import math

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.analysis.forwards import fit_forwards
from atalanta.market.curves import RateCurve
from atalanta.market.flags import QualityFlag
from atalanta.market.simulator import simulate_chain
from tests.american_market import Stock, american_chain
from tests.parity_market import Expiry, changed, joined, parity_chain

SHORT = Expiry(30, 4515.0, 0.9960)
LONG = Expiry(365, 4650.0, 0.9550)


def fitted(chain, rate=None, **terms):
    return fit_forwards(chain, rate, **terms).expiries


def test_parity_gives_forward_and_discount():
    """Two European expiries are recovered, in order of expiry, with standard errors of nothing and source parity."""
    expiries = fitted(parity_chain(LONG, SHORT))
    np.testing.assert_allclose([4515.0, 4650.0], expiries["forward"], rtol=1e-12)
    np.testing.assert_allclose([0.9960, 0.9550], expiries["discount"], rtol=1e-11)
    np.testing.assert_allclose([-math.log(0.9960) * 365 / 30, -math.log(0.9550)], expiries["rate"], rtol=1e-8)
    assert expiries["source"].tolist() == ["parity", "parity"]
    assert (expiries["forward_se"] < 1e-9).all()
    assert (expiries["discount_se"] < 1e-12).all()
    assert expiries.notes == ()


def test_columns_of_the_expiries():
    """One row per expiry tells which contracts it holds, how many and how many pairs were used."""
    expiries = fitted(parity_chain(SHORT))
    assert tuple(expiries[name][0] for name in ("underlying", "root", "settlement")) == ("SPX", "SPXW", "PM")
    assert (expiries["contracts"][0], expiries["pairs"][0]) == (42, 21)
    assert np.datetime64("2026-04-01") == expiries["expiry"][0]
    assert expiries["years"][0] == 30 / 365


def test_am_and_pm_contracts_of_one_date_are_two_groups():
    """Contracts of two roots on one date and strike never pair with each other."""
    morning = parity_chain(SHORT._replace(root="SPX", forward=4514.0))
    morning = morning.with_columns(expires_at=morning["expires_at"] - np.timedelta64(390, "m"))
    expiries = fitted(joined(parity_chain(SHORT), morning))
    assert expiries["root"].tolist() == ["SPX", "SPXW"]
    np.testing.assert_allclose([4514.0, 4515.0], expiries["forward"], rtol=1e-12)


def test_two_snapshots_are_two_groups():
    """The same contracts quoted a minute later get a forward of their own."""
    later = parity_chain(SHORT._replace(forward=4525.0), strikes=np.arange(4000.0, 5000.0, 50.0))
    later = later.with_columns(quote_time=later["quote_time"] + np.timedelta64(60, "s"))
    expiries = fitted(joined(parity_chain(SHORT), later))
    np.testing.assert_allclose([4515.0, 4525.0], expiries["forward"], rtol=1e-12)


def test_given_rate_fixes_the_discount():
    """With a rate only the forward is fitted; it is right where the rate is."""
    rate = -math.log(0.9550)
    expiries = fitted(parity_chain(LONG), rate)
    assert pytest.approx(4650.0, rel=1e-4) == expiries["forward"][0]
    assert pytest.approx(0.9550, rel=1e-14) == expiries["discount"][0]
    assert expiries["source"][0] == "parity, given rate"
    assert np.isnan(expiries["discount_se"][0])


def test_given_curve_is_read_at_each_expiry():
    """A curve discounts each expiry at its own time."""
    curve = RateCurve([30 / 365, 1.0], [0.03, 0.05])
    np.testing.assert_allclose([0.03, 0.05], fitted(parity_chain(SHORT, LONG), curve)["rate"], rtol=1e-12)


def test_rate_in_per_cent_is_refused():
    """A rate of 5 is an error, not a discount of e^−5."""
    with pytest.raises(InputError, match="looks like per cent"):
        fit_forwards(parity_chain(SHORT), 5.0)


def test_few_pairs_take_the_discount_of_the_other_expiries():
    """Two pairs fit no line: the discount is read off the curve between the neighbours, and a note says so."""
    rate = 0.04
    sides = [Expiry(days, 4500.0, math.exp(-rate * days / 365)) for days in (60, 120)]
    thin = parity_chain(Expiry(90, 4530.0, math.exp(-rate * 90 / 365)), strikes=[4500.0, 4550.0])
    expiries = fitted(joined(parity_chain(*sides), thin))
    assert expiries["source"].tolist() == ["parity", "parity, curve discount", "parity"]
    assert pytest.approx(0.04, rel=1e-7) == expiries["rate"][1]
    assert pytest.approx(4530.0, rel=1e-10) == expiries["forward"][1]
    assert expiries.notes[0].startswith("1 of 3 expiries: discount from other expiries")


@pytest.mark.parametrize("discount", [1.08, 0.70])
def test_extraordinary_rate_is_believed_where_it_is_certain(discount):
    """A parity rate beyond −5 % to 20 % a year discounts its own expiry if parity is sure of it, and a note says so."""
    expiries = fitted(parity_chain(Expiry(365, 4650.0, discount)))
    assert expiries["source"][0] == "parity"
    assert pytest.approx(discount, rel=1e-11) == expiries["discount"][0]
    assert "outside -5% to 20%" in expiries.notes[0]


def test_extraordinary_rate_is_not_lent_where_an_ordinary_one_is_known():
    """Beside an expiry at 4.6 % one at 36 % discounts itself only: a third without a rate takes the ordinary one."""
    thin = parity_chain(Expiry(400, 4700.0, 0.95), strikes=[4650.0, 4700.0])
    expiries = fitted(joined(parity_chain(LONG, Expiry(366, 4650.0, 0.70)), thin))
    assert expiries["source"].tolist() == ["parity", "parity", "parity, curve discount"]
    assert pytest.approx(-math.log(0.9550), rel=1e-9) == expiries["rate"][2]


def test_extraordinary_rate_that_is_not_certain_is_not_believed():
    """A rate of 30 % known to half a per cent gives way to the curve of the snapshot."""
    wild = noisy(Expiry(366, 4650.0, 0.74), 12, half=6.0, groups=1)
    expiries = fitted(joined(parity_chain(LONG), wild))
    assert expiries["source"].tolist() == ["parity", "parity, curve discount"]


def test_curve_is_taken_from_the_same_snapshot_only():
    """A rate seen a day later does not discount today's quotes: without one the discount is 1, and a note asks."""
    thin = parity_chain(LONG, strikes=[4600.0, 4650.0])
    later = parity_chain(LONG)
    later = later.with_columns(quote_time=later["quote_time"] + np.timedelta64(1, "D"))
    expiries = fitted(joined(thin, later))
    assert expiries["source"].tolist() == ["parity, zero rate", "parity"]
    assert expiries["discount"][0] == 1.0
    assert "give rate=" in " ".join(expiries.notes)


def test_one_pair_has_a_standard_error_from_its_spread():
    """One pair leaves no residual: mids uniform in their spreads give √((s_c² + s_p²) / 12) / D."""
    chain = parity_chain(LONG, strikes=[4650.0])
    spread = chain["ask"] - chain["bid"]
    expected = math.sqrt((spread**2).sum() / 12) / 0.955
    assert pytest.approx(expected, rel=1e-9) == fitted(chain, -math.log(0.955))["forward_se"][0]


def test_no_pair_takes_the_forward_from_spot_and_rate():
    """Calls alone cannot pair: forward = spot / discount, source spot, no standard error."""
    chain = parity_chain(LONG)
    expiries = fitted(chain.take(chain["right"] == 1), 0.05)
    assert pytest.approx(4500 * math.exp(0.05), rel=1e-12) == expiries["forward"][0]
    assert expiries["source"][0] == "spot, given rate"
    assert expiries["pairs"][0] == 0
    assert np.isnan(expiries["forward_se"][0])


def test_no_pair_and_no_spot_leaves_no_forward():
    """Without pairs and without a spot the forward is NaN and the source none."""
    chain = parity_chain(LONG, spot=np.nan)
    expiries = fitted(chain.take(chain["right"] == 1), 0.05)
    assert np.isnan(expiries["forward"][0])
    assert expiries["source"][0] == "none"


def test_past_expiry_has_no_forward():
    """At or after the expiry instant there is nothing to carry: forward, discount and rate are NaN."""
    expiries = fitted(parity_chain(SHORT, years=np.zeros(42)), 0.05)
    assert all(np.isnan(expiries[name][0]) for name in ("forward", "discount", "rate"))
    assert expiries["source"][0] == "none"


def test_american_contracts_never_imply_a_rate():
    """American parity is an inequality: no discount is fitted. Without a rate exercise gains nothing, as a note says."""
    chain = parity_chain(LONG, exercise="american")
    expiries = fitted(chain)
    assert expiries["source"][0] == "parity, zero rate"
    assert "American without rate, dividend or borrow cost: worth what European ones are" in expiries.notes[0]
    assert pytest.approx(4650.0, rel=1e-4) == expiries["forward"][0]


def test_american_contracts_use_the_curve_of_european_ones():
    """A European index in the snapshot discounts the American contracts beside it."""
    stock = Stock(rate=-math.log(0.955), dividends=())
    expiries = fitted(joined(parity_chain(LONG), american_chain(stock, 365)), tolerance="precise")
    assert expiries["source"].tolist() == ["parity", "parity, curve discount"]
    np.testing.assert_allclose([4650.0, stock.forward(1.0)], expiries["forward"], rtol=2e-5)
    assert expiries["rate"][1] == pytest.approx(stock.rate, rel=1e-9)


def test_american_forward_comes_from_near_the_money():
    """Puts far in the money that trade two dollars under their value move the forward by less than a basis point."""
    stock = Stock(dividends=())
    chain = american_chain(stock, 120)
    deep = (chain["right"] == -1) & (chain["strike"] > 110)
    chain = chain.with_columns(
        **{side: np.where(deep, chain[side] - 2, chain[side]) for side in ("bid", "ask")}
    )
    forward = fitted(chain, stock.rate, tolerance="precise")["forward"][0]
    assert pytest.approx(stock.forward(120 / 365), rel=1e-4) == forward


@pytest.mark.parametrize(
    "flag", [QualityFlag.WIDE, QualityFlag.STALE, QualityFlag.LOCKED, QualityFlag.BAD_CONTRACT]
)
def test_flagged_rows_take_no_part(flag):
    """A quote that carries any flag is in no pair, whatever its price."""
    chain = changed(changed(parity_chain(SHORT), "bid", 20, 900.0), "ask", 20, 901.0)
    expiries = fitted(changed(chain, "flags", 20, flag))
    assert expiries["pairs"][0] == 20
    assert pytest.approx(4515.0, rel=1e-12) == expiries["forward"][0]


@pytest.mark.parametrize(
    ("bid", "ask"), [(0.0, 5.0), (np.nan, 5.0), (5.0, np.nan), (6.0, 5.0), (5.0, 5.0), (5.0, np.inf)]
)
def test_quotes_that_are_not_two_sided_take_no_part(bid, ask):
    """Even unflagged, a missing, crossed, locked or infinite side keeps a row out of the pairs."""
    chain = changed(changed(parity_chain(SHORT), "bid", 20, bid), "ask", 20, ask)
    assert fitted(chain)["pairs"][0] == 20


@pytest.mark.parametrize("off", [-40.0, 6.0, 40.0])
def test_an_outlier_is_dropped(off):
    """A quote off the line by more than its pair's spread, tight as it may be, leaves forward and discount exact."""
    chain = parity_chain(SHORT)
    mid = (chain["bid"][20] + chain["ask"][20]) / 2 + off
    chain = changed(changed(chain, "bid", 20, mid - 0.01), "ask", 20, mid + 0.01)
    expiries = fitted(chain)
    assert pytest.approx(4515.0, rel=1e-10) == expiries["forward"][0]
    assert pytest.approx(0.9960, rel=1e-9) == expiries["discount"][0]


def noisy(expiry, pairs, *, half, groups=400, reach=0.05):
    """Expiries of `pairs` strikes within `reach` of the forward; mids uniform in quotes `half` wide to either side."""
    strikes = expiry.forward * np.linspace(1 - reach, 1 + reach, pairs)
    chain = parity_chain(expiry, strikes=strikes)
    chain = joined(*(chain.with_columns(root=np.full(2 * pairs, f"N{n:03d}", object)) for n in range(groups)))
    noise = np.random.default_rng(pairs).uniform(-half, half, len(chain))
    mid = (chain["bid"] + chain["ask"]) / 2 + noise
    return chain.with_columns(bid=mid - half, ask=mid + half)


def deviations(missed, claimed) -> float:
    """Root mean square of errors in units of the standard errors claimed for them."""
    return float(np.sqrt(np.mean((missed / claimed) ** 2)))


@pytest.mark.parametrize("pairs", [1, 2, 3, 4, 5, 6, 8, 12])
@pytest.mark.parametrize("half", [0.2, 2.0])
def test_few_pairs_claim_no_more_than_they_know(pairs, half):
    """However few pairs there are, over 400 expiries the forward misses the truth by about its standard error."""
    rate = -math.log(0.996) * 365 / 30
    expiries = fitted(noisy(SHORT, pairs, half=half), rate)
    assert 0.8 < deviations(expiries["forward"] - 4515.0, expiries["forward_se"]) < 1.3


@pytest.mark.parametrize("pairs", [40, 100])
@pytest.mark.parametrize("rate", [None, -math.log(0.996) * 365 / 30])
def test_many_pairs_claim_what_they_know(pairs, rate):
    """With 40 and more pairs the standard errors of forward and discount are right within 10 %."""
    expiries = fitted(noisy(SHORT, pairs, half=0.5, reach=0.1, groups=1000), rate)
    assert pytest.approx(1.0, abs=0.1) == deviations(expiries["forward"] - 4515.0, expiries["forward_se"])
    if rate is None:
        assert {"parity"} == set(expiries["source"].tolist())
        assert pytest.approx(1.0, abs=0.1) == deviations(
            expiries["discount"] - 0.996, expiries["discount_se"]
        )


@pytest.mark.parametrize("pairs", [5, 6, 8])
def test_believed_discounts_of_few_pairs_err_as_they_claim(pairs):
    """Where 5 to 8 pairs are believed at all, their rates miss the truth by about their standard error."""
    expiries = fitted(noisy(LONG, pairs, half=0.5, reach=0.15))
    believed = expiries["source"] == "parity"
    assert believed.sum() > 200
    missed = (expiries["discount"] - 0.955)[believed]
    assert deviations(missed, expiries["discount_se"][believed]) < 1.3


def test_three_pairs_in_line_by_luck_are_not_believed():
    """Errors of +0.3, 0 and −0.3 in quotes 1.00 wide lie on a line, of another slope: no rate, and an honest error."""
    chain = parity_chain(Expiry(37, 7000.0, 0.9999), strikes=[6900.0, 7000.0, 7100.0])
    mid = (chain["bid"] + chain["ask"]) / 2 + np.repeat([0.3, 0.0, -0.3], 2) * (chain["right"] == 1)
    expiries = fitted(chain.with_columns(bid=mid - 0.5, ask=mid + 0.5))
    assert expiries["source"][0] == "parity, zero rate"
    assert 0.1 < expiries["forward_se"][0] < 0.5
    assert pytest.approx(7000.0, abs=3 * expiries["forward_se"][0]) == expiries["forward"][0]


def test_contracts_of_two_exercise_styles_are_two_groups():
    """American rows never pair with European ones; which of them comes first in the file changes nothing."""
    european = parity_chain(LONG)
    american = parity_chain(LONG, strikes=[4600.0, 4700.0], exercise="american")
    for chain in (joined(european, american), joined(american, european)):
        expiries = fitted(chain)
        assert expiries["exercise"].tolist() == ["american", "european"]
        assert expiries["source"].tolist() == ["parity, curve discount", "parity"]
        assert expiries["pairs"].tolist() == [2, 21]


def test_american_contracts_of_an_expiry_leave_its_european_ones_their_discount():
    """One row said to be American takes itself out; the pairs of the others still give the exact discount."""
    chain = changed(parity_chain(LONG), "exercise", 0, "american")
    expiries = fitted(chain)
    assert expiries["contracts"].tolist() == [1, 41]
    assert pytest.approx(0.955, rel=1e-11) == expiries["discount"][1]


@pytest.mark.parametrize("flag", [QualityFlag.BELOW_INTRINSIC, QualityFlag.ABOVE_BOUND, QualityFlag.NO_IV])
def test_flags_of_an_earlier_analysis_keep_no_quote_out(flag):
    """What an analysis found does not decide which quotes the next one uses."""
    assert fitted(parity_chain(SHORT, flags=np.full(42, flag, np.uint32)))["pairs"][0] == 21


@pytest.mark.parametrize("rate", [None, -math.log(0.955)])
def test_standard_error_is_the_scatter_of_the_forward(rate):
    """Over 400 expiries with noisy quotes the forward scatters about the truth as its standard error says."""
    roots = [f"R{number:03d}" for number in range(400)]
    chain = parity_chain(*(LONG._replace(root=root) for root in roots))
    noise = np.random.default_rng(7).normal(0, 0.2, len(chain)) * (chain["ask"] - chain["bid"])
    expiries = fitted(chain.with_columns(bid=chain["bid"] + noise, ask=chain["ask"] + noise), rate)
    scatter = np.sqrt(np.mean((expiries["forward"] - 4650.0) ** 2))
    claimed = np.sqrt(np.mean(expiries["forward_se"] ** 2))
    assert pytest.approx(1.0, abs=0.1) == scatter / claimed


def test_empty_chain_has_no_expiries():
    """No rows, no expiries, no note, no error."""
    expiries = fitted(parity_chain(SHORT).take(slice(0, 0)))
    assert len(expiries) == 0
    assert expiries.notes == ()


def test_a_tight_stub_quote_far_from_the_money_moves_nothing():
    """A stub of a cent's width a thousand points off, where true spreads are 36, has no say in the forward."""
    chain = parity_chain(SHORT)
    chain = changed(changed(chain, "bid", 0, 0.05), "ask", 0, 0.06)
    assert pytest.approx(4515.0, rel=1e-10) == fitted(chain)["forward"][0]


def test_simulated_forwards_err_as_their_standard_errors_say():
    """In a realistic market with bad quotes the forwards miss the truth by about one standard error, none by six."""
    simulation = simulate_chain(seed=11)
    borrow = dict(zip(simulation.underlyings["underlying"], simulation.underlyings["borrow"], strict=True))
    fit = fit_forwards(simulation.chain, dividends=simulation.dividends, borrow=borrow)
    missed = (fit.per_contract("forward") - simulation.truth["forward"]) / fit.per_contract("forward_se")
    _, one_each = np.unique(fit.group, return_index=True)
    missed = missed[one_each][np.isfinite(missed[one_each])]
    assert pytest.approx(1.0, abs=0.35) == np.sqrt(np.mean(missed**2))
    assert np.abs(missed).max() < 6
