"""Durations and sizes as text: `30s`, `5ms`, `64MiB`. Main entries: `seconds`, `nbytes`, `duration_text`, `size_text`.

Arithmetic is decimal, so that what is written comes back to the last bit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

__all__ = ["DURATION_UNITS", "SIZE_UNITS", "duration_text", "nbytes", "seconds", "size_text"]

#: Seconds of each unit, the largest first.
DURATION_UNITS: Mapping[str, Decimal] = MappingProxyType(
    {
        "d": Decimal(86_400),
        "h": Decimal(3_600),
        "m": Decimal(60),
        "s": Decimal(1),
        "ms": Decimal("1e-3"),
        "us": Decimal("1e-6"),
        "ns": Decimal("1e-9"),
    }
)

#: Bytes of each unit.
SIZE_UNITS: Mapping[str, Decimal] = MappingProxyType(
    {
        **{f"{letter}iB": Decimal(1 << 10 * power) for power, letter in enumerate("KMGT", 1)},
        **{f"{letter}B": Decimal(1000**power) for power, letter in enumerate("kMGT", 1)},
        "B": Decimal(1),
    }
)

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([^\W\d_]+)", re.ASCII)
_MICRO = str.maketrans("µμ", "uu")  # the micro sign, and the Greek letter that looks like it


def seconds(text: object) -> float:
    """The seconds of a duration such as `30s`, `5ms` or `1h30m`.

    Raises:
        ValueError: it is none; the text says what is wrong.
    """
    return _seconds_of(text) if isinstance(text, str) else _total_seconds(text)


def _total_seconds(text: object) -> float:
    word = text.translate(_MICRO) if isinstance(text, str) else text
    total = sum(
        number * DURATION_UNITS[unit] for number, unit in _parts(word, DURATION_UNITS, "duration", "30s")
    )
    return float(total)


@lru_cache(256)
def _seconds_of(text: str) -> float:
    """Of text: the same few durations stand in a configuration over and over."""
    return _total_seconds(text)


def nbytes(text: object) -> int:
    """The bytes of a size such as `64MiB` (1024 * 1024 * 64) or `64MB` (64,000,000).

    Raises:
        ValueError: it is none; the text says what is wrong.
    """
    parts = _parts(text, SIZE_UNITS, "size", "64MiB")
    if len(parts) > 1:
        raise ValueError("give one size with one unit, such as 64MiB")
    number, unit = parts[0]
    total = number * SIZE_UNITS[unit]
    if total != int(total):
        raise ValueError("it is no whole number of bytes")
    return int(total)


def duration_text(value: float) -> str:
    """A duration in the unit that shows it shortest, the larger of equals; `seconds` gives the same value back."""
    if value == 0:
        return "0s"
    exact = Decimal(repr(float(value)))
    texts = (f"{_plain(exact / size)}{unit}" for unit, size in DURATION_UNITS.items() if _fits(exact, size))
    return min(texts, key=len)


def size_text(value: int) -> str:
    """A size in the largest unit that divides it."""
    exact = Decimal(value)
    whole = {unit: exact / size for unit, size in SIZE_UNITS.items() if exact % size == 0}
    unit = max(whole, key=SIZE_UNITS.__getitem__) if value else "B"
    return f"{_plain(whole[unit])}{unit}"


def _parts(text: object, units: Mapping[str, Decimal], what: str, example: str) -> list[tuple[Decimal, str]]:
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        if text == 0:
            return [(Decimal(0), min(units, key=units.__getitem__))]
        raise ValueError(f"a {what} needs a unit, such as {example}: {', '.join(units)}")
    if not isinstance(text, str):
        raise ValueError(f"give a {what} such as {example}")  # noqa: TRY004 - what pydantic reports
    word, parts, at = text.strip(), list[tuple[Decimal, str]](), 0
    while at < len(word) and (match := _PART.match(word, at)):
        number, unit = match.groups()
        if unit not in units:
            raise ValueError(f"{unit!r} is no unit of a {what}; one of {', '.join(units)}")
        if parts and units[unit] >= units[parts[-1][1]]:
            raise ValueError(f"units of a {what} go from large to small, each once, as in 1h30m")
        parts.append((Decimal(number), unit))
        at = match.end()
    if not parts or at < len(word):
        bare = re.fullmatch(r"[0-9.]+", word)
        raise ValueError(
            f"a {what} needs a unit, such as {example}: {', '.join(units)}"
            if bare
            else f"give a {what} such as {example}: a number from 0 up, and one of {', '.join(units)}"
        )
    return parts


def _fits(value: Decimal, size: Decimal) -> bool:
    """Whether the quotient is exact: a third of a minute is not a finite number of them."""
    return (value / size) * size == value


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
