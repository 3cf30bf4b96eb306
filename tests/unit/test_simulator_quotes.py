"""The simulated market's quotes: around the truth where sound, bad at known rates where not, flagged."""

from __future__ import annotations

import numpy as np
import pytest

from atalanta.market.flags import QualityFlag
from atalanta.market.simulator import DEFECT_RATES, Simulation, simulate_chain
from atalanta.pricing import greeks


@pytest.fixture(scope="module")
def market() -> Simulation:
    return simulate_chain()


@pytest.fixture(scope="module")
def sound(market):
    """Rows whose quote was not spoilt."""
    return market.truth["defect"] == ""


class TestQuotes:
    """How sound quotes lie around the truth."""

    def test_sound_quotes_hold_the_true_price(self, market, sound):
        """Bid <= true price <= ask on every row without a defect."""
        price = market.truth["price"][sound]
        assert (market.chain["bid"][sound] <= price).all()
        assert (price <= market.chain["ask"][sound]).all()

    def test_sound_quotes_are_two_sided_or_without_a_bid_only_in_the_wings(self, market, sound):
        """A sound ask is above its bid; a sound zero bid belongs to an option worth no more than its ask."""
        bid, ask = market.chain["bid"], market.chain["ask"]
        assert (bid[sound] < ask[sound]).all()
        worthless = sound & (bid == 0.0) & (market.chain["years"] > 0.0)
        assert 100 < worthless.sum() < 0.15 * len(bid)
        assert market.truth["price"][worthless].max() < 0.5

    def test_quotes_lie_on_the_tick_grid(self, market):
        """0.05 below and 0.10 from 3.00 for the index, 0.01 for the ETF, 0.01 and 0.05 for the stock."""
        for ticker, fine, coarse in (("SIMIDX", 5, 10), ("SIMETF", 1, 1), ("SIMSTK", 1, 5)):
            rows = market.chain["underlying"] == ticker
            for side in ("bid", "ask"):
                quotes = market.chain[side][rows]
                cents = np.rint(100.0 * quotes[np.isfinite(quotes)])
                np.testing.assert_array_equal(cents / 100.0, quotes[np.isfinite(quotes)])
                assert (cents % np.where(cents < 300, fine, coarse)).max() == 0.0

    def test_spreads_grow_with_vega_and_intrinsic_value(self, market, sound):
        """A two-year spread is over ten times tomorrow's at the money, and wider in than out of the money."""
        chain, truth = market.chain, market.truth
        spread = chain["ask"] - chain["bid"]
        index = sound & (chain["underlying"] == "SIMIDX")
        near = index & (np.abs(chain["strike"] / truth["forward"] - 1.0) < 0.02)
        long, short = near & (chain["years"] > 2.0), near & (chain["years"] < 2 / 365)
        assert np.median(spread[long]) > 10.0 * np.median(spread[short])
        low = index & (chain["years"] > 2.0) & (chain["strike"] < 0.6 * truth["forward"])
        call, put = low & (chain["right"] > 0), low & (chain["right"] < 0)
        assert np.median(spread[call]) > np.median(spread[put])

    def test_quotes_in_the_wings_are_wider_in_volatility(self, market, sound):
        """Where ticks are small beside the spread, it is wider per vega far out than at the money."""
        chain, truth = market.chain, market.truth
        rows = sound & (chain["underlying"] == "SIMIDX") & (chain["years"] > 0.5)
        listed, true = chain.take(rows), truth.take(rows)
        rate = -np.log(true["discount"]) / listed["years"]
        market_of = (listed["right"], true["forward"], listed["strike"], listed["years"], rate, true["vol"])
        vega = greeks(*market_of, dividend_yield=rate).vega
        width = (listed["ask"] - listed["bid"]) / vega
        log_moneyness = np.log(listed["strike"] / true["forward"])
        deviations = np.abs(log_moneyness) / (true["vol"] * np.sqrt(listed["years"]))
        out = (listed["right"] * log_moneyness > 0.0) & (vega > 400.0)  # a tick is 0.1 of over 1.0
        far, near = out & (deviations > 1.5), out & (deviations < 0.3)
        assert min(far.sum(), near.sum()) > 10
        assert np.median(width[far]) > 1.25 * np.median(width[near])

    def test_sizes_are_whole_contracts(self, market):
        """Sizes are positive, but for the bid size where there is no bid."""
        no_bid = ~(market.chain["bid"] > 0.0)
        assert (market.chain["ask_size"] > 0).all()
        assert list(no_bid) == list(market.chain["bid_size"] == 0)

    def test_mids_are_noisy_around_the_true_price(self, market, sound):
        """The mid is off the true price to both sides alike: mean error within 5 standard errors of zero."""
        wide = sound & (market.chain["ask"] - market.chain["bid"] > 0.5) & (market.truth["price"] > 3.0)
        half = 0.5 * (market.chain["ask"] - market.chain["bid"])[wide]
        error = 0.5 * (market.chain["ask"] + market.chain["bid"])[wide] - market.truth["price"][wide]
        relative = error / half
        assert np.abs(relative.mean()) < 5.0 * relative.std() / np.sqrt(wide.sum())
        assert relative.std() > 0.2


class TestDefects:
    """Each kind of bad quote: present at its rate, and really bad."""

    @pytest.mark.parametrize("name", sorted(DEFECT_RATES))
    def test_each_kind_has_its_rate(self, market, name):
        """The number of rows of a kind is its rate times the contracts listed, rounded."""
        listed = int((market.truth["defect"] != "duplicate").sum())
        assert round(DEFECT_RATES[name] * listed) == int((market.truth["defect"] == name).sum())

    def test_no_other_kinds(self, market):
        """Every row is sound, expired or of a kind with a rate."""
        assert {"", "expired", *DEFECT_RATES} == set(market.truth["defect"])

    def test_crossed_locked_and_no_bid(self, market):
        """Crossed is bid above ask, locked bid equal to ask, no bid an absent or zero bid; nowhere else."""
        bid, ask, defect = market.chain["bid"], market.chain["ask"], market.truth["defect"]
        assert list(defect == "crossed") == list(bid > ask)
        assert list(defect == "locked") == list(bid == ask)
        gone = defect == "no_bid"
        assert (np.isnan(bid[gone]) | (bid[gone] == 0.0)).all()
        assert list(gone & np.isnan(bid)) == list(np.isnan(bid))
        assert np.isnan(bid[gone]).any()
        assert (bid[gone] == 0.0).any()

    def test_wide(self, market):
        """A wide quote's spread is more than its mid, though the true price is inside."""
        wide = market.truth["defect"] == "wide"
        bid, ask = market.chain["bid"][wide], market.chain["ask"][wide]
        assert (ask - bid > 0.5 * (bid + ask)).all()
        assert (bid <= market.truth["price"][wide]).all()
        assert (market.truth["price"][wide] <= ask).all()

    def test_below_intrinsic(self, market):
        """Even the ask is below the discounted intrinsic value."""
        low = market.truth["defect"] == "below_intrinsic"
        chain, truth = market.chain.take(low), market.truth.take(low)
        intrinsic = truth["discount"] * chain["right"] * (truth["forward"] - chain["strike"])
        assert (chain["bid"] < chain["ask"]).all()
        assert (chain["ask"] < intrinsic).all()

    def test_above_bound(self, market):
        """Even the bid is above the discounted forward (call) or strike (put)."""
        high = market.truth["defect"] == "above_bound"
        chain, truth = market.chain.take(high), market.truth.take(high)
        bound = truth["discount"] * np.where(chain["right"] > 0, truth["forward"], chain["strike"])
        assert (chain["bid"] < chain["ask"]).all()
        assert (chain["bid"] > bound).all()

    def test_stale(self, market):
        """A stale quote is 30 minutes to 2 hours old; every other is younger than a minute."""
        age = (market.chain["quote_time"] - market.chain["quoted_at"]).astype(float) / 1e9
        stale = market.truth["defect"] == "stale"
        assert age[stale].min() >= 1_800.0
        assert age[stale].max() <= 7_200.0
        assert age[~stale].min() >= 0.0
        assert age[~stale].max() < 60.0
        assert (market.chain["bid"][stale] < market.chain["ask"][stale]).all()

    def test_a_duplicate_repeats_the_row_before(self, market):
        """A duplicate equals the sound row before it in every column but the flags."""
        second = np.flatnonzero(market.truth["defect"] == "duplicate")
        assert {""} == set(market.truth["defect"][second - 1])
        for name in set(market.chain.columns) - {"flags"}:
            assert list(market.chain[name][second]) == list(market.chain[name][second - 1])


class TestFlags:
    """The simulated chain through quote hygiene."""

    @pytest.mark.parametrize(
        ("defect", "flag"),
        [
            ("crossed", QualityFlag.CROSSED),
            ("locked", QualityFlag.LOCKED),
            ("no_bid", QualityFlag.NO_BID),
            ("wide", QualityFlag.WIDE),
            ("stale", QualityFlag.STALE),
            ("expired", QualityFlag.EXPIRED),
            ("duplicate", QualityFlag.BAD_CONTRACT),
        ],
    )
    def test_quote_hygiene_flags_every_defect_it_can_see(self, market, defect, flag):
        """The chain's flags name each visible defect on all of its rows."""
        rows = market.truth["defect"] == defect
        assert rows.any()
        assert (market.chain["flags"][rows] & flag == flag).all()

    def test_sound_rows_are_flagged_for_cheapness_only(self, market, sound):
        """A sound row may have no bid or a wide quote, as cheap options have; the rest is `ok`."""
        flags = market.chain["flags"][sound]
        assert set(flags.tolist()) == {QualityFlag.OK, QualityFlag.NO_BID, QualityFlag.WIDE}
        assert (flags == QualityFlag.OK).mean() > 0.85
        assert market.truth["price"][sound][flags == QualityFlag.WIDE].max() < 1.0
