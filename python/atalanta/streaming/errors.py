"""What can end or refuse work of a stream."""

from __future__ import annotations

from atalanta.errors import AtalantaError, RefusedError

__all__ = ["EventLostError", "FeedError", "StreamHaltedError"]


class StreamHaltedError(AtalantaError, RuntimeError):
    """A budget with the policy `halt` was missed: the stream takes nothing more."""


class EventLostError(RefusedError):
    """The event that was waited for was dropped or conflated, and has no result of its own."""


class FeedError(AtalantaError, ConnectionError):
    """A feed could not be connected, or kept failing."""
