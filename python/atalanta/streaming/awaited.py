"""One event and its own result: `Stream.process` and `process_sync`. Main entry: `Awaiting`."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np

from atalanta import _core
from atalanta.errors import InputError
from atalanta.streaming.errors import EventLostError, StreamHaltedError
from atalanta.streaming.records import EVENT, StreamFlag
from atalanta.streaming.universe import Universe

__all__ = ["Awaiting", "key_of", "no_event"]

_ORIGIN = "streaming.Stream.process"
_ROOM = 16_384
_MOST_TICKETS = (1 << 32) - 1


class Awaiting:
    """Keeps who waits for which event, by tickets."""

    executor: str

    def __init__(self, core: _core.EngineCore, producer: _core.ProducerCore, universe: Universe) -> None:
        self._core, self._producer, self.universe = core, producer, universe
        self._tickets = core.outlet(_ROOM, "tickets")
        self._next_ticket = 0
        self._one_at_a_time = threading.Lock()
        self._futures: dict[int, asyncio.Future[Any]] = {}
        self._watching: asyncio.AbstractEventLoop | None = None

    def process_sync(
        self, symbol: str | int, bid: float, ask: float, *, time_ns: int, **columns: Any
    ) -> np.void:
        """Push one event into an inline stream and give its result, a `RESULT` record.

        Raises:
            InputError: an unknown symbol, or the stream is not inline.
            EventLostError: it was dropped, or conflated into a later one.
            StreamHaltedError: the stream has halted.
        """
        if self.executor != "inline":
            raise InputError(
                f"[{_ORIGIN}_sync] needs the executor 'inline', not {self.executor!r}: await process(...)"
            )
        with self._one_at_a_time:
            ticket = self._sent(symbol, bid, ask, time_ns, columns)
            self._core.pump()
            for row in self._tickets.take(_ROOM):
                if int(row["ticket"]) == ticket:
                    return _unless_lost(row, symbol)
        raise EventLostError(
            f"[{_ORIGIN}] {symbol!r}: another call took the result; process in one thread at a time"
        )

    async def process(
        self, symbol: str | int, bid: float, ask: float, *, time_ns: int, **columns: Any
    ) -> np.void:
        """Push one event and await its result, a `RESULT` record; an inline stream does it at once.

        Raises:
            InputError: an unknown symbol.
            EventLostError: it was dropped, or conflated into a later one.
            StreamHaltedError: the stream has halted, or stopped before the event's turn.
        """
        if self.executor == "inline":
            return self.process_sync(symbol, bid, ask, time_ns=time_ns, **columns)
        self._require_going()
        loop = self._watched()
        if len(self._futures) >= _ROOM:  # more results than the ring for them holds could not all come
            raise EventLostError(
                f"[{_ORIGIN}] {symbol!r}: {_ROOM:,} events are awaited already; await some first"
            )
        future: asyncio.Future[Any] = loop.create_future()
        ticket = self._sent(symbol, bid, ask, time_ns, columns)
        self._futures[ticket] = future
        self._drain()  # it may be there already
        try:
            row = await future
        finally:
            self._futures.pop(ticket, None)
        return _unless_lost(row, symbol)

    def _require_going(self) -> None:
        """Nothing would ever come of an event that is pushed now."""
        stage = self._core.account()["halted"]
        if stage is not None:
            raise StreamHaltedError(f"[{_ORIGIN}] halted: the budget of {stage} was missed")
        if not self._core.running:
            raise StreamHaltedError(f"[{_ORIGIN}] the stream has stopped; start() it first")

    def _sent(self, symbol: str | int, bid: float, ask: float, time_ns: int, columns: dict[str, Any]) -> int:
        self._next_ticket = self._next_ticket % _MOST_TICKETS + 1
        key = key_of(self.universe, symbol)
        try:
            taken = self._producer.push(key, bid, ask, time_ns, ticket=self._next_ticket, **columns)
        except (TypeError, ValueError, OverflowError) as error:
            given = {"bid": bid, "ask": ask, "time_ns": time_ns, **columns}
            raise InputError(no_event(_ORIGIN, symbol, given)) from error
        if not taken:
            stage = self._core.account()["halted"]
            if stage is not None:
                raise StreamHaltedError(f"[{_ORIGIN}] halted: the budget of {stage} was missed")
            raise EventLostError(
                f"[{_ORIGIN}] {symbol!r}: the ring is full; push less at a time, or conflate"
            )
        return self._next_ticket

    def _watched(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._watching is not loop:
            if self._watching is not None and not self._watching.is_closed():
                raise InputError(
                    f"[{_ORIGIN}] is awaited in another event loop already: use one loop for a stream"
                )
            self._watching = loop
            loop.add_reader(self._tickets.fileno(), self._readable)
            self._futures.clear()
            self._tickets.wait_for_more()
        return loop

    def _readable(self) -> None:
        self._tickets.clear_wake()
        self._drain()

    def _drain(self) -> None:
        while True:
            for row in self._tickets.take(_ROOM):
                future = self._futures.get(int(row["ticket"]))
                if future is not None and not future.done():
                    future.set_result(row)
            if self._tickets.closed or self._tickets.wait_for_more():
                break
        if self._tickets.closed:
            self._fail_waiters()

    def _fail_waiters(self) -> None:
        """Whoever still waits hears that nothing will come."""
        loop, futures = self._watching, list(self._futures.values())
        if loop is None or loop.is_closed():
            return
        stage = self._core.account()["halted"]
        told = (
            f"halted: the budget of {stage} was missed" if stage else "stopped before the event had its turn"
        )

        def fail() -> None:
            for future in futures:
                if not future.done():
                    future.set_exception(StreamHaltedError(f"[{_ORIGIN}] {told}"))

        loop.call_soon_threadsafe(fail)


def key_of(universe: Universe, symbol: Any) -> int:
    """The key of a symbol; a key is taken as it is, and counted by the engine where it is none.

    Raises:
        InputError: a symbol that the universe does not have.
    """
    if isinstance(symbol, int | np.integer) and not isinstance(symbol, bool):
        return int(symbol)
    return universe.key(symbol)


def no_event(origin: str, symbol: object, given: dict[str, Any]) -> str:
    """What is said of values that the record of an event cannot hold."""
    unknown = [name for name in given if name not in (EVENT.names or ())]
    if unknown:
        return f"[{origin}] {symbol!r}: there is no column {unknown[0]!r}; EVENT has {', '.join(EVENT.names or ())}"
    if "ticket" in given and origin == _ORIGIN:
        return f"[{origin}] {symbol!r}: the ticket is the stream's own here; leave it out"
    told = [text for name, value in given.items() if (text := _misfit(name, value))]
    why = "; ".join(told) or "a key must be a whole number from 0 to 4294967295"
    return f"[{origin}] {symbol!r}: no event can be made: {why}"


def _misfit(name: str, value: Any) -> str:
    """Why a field cannot hold a value; empty where it can."""
    field = EVENT[name]
    if field.kind == "f":
        return (
            "" if isinstance(value, int | float | np.number) else f"{name} is {value!r}; it must be a number"
        )
    limits = np.iinfo(field)
    if isinstance(value, int | np.integer) and limits.min <= value <= limits.max:
        return ""
    return f"{name} is {value!r}; it must be a whole number from {limits.min} to {limits.max}"


def _unless_lost(row: np.void, symbol: str | int) -> np.void:
    if int(row["flags"]) & StreamFlag.LOST:
        raise EventLostError(
            f"[{_ORIGIN}] {symbol!r}: the event was dropped or conflated into a later one; snapshot() counts why"
        )
    return row
