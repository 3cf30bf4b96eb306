"""A policy's calls of coroutine functions, in virtual time where something waits."""

import asyncio
import collections.abc
import gc
import types

import pytest

from atalanta.errors import BreakerOpenError, DeadlineError, InputError
from atalanta.reliability import Answer, Breaker, Cache, Fallback, Hedge, Policy, Retry, remaining
from atalanta.testing import FakeClock, no_waiting, run_in_virtual_time


def flaky(failures, error=OSError):
    calls = []

    async def work(*args):
        calls.append(args)
        await asyncio.sleep(0)
        if len(calls) <= failures:
            raise error(f"call {len(calls)}")
        return args

    work.calls = calls
    return work


def in_virtual_time(body):
    """Run `body(clock)` where an hour takes no time."""

    async def main():
        return await body(asyncio.get_running_loop().time)

    return run_in_virtual_time(main())


async def same(*args):
    return args


def test_one_policy_serves_functions_and_coroutine_functions():
    policy = Policy("p", breaker=Breaker("b", failures=2), fallback=lambda *args: args)
    assert policy.call(lambda: 1).source == "live"
    assert asyncio.run(policy.acall(same, 2)).value == (2,)

    @policy
    async def work(x: int) -> int:
        return x + 1

    assert asyncio.run(work(1)).value == 2
    asyncio.run(policy.acall(flaky(9)))
    with pytest.raises(KeyError):
        Policy("q", failures=OSError, breaker=policy.breaker).call({}.__getitem__, 1)
    policy.call(lambda: 1 / 0)
    assert policy.breaker.state == "open"
    assert asyncio.run(policy.acall(same, 3)).source == "fallback:<lambda>"


def test_it_holds_nothing_of_a_loop_that_is_closed():
    """The same policy in one loop after the other, and in none between them."""
    policy = Policy("p", deadline=30.0, hedge=Hedge(10.0), retry=Retry(2, base=1e-4), bulkhead=2)
    for _ in range(3):
        assert asyncio.run(policy.acall(flaky(1), 5)).value == (5,)
        assert policy.call(lambda: 6).value == 6


def test_what_is_left_of_a_closed_loop_is_the_callers_mistake_and_no_failure():
    async def main():
        return asyncio.get_running_loop()

    old = asyncio.run(main())
    policy = Policy("p", breaker=Breaker("b", failures=1), fallback=same, retry=Retry())

    async def uses_the_old_loop():
        old.call_soon(print)

    with pytest.raises(
        InputError, match=r"an event loop that is closed or not this one .Event loop is closed"
    ):
        asyncio.run(policy.acall(uses_the_old_loop))
    assert policy.breaker.state == "closed"


def test_without_a_running_loop_a_deadline_is_refused():
    coroutine = Policy("p", deadline=1.0).acall(same)
    with pytest.raises(InputError, match="needs a running event loop"):
        coroutine.send(None)


def test_a_plain_function_is_not_awaited():
    policy = Policy("p", breaker=Breaker("b", failures=1), fallback=same)
    with pytest.raises(InputError, match="a function that is none to be awaited"):
        asyncio.run(policy.acall(lambda: 5))
    assert policy.breaker.state == "closed"


@pytest.mark.parametrize("given", [{}, {"deadline": 5.0}, {"hedge": Hedge(after=5.0)}, {"fallback": Cache()}])
def test_a_plain_function_is_not_awaited_whatever_is_set(given):
    """A mistake is no failure, on every way that a call may go."""
    policy = Policy("p", breaker=Breaker("b", failures=1), **given)
    with pytest.raises(InputError, match=r"none to be awaited \(it gave int\)"):
        asyncio.run(policy.acall(lambda: 5))
    assert ("closed", 0, 0) == (policy.breaker.state, policy.inside, policy.breaker.figures()["failed"])


@pytest.mark.parametrize("given", [{}, {"deadline": 5.0}, {"hedge": Hedge(after=5.0)}, {"fallback": Cache()}])
def test_what_raises_before_there_is_anything_to_await_is_one_failure(given):
    """As in a function that makes a coroutine: its own error comes to the caller, and is counted once."""

    def connect():
        raise OSError("no route")

    policy = Policy("p", breaker=Breaker("b", failures=2), **given)
    with pytest.raises(OSError, match="no route"):
        asyncio.run(policy.acall(connect))
    assert (1, 1, 0) == (
        policy.breaker.failures_in_a_row,
        policy.breaker.figures()["failed"],
        policy.inside,
    )


def test_an_await_that_fails_within_the_call_is_the_calls_failure():
    """The words are those of a plain function in the place of a coroutine function; the mistake is another one."""

    async def mistaken():
        await 5

    policy = Policy("p", breaker=Breaker("b", failures=5), fallback=same)
    answer = asyncio.run(policy.acall(mistaken))
    assert ("fallback:same", TypeError, 1) == (
        answer.source,
        type(answer.cause),
        policy.breaker.failures_in_a_row,
    )


@types.coroutine
def by_generator(value):
    """A coroutine as they were made before `async def`."""
    yield from asyncio.sleep(0).__await__()
    return value


@pytest.mark.parametrize("given", [{}, {"deadline": 5.0}, {"hedge": Hedge(after=5.0)}, {"fallback": Cache()}])
def test_a_generator_based_coroutine_is_awaited(given):
    """By acall, as a decorated function, as a fallback, and with its cancellation."""
    policy = Policy("p", **given)

    async def body():
        behind = Policy("q", fallback=by_generator)
        return (
            (await policy.acall(by_generator, 5)).value,
            (await policy(by_generator)(6)).value,
            (await behind.acall(raising, 7)).value,
        )

    async def raising(_):
        raise OSError

    assert (5, 6, 7) == asyncio.run(body())


def test_an_await_method_that_gives_no_iterator_is_a_failure():
    """As `await` has it: a TypeError."""

    class Wrong:
        def __await__(self):
            return 5

    policy = Policy("p", breaker=Breaker("b", failures=5))
    with pytest.raises(TypeError, match="non-iterator"):
        asyncio.run(policy.acall(Wrong))


def test_a_deadline_cancels_what_hangs():
    async def body(clock):
        policy = Policy("p", deadline=0.5, clock=clock, breaker=Breaker("b", failures=1, clock=clock))
        begin, ended = clock(), []

        async def hang():
            assert remaining(clock) == pytest.approx(0.5)
            try:
                await asyncio.sleep(3600.0)
            finally:
                ended.append(clock() - begin)

        with pytest.raises(DeadlineError, match=r"no answer within 0\.5 s"):
            await policy.acall(hang)
        assert ended == pytest.approx([0.5])
        assert (policy.breaker.state, policy.inside, remaining(clock)) == ("open", 0, None)

    in_virtual_time(body)


def test_the_deadline_around_it_cancels_an_inner_call_too():
    async def body(clock):
        inner = Policy("inner", deadline=100.0, clock=clock)
        outer = Policy("outer", deadline=0.5, clock=clock, fallback=same)

        async def work():
            await inner.acall(asyncio.sleep, 50.0)

        begin = clock()
        answer = await outer.acall(work)
        assert answer.source == "fallback:same"
        assert clock() - begin == pytest.approx(0.5)

    in_virtual_time(body)


def test_a_timeout_of_the_calls_own_is_a_failure_like_any_other():
    async def body(clock):
        policy = Policy("p", deadline=0.5, clock=clock)
        with pytest.raises(TimeoutError, match="the call's own") as caught:
            await policy.acall(flaky(1, lambda _: TimeoutError("the call's own")))
        assert not isinstance(caught.value, DeadlineError)

    in_virtual_time(body)


def test_retries_wait_in_the_loop():
    async def body(clock):
        policy = Policy("p", clock=clock, random=lambda: 1.0, retry=Retry(3, base=1.0, cap=10.0, budget=None))
        begin = clock()
        assert (await policy.acall(flaky(3), 1)).value == (1,)
        assert clock() - begin == pytest.approx(7.0)

    in_virtual_time(body)


def test_waiting_can_be_switched_off():
    policy = Policy("p", retry=Retry(2, base=3600.0, cap=3600.0), random=lambda: 1.0)
    with no_waiting():
        assert asyncio.run(policy.acall(flaky(2))).source == "live"


def test_a_hedge_answers_and_the_slow_call_is_cancelled():
    async def body(clock):
        policy = Policy("p", clock=clock, hedge=Hedge(0.1, most=2))
        started, cancelled = [], []

        async def work():
            number = len(started)
            started.append(clock())
            try:
                await asyncio.sleep([10.0, 10.0, 0.05][number])
            except asyncio.CancelledError:
                cancelled.append(number)
                raise
            return number

        begin = clock()
        assert (await policy.acall(work)).value == 2
        assert [time - begin for time in started] == pytest.approx([0.0, 0.1, 0.2])
        assert sorted(cancelled) == [0, 1]
        assert (policy.counts()["hedges"], len(asyncio.all_tasks())) == (2, 1)

    in_virtual_time(body)


def test_without_budget_there_is_no_hedge():
    async def body(clock):
        policy = Policy("p", clock=clock, hedge=Hedge(0.1), retry=Retry(1, budget=0.01, reserve=1.5))
        await policy.acall(asyncio.sleep, 1.0)
        assert policy.counts()["hedges"] == 0

    in_virtual_time(body)


def test_a_failing_first_call_waits_for_its_hedge():
    async def body(clock):
        policy = Policy("p", clock=clock, hedge=Hedge(0.1))
        calls = []

        async def work():
            calls.append(None)
            await asyncio.sleep(0.2)
            if len(calls) == 2 and clock() < begin + 0.25:
                raise OSError
            return "second"

        begin = clock()
        assert (await policy.acall(work)).value == "second"

    in_virtual_time(body)


def test_cancellation_goes_through_and_gives_everything_back():
    async def body(clock):
        breaker = Breaker("b", failures=1, open_for=1.0, clock=clock)
        policy = Policy("p", clock=clock, breaker=breaker, bulkhead=1, fallback=same, hedge=Hedge(5.0))
        breaker.fail(breaker.enter())
        await asyncio.sleep(2.0)
        probe = asyncio.create_task(policy.acall(asyncio.sleep, 3600.0))
        await asyncio.sleep(1.0)
        assert (breaker.state, policy.inside) == ("half_open", 1)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert policy.inside == 0
        assert (await policy.acall(same)).source == "live"  # the probe's place was given back
        assert breaker.state == "closed"

    in_virtual_time(body)


def test_a_coroutine_that_is_dropped_gives_everything_back():
    clock = FakeClock()
    breaker = Breaker("b", failures=1, open_for=1.0, clock=clock)
    policy = Policy("p", breaker=breaker, bulkhead=1)
    breaker.fail(breaker.enter())
    clock.advance(2.0)

    class Pause:
        def __await__(self):
            yield

    async def work():
        await Pause()

    probe = policy.acall(work)
    probe.send(None)
    assert (breaker.state, policy.inside) == ("half_open", 1)
    del probe
    gc.collect()
    assert policy.inside == 0
    assert breaker.enter() is not None


def test_a_cached_answer_and_an_awaited_fallback():
    async def body(clock):
        policy = Policy("p", clock=clock, fallback=(Cache(10.0), Fallback("kept", same)))
        calls = []

        async def once(*args):
            calls.append(args)
            if len(calls) > 1:
                raise OSError("gone")
            return args

        assert (await policy.acall(once, 1)).source == "live"
        await asyncio.sleep(3.0)
        answer = await policy.acall(once, 1)
        assert (answer.source, answer.age) == ("cached", pytest.approx(3.0))
        assert (await policy.acall(once, 2)).source == "fallback:kept"

    in_virtual_time(body)


def test_a_function_with_a_policy_of_its_own_is_a_fallback_that_says_its_source():
    inner = Policy("inner", fallback=Fallback("deepest", same))(flaky(9))
    answer = asyncio.run(Policy("outer", fallback=Fallback("inner", inner)).acall(flaky(9), 4))
    assert (answer.value, answer.source) == ((4,), "fallback:deepest")


def test_a_guard_works_in_both_kinds_of_with():
    async def main():
        policy = Policy("p", breaker=Breaker("b", failures=1))
        with pytest.raises(OSError):
            async with policy.guard():
                raise OSError
        with pytest.raises(BreakerOpenError):
            async with policy.guard():
                raise AssertionError

    asyncio.run(main())


def test_calls_at_once_are_inside_at_once_and_one_too_many_is_refused():
    async def body(clock):
        policy = Policy("p", clock=clock, bulkhead=4, fallback=Fallback("else", same))
        begin = clock()
        answers = await asyncio.gather(*(policy.acall(asyncio.sleep, 0.2) for _ in range(5)))
        assert clock() - begin == pytest.approx(0.2)
        assert sorted(answer.source for answer in answers) == ["fallback:else"] + ["live"] * 4

    in_virtual_time(body)


def test_half_open_exactly_the_probes_are_let_through():
    async def body(clock):
        breaker = Breaker("b", failures=1, open_for=1.0, probes=3, close_after=3, clock=clock)
        policy = Policy("p", clock=clock, breaker=breaker, fallback=Fallback("else", same))
        breaker.fail(breaker.enter())
        await asyncio.sleep(1.2)
        answers = await asyncio.gather(*(policy.acall(asyncio.sleep, 0.1, "probe") for _ in range(50)))
        assert sum(answer.source == "live" for answer in answers) == 3
        assert breaker.state == "closed"

    in_virtual_time(body)


def test_answers_are_generic_and_survive_pickling():
    import pickle

    answer = pickle.loads(pickle.dumps(Answer([1], "cached", 2.0, True)))
    assert (answer.value, answer.source, answer.age, answer.late) == ([1], "cached", 2.0, True)
    assert Answer[int].__origin__ is Answer
    with pytest.raises(AttributeError):
        answer.value = 5


# What acall returns is a coroutine to whoever asks


class Steps:
    """Awaits so many times by hand; keeps what it is sent."""

    def __init__(self, steps):
        self.steps, self.sent = steps, []

    def __await__(self):
        for step in range(self.steps):
            self.sent.append((yield step))
        return "done"


def test_it_is_a_coroutine_that_can_be_driven_by_hand():
    steps = Steps(2)

    async def work():
        return await steps

    call = Policy("p").acall(work)
    assert asyncio.iscoroutine(call)
    assert isinstance(call, collections.abc.Coroutine)
    assert [call.send(None), call.send("first")] == [0, 1]
    with pytest.raises(StopIteration) as stopped:
        call.send("second")
    assert (stopped.value.value.value, steps.sent) == ("done", ["first", "second"])
    with pytest.raises(RuntimeError, match="cannot reuse already awaited"):
        call.send(None)


def test_any_awaitable_is_awaited_and_arguments_keep_their_names():
    def awaitable(a, *, b):
        return Steps(a + b)

    call = Policy("p").acall(awaitable, 1, b=1)
    assert [next(iter(call.__await__())), call.send(None)] == [0, 1]
    call.close()


def test_what_is_thrown_in_reaches_the_call_and_its_answer_counts():
    async def catches():
        try:
            await Steps(5)
        except KeyError:
            return "caught"

    policy = Policy("p", bulkhead=1)
    call = policy.acall(catches)
    call.send(None)
    with pytest.raises(StopIteration) as stopped:
        call.throw(KeyError("x"))
    assert stopped.value.value.value == "caught"
    assert policy.inside == 0


def test_what_is_thrown_in_and_not_caught_is_a_failure_like_any_other():
    async def waits():
        await Steps(5)

    policy = Policy("p", breaker=Breaker("b", failures=1), fallback=same)
    call = policy.acall(waits)
    call.send(None)
    with pytest.raises(StopIteration) as stopped:
        call.throw(OSError("x"))
    assert stopped.value.value.source == "fallback:same"
    assert (policy.breaker.state, policy.inside) == ("open", 0)


def test_thrown_into_before_it_began_it_ends_and_nothing_was_taken():
    policy = Policy("p", bulkhead=1)
    call = policy.acall(same)
    with pytest.raises(OSError, match="x"):
        call.throw(OSError("x"))
    with pytest.raises(RuntimeError, match="cannot reuse"):
        call.send(None)
    assert policy.inside == 0


def test_closing_ends_the_inner_coroutine_and_gives_everything_back():
    ended = []

    async def waits():
        try:
            await Steps(5)
        finally:
            ended.append(True)

    policy = Policy("p", bulkhead=1)
    call = policy.acall(waits)
    call.send(None)
    assert policy.inside == 1
    call.close()
    assert (ended, policy.inside) == ([True], 0)
    call.close()


def test_one_that_is_never_awaited_says_so():
    with pytest.warns(RuntimeWarning, match=r"acall\(\) was never awaited"):
        Policy("p").acall(same)


def test_a_clock_that_fails_in_the_middle_leaves_nobody_inside():
    readings = [1.0]

    def clock():
        return readings.pop()

    policy = Policy("p", bulkhead=1, breaker=Breaker("b", slow=1.0, clock=clock))
    for call in (lambda: asyncio.run(policy.acall(same)), lambda: policy.call(lambda: 5)):
        readings[:] = [1.0]  # one for the beginning, none for the end
        with pytest.raises(IndexError):
            call()
        assert policy.inside == 0


def test_the_many_calls_of_a_loop_leave_no_object_behind():
    policy = Policy("p", breaker="database", fallback=same)

    async def main():
        for _ in range(50):
            await policy.acall(same, 1)
            await policy.acall(flaky(9), 1)

    asyncio.run(main())
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(5):
        asyncio.run(main())
    gc.collect()
    assert abs(len(gc.get_objects()) - before) < 100
