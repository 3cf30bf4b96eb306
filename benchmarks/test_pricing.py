"""The kernels through the package: batches by size, single calls, instruction sets, threads.

One processor and CPU time, but for the threads, which are all processors and wall time. `compare.py` divides by the
yardstick, a plain NumPy expression timed in the same run.
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
from atalanta.benchmarking.workloads import ONE_OPTION, market_rows, quoted_rows, tail_rows

SIZES = pytest.mark.parametrize("count", [100, 10_000, 1_000_000])
ROWS = 10_000

# A reading of the CPU clock costs more than a single call: rounds of a millisecond drown it.
cpu_time = partial(pytest.mark.benchmark, timer=time.process_time, min_time=1e-3)
wall_time = partial(pytest.mark.benchmark, timer=time.perf_counter)


@pytest.fixture
def alone():
    """One processor, one thread."""
    threads = atalanta.set_threads(1)
    with one_core():
        yield
    atalanta.set_threads(threads)


def contract(rows):
    """The arguments between the price and the volatility."""
    return rows.right, rows.spot, rows.strike, rows.years, rows.rate


def price(rows, **options):
    return atalanta.price(*contract(rows), rows.vol, dividend_yield=rows.dividend_yield, **options)


def greeks(rows, order, **options):
    return atalanta.greeks(
        *contract(rows), rows.vol, dividend_yield=rows.dividend_yield, order=order, **options
    )


def implied_vol(rows, **options):
    return atalanta.implied_vol(rows.price, *contract(rows), dividend_yield=rows.dividend_yield, **options)


@cpu_time(group="yardstick")
@pytest.mark.usefixtures("alone")
def test_yardstick(benchmark):
    """What this machine makes of NumPy at this moment."""
    values = np.random.default_rng(1).uniform(0.5, 2.0, ROWS)
    assert benchmark(lambda: np.log(values) * np.sqrt(values) + np.exp(-values)).shape == (ROWS,)


@SIZES
@cpu_time(group="price")
@pytest.mark.usefixtures("alone")
def test_price(benchmark, count):
    assert len(benchmark(price, market_rows(count))) == count


@cpu_time(group="price")
@pytest.mark.usefixtures("alone")
def test_price_into_a_given_array(benchmark):
    """Without the allocation of the result."""
    out = np.empty(ROWS)
    assert benchmark(price, market_rows(ROWS), out=out) is out


@SIZES
@pytest.mark.parametrize("order", [1, 2, 3])
@cpu_time(group="greeks")
@pytest.mark.usefixtures("alone")
def test_greeks(benchmark, count, order):
    assert len(benchmark(greeks, market_rows(count), order)) == {1: 7, 2: 10, 3: 13}[order]


@SIZES
@pytest.mark.parametrize("rows_of", [quoted_rows, tail_rows], ids=["market", "tails"])
@cpu_time(group="implied-vol")
@pytest.mark.usefixtures("alone")
def test_implied_vol(benchmark, count, rows_of):
    assert np.isfinite(benchmark(implied_vol, rows_of(count))).all()


@cpu_time(group="single")
@pytest.mark.usefixtures("alone")
def test_one_price(benchmark):
    assert benchmark(atalanta.price, *ONE_OPTION, 0.2) > 0


@cpu_time(group="single")
@pytest.mark.usefixtures("alone")
def test_one_price_with_a_yield(benchmark):
    assert benchmark(atalanta.price, *ONE_OPTION, 0.2, dividend_yield=0.01) > 0


@cpu_time(group="single")
@pytest.mark.usefixtures("alone")
def test_one_set_of_greeks(benchmark):
    assert benchmark(atalanta.greeks, *ONE_OPTION, 0.2).delta > 0


@cpu_time(group="single")
@pytest.mark.usefixtures("alone")
def test_one_implied_vol(benchmark):
    assert benchmark(atalanta.implied_vol, 4.0, *ONE_OPTION) > 0


@pytest.mark.parametrize("isa", supported_isas())
@pytest.mark.parametrize("work", ["price", "greeks", "implied_vol"])
@cpu_time(group="instruction-sets")
@pytest.mark.usefixtures("alone")
def test_instruction_set(benchmark, isa, work):
    """10,000 rows on each; all 13 columns of the Greeks."""
    calls = {
        "price": partial(price, market_rows(ROWS)),
        "greeks": partial(greeks, market_rows(ROWS), 3),
        "implied_vol": partial(implied_vol, quoted_rows(ROWS)),
    }
    with isa_kept():
        _core.select_isa(isa)
        assert benchmark(calls[work]) is not None


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("work", ["price", "greeks", "implied_vol"])
@wall_time(group="threads-1M")
def test_threads(benchmark, threads, work):
    """A million rows on several threads: wall time, all processors."""
    count = 1_000_000
    calls = {
        "price": partial(price, market_rows(count), threads=threads),
        "greeks": partial(greeks, market_rows(count), 1, threads=threads),
        "implied_vol": partial(implied_vol, quoted_rows(count), threads=threads),
    }
    assert benchmark(calls[work]) is not None
