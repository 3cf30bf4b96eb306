"""One object between a caller and what may fail. Main entry: `Policy`."""

from __future__ import annotations

import contextlib
import functools
import inspect
import random as chance
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, overload

from atalanta import _core
from atalanta.errors import InputError, MissingExtraError
from atalanta.reliability.awaiting import Awaiting
from atalanta.reliability.breaker import Breaker
from atalanta.reliability.checks import MOST_CALLS, SHORTEST, exceptions, number, text, whole
from atalanta.reliability.contradictions import refuse_contradictions
from atalanta.reliability.events import Hook
from atalanta.reliability.fallbacks import Cache, Fallback, is_awaited, named_steps
from atalanta.reliability.hedging import Latencies
from atalanta.reliability.settings import Hedge, Retry
from atalanta.reliability.timing import AsyncSleep, Clock, Random, Sleep, asleep, sleep

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["Guard", "Policy"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
#: What is the caller's fault: it says nothing about what was called.
_PASSES = (InputError, MissingExtraError)


class Policy(Awaiting):
    """Keeps answering while what is called fails: deadline, bulkhead, retries, breaker, call, fallbacks, in this order.

    One object for functions (`call`, as a decorator, `guard`) and coroutine functions (`acall`, likewise), for any
    number of threads and event loops. Every answer says where it is from. While all is well a call costs a few dozen
    nanoseconds, whatever of the following is set but hedges, a cache and the timer of an awaited deadline.

    Args:
        name: for events and messages.
        deadline: seconds that the live attempts may take together; calls within see what is left of it by `remaining`.
            An awaited call is cancelled then, one on an `executor` is left behind; a plain function is asked to
            look for itself, and its answer says if it was late.
        bulkhead: calls at a time; one more is refused and never waits.
        hedge: a second call beside a slow one.
        retry: how often, and after which waits, it is called again.
        breaker: a `Breaker`, which several policies may share, or the name of a preset.
        fallback: what answers instead, in order: functions of the same arguments, `Fallback`s with names, a `Cache`.
        failures: exceptions that are failures; others, and those below, go to the caller as they are.
        passes: exceptions that are the caller's fault, and no failure.
        executor: where functions run, so that a deadline can leave them behind; for hedges threads are there by
            themselves.
        clock: seconds, only ever growing; None for the breaker's, or the system's.
        random: a number in [0, 1), for the waits.
        sleep: waits between attempts.
        asleep: likewise where it is awaited.
        hooks: hear of this policy's events, beside those of `set_hooks`.

    Raises:
        InputError: a setting out of range, or two that contradict each other.

    Example:
        >>> from atalanta.reliability import Policy
        >>> def on_gpu(n):
        ...     raise RuntimeError("no device")
        >>> def on_cpu(n):
        ...     return n + 1
        >>> Policy("gpu", breaker="gpu_compute", fallback=on_cpu).call(on_gpu, 1)
        Answer(2, source='fallback:on_cpu', age=0.0)
    """

    def __new__(
        cls,
        name: str,
        *,
        deadline: float | None = None,
        bulkhead: int | None = None,
        hedge: Hedge | None = None,
        retry: Retry | None = None,
        breaker: Breaker | str | None = None,
        fallback: Any = (),
        failures: Any = (Exception,),
        passes: Any = _PASSES,
        executor: Executor | None = None,
        clock: Clock | None = None,
        random: Random = chance.random,
        sleep: Sleep = sleep,
        asleep: AsyncSleep = asleep,
        hooks: tuple[Hook, ...] = (),
    ) -> Self:
        """See the class."""
        origin = "reliability.Policy"
        text(origin, "name", name)
        if deadline is not None:
            number(origin, "deadline", deadline, above=SHORTEST)
        if bulkhead is not None:
            whole(origin, "bulkhead", bulkhead, most=MOST_CALLS)
        _require_kinds(hedge, retry, executor)
        _require_functions(hooks, clock=clock, random=random, sleep=sleep, asleep=asleep)
        steps = named_steps(origin, fallback)
        failures, passes = exceptions(origin, "failures", failures), exceptions(origin, "passes", passes)
        guarding = _breaker(name, breaker, clock)
        clock = guarding.clock if clock is None and guarding is not None else clock
        refuse_contradictions(name, deadline, bulkhead, hedge, retry, guarding)
        cache = next((step for step in steps if isinstance(step, Cache)), None)
        asynchronous = any(isinstance(step, Fallback) and step.asynchronous for step in steps)
        budgeted = retry is not None and retry.budget is not None
        self = super().__new__(
            cls,
            breaker=guarding,
            clock=clock,
            deadline=deadline or 0.0,
            bulkhead=bulkhead or 0,
            token_gain=retry.budget or 0.0 if retry is not None else 0.0,
            most_tokens=retry.reserve if retry is not None and budgeted else 0.0,
            timed=hedge is not None or deadline is not None or cache is not None,
            direct=hedge is None and executor is None and cache is None and not asynchronous,
        )
        self.name, self.deadline, self.bulkhead, self.hedge, self.retry = (
            name,
            deadline,
            bulkhead,
            hedge,
            retry,
        )
        self.breaker, self.fallbacks = guarding, steps
        self._failures, self._passes, self._executor = failures, passes, executor
        self._own, self._left = (None, 0), set()
        self._clock, self._random, self._sleep, self._asleep = clock, random, sleep, asleep
        self._hooks, self._cache, self._latencies = tuple(hooks), cache, Latencies()
        return self

    @overload  # a coroutine function is a function too: the first that fits is meant
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[_P, Awaitable[_core.Answer[_T]]], /
    ) -> Callable[_P, Awaitable[_core.Answer[_T]]]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[_P, Awaitable[_T]], /
    ) -> Callable[_P, Awaitable[_core.Answer[_T]]]: ...
    @overload
    def __call__(self, function: Callable[_P, _core.Answer[_T]], /) -> Callable[_P, _core.Answer[_T]]: ...
    @overload
    def __call__(self, function: Callable[_P, _T], /) -> Callable[_P, _core.Answer[_T]]: ...
    def __call__(self, function: Callable[..., Any], /) -> Callable[..., Any]:
        """As a decorator: the function, or coroutine function, behind this policy. It then returns an `Answer`."""
        if not callable(function):
            raise InputError(
                f"[reliability.{self.name}] {function!r} is no function; decorate one with the policy, or use call"
            )
        if is_awaited(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                return await self.acall(function, *args, **kwargs)

            return awaited
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InputError(
                f"[reliability.{self.name}] {function!r} is a generator function: its body runs when nothing guards it "
                "any more; use guard around what it does"
            )

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            return self.call(function, *args, **kwargs)

        return called

    def guard(self) -> Guard:
        """A context, `with` or `async with`, for a body that cannot be repeated: deadline, bulkhead and breaker count.

        Raises:
            BreakerOpenError: on entering.
            BulkheadFullError: on entering.
            DeadlineError: on entering, when the deadline around it has passed.
        """
        return Guard(self)

    def __repr__(self) -> str:
        return f"Policy({self.name!r}, {self.breaker!r})" if self.breaker else f"Policy({self.name!r})"


class Guard:
    """A body behind a policy. See `Policy.guard`."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._ticket: _core.Ticket | None = None
        self._token: Any = None

    def __enter__(self) -> Self:
        if self._ticket is not None:
            raise InputError(
                f"[reliability.{self._policy.name}] a guard is for one body; ask the policy for another"
            )
        ticket = self._policy._admit()
        if isinstance(ticket, str):
            raise self._policy._give_up(self._policy._refusal(ticket))
        self._ticket = ticket
        if ticket.deadline is not None:
            self._token = _core.DEADLINE.set(ticket.deadline)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        assert self._ticket is not None
        if self._token is not None:
            with contextlib.suppress(ValueError):  # left in another context, which never had the deadline
                _core.DEADLINE.reset(self._token)
        try:
            if error is None:
                self._ticket.succeed(None)
            else:
                self._policy._settle_for_good(self._ticket, error)
        finally:
            self._ticket.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.__exit__(kind, error, trace)


def _breaker(name: str, given: Breaker | str | None, clock: Clock | None) -> Breaker | None:
    if given is None:
        return None
    if isinstance(given, str):
        return Breaker(given, given, clock=clock)
    if not isinstance(given, Breaker):
        raise InputError(
            f"[reliability.Policy] breaker is {given!r}; it must be a Breaker or the name of a preset, or None"
        )
    if clock is not None and given.clock is not clock:
        raise InputError(
            f"[reliability.Policy] {name} and its breaker {given.name} have different clocks; give both the same"
        )
    return given


def _require_functions(hooks: Any, **given: Any) -> None:
    origin = "reliability.Policy"
    for what, one in given.items():
        if not callable(one) and not (what == "clock" and one is None):
            raise InputError(f"[{origin}] {what} is {one!r}; it must be a function")
    if not isinstance(hooks, tuple | list) or not all(map(callable, hooks)):
        raise InputError(f"[{origin}] hooks is {hooks!r}; it must be a tuple of functions of an event")


def _require_kinds(hedge: Any, retry: Any, executor: Any) -> None:
    for what, given, kind in (("hedge", hedge, Hedge), ("retry", retry, Retry)):
        if given is not None and not isinstance(given, kind):
            raise InputError(
                f"[reliability.Policy] {what} is {given!r}; it must be a {kind.__name__}, or None"
            )
    if executor is not None and not hasattr(executor, "submit"):
        raise InputError(
            f"[reliability.Policy] executor is {executor!r}; it must have submit, as concurrent.futures' do"
        )
