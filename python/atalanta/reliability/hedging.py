"""Two calls, of which the first answer counts: in threads, and in tasks. Main entries: `first_of_threads`, `first_of_tasks`."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

__all__ = ["Latencies", "Second", "first_of_tasks", "first_of_threads"]

_T = TypeVar("_T")
_KEPT = 128
_FEWEST = 20


class Latencies:
    """How long the last calls took, for a quantile."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        """A call answered."""
        with self._lock:
            self._seconds.append(seconds)

    def quantile(self, share: float) -> float | None:
        """The time within which that share of them answered; None while there are fewer than 20."""
        with self._lock:
            ordered = sorted(self._seconds)
        if len(ordered) < _FEWEST:
            return None
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Second:
    """When one more call is started beside those of one attempt.

    Args:
        delay: seconds that the last one is given; None for no second call at all.
        most: beside the first.
        may: asked before each; False for none any more.
    """

    def __init__(self, delay: float | None, most: int, may: Callable[[float], bool]) -> None:
        self.delay, self._left, self._may = delay, most, may

    def start(self) -> bool:
        """Whether one is started now."""
        assert self.delay is not None
        if not self._may(self.delay):
            self._left = 0
        self._left -= 1
        if self._left <= 0:
            going, self.delay = self._left == 0, None
            return going
        return True


def first_of_threads(
    executor: Executor,
    call: Callable[[], _T],
    second: Second,
    limit: float | None,
    clock: Callable[[], float],
    leave: Callable[[Future[_T]], None] = lambda _: None,
) -> _T:
    """The first answer of calls on an executor.

    Args:
        executor: where they run; a call that lost runs on there, and its answer is dropped.
        call: what is called, in a copy of this context.
        second: when it is called again.
        limit: until when, on that clock; None for no limit.
        clock: seconds.
        leave: told of each that runs on.

    Raises:
        TimeoutError: there was no answer by the limit.
        BaseException: of the first call, where all failed.
    """
    from concurrent.futures import FIRST_COMPLETED, wait

    def begin() -> Future[_T]:
        return executor.submit(copy_context().run, call)

    pending: set[Future[_T]] = {begin()}
    first_error: BaseException | None = None
    try:
        while pending:
            left = None if limit is None else limit - clock()
            if left is not None and left <= 0.0:
                raise TimeoutError
            times = [time for time in (second.delay, left) if time is not None]
            done, pending = wait(pending, min(times) if times else None, FIRST_COMPLETED)
            for one in done:
                error = one.exception()
                if error is None:
                    return one.result()
                first_error = first_error or error
            if (
                not done
                and second.delay in times[:1]
                and (left is None or times[0] < left)
                and second.start()
            ):
                pending.add(begin())
        assert first_error is not None
        raise first_error
    finally:
        for one in pending:
            if not one.cancel():
                leave(one)


async def first_of_tasks(
    call: Callable[[], Awaitable[_T]], second: Second, over: Callable[[], bool] = lambda: False
) -> _T:
    """The first answer of calls in tasks; the others are cancelled and waited for.

    Args:
        call: what is called.
        second: when it is called again.
        over: whether a limit has passed that cancels this task: once there is an answer it ends the waiting alone.

    Raises:
        BaseException: of the first call, where all failed.
    """
    import asyncio

    async def begin() -> _T:
        return await call()

    pending: set[asyncio.Task[_T]] = {asyncio.create_task(begin())}
    first_error: BaseException | None = None
    own, won = asyncio.current_task(), False
    assert own is not None
    cancelled_before = own.cancelling()
    try:
        while pending:
            done, pending = await asyncio.wait(
                pending, timeout=second.delay, return_when=asyncio.FIRST_COMPLETED
            )
            # All are looked at: asyncio reports an error that nobody saw.
            errors = [(one, asyncio.CancelledError() if one.cancelled() else one.exception()) for one in done]
            for one, error in errors:
                if error is None:
                    won = True
                    return one.result()
                first_error = first_error or error
            if not done and second.delay is not None and second.start():
                pending.add(asyncio.create_task(begin()))
        assert first_error is not None
        raise first_error
    finally:
        for one in pending:
            one.cancel()
        if pending:
            try:
                await asyncio.gather(*pending, return_exceptions=True)
            except asyncio.CancelledError:
                if not (won and over() and own.cancelling() <= cancelled_before + 1):
                    raise
