"""Threads: results never depend on their number, callers do not disturb each other, forks survive."""

import dataclasses
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import atalanta

N = 100_003


@pytest.fixture(scope="module")
def inputs():
    """A batch large enough to be split over threads."""
    rng = np.random.default_rng(11)
    return (
        rng.choice(np.array([1, -1], np.int8), N),
        rng.uniform(50, 150, N),
        rng.uniform(50, 150, N),
        rng.uniform(0.01, 3, N),
        rng.uniform(-0.01, 0.08, N),
        10 ** rng.uniform(-2, 0.8, N),
    )


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_results_do_not_depend_on_the_number_of_threads(inputs, threads):
    """Price, Greeks and implied volatility have the same bits for any count."""
    for order in (1, 2, 3):
        one = atalanta.greeks(*inputs, order=order, threads=1)
        many = atalanta.greeks(*inputs, order=order, threads=threads)
        for name in one:
            np.testing.assert_array_equal(one[name], many[name])
    np.testing.assert_array_equal(one.price, atalanta.price(*inputs, threads=threads))
    vols = [
        atalanta.implied_vol(one.price, *inputs[:5], full_output=True, threads=count)
        for count in (1, threads)
    ]
    np.testing.assert_array_equal(vols[0][0], vols[1][0])
    np.testing.assert_array_equal(vols[0][1], vols[1][1])


LISTED = 5_003
SCHEDULES = [[(0.1, 0.8), (0.35, 0.8), (0.6, 0.8)], [(0.2, 2.5)]]


@pytest.fixture(scope="module")
def listed(inputs):
    """American options with and without dividends before expiry, of every method."""
    columns = tuple(column[:LISTED].copy() for column in inputs)
    columns[5][:] = np.clip(columns[5], 0.05, 1.0)
    of = np.random.default_rng(12).integers(-1, 2, LISTED)
    return columns, {"exercise": "american", "dividends": atalanta.Dividends(SCHEDULES, of=of)}


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_listed_options_do_not_depend_on_the_number_of_threads(listed, threads):
    """American exercise and dividends have the same bits for any count."""
    columns, terms = listed
    one, many = (atalanta.greeks(*columns, **terms, threads=count) for count in (1, threads))
    for name in one:
        np.testing.assert_array_equal(one[name], many[name])
    np.testing.assert_array_equal(one.dividend_delta, many.dividend_delta)
    vols = [
        atalanta.implied_vol(one.price, *columns[:5], **terms, full_output=True, threads=count)
        for count in (1, threads)
    ]
    np.testing.assert_array_equal(vols[0], vols[1])
    early = [
        atalanta.early_exercise(*columns, dividends=terms["dividends"], threads=count)
        for count in (1, threads)
    ]
    for field in dataclasses.fields(early[0]):
        np.testing.assert_array_equal(getattr(early[0], field.name), getattr(early[1], field.name))


def test_concurrent_callers_of_listed_options_get_their_own_results(listed):
    """Eight Python threads that price American rows with dividends at once all get the right answer."""
    columns, terms = listed
    expected = atalanta.price(*columns, **terms, threads=1)
    start = threading.Barrier(8)

    def call(i):
        start.wait()
        return atalanta.price(*columns, **terms, threads=1 + i % 4)

    with ThreadPoolExecutor(8) as executor:
        for result in executor.map(call, range(8)):
            np.testing.assert_array_equal(expected, result)


def test_set_threads_returns_the_count_before():
    """The setter gives back what to restore; None is automatic."""
    automatic = atalanta.set_threads(5)
    try:
        assert 5 == atalanta.cpu_features()["threads"]
        assert 5 == atalanta.set_threads(2)
    finally:
        atalanta.set_threads(None)
    assert automatic == atalanta.cpu_features()["threads"]


def test_concurrent_callers_get_their_own_results(inputs):
    """Eight Python threads that call at once all get the right answer, with and without the pool."""
    expected = atalanta.price(*inputs, threads=1)
    start = threading.Barrier(8)

    def call(i):
        start.wait()
        return [atalanta.price(*inputs, threads=1 + (i + k) % 4) for k in range(6)]

    with ThreadPoolExecutor(8) as executor:
        for results in executor.map(call, range(8)):
            for result in results:
                np.testing.assert_array_equal(expected, result)


def european_batch(inputs, _listed):
    """All Greeks of a large European batch, into memory of its own."""
    atalanta.greeks(*inputs, order=3, out=np.empty((13, N)), threads=1)


def american_batch(_inputs, listed):
    """American prices, some with dividends."""
    columns, terms = listed
    atalanta.price(*columns, **terms, threads=1)


def ladder_batch(_inputs, listed):
    """Ladders of a few rows, read once."""
    columns, _ = listed
    atalanta.Ladder(*(column[:64] for column in columns), exercise="american", threads=1)


@pytest.mark.parametrize("batch", [european_batch, american_batch, ladder_batch])
def test_other_threads_run_during_a_large_batch(inputs, listed, batch):
    """The GIL is released around the work: another thread makes progress while a batch is priced."""
    inside, done = threading.Event(), threading.Event()
    ticks = []

    def count():
        inside.set()
        while not done.is_set():
            ticks.append(None)
            time.sleep(0)  # gives the GIL back, which nothing else would

    counter = threading.Thread(target=count)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)  # without a release, the counter could never run
    try:
        counter.start()
        inside.wait()
        before_batch = len(ticks)
        for _ in range(200):  # a busy machine may not let the counter in at once
            batch(inputs, listed)
            if len(ticks) > before_batch:
                break
        seen = len(ticks) - before_batch
    finally:
        done.set()
        sys.setswitchinterval(before)
        counter.join()
    assert seen > 0


FORK = """
import os, warnings
import numpy as np
import atalanta
warnings.simplefilter("ignore")
spot = np.linspace(50, 150, 200_000)
expected = atalanta.price("call", spot, 100.0, 1.0, 0.02, 0.3, threads=4)
pid = os.fork()
if pid == 0:
    same = np.array_equal(expected, atalanta.price("call", spot, 100.0, 1.0, 0.02, 0.3, threads=4))
    raise SystemExit(0 if same else 3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_has_its_own_pool():
    """A child forked after the pool started prices on its own threads and exits cleanly."""
    done = subprocess.run(
        [sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60, check=True
    )
    assert "0" == done.stdout.strip()


DAEMON = """
import threading, time
import numpy as np
import atalanta
spot = np.linspace(50, 150, {rows})
def forever():
    while True:
        atalanta.price("call", spot, 100.0, 1.0, 0.02, 0.3, threads=2)
for _ in range(3):
    threading.Thread(target=forever, daemon=True).start()
time.sleep({seconds})
"""

GUARDED = """
import threading, time
from atalanta.reliability import Breaker, Policy, Retry
policy = Policy("p", deadline=5.0, breaker=Breaker("b", clock=time.monotonic), retry=Retry(1), clock=time.monotonic)
def forever():
    while True:
        policy.call(sum, range(1000))
for _ in range(3):
    threading.Thread(target=forever, daemon=True).start()
time.sleep({seconds})
"""

ORPHAN = """
import os, sys, warnings
import numpy as np
import atalanta
warnings.simplefilter("ignore")
atalanta.price("call", np.linspace(50, 150, 200_000), 100.0, 1.0, 0.02, 0.3, threads=2)
pid = os.fork()
if pid == 0:
    sys.exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.parametrize(
    "code",
    [
        DAEMON.format(rows=1000, seconds="{seconds}"),
        DAEMON.format(rows=100_000, seconds="{seconds}"),
        GUARDED,
    ],
)
@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3])
def test_the_interpreter_ends_under_daemon_threads(code, seconds):
    """Daemon threads that load the package in their first call, or are in a kernel, do not disturb the end of the process."""
    done = subprocess.run(
        [sys.executable, "-c", code.format(seconds=seconds)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_that_never_prices_exits():
    """A child that only inherited the pool ends normally."""
    done = subprocess.run(
        [sys.executable, "-c", ORPHAN], capture_output=True, text=True, timeout=60, check=True
    )
    assert "0" == done.stdout.strip()


NARROWED = """
import os
import numpy as np
from atalanta import pricing
threads = lambda: [int(name) for name in os.listdir("/proc/self/task")]
strikes = np.linspace(50.0, 150.0, 200_000)
call = lambda: pricing.price("put", 100.0, strikes, 0.5, 0.03, 0.2, threads=2)
call()
for processor in sorted(os.sched_getaffinity(0)):
    for thread in threads():
        os.sched_setaffinity(thread, {processor})
    for _ in range(3):
        call()
    assert all(os.sched_getaffinity(thread) == {processor} for thread in threads()), processor
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no pinning on this platform")
def test_helpers_stay_where_the_process_may_be():
    """Who takes a running process off a processor does not find a helper there after the next call."""
    subprocess.run([sys.executable, "-c", NARROWED], timeout=60, check=True)
