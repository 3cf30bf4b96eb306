"""A market and a book for the tests of risk: an American payer of dividends and a European index, without noise."""

from __future__ import annotations

from functools import cache

import numpy as np

from atalanta.market.analysis import analyze
from atalanta.market.contracts.symbols import format_symbols
from atalanta.risk import Book, Portfolio
from tests.american_market import Stock, american_chain
from tests.parity_market import Expiry, joined, parity_chain

STOCK = Stock()
DAYS = (31, 60, 151)  # Thursday and Fridays
INDEX = Expiry(30, 4515.0, 0.9966)


@cache
def analysis(tolerance="standard"):
    """Calls and puts on XYZ from 80 to 120 at three expiries and on an index at one, quoted about their values."""
    stock = american_chain(STOCK, *DAYS, strikes=np.arange(80.0, 121.0, 4.0), tolerance="standard")
    chain = joined(stock, parity_chain(INDEX, strikes=np.arange(3700.0, 5301.0, 100.0)))
    columns = (chain[name] for name in ("root", "expiry", "right", "strike"))
    named = chain.with_columns(symbol=format_symbols(*columns))
    return analyze(named, rate=0.04, dividends=STOCK.calendar(), tolerance=tolerance)


def symbols(days=31, right=1, name="XYZ"):
    """The symbols of one expiry and side, by strike."""
    chain = analysis()
    own = (chain["underlying"] == name) & (np.abs(chain["days"] - days) < 1.5) & (chain["right"] == right)
    order = np.argsort(chain["strike"][own])
    return chain["symbol"][own][order].tolist()


def rows(*pairs):
    """Positions of (symbol, quantity) pairs."""
    return [{"symbol": symbol, "quantity": quantity} for symbol, quantity in pairs]


@cache
def index_name():
    """The ticker of the index."""
    return next(str(name) for name in analysis()["underlying"] if name != "XYZ")


@cache
def mixed_book() -> Book:
    """Shares, a covered call, short puts of two expiries, and an index put spread."""
    calls, puts, far = symbols(31, 1), symbols(31, -1), symbols(151, -1)
    index = symbols(30, -1, index_name())
    return Book.read(
        rows(
            ("XYZ", 300),
            (calls[7], -3),
            (puts[3], -5),
            (far[2], -2),
            (far[6], 2),
            (index[8], -1),
            (index[5], 1),
        )
    )


@cache
def portfolio() -> Portfolio:
    """The mixed book in the market."""
    return Portfolio(mixed_book(), analysis())
