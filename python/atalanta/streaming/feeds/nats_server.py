"""What a publisher and a feed share of a NATS server: address, subjects, connection, the JetStream. Main entry: `Jet`."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from atalanta.errors import InputError, import_extra
from atalanta.streaming.errors import FeedError

__all__ = ["DEFAULT_STREAM", "Jet", "NatsAddress", "lost"]

#: Of the JetStream, and the first word of its subjects.
DEFAULT_STREAM = "atalanta"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CONNECT_SECONDS = 2.0
#: A server that answers none of two pings is gone; a broken cable says nothing.
_PING_SECONDS, _UNANSWERED_PINGS = 1.0, 2


@dataclass(frozen=True)
class NatsAddress:
    """A server and the JetStream on it: `nats://[user:password@]host[:port][/stream]`."""

    server: str
    stream: str

    @classmethod
    def parse(cls, text: str, origin: str) -> NatsAddress:
        """Read it.

        Raises:
            InputError: it is no such address.
        """
        try:
            parts = urlsplit(text)
            port = parts.port or 4222
        except ValueError as error:
            raise InputError(
                f"[{origin}] {text!r} is no address ({error}); give nats://host:port/stream"
            ) from error
        stream = parts.path.strip("/") or DEFAULT_STREAM
        if parts.scheme not in ("nats", "tls") or not parts.hostname or not _NAME.fullmatch(stream):
            raise InputError(
                f"[{origin}] {text!r} is no address; give nats://host:port/stream, "
                "the stream in letters, digits, - and _"
            )
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return cls(f"{parts.scheme}://{login}{host}:{port}", stream)

    def __str__(self) -> str:
        """Without a password."""
        shown = urlsplit(self.server)
        return f"{shown.scheme}://{shown.hostname}:{shown.port}/{self.stream}"

    @property
    def announcement(self) -> str:
        """The subject of the universe."""
        return f"{self.stream}.universe"

    @property
    def subjects(self) -> list[str]:
        """All that the JetStream keeps."""
        return [f"{self.stream}.events.*", self.announcement]

    def partition(self, underlying: str) -> str:
        """The subject of an underlying; what a subject must not hold is written as in a URL."""
        return f"{self.stream}.events.{quote(underlying, safe='').replace('.', '%2E')}"

    def underlying_of(self, subject: str) -> str:
        """The other way round."""
        return unquote(subject.rpartition(".")[2])


def lost(what: str, error: BaseException) -> FeedError:
    """A failure of the server or the way to it, as `run_feed` expects to be told of it."""
    return FeedError(f"[streaming.nats] {what}: {str(error) or type(error).__name__}")


class Jet:
    """A connection that ends when it is lost: whoever uses it has a policy for what comes then.

    Args:
        address: of server and stream.
        on_end: called when the connection ends, by whatever end.

    Raises:
        MissingExtraError: nats-py is not installed.
    """

    def __init__(self, address: NatsAddress, on_end: Callable[[], None] = lambda: None) -> None:
        self.nats = import_extra("nats", "nats", "streaming.nats")
        self.address, self._on_end = address, on_end
        self._connection: Any = None
        self.js: Any = None

    #: Failures of the library, all of which mean: not now.
    @property
    def failures(self) -> tuple[type[BaseException], ...]:
        """What the library raises, and what a socket does."""
        return (self.nats.errors.Error, OSError, TimeoutError, asyncio.IncompleteReadError)

    async def connect(self) -> None:
        """Connect anew.

        Raises:
            FeedError: there is no server, or it refuses.
        """
        await self.close()

        async def ended() -> None:
            self._on_end()

        async def ignore(error: Exception) -> None:
            del error  # what matters is raised where it happens, or ends the connection

        try:
            self._connection = await self.nats.connect(
                self.address.server,
                allow_reconnect=False,
                max_reconnect_attempts=1,  # 0 is without end
                reconnect_time_wait=0.0,
                connect_timeout=_CONNECT_SECONDS,
                ping_interval=_PING_SECONDS,
                max_outstanding_pings=_UNANSWERED_PINGS,
                closed_cb=ended,
                disconnected_cb=ended,
                error_cb=ignore,
            )
        except self.failures as error:
            what = f"cannot connect to {self.address}: start nats-server -js there, or give another address"
            raise lost(what, error) from error
        self.js = self._connection.jetstream(timeout=_CONNECT_SECONDS)

    async def state(self) -> tuple[str, int]:
        """When the JetStream was made, and the number of the last message that it took in, 0 where it is empty.

        Raises:
            FeedError: there is no such JetStream, or no answer.
        """
        try:
            info = await self.js.stream_info(self.address.stream)
        except self.failures as error:
            what = f"there is no JetStream {self.address.stream!r} to read from: publish to it first"
            raise lost(what, error) from error
        return str(info.created), int(info.state.last_seq)

    async def last_message(self, subject: str) -> bytes | None:
        """What came last under a subject, None where nothing did.

        Raises:
            FeedError: no answer.
        """
        try:
            found = await self.js.get_last_msg(self.address.stream, subject)
        except self.nats.js.errors.NotFoundError:
            return None
        except self.failures as error:
            raise lost(f"cannot read {subject}", error) from error
        return bytes(found.data or b"")

    async def close(self) -> None:
        """Let go; never raises."""
        connection, self._connection, self.js = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(*self.failures):  # it is gone either way
                await connection.close()
