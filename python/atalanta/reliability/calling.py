"""A call that waits on its own thread. Main entry: `Calling`."""

from __future__ import annotations

import os
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from atalanta import _core
from atalanta.errors import InputError
from atalanta.reliability.course import Course, Function
from atalanta.reliability.fallbacks import Cache
from atalanta.reliability.hedging import first_of_threads

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["Calling"]

_THREADS = 32


class Calling(Course):
    """What `call` does beyond the native way: hedges, limits, attempts after the first, fallbacks."""

    def _run(
        self, _: None, __: None, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> _core.Answer[Any]:
        """A call that is hedged, limited by an executor, or kept."""
        for step in self.fallbacks:
            if not isinstance(step, Cache) and step.asynchronous:
                raise InputError(
                    f"[reliability.{self.name}] its fallback {step.name} is a coroutine function, which call cannot "
                    "wait for; await acall instead"
                )
        ticket = self._admit()
        if isinstance(ticket, str):
            return self._fall_back(self._refusal(ticket), function, arguments, keywords)
        try:
            value = self._attempt(ticket, function, arguments, keywords)
        except BaseException as error:  # noqa: BLE001 - it is raised again unless it is a failure
            return self._recover(ticket, error, function, arguments, keywords)
        self._refuse_coroutine(ticket, value)
        return self._succeeded(ticket, value, function, arguments, keywords)

    def _refused(
        self, reason: str, _: None, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> _core.Answer[Any]:
        return self._fall_back(self._refusal(reason), function, arguments, keywords)

    def _recover(
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
            while (wait := self._settle(ticket, error, retries)) is not None:
                self._sleep(wait)
                retries += 1
                if not ticket.again():
                    error = self._refused_after(error)
                    break
                try:
                    value = self._attempt(ticket, function, arguments, keywords)
                except BaseException as next_error:  # noqa: BLE001 - looked at by _settle
                    error = next_error
                    continue
                self._refuse_coroutine(ticket, value)
                return self._succeeded(ticket, value, function, arguments, keywords)
        finally:
            ticket.close()
        return self._fall_back(error, function, arguments, keywords)

    def _refuse_coroutine(self, ticket: _core.Ticket, value: Any) -> None:
        """As the native way does: what was called is a coroutine function, and nothing of it ran."""
        if isinstance(value, CoroutineType):
            ticket.close()
            value.close()
            raise InputError(
                f"[reliability.{self.name}] call got a coroutine function, which it cannot wait for; await acall instead"
            )

    def _refused_after(self, error: BaseException) -> BaseException:
        refusal = self._refusal("breaker")
        refusal.__cause__ = error
        return refusal

    def _succeeded(
        self,
        ticket: _core.Ticket,
        value: Any,
        function: Function,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> _core.Answer[Any]:
        answer = ticket.succeed(value)
        self._keep(value, function, arguments, keywords)
        return answer

    def _attempt(
        self, ticket: _core.Ticket, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """The function itself, with the deadline in its context; on the executor where there is one."""
        token = None if ticket.deadline is None else _core.DEADLINE.set(ticket.deadline)
        try:
            if self.hedge is None and self._executor is None:
                return function(*arguments, **keywords)
            return self._watched(ticket, function, arguments, keywords)
        finally:
            if token is not None:
                _core.DEADLINE.reset(token)

    def _watched(
        self, ticket: _core.Ticket, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        executor = self._threads() if self._executor is None else self._executor
        begin = self._now()
        try:
            value = first_of_threads(
                executor,
                lambda: function(*arguments, **keywords),
                self._second(),
                ticket.deadline,
                self._now,
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
            from concurrent.futures import ThreadPoolExecutor

            made = ThreadPoolExecutor(_THREADS, f"policy-{self.name}")
            self._own = made, os.getpid()
        return made

    def _fall_back(
        self, error: BaseException, function: Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> _core.Answer[Any]:
        """The first of the fallbacks that answers.

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
            except BaseException as next_error:
                if not self._handled(next_error, error):
                    raise
                error = next_error
                continue
            if isinstance(value, CoroutineType):
                value.close()
                raise InputError(
                    f"[reliability.{self.name}] its fallback {step.name} gave a coroutine, which call cannot wait "
                    "for; await acall instead"
                ) from error
            return self._answered(step, value, age, error)
        raise self._give_up(error)
