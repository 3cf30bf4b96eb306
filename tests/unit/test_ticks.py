"""Simulated ticks: bursty arrivals, quotes around a repriced truth, defects at known rates."""

from __future__ import annotations

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.contracts.calendar import years_between
from atalanta.market.contracts.sessions import opens
from atalanta.market.simulator import simulate_chain
from atalanta.market.simulator.arrivals import arrive
from atalanta.market.simulator.ticks import TICK_DEFECT_RATES, TickSimulation, simulate_ticks
from atalanta.market.simulator.valuation import AMERICAN_TOLERANCE
from atalanta.pricing import price

TRADING_YEAR_SECONDS = 252 * 6.5 * 3600
TEN_MS = 10_000_000


@pytest.fixture(scope="module")
def market():
    return simulate_chain()


@pytest.fixture(scope="module")
def second(market) -> TickSimulation:
    return simulate_ticks(market)


@pytest.fixture(scope="module")
def long_run(market) -> TickSimulation:
    return simulate_ticks(market, seconds=100.0, rate=500.0, seed=3)


def underlying_of(market, ticks):
    """The row of the underlying of every tick."""
    tickers = market.underlyings["underlying"].tolist()
    of_contract = np.array([tickers.index(name) for name in market.chain["underlying"]])
    return np.where(
        ticks["kind"] == 0, ticks["row"], of_contract[np.where(ticks["kind"] == 0, 0, ticks["row"])]
    )


class TestShape:
    """Columns, their types and their ranges."""

    def test_columns_and_types(self, second):
        """Ticks have the documented columns in their types; the truth is aligned."""
        types = {
            "time_ns": np.int64,
            "kind": np.uint8,
            "row": np.int32,
            "bid": np.float64,
            "ask": np.float64,
            "bid_size": np.int64,
            "ask_size": np.int64,
        }
        assert types == {name: second.ticks[name].dtype.type for name in second.ticks.columns}
        assert second.truth.columns == ("price", "spot", "defect")
        assert len(second.ticks) == len(second.truth)
        assert "synthetic" in second.ticks.notes[0]

    def test_times_never_decrease_and_stay_in_the_window(self, second, long_run):
        """Times run from 0 to the end of the window without a step back."""
        for simulated, seconds in ((second, 1.0), (long_run, 100.0)):
            times = simulated.ticks["time_ns"]
            assert (np.diff(times) >= 0).all()
            assert times[0] >= 0
            assert times[-1] < seconds * 1e9

    def test_rows_name_what_they_quote(self, market, second):
        """Kind 0 points into the underlyings, kind 1 to a live contract of the chain, listed once."""
        ticks = second.ticks
        assert {0, 1} == set(ticks["kind"].tolist())
        assert {0, 1, 2} == set(ticks["row"][ticks["kind"] == 0].tolist())
        quoted = np.unique(ticks["row"][ticks["kind"] == 1])
        assert len(quoted) > 2_000
        assert market.chain["years"][quoted].min() > 0.0
        assert "duplicate" not in set(market.truth["defect"][quoted])

    def test_contracts_that_expire_in_the_window_get_no_ticks(self, market):
        """Over 20 minutes the contracts with 15 minutes left are left out."""
        ticks = simulate_ticks(market, seconds=1_200.0, rate=20.0).ticks
        years = market.chain["years"][ticks["row"][ticks["kind"] == 1]]
        assert years.min() > 1_200.0 / (365 * 86_400)

    def test_a_window_too_short_for_a_tick_is_empty(self, market):
        """No tick at all is an empty table, not an error."""
        empty = simulate_ticks(market, seconds=1e-7, rate=1.0)
        assert 0 == len(empty.ticks) == len(empty.truth)


class TestArrivals:
    """The arrival process: its rate and its bursts."""

    def test_rate_is_the_one_asked_for(self, long_run):
        """The count of 100 s lies within 5 standard deviations of the compound Poisson process."""
        alone, bursts, size = 0.5 * 500 * 100, 20 * 100, 0.5 * 500 / 20
        variance = alone + bursts * (2 * size**2 - size)  # E[N] + E[B] E[geometric^2]
        assert abs(len(long_run.ticks) - 50_000) < 5 * np.sqrt(variance)

    def test_rate_has_no_bias_at_the_edges(self):
        """Every tenth of many short windows holds its share of the ticks within 5 standard deviations."""
        windows, rate, slot = 6_000, 2_000.0, 0.002
        rng = np.random.default_rng(1)
        times = np.concatenate([arrive(rng, 10 * slot, rate).time_ns for _ in range(windows)])
        counts = np.bincount(times // 2_000_000, minlength=10)
        size = 0.5 * rate / 20
        deviation = np.sqrt(
            windows * slot * (0.5 * rate + 20 * 2 * size**2)
        )  # at most: E[share^2] <= E[share]
        assert (
            5 * deviation < 0.25 * windows * slot * rate
        )  # a window without history lacks 0.3 of its first slot
        assert np.abs(counts - windows * slot * rate).max() < 5 * deviation

    def test_worst_ten_milliseconds_hold_far_more_than_the_mean(self, second):
        """The busiest 10 ms have over 5 times the mean; a plain Poisson stream would stay below 1.5."""
        counts = np.bincount(second.ticks["time_ns"] // TEN_MS, minlength=100)
        assert counts.max() > 5.0 * counts.mean()

    def test_ticks_of_a_burst_are_microseconds_apart(self, second):
        """In the busiest 2 ms the median gap is below 20 µs, of the second as a whole above."""
        times = second.ticks["time_ns"]
        busiest = np.bincount(times // 2_000_000).argmax()
        inside = times[times // 2_000_000 == busiest]
        assert np.median(np.diff(inside)) < 20_000
        assert np.diff(times).mean() > 20_000

    def test_a_burst_is_about_one_underlying(self, market, second):
        """In the busiest 2 ms over 80 % of the ticks are on one underlying and its options."""
        slots = second.ticks["time_ns"] // 2_000_000
        busiest = slots == np.bincount(slots).argmax()
        shares = np.bincount(underlying_of(market, second.ticks)[busiest]) / busiest.sum()
        assert shares.max() > 0.8

    def test_quotes_near_the_money_and_near_expiry_come_more_often(self, market, second):
        """The median quoted contract is nearer to expiry and to the money than the median listed one."""
        rows = second.ticks["row"][second.ticks["kind"] == 1]
        distance = np.abs(np.log(market.chain["strike"] / market.truth["forward"]))
        assert np.median(market.chain["years"][rows]) < 0.7 * np.median(market.chain["years"])
        assert np.median(distance[rows]) < 0.7 * np.median(distance)


class TestTruth:
    """What is true at each tick."""

    def test_options_are_repriced_at_the_moved_spot(self, market, second):
        """An index option's true price is that of the sticky volatility, the moved forward and the time left."""
        options = np.flatnonzero(second.ticks["kind"] == 1)
        options = options[market.chain["exercise"][second.ticks["row"][options]] == "european"]
        ticks, truth = second.ticks.take(options), second.truth.take(options)
        row = ticks["row"]
        start = market.underlyings["spot"][underlying_of(market, ticks)]
        years = market.chain["years"][row] - ticks["time_ns"] / (365 * 86_400e9)
        rate = -np.log(market.truth["discount"][row]) / market.chain["years"][row]
        forward = market.truth["forward"][row] * truth["spot"] / start
        terms = (market.chain["right"][row], forward, market.chain["strike"][row], years, rate)
        expected = price(*terms, market.truth["vol"][row], dividend_yield=rate)
        np.testing.assert_allclose(expected, truth["price"], rtol=1e-12, atol=1e-13 * forward.max())

    def test_american_options_are_repriced_at_the_moved_spot(self, market, second):
        """An ETF option's true price is the American one at the new spot, with the dividends ahead."""
        options = np.flatnonzero(second.ticks["kind"] == 1)
        options = options[market.chain["underlying"][second.ticks["row"][options]] == "SIMETF"]
        ticks, truth, row = (
            second.ticks.take(options),
            second.truth.take(options),
            second.ticks["row"][options],
        )
        years = years_between(market.chain["quote_time"][0], opens(market.dividends["ex_date"]))
        expected = price(
            market.chain["right"][row],
            truth["spot"],
            market.chain["strike"][row],
            market.chain["years"][row] - ticks["time_ns"] / (365 * 86_400e9),
            -np.log(market.truth["discount"][row]) / market.chain["years"][row],
            market.truth["vol"][row],
            exercise="american",
            dividends=list(zip(years, market.dividends["cash"], strict=True)),
            tolerance=AMERICAN_TOLERANCE,
        )
        assert len(options) > 4_000
        assert np.abs(expected - truth["price"]).max() <= 1e-5

    def test_ex_dates_come_nearer_while_time_runs(self, market):
        """Over three hours an option that outlives the ex-date by hours keeps the dividend in its price."""
        stream = simulate_ticks(market, seconds=10_800.0, rate=2.0)
        options = stream.ticks["kind"] == 1
        row = stream.ticks["row"][options]
        next_day = (market.chain["underlying"][row] == "SIMETF") & (
            market.chain["expiry"][row] == np.datetime64("2026-01-15")
        )
        spot, value = stream.truth["spot"][options][next_day], stream.truth["price"][options][next_day]
        right, strike = market.chain["right"][row][next_day], market.chain["strike"][row][next_day]
        put = right < 0
        assert put.sum() > 100
        assert (value >= strike + 1.60 - spot)[put].all()  # the put is held until the share is without it

    def test_an_underlying_is_worth_its_spot(self, second):
        """On an underlying's tick the true price is the spot."""
        spot = second.ticks["kind"] == 0
        assert list(second.truth["spot"][spot]) == list(second.truth["price"][spot])

    def test_sound_quotes_hold_the_true_price(self, second, long_run):
        """Bid <= true price <= ask on every tick without a defect, and bid < ask."""
        for simulated in (second, long_run):
            sound = simulated.truth["defect"] == ""
            bid, ask = simulated.ticks["bid"][sound], simulated.ticks["ask"][sound]
            assert (bid <= simulated.truth["price"][sound]).all()
            assert (simulated.truth["price"][sound] <= ask).all()
            assert (bid < ask).all()

    def test_sizes_are_whole_contracts(self, second):
        """Sizes are positive, but for the bid size where there is no bid."""
        assert (second.ticks["ask_size"] > 0).all()
        assert list(second.ticks["bid"] == 0.0) == list(second.ticks["bid_size"] == 0)

    def test_spots_move_with_the_stated_volatility(self, market, long_run):
        """Each underlying's realised variance is that of its short volatility within 5 standard deviations."""
        which = underlying_of(market, long_run.ticks)
        for row, (spot, vol) in enumerate(
            zip(market.underlyings["spot"], market.underlyings["short_vol"], strict=True)
        ):
            path = np.append(spot, long_run.truth["spot"][which == row])
            realised = np.sum(np.diff(np.log(path)) ** 2)
            ratio = realised / (vol**2 * 100.0 / TRADING_YEAR_SECONDS)
            # Half the variance is 2,000 uniform jumps (relative variance 1.8 each), the rest far finer.
            deviation = np.sqrt(0.25 * 1.8 / 2_000 + 2.0 / len(path))
            assert abs(ratio - 1.0) < 5.0 * deviation


class TestDefects:
    """Bad ticks, put in at known rates."""

    @pytest.mark.parametrize("name", sorted(TICK_DEFECT_RATES))
    def test_each_kind_has_its_rate(self, long_run, name):
        """The number of bad ticks is the rate times the option ticks, rounded."""
        options = int((long_run.ticks["kind"] == 1).sum())
        assert round(TICK_DEFECT_RATES[name] * options) == int((long_run.truth["defect"] == name).sum())

    def test_defects_are_what_they_are_called(self, long_run):
        """Crossed is bid above ask, and only that; no bid is a bid and a bid size of zero; both on options."""
        ticks, defect = long_run.ticks, long_run.truth["defect"]
        assert list(defect == "crossed") == list(ticks["bid"] > ticks["ask"])
        assert {0.0} == set(ticks["bid"][defect == "no_bid"])
        assert {0} == set(ticks["bid_size"][defect == "no_bid"])
        assert {1} == set(ticks["kind"][defect != ""])
        assert {"", *TICK_DEFECT_RATES} == set(defect)


class TestDeterminism:
    """One seed, one stream."""

    def test_same_seed_same_ticks(self, market, second):
        """Two calls agree in every bit of every column."""
        again = simulate_ticks(market)
        for table, other in zip(second, again, strict=True):
            for name in table.columns:
                np.testing.assert_array_equal(table[name], other[name])

    def test_golden_stream(self, second):
        """Seed 7 gives this stream: counts and sums in whole cents, contracts and rows."""
        ticks = second.ticks
        cents = [int(np.rint(100.0 * ticks[side]).sum()) for side in ("bid", "ask")]
        golden = (17_844, 43_532_097, 3_868_225)  # made when this was written
        assert golden == (len(ticks), int(ticks["row"].sum()), int(ticks["ask_size"].sum()))
        # an American price may round to the next tick where its grid is laid otherwise
        assert [293_774_545, 294_850_920] == pytest.approx(cents, rel=1e-6)

    def test_other_seed_other_ticks(self, market, second):
        """Another seed gives another number of ticks and other prices."""
        other = simulate_ticks(market, seed=8)
        assert len(second.ticks) != len(other.ticks)
        assert second.ticks["time_ns"][0] != other.ticks["time_ns"][0]


class TestBadInput:
    """Arguments that are refused."""

    @pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 23_401.0, "1s", None])
    def test_seconds(self, market, seconds):
        """A window that is not above 0 and at most one session is refused."""
        with pytest.raises(InputError, match=r"\[market\.simulate_ticks\] seconds is .*at most 23400"):
            simulate_ticks(market, seconds=seconds)

    @pytest.mark.parametrize("rate", [0.0, -5.0, float("nan"), float("inf"), 2e7 + 1, "fast", None])
    def test_rate(self, market, rate):
        """A rate that is not above 0, or gives more than 20 million ticks, is refused."""
        with pytest.raises(InputError, match=r"\[market\.simulate_ticks\] rate is .*at most 2e\+07"):
            simulate_ticks(market, rate=rate)

    @pytest.mark.parametrize("seed", [-1, 0.5, None])
    def test_seed(self, market, seed):
        """A seed that is no whole number from 0 is refused."""
        with pytest.raises(InputError, match=r"\[market\.simulate_ticks\] seed is"):
            simulate_ticks(market, seed=seed)
