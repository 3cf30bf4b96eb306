"""Policies and breakers under threads, and their memory after very many refusals."""

import contextlib
import gc
import random
import threading
import tracemalloc

import pytest

from atalanta.errors import BreakerOpenError
from atalanta.reliability import Breaker, Policy, Retry
from atalanta.testing import FakeClock, no_waiting


def test_a_hundred_thousand_refusals_leave_nothing_behind():
    breaker = Breaker("b", failures=1, open_for=3600.0)
    policy = Policy("p", breaker=breaker)
    with_fallback = Policy("q", breaker=breaker, fallback=lambda: "else")
    breaker.fail(breaker.enter())

    def refuse(times):
        for _ in range(times):
            with contextlib.suppress(BreakerOpenError):
                policy.call(print)
            with_fallback.call(print)

    def held():  # of what was allocated here and in the room: threads of other tests may still end
        gc.collect()
        ours = [tracemalloc.Filter(True, pattern) for pattern in (__file__, "*/atalanta/reliability/*")]
        return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(ours).traces)

    tracemalloc.start()
    try:
        refuse(1_000)
        before = held()
        refuse(50_000)
        grown = held() - before
    finally:
        tracemalloc.stop()
    assert breaker.figures()["refused"] == 102_000
    assert grown < 10_000  # bytes: less than one for ten refusals


def test_threads_get_every_answer_and_leave_nobody_inside():
    policy = Policy(
        "p",
        bulkhead=3,
        breaker=Breaker("b", failures=3, open_for=1e-4, max_open=1e-3, probe_timeout=0.01),
        retry=Retry(2, base=1e-5),
        fallback=lambda: "else",
    )
    sources, lock = [], threading.Lock()

    def work(seed):
        chance, mine = random.Random(seed), []

        def call():
            if chance.random() < 0.4:
                raise OSError
            return "live"

        for _ in range(3_000):
            mine.append(policy.call(call))
        with lock:
            sources.extend(mine)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    with no_waiting():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(sources) == 12_000
    assert all((one.source == "live") == (one.value == "live") for one in sources)
    counts = policy.counts()
    assert counts["live"] == sum(one.source == "live" for one in sources)
    assert counts["live"] + counts["fallback"] == 12_000
    assert (policy.inside, counts["failed"]) == (0, 0)


@pytest.mark.parametrize("good", [True, False])
def test_one_probe_of_many_threads_decides(good):
    clock = FakeClock()
    breaker = Breaker("b", failures=1, open_for=1.0, clock=clock, random=lambda: 0.0)
    policy = Policy("p", breaker=breaker, fallback=lambda: "else")
    for _ in range(20):
        if breaker.state == "closed":
            breaker.fail(breaker.enter())
        clock.advance(100.0)
        calls, gate, others = [], threading.Barrier(6), threading.Semaphore(0)

        def probe(calls=calls, others=others):
            calls.append(None)
            for _ in range(5):
                others.acquire()  # until all the others have been refused
            if not good:
                raise OSError

        def ask(gate=gate, others=others, probe=probe):
            gate.wait()
            if policy.call(probe).cause is not None:
                others.release()

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(calls) == 1
        assert breaker.state == ("closed" if good else "open")
