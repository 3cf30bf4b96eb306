"""Events as the body of a message that says by itself which instruments they are of. Main entries: `pack`, `unpack`.

A header, the symbols that occur, one a line, and the events as they are, each with the place of its symbol as its key.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.streaming.records import EVENT

__all__ = ["MOST_EVENTS", "MOST_NUMBER", "Numbers", "Packed", "numbers_of", "pack", "unpack"]

Events = npt.NDArray[np.void]

# Magic, version, bytes of an event, events, bytes of symbols, epoch, first number.
_HEADER = struct.Struct("<4sHHIIQQ")
_SUM = struct.Struct("<I")
_MAGIC, _VERSION = b"ATLT", 1

#: Events in a message: half of what a server takes by default.
MOST_EVENTS = 8192

#: The last number that an event can have.
MOST_NUMBER = (1 << 32) - 1


@dataclass(frozen=True)
class Numbers:
    """Of the events of a message: the numbering (`epoch`, one for each time that it began at 1), the first, and how many."""

    epoch: int
    first: int
    count: int


@dataclass(frozen=True, eq=False)
class Packed:
    """What a message held. `events` keep the place of their symbol as their key, and have no sequence numbers."""

    symbols: tuple[str, ...]
    events: Events
    numbers: Numbers


def pack(events: Events, symbols: Sequence[str], numbers: Numbers) -> bytes:
    """The message.

    Args:
        events: (N,) of the dtype `EVENT`, N from 1 to `MOST_EVENTS`.
        symbols: by key.
        numbers: of these events.
    """
    keys, places = np.unique(events["key"], return_inverse=True)
    body = events.copy()
    body["key"] = places
    for of_the_receiver in ("intended_ns", "ticket", "source", "sequence"):
        body[of_the_receiver] = 0
    names = "\n".join(symbols[int(key)] for key in keys).encode()
    payload = names + body.tobytes()
    header = _HEADER.pack(
        _MAGIC, _VERSION, EVENT.itemsize, len(events), len(names), numbers.epoch, numbers.first
    )
    return header + _SUM.pack(crc32(payload, crc32(header))) + payload


def _taken_apart(message: bytes) -> tuple[bytes, int, Numbers]:
    """What follows the header, how many bytes of it are symbols, and the numbers."""
    start = _HEADER.size + _SUM.size
    if len(message) < start or message[:4] != _MAGIC:
        raise InputError("it does not begin as one of Atalanta's messages does")
    _, version, size, count, names, epoch, first = _HEADER.unpack_from(message)
    if version != _VERSION or size != EVENT.itemsize:
        raise InputError(
            f"it is of version {version} with events of {size} bytes; this program reads version {_VERSION}, {EVENT.itemsize} bytes"
        )
    payload = message[start:]
    (told,) = _SUM.unpack_from(message, _HEADER.size)
    if (
        len(payload) != names + count * EVENT.itemsize
        or crc32(payload, crc32(message[: _HEADER.size])) != told
    ):
        raise InputError(f"its {len(message):,} bytes are not those that were sent")
    if not 1 <= first <= MOST_NUMBER or not 1 <= count <= MOST_NUMBER:
        raise InputError(f"it numbers {count:,} events from {first:,}; numbers go from 1 to {MOST_NUMBER:,}")
    return payload, names, Numbers(epoch, first, count)


def numbers_of(message: bytes) -> Numbers:
    """What the events of a message are numbered.

    Raises:
        InputError: it is no such message, is of another version, or is damaged.
    """
    return _taken_apart(message)[2]


def unpack(message: bytes) -> Packed:
    """The message taken apart.

    Raises:
        InputError: it is no such message, is of another version, or is damaged.
    """
    payload, names, numbers = _taken_apart(message)
    try:
        symbols = tuple(payload[:names].decode().split("\n"))
    except UnicodeDecodeError as error:
        raise InputError(f"its symbols are no text: {error}") from error
    events = np.frombuffer(payload, dtype=EVENT, count=numbers.count, offset=names).copy()
    if int(events["key"].max()) >= len(symbols):
        raise InputError(f"an event is of its symbol {int(events['key'].max())}, and it names {len(symbols)}")
    return Packed(symbols, events, numbers)
