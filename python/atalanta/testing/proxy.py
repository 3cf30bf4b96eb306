"""A loopback TCP proxy that delays, resets, swallows, cuts off or garbles what passes through it. Main entry: `FaultProxy`."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from atalanta.errors import InputError
from atalanta.reliability.checks import number, whole

__all__ = ["FaultProxy"]

_T = TypeVar("_T")
_CHUNK = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, no time


class FaultProxy:
    """Stands before a server, on a port of its own, and does to it what networks do.

    It runs in a thread of its own, so that plain and async tests can use it. Faults are set at any time and hold for
    what passes from then on, except a reset, which also ends what is connected.

    Args:
        host: of the server.
        port: of the server.
        seed: of the bytes that are garbled.

    Raises:
        InputError: a port that is none.

    Example:
        >>> import socket
        >>> from atalanta.testing import FaultProxy
        >>> with socket.create_server(("127.0.0.1", 0)) as server, FaultProxy(*server.getsockname()) as proxy:
        ...     proxy.delay(0.01)
        ...     with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        ...         client.sendall(b"hello")
        ...         server.accept()[0].recv(5)
        b'hello'
    """

    def __init__(self, host: str, port: int, *, seed: int = 1) -> None:
        self._server = host, whole("testing.FaultProxy", "port", port, most=65_535)
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        #: where clients connect, on 127.0.0.1
        self.port = 0
        #: connections that clients made, and bytes that were passed on
        self.accepted = self.passed = 0
        self.heal()

    # Faults

    def heal(self) -> None:
        """Pass everything on as it comes. Connections that were swallowed stay so."""
        self._delay = self._garbled = 0.0
        self._resetting = self._swallowing = False
        self._most: int | None = None

    def delay(self, seconds: float) -> None:
        """Let every piece of data wait so long, in both directions.

        Raises:
            InputError: it is not above 0.
        """
        self._delay = number("testing.FaultProxy.delay", "seconds", seconds)

    def reset(self) -> None:
        """End all connections with a reset, and every new one at once."""
        self._resetting = True
        self._run(self._reset_all())

    def black_hole(self) -> None:
        """Accept connections, and answer nothing, ever."""
        self._swallowing = True

    def truncate(self, most: int) -> None:
        """Pass on so many bytes of an answer, then close.

        Raises:
            InputError: it is no whole number from 0 up.
        """
        self._most = whole("testing.FaultProxy.truncate", "most", most, least=0)

    def garble(self, share: float) -> None:
        """Replace that share of an answer's bytes by others.

        Raises:
            InputError: it is not within (0, 1].
        """
        self._garbled = number("testing.FaultProxy.garble", "share", share, most=1.0)

    # Its life

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        if not self._thread.is_alive():
            work.close()
            raise InputError("[testing.FaultProxy] it is not running; use it within `with`")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> int:
        self._listener = await asyncio.start_server(self._client, "127.0.0.1", 0)
        return int(self._listener.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        assert self._listener is not None
        # Nothing new; and what was just accepted gets as far as a task that closes what it holds. asyncio drops,
        # unclosed, what is still on the way when its server closes.
        with contextlib.suppress(NotImplementedError):
            for listening in self._listener.sockets:
                self._loop.remove_reader(listening.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        self._listener.close()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _reset_all(self) -> None:
        for writer in self._writers:
            _reset(writer)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        # Either side goes away, and so does the other; or the proxy ends, and waits for this.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._held(writer):
            if self._resetting:
                _reset(writer)
                return
            if self._swallowing:
                await self._swallow(reader)
                return
            upstream, answer = await asyncio.open_connection(*self._server)
            with self._held(answer):
                asking = asyncio.create_task(self._pass_on(reader, answer, lambda data: data))
                try:
                    await self._pass_on(upstream, writer, self._spoilt)
                finally:
                    asking.cancel()
                    await asyncio.gather(asking, return_exceptions=True)

    @contextlib.contextmanager
    def _held(self, writer: asyncio.StreamWriter) -> Any:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(_CHUNK):
            pass

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        spoil: Callable[[bytes], bytes],
    ) -> None:
        """Until the end of what comes; then tells the other side of the end."""
        passed = 0
        while data := await reader.read(_CHUNK):
            if self._delay > 0.0:
                await asyncio.sleep(self._delay)
            if self._swallowing:
                await self._swallow(reader)
                return
            data = spoil(data)
            limit = self._most if spoil == self._spoilt else None
            if limit is not None:
                data = data[: max(0, limit - passed)]
            # Counted first: whoever holds a byte finds it counted.
            passed += len(data)
            self.passed += len(data)
            writer.write(data)
            await writer.drain()
            if limit is not None and passed >= limit:
                return
        if writer.can_write_eof():
            writer.write_eof()

    def _spoilt(self, data: bytes) -> bytes:
        if self._garbled == 0.0:
            return data
        # A byte that is replaced is never itself.
        return bytes(
            byte ^ self._chance.randint(1, 255) if self._chance.random() < self._garbled else byte
            for byte in data
        )


def _reset(writer: asyncio.StreamWriter) -> None:
    opened = writer.get_extra_info("socket")
    if opened is not None and not writer.is_closing():
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
