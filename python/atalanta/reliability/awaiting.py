"""A call in an event loop. Main entry: `Awaiting`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from atalanta import _core
from atalanta.errors import InputError
from atalanta.reliability.calling import Calling
from atalanta.reliability.course import Function
from atalanta.reliability.fallbacks import can_be_awaited
from atalanta.reliability.hedging import first_of_tasks
from atalanta.reliability.steps import Ask, Attempt, Call, Demand, Ended, Outcome, Wait, Way, unpacked

__all__ = ["Awaiting"]


class _NotAwaitableError(InputError):
    """A plain function in the place of a coroutine function: the caller's mistake, and no failure."""


class Awaiting(Calling):
    """What `acall` does beyond the native way. Holds nothing of a loop: any number may use one policy."""

    async def _arefused(
        self, reason: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> _core.Answer[Any]:
        """Of the native way, which a policy with a cache does not go: nobody asks for the function."""
        call: Call = (None, arguments, keywords)
        return await self._adriven(self._instead(self._refusal(reason), call), call)

    async def _arun(
        self, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> _core.Answer[Any]:
        """A call that is hedged, has a deadline, or is kept."""
        self._require_loop()
        call: Call = (function, arguments, keywords)
        ticket = self._admit()
        if isinstance(ticket, str):
            return await self._adriven(self._instead(self._refusal(ticket), call), call)
        outcome = await self._aattempt(ticket, call)
        if outcome.error is None:
            return self._succeeded(ticket, outcome.value, call)
        return await self._adriven(self._again(ticket, outcome, call), call)

    def _require_loop(self) -> None:
        from asyncio import get_running_loop

        try:
            get_running_loop()
        except RuntimeError as error:
            raise InputError(
                f"[reliability.{self.name}] acall needs a running event loop for its deadline or hedge; await it "
                "inside asyncio.run, or use call"
            ) from error

    async def _arecover(
        self,
        ticket: _core.Ticket,
        error: BaseException,
        function: Function,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> _core.Answer[Any]:
        """Of the native way: the first attempt failed."""
        call: Call = (function, arguments, keywords)
        return await self._adriven(self._again(ticket, Outcome(error=error), call), call)

    async def _adriven(self, way: Way, call: Call) -> _core.Answer[Any]:
        """The end of a way, awaited."""
        try:
            demand = next(way)
            while True:
                demand = way.send(await self._adone(demand, call))
        except StopIteration as end:
            ended: Ended = end.value
        return unpacked(ended)

    async def _adone(self, demand: Demand, call: Call) -> Outcome:
        try:
            if isinstance(demand, Attempt):
                return await self._aattempt(demand.ticket, call)
            if isinstance(demand, Ask):
                _, arguments, keywords = call
                value = demand.step.function(*arguments, **keywords)
                return Outcome(await value if can_be_awaited(value) else value)
            assert isinstance(demand, Wait)
            await self._asleep(demand.seconds)
        except BaseException as error:  # noqa: BLE001 - looked at on the way
            return Outcome(error=error)
        return Outcome()

    async def _aattempt(self, ticket: _core.Ticket, call: Call) -> Outcome:
        """The coroutine itself, with the deadline in its context and a timer that cancels it."""
        deadline = ticket.deadline
        token = None if deadline is None else _core.DEADLINE.set(deadline)
        try:
            if deadline is None and self.hedge is None:
                return Outcome(await self._awaitable(call))
            return Outcome(await self._atimed(ticket, call))
        except _NotAwaitableError as error:
            return Outcome(error=error, mistake=True)
        except BaseException as error:  # noqa: BLE001 - it is raised again unless it is a failure
            return Outcome(error=error)
        finally:
            if token is not None:
                _core.DEADLINE.reset(token)

    async def _atimed(self, ticket: _core.Ticket, call: Call) -> Any:
        from asyncio import timeout

        deadline, begin = ticket.deadline, self._now()
        try:
            async with timeout(None if deadline is None else max(0.0, deadline - begin)) as timer:
                if self.hedge is None:
                    return await self._awaitable(call)
                value = await first_of_tasks(lambda: self._awaitable(call), self._second(), timer.expired)
        except TimeoutError as error:
            if timer.expired():
                raise self._late(ticket) from error
            raise
        self._latencies.add(self._now() - begin)
        return value

    def _awaitable(self, call: Call) -> Awaitable[Any]:
        function, arguments, keywords = call
        assert function is not None
        made = function(*arguments, **keywords)
        if not can_be_awaited(made):
            raise _NotAwaitableError(
                f"[reliability.{self.name}] acall got a function that is none to be awaited "
                f"(it gave {type(made).__name__}); use call"
            )
        awaitable: Awaitable[Any] = made
        return awaitable
