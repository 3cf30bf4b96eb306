"""Threads on which calls can be left behind. Main entry: `Threads`.

They are daemons: a call that never ends does not keep the process from ending, as those of `ThreadPoolExecutor` do.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple, ParamSpec, TypeVar

__all__ = ["Threads"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_IDLE_SECONDS = 10.0


class _Work(NamedTuple):
    future: Future[Any]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            value = self.function(*self.arguments, **self.keywords)
        except BaseException as error:  # noqa: BLE001 - it is the caller's, who has the future
            self.future.set_exception(error)
        else:
            self.future.set_result(value)


class Threads(Executor):
    """Up to so many threads, made when none is idle; one that has been idle for ten seconds ends.

    Args:
        most: at a time; further calls wait for one.
        name: theirs.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._changed = threading.Condition()
        self._waiting: deque[_Work] = deque()
        self._idle = self._alive = 0

    def submit(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Call a function on one of them.

        Raises:
            RuntimeError: the machine refuses a thread, and there is none.
        """
        work = _Work(Future(), function, args, kwargs)
        with self._changed:
            self._waiting.append(work)
            if self._idle >= len(self._waiting):  # enough for all that waits
                self._changed.notify()
            elif self._alive < self._most:
                self._start(work)
        return work.future

    def _start(self, work: _Work) -> None:
        try:
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        except RuntimeError:
            if self._alive == 0:
                self._waiting.remove(work)
                raise
        else:
            self._alive += 1

    def _serve(self) -> None:
        while (work := self._next()) is not None:
            work.run()
            del work  # an idle thread holds nothing of its last call

    def _next(self) -> _Work | None:
        with self._changed:
            while not self._waiting:
                self._idle += 1
                told = self._changed.wait(_IDLE_SECONDS)
                self._idle -= 1
                if not told and not self._waiting:
                    self._alive -= 1
                    return None
            return self._waiting.popleft()
