"""The risk stage of a stream that keeps the scenario ladder of the book: what a tick and a quote take. Main entry: `stage_latencies`."""

from __future__ import annotations

from typing import Any

import numpy as np

from atalanta.risk import Portfolio
from atalanta.streaming import Latency, Scenarios, Stream, Universe

__all__ = ["stage_latencies"]

_SEED = 11


def stage_latencies(portfolio: Portfolio, ticks: int) -> dict[str, Latency]:
    """Service times of the risk stage, Greeks and scenario ladder, event by event on the caller's thread.

    Args:
        portfolio: of one underlying.
        ticks: events of each kind.

    Returns:
        'tick': the underlying moves, and no volatility. 'quote': a contract's volatility moves, by less than asks for new
        ladders.
    """
    chain: Any = portfolio.analysis  # its columns are the chain's
    universe = Universe.from_chain(chain, analysis=portfolio.analysis)
    name, spot = portfolio.underlyings[0], float(portfolio.market.spots[0])
    when = int(portfolio.market.quote_times.max().astype("M8[ns]").astype(np.int64))
    stream = Stream(universe, positions=portfolio.book, scenarios=Scenarios())
    walk = np.random.default_rng(_SEED)
    stream.push(name, spot - 0.005, spot + 0.005, time_ns=when)
    stream.refresh()
    found = {}
    stream.clear_latencies()
    for move in (0.002 * walk.standard_normal(ticks).clip(-5, 5)).tolist():
        at = spot * (1 + move)
        stream.push(name, at - 0.005, at + 0.005, time_ns=when)
    found["tick"] = stream.snapshot().latency["risk.service"]
    stream.push(name, spot - 0.005, spot + 0.005, time_ns=when)
    state = stream.contracts()
    known = np.flatnonzero(np.isfinite(state["price"]) & (state["vega"] > 0.1))
    stream.clear_latencies()
    for row in known[walk.integers(0, len(known), ticks)].tolist():
        mid = float(
            state["price"][row] + 0.002 * state["vol"][row] * state["vega"][row] * walk.uniform(-1, 1)
        )
        stream.push(str(state["symbol"][row]), mid - 0.005, mid + 0.005, time_ns=when)
    found["quote"] = stream.snapshot().latency["risk.service"]
    return found
