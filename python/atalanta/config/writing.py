"""A configuration as YAML that can be read again, and the file to begin with. Main entries: `as_yaml`, `template`."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from atalanta.config.model import Config
from atalanta.config.options import section_at
from atalanta.config.reading import read_scalar
from atalanta.config.sources import default_layer

__all__ = ["as_yaml", "scalar_text", "template", "texts"]

_WIDTH = 80
_PLAIN = re.compile(r"[A-Za-z0-9_./]([A-Za-z0-9_./:+@-]*[A-Za-z0-9_./+@-])?")
_OPENING = (
    "Settings of Atalanta. Take the # away from what is to differ; `atalanta config check` tells what is wrong.",
    "Durations and sizes have units: 30s, 5ms, 64MiB. A relative path is taken from this file's folder.",
)
_OLD_TRUTHS = {"on", "off", "yes", "no", "y", "n"}  # which other readers of YAML take for true and false


def texts(config: Config) -> dict[str, Any]:
    """The configuration as nested mappings of what a file would say: durations and sizes with their units."""
    dumped: dict[str, Any] = config.model_dump(mode="json")
    return dumped


def scalar_text(value: Any) -> str:
    """A value on one line, quoted where YAML would take it for something else."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar_text(k)}: {scalar_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(scalar_text, value)) + "]"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _OLD_TRUTHS and read_scalar(value) == value
        return value if plain else json.dumps(value)
    return json.dumps(value)


def as_yaml(values: Mapping[str, Any], remark: Callable[[str], str] = lambda _: "") -> str:
    """Nested mappings as YAML.

    Args:
        values: as `texts` gives them.
        remark: what stands behind a value as a comment, by its key.
    """
    return "\n".join(_lines(values, "", "", remark)) + "\n"


def _lines(
    values: Mapping[str, Any], before: str, indent: str, remark: Callable[[str], str]
) -> Iterator[str]:
    for name, value in values.items():
        key = f"{before}{name}"
        if isinstance(value, Mapping) and value:
            yield f"{indent}{scalar_text(name)}:"
            yield from _lines(value, f"{key}.", f"{indent}  ", remark)
        else:
            said = remark(key)
            yield f"{indent}{scalar_text(name)}: {scalar_text(value)}" + (f"  # {said}" if said else "")


def template() -> str:
    """A file in which every option stands, commented out, with what it is for and its default."""
    lines = [f"# {line}" for text in _OPENING for line in textwrap.wrap(text, _WIDTH - 2)]
    for name, values in default_layer().values.items():
        section = section_at((name,))
        lines += ["", *_comment(_first_line(section), ""), f"{name}:"]
        for option, value in values.items():
            field = section.model_fields[option] if section else None
            lines += _comment(field.description or "" if field else "", "  ")
            lines += [f"  # {line}" for line in as_yaml({option: value}).splitlines()]
    return "\n".join(lines) + "\n"


def _first_line(section: type[BaseModel] | None) -> str:
    return (section.__doc__ or "").splitlines()[0] if section else ""


def _comment(text: str, indent: str) -> list[str]:
    return [f"{indent}## {line}" for line in textwrap.wrap(text, _WIDTH - len(indent) - 3)]
