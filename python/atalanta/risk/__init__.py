"""The risk of a book of options and shares: Greeks, scenarios by full revaluation, tails, stresses, margin estimates.

import atalanta
from atalanta.risk import Book, Portfolio

analysis = atalanta.analyze(atalanta.read_chain("spy.csv"), rate=0.04, dividends="dividends.csv")
portfolio = Portfolio(Book.read("book.csv"), analysis)
portfolio.exposures()     # Greeks by underlying and expiry
portfolio.grid().pnl      # spot by volatility
"""

from __future__ import annotations

from atalanta.risk.backtest import Backtest, backtest, historical_forecasts
from atalanta.risk.book import Book
from atalanta.risk.example import example_book
from atalanta.risk.explain import explain, explain_move
from atalanta.risk.exposures import in_dollars
from atalanta.risk.flags import PositionFlag, position_flag_names
from atalanta.risk.grid import Grid, scenario_grid
from atalanta.risk.history import History
from atalanta.risk.live import LiveGrid
from atalanta.risk.margin import MarginEstimate, estimate_margin
from atalanta.risk.portfolio import Portfolio
from atalanta.risk.simulated_history import simulate_history
from atalanta.risk.stresses import STRESSES, Stress, stress
from atalanta.risk.tail import Tail, TailRisk, tail_of, value_at_risk

__all__ = [
    "STRESSES",
    "Backtest",
    "Book",
    "Grid",
    "History",
    "LiveGrid",
    "MarginEstimate",
    "Portfolio",
    "PositionFlag",
    "Stress",
    "Tail",
    "TailRisk",
    "backtest",
    "estimate_margin",
    "example_book",
    "explain",
    "explain_move",
    "historical_forecasts",
    "in_dollars",
    "position_flag_names",
    "scenario_grid",
    "simulate_history",
    "stress",
    "tail_of",
    "value_at_risk",
]
