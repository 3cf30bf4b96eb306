"""A policy within another: one answer, which says what the value is, however many handed it on."""

import asyncio

import pytest

from atalanta.reliability import Answer, Breaker, Cache, Fallback, Policy
from atalanta.testing import FakeClock


def gone(*_):
    raise OSError("gone")


@pytest.fixture
def clock():
    return FakeClock()


def asynchronous(function):
    async def awaited(*args):
        return function(*args)

    return awaited


def ask(policy, function, *args):
    """The same by call and by acall, of which every test wants both."""
    answer = policy.call(function, *args)

    async def awaited():
        return await policy.acall(asynchronous(function), *args)

    again = asyncio.run(awaited())
    assert (answer.value, answer.source, answer.late) == (again.value, again.source, again.late)
    assert type(answer.value) is not Answer
    return answer


def test_a_live_answer_within_a_live_one():
    """One value, live."""
    outer, inner = Policy("outer"), Policy("inner")
    answer = ask(outer, inner(lambda: 7))
    assert (7, "live", 0.0, None) == (answer.value, answer.source, answer.age, answer.cause)
    assert (2, 0) == (outer.counts()["live"], outer.counts()["fallback"])


def test_a_fallback_within_is_no_live_answer():
    """The outer policy only hands it on: who answered is said, why, and counted so."""
    outer, inner = Policy("outer"), Policy("inner", fallback=Fallback("spare", lambda: 5))
    answer = ask(outer, inner(gone))
    assert (5, "fallback:spare", "gone") == (answer.value, answer.source, str(answer.cause))
    assert (0, 2) == (outer.counts()["live"], outer.counts()["fallback"])


def test_a_kept_value_within_keeps_its_age(clock):
    """The age is that of the value, not that of the outer call."""
    works = [True]

    def fetch():
        return 7 if works else gone()

    inner = Policy("inner", fallback=Cache(60.0), clock=clock)
    outer = Policy("outer", clock=clock)
    assert "live" == outer.call(inner(fetch)).source
    works.clear()
    clock.advance(12.0)
    answer = outer.call(inner.call, fetch)
    assert (7, "cached", 12.0) == (answer.value, answer.source, answer.age)
    assert 1 == outer.counts()["cached"]


def test_what_another_keeps_is_not_kept_as_live(clock):
    """A cache of the outer policy keeps live values alone: ages would begin anew at each policy."""
    inner_works, outer_works = [True], [True]

    def inner_fetch():
        return 7 if inner_works else gone()

    inner, outer = (Policy(name, fallback=Cache(60.0), clock=clock) for name in ("inner", "outer"))

    def outer_fetch():
        return inner.call(inner_fetch) if outer_works else gone()

    assert ("live", "live") == tuple(outer.call(outer_fetch).source for _ in range(2))
    inner_works.clear()
    clock.advance(10.0)
    answer = outer.call(outer_fetch)
    assert (7, "cached", 10.0) == (answer.value, answer.source, answer.age)
    outer_works.clear()
    clock.advance(5.0)
    answer = outer.call(outer_fetch)  # its own cache has the live value of the beginning
    assert (7, "cached", 15.0) == (answer.value, answer.source, answer.age)


def test_an_answer_that_was_late_within_is_late():
    """Late is late, whichever deadline was missed; an outer one that is missed counts too."""
    clock = FakeClock()
    inner = Policy("inner", deadline=1.0, clock=clock)
    assert ask(Policy("outer", clock=clock), inner(lambda: clock.advance(2.0))).late
    outer = Policy("outer", deadline=1.0, clock=clock)
    quick = Policy("inner", clock=clock)
    answer = outer.call(lambda: (quick.call(lambda: 3), clock.advance(2.0))[0])
    assert (3, "live", True) == (answer.value, answer.source, answer.late)


def test_a_fallback_of_a_fallback_says_who_answered(clock):
    """The outer one's name where its fallback was live, else that one's own source, with its age and lateness."""
    live = Policy("inner")(lambda: 4)
    assert "fallback:near" == ask(Policy("outer", fallback=Fallback("near", live)), gone).source
    far = Policy("inner", fallback=Fallback("far", lambda: 3))(gone)
    assert "fallback:far" == ask(Policy("outer", fallback=Fallback("near", far)), gone).source
    late = Policy("inner", deadline=1.0, clock=clock)(lambda: clock.advance(2.0))
    answer = Policy("outer", clock=clock, fallback=Fallback("near", late)).call(gone)
    assert ("fallback:near", True, "gone") == (answer.source, answer.late, str(answer.cause))


def test_the_outer_breaker_sees_a_success():
    """An answer within is an answer, whatever its source."""
    outer = Policy("outer", breaker=Breaker("b", failures=1))
    inner = Policy("inner", fallback=lambda: 1)
    assert 1 == outer.call(inner(gone)).value
    assert "closed" == outer.breaker.state
