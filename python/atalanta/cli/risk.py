"""`atalanta risk BOOK`: the risk of a book in a chain. Main entries: `RiskRequest`, `run_risk`, `example_csv`.

A report is made once and shown three ways: `risk_screen`, `risk_document`, `risk_html`. Without a chain the simulated market
of `atalanta demo` is taken, and every page says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atalanta.cli.chain import ChainRequest
from atalanta.cli.risk_request import RiskRequest, horizon_of, numbers
from atalanta.cli.stages import Stage
from atalanta.market.analysis import Analysis, analyze
from atalanta.market.reading.readers import read_chain
from atalanta.market.simulator import simulate_chain
from atalanta.market.table import Table
from atalanta.risk import (
    Book,
    Grid,
    History,
    MarginEstimate,
    Portfolio,
    TailRisk,
    estimate_margin,
    example_book,
    simulate_history,
    stress,
    value_at_risk,
)

__all__ = ["RiskReport", "RiskRequest", "example_csv", "horizon_of", "numbers", "run_risk"]

_DAYS = (1, 10)
_SEED = 7


@dataclass(frozen=True, eq=False)
class RiskReport:
    """All that is said of a book; `market` names where the quotes came from, `simulated` whether they are made up."""

    book: str
    market: str
    simulated: bool
    portfolio: Portfolio
    by_expiry: Table
    by_underlying: Table
    grid: Grid
    tails: tuple[TailRisk, ...]
    stresses: Table
    margins: tuple[MarginEstimate, ...]
    stages: tuple[Stage, ...]
    dividends_given: bool

    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before any figure."""
        portfolio = self.portfolio
        lost = int((~portfolio.matched.priced).sum())
        american = int(portfolio.options.american.sum())
        told = []
        if lost:
            told.append(
                f"{lost:,} of {len(portfolio):,} positions have no value and are in no figure: see the positions"
            )
        if american and not self.dividends_given:
            told.append(
                f"NO DIVIDENDS GIVEN: {american:,} American contracts are valued as if no share went ex before they "
                "expire. Give them: --dividends FILE"
            )
        if self.simulated:
            told.append("the market is simulated: synthetic, not market data. Give one: --chain FILE")
        return tuple(told)

    def notes(self) -> tuple[str, ...]:
        """What was read, matched and assumed, each once."""
        every = (
            *self.portfolio.book.notes,
            *self.grid.notes,
            *(note for tail in self.tails for note in tail.notes),
        )
        return tuple(dict.fromkeys((*every, *self.portfolio.analysis.notes)))


def run_risk(request: RiskRequest, step: Callable[[str], None]) -> RiskReport:
    """Read, match, value and shock.

    Args:
        request: what to do.
        step: told in a few words what is being done.

    Raises:
        InputError: a file, a position, a shock or another option that cannot be used.
    """
    stages: list[Stage] = []

    def timed(name: str, item: str, work: Callable[[], Any], count: Callable[[Any], int]) -> Any:
        step(name)
        begun = time.perf_counter()
        made = work()
        stages.append(Stage(name, time.perf_counter() - begun, count(made), item))
        return made

    book = None if request.book is None else Book.read(request.book)
    analysis = timed("market", "contract", lambda: _analysis(request), len)
    if book is None:
        book = example_book(analysis)
    terms = ChainRequest(Path(), tolerance=request.tolerance).terms()
    portfolio = timed(
        "matching and Greeks",
        "position",
        lambda: _valued(Portfolio(book, analysis, tolerance=terms["tolerance"] or "standard")),
        len,
    )
    grid = timed(
        "scenario grid",
        "value",
        lambda: portfolio.grid(
            spots=request.spots, vols=request.vols, sticky=request.sticky, horizon=request.horizon
        ),
        lambda made: len(portfolio.options) * made.pnl.size,
    )
    history = _history(request, portfolio)
    tails = timed(
        "VaR and ES",
        "value",
        lambda: tuple(value_at_risk(portfolio, history, days=days) for days in _DAYS),
        lambda made: len(portfolio.options) * sum(len(one.pnl) for one in made),
    )
    stresses = timed("stresses", "scenario", lambda: stress(portfolio), len)
    margins = timed("margin", "estimate", lambda: estimate_margin(portfolio), len)
    return RiskReport(
        "example book" if request.book is None else request.book.name,
        _market_name(request),
        request.chain is None,
        portfolio,
        portfolio.exposures("expiry"),
        portfolio.exposures("underlying"),
        grid,
        tails,
        stresses,
        margins,
        tuple(stages),
        request.dividends is not None or request.chain is None,
    )


def example_csv(request: RiskRequest) -> str:
    """The example book on the request's market, as the text of a file that `atalanta risk` reads."""
    book = example_book(_analysis(request))
    lines = [
        f"{symbol},{quantity:g}" for symbol, quantity in zip(book["symbol"], book["quantity"], strict=True)
    ]
    return "\n".join(["symbol,quantity", *lines])


def _valued(portfolio: Portfolio) -> Portfolio:
    """The portfolio with its Greeks at hand, so that the stage that needs them first does not pay for them."""
    portfolio.greeks  # noqa: B018 - computed when first asked for
    return portfolio


def _analysis(request: RiskRequest) -> Analysis:
    given = ChainRequest(
        request.chain or Path(),
        rate=request.rate,
        dividends=request.dividends,
        borrow=request.borrow,
        tolerance=request.tolerance,
    )
    terms = given.terms()
    if request.chain is not None:
        return analyze(read_chain(request.chain), **terms)
    market = simulate_chain(seed=_SEED)
    known = market.underlyings
    if terms["dividends"] is None:
        terms["dividends"] = market.dividends
    if terms["borrow"] is None:
        terms["borrow"] = dict(zip(known["underlying"], known["borrow"].tolist(), strict=True))
    return analyze(market.chain, **terms)


def _history(request: RiskRequest, portfolio: Portfolio) -> History:
    if request.history is not None:
        return History.read(request.history)
    vols = {}
    for u, name in enumerate(portfolio.underlyings):
        own = np.flatnonzero(portfolio.market.underlying == u)
        levels = [float(portfolio.market.smiles[group].at(0.0)) for group in own.tolist()]
        known = [level for level in levels if np.isfinite(level)]
        vols[name] = float(np.median(known)) if known else 0.2
    return simulate_history(vols, seed=_SEED)


def _market_name(request: RiskRequest) -> str:
    if request.chain is None:
        return f"simulated market, seed {_SEED}: synthetic, not market data"
    return request.chain.name
