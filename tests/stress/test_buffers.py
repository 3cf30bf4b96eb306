"""The buffer pool under threads and forks, through Python."""

import os
import queue
import subprocess
import sys
import threading

import numpy as np
import pytest

from atalanta.buffers import BufferPool

#: The pool is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")


def test_arrays_handed_between_threads_stay_whole():
    """Producers fill, consumers check and drop; nothing is left and nothing mixed up."""
    pool = BufferPool(reserve=4 << 30)
    handed = queue.Queue(maxsize=64)
    damaged = []

    def produce(seed):
        random = np.random.default_rng(seed)
        for _ in range(300):
            rows = int(np.exp2(random.uniform(0, 17)))
            array = pool.acquire(rows, tag=f"producer{seed}")
            array[:] = rows
            handed.put(array)

    def consume():
        while (array := handed.get()) is not None:
            if not (array == len(array)).all():
                damaged.append(len(array))

    consumers = [threading.Thread(target=consume) for _ in range(2)]
    producers = [threading.Thread(target=produce, args=(seed,)) for seed in range(4)]
    for thread in consumers + producers:
        thread.start()
    for thread in producers:
        thread.join()
    for _ in consumers:
        handed.put(None)
    for thread in consumers:
        thread.join()
    assert [] == damaged
    seen = pool.statistics()
    assert (0, 1200) == (seen.live_bytes, seen.acquires)
    assert {300} == {seen.tags[f"producer{seed}"].acquires for seed in range(4)}


def test_the_first_buffers_of_a_process_may_be_taken_by_many_threads_at_once():
    """What is looked up then may give up the interpreter's lock: nobody waits for it who has that."""
    program = """
import sys, threading
sys.setswitchinterval(1e-6)
import numpy as np
from atalanta.buffers import BufferPool
pool, together = BufferPool(), threading.Barrier(4)
def first():
    together.wait()
    pool.acquire(1000, np.uint8)
threads = [threading.Thread(target=first, daemon=True) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    for _ in range(5):  # four of five runs hung
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_forked_child_has_a_working_pool():
    """It keeps what the parent had, acquires, releases, and trims."""
    pool = BufferPool(reserve=1 << 30)
    array = pool.acquire(100_000)
    array[:] = 5.0
    child = os.fork()
    if child == 0:
        code = 2  # what an exception would leave
        try:
            fine = array[99_999] == 5.0
            for rows in (10, 1000, 300_000):
                fine = fine and pool.acquire(rows).size == rows
            pool.trim()
            code = 0 if fine and pool.statistics().live_bytes > 0 else 1
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert 0 == os.waitstatus_to_exitcode(status)
    assert 5.0 == array[0]


def test_idle_memory_goes_back_with_no_further_call():
    """And so does the thread that does it."""
    pool = BufferPool(reserve=4 << 30)
    arrays = [pool.acquire(500_000) for _ in range(10)]
    for array in arrays:
        array[:] = 1.0
    peak = pool.statistics().held_bytes
    del array, arrays
    assert pool.statistics().housekeeper
    slept = threading.Event()
    for _ in range(200):
        if pool.statistics().held_bytes <= peak // 10 and not pool.statistics().housekeeper:
            break
        slept.wait(0.02)
    assert pool.statistics().held_bytes <= peak // 10
    assert not pool.statistics().housekeeper
