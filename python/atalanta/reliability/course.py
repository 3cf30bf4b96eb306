"""What is decided in a call that did not simply succeed: whether it is made again, and what it is told. Main entry: `Course`.

Sync and async calls share all of it; they differ in how they wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from atalanta import _core
from atalanta.errors import BulkheadFullError, DeadlineError, InputError, RefusedError
from atalanta.reliability.events import Failed, FellBack, Hedged, Hook, Refused, Retried, emit
from atalanta.reliability.fallbacks import Cache, Fallback
from atalanta.reliability.hedging import Latencies, Second
from atalanta.reliability.settings import Hedge, Retry
from atalanta.reliability.timing import AsyncSleep, Clock, Random, Sleep, monotonic

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from atalanta.reliability.breaker import Breaker

__all__ = ["Course"]

Function = Callable[..., Any]

#: What asyncio says to those who kept something of a loop that is no more.
_OF_ANOTHER_LOOP = (
    "Event loop is closed",
    "attached to a different loop",
    "is bound to a different event loop",
)


class Course(_core.PolicyCore):
    """A policy's settings, and the decisions that are the same however a call is made."""

    name: str
    deadline: float | None
    bulkhead: int | None
    hedge: Hedge | None
    retry: Retry | None
    breaker: Breaker | None
    fallbacks: tuple[Fallback | Cache, ...]
    _failures: tuple[type[BaseException], ...]
    _passes: tuple[type[BaseException], ...]
    _executor: Executor | None
    _own: tuple[Executor | None, int]  # made for hedges, and by which process
    _left: set[Future[Any]]  # calls on threads that nobody waits for any more
    _clock: Clock | None
    _random: Random
    _sleep: Sleep
    _asleep: AsyncSleep
    _hooks: tuple[Hook, ...]
    _cache: Cache | None
    _latencies: Latencies

    def _now(self) -> float:
        return monotonic() if self._clock is None else self._clock()

    def _settle(
        self, ticket: _core.Ticket, error: BaseException, retries: int
    ) -> float | BaseException | None:
        """Tell the breaker how an attempt failed.

        Returns:
            Seconds until the next one; None for no more; or the error that the caller gets, where it is the caller's
            own or ends the program.
        """
        if not isinstance(error, self._failures) or isinstance(error, self._passes):
            ticket.cancel()
            return error
        if isinstance(error, RuntimeError) and any(words in str(error) for words in _OF_ANOTHER_LOOP):
            ticket.cancel()
            told = InputError(
                f"[reliability.{self.name}] the call uses something of an event loop that is closed or not this one "
                f"({error}): make clients inside the loop that uses them"
            )
            told.__cause__ = error
            return told
        ticket.fail()
        retry = self.retry
        if retry is None or retries >= retry.times or not isinstance(error, retry.on):
            return None
        wait = retry.wait(retries, self._random())
        if ticket.deadline is not None and self._now() + wait >= ticket.deadline:
            return None
        if not self._take_token():
            return None
        self._count("retries")
        emit(Retried(self.name, retries + 1, wait, error), self._hooks)
        return wait

    def _refusal(self, reason: str) -> Exception:
        """The error of a call that is not made."""
        made: Exception
        if reason == "breaker":
            assert self.breaker is not None
            made = self.breaker.refusal()
        elif reason == "bulkhead":
            made = BulkheadFullError(
                f"[reliability.{self.name}] {self.bulkhead} calls are under way, which is as many as are allowed: "
                "this one was not made; ask again later, or raise bulkhead"
            )
        elif reason == "left_behind":
            made = BulkheadFullError(
                f"[reliability.{self.name}] calls that were left behind still run and hold all of its threads: this one "
                "was not made; let what is called end by itself (remaining() says until when), or give an executor"
            )
        else:
            made = DeadlineError(
                f"[reliability.{self.name}] the deadline had passed before the call was made"
            )
        wait = made.retry_after if isinstance(made, RefusedError) else 0.0
        self._count("refused")
        emit(Refused(self.name, reason, wait), self._hooks)
        return made

    def _late(self, ticket: _core.Ticket) -> DeadlineError:
        """The error of a call that was cut off: by its own deadline, or by the one around it."""
        assert ticket.deadline is not None
        which = "before the deadline around it" if self.deadline is None else f"within {self.deadline:g} s"
        return DeadlineError(f"[reliability.{self.name}] no answer {which}")

    def _settle_for_good(self, ticket: _core.Ticket, error: BaseException) -> None:
        """Tell the breaker of a body that is not repeated."""
        if isinstance(error, self._failures) and not isinstance(error, self._passes):
            ticket.fail()
            self._give_up(error)
        else:
            ticket.cancel()

    def _second(self) -> Second:
        """When a second call is made beside the first."""
        hedge = self.hedge
        if hedge is None:
            return Second(None, 0, self._may_hedge)
        share = hedge.quantile
        delay = float(hedge.after) if share is None else self._latencies.quantile(share)
        return Second(delay, hedge.most, self._may_hedge)

    def _may_hedge(self, after: float) -> bool:
        if not self._take_token():
            return False
        self._count("hedges")
        emit(Hedged(self.name, after), self._hooks)
        return True

    def _answered(
        self, step: Fallback | Cache, value: Any, age: float, error: BaseException
    ) -> _core.Answer[Any]:
        """The answer of a fallback."""
        source, late = step.name if isinstance(step, Cache) else f"fallback:{step.name}", False
        if isinstance(value, _core.Answer):  # of a function with a policy of its own
            source = source if value.source == "live" else value.source
            value, age, late = value.value, value.age, value.late
        self._count("cached" if source == "cached" else "fallback")
        emit(FellBack(self.name, step.name, error), self._hooks)
        return _core.Answer(value, source, age, late, error)

    def _give_up(self, error: BaseException) -> BaseException:
        self._count("failed")
        emit(Failed(self.name, error), self._hooks)
        return error

    def _handled(self, error: BaseException, before: BaseException) -> bool:
        """Whether the next fallback is asked after this one's error; chains it to the one before."""
        if error.__context__ is None and error is not before:
            error.__context__ = before
        return isinstance(error, self._failures) and not isinstance(error, self._passes)
