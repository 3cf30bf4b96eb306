"""The shared router under many threads and forks: the kernels' bits, whatever is decided, learnt or failing meanwhile."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import atalanta
from atalanta import pricing
from atalanta.compute import default_router

SIZES = [100, 1_500, 9_000, 20_000, 60_000]


def test_concurrent_routed_calls_give_the_kernels_bits():
    """While the router learns, is pinned, told of failures and calibrated again."""
    rng = np.random.default_rng(8)
    spots = [rng.uniform(80, 120, n) for n in SIZES]
    exact = [pricing.price("call", spot, 100.0, 0.5, 0.03, 0.2) for spot in spots]
    router = default_router()

    def price(turn):
        which = turn % len(SIZES)
        made = atalanta.price("call", spots[which], 100.0, 0.5, 0.03, 0.2)
        return np.array_equal(exact[which], made)

    def disturb(turn):
        router.pin("price", [None, "cpu:one", "cpu:pool"][turn % 3])
        router._core.fail(router.targets.index("cpu:pool"), turn)
        if turn == 10:
            router.calibrate(budget=0.01)
        router.explain("price", 20_000)
        return True

    try:
        with ThreadPoolExecutor(6) as threads:
            jobs = [threads.submit(price, turn) for turn in range(300)]
            jobs += [threads.submit(disturb, turn) for turn in range(30)]
            assert all(job.result() for job in jobs)
    finally:
        router.pin("price", None)


FORKED = """
import os, warnings
import numpy as np
import atalanta
from atalanta import pricing
warnings.simplefilter("ignore")
spot = np.linspace(50, 150, 100_000)
exact = pricing.price("call", spot, 100.0, 1.0, 0.02, 0.3)
atalanta.price("call", spot, 100.0, 1.0, 0.02, 0.3)
pid = os.fork()
if pid == 0:
    same = all(np.array_equal(exact, atalanta.price("call", spot, 100.0, 1.0, 0.02, 0.3)) for _ in range(50))
    os._exit(0 if same else 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_routes_on():
    """With the calibration of its parent and a pool of its own."""
    done = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=True
    )
    assert "0" == done.stdout.strip()
