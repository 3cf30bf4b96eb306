"""An adapter for a broker: what a feed needs, on a line protocol that a few lines of a server speak.

    python examples/broker_feed.py HOST PORT

The protocol stands for yours: the client sends `subscribe SYMBOL ...` and `resume NUMBER`, the server one line for each
quote, `NUMBER TIME_NS SYMBOL BID ASK`, numbered from 1 without a hole. Copy the class and change what is marked.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping

import numpy as np
import numpy.typing as npt

from atalanta.streaming import EVENT, FeedError, Stream, Universe, run_feed

_UNKNOWN = (1 << 32) - 1
_SILENCE = 5.0  # seconds without a line after which a connection counts as lost


class LineFeed:
    """Quotes of a server of lines; one source, numbered by the server."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._universe: Universe | None = None

    @property
    def name(self) -> str:
        """For messages."""
        return "{}:{}".format(*self._address)

    async def connect(self) -> None:
        """Yours: log in here. Raise ConnectionError, OSError or TimeoutError when it fails: the policy tries again."""
        await self.close()
        self._reader, self._writer = await asyncio.wait_for(asyncio.open_connection(*self._address), _SILENCE)

    async def subscribe(self, universe: Universe) -> None:
        """Yours: ask for `universe.symbols`."""
        self._universe = universe
        await self._send("subscribe " + " ".join(universe.symbols))

    async def resume(self, after: Mapping[int, int]) -> None:
        """Yours: ask for what came after these numbers; without a replay do nothing, and gaps will be counted."""
        await self._send(f"resume {after.get(0, 0)}")

    async def __aiter__(self) -> AsyncIterator[npt.NDArray[np.void]]:
        """Yours: one array for all that is there, never one event at a time when more wait."""
        assert self._reader is not None
        rest = b""
        while True:
            read = await asyncio.wait_for(self._reader.read(1 << 16), _SILENCE)
            if not read:
                raise ConnectionResetError("the server has ended the connection")
            *lines, rest = (rest + read).split(b"\n")
            if lines:
                yield self._events(lines)

    async def close(self) -> None:
        """Let go; must not raise."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _events(self, lines: list[bytes]) -> npt.NDArray[np.void]:
        assert self._universe is not None
        events = np.zeros(len(lines), dtype=EVENT)
        for row, line in enumerate(lines):
            try:
                number, time_ns, symbol, bid, ask = line.split()
                events[row]["sequence"], events[row]["time_ns"] = int(number), int(time_ns)
                events[row]["bid"], events[row]["ask"] = float(bid), float(ask)
            except ValueError as error:
                raise FeedError(f"[LineFeed] {line!r} is no quote") from error  # a new connection may mend it
            events[row]["key"] = self._universe.keys([symbol.decode()], unknown=_UNKNOWN)[0]
        events["sides"] = 3
        return events

    async def _send(self, line: str) -> None:
        assert self._writer is not None
        self._writer.write(line.encode() + b"\n")
        await self._writer.drain()


async def main(host: str, port: int) -> None:
    """Stream two symbols and print what is late."""
    async with Stream(Universe({"AAA": float("nan"), "BBB": float("nan")}), executor="hybrid") as stream:
        await run_feed(stream, LineFeed(host, port))
        print(stream.snapshot().as_dict())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/broker_feed.py HOST PORT")
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
