"""The analysis of a whole chain: about 20,000 rows, and the fit of its forwards alone.

The market is made here, so that the figures need no data; a real index chain of this size takes as long.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.parity_market import Expiry, parity_chain

from atalanta.market.analysis import analyze
from atalanta.market.analysis.forwards import fit_forwards

_STRIKES = np.linspace(3000.0, 6000.0, 185)


@pytest.fixture(scope="module")
def chain():
    """54 expiries of 185 strikes: 19,980 rows, quoted around their true value."""
    days = np.unique(np.geomspace(7, 900, 70).astype(int))[:54]
    market = (
        Expiry(int(day), 4500.0 * math.exp(0.04 * day / 365), math.exp(-0.05 * day / 365)) for day in days
    )
    return parity_chain(*market, strikes=_STRIKES)


@pytest.mark.benchmark(group="analyze-20k")
def test_fit_forwards(benchmark, chain):
    assert len(benchmark(fit_forwards, chain).expiries) == 54


@pytest.mark.benchmark(group="analyze-20k")
def test_analyze(benchmark, chain):
    assert len(benchmark(analyze, chain, threads=1)) == 19_980


@pytest.mark.benchmark(group="analyze-20k")
def test_analyze_with_a_given_rate(benchmark, chain):
    assert len(benchmark(analyze, chain, rate=0.05, threads=1)) == 19_980


@pytest.mark.benchmark(group="analyze-20k")
def test_analyze_shuffled_rows(benchmark, chain):
    """Rows in no order cost the sorting that files mostly save."""
    shuffled = chain.take(np.random.default_rng(1).permutation(len(chain)))
    assert len(benchmark(analyze, shuffled, threads=1)) == 19_980
