"""What `run_feed` and `publish_feed` share: a feed's batches, checked and closed, and how long to leave it alone. Main entry: `batches_of`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from atalanta import _core
from atalanta.errors import InputError
from atalanta.streaming.feeds.protocol import Feed
from atalanta.streaming.records import EVENT

__all__ = ["LOST", "Pauses", "batches_of", "require_events_of", "require_feed", "require_patience"]

#: What says that a connection is lost; any other exception is a defect of the feed, and goes to the caller.
LOST = (ConnectionError, TimeoutError, OSError, asyncio.IncompleteReadError)

_LASTED_NS = 100_000_000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


class Pauses:
    """How long a feed is left alone after a loss: not at all after a connection that lasted, else twice as long each time."""

    def __init__(self) -> None:
        self._since: int | None = None
        self._short = 0

    def connected(self) -> None:
        """A connection begins."""
        self._since = _core.monotonic_ns()

    def after_loss(self) -> float:
        """Seconds to wait; 0 after a try that did not come to a connection, since the policy has waited then."""
        since, self._since = self._since, None
        if since is None:
            return 0.0
        if _core.monotonic_ns() - since > _LASTED_NS:
            self._short = 0
            return 0.0
        self._short += 1
        return 0.0 if self._short == 1 else min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (self._short - 2))


@asynccontextmanager
async def batches_of(feed: Feed) -> AsyncIterator[AsyncIterator[Any]]:
    """A feed's iteration, which is closed at the end whatever ends it, so that no task of it stays behind."""
    batches = aiter(feed)
    try:
        yield batches
    finally:
        close = getattr(batches, "aclose", None)
        if close is not None:
            await close()


def require_events_of(events: Any, origin: str) -> None:
    """A batch of a feed.

    Raises:
        InputError: it is no array of events.
    """
    if not isinstance(events, np.ndarray) or events.ndim != 1 or events.dtype != EVENT:
        what = f"{events.dtype} of shape {events.shape}" if isinstance(events, np.ndarray) else repr(events)
        raise InputError(
            f"[{origin}] the feed gave {what[:200]}; it must give (N,) of the dtype EVENT, as Universe.events makes them"
        )


def require_feed(feed: Any, origin: str) -> None:
    """Whether it has the methods of a feed.

    Raises:
        InputError: it lacks some.
    """
    lacks = [name for name in _METHODS if not hasattr(feed, name)]
    if lacks:
        raise InputError(
            f"[{origin}] feed is {feed!r}, which lacks {', '.join(lacks)}; see feeds.protocol.Feed"
        )


_METHODS = ("name", "connect", "subscribe", "resume", "__aiter__", "close")


def require_patience(give_up_after: Any, origin: str) -> None:
    """How many failures are borne.

    Raises:
        InputError: no whole number from 1.
    """
    if not isinstance(give_up_after, int) or isinstance(give_up_after, bool) or give_up_after < 1:
        raise InputError(
            f"[{origin}] give_up_after is {give_up_after!r}; it must be a whole number, 1 or more"
        )
