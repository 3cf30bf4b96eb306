"""The analysis of an American chain with cash dividends: 5,000 rows, and the fit of its forwards alone.

The market is made here, so that the figures need no data.
"""

from __future__ import annotations

import numpy as np
import pytest
from tests.american_market import Stock, american_chain

from atalanta.market.analysis import analyze
from atalanta.market.analysis.forwards import fit_forwards

_STOCK = Stock(
    spot=450.0,
    dividends=(("2026-03-16", 1.6), ("2026-06-15", 1.7), ("2026-09-14", 1.7), ("2026-12-14", 1.9)),
    vol=0.17,
)
_TERMS = {"rate": _STOCK.rate, "dividends": _STOCK.calendar()}


@pytest.fixture(scope="module")
def chain():
    """25 expiries of 100 strikes: 5,000 rows, quoted around their true value."""
    days = np.unique(np.geomspace(3, 400, 34).astype(int))[:25]
    return american_chain(
        _STOCK, *days.tolist(), strikes=np.linspace(300.0, 597.0, 100), tolerance="standard"
    )


@pytest.mark.benchmark(group="analyze-american-5k")
def test_fit_american_forwards(benchmark, chain):
    assert len(benchmark(fit_forwards, chain, threads=1, **_TERMS).expiries) == 25


@pytest.mark.benchmark(group="analyze-american-5k")
def test_analyze_american(benchmark, chain):
    assert len(benchmark(analyze, chain, threads=1, **_TERMS)) == 5_000
