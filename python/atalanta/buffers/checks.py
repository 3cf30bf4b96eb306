"""Checks of what a pool is given. Main entries: `bytes_of`, `guard_every`, `is_seconds`, `page_of`, `whole`."""

from __future__ import annotations

import operator
from numbers import Real
from typing import Literal, SupportsIndex

from atalanta.errors import InputError

__all__ = ["Guard", "bytes_of", "guard_every", "is_seconds", "page_of", "whole"]

_MOST_BYTES = 1 << 40
_LEAST_PAGE, _MOST_PAGE = 64, 2 << 20

Guard = Literal["off", "full"] | int


def bytes_of(name: str, value: int | None, least: int = 1, origin: str = "BufferPool") -> int:
    """A number of bytes that is given as `name`; 0 for None.

    Raises:
        InputError: no whole number from `least` to 1 TiB.
    """
    if value is None:
        return 0
    number = whole(value)
    if not least <= number <= _MOST_BYTES:
        raise InputError(
            f"[buffers.{origin}] {name}={value!r}: give a whole number of bytes from {least:,} to {_MOST_BYTES:,}"
        )
    return number


def page_of(value: int | None) -> int:
    """The bytes of an accelerator's page; 0 for None.

    Raises:
        InputError: no power of two within the limits.
    """
    if value is None:
        return 0
    number = whole(value)
    if not _LEAST_PAGE <= number <= _MOST_PAGE or number & (number - 1):
        raise InputError(
            f"[buffers.BufferPool] page_bytes={value!r}: give a power of two from {_LEAST_PAGE} to {_MOST_PAGE}"
        )
    return number


def whole(value: SupportsIndex) -> int:
    """-1, which no limit allows, for what is no whole number."""
    try:
        return operator.index(value)
    except TypeError:
        return -1


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000_000


def guard_every(guard: Guard) -> int:
    """One block in how many is guarded; 0: none.

    Raises:
        InputError: neither 'off', 'full' nor such a number.
    """
    if guard == "off":
        return 0
    if guard == "full":
        return 1
    if not _is_count(guard):
        raise InputError(
            f"[buffers.BufferPool] guard={guard!r}: give 'off', 'full' or one in n, 1 to 1000000"
        )
    return guard


def is_seconds(value: object) -> bool:
    """Whether it is a number from 0 on; infinity is."""
    return isinstance(value, Real) and float(value) >= 0
