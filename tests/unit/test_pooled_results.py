"""Large results and the columns of an analysis live in the process's pool; nothing else about them changes."""

import dataclasses
import gc
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import atalanta
from atalanta import _core, buffers, pricing
from atalanta.buffers import BufferPool, default_pool
from atalanta.errors import InputError
from atalanta.market.simulator import simulate_chain

MIB = 1 << 20
ROWS = 20_000


@pytest.fixture(autouse=True)
def settled_pool():
    """No garbage of earlier tests counts as live, and no limit or guard stays behind."""
    gc.collect()
    yield
    default_pool.set_limit(None)
    default_pool.set_guard("off")


@pytest.fixture
def at_its_limit():
    """A pool that has no more to give."""
    default_pool.set_limit(max(64, default_pool.statistics().live_bytes))


def options(rows=ROWS, seed=1):
    random = np.random.default_rng(seed)
    right = np.where(random.random(rows) < 0.5, 1, -1).astype(np.int8)
    strike, vol = random.uniform(50.0, 150.0, rows), random.uniform(0.05, 0.6, rows)
    vol[:: rows // 10] = np.nan  # rows without a result
    strike[1 :: rows // 10] = -5.0
    return right, 100.0, strike, random.uniform(0.01, 2.0, rows), 0.03, vol


def quotes(rows=ROWS):
    right, spot, strike, years, rate, vol = options(rows)
    price = pricing.price(right, spot, strike, years, rate, vol)
    price[2 :: rows // 10] = 1e6  # above any bound
    return price, right, spot, strike, years, rate


def tag(name):
    return buffers.statistics().tags[name]


def live(name):
    return tag(name).live_bytes


def columns(result):
    return tuple(result[name] for name in result)


def fields(result):
    return tuple(getattr(result, field.name) for field in dataclasses.fields(result))


def cash_dividends():
    return pricing.Dividends([[(0.1, 1.0), (0.6, 1.5)]])


#: Every function that gives large results: its tag, and the results as a tuple of arrays.
CALLS = {
    "price": ("pricing.price", lambda: (pricing.price(*options()),)),
    "american price": ("pricing.price", lambda: (pricing.price(*options(2000), exercise="american"),)),
    "greeks 1": ("pricing.greeks", lambda: columns(pricing.greeks(*options(), order=1))),
    "greeks 3": ("pricing.greeks", lambda: columns(pricing.greeks(*options(), order=3))),
    "american greeks": (
        "pricing.greeks",
        lambda: columns(pricing.greeks(*options(2000), exercise="american")),
    ),
    "implied vol": ("pricing.implied_vol", lambda: pricing.implied_vol(*quotes(), full_output=True)),
    "early exercise": ("pricing.early_exercise", lambda: fields(atalanta.early_exercise(*options(2000)))),
}


# --- what is pooled ---


@pytest.mark.parametrize("call", CALLS)
def test_large_results_come_from_the_pool_and_return_to_it(call):
    """Under the tag of their function; the memory returns with the last view."""
    name, run = CALLS[call]
    before, acquires = live(name), tag(name).acquires
    results = run()
    assert tag(name).acquires > acquires
    assert live(name) > before
    view = results[0][5:10]
    del results
    assert live(name) > before
    del view
    assert live(name) == before


def test_greeks_with_dividends_are_pooled_too():
    """So is what each dividend changes."""
    before, acquires = live("pricing.greeks"), tag("pricing.greeks").acquires
    values = pricing.greeks(*options(1100), exercise="european", dividends=cash_dividends())
    assert tag("pricing.greeks").acquires == acquires + 2
    del values
    assert live("pricing.greeks") == before


def test_ladders_are_read_into_the_pool():
    """Price, delta, gamma and theta of many spots."""
    ladder = pricing.Ladder(1, 100.0, 100.0, 0.5, 0.03, 0.2, exercise="american")
    before = live("pricing.ladder")
    values = ladder.at(np.linspace(90.0, 110.0, ROWS))
    assert live("pricing.ladder") >= before + 4 * 8 * ROWS
    del values
    assert live("pricing.ladder") == before


def test_small_results_and_single_options_take_nothing_from_the_pool():
    """Below some KiB NumPy's own memory is as quick."""
    before = buffers.statistics().acquires
    assert isinstance(pricing.price(1, 100.0, 100.0, 1.0, 0.03, 0.2), float)
    pricing.greeks(1, 100.0, 100.0, 1.0, 0.03, 0.2)
    small = pricing.price(1, 100.0, np.linspace(90.0, 110.0, 100), 1.0, 0.03, 0.2)
    assert small.base is None
    assert buffers.statistics().acquires == before


def test_the_pool_of_a_result_is_the_default_one():
    """Its buffer says so, and the pool knows it as its own."""
    values = pricing.price(*options())
    assert values.base.pool is default_pool
    assert default_pool.owns(values)
    with pytest.raises(InputError, match="an array lives in it"):
        values.base.release()


def test_a_callers_own_array_is_not_pooled():
    """Nothing is acquired when `out` is given."""
    out = np.empty(ROWS)
    before = tag("pricing.price").acquires
    assert pricing.price(*options(), out=out) is out
    assert tag("pricing.price").acquires == before


def test_results_are_arrays_like_any_other():
    """Writable, contiguous, aligned; they survive pickling and can be copied."""
    values = pricing.price(*options())
    assert values.flags.c_contiguous
    assert values.flags.writeable
    assert 0 == values.ctypes.data % 64
    again = pickle.loads(pickle.dumps(values))
    np.testing.assert_array_equal(again, values)
    values += 1.0
    np.testing.assert_array_equal(values.copy(), values)


# --- what is in the memory ---


@pytest.mark.parametrize("call", CALLS)
def test_nothing_of_earlier_memory_is_left_in_a_result(call):
    """Blocks full of another number give the same bits as fresh ones."""
    _, run = CALLS[call]
    expected = [np.array(column) for column in run()]
    for fill in (0x00, 0x5A):
        used = [default_pool.acquire(rows, np.uint8) for rows in range(8 << 10, 4 << 20, 100_000)]
        for block in used:
            block[:] = fill
        del used, block
        for column, wanted in zip(run(), expected, strict=True):
            assert column.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("call", CALLS)
def test_kernels_stay_within_their_results(call):
    """Full guards find no write beyond the end and none after the release."""
    _, run = CALLS[call]
    default_pool.faults()
    default_pool.set_guard("full")
    for _ in range(3):
        run()
    assert [] == default_pool.faults()


# --- limits ---


@pytest.mark.usefixtures("at_its_limit")
@pytest.mark.parametrize("call", CALLS)
def test_at_the_limit_results_come_from_the_system_and_are_counted(call):
    """A user's limit costs speed, never a result."""
    name, run = CALLS[call]
    fallbacks, before, total = tag(name).fallbacks, live(name), buffers.statistics().fallbacks
    limited = run()
    assert tag(name).fallbacks > fallbacks
    assert buffers.statistics().fallbacks > total
    assert live(name) == before
    default_pool.set_limit(None)
    for column, wanted in zip(limited, run(), strict=True):
        assert column.tobytes() == wanted.tobytes()


def test_results_count_against_the_limit():
    """While they live, `acquire` finds less."""
    base = default_pool.statistics().live_bytes
    default_pool.set_limit(base + 2 * MIB)
    values = pricing.price(*options(200_000))  # a block of 1.625 MiB
    with pytest.raises(atalanta.errors.BufferLimitError):
        default_pool.acquire(MIB, np.uint8)
    del values
    assert default_pool.acquire(MIB, np.uint8).size == MIB


def test_a_pool_that_the_system_refuses_costs_no_result():
    """With too few addresses for a pool, results are NumPy's own."""
    done = _python(
        """
        import resource, numpy as np
        import atalanta.pricing as pricing
        pages = int(open("/proc/self/statm").read().split()[0])
        most = pages * resource.getpagesize() + (48 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        values = pricing.price(1, 100.0, np.linspace(90.0, 110.0, 50_000), 1.0, 0.03, 0.2, threads=1)
        assert values.base is None and np.isfinite(values).all()
        """
    )
    assert (0, "") == (done.returncode, done.stderr)


# --- threads, forks, the end ---


def test_a_result_may_die_in_another_thread():
    """Its memory is in the pool all the same."""
    before = live("pricing.price")
    box = [pricing.price(*options())]
    thread = threading.Thread(target=box.clear)
    thread.start()
    thread.join()
    assert live("pricing.price") == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_prices_in_the_pool():
    """It drops what the parent made and makes its own."""
    done = _python(
        """
        import os, numpy as np
        from atalanta import buffers, pricing
        strikes = np.linspace(50.0, 150.0, 50_000)
        run = lambda: pricing.price(1, 100.0, strikes, 1.0, 0.03, 0.2, threads=1)
        values = run()
        copy = values.copy()
        child = os.fork()
        if child == 0:
            code = 2
            try:
                fine = (values == copy).all()
                values = None
                fine = fine and (run() == copy).all()
                fine = fine and buffers.statistics().tags["pricing.price"].live_bytes == 0
                code = 0 if fine else 1
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert (values == copy).all()
        """
    )
    assert (0, "") == (done.returncode, done.stderr)


def test_results_that_outlive_everything_end_quietly():
    """In globals, in a cycle, in a callback at exit and in a thread that is still at work."""
    done = _python(
        """
        import atexit, threading, time, numpy as np
        from atalanta import pricing
        strikes = np.linspace(50.0, 150.0, 200_000)
        run = lambda: pricing.greeks(1, 100.0, strikes, 1.0, 0.03, 0.2)
        kept = run()
        cycle = [run()]
        cycle.append(cycle)
        atexit.register(lambda: run())
        def work():
            while True:
                run()
        threading.Thread(target=work, daemon=True).start()
        time.sleep(0.05)
        """
    )
    assert (0, "") == (done.returncode, done.stderr)


def test_the_default_pool_is_made_once():
    """Results made before the room is imported are in its pool."""
    done = _python(
        """
        import sys, numpy as np
        from atalanta import pricing
        values = pricing.price(1, 100.0, np.linspace(50.0, 150.0, 50_000), 1.0, 0.03, 0.2)
        assert "atalanta.buffers" not in sys.modules
        pool = values.base.pool
        from atalanta import buffers
        assert pool is buffers.default_pool and pool.owns(values)
        del buffers.default_pool  # the object may go; what is behind it stays
        del pool
        assert np.isfinite(values).all()
        values = pricing.price(1, 100.0, np.linspace(50.0, 150.0, 50_000), 1.0, 0.03, 0.2)
        """
    )
    assert (0, "") == (done.returncode, done.stderr)


def _python(text):
    lines = text.splitlines()
    script = "\n".join(line[8:] for line in lines)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


# --- the analysis of a chain ---


@pytest.fixture(scope="module")
def chain():
    """Large enough that its columns are."""
    market = simulate_chain(seed=3).chain
    return market.take(np.tile(np.arange(len(market)), -(-ROWS // len(market))))


def test_the_columns_of_an_analysis_live_in_the_pool(chain):
    """Under the tag 'analysis', scratch too; all of it returns."""
    atalanta.analyze(chain)  # what the router measures itself on in its first call, it keeps
    gc.collect()
    before, acquires = live("analysis"), tag("analysis").acquires
    analysis = atalanta.analyze(chain)
    assert tag("analysis").acquires > acquires
    assert live("analysis") > before
    assert default_pool.owns(analysis["mid"])
    del analysis
    gc.collect()
    assert live("analysis") == before


def test_an_analysis_at_the_limit_is_the_same(chain):
    """Its columns come from the system then, which is counted."""
    expected = atalanta.analyze(chain)
    gc.collect()
    fallbacks = tag("analysis").fallbacks
    default_pool.set_limit(max(64, default_pool.statistics().live_bytes))
    limited = atalanta.analyze(chain)
    assert tag("analysis").fallbacks > fallbacks
    for name in expected.columns:
        np.testing.assert_array_equal(limited[name], expected[name])


def test_the_handler_before_is_in_force_again_after_an_analysis(chain):
    """After an error too."""
    before = _core.set_numpy_handler(None)
    _core.set_numpy_handler(before)
    atalanta.analyze(chain.take(slice(0, 50)))
    with pytest.raises(InputError):
        atalanta.analyze(chain, rate="high")
    after = _core.set_numpy_handler(before)
    assert after is before


# --- the handler that falls back ---


def test_a_handler_may_fall_back_at_the_limit():
    """Empty, zeroed and grown arrays; each is released where it came from."""
    pool = BufferPool(limit=MIB, reserve=1 << 30)
    with pool.numpy(tag="scratch", fall_back=True):
        first = np.empty(MIB // 8)
        second = np.full(MIB // 8, 3.0)
        zeros = np.zeros(MIB // 8)
    assert pool.owns(first)
    assert not pool.owns(second)
    assert not pool.owns(zeros)
    assert not zeros.any()
    assert 2 == pool.statistics().tags["scratch"].fallbacks
    second.resize(MIB, refcheck=False)
    assert (3.0, 0.0) == (second[0], second[-1])
    del first, second, zeros
    assert 0 == pool.statistics().live_bytes


@pytest.mark.parametrize("name", [5, None, b"scratch"])
def test_the_tag_of_a_handler_is_a_text(name):
    """Else it is told."""
    with (
        pytest.raises(InputError, match=r"^\[buffers\.numpy\] tag="),
        BufferPool(reserve=1 << 30).numpy(tag=name),
    ):
        pass
