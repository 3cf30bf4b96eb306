"""Profit and loss explained: parts that sum, dividends in their place, two markets and moves thought of."""

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.analysis import analyze
from atalanta.market.contracts.symbols import format_symbols
from atalanta.risk import Portfolio, explain, explain_move
from atalanta.risk.explain import PARTS
from tests.american_market import Stock, american_chain
from tests.risk_market import STOCK, analysis, portfolio, rows, symbols


def market(days_later, stock=STOCK, keep=slice(None)):
    """The stock's market so many days on, the contracts of the first one."""
    chain = american_chain(
        stock, 31 - days_later, 60 - days_later, strikes=np.arange(80.0, 121.0, 4.0), tolerance="standard"
    )
    moment = chain["quote_time"] + np.timedelta64(days_later, "D")
    expires = chain["expires_at"] + np.timedelta64(days_later, "D")
    chain = chain.with_columns(quote_time=moment, expires_at=expires, expiry=expires.astype("M8[D]"))
    columns = (chain[name] for name in ("root", "expiry", "right", "strike"))
    named = chain.with_columns(symbol=format_symbols(*columns)).take(keep)
    return analyze(named, rate=stock.rate, dividends=stock.calendar())


def summed(table):
    return sum(table[name] for name in PARTS)


def test_parts_sum_to_the_whole():
    """Of every underlying and of the book."""
    table = explain_move(portfolio(), spot=-0.05, vol=0.2, days=3, rate=0.001)
    np.testing.assert_allclose(summed(table), table["pnl"], rtol=1e-13, atol=1e-9)
    np.testing.assert_allclose(table["pnl"], table["after"] - table["before"], atol=1e-7)
    assert "total" == table["underlying"][-1]
    assert table["pnl"][:-1].sum() == pytest.approx(table["pnl"][-1])


def test_a_move_of_one_thing_is_explained_by_its_terms():
    """Spot by delta and gamma, volatility by vega and vomma, days by theta, rates by rho."""
    held = portfolio()
    for terms, names in (
        ({"spot": 0.01}, {"delta", "gamma"}),
        ({"vol": 0.05}, {"vega", "vomma"}),
        ({"days": 1.0}, {"theta"}),
        ({"rate": 0.001}, {"rho"}),
    ):
        table = explain_move(held, **terms)
        moved = {name for name in PARTS if name != "residual" and abs(table[name][-1]) > 1e-9}
        assert names == moved
        assert abs(table["residual"][-1]) < 0.1 * abs(table["pnl"][-1])


def test_an_ex_date_costs_the_option_nothing():
    """What delta loses by the fall of the spot, the dividend term gives back."""
    held = Portfolio(rows((symbols(60, 1)[3], 10), ("XYZ", 100)), analysis())
    table = explain_move(held, days=15)
    assert table["delta"][-1] < 0
    delta = held.greeks.delta[0]
    assert 0.8 * (1000 * delta + 100) == pytest.approx(table["dividend"][-1])
    assert table["delta"][-1] + table["dividend"][-1] == pytest.approx(0.0, abs=1e-9)
    assert abs(table["residual"][-1]) < 0.25 * abs(table["theta"][-1])


def test_two_markets():
    """A fall, a rise of volatility and a week with an ex-date in it: little is left unexplained."""
    book = rows((symbols(31, 1)[5], -10), (symbols(60, -1)[4], 10), ("XYZ", 200))
    after = STOCK._replace(spot=98.0, vol=0.27)
    table = explain(Portfolio(book, market(0)), Portfolio(book, market(7, after)))
    np.testing.assert_allclose(summed(table), table["pnl"], rtol=1e-13, atol=1e-9)
    assert abs(table["residual"][-1]) < 0.1 * max(abs(table["delta"][-1]), abs(table["vega"][-1]))
    assert 0.0 == table["dividend"][-1]


def test_a_changed_forecast_is_a_dividend_term():
    """The dividend ahead is doubled and nothing else changes."""
    doubled = STOCK._replace(dividends=(("2026-03-16", 1.6), ("2026-06-15", 0.8)))
    book = rows((symbols(60, 1)[5], 10))
    table = explain(Portfolio(book, market(0)), Portfolio(book, market(1, doubled)))
    assert table["dividend"][-1] < 0
    rest = table["pnl"][-1] - table["dividend"][-1]
    assert abs(rest) < 0.5 * abs(table["dividend"][-1])


def test_what_expired_in_between_is_worth_its_payoff():
    """The later market does not hold the expiry any more."""
    book = rows((symbols(31, 1)[2], 1))
    later = market(35, keep=slice(22, None))
    held = Portfolio(book, later)
    table = explain(Portfolio(book, market(0)), held)
    payoff = 100 * (later["spot"][0] - 88.0)
    assert payoff == pytest.approx(table["after"][-1])


def test_other_books_and_times_are_refused():
    """The same book, in the order of time, in markets that hold it."""
    first, other = Portfolio(rows(("XYZ", 1)), market(0)), Portfolio(rows(("XYZ", 2)), market(3))
    with pytest.raises(InputError, match="the books differ"):
        explain(first, other)
    split = Portfolio([{"symbol": "XYZ", "quantity": 1, "multiplier": 2}], market(3))
    with pytest.raises(InputError, match="the books differ"):
        explain(first, split)
    with pytest.raises(InputError, match="the earlier one"):
        explain(Portfolio(rows(("XYZ", 2)), market(5)), other)
    with pytest.raises(InputError, match="does not hold XYZ"):
        explain(first, Portfolio(rows(("XYZ", 1)), market(3, Stock(name="ABC"))))
    for terms in ({"spot": -1.0}, {"vol": np.nan}, {"days": -1}, {"rate": np.inf}):
        with pytest.raises(InputError, match="explain_move"):
            explain_move(portfolio(), **terms)
