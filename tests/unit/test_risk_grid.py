"""The scenario grid against brute force: sticky strikes and moneyness, horizons, user shocks, and the live grid."""

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.risk import LiveGrid, Portfolio
from atalanta.risk.grid import book_pnl, brute_force, paid_to_shares
from atalanta.risk.grid_ladders import GridLadders, at_horizon
from atalanta.risk.options import Options
from atalanta.risk.scenarios import Shocks
from tests.risk_market import analysis, portfolio, rows, symbols

TENTH_OF_A_CENT = 1e-3


class Clock:
    """Seconds that only the test moves."""

    now = 0.0

    def __call__(self):
        return self.now


def errors(**terms):
    """Per share, of every cell, and of options worth 100 at most."""
    held = portfolio()
    shocks = Shocks.of(held, **terms)
    ladders = GridLadders(held, held.options, shocks)
    values = ladders.values(held.options.spot, held.options.vol)
    scale = np.maximum(held.options.strike, 100.0) / 100.0
    return (values - brute_force(held, shocks)) / scale[:, None, None]


@pytest.mark.parametrize("sticky", ["strike", "moneyness"])
@pytest.mark.parametrize("horizon", [0, 10, 40.5, "2026-03-10", "expiry"])
def test_every_cell_equals_brute_force(sticky, horizon):
    """To a tenth of a cent a share, past an expiry and an ex-date too."""
    found = errors(sticky=sticky, horizon=horizon)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < TENTH_OF_A_CENT


@pytest.mark.parametrize(
    "terms",
    [
        {"spots": [-0.6, -0.3, 0.0, 0.4, 0.9], "vols": [-0.8, 0.0, 2.0]},
        {"vols": [-0.05, 0.0, 0.02, 0.10], "vol_unit": "points"},
        {"vols": [-0.5, 0.0], "vol_unit": "points"},
        {"spots": [0.01], "vols": [0.2]},
        {"spots": [0.0], "vols": np.linspace(-0.5, 1.0, 30)},
    ],
)
def test_shocks_of_the_user(terms):
    """Far ones, points, and a single cell."""
    assert np.abs(errors(**terms)).max() < TENTH_OF_A_CENT


def test_no_shock_is_no_profit_and_parts_sum():
    """Exactly nothing where nothing moves; underlyings sum to the book."""
    grid = portfolio().grid()
    spot, vol = (int(np.flatnonzero(axis == 0)[0]) for axis in (grid.shocks.spots, grid.shocks.vols))
    assert 0.0 == grid.pnl[spot, vol]
    np.testing.assert_allclose(sum(grid.by_underlying.values()), grid.pnl, rtol=1e-12, atol=1e-8)
    assert portfolio().value == grid.value
    worst = grid.worst()
    assert grid.pnl.min() == worst[2] <= 0.0 <= grid.best()[2]
    assert 99 == len(grid.to_table())
    assert grid.as_dict()["pnl"] == grid.pnl.tolist()


def test_shares_keep_their_dividends():
    """Over an ex-date the spot falls and the cash is there."""
    held = Portfolio(rows(("XYZ", 100)), analysis())
    still = held.grid(spots=[0.0, 0.1], vols=[0.0], horizon=70)
    assert 0.0 == pytest.approx(still.pnl[0, 0], abs=1e-9)
    assert 100 * 0.1 * (100.0 - 0.8) == pytest.approx(still.pnl[1, 0])


def test_an_ex_date_moves_no_european_value():
    """Its forward holds the dividend before and after; only time has passed."""
    spot, cash, rate, years = 100.0, 2.0, 0.03, 0.5
    prepaid = spot - cash * np.exp(-rate * 0.1)
    one = np.ones(1)
    options = Options(
        right=np.ones(1, np.int8),
        spot=spot * one,
        strike=100 * one,
        years=years * one,
        rate=rate * one,
        dividend_yield=np.log(spot / prepaid) / years * one,
        vol=0.2 * one,
        american=np.zeros(1, bool),
        schedule=np.zeros(1, np.int32),
        underlying=np.zeros(1, np.int32),
        weight=one,
        schedules=((np.array([0.1]), np.array([cash])),),
    )
    before, after = options.after(0.0999), options.after(0.1001)
    assert 98.0 == after.spot[0] == before.spot[0] - cash
    np.testing.assert_allclose(before.price(), after.price(), atol=5e-3)
    assert options is options.after(0.0)
    assert 0.0 == options.after(0.7).price()[0]


def test_time_decay_is_the_horizon():
    """A long straddle loses with time what brute force says, and at expiry its whole time value."""
    straddle = Portfolio(rows((symbols(31, 1)[5], 1), (symbols(31, -1)[5], 1)), analysis())
    week, end = (straddle.grid(spots=[0.0], vols=[0.0], horizon=days).pnl[0, 0] for days in (7, "expiry"))
    assert end < week < 0
    spot = straddle.options.spot[0]
    assert 100 * abs(spot - 100.0) - straddle.value == pytest.approx(end, abs=0.2)


def test_long_and_short_of_the_same_is_nothing():
    """In one book, in every cell."""
    held = Portfolio(rows((symbols()[4], 7), (symbols()[4], -7), ("XYZ", 5), ("XYZ", -5)), analysis())
    assert not held.grid().pnl.any()
    assert 0.0 == held.value


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ({"spots": [-1.0]}, "spots holds -1"),
        ({"spots": [0.1, 0.1]}, "a shock twice"),
        ({"spots": []}, "give one list of 1 to 201"),
        ({"vols": list(range(40))}, "give one list of 1 to 30"),
        ({"vols": ["up"]}, "vols holds nan"),
        ({"vol_unit": "percent"}, "it must be 'relative' or 'points'"),
        ({"sticky": "delta"}, "it must be 'strike' or 'moneyness'"),
        ({"horizon": -1}, "horizon is -1"),
        ({"horizon": "soon"}, "neither a number of days"),
        ({"horizon": "2020-03-02"}, "a date YYYY-MM-DD after the quotes"),
        ({"horizon": "2026-03-08"}, "no trading day"),
    ],
)
def test_wrong_shocks_are_refused(terms, text):
    """With what would be right."""
    with pytest.raises(InputError, match=r"^\[risk.scenario_grid\]") as error:
        portfolio().grid(**terms)
    assert text in str(error.value)


def cold(held, spots, factor, **terms):
    """The grid of a market whose spots and volatilities have moved, solved anew by brute force."""
    from dataclasses import replace

    ratio = np.array(
        [spots.get(name, spot) / spot for name, spot in zip(held.underlyings, held.market.spots, strict=True)]
    )
    moved = replace(
        held.options, spot=held.options.spot * ratio[held.options.underlying], vol=held.options.vol * factor
    )
    shocks = Shocks.of(held, **terms)
    later = at_horizon(moved, shocks)
    vols = np.repeat(shocks.shifted(later.vol)[:, None, :], len(shocks.spots), axis=1)
    values = later.price(*np.broadcast_arrays((later.spot[:, None] * (1 + shocks.spots))[:, :, None], vols))
    gains = moved.weight[:, None, None] * (values - moved.price()[:, None, None])
    paid = paid_to_shares(held, shocks.years)
    totals = np.array([gains[moved.underlying == u].sum(axis=0) for u in range(len(ratio))])
    return book_pnl(held, shocks, totals, np.zeros(len(ratio)), held.market.spots * ratio, paid).sum(axis=0)


@pytest.mark.parametrize("horizon", [0, 5])
def test_the_live_grid_follows_the_market_without_a_solve(horizon):
    """A moved spot and slightly moved volatilities are reads; the result is that of a new grid."""
    held = portfolio()
    shares = np.abs(held.options.weight * np.maximum(held.options.strike, 100) / 100).sum()
    with LiveGrid(held, horizon=horizon, vol_tolerance=0.02, clock=Clock()) as live:
        for price, factor in ((100.0, 1.0), (101.7, 1.0), (97.0, 1.015)):
            grid = live.value({"XYZ": price}, factor)
            expected = cold(held, {"XYZ": price}, factor, horizon=horizon)
            np.testing.assert_allclose(grid.pnl, expected, atol=TENTH_OF_A_CENT * shares)
            assert 0 == grid.solves
        assert 1 == live.builds


def test_a_live_grid_takes_the_ex_dates_within_its_horizon_as_time_passes():
    """Shares receive what goes ex between the moment of the ladders and the horizon, and no more."""
    held = Portfolio(rows(("XYZ", 100)), analysis())
    times, cash = held.market.schedules[held.market.schedule[0]]
    clock, first = Clock(), float(times[0]) * 365
    with LiveGrid(held, spots=[0.0, 0.1], vols=[0.0], horizon=first - 1, clock=clock) as live:
        assert 100 * 0.1 * 100.0 == pytest.approx(live.value().pnl[1, 0])
        for days, paid in ((2.0, float(cash[0])), (first + 0.5, 0.0)):
            clock.now = 86_400 * days
            live.value()
            live.wait()
            assert 100 * 0.1 * (100.0 - paid) == pytest.approx(live.value().pnl[1, 0])


@pytest.mark.parametrize("vol", [1.0, 1.013])
def test_sums_of_ladders_say_what_every_contract_says(vol):
    """At every spot within reach and beside it, in several underlyings, long and short; also where some volatilities moved."""
    held = portfolio()
    shocks = Shocks.of(held)
    options = held.options
    summed, apart = (
        GridLadders(held, options, shocks, drift=0.05, vol_drift=0.05, summed=each) for each in (True, False)
    )
    assert summed.summed
    assert not apart.summed
    size = 2e-5 * np.abs(options.weight * options.strike / 100).sum()
    vols = options.vol.copy()
    vols[::3] *= vol
    for move in (-0.05, -0.0123, 0.0, 0.031, 0.0499, 0.07):
        spot = options.spot * (1 + move)
        for mine, plain in zip(summed.totals(spot, vols), apart.totals(spot, vols), strict=True):
            np.testing.assert_allclose(mine, plain, atol=size)
    lone = options.spot.copy()
    lone[0] *= 1.01
    np.testing.assert_array_equal(summed.totals(lone, vols)[0], apart.totals(lone, vols)[0])


def test_options_in_their_last_hours_are_read_by_themselves():
    """Their payoff bends between two nodes of the sums."""
    from dataclasses import replace

    held = portfolio()
    brief = replace(held.options, years=np.minimum(held.options.years, 2 / 24 / 365))
    shocks = Shocks.of(held)
    summed, apart = (GridLadders(held, brief, shocks, drift=0.05, summed=each) for each in (True, False))
    for move in (0.0, 0.0071):
        spot = brief.spot * (1 + move)
        np.testing.assert_allclose(
            summed.totals(spot, brief.vol)[0], apart.totals(spot, brief.vol)[0], atol=1e-6
        )


def test_ladders_are_rebuilt_behind_when_time_or_volatility_moves():
    """The present ones are read meanwhile, with their age; the next grid is of the new ones."""
    clock = Clock()
    with LiveGrid(portfolio(), time_tolerance=60.0, vol_tolerance=0.01, clock=clock) as live:
        clock.now = 30.0
        assert 30.0 == live.value().age_seconds
        assert 1 == live.builds
        clock.now = 61.0
        assert 61.0 == live.value().age_seconds
        live.wait()
        assert 2 == live.builds
        clock.now = 62.0
        assert 1.0 == live.value().age_seconds
        live.value(vols=1.02)
        live.wait()
        assert 3 == live.builds


def test_a_market_beyond_the_ladders_waits_for_new_ones():
    """Rather than being read where nothing was solved."""
    with LiveGrid(portfolio(), clock=Clock()) as live:
        grid = live.value({"XYZ": 120.0})
        assert grid.solves > 0
        assert 0.0 == grid.age_seconds
        assert live.value(vols=2.0).solves > 0
        assert np.isfinite(live.value().pnl).all()


def test_a_rebuild_that_fails_is_told(monkeypatch):
    """The ladders that there are go on being read."""
    clock = Clock()
    with LiveGrid(portfolio(), clock=clock) as live:
        monkeypatch.setattr(live, "_made", lambda *_: 1 / 0)
        clock.now = 100.0
        live.value()
        live.wait()
        assert any("the last rebuild failed: ZeroDivisionError" in note for note in live.value().notes)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ({"spots": {"ABC": 1.0}}, "spot of 'ABC'"),
        ({"spots": {"XYZ": -1.0}}, "must be a price above 0"),
        ({"vols": [0.2]}, "give 6 volatilities above 0"),
        ({"vols": -1.0}, "one factor above 0"),
    ],
)
def test_a_live_grid_refuses_what_it_cannot_read(call, text):
    """Unknown tickers, prices and volatilities that are none."""
    with LiveGrid(portfolio()) as live, pytest.raises(InputError, match=r"^\[risk.LiveGrid\]") as error:
        live.value(**call)
    assert text in str(error.value)


def test_tolerances_of_zero_are_refused():
    """A grid that is never still would only rebuild."""
    with pytest.raises(InputError, match="time_tolerance is 0"):
        LiveGrid(portfolio(), time_tolerance=0)
