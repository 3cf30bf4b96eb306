"""The way of a call that did not simply succeed: attempts, waits, fallbacks, in order. Main entries: `Steps`, `Demand`.

Nothing here waits. A way is a generator that asks for one thing after another and is given what became of each;
whoever drives it waits on its thread (`calling`) or in an event loop (`awaiting`).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple, TypeAlias

from atalanta import _core
from atalanta.reliability.course import Course, Function
from atalanta.reliability.fallbacks import Cache, Fallback

__all__ = ["Ask", "Attempt", "Call", "Demand", "Ended", "Outcome", "Steps", "Wait", "Way", "unpacked"]


#: What is called, and with what, by position and by name. The function is None where a policy without a cache was refused.
Call: TypeAlias = tuple[Function | None, tuple[Any, ...], dict[str, Any]]


class Wait(NamedTuple):
    """Let so many seconds pass."""

    seconds: float


class Attempt(NamedTuple):
    """Call the function."""

    ticket: _core.Ticket


class Ask(NamedTuple):
    """Call a fallback."""

    step: Fallback


class Outcome(NamedTuple):
    """What became of it: a value, or an error.

    Attributes:
        value: where there is no error.
        error: a failure of what was called, unless one of the following is true.
        mistake: it is the caller's.
        refused: nothing was called.
    """

    value: Any = None
    error: BaseException | None = None
    mistake: bool = False
    refused: bool = False


class Ended(NamedTuple):
    """How the call ends: with an answer, or with the error that the caller gets.

    An error is handed out and not raised: a generator cannot raise every one (a StopIteration, for example).
    """

    answer: _core.Answer[Any] | None = None
    error: BaseException | None = None


def unpacked(ended: Ended) -> _core.Answer[Any]:
    """The answer.

    Raises:
        BaseException: the error.
    """
    if ended.answer is not None:
        return ended.answer
    error = ended.error
    assert error is not None
    try:
        raise error
    finally:
        del ended, error  # its traceback leads here: a circle that only the collector would break


Demand: TypeAlias = Wait | Attempt | Ask
Way: TypeAlias = Generator[Demand, Outcome, Ended]


class Steps(Course):
    """The ways; the decisions on them are `Course`'s."""

    def _again(self, ticket: _core.Ticket, outcome: Outcome, call: Call) -> Way:
        """After the first attempt did not succeed."""
        retries = 0
        try:
            while (error := outcome.error) is not None:
                if outcome.mistake:
                    return Ended(error=error)
                if outcome.refused:
                    break
                wait = self._settle(ticket, error, retries)
                if isinstance(wait, BaseException):
                    return Ended(error=wait)
                if wait is None:
                    break
                yield Wait(wait)
                retries += 1
                if not ticket.again():
                    refusal = self._refusal("breaker")
                    refusal.__cause__, error = error, refusal
                    break
                outcome = yield Attempt(ticket)
            else:
                return Ended(self._succeeded(ticket, outcome.value, call))
        finally:
            ticket.close()
        return (yield from self._instead(error, call))

    def _instead(self, error: BaseException, call: Call) -> Way:
        """The first of the fallbacks that answers; else the last error, chained to those before."""
        for step in self.fallbacks:
            outcome = self._kept(step, call) if isinstance(step, Cache) else (yield Ask(step))
            if outcome.error is not None:
                if outcome.mistake:
                    outcome.error.__cause__ = error
                if outcome.mistake or not self._handled(outcome.error, error):
                    return Ended(error=outcome.error)
                error = outcome.error
            elif not isinstance(step, Cache):
                return Ended(self._answered(step, outcome.value, 0.0, error))
            elif outcome.value is not None:
                value, age = outcome.value
                return Ended(self._answered(step, value, age, error))
        return Ended(error=self._give_up(error))

    def _kept(self, cache: Cache, call: Call) -> Outcome:
        """The value and its age; None for no answer."""
        try:
            return Outcome(cache.find(self._now(), *call))
        except BaseException as error:  # noqa: BLE001 - of the cache's key, which is the user's
            return Outcome(error=error)

    def _succeeded(self, ticket: _core.Ticket, value: Any, call: Call) -> _core.Answer[Any]:
        answer = ticket.succeed(value)
        if self._cache is not None and answer.source == "live":
            self._cache.keep(self._now(), answer.value, *call)
        return answer
