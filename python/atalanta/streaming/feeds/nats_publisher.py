"""Events to a NATS server, a subject for each underlying. Main entry: `NatsPublisher`."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from typing import Self

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.streaming.errors import FeedError
from atalanta.streaming.feeds.announcement import announce
from atalanta.streaming.feeds.iteration import require_events_of
from atalanta.streaming.feeds.nats_server import Jet, NatsAddress, lost
from atalanta.streaming.feeds.packing import MOST_EVENTS, MOST_NUMBER, Numbers, numbers_of, pack
from atalanta.streaming.universe import Universe

__all__ = ["NatsPublisher"]

_ORIGIN = "streaming.NatsPublisher"

Events = npt.NDArray[np.void]

_LONGEST_KEPT = 3.2e8  # ten years


class NatsPublisher:
    """Publishes events through JetStream, in partitions by underlying, each numbered from 1 without a hole.

    What a server has not acknowledged is kept, and sent by the next `connect`, unless the server turns out to have it:
    each event is there once. A publisher that starts anew goes on with the numbers that it finds.

    Args:
        url: `nats://host:port/stream`.
        universe: of the events' keys; announced to whoever joins.
        keep_seconds: how long the server keeps events for those who come back.
        keep_bytes: and how many bytes of them.
        in_memory: the server keeps them in memory, and loses them when it ends.

    Raises:
        InputError: an address that is none, or nothing to be kept.
        MissingExtraError: nats-py is not installed.
    """

    def __init__(
        self,
        url: str,
        universe: Universe,
        *,
        keep_seconds: float = 3600.0,
        keep_bytes: int = 1 << 30,
        in_memory: bool = False,
    ) -> None:
        if not 0.0 < keep_seconds <= _LONGEST_KEPT or keep_bytes < 1:
            raise InputError(
                f"[{_ORIGIN}] keep_seconds={keep_seconds!r}, keep_bytes={keep_bytes!r}: give seconds above 0, at most "
                f"{_LONGEST_KEPT:g}, and 1 byte or more"
            )
        self._jet = Jet(NatsAddress.parse(url, _ORIGIN))
        self._universe, self._keep = universe, (float(keep_seconds), int(keep_bytes), in_memory)
        place = {name: index for index, name in enumerate(universe.tickers)}
        of_contracts = [place[str(name)] for name in universe.contracts["underlying"]]
        self._partition_of_key = np.array([*range(len(place)), *of_contracts], dtype=np.int64)
        self._next: dict[int, Numbers] = {}
        self._unsent: dict[int, deque[tuple[Numbers, bytes]]] = {}
        self._unnumbered: deque[Events] = deque()
        self._connected = False

    @property
    def name(self) -> str:
        """The address."""
        return str(self._jet.address)

    @property
    def connected(self) -> bool:
        """Whether `publish` may be called."""
        return self._connected

    async def connect(self) -> None:
        """Connect, make the JetStream where it is not there, announce the universe, and send what was left over.

        Raises:
            FeedError: no server, no JetStream on it, or one of that name for other subjects.
        """
        self._connected = False
        jet, address = self._jet, self._jet.address
        seconds, size, in_memory = self._keep
        await jet.connect()
        api = jet.nats.js.api
        storage = api.StorageType.MEMORY if in_memory else api.StorageType.FILE
        wanted = api.StreamConfig(
            name=address.stream,
            subjects=address.subjects,
            max_age=seconds,
            max_bytes=size,
            storage=storage,
            discard=api.DiscardPolicy.OLD,
        )
        try:
            try:
                await jet.js.add_stream(wanted)
            except jet.nats.js.errors.BadRequestError:  # one of that name is there, kept otherwise
                await jet.js.update_stream(wanted)
            await jet.js.publish(address.announcement, announce(self._universe))
        except jet.failures as error:
            raise lost(f"cannot make the JetStream {address.stream!r} on {address}", error) from error
        for partition, left in self._unsent.items():
            if left:
                await self._forget_what_arrived(partition)
        await self._number_all()
        await self._send_all()
        self._connected = True

    async def publish(self, events: Events) -> int:
        """Publish a batch and wait until the server has it; how many messages it took.

        Args:
            events: (N,) of the dtype `EVENT`, with keys of the universe.

        Raises:
            FeedError: it is not connected, and nothing was taken over; or the connection is lost or the server does not
                answer: then `connect` sends what is left, and the batch must not be published again.
            InputError: no events, or a key that the universe does not have; nothing was taken over.
        """
        if not self._connected:
            raise FeedError(f"[{_ORIGIN}] it is not connected: await connect() first")
        require_events_of(events, _ORIGIN)
        if len(events) == 0:
            return 0
        if int(events["key"].max()) >= len(self._partition_of_key):
            raise InputError(
                f"[{_ORIGIN}] key {int(events['key'].max())} is none of the universe's {len(self._partition_of_key):,}"
            )
        self._unnumbered.append(events.copy())
        messages = await self._number_all()
        await self._send_all()
        return messages

    async def close(self) -> None:
        """Let go of the connection."""
        self._connected = False
        await self._jet.close()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def _subject(self, partition: int) -> str:
        return self._jet.address.partition(self._universe.tickers[partition])

    async def _number_all(self) -> int:
        """Number what was taken over and lay it ready, in its order; how many messages that makes."""
        messages = 0
        while self._unnumbered:
            events = self._unnumbered[0]
            partition = self._partition_of_key[events["key"]]
            present = [int(one) for one in np.unique(partition)]
            for one in present:
                if one not in self._next:
                    try:
                        self._next[one] = await self._found_numbers(self._subject(one))
                    except FeedError:
                        self._connected = False  # the events stay until the next `connect`
                        raise
            self._unnumbered.popleft()
            messages += sum(self._take_over(one, events[partition == one]) for one in present)
        return messages

    def _take_over(self, partition: int, events: Events) -> int:
        """Number the events of a partition and lay them ready."""
        ready = self._unsent.setdefault(partition, deque())
        before = len(ready)
        for begin in range(0, len(events), MOST_EVENTS):
            part = events[begin : begin + MOST_EVENTS]
            at = self._next[partition]
            if at.first + len(part) > MOST_NUMBER:
                at = Numbers(secrets.randbits(64), 1, 0)
            numbers = Numbers(at.epoch, at.first, len(part))
            ready.append((numbers, pack(part, self._universe.symbols, numbers)))
            self._next[partition] = Numbers(at.epoch, at.first + len(part), 0)
        return len(ready) - before

    async def _send_all(self) -> None:
        """All partitions at the same time, the messages of each in order; the first failure when all have stopped."""
        outcomes = await asyncio.gather(
            *(self._send(one) for one, ready in self._unsent.items() if ready), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                self._connected = False
                raise outcome

    async def _send(self, partition: int) -> None:
        subject, ready = self._subject(partition), self._unsent[partition]
        while ready:
            numbers, message = ready[0]
            # The same events under the same numbers are one message to the server, however often they come.
            identity = {"Nats-Msg-Id": f"{subject}/{numbers.epoch}/{numbers.first}"}
            try:
                await self._jet.js.publish(subject, message, headers=identity)
            except self._jet.failures as error:
                raise lost(f"{subject} was not taken by {self._jet.address}", error) from error
            ready.popleft()

    async def _forget_what_arrived(self, partition: int) -> None:
        """The server may have what it did not acknowledge any more."""
        found, ready = await self._last_numbers(self._subject(partition)), self._unsent[partition]
        while (
            found is not None
            and ready
            and ready[0][0].epoch == found.epoch
            and ready[0][0].first <= found.first
        ):
            ready.popleft()

    async def _found_numbers(self, subject: str) -> Numbers:
        """Where the numbers of a subject go on."""
        found = await self._last_numbers(subject)
        if found is None:
            return Numbers(secrets.randbits(64), 1, 0)
        return Numbers(found.epoch, found.first + found.count, 0)

    async def _last_numbers(self, subject: str) -> Numbers | None:
        """Of the last message of a subject; None where there is none, or one that is not ours."""
        last = await self._jet.last_message(subject)
        with contextlib.suppress(InputError):
            return None if last is None else numbers_of(last)
        return None
