"""What settings must be, said at construction. Main entries: `number`, `whole`, `exceptions`."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from atalanta.errors import InputError

__all__ = ["MOST_CALLS", "SHORTEST", "exceptions", "number", "text", "whole"]

#: Seconds: native code counts in nanoseconds, and takes none for no limit.
SHORTEST = 1e-9
#: Of what counts calls: within 32 bits, in which native code counts them.
MOST_CALLS = 1_000_000


def number(origin: str, name: str, value: Any, *, above: float = 0.0, most: float = math.inf) -> float:
    """`value` as a finite float above `above` and at most `most`.

    Raises:
        InputError: it is not.
    """
    try:
        given = math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    except OverflowError:  # a whole number beyond all floats
        given = math.inf
    if not (above < given <= most and math.isfinite(given)):
        upper = "" if most == math.inf else f" and at most {most:g}"
        raise InputError(f"[{origin}] {name} is {value!r}; it must be a number above {above:g}{upper}")
    return given


def whole(origin: str, name: str, value: Any, *, least: int = 1, most: int | None = None) -> int:
    """`value` as an int from `least` up to `most`.

    Raises:
        InputError: it is not.
    """
    if type(value) is not int or value < least or (most is not None and value > most):
        upper = "up" if most is None else f"to {most}"
        raise InputError(f"[{origin}] {name} is {value!r}; it must be a whole number from {least} {upper}")
    return value


def text(origin: str, name: str, value: Any) -> str:
    """`value`, which must be a name.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, str) or not value:
        raise InputError(f"[{origin}] {name} is {value!r}; it must be a name")
    return value


def exceptions(origin: str, name: str, value: Any) -> tuple[type[BaseException], ...]:
    """`value`, which must be exception classes.

    Raises:
        InputError: it is not.
    """
    given = value if isinstance(value, tuple) else (value,)
    for one in given:
        if not isinstance(one, type) or not issubclass(one, BaseException):
            raise InputError(f"[{origin}] {name} holds {one!r}; it must be exception classes")
    return given
