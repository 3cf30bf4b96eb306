"""A call in an event loop. Main entry: `Awaiting`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from atalanta import _core
from atalanta.errors import InputError
from atalanta.reliability.calling import Calling
from atalanta.reliability.course import Function
from atalanta.reliability.fallbacks import Cache
from atalanta.reliability.hedging import first_of_tasks

__all__ = ["Awaiting"]


class Awaiting(Calling):
    """What `acall` does beyond the native way. Holds nothing of a loop: any number may use one policy."""

    async def _arefused(
        self, reason: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> _core.Answer[Any]:
        """Of the native way, which a policy with a cache does not go: nobody asks for the function."""
        return await self._afall_back(self._refusal(reason), None, arguments, keywords)

    async def _arun(
        self, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> _core.Answer[Any]:
        """A call that is hedged, has a deadline, or is kept."""
        self._require_loop()
        ticket = self._admit()
        if isinstance(ticket, str):
            return await self._afall_back(self._refusal(ticket), function, arguments, keywords)
        try:
            value = await self._aattempt(ticket, function, arguments, keywords)
        except BaseException as error:  # noqa: BLE001 - it is raised again unless it is a failure
            return await self._arecover(ticket, error, function, arguments, keywords)
        return self._succeeded(ticket, value, function, arguments, keywords)

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
        """After the first attempt failed."""
        retries = 0
        try:
            self._refuse_function(ticket, error)
            while (wait := self._settle(ticket, error, retries)) is not None:
                await self._asleep(wait)
                retries += 1
                if not ticket.again():
                    error = self._refused_after(error)
                    break
                try:
                    value = await self._aattempt(ticket, function, arguments, keywords)
                except BaseException as next_error:  # noqa: BLE001 - looked at by _settle
                    error = next_error
                    continue
                return self._succeeded(ticket, value, function, arguments, keywords)
        finally:
            ticket.close()
        return await self._afall_back(error, function, arguments, keywords)

    def _refuse_function(self, ticket: _core.Ticket, error: BaseException) -> None:
        """A plain function in the place of a coroutine function is the caller's mistake, and no failure."""
        if isinstance(error, TypeError) and "can't be used in 'await' expression" in str(error):
            ticket.cancel()
            raise InputError(
                f"[reliability.{self.name}] acall got a function that is none to be awaited ({error}); use call"
            ) from error

    async def _aattempt(
        self, ticket: _core.Ticket, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """The coroutine itself, with the deadline in its context and a timer that cancels it."""
        deadline = ticket.deadline
        if deadline is None and self.hedge is None:
            return await function(*arguments, **keywords)
        token = None if deadline is None else _core.DEADLINE.set(deadline)
        begin = self._now()
        try:
            from asyncio import timeout

            async with timeout(None if deadline is None else max(0.0, deadline - begin)) as timer:
                if self.hedge is None:
                    return await function(*arguments, **keywords)
                value = await first_of_tasks(
                    lambda: function(*arguments, **keywords), self._second(), timer.expired
                )
        except TimeoutError as error:
            if timer.expired():
                raise self._late(ticket) from error
            raise
        finally:
            if token is not None:
                _core.DEADLINE.reset(token)
        self._latencies.add(self._now() - begin)
        return value

    async def _afall_back(
        self,
        error: BaseException,
        function: Function | None,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> _core.Answer[Any]:
        """The first of the fallbacks that answers, whether it is awaited or not.

        Raises:
            BaseException: the last error, chained to those before, where none does.
        """
        for step in self.fallbacks:
            try:
                if isinstance(step, Cache):
                    found = self._found(step, function, arguments, keywords)
                    if found is None:
                        continue
                    value, age = found
                else:
                    value, age = step.function(*arguments, **keywords), 0.0
                    if isinstance(value, Awaitable):
                        value = await value
            except BaseException as next_error:
                if not self._handled(next_error, error):
                    raise
                error = next_error
                continue
            return self._answered(step, value, age, error)
        raise self._give_up(error)
