"""The types of the options: durations, sizes, counts, names, each strict and with a JSON Schema of its own.

A number is never taken for a truth value, nor text for a number; a message says what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    WrapSerializer,
)
from pydantic_core import PydanticCustomError

from atalanta.config.frozen import FrozenMapping
from atalanta.config.units import DURATION_UNITS, SIZE_UNITS, duration_text, nbytes, seconds, size_text

__all__ = [
    "AmericanTolerance",
    "BreakerName",
    "Bytes",
    "Count",
    "Frozen",
    "Given",
    "Guard",
    "Number",
    "Seconds",
    "Text",
    "Truth",
    "between",
]

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


def _told(convert: Callable[[object], T]) -> Callable[[object], T]:
    """A conversion whose ValueError pydantic reports in its own words, without a prefix."""

    def converted(value: object) -> T:
        try:
            return convert(value)
        except ValueError as error:
            raise PydanticCustomError("value", "{reason}", {"reason": str(error)}) from None

    return converted


def _pattern(units: Mapping[str, Any]) -> str:
    names = "|".join(sorted(units, key=len, reverse=True))
    return rf"^([0-9]+(\.[0-9]+)? ?({names}))+$"


#: A duration; text such as `30s` in a file, seconds in the value.
Seconds = Annotated[
    float,
    PlainValidator(_told(seconds)),
    PlainSerializer(duration_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": _pattern(DURATION_UNITS), "examples": ["30s", "5ms"]}),
]

#: A size; text such as `64MiB` in a file, bytes in the value.
Bytes = Annotated[
    int,
    PlainValidator(_told(nbytes)),
    PlainSerializer(size_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": _pattern(SIZE_UNITS), "examples": ["64MiB"]}),
]


def between(low: float, high: float, show: Callable[[Any], str]) -> AfterValidator:
    """A check that a duration or size lies between two, told in its own unit."""

    def checked(value: T) -> T:
        if not low <= value <= high:  # type: ignore[operator]
            raise PydanticCustomError(
                "range",
                "it must be from {low} to {high}",
                {"low": show(low), "high": show(high)},
            )
        return value

    return AfterValidator(checked)


def _truth(value: object) -> bool:
    words = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}
    if isinstance(value, bool):
        return value
    if value in (0, 1) and isinstance(value, int):
        return bool(value)
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError("write true or false")


def _name_or_positive(value: object) -> str | float:
    names = ("fast", "standard", "precise")
    if value in names:
        return str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 1e-7 <= value <= 1e-2:
        return float(value)
    raise ValueError(f"it must be one of {', '.join(names)}, or the error for a strike of 100, 1e-7 to 1e-2")


def _guard(value: object) -> str | int:
    if value in ("off", "full"):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000_000:
        return value
    raise ValueError("it must be off, full, or one block in n: a whole number from 1 to 1000000")


def _breaker_name(name: str) -> str:
    if not name.isidentifier():
        raise ValueError("a breaker's name has letters, digits and underscores")
    return name


#: true or false.
Truth = Annotated[bool, PlainValidator(_told(_truth)), WithJsonSchema({"type": "boolean"})]
#: Text as it stands.
Text = Annotated[str, Field(strict=True, min_length=1)]
#: A whole number from 1 up.
Count = Annotated[int, Field(strict=True, ge=1)]
#: A finite number.
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
#: A tolerance of American prices.
AmericanTolerance = Annotated[
    str | float,
    PlainValidator(_told(_name_or_positive)),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["fast", "standard", "precise"]},
                {"type": "number", "minimum": 1e-7, "maximum": 1e-2},
            ]
        }
    ),
]
#: Which blocks of a buffer pool are guarded.
Guard = Annotated[
    str | int,
    PlainValidator(_told(_guard)),
    WithJsonSchema(
        {"anyOf": [{"enum": ["off", "full"]}, {"type": "integer", "minimum": 1, "maximum": 1_000_000}]}
    ),
]
BreakerName = Annotated[str, AfterValidator(_told(_breaker_name))]


def _frozen(values: Mapping[K, V]) -> Mapping[K, V]:
    return FrozenMapping(values)


def _given(values: Mapping[K, V | None]) -> Mapping[K, V]:
    """The entries that have a value: a file lifts what another set by giving null."""
    return FrozenMapping({name: value for name, value in values.items() if value is not None})


def _as_dict(value: Mapping[K, V], serialize: SerializerFunctionWrapHandler) -> Any:
    return serialize(dict(value))


#: A mapping, immutable once it is checked.
Frozen = Annotated[Mapping[K, V], AfterValidator(_frozen), WrapSerializer(_as_dict)]
#: The same, of what is not null.
if TYPE_CHECKING:
    Given = Mapping
else:
    Given = Annotated[Mapping[K, V | None], AfterValidator(_given), WrapSerializer(_as_dict)]
