"""Events from a NATS server: live, or all that it keeps. Main entry: `NatsFeed`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.streaming.errors import FeedError
from atalanta.streaming.feeds.announcement import announced
from atalanta.streaming.feeds.nats_partition import Partition
from atalanta.streaming.feeds.nats_server import Jet, NatsAddress, lost
from atalanta.streaming.universe import Universe

__all__ = ["Begin", "NatsFeed"]

_ORIGIN = "streaming.NatsFeed"

Events = npt.NDArray[np.void]
Begin = Literal["new", "all"]

#: A stream tells so many sources apart, and each underlying is one.
_MOST_PARTITIONS = 64
_MESSAGES_AT_ONCE, _MOST_WAITING = 256, 512
_FETCH_SECONDS = 5.0
_END_SECONDS = 1.0


class NatsFeed:
    """Reads what a `NatsPublisher` publishes, each underlying as a source with sequence numbers of its own.

    Messages are pulled, so that a slow reader leaves them on the server and none is dropped on the way. After a lost
    connection it goes on behind the last message that it gave out. What the server no longer has is seen as a gap.

    Args:
        url: `nats://host:port/stream`.
        underlyings: to read; None for all of the universe, 64 at most.
        begin: with what is published from now on, or with the oldest that the server keeps.

    Attributes:
        foreign: messages that were none of Atalanta's, and left out.
        notes: what was left out or begun anew, the last 32 as text.

    Raises:
        InputError: an address that is none, no underlying, or another `begin`.
        MissingExtraError: nats-py is not installed.
    """

    def __init__(self, url: str, *, underlyings: Sequence[str] | None = None, begin: Begin = "new") -> None:
        if begin not in get_args(Begin):
            raise InputError(f"[{_ORIGIN}] begin is {begin!r}; it must be 'new' or 'all'")
        if underlyings is not None and not underlyings:
            raise InputError(
                f"[{_ORIGIN}] there is no underlying to read; give at least one, or None for all"
            )
        self._jet = Jet(NatsAddress.parse(url, _ORIGIN), self._connection_ended)
        self._wanted, self._begin = underlyings, begin
        self._partitions: list[Partition] = []
        self._waiting: asyncio.Queue[tuple[Partition, Any] | FeedError] | None = None
        self._universe: Universe | None = None
        self._made: str | None = None
        self.foreign = 0
        self.notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The address."""
        return str(self._jet.address)

    async def universe(self) -> Universe:
        """The universe that the publisher announced.

        Raises:
            FeedError: no server, or nothing was announced.
            InputError: the announcement cannot be used.
        """
        await self._jet.connect()
        try:
            await self._jet.state()
            text = await self._jet.last_message(self._jet.address.announcement)
        finally:
            await self._jet.close()
        if text is None:
            raise FeedError(f"[{_ORIGIN}] nobody has announced a universe at {self.name}: start a publisher")
        return announced(text)

    async def connect(self) -> None:
        """Connect; again after a failure."""
        self._waiting = None
        await self._jet.connect()

    async def subscribe(self, universe: Universe) -> None:
        """Ask for the partitions of this universe's underlyings; where they begin is settled here, the first time.

        Raises:
            FeedError: there is no JetStream of that name.
            InputError: an underlying that the universe does not have, or more than 64.
        """
        names = universe.tickers if self._wanted is None else tuple(self._wanted)
        universe.keys(names)
        if len(names) > _MOST_PARTITIONS:
            raise InputError(
                f"[{_ORIGIN}] {len(names)} underlyings; a stream tells {_MOST_PARTITIONS} sources apart: "
                "name some (underlyings=), and read the others in further streams"
            )
        made, last = await self._jet.state()
        if [one.underlying for one in self._partitions] != list(names):
            begin = last + 1 if self._begin == "new" else 1
            self._partitions = [Partition(name, source, begin) for source, name in enumerate(names)]
        self._universe = universe
        if self._made not in (None, made):
            self._note("the server lost what it had and has begun anew; the feed reads all that it has now")
            for partition in self._partitions:
                partition.goes_on_with = 1
        self._made = made

    async def resume(self, after: Mapping[int, int]) -> None:
        """Nothing to ask for: each partition knows the last message that it gave out."""
        del after

    async def __aiter__(self) -> AsyncIterator[Events]:
        if self._universe is None:
            raise InputError(f"[{_ORIGIN}] subscribe(universe) comes before the iteration")
        waiting: asyncio.Queue[tuple[Partition, Any] | FeedError] = asyncio.Queue(_MOST_WAITING)
        self._waiting = waiting
        pulling = [asyncio.create_task(self._pull(one, waiting)) for one in self._partitions]
        try:
            while True:
                batch = [await waiting.get()]
                while not waiting.empty() and len(batch) < _MESSAGES_AT_ONCE:
                    batch.append(waiting.get_nowait())
                events = [found for one in batch if (found := self._events_of(one)) is not None]
                if events:
                    yield np.concatenate(events)
                for one in batch:
                    if isinstance(one, FeedError):
                        raise one
        finally:
            self._waiting = None
            for task in pulling:
                task.cancel()
            if pulling:
                await asyncio.wait(pulling, timeout=_END_SECONDS)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._jet.close()

    def _events_of(self, one: tuple[Partition, Any] | FeedError) -> Events | None:
        if isinstance(one, FeedError) or self._universe is None:
            return None
        partition, message = one
        try:
            return partition.take(message, self._universe)
        except InputError as error:
            self.foreign += 1
            self._note(f"a message of {partition.underlying} was left out: {error}")
            return None

    async def _pull(
        self, partition: Partition, waiting: asyncio.Queue[tuple[Partition, Any] | FeedError]
    ) -> None:
        """Fetch as long as there is room; a failure goes the way of the messages, behind them."""
        api = self._jet.nats.js.api
        config = api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=partition.goes_on_with,
            ack_policy=api.AckPolicy.NONE,
            inactive_threshold=60.0,
        )
        subject, stream = self._jet.address.partition(partition.underlying), self._jet.address.stream
        try:
            pulled = await self._jet.js.pull_subscribe(subject, stream=stream, config=config)
            while self._waiting is waiting:  # the library may take a cancellation for a timeout
                try:
                    messages = await pulled.fetch(_MESSAGES_AT_ONCE, timeout=_FETCH_SECONDS)
                except self._jet.nats.errors.TimeoutError:
                    await pulled.consumer_info()  # which has ended when nothing was fetched for long
                    continue
                for message in messages:
                    await waiting.put((partition, message))
        except self._jet.failures as error:
            await waiting.put(lost(f"{partition.underlying} cannot be read from {self.name}", error))

    def _connection_ended(self) -> None:
        waiting = self._waiting
        if waiting is None:
            return
        ended = FeedError(f"[{_ORIGIN}] the connection to {self.name} was lost")
        if waiting.full():  # whoever fetches meets the end too
            return
        waiting.put_nowait(ended)

    def _note(self, text: str) -> None:
        self.notes = (*self.notes[-31:], text)
