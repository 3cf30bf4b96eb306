"""A policy's calls of plain functions: each part by itself, all together, and what goes to whom."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from atalanta.errors import BreakerOpenError, BulkheadFullError, DeadlineError, InputError
from atalanta.reliability import (
    Breaker,
    Cache,
    Fallback,
    FellBack,
    Hedge,
    Plan,
    Policy,
    Refused,
    Retried,
    Retry,
    chain,
    remaining,
)
from atalanta.testing import FakeClock, no_waiting


class Flaky:
    """Fails so many times, then answers with what it was given."""

    def __init__(self, failures, error=OSError):
        self.left, self.error, self.calls = failures, error, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.left > 0:
            self.left -= 1
            raise self.error(f"call {self.calls}")
        return args, kwargs


@pytest.fixture
def clock():
    return FakeClock()


def waiting_on(clock, name="p", **given):
    return Policy(name, clock=clock, sleep=clock.sleep, random=lambda: 1.0, **given)


def same(*args, **kwargs):
    return args, kwargs


# Answers


def test_a_live_answer_says_so():
    answer = Policy("p").call(same, 1, two=2)
    assert (answer.value, answer.source, answer.age) == (((1,), {"two": 2}), "live", 0.0)
    assert (answer.late, answer.cause) == (False, None)
    assert repr(Policy("p").call(lambda: 3)) == "Answer(3, source='live', age=0.0)"


def test_the_decorator_keeps_the_functions_name_and_answers_alike():
    @Policy("p")
    def double(x: int) -> int:
        """Twice."""
        return 2 * x

    assert (double.__name__, double.__doc__, double(x=4).value) == ("double", "Twice.", 8)


def test_the_callers_mistakes_go_through_untouched_and_are_no_failures(clock):
    policy = waiting_on(clock, breaker=Breaker("b", failures=1, clock=clock), fallback=same, retry=Retry())
    with pytest.raises(InputError, match="call 1"):
        policy.call(Flaky(9, InputError))
    assert policy.breaker.figures()["failed"] == 0
    assert policy.inside == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_the_program_ends_it(clock, error):
    policy = waiting_on(clock, breaker=Breaker("b", failures=1, clock=clock), fallback=same, retry=Retry())
    with pytest.raises(error):
        policy.call(Flaky(1, error))
    assert (policy.breaker.state, policy.inside) == ("closed", 0)


def test_only_the_failures_that_are_named_count(clock):
    policy = waiting_on(clock, failures=OSError, passes=(), fallback=same)
    with pytest.raises(ValueError, match="call 1"):
        policy.call(Flaky(1, ValueError))
    assert policy.call(Flaky(1, OSError)).source == "fallback:same"


# Retries


def test_a_retry_waits_longer_each_time_up_to_its_cap(clock):
    policy = waiting_on(clock, retry=Retry(4, base=0.01, cap=0.05))
    assert policy.call(Flaky(4), 7).value == ((7,), {})
    assert clock.slept == pytest.approx([0.01, 0.02, 0.04, 0.05])
    assert policy.counts()["retries"] == 4


def test_the_wait_is_drawn_below_that(clock):
    draws = iter([0.25, 0.0])
    policy = Policy(
        "p", clock=clock, sleep=clock.sleep, random=lambda: next(draws), retry=Retry(2, base=0.01)
    )
    policy.call(Flaky(2))
    assert clock.slept == pytest.approx([0.0025, 0.0])


def test_after_the_last_retry_the_error_is_the_callers(clock):
    policy = waiting_on(clock, retry=Retry(2))
    with pytest.raises(OSError, match="call 3"):
        policy.call(Flaky(9))
    assert policy.counts()["failed"] == 1


def test_the_budget_runs_out_and_is_earned_back(clock):
    policy = waiting_on(clock, retry=Retry(1, budget=0.5, reserve=4.0), fallback=same)
    for _ in range(5):
        policy.call(Flaky(9))
    assert policy.counts()["retries"] == 2  # half of the reserve
    for _ in range(2):
        policy.call(same)
    policy.call(Flaky(9))
    assert policy.counts()["retries"] == 3


def test_errors_that_are_not_worth_it_are_not_retried(clock):
    policy = waiting_on(clock, retry=Retry(3, on=(TimeoutError,)), fallback=same)
    function = Flaky(9, OSError)
    policy.call(function)
    assert function.calls == 1


def test_no_retry_that_would_begin_after_the_deadline(clock):
    policy = waiting_on(clock, deadline=0.1, retry=Retry(9, base=0.04, cap=0.04, budget=None), fallback=same)
    function = Flaky(99)
    policy.call(function)
    assert function.calls == 3  # at 0, 0.04 and 0.08


def test_waiting_can_be_switched_off():
    policy = Policy("p", retry=Retry(2, base=3600.0, cap=3600.0), random=lambda: 1.0)
    with no_waiting():
        assert policy.call(Flaky(2), 1).source == "live"


# Breaker and bulkhead


def test_an_open_breaker_refuses_and_says_when_to_ask_again(clock):
    policy = waiting_on(
        clock, breaker=Breaker("feed", failures=2, open_for=10.0, clock=clock, random=lambda: 0.0)
    )
    for _ in range(2):
        with pytest.raises(OSError):
            policy.call(Flaky(9))
    untouched = Flaky(0)
    with pytest.raises(
        BreakerOpenError, match=r"\[reliability.feed\] the breaker is open: .* again in 10 s"
    ) as caught:
        policy.call(untouched)
    assert (caught.value.retry_after, untouched.calls) == (10.0, 0)


def test_retries_end_when_the_breaker_opens_between_them(clock):
    policy = waiting_on(clock, breaker=Breaker("b", failures=2, clock=clock), retry=Retry(5, budget=None))
    function = Flaky(9)
    with pytest.raises(BreakerOpenError) as caught:
        policy.call(function)
    assert function.calls == 2
    assert isinstance(caught.value.__cause__, OSError)


def test_policies_may_share_a_breaker(clock):
    breaker = Breaker("b", failures=2, clock=clock)
    first, second = (waiting_on(clock, name, breaker=breaker, fallback=same) for name in "ab")
    first.call(Flaky(9)), second.call(Flaky(9))
    assert breaker.state == "open"


def test_a_full_bulkhead_refuses_and_never_waits():
    policy = Policy("p", bulkhead=2)
    entered, leave = threading.Semaphore(0), threading.Event()

    def stay():
        entered.release()
        leave.wait()

    threads = [threading.Thread(target=policy.call, args=(stay,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        entered.acquire()
    assert policy.inside == 2
    with pytest.raises(BulkheadFullError, match="2 calls are under way"):
        policy.call(same)
    leave.set()
    for thread in threads:
        thread.join()
    assert (policy.inside, policy.call(same).source) == (0, "live")


def test_four_calls_at_once_are_inside_at_once():
    """None waits for another: all four meet at a barrier that only four can pass."""
    policy = Policy("p", breaker="database", bulkhead=8)
    meeting = threading.Barrier(4)
    threads = [threading.Thread(target=policy.call, args=(lambda: meeting.wait(30.0),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert policy.counts()["live"] == 4
    assert not meeting.broken


# Fallbacks


def test_the_first_fallback_that_answers_is_the_source_and_errors_are_chained(clock):
    def broken(_):
        raise ValueError("also")

    policy = waiting_on(clock, fallback=(broken, Fallback("second", same)))
    answer = policy.call(Flaky(9), 5)
    assert (answer.value, answer.source) == (((5,), {}), "fallback:second")
    assert isinstance(answer.cause, ValueError)
    assert isinstance(answer.cause.__context__, OSError)


def test_where_no_fallback_answers_the_last_error_is_the_callers():
    def broken():
        raise ValueError("also")

    with pytest.raises(ValueError, match="also") as caught:
        Policy("p", fallback=broken).call(Flaky(9))
    assert isinstance(caught.value.__context__, OSError)


def test_a_cached_answer_has_its_age_until_it_is_too_old(clock):
    policy, work = waiting_on(clock, fallback=Cache(max_age=10.0)), Flaky(0)
    assert policy.call(work, 1).source == "live"
    clock.advance(4.0)
    work.left = 9
    answer = policy.call(work, 1)
    assert (answer.value, answer.source, answer.age) == (((1,), {}), "cached", 4.0)
    with pytest.raises(OSError):
        policy.call(work, 2)  # other arguments
    clock.advance(6.5)
    with pytest.raises(OSError):
        policy.call(work, 1)


def test_a_cache_keeps_what_was_used_last_and_takes_a_key(clock):
    cache = Cache(size=2, key=lambda x: x["name"])
    policy = waiting_on(clock, fallback=cache)
    for name in "aba":
        policy.call(same, {"name": name})
    policy.call(same, {"name": "c"})
    assert len(cache) == 2
    assert policy.call(Flaky(1), {"name": "a"}).source == "cached"
    with pytest.raises(OSError):
        policy.call(Flaky(1), {"name": "b"})


def test_arguments_that_cannot_be_told_apart_are_an_error_at_the_first_call():
    with pytest.raises(InputError, match=r"cannot be told apart .*unhashable.* give Cache a key"):
        Policy("p", fallback=Cache()).call(same, [1])


# Deadlines


def test_the_deadline_reaches_what_is_called_and_only_shrinks(clock):
    seen = []
    inner = waiting_on(clock, "inner", deadline=5.0)

    def outer_work():
        seen.append(remaining(clock))
        clock.advance(0.75)
        inner.call(lambda: seen.append(remaining(clock)))

    waiting_on(clock, deadline=1.0).call(outer_work)
    assert seen == pytest.approx([1.0, 0.25])
    assert remaining() is None


def test_no_call_after_the_deadline_around_it(clock):
    inner = waiting_on(clock, "inner")

    def outer_work():
        clock.advance(2.0)
        inner.call(same)

    with pytest.raises(DeadlineError, match="had passed before the call was made"):
        waiting_on(clock, deadline=1.0).call(outer_work)


def test_an_answer_after_the_deadline_says_so(clock):
    policy = waiting_on(clock, deadline=1.0)
    assert policy.call(clock.advance, 1.5).late
    assert not policy.call(clock.advance, 0.5).late
    assert policy.counts()["late"] == 1


def test_on_an_executor_a_deadline_leaves_the_call_behind():
    release = threading.Event()
    with ThreadPoolExecutor(2) as executor:
        policy = Policy("p", deadline=0.05, executor=executor, fallback=same)
        answer = policy.call(lambda: release.wait(30.0))
        release.set()
    assert answer.source == "fallback:same"
    assert "no answer within 0.05 s" in str(answer.cause)


def test_the_deadline_is_seen_on_the_executors_thread():
    with ThreadPoolExecutor(1) as executor:
        left = Policy("p", deadline=60.0, executor=executor).call(remaining).value
    assert 0.0 < left <= 60.0


# Hedges


def test_a_slow_call_gets_a_second_one_and_the_first_answer_counts():
    release, calls = threading.Event(), []

    def first_hangs():
        calls.append(len(calls))
        if len(calls) == 1:
            release.wait(30.0)
            return "first"
        return "second"

    policy = Policy("p", hedge=Hedge(after=0.005))
    assert policy.call(first_hangs).value == "second"
    release.set()
    assert policy.counts()["hedges"] == 1


def test_a_hedge_after_a_quantile_needs_twenty_calls_first():
    policy = Policy("p", hedge=Hedge("p90"))
    assert policy._second().delay is None
    for _ in range(20):
        policy.call(same)
    assert policy._second().delay > 0.0


def test_where_all_hedged_calls_fail_the_first_error_counts():
    policy = Policy("p", hedge=Hedge(after=30.0))
    with pytest.raises(OSError, match="call 1"):
        policy.call(Flaky(9))


# Guards


def test_a_guard_counts_a_body(clock):
    policy = waiting_on(clock, deadline=1.0, breaker=Breaker("b", failures=1, clock=clock))
    with policy.guard():
        assert remaining(clock) == pytest.approx(1.0)
        assert policy.inside == 1
    assert (policy.inside, remaining()) == (0, None)
    with pytest.raises(InputError), policy.guard():
        raise InputError("[x] the caller's")
    assert policy.breaker.state == "closed"
    with pytest.raises(OSError), policy.guard():
        raise OSError
    with pytest.raises(BreakerOpenError), policy.guard():
        raise AssertionError
    guard = waiting_on(clock).guard()
    with guard, pytest.raises(InputError, match="a guard is for one body"), guard:
        raise AssertionError


# Chains by name


def test_a_chain_falls_back_by_name_and_never_gives_the_last_one_up():
    gone = Flaky(10**9)
    made = chain(
        {
            "gpu": Plan(gone, fallback=("cpu",), breaker="gpu_compute"),
            "cpu": Plan(gone, fallback=("surface",), breaker="gpu_compute"),
            "surface": Plan(same),
        }
    )
    for _ in range(20):
        answer = made["gpu"](1)
    assert (answer.value, answer.source) == (((1,), {}), "fallback:surface")
    assert gone.calls == 10  # five each, then both breakers are open


def test_in_a_chain_the_last_that_has_a_breaker_stays_closed():
    gone = Flaky(10**9)
    made = chain({"a": Plan(gone, ("b",), "gpu_compute"), "b": Plan(gone, (), "gpu_compute")})
    for _ in range(20):
        with pytest.raises(OSError):
            made["a"]()
    assert gone.calls == 25  # five of the first, all of the last


@pytest.mark.parametrize(
    ("plans", "says"),
    [
        ({"a": Plan(same, ("a",))}, "in a circle: a -> a"),
        (
            {"a": Plan(same, ("b",)), "b": Plan(same, ("c",)), "c": Plan(same, ("b",))},
            "in a circle: b -> c -> b",
        ),
        ({"a": Plan(same, ("x",))}, r"a falls back on 'x', which is no plan \(known: a\)"),
    ],
)
def test_fallbacks_in_a_circle_or_into_nothing_are_refused(plans, says):
    with pytest.raises(InputError, match=says):
        chain(plans)


# Events


def test_events_tell_what_happened_in_order(clock):
    told = []
    policy = waiting_on(
        clock,
        breaker=Breaker("b", failures=2, clock=clock, random=lambda: 0.0),
        retry=Retry(3, base=0.01),
        fallback=same,
        hooks=(told.append,),
    )
    policy.call(Flaky(9))
    assert [type(event) for event in told] == [Retried, Retried, Refused, FellBack]
    assert (told[0].attempt, told[0].wait, told[2].reason, told[3].fallback) == (1, 0.01, "breaker", "same")


# What is refused when the policy is made


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"deadline": 0}, "deadline is 0; it must be a number above 1e-09"),
        ({"deadline": float("nan")}, "deadline is nan"),
        ({"bulkhead": 0}, "bulkhead is 0"),
        ({"bulkhead": 2.5}, "bulkhead is 2.5"),
        ({"retry": 3}, "retry is 3; it must be a Retry"),
        ({"hedge": 0.1}, "hedge is 0.1; it must be a Hedge"),
        ({"breaker": "gpu"}, "no settings called 'gpu'"),
        ({"breaker": 5}, "breaker is 5; it must be a Breaker or the name"),
        ({"fallback": 5}, "fallback holds 5"),
        ({"fallback": Policy("q")}, "A policy is no function: decorate"),
        ({"fallback": (same, same)}, "two fallbacks are called 'same'"),
        ({"fallback": (Cache(), Cache())}, "two fallbacks are called 'cached'"),
        ({"failures": "OSError"}, "failures holds 'OSError'; it must be exception classes"),
        ({"executor": 5}, "executor is 5"),
        (
            {"deadline": 0.005, "retry": Retry(base=0.005)},
            "deadline is 0.005 s and the smallest retry waits up to",
        ),
        ({"deadline": 0.1, "hedge": Hedge(0.1)}, "a hedge starts after 0.1 s"),
        ({"deadline": 0.1, "breaker": Breaker(slow=0.2)}, "calls slow what takes 0.2 s"),
        (
            {"deadline": 3.0, "breaker": Breaker(open_for=1.0)},
            "gives a probe up after 1 s; raise probe_timeout",
        ),
        ({"bulkhead": 1, "breaker": Breaker(probes=2)}, "the breaker wants 2 probes"),
        ({"clock": FakeClock(), "breaker": Breaker()}, "have different clocks"),
    ],
)
def test_bad_and_contradictory_settings_are_refused_at_once(given, says):
    with pytest.raises(InputError, match=says):
        Policy("p", **given)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Policy(""), "name is ''"),
        (lambda: Policy("p")(5), "5 is no function"),
        (lambda: Retry(0), "times is 0"),
        (lambda: Retry(base=0.2, cap=0.1), "cap is 0.1 and base 0.2"),
        (lambda: Retry(budget=0.0), "budget is 0.0"),
        (lambda: Retry(on=(5,)), "on holds 5"),
        (lambda: Hedge(0.0), "after is 0.0"),
        (lambda: Hedge("95"), "after is '95'; it must be seconds, or p50 to p99"),
        (lambda: Hedge("p100"), "after is 'p100'"),
        (lambda: Hedge(most=0), "most is 0"),
        (lambda: Cache(0), "max_age is 0"),
        (lambda: Cache(size=0), "size is 0"),
        (lambda: Fallback("", same), "name is ''"),
        (lambda: Fallback("x", 5), "x is 5; it must be a function"),
        (lambda: FakeClock().advance(-1), "time passes forwards"),
    ],
)
def test_bad_parts_are_refused_at_once(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_a_coroutine_function_is_not_called_as_a_plain_one(recwarn):
    async def work():
        raise AssertionError

    with pytest.raises(InputError, match=r"call got a coroutine function.* await acall"):
        Policy("p", bulkhead=1).call(work)
    policy = Policy("p", bulkhead=1, fallback=work)
    with pytest.raises(InputError, match="its fallback work is a coroutine function"):
        policy.call(same)
    assert policy.inside == 0
    assert not recwarn.list


def test_call_needs_a_function():
    with pytest.raises(TypeError):
        Policy("p").call()
