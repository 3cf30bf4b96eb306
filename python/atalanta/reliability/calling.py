"""A call that waits on its own thread. Main entry: `Calling`."""

from __future__ import annotations

import os
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from atalanta import _core
from atalanta.errors import InputError
from atalanta.reliability.course import Function
from atalanta.reliability.fallbacks import Cache
from atalanta.reliability.hedging import first_of_threads
from atalanta.reliability.steps import Ask, Attempt, Call, Demand, Ended, Outcome, Steps, Wait, Way, unpacked

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

__all__ = ["Calling"]

#: On which calls run that are hedged.
_THREADS = 32


class Calling(Steps):
    """What `call` does beyond the native way: hedges, limits, attempts after the first, fallbacks."""

    def _run(
        self, _: None, __: None, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> _core.Answer[Any]:
        """A call that is hedged, limited by an executor, or kept."""
        call: Call = (function, arguments, keywords)
        for step in self.fallbacks:
            if not isinstance(step, Cache) and step.asynchronous:
                raise InputError(
                    f"[reliability.{self.name}] its fallback {step.name} is a coroutine function, which call cannot "
                    "wait for; await acall instead"
                )
        ticket = self._admit()
        if isinstance(ticket, str):
            return self._driven(self._instead(self._refusal(ticket), call), call)
        found = self._attempt(ticket, call)
        if type(found) is not Outcome:
            return self._succeeded(ticket, found, call)
        return self._driven(self._again(ticket, found, call), call)

    def _refused(
        self, reason: str, _: None, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> _core.Answer[Any]:
        """Of the native way: nothing was called."""
        call: Call = (function, arguments, keywords)
        return self._driven(self._instead(self._refusal(reason), call), call)

    def _recover(
        self,
        ticket: _core.Ticket,
        error: BaseException,
        function: Function,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> _core.Answer[Any]:
        """Of the native way: the first attempt failed."""
        call: Call = (function, arguments, keywords)
        return self._driven(self._again(ticket, Outcome(error=error), call), call)

    def _driven(self, way: Way, call: Call) -> _core.Answer[Any]:
        """The end of a way, waited for on this thread."""
        try:
            demand = next(way)
            while True:
                demand = way.send(self._done(demand, call))
        except StopIteration as end:
            ended: Ended = end.value
        return unpacked(ended)

    def _done(self, demand: Demand, call: Call) -> Outcome:
        try:
            if isinstance(demand, Attempt):
                found = self._attempt(demand.ticket, call)
                return found if type(found) is Outcome else Outcome(found)
            if isinstance(demand, Ask):
                return self._asked(demand, call)
            assert isinstance(demand, Wait)
            self._sleep(demand.seconds)
        except BaseException as error:  # noqa: BLE001 - looked at on the way
            return Outcome(error=error)
        return Outcome()

    def _asked(self, demand: Ask, call: Call) -> Outcome:
        _, arguments, keywords = call
        value = demand.step.function(*arguments, **keywords)
        if isinstance(value, CoroutineType):
            value.close()
            told = f"its fallback {demand.step.name} gave a coroutine, which call cannot wait for; await acall instead"
            return Outcome(error=InputError(f"[reliability.{self.name}] {told}"), mistake=True)
        return Outcome(value)

    def _attempt(self, ticket: _core.Ticket, call: Call) -> Any:
        """The function itself, with the deadline in its context; on threads where it may be left behind.

        Returns:
            Its value, or an `Outcome` where it has none.
        """
        token = None if ticket.deadline is None else _core.DEADLINE.set(ticket.deadline)
        try:
            if self.hedge is None and self._executor is None:
                function, arguments, keywords = call
                assert function is not None
                value = function(*arguments, **keywords)
            else:
                if not self._has_room():
                    return Outcome(error=self._refusal("left_behind"), refused=True)
                value = self._watched(ticket, call)
        except BaseException as error:  # noqa: BLE001 - it is raised again unless it is a failure
            return Outcome(error=error)
        finally:
            if token is not None:
                _core.DEADLINE.reset(token)
        if isinstance(value, CoroutineType):  # nothing of it ran
            value.close()
            told = "call got a coroutine function, which it cannot wait for; await acall instead"
            return Outcome(error=InputError(f"[reliability.{self.name}] {told}"), mistake=True)
        return value

    def _watched(self, ticket: _core.Ticket, call: Call) -> Any:
        executor = self._threads() if self._executor is None else self._executor
        function, arguments, keywords = call
        assert function is not None
        begin = self._now()
        try:
            value = first_of_threads(
                executor,
                lambda: function(*arguments, **keywords),
                self._second(),
                ticket.deadline,
                self._now,
                self._leave_behind,
            )
        except TimeoutError as error:
            if ticket.deadline is not None and self._now() >= ticket.deadline:
                raise self._late(ticket) from error
            raise
        self._latencies.add(self._now() - begin)
        return value

    def _threads(self) -> Executor:
        """Those of its own. A process that was forked has none of its parent's."""
        made, process = self._own
        if made is None or process != os.getpid():
            from atalanta.reliability.threads import Threads

            made = Threads(_THREADS, f"policy-{self.name}")
            self._own = made, os.getpid()
            self._left.clear()
        return made

    def _has_room(self) -> bool:
        """Whether calls that were left behind hold less than all threads of its own."""
        return self._executor is not None or self.left_behind < _THREADS

    def _may_hedge(self, after: float) -> bool:
        return self._has_room() and super()._may_hedge(after)

    def _leave_behind(self, future: Future[Any]) -> None:
        """Nobody waits for that call any more, and it cannot be stopped."""
        self._count("left_behind")
        self._left.add(future)
        future.add_done_callback(self._left.discard)

    @property
    def left_behind(self) -> int:
        """Calls on threads that are still running, though nobody waits for them any more."""
        return len(self._left) if self._own[1] in (0, os.getpid()) else 0
