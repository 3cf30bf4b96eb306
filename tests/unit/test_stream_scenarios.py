"""The scenario ladder in a stream's risk stage: what a live grid says, what it tells of itself, and what it refuses."""

import time

import numpy as np
import pytest

from atalanta import analyze, simulate_chain
from atalanta.errors import InputError
from atalanta.risk import LiveGrid, Portfolio, example_book
from atalanta.streaming import Budget, Scenarios, Stream, StreamSettings, Universe
from tests.streaming_market import START, universe

SPOTS, VOLS = [-0.1, -0.02, 0.0, 0.05], [-0.2, 0.0, 0.3]


@pytest.fixture(scope="module")
def market():
    simulated = simulate_chain(seed=7)
    names = simulated.underlyings["underlying"].tolist()
    borrow = dict(zip(names, simulated.underlyings["borrow"].tolist(), strict=True))
    analysis = analyze(simulated.chain, dividends=simulated.dividends, borrow=borrow)
    portfolio = Portfolio(example_book(analysis), analysis)
    spots = dict(zip(portfolio.underlyings, portfolio.market.spots.tolist(), strict=True))
    return Universe.from_chain(simulated.chain, spots=spots, analysis=analysis), portfolio, spots


def tick(stream, name, spot, when):
    stream.push(name, spot - 0.01, spot + 0.01, time_ns=when)


def test_it_is_the_live_grid_of_the_book_at_every_spot(market):
    """Same book, same market: within a tenth of a cent for each share of a strike of 100."""
    held, portfolio, spots = market
    when = int(portfolio.market.quote_times.max().astype("M8[ns]").astype(np.int64))
    with Stream(held, positions=portfolio.book, scenarios=Scenarios(SPOTS, VOLS)) as stream:
        for name in portfolio.underlyings:
            tick(stream, name, spots[name], when)
        assert np.isnan(stream.scenarios().pnl).all()
        assert stream.refresh()
        size = (
            1e-3 * (np.abs(portfolio.options.weight) * np.maximum(portfolio.options.strike, 100) / 100).sum()
        )
        with LiveGrid(portfolio, spots=SPOTS, vols=VOLS) as live:
            for factor in (1.0, 1.013, 0.96):
                moved = {name: factor * spot for name, spot in spots.items()}
                for name, spot in moved.items():
                    tick(stream, name, spot, when)
                found, expected = stream.scenarios(), live.value(moved, 1.0)
                np.testing.assert_allclose(found.pnl, expected.pnl, atol=size)
                assert found.value == pytest.approx(expected.value, abs=size)
                assert 0.0 == found.pnl[2, 1]
        assert 1 == found.builds
        assert found.age_seconds > 0.0
        assert np.datetime64(when, "ns") == found.market_time
        assert (len(portfolio.options), 0, 0) == (found.contracts, found.left_out, found.pending)
        np.testing.assert_allclose(sum(found.by_underlying.values()), found.pnl)
        assert found.as_dict()["builds"] == 1


def test_a_thread_behind_solves_and_the_axes_need_no_zero():
    """Asked for shocks alone; the cell of no shock is read beside them."""
    with Stream(
        universe("american"), executor="hybrid", positions={"XYZ1": -3.0, "XYZ": 10.0},
        scenarios=Scenarios([-0.1, 0.1], [0.2]),
    ) as stream:  # fmt: skip
        for turn in range(2000):
            tick(stream, "XYZ", 100.0 + 0.001 * (turn % 3), START + turn)
            grid = stream.scenarios()
            if np.isfinite(grid.pnl).all():
                break
            time.sleep(0.002)
    assert (2, 1) == grid.pnl.shape
    assert np.isfinite(grid.pnl).all()
    assert grid.shocks.spots.tolist() == [-0.1, 0.1]
    assert not grid.notes


def test_it_degrades_within_its_budget():
    """A late batch reads the sums alone, its results are flagged, and what waits is told."""
    settings = StreamSettings(risk=Budget(1e-9, "degrade"))
    stream = Stream(universe(), settings=settings, positions={"XYZ1": 1.0}, scenarios=Scenarios())
    tick(stream, "XYZ", 100.0, START)
    stream.refresh()
    stream.push("XYZ1", 2.0, 2.1, time_ns=START)
    assert 1 == stream.scenarios().pending
    assert any("they count as they were" in note for note in stream.scenarios().notes)
    assert stream.snapshot().seen["degraded"] > 0
    with pytest.raises(InputError, match="risk cannot degrade"):
        Stream(universe(), settings=settings)


def test_nan_quotes_and_unknown_volatilities_are_no_numbers_by_stealth():
    """Contracts without a volatility are in no cell, and it is said; a quote without a side changes nothing."""
    stream = Stream(universe(vol=np.nan), positions={"XYZ1": 1.0, "XYZ3": 1.0}, scenarios=Scenarios())
    tick(stream, "XYZ", 100.0, START)
    stream.refresh()
    grid = stream.scenarios()
    assert 2 == grid.left_out
    assert any("in no cell" in note for note in grid.notes)
    stream.push("XYZ1", 2.0, 2.1, time_ns=START)
    stream.refresh()
    before = stream.scenarios()
    assert 1 == before.left_out
    stream.push("XYZ1", float("nan"), float("nan"), time_ns=START)
    assert before.pnl.tolist() == stream.scenarios().pnl.tolist()


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ({"spots": [-2.0]}, "spots holds -2"),
        ({"vol_unit": "percent"}, "it must be 'relative' or 'points'"),
        ({"vol_tolerance": 0.0}, "vol_tolerance is 0.0"),
        ({"spot_drift": float("nan")}, "spot_drift is nan"),
        ({"time_tolerance": -1}, "time_tolerance is -1"),
        ({"reads": 0}, "reads is 0"),
        ({"reads": True}, "reads is True"),
        ({"spots": [-0.99, 4.0]}, "lie too far apart"),
    ],
)
def test_what_cannot_be_used_is_refused(terms, text):
    """With what would be right."""
    with pytest.raises(InputError) as error:
        Stream(universe(), scenarios=Scenarios(**terms))
    assert text in str(error.value)


def test_a_stream_without_scenarios_says_so():
    """And one without the risk stage cannot have them."""
    stream = Stream(universe())
    assert not stream.has_scenarios
    with pytest.raises(InputError, match=r"scenarios=Scenarios\(\)"):
        stream.scenarios()
    with pytest.raises(InputError, match="need the risk stage"):
        Stream(universe(), settings=StreamSettings(stages=2), scenarios=Scenarios())
    with pytest.raises(InputError, match=r"Scenarios\(\.\.\.\) or None"):
        Stream(universe(), scenarios=True)
