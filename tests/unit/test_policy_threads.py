"""Calls that are left behind: they are counted, bounded, and keep no process from ending."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from atalanta.errors import BulkheadFullError, DeadlineError, InputError
from atalanta.reliability import Breaker, Hedge, Policy, Refused, Retry, collecting
from atalanta.reliability.calling import _THREADS
from atalanta.reliability.threads import Threads


def until(condition):
    """Wait until it holds."""
    end = time.monotonic() + 30.0
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def hanging():
    """A function that hangs until the test ends."""
    release = threading.Event()
    yield lambda: release.wait(60.0)
    release.set()


def test_a_call_left_behind_is_counted_until_it_ends():
    """By the policy: how many there were, and how many there are."""
    release = threading.Event()
    policy = Policy("p", deadline=0.2, hedge=Hedge(after=0.01))
    with pytest.raises(DeadlineError):
        policy.call(lambda: release.wait(60.0))
    left = policy.left_behind
    assert left in (1, 2)  # a busy machine may have no time for the second
    assert left == policy.counts()["left_behind"]
    release.set()
    until(lambda: policy.left_behind == 0)
    assert left == policy.counts()["left_behind"]


def test_on_an_executor_of_ones_own_it_is_counted_too():
    """What that holds is its owner's business."""
    with ThreadPoolExecutor(1) as executor:
        policy = Policy("p", deadline=0.2, executor=executor)
        released = threading.Event()
        with pytest.raises(DeadlineError):
            policy.call(lambda: released.wait(60.0))
        assert 1 == policy.left_behind
        released.set()


def test_when_they_hold_all_threads_a_call_is_refused_and_says_so():
    """Its fallback answers; the breaker and the bulkhead know nothing of it; when they end it goes on."""
    release = threading.Event()
    policy = Policy("p", deadline=0.2, hedge=Hedge(after=0.01, most=8), breaker=Breaker("b", failures=1000))
    while policy.left_behind < _THREADS:
        with pytest.raises(DeadlineError):
            policy.call(lambda: release.wait(60.0))
    failed = policy.breaker.figures()["failed"]
    with (
        collecting() as events,
        pytest.raises(BulkheadFullError, match="calls that were left behind still run"),
    ):
        policy.call(lambda: 5)
    assert ["left_behind"] == [one.reason for one in events if isinstance(one, Refused)]
    assert (failed, 0) == (policy.breaker.figures()["failed"], policy.inside)
    release.set()
    until(lambda: policy.left_behind == 0)
    assert 5 == policy.call(lambda: 5).value


def test_a_refusal_for_want_of_threads_is_not_retried(hanging, monkeypatch):
    """And its fallback answers."""
    monkeypatch.setattr("atalanta.reliability.calling._THREADS", 1)
    policy = Policy(
        "p", deadline=0.2, hedge=Hedge(after=0.01), retry=Retry(5, base=1e-3), fallback=lambda: "spare"
    )
    assert "fallback:<lambda>" == policy.call(hanging).source
    before = policy.counts()
    assert "spare" == policy.call(hanging).value
    assert (before["retries"], before["hedges"]) == (policy.counts()["retries"], policy.counts()["hedges"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_process_has_none_of_them():
    """Neither threads nor what they run."""
    code = (
        "import os, threading, warnings\n"
        "from atalanta.reliability import Hedge, Policy\n"
        "warnings.simplefilter('ignore')\n"
        "policy = Policy('p', deadline=0.2, hedge=Hedge(after=0.01))\n"
        "try: policy.call(threading.Event().wait)\n"
        "except Exception: pass\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    right = (policy.left_behind, policy.call(lambda: 5).value, policy.left_behind) == (0, 5, 0)\n"
        "    os._exit(0 if right else 3)\n"
        "print(policy.left_behind > 0, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    assert "True 0" == run(code)


def test_a_call_that_never_ends_does_not_keep_the_process():
    """Its thread is a daemon."""
    code = (
        "import threading\n"
        "from atalanta.reliability import Hedge, Policy\n"
        "policy = Policy('p', deadline=0.2, hedge=Hedge(after=0.01), fallback=lambda: 7)\n"
        "print(policy.call(threading.Event().wait).value)\n"
    )
    assert "7" == run(code)


def run(code):
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.strip()


def test_threads_are_made_when_none_is_idle():
    """And used again."""
    threads, names = Threads(4, "t"), set()
    for _ in range(20):
        names.add(threads.submit(threading.get_ident).result(30))
        until(lambda: threads._idle == threads._alive)
    assert 1 == len(names) == threads._alive
    gate = threading.Barrier(5)
    futures = [threads.submit(gate.wait) for _ in range(4)]
    late = threads.submit(lambda: 5)  # more than there may be: it waits for one
    assert not late.running()
    gate.wait(30)
    assert 5 == late.result(30)
    assert 4 == len([one.result(30) for one in futures]) == threads._alive


def test_idle_threads_end(monkeypatch):
    """After a while, and others take their place."""
    monkeypatch.setattr("atalanta.reliability.threads._IDLE_SECONDS", 0.01)
    threads = Threads(2, "t")
    assert 3 == threads.submit(lambda: 3).result(30)
    until(lambda: threads._alive == 0)
    assert 4 == threads.submit(lambda: 4).result(30)


def test_threads_carry_errors_and_cancellations():
    """As any executor does."""
    threads = Threads(1, "t")
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 / 0).result(30)
    with pytest.raises(SystemExit):
        threads.submit(sys.exit).result(30)
    release = threading.Event()
    first, second = threads.submit(release.wait, 60), threads.submit(release.wait, 60)
    assert second.cancel()
    release.set()
    assert first.result(30)
    assert 5 == threads.submit(lambda: 5).result(30)


def test_a_machine_that_refuses_threads(monkeypatch):
    """The first is an error; with one there the call waits for it."""
    threads = Threads(2, "t")
    release = threading.Event()

    def refuse(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            threads.submit(release.wait)
    first = threads.submit(release.wait, 60)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        second = threads.submit(lambda: 5)
    release.set()
    assert (True, 5) == (first.result(30), second.result(30))


def test_many_calls_at_once_are_all_answered():
    """From many threads, with more calls than threads."""
    threads = Threads(3, "t")
    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(lambda n: threads.submit(lambda: n * n).result(30), range(500)))
    assert [n * n for n in range(500)] == found
    assert threads._alive <= 3


def test_a_mistake_on_a_thread_is_no_failure():
    """A coroutine function on an executor: nothing of it ran."""

    async def awaited():
        raise AssertionError

    policy = Policy("p", hedge=Hedge(after=10.0), breaker=Breaker("b", failures=1), fallback=lambda: 1)
    with pytest.raises(InputError, match="await acall instead"):
        policy.call(awaited)
    assert ("closed", 0) == (policy.breaker.state, policy.inside)


def test_an_awaited_hedge_needs_no_thread(monkeypatch):
    """Tasks are cancelled, and never left behind."""
    monkeypatch.setattr("atalanta.reliability.calling._THREADS", 0)

    async def body():
        return await Policy("p", hedge=Hedge(after=0.001)).acall(asyncio.sleep, 0.02, 5)

    assert 5 == asyncio.run(body()).value
