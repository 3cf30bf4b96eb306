"""What happened to breakers and calls, as frozen values for whoever listens. Main entries: `Event`, `Hook`, `set_hooks`.

Nothing is told while all is well: a live answer at the first attempt makes no event.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

__all__ = [
    "BreakerChanged",
    "Event",
    "Failed",
    "FellBack",
    "Hedged",
    "Hook",
    "Refused",
    "Retried",
    "collecting",
    "emit",
    "set_hooks",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Of a policy or breaker of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class BreakerChanged(Event):
    """A breaker's state changed, or would have."""

    #: opened, half_opened, closed; spared (the last alternative stays closed); would_open (metrics only)
    change: str
    #: consecutive, failures, slow, probe, waited or mode
    cause: str
    generation: int
    #: seconds until the first probe, of one that opened
    open_for: float


@dataclass(frozen=True, slots=True)
class Retried(Event):
    """A call that failed is made again."""

    #: of the retries, from 1
    attempt: int
    #: seconds before it
    wait: float
    error: BaseException


@dataclass(frozen=True, slots=True)
class Hedged(Event):
    """A call that was slow to answer got a second one beside it."""

    #: seconds that the first was given
    after: float


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """A call was not made."""

    #: deadline, bulkhead, breaker, or left_behind: calls that go on without a caller hold all threads
    reason: str
    #: seconds until it may be worth asking again
    retry_after: float


@dataclass(frozen=True, slots=True)
class FellBack(Event):
    """Something else answered."""

    #: its name; "cached" for a value that was kept
    fallback: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """Nothing answered; the caller got the error."""

    error: BaseException


class Hook(Protocol):
    """Whoever listens. It is called on the thread where it happened, and must be quick; what it raises is reported and dropped."""

    def __call__(self, event: Event, /) -> None:
        """Take note."""
        ...


_hooks: tuple[Hook, ...] = ()
_collected: ContextVar[list[Event] | None] = ContextVar("atalanta_events", default=None)


def set_hooks(*hooks: Hook) -> tuple[Hook, ...]:
    """Let these hear of every policy and breaker of the process; returns those before, so that they can be put back."""
    global _hooks
    before, _hooks = _hooks, hooks
    return before


@contextmanager
def collecting() -> Iterator[list[Event]]:
    """What happens in this context alone: a list that fills while the body runs. One within another has its own."""
    events: list[Event] = []
    token = _collected.set(events)
    try:
        yield events
    finally:
        _collected.reset(token)


def emit(event: Event, own: tuple[Hook, ...] = ()) -> None:
    """Tell the process's hooks, those of a policy, and who collects."""
    collected = _collected.get()
    if collected is not None:
        collected.append(event)
    for hook in (*_hooks, *own):
        try:
            hook(event)
        except Exception:  # noqa: BLE001 - reported, and nobody else's
            _report(hook)


def _report(hook: Hook) -> None:
    """A listener's error is not the caller's: it goes where Python reports what nobody can catch."""
    kind, value, trace = sys.exc_info()
    assert kind is not None
    sys.unraisablehook(
        _Unraisable(kind, value, trace, "a hook of atalanta.reliability failed", hook)  # type: ignore[arg-type]
    )


@dataclass(frozen=True, slots=True)
class _Unraisable:
    exc_type: type[BaseException]
    exc_value: BaseException | None
    exc_traceback: object
    err_msg: str
    object: object
