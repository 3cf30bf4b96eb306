"""The options one by one, and what lies at a key. Main entries: `options`, `section_at`, `field_at`, `flattened`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from atalanta.config.model import Config

__all__ = ["PATHS", "Option", "field_at", "flattened", "is_marked", "options", "section_at"]

Section = type[BaseModel]


@dataclass(frozen=True, slots=True)
class Option:
    """One option as its documentation shows it; NAME stands in the key for a name that the user chooses."""

    key: str
    description: str
    reloadable: bool
    field: FieldInfo


@cache
def options() -> tuple[Option, ...]:
    """Every option, in the order of the model; of a section by name those of one entry."""
    return tuple(_walk(Config, ""))


def _walk(section: Section, before: str) -> Iterator[Option]:
    for name, field in section.model_fields.items():
        key = f"{before}{name}"
        below, by_name = _below(field)
        if below is None:
            yield Option(key, field.description or "", is_marked(field, "reloadable"), field)
        else:
            yield from _walk(below, f"{key}.NAME." if by_name else f"{key}.")


def _below(field: FieldInfo) -> tuple[Section | None, bool]:
    """The section that a field is, or holds by name."""
    section = _section(field.annotation)
    if section is not None:
        return section, False
    return next(filter(None, map(_section, get_args(field.annotation))), None), True


def _section(annotation: Any) -> Section | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def is_marked(field: FieldInfo, mark: str) -> bool:
    """Whether the model marks the field so."""
    return isinstance(field.json_schema_extra, dict) and mark in field.json_schema_extra


#: Options whose text is a path.
PATHS = tuple(
    (section, name)
    for section, field in Config.model_fields.items()
    for name, option in (_below(field)[0] or Config).model_fields.items()
    if is_marked(option, "format")
)


def field_at(key: tuple[str | int, ...]) -> FieldInfo | None:
    """The option to which a key belongs: its own, or the mapping or list that it is in."""
    section: Section | None = Config
    field, by_name = None, False
    for word in key:
        if section is None:
            break
        if by_name:
            by_name = False
            continue
        field = section.model_fields.get(str(word))
        if field is None:
            return None
        section, by_name = _below(field)
    return field


def section_at(key: tuple[str | int, ...]) -> Section | None:
    """The section that lies at a key; None where an option does, names of the user's, or nothing."""
    section: Section | None = Config
    by_name = False
    for word in key:
        if by_name:
            by_name = False
            continue
        field = None if section is None else section.model_fields.get(str(word))
        section, by_name = (None, False) if field is None else _below(field)
    return None if by_name else section


def flattened(
    value: BaseModel | Mapping[str, Any], before: tuple[str, ...] = ()
) -> dict[tuple[str, ...], Any]:
    """Every value by its key; mappings that are empty have none."""
    items = (
        [(name, getattr(value, name)) for name in type(value).model_fields]
        if isinstance(value, BaseModel)
        else list(value.items())
    )
    found: dict[tuple[str, ...], Any] = {}
    for name, one in items:
        if isinstance(one, (BaseModel, Mapping)):
            found |= flattened(one, (*before, name))
        else:
            found[(*before, name)] = one
    return found
