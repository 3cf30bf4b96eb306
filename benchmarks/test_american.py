"""American options with a yield and with cash dividends: classes, chains, irregular rows, vols, instruction sets.

One processor and CPU time. `compare.py` divides by the yardstick of `test_pricing.py`, so run both.
"""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import pytest

import atalanta
from atalanta import _core
from atalanta.benchmarking.instruction_sets import isa_kept, supported_isas
from atalanta.benchmarking.isolation import one_core
from atalanta.benchmarking.listed.rows import (
    american_price,
    chain_quotes,
    chain_rows,
    contract,
    grid_quotes,
    grid_rows,
    irregular_rows,
    terms,
)
from atalanta.pricing import exercise_boundary

ROWS = 1_000
KINDS = {"yield": grid_rows, "chain": chain_rows, "irregular": irregular_rows}

cpu_time = partial(pytest.mark.benchmark, timer=time.process_time, min_time=1e-3)


@pytest.fixture(autouse=True)
def alone():
    """One processor, one thread."""
    threads = atalanta.set_threads(1)
    with one_core():
        yield
    atalanta.set_threads(threads)


@pytest.mark.parametrize("tolerance", ["fast", "standard", "precise"])
@cpu_time(group="american")
def test_american(benchmark, tolerance):
    rows = grid_rows(ROWS)
    assert np.isfinite(benchmark(american_price, rows, rows.vol, tolerance)).all()


@pytest.mark.parametrize("kind", ["chain", "irregular"])
@cpu_time(group="dividends")
def test_dividends(benchmark, kind):
    rows = KINDS[kind](ROWS)
    assert np.isfinite(benchmark(american_price, rows, rows.vol)).all()


@pytest.mark.parametrize("kind", KINDS)
@cpu_time(group="american-greeks")
def test_american_greeks(benchmark, kind):
    """All seven columns, and the sensitivities to the dividends."""
    rows = KINDS[kind](ROWS)
    made = benchmark(atalanta.greeks, *contract(rows), rows.vol, **terms(rows))
    assert np.isfinite(made.vega).all()


@pytest.mark.parametrize("quotes_of", [grid_quotes, chain_quotes], ids=["yield", "chain"])
@cpu_time(group="american-implied-vol")
def test_american_implied_vol(benchmark, quotes_of):
    quotes = quotes_of(ROWS)
    assert np.isfinite(
        benchmark(atalanta.implied_vol, quotes.price, *contract(quotes), **terms(quotes))
    ).all()


@pytest.mark.parametrize("dividends", [None, [(0.1, 0.6), (0.35, 0.6)]], ids=["yield", "cash"])
@cpu_time(group="american-single")
def test_one_american_price(benchmark, dividends):
    """One call on one option."""
    call = partial(
        atalanta.price, "put", 100.0, 105.0, 0.5, 0.04, 0.25, exercise="american", dividends=dividends
    )
    assert benchmark(call) > 5


@pytest.mark.parametrize("dividends", [None, [(0.1, 0.6), (0.35, 0.6)]], ids=["yield", "cash"])
@cpu_time(group="american-boundary")
def test_exercise_boundary(benchmark, dividends):
    """One option at a hundred instants of its life."""
    instants = np.linspace(0.005, 0.5, 100)
    call = partial(exercise_boundary, "put", 105.0, 0.5, 0.04, 0.25, instants, dividends=dividends)
    assert np.isfinite(benchmark(call).boundary).all()


@cpu_time(group="american-two-boundaries")
def test_two_boundaries(benchmark):
    """One option at two hundred spots, with rates at which exercise ends twice."""
    spots = np.linspace(60.0, 120.0, 200)
    call = partial(
        atalanta.greeks, "put", spots, 100.0, 1.0, -0.01, 0.1, dividend_yield=-0.04, exercise="american"
    )
    assert np.isfinite(benchmark(call).vega).all()


@pytest.mark.parametrize("isa", supported_isas())
@pytest.mark.parametrize("kind", ["yield", "chain"])
@cpu_time(group="american-instruction-sets")
def test_american_instruction_set(benchmark, isa, kind):
    rows = KINDS[kind](ROWS)
    with isa_kept():
        _core.select_isa(isa)
        assert np.isfinite(benchmark(american_price, rows, rows.vol)).all()
