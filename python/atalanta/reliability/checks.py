"""What settings must be, said at construction. Main entries: `number`, `whole`, `exceptions`."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from atalanta.errors import InputError

__all__ = ["exceptions", "number", "text", "whole"]


def number(origin: str, name: str, value: Any, *, above: float = 0.0, most: float = math.inf) -> float:
    """`value` as a finite float above `above` and at most `most`.

    Raises:
        InputError: it is not.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, Real)
        or not (above < float(value) <= most and math.isfinite(float(value)))
    ):
        upper = "" if most == math.inf else f" and at most {most:g}"
        raise InputError(f"[{origin}] {name} is {value!r}; it must be a number above {above:g}{upper}")
    return float(value)


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
