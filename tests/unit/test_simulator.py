"""The simulated market: what is listed, what is true of it, and that one seed gives one market."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.chain import CHAIN_COLUMNS
from atalanta.market.contracts.calendar import years_between
from atalanta.market.contracts.sessions import opens
from atalanta.market.simulator import Simulation, Smile, simulate_chain
from atalanta.market.simulator.listing import expiry_ladder
from atalanta.market.simulator.universe import UNIVERSE
from atalanta.pricing import greeks, implied_vol, price

TICKERS = ["SIMIDX", "SIMETF", "SIMSTK"]


@pytest.fixture(scope="module")
def market() -> Simulation:
    return simulate_chain()


def smiles(market):
    names = Smile.__dataclass_fields__
    columns = {name: market.underlyings[name].tolist() for name in names}
    return [Smile(**{name: columns[name][row] for name in names}) for row in range(len(market.underlyings))]


def expiries(market, column):
    """The rows of each listed series, by root and expiry instant."""
    chain = market.chain
    for root in dict.fromkeys(chain["root"].tolist()):
        of_root = chain["root"] == root
        for instant in np.unique(chain["expires_at"][of_root & column]):
            yield of_root & column & (chain["expires_at"] == instant)


class TestListing:
    """What is listed: underlyings, expiries, strikes, symbols."""

    def test_about_six_thousand_contracts_in_three_underlyings(self, market):
        """The default market has 5,500 to 6,500 rows; every underlying has at least a fifth of them."""
        counts = [int((market.chain["underlying"] == ticker).sum()) for ticker in TICKERS]
        assert 5_500 <= len(market.chain) <= 6_500
        assert sum(counts) == len(market.chain)
        assert min(counts) >= len(market.chain) / 5

    def test_tables_are_aligned(self, market):
        """Every row of the chain has its truth; underlyings are in the chain's order."""
        assert len(market.chain) == len(market.truth)
        assert list(market.underlyings["underlying"]) == TICKERS
        assert list(dict.fromkeys(market.chain["underlying"].tolist())) == TICKERS

    def test_chain_has_canonical_columns_and_sizes(self, market):
        """A simulated chain holds every canonical column, sizes and the instant of each quote."""
        assert set(CHAIN_COLUMNS) | {"bid_size", "ask_size", "quoted_at"} == set(market.chain.columns)
        assert market.truth.columns == ("vol", "forward", "discount", "price", "defect")

    def test_chain_says_that_it_is_synthetic(self, market):
        """The first note labels the data, with the seed."""
        assert "synthetic market: simulated, seed 7" in market.chain.notes[0]
        assert any(
            "European exercise, those on the ETF and the stock American" in note
            for note in market.chain.notes
        )

    def test_contract_terms(self, market):
        """Index options are European, the others American, all on 100 shares; as many calls as puts but for defects."""
        styles = {
            (ticker, style)
            for ticker, style in zip(market.chain["underlying"], market.chain["exercise"], strict=True)
        }
        assert {("SIMIDX", "european"), ("SIMETF", "american"), ("SIMSTK", "american")} == styles
        assert {100.0} == set(market.chain["multiplier"])
        once = market.truth["defect"] != "duplicate"
        assert market.chain["right"][once].astype(int).sum() == 0

    def test_symbols_name_the_contract(self, market):
        """A symbol is root, expiry, right and strike in compact OCC form."""
        row = np.flatnonzero(market.chain["strike"] == 4800.0)[0]
        root, expiry = market.chain["root"][row], str(market.chain["expiry"][row])
        right = "C" if market.chain["right"][row] > 0 else "P"
        assert f"{root}{expiry[2:4]}{expiry[5:7]}{expiry[8:]}{right}04800000" == market.chain["symbol"][row]

    def test_symbols_are_unique_but_for_duplicates(self, market):
        """Only rows with the defect `duplicate` repeat a symbol, directly after the first."""
        symbols, twice = market.chain["symbol"], market.truth["defect"] == "duplicate"
        assert len(set(symbols.tolist())) == int((~twice).sum())
        assert list(symbols[twice]) == list(symbols[np.flatnonzero(twice) - 1])

    def test_index_monthlies_are_am_settled_under_their_own_root(self, market):
        """AM-settled rows are the root SIMIDX, fixed at the open; all other rows are fixed at the close."""
        am = market.chain["settlement"] == "AM"
        assert {"SIMIDX"} == set(market.chain["root"][am])
        assert {"SIMIDW", "SIMETF", "SIMSTK"} == set(market.chain["root"][~am])
        clock = (market.chain["expires_at"] - market.chain["expires_at"].astype("M8[D]")).astype(int)
        assert {14 * 3600 + 1800, 13 * 3600 + 1800} == set(clock[am].tolist())  # 09:30 New York
        assert {21 * 3600, 20 * 3600} == set(clock[~am].tolist())  # 16:00 New York

    def test_am_and_pm_contracts_share_a_date(self, market):
        """On the next third Friday the index has AM- and PM-settled contracts at the same strikes."""
        day = market.chain["expiry"] == np.datetime64("2026-01-16")
        index = market.chain["underlying"] == "SIMIDX"
        assert {"AM", "PM"} == set(market.chain["settlement"][day & index])

    def test_expiries_run_from_today_to_leaps(self, market):
        """Every underlying has an expiry of today, one next week, and one more than two years out."""
        for ticker in TICKERS:
            years = np.unique(market.chain["years"][market.chain["underlying"] == ticker])
            assert ((years > 0) & (years < 1 / 365)).any()
            assert ((years > 7 / 365) & (years < 10 / 365)).any()
            assert years[-1] > 2.0

    def test_years_are_act_365_to_the_instant(self, market):
        """A PM contract of today has 15 minutes left at 15:45 New York."""
        today = (market.chain["expiry"] == np.datetime64("2026-01-14")) & (market.chain["settlement"] == "PM")
        assert {15 / (365 * 24 * 60)} == set(market.chain["years"][today])

    def test_listed_expiries_are_trading_days(self):
        """A Friday that is a holiday (3 April 2026) is listed on the Thursday before."""
        standard, others = expiry_ladder(UNIVERSE[0].ladder, np.datetime64("2026-03-25"))
        assert np.datetime64("2026-04-02") in others
        assert np.datetime64("2026-04-03") not in others
        assert np.datetime64("2026-06-18") in standard  # the third Friday is Juneteenth
        assert len(np.intersect1d(standard, others)) == 0

    def test_strikes_lie_on_the_increments(self, market):
        """Every strike is a multiple of its underlying's finest increment."""
        for each in UNIVERSE:
            strikes = market.chain["strike"][market.chain["underlying"] == each.symbol]
            assert np.abs(strikes % each.increments[0]).max() == 0.0
            assert strikes.min() > 0.0


class TestTruth:
    """What is true of each contract."""

    def test_implied_vol_of_the_exact_price_is_the_true_vol(self, market):
        """Out of the money the index's price gives the true volatility back, to 5 eps of the forward in price."""
        chain, truth = market.chain, market.truth
        out = (chain["right"] * (chain["strike"] - truth["forward"]) > 0.0) & (truth["price"] > 1e-6)
        out &= chain["exercise"] == "european"
        rows, true = chain.take(out), truth.take(out)
        rate = -np.log(true["discount"]) / rows["years"]
        market_of = (rows["right"], true["forward"], rows["strike"], rows["years"], rate)
        vol = implied_vol(true["price"], *market_of, dividend_yield=rate)
        vega = greeks(*market_of, true["vol"], dividend_yield=rate).vega
        assert len(rows) > 1_000
        assert (np.abs(vol - true["vol"]) * vega <= 5 * np.finfo(float).eps * true["forward"]).all()

    def test_american_prices_are_those_of_the_spot_model(self, market):
        """`price` at the true spot, the expiry's rate, borrow cost and cash dividends gives the stated price."""
        chain, truth = market.chain, market.truth
        for row, ticker in enumerate(TICKERS[1:], start=1):
            own = (chain["underlying"] == ticker) & (chain["years"] > 0.0)
            paid = market.dividends.take(market.dividends["underlying"] == ticker)
            years = years_between(chain["quote_time"][0], opens(paid["ex_date"]))
            schedule = list(zip(years, paid["cash"], strict=True))
            expected = price(
                chain["right"][own],
                market.underlyings["spot"][row],
                chain["strike"][own],
                chain["years"][own],
                -np.log(truth["discount"][own]) / chain["years"][own],
                truth["vol"][own],
                dividend_yield=market.underlyings["borrow"][row],
                exercise="american",
                dividends=schedule or None,
                tolerance="precise",
            )
            assert np.abs(expected - truth["price"][own]).max() <= 5e-6 * market.underlyings["spot"][row]

    def test_american_prices_leave_no_exercise_profit(self, market):
        """No price is below what exercise gives now; most puts in the money carry more than a European one would."""
        chain, truth = market.chain, market.truth
        american = (chain["exercise"] == "american") & (chain["years"] > 0.0)
        spot = market.underlyings["spot"][[TICKERS.index(name) for name in chain["underlying"]]]
        exercise = np.maximum(chain["right"] * (spot - chain["strike"]), 0.0)
        later = truth["discount"] * np.maximum(chain["right"] * (truth["forward"] - chain["strike"]), 0.0)
        assert (truth["price"] >= np.maximum(exercise, later))[american].all()
        assert (exercise > later + 0.01)[american & (chain["right"] < 0)].sum() > 300

    def test_dividends_are_those_of_the_etf(self, market):
        """1.65 on the third Thursday of January, April, July and October, from the next day on."""
        dividends = market.dividends
        assert {"SIMETF"} == set(dividends["underlying"])
        assert {1.65} == set(dividends["cash"].tolist())
        assert ["2026-01-15", "2026-04-16", "2026-07-16", "2026-10-15"] == dividends["ex_date"][:4].astype(
            str
        ).tolist()
        assert dividends["ex_date"].max() > market.chain["expiry"].max()

    def test_prices_obey_parity(self, market):
        """Index calls minus puts are the discounted forward minus strike, to 1e-12 of the forward."""
        chain, truth = market.chain, market.truth
        once = (truth["defect"] != "duplicate") & (chain["exercise"] == "european")
        call, put = once & (chain["right"] > 0), once & (chain["right"] < 0)
        assert list(chain["strike"][call]) == list(chain["strike"][put])
        expected = truth["discount"][call] * (truth["forward"][call] - chain["strike"][call])
        error = (truth["price"][call] - truth["price"][put] - expected) / truth["forward"][call]
        assert np.abs(error).max() <= 1e-12

    def test_forwards_carry_each_underlying_in_its_own_way(self, market):
        """Yield for the index, cash dividends before the expiry for the ETF, borrow for the stock."""
        chain, truth = market.chain, market.truth
        index, etf, stock = ((chain["underlying"] == ticker) & (chain["years"] > 0.0) for ticker in TICKERS)
        spot = dict(zip(TICKERS, market.underlyings["spot"], strict=True))
        grown = truth["forward"] * truth["discount"]
        np.testing.assert_allclose(
            spot["SIMIDX"] * np.exp(-0.014 * chain["years"][index]), grown[index], rtol=1e-13
        )
        np.testing.assert_allclose(
            spot["SIMSTK"] * np.exp(-0.012 * chain["years"][stock]), grown[stock], rtol=1e-13
        )
        paid = (spot["SIMETF"] - grown)[etf]
        before = chain["expiry"][etf] < np.datetime64("2026-01-15")  # the first ex-date
        assert np.abs(paid[before]).max() <= 1e-10
        on = chain["expiry"][etf] == np.datetime64("2026-01-15")  # the payoff is that of a share without it
        assert 1.65 * np.exp(-0.0395 * 0.01) < paid[on].min()
        assert paid[on].max() < 1.65
        rate = 0.0395  # the short rate is the highest of the curve
        year = (chain["expiry"][etf] > np.datetime64("2026-10-16")) & (chain["years"][etf] < 1.1)
        assert 4 * 1.65 * np.exp(-rate) < paid[year].min()
        assert paid[year].max() < 4 * 1.65

    def test_discounts_fall_with_time_from_one_curve(self, market):
        """One discount per expiry instant, the same for all underlyings, falling with time."""
        chain, truth = market.chain, market.truth
        years, first = np.unique(chain["years"][chain["years"] > 0.0], return_index=True)
        discounts = truth["discount"][chain["years"] > 0.0]
        assert len(years) == len(np.unique(discounts))
        assert (np.diff(discounts[first]) < 0.0).all()

    def test_volatilities_lie_on_the_stated_smile(self, market):
        """`underlyings` holds the parameters of the surface that gives every true volatility."""
        chain, truth = market.chain, market.truth
        for ticker, smile in zip(TICKERS, smiles(market), strict=True):
            rows = (chain["underlying"] == ticker) & (chain["years"] > 0.0)
            k = np.log(chain["strike"][rows] / truth["forward"][rows])
            variance = smile.total_variance(k, chain["years"][rows])
            np.testing.assert_allclose(variance, truth["vol"][rows] ** 2 * chain["years"][rows], rtol=1e-13)

    def test_call_prices_fall_and_are_convex_in_the_strike(self, market):
        """True prices of one expiry leave no vertical or butterfly arbitrage."""
        once = (market.truth["defect"] != "duplicate") & (market.chain["right"] > 0)
        once &= market.chain["exercise"] == "european"
        for rows in expiries(market, once & (market.chain["years"] > 0.0)):
            strike, value = market.chain["strike"][rows], market.truth["price"][rows]
            slope = np.diff(value) / np.diff(strike)
            rounding = 1e-14 * market.truth["forward"][rows][0]
            assert (slope <= rounding).all()
            assert (slope >= -market.truth["discount"][rows][:-1] - rounding).all()
            assert (np.diff(slope) >= -rounding).all()

    def test_expired_rows_are_worth_their_payoff(self, market):
        """A contract past its expiry has no volatility; its price is the payoff at the true spot."""
        chain, truth = market.chain, market.truth
        late = truth["defect"] == "expired"
        assert list(late) == list(chain["years"] <= 0.0)
        assert 0 < late.sum() < 100
        assert np.isnan(truth["vol"][late]).all()
        assert np.isfinite(truth["vol"][~late]).all()
        spot = market.underlyings["spot"][[TICKERS.index(name) for name in chain["underlying"][late]]]
        payoff = np.maximum(chain["right"][late] * (spot - chain["strike"][late]), 0.0)
        np.testing.assert_array_equal(payoff, truth["price"][late])

    def test_reported_spot_is_not_synchronous(self, market):
        """The chain's spot differs from the true one by up to 4 basis points, and both are on record."""
        reported, spot = market.underlyings["chain_spot"], market.underlyings["spot"]
        assert (reported != spot).any()
        assert np.abs(reported / spot - 1.0).max() <= 4.1e-4
        for row, ticker in enumerate(TICKERS):
            assert {reported[row]} == set(market.chain["spot"][market.chain["underlying"] == ticker])


class TestSmile:
    """The surface: free of arbitrage, and what its parameters say."""

    def test_parameters_meet_the_no_butterfly_condition(self, market):
        """Gatheral and Jacquier, remark 4.4: eta (1 + |rho|) <= 2 and gamma in (0, 1/2]."""
        for smile in smiles(market):
            assert smile.eta * (1.0 + abs(smile.rho)) <= 2.0
            assert 0.0 < smile.gamma <= 0.5

    @pytest.mark.parametrize("years", [1e-5, 1 / 365, 30 / 365, 0.5, 1.0, 3.0])
    def test_density_is_positive(self, market, years):
        """Durrleman's function g is not negative within 12 deviations, derivatives in closed form."""
        for smile in smiles(market):
            theta = float(smile.atm_variance(years))
            phi = float(smile.curvature(theta))
            k = np.linspace(-12.0, 12.0, 2401) * np.sqrt(theta)
            root = np.sqrt((phi * k + smile.rho) ** 2 + 1.0 - smile.rho**2)
            w = smile.total_variance(k, years)
            first = 0.5 * theta * phi * (smile.rho + (phi * k + smile.rho) / root)
            second = 0.5 * theta * phi**2 * (1.0 - smile.rho**2) / root**3
            g = (1.0 - 0.5 * k * first / w) ** 2 - 0.25 * first**2 * (1.0 / w + 0.25) + 0.5 * second
            assert g.min() >= 0.0

    def test_total_variance_rises_with_time(self, market):
        """At any moneyness a later expiry has more total variance: no calendar arbitrage."""
        k = np.linspace(-1.5, 1.0, 101)
        years = np.geomspace(1e-5, 3.0, 60)
        for smile in smiles(market):
            slices = [smile.total_variance(k, t) for t in years]
            assert all((later > earlier).all() for earlier, later in pairwise(slices))

    def test_variance_at_the_money_is_that_of_the_term_structure(self):
        """At the forward the surface returns the integral of its mean-reverting variance."""
        smile = Smile(short_vol=0.2, long_vol=0.2, reversion=1.5, rho=-0.5, eta=1.0, gamma=0.5)
        np.testing.assert_allclose([0.01, 0.04, 0.08], smile.total_variance(np.zeros(3), [0.25, 1.0, 2.0]))

    def test_event_variance_is_held_by_later_expiries_only(self):
        """An expiry after the event holds its variance whole, one before it not at all."""
        plain = Smile(short_vol=0.5, long_vol=0.4, reversion=2.0, rho=0.0, eta=1.0, gamma=0.4)
        event = Smile(0.5, 0.4, 2.0, 0.0, 1.0, 0.4, event_years=0.1, event_move=0.07)
        extra = event.atm_variance([0.05, 0.1, 0.15]) - plain.atm_variance([0.05, 0.1, 0.15])
        np.testing.assert_allclose([0.0, 0.0, 0.0049], extra, atol=1e-17)


class TestDeterminism:
    """One seed, one market."""

    def test_same_seed_same_market(self, market):
        """Two calls agree in every bit of every column."""
        again = simulate_chain()
        for table, other in zip(market, again, strict=True):
            assert table.columns == other.columns
            for name in table.columns:
                np.testing.assert_array_equal(table[name], other[name])

    def test_golden_market(self, market):
        """Seed 7 gives this market: rows, sums of strikes, of quotes in whole cents, and of sizes."""
        chain = market.chain
        cents = {
            style: tuple(
                int(np.rint(100.0 * np.nan_to_num(chain[side][chain["exercise"] == style])).sum())
                for side in ("bid", "ask")
            )
            for style in ("european", "american")
        }
        sizes = int(chain["bid_size"].sum() + chain["ask_size"].sum())
        golden = (5_822, 13_820_966.0, 1_725_483)  # made when this was written
        assert golden == (len(chain), float(chain["strike"].sum()), sizes)
        assert (69_635_760, 70_841_710) == cents["european"]
        # an American price may round to the next tick where its grid is laid otherwise
        assert (11_189_194, 11_310_970) == pytest.approx(cents["american"], rel=1e-5)

    def test_golden_truth(self, market):
        """Seed 7 gives these true volatilities, forwards and prices, to the last bits of exp and log.

        American prices are as exact as their grid: 1e-4 for a strike of 100.
        """
        truth, european = market.truth, market.chain["exercise"] == "european"
        alive = np.isfinite(truth["vol"])
        golden = {
            True: (442.5371285317565, 12423551.722237442, 2536.3473574648388, 685131.0207991448),
            False: (1196.5116901356862, 1160770.7404286154, 3221.8498113981022, 110376.08501616586),
        }
        for style, expected in golden.items():
            own = european == style
            sums = [truth["vol"][own & alive].sum()] + [
                truth[name][own].sum() for name in ("forward", "discount", "price")
            ]
            np.testing.assert_allclose(expected[:3], sums[:3], rtol=1e-12)
            np.testing.assert_allclose(expected[3], sums[3], rtol=1e-12 if style else 1e-5)

    def test_other_seed_other_market(self, market):
        """Another seed moves spots, volatilities and quotes."""
        other = simulate_chain(seed=8)
        assert (market.underlyings["spot"] != other.underlyings["spot"]).all()
        assert (market.underlyings["short_vol"] != other.underlyings["short_vol"]).all()

    @pytest.mark.parametrize(
        "moment",
        [
            "2026-01-14T20:45:00",
            "2026-01-14T15:45:00-05:00",
            dt.datetime(2026, 1, 14, 20, 45),
            dt.datetime(2026, 1, 14, 20, 45, tzinfo=dt.UTC),
            np.datetime64("2026-01-14T20:45", "m"),
        ],
        ids=["text-naive", "text-zone", "datetime-naive", "datetime-zone", "numpy"],
    )
    def test_spellings_of_one_instant_agree(self, market, moment):
        """A quote time without a zone is UTC; one with a zone is converted."""
        other = simulate_chain(quote_time=moment)
        np.testing.assert_array_equal(market.chain["bid"], other.chain["bid"])
        assert {np.datetime64("2026-01-14T20:45:00", "ns")} == set(other.chain["quote_time"])


class TestBadInput:
    """Arguments that are refused."""

    @pytest.mark.parametrize("seed", [-1, 1.5, "7", None, True])
    def test_seed(self, seed):
        """A seed that is no whole number from 0 is refused with its value."""
        with pytest.raises(InputError, match=r"\[market\.simulate_chain\] seed is .*whole number from 0"):
            simulate_chain(seed=seed)

    @pytest.mark.parametrize("moment", ["yesterday", "", None, 5.0, np.datetime64("NaT", "ns")])
    def test_not_an_instant(self, moment):
        """What is no instant is refused with an example of one."""
        with pytest.raises(
            InputError, match=r"\[market\.simulate_chain\] quote_time is .*2026-01-14T20:45:00Z"
        ):
            simulate_chain(quote_time=moment)

    @pytest.mark.parametrize("moment", ["1989-12-29T20:00:00Z", "2091-01-02T20:00:00Z"])
    def test_outside_the_calendar(self, moment):
        """An instant outside the calendar is refused with the limits."""
        with pytest.raises(InputError, match="must lie from 1990-01-03 to 2090-12-31"):
            simulate_chain(quote_time=moment)

    @pytest.mark.parametrize("moment", ["2026-01-17T20:00:00Z", "2026-01-19T20:00:00Z"])
    def test_not_a_trading_day(self, moment):
        """A weekend and a holiday are refused with the trading day before."""
        with pytest.raises(InputError, match="not on a trading day; the one before is 2026-01-16"):
            simulate_chain(quote_time=moment)
