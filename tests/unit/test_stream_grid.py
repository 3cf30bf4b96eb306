"""The scenario grid on a stream: what a grid of the same spots and volatilities says."""

import numpy as np
import pytest

from atalanta import analyze, simulate_chain
from atalanta.errors import InputError
from atalanta.risk import Book, Portfolio, example_book
from atalanta.streaming import Stream, StreamGrid, Universe
from tests.streaming_market import START


@pytest.fixture(scope="module")
def market():
    simulated = simulate_chain(seed=7)
    names = simulated.underlyings["underlying"].tolist()
    borrow = dict(zip(names, simulated.underlyings["borrow"].tolist(), strict=True))
    analysis = analyze(simulated.chain, dividends=simulated.dividends, borrow=borrow)
    portfolio = Portfolio(example_book(analysis), analysis)
    spots = dict(zip(portfolio.underlyings, portfolio.market.spots.tolist(), strict=True))
    return Universe.from_chain(simulated.chain, spots=spots, analysis=analysis), portfolio, spots


def test_it_begins_with_the_portfolio_and_follows_the_spots(market):
    """Without a quote all volatilities are the portfolio's; a tick of a spot is a read at that spot."""
    universe, portfolio, spots = market
    stream = Stream(universe, positions=portfolio.book)
    with StreamGrid(stream, portfolio, spots=[-0.05, 0.0, 0.05], vols=[-0.1, 0.0, 0.1]) as grid:
        assert () == grid.missing
        plain = portfolio.grid(spots=[-0.05, 0.0, 0.05], vols=[-0.1, 0.0, 0.1])
        np.testing.assert_allclose(
            plain.pnl, grid.value().pnl, atol=0.02 * np.abs(portfolio.options.weight).sum()
        )
        name = portfolio.underlyings[0]
        stream.push(
            name, 1.01 * spots[name] - 0.01, 1.01 * spots[name] + 0.01, time_ns=1_800_000_000_000_000_000
        )
        moved = grid.value()
        assert 0 == moved.solves
        assert not np.array_equal(plain.pnl, moved.pnl)
        assert moved.pnl[1, 1] == 0.0


def test_a_contract_that_the_stream_lacks_is_named(market):
    universe, portfolio, _ = market
    fewer = Universe({name: float("nan") for name in universe.tickers})
    with StreamGrid(Stream(fewer), portfolio, spots=[0.0], vols=[0.0]) as grid:
        assert len(grid.missing) == len(portfolio.options)
        assert [[0.0]] == grid.value().pnl.tolist()


def test_what_is_no_stream_and_no_portfolio_is_told(market):
    universe, portfolio, _ = market
    with pytest.raises(InputError, match="it must be a Stream"):
        StreamGrid(universe, portfolio)
    with pytest.raises(InputError, match="it must be a Portfolio"):
        StreamGrid(Stream(universe), portfolio.book)


def test_bad_quotes_and_an_end_leave_the_grid_as_it_is(market):
    """Absent, negative, zero and crossed quotes move no spot; a grid of a stream that has stopped is its last."""
    universe, portfolio, _ = market
    stream = Stream(universe, positions=portfolio.book)
    with StreamGrid(stream, portfolio, spots=[-0.05, 0.0], vols=[0.0]) as grid:
        before, name = grid.value().pnl, portfolio.underlyings[0]
        nan = float("nan")
        for bid, ask in ((nan, nan), (-1.0, -0.5), (0.0, 0.0), (5.0, 4.0)):
            stream.push(name, bid, ask, time_ns=1_800_000_000_000_000_000)
            np.testing.assert_array_equal(before, grid.value().pnl)
        assert stream.stop().exact
        np.testing.assert_array_equal(before, grid.value().pnl)


def test_a_multiplier_of_the_book_counts(market):
    """Ten shares a contract instead of a hundred are a tenth of the Greeks."""
    universe, _, _ = market
    american = universe.contracts["exercise"] == "american"
    symbol = str(universe.contracts["symbol"][~american][40])
    assert 100.0 == universe.contracts["multiplier"][universe.key(symbol) - len(universe.tickers)]

    def value(**more):
        book = {"symbol": [symbol], "quantity": [3], **more}
        stream = Stream(universe, positions=book)
        underlying = str(universe.contracts["underlying"][~american][40])
        spot = float(universe.spots[universe.key(underlying)])
        stream.push(underlying, spot - 0.01, spot + 0.01, time_ns=START)
        return stream.book().delta

    assert 0.0 != value()
    assert value() == value(multiplier=[100])
    assert pytest.approx(value() / 10.0) == value(multiplier=[10])


def test_a_book_says_what_it_holds():
    """Positions of one name are added up, in any style of symbol; shares by ticker."""
    rows = [
        {"symbol": "AAPL240920C00270000", "quantity": -2},
        {"symbol": "AAPL  240920C00270000", "quantity": 5},
        {"symbol": "AAPL", "quantity": 200},
    ]
    assert [3.0, 200.0] == list(Book.read(rows).quantities().values())
