"""Edges of policies at which something was silent, leaked or was lost. Each test names its own."""

import asyncio
import contextvars
import gc
import os
import subprocess
import sys

import pytest

from atalanta.errors import InputError
from atalanta.reliability import Breaker, BreakerSettings, Cache, Fallback, Hedge, Plan, Policy, Retry, chain
from atalanta.testing import FakeClock


async def coroutine_function(*_):
    return 1


def broken(*_):
    raise OSError("gone")


class PlainThenCoroutine:
    """Fails, and then gives a coroutine."""

    calls = 0

    def __call__(self):
        self.calls += 1
        return broken() if self.calls == 1 else coroutine_function()


@pytest.mark.parametrize(
    "given",
    [
        {"fallback": Cache()},
        {"hedge": Hedge(after=60.0)},
        {"fallback": Cache(), "retry": Retry(), "breaker": "gpu_compute"},
    ],
    ids=str,
)
def test_a_coroutine_is_no_live_answer_of_call_however_the_call_is_made(given, recwarn):
    policy = Policy("p", **given)
    with pytest.raises(InputError, match="call got a coroutine function"):
        policy.call(coroutine_function)
    assert (policy.inside, policy.counts()["live"], policy.counts()["failed"]) == (0, 0, 0)
    gc.collect()
    assert not recwarn.list  # it was closed


def test_a_coroutine_is_no_answer_of_a_retry():
    clock = FakeClock()
    policy = Policy("p", retry=Retry(), clock=clock, sleep=clock.sleep)
    with pytest.raises(InputError, match="call got a coroutine function"):
        policy.call(PlainThenCoroutine())
    assert policy.inside == 0


def test_a_coroutine_is_no_answer_of_a_fallback_that_does_not_look_like_one():
    policy = Policy("p", fallback=Fallback("hidden", lambda: coroutine_function()))
    with pytest.raises(InputError, match="its fallback hidden gave a coroutine") as caught:
        policy.call(broken)
    assert isinstance(caught.value.__cause__, OSError)


def test_a_cached_answer_of_another_function_is_no_answer():
    policy, down = Policy("p", fallback=Cache()), []

    @policy
    def bid(strike):
        return broken() if down else strike - 1.0

    @policy
    def ask(strike):
        return broken() if down else strike + 1.0

    assert bid(100.0).value == 99.0
    down.append(True)
    assert (bid(100.0).value, bid(100.0).source) == (99.0, "cached")
    with pytest.raises(OSError):
        ask(100.0)


def test_an_awaited_cached_answer_of_another_function_is_none_either():
    policy, down = Policy("p", fallback=Cache()), []

    @policy
    async def bid(strike):
        return broken() if down else strike - 1.0

    @policy
    async def ask(strike):
        return broken() if down else strike + 1.0

    async def main():
        await bid(100.0)
        down.append(True)
        assert (await bid(100.0)).source == "cached"
        with pytest.raises(OSError):
            await ask(100.0)

    asyncio.run(main())


def test_a_key_of_ones_own_is_all_that_counts():
    policy = Policy("p", fallback=Cache(key=lambda strike: strike))
    policy.call(lambda strike: strike - 1.0, 100.0)
    assert policy.call(broken, 100.0).value == 99.0


def generator():
    yield broken()


async def async_generator():
    yield broken()


@pytest.mark.parametrize("function", [generator, async_generator])
def test_a_generator_function_is_refused_as_nothing_would_guard_its_body(function):
    with pytest.raises(InputError, match="is a generator function"):
        Policy("p", fallback=lambda: 7)(function)


def test_an_object_whose_call_is_a_coroutine_function_is_awaited():
    class Client:
        async def __call__(self, number):
            return number + 1

    client = Client()
    assert asyncio.run(Policy("p")(client)(1)).value == 2
    assert Fallback("client", client).asynchronous
    assert asyncio.run(Policy("p", fallback=Fallback("client", client)).acall(broken_coroutine, 1)).value == 2


async def broken_coroutine(*_):
    raise OSError("gone")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"clock": 5}, "clock is 5; it must be a function"),
        ({"random": 0.5}, "random is 0.5; it must be a function"),
        ({"sleep": None}, "sleep is None; it must be a function"),
        ({"asleep": 1}, "asleep is 1; it must be a function"),
        ({"hooks": print}, "hooks is .*; it must be a tuple of functions"),
        ({"hooks": (5,)}, "hooks is .*; it must be a tuple of functions"),
    ],
)
def test_what_is_injected_is_looked_at_when_the_policy_is_made(given, says):
    with pytest.raises(InputError, match=says):
        Policy("p", **given)


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (Plan(broken, "memory"), r"the fallback of disk is 'memory'; .*\('memory',\)"),
        (Plan(broken, options={"breaker": "gpu_compute"}), "the options of disk hold breaker"),
    ],
)
def test_a_plan_that_says_a_thing_in_the_wrong_place_is_refused(plan, says):
    with pytest.raises(InputError, match=says):
        chain({"disk": plan, "memory": Plan(int)})


@pytest.mark.parametrize("name", ["min_calls", "probes", "close_after"])
def test_a_count_that_32_bits_do_not_hold_is_refused_and_does_not_become_0(name):
    with pytest.raises(InputError, match=rf"{name} is 4294967296; it must be a whole number from 1 to"):
        Breaker("b", **{name: 2**32})


@pytest.mark.parametrize("name", ["window", "open_for", "max_open", "slow", "probe_timeout"])
@pytest.mark.parametrize("value", [1e-12, 10**400])
def test_a_time_below_a_nanosecond_or_beyond_all_floats_is_refused(name, value):
    with pytest.raises(InputError, match=rf"{name} is .*; it must be a number above 1e-09"):
        BreakerSettings(**{name: value})


@pytest.mark.parametrize(
    "given",
    [{"deadline": 1e-12}, {"deadline": 10**400}, {"bulkhead": 2**70}],
    ids=["no time", "huge", "wide"],
)
def test_a_policy_with_a_limit_that_is_none_is_refused(given):
    with pytest.raises(InputError, match=r"\[reliability.Policy\] (deadline|bulkhead) is"):
        Policy("p", **given)


def test_a_guard_that_is_left_in_another_context_gives_its_place_back():
    policy = Policy("p", deadline=5.0, bulkhead=1, breaker=Breaker("b", failures=1))
    guard = policy.guard()
    contextvars.copy_context().run(guard.__enter__)
    guard.__exit__(None, None, None)
    assert (policy.inside, policy.counts()["live"]) == (0, 1)


def test_a_deadline_that_passes_while_the_slower_call_ends_takes_no_answer_away():
    calls = []

    async def work():
        calls.append(len(calls))
        if len(calls) > 1:
            return "second"
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.Event().wait()  # takes its time to end; until the limit has passed

    async def main():
        policy = Policy("p", deadline=0.1, hedge=Hedge(after=0.01))
        answer = await policy.acall(work)
        task = asyncio.current_task()
        assert task is not None
        return answer, task.cancelling(), policy

    answer, cancelling, policy = asyncio.run(main())
    assert (answer.value, answer.source, answer.late) == ("second", "live", True)
    assert (cancelling, policy.inside) == (0, 0)


def test_a_cancellation_while_the_slower_call_ends_goes_through():
    calls = []

    async def work():
        calls.append(len(calls))
        if len(calls) > 1:
            return "second"
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)

    async def main():
        policy = Policy("p", deadline=60.0, hedge=Hedge(after=0.01))
        task = asyncio.create_task(policy.acall(work))
        while len(calls) < 2:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.005)  # the second has answered; the first is on its way out
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return policy.inside

    assert asyncio.run(main()) == 0


def test_of_two_hedged_calls_that_end_at_once_the_failed_one_is_no_unseen_error():
    told = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        for _ in range(8):  # which of the two is looked at first is up to a set
            both, calls = asyncio.Event(), []

            async def work(both=both, calls=calls):
                calls.append(len(calls))
                mine = len(calls)
                if mine == 2:
                    both.set()
                await both.wait()
                if mine == 2:
                    raise OSError("second")
                return mine

            policy = Policy("p", hedge=Hedge(after=0.001))
            assert (await policy.acall(work)).value == 1
        gc.collect()

    asyncio.run(main())
    assert told == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_hedges_on_threads_of_its_own():
    """In a process of its own: Python warns of a fork beside threads, which is what this is about."""
    code = (
        "import os, signal, time\n"
        "from atalanta.reliability import Hedge, Policy\n"
        "policy = Policy('p', hedge=Hedge())  # no second call yet: nothing but a thread of its own answers\n"
        "policy.call(int)\n"
        "while not policy._own[0]._idle:\n"
        "    time.sleep(0.001)  # until the thread waits for work: a pool then makes no other\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(20); os._exit(0 if policy.call(lambda: 7).value == 7 else 1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)
