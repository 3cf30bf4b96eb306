"""All layers merged into one checked value that knows where everything came from. Main entries: `load`, `Loaded`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from atalanta.config.asking import require_askable
from atalanta.config.contradictions import contradictions
from atalanta.config.model import Config
from atalanta.config.options import PATHS, field_at, flattened, options
from atalanta.config.problems import ConfigError, Problem
from atalanta.config.reading import Key, Layer
from atalanta.config.sources import Request, default_layer, layers, profile_of
from atalanta.config.wording import did_you_mean, problems_of
from atalanta.errors import InputError

__all__ = ["Loaded", "Origin", "assembled", "load"]

Owners = dict[Key, Layer]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set: `default`, a file with line and column, a variable, or an option of the command line."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and where each of its values came from.

    Attributes:
        value: the configuration.
        profile: in force, None without one.
        sources: files and others that set anything, the weakest first.
        origins: by key, as `buffers.limit`; what nobody set has none and is the default.
    """

    value: Config
    profile: str | None
    sources: tuple[str, ...]
    origins: Mapping[str, Origin]

    def origin(self, key: str) -> Origin:
        """Where an option, or the mapping or list that it is in, was set.

        Raises:
            InputError: there is no such option.
        """
        words = str(key).split(".")
        for end in range(len(words), 0, -1):
            if (found := self.origins.get(".".join(words[:end]))) is not None:
                return found
        if field_at(tuple(words)) is None:
            known = [option.key for option in options()]
            raise InputError(f"[config] there is no option {key!r}{did_you_mean(str(key), known)}")
        return Origin("default")

    def items(self) -> Iterator[tuple[str, Any, Origin]]:
        """Every value with its key and origin."""
        for key, value in flattened(self.value).items():
            name = ".".join(key)
            yield name, value, self.origin(name)


def load(
    *,
    file: Path | str | None = None,
    profile: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Loaded:
    """Read, merge and check every source.

    Args:
        file: in place of the files that are searched for; None for the search, or for what `ATALANTA_CONFIG` names.
        profile: in place of `ATALANTA_PROFILE`.
        overrides: values by key, as `{"buffers.limit": "64MiB"}`; stronger than all else.
        environment: the variables.

    Raises:
        ConfigError: with all that is wrong with all sources.
        InputError: an argument of another kind.
    """
    require_askable(file, profile, overrides)
    request = Request(Path(file) if file else None, profile, overrides or {})
    return assembled(layers(request, environment), profile_of(request, environment))


def assembled(given: list[Layer], profile: str | None) -> Loaded:
    """The layers over the defaults, checked.

    Raises:
        ConfigError: with all that is wrong with all of them.
    """
    for layer in given:
        _anchor_paths(layer)
    merged, owners, hidden = _merged([default_layer(), *given])
    problems = [problem for layer in given for problem in layer.problems]
    value, wrong = _validated(merged, owners)
    problems += wrong
    for layer in hidden:  # a mistake that a later source hides comes out when that is removed
        problems += _validated(*_merged([default_layer(), layer])[:2])[1]
    if value is not None:
        problems += [
            Problem(_place(owners, key), ".".join(key), what, got) for key, what, got in contradictions(value)
        ]
    if problems or value is None:
        raise ConfigError(_in_order(problems, given))
    sources = tuple(layer.source for layer in given if layer.values)
    return Loaded(value, profile, sources, _origins(owners))


def _anchor_paths(layer: Layer) -> None:
    """Paths of a file are relative to its folder, wherever the process runs."""
    for section, option in PATHS:
        place = layer.values.get(section)
        if isinstance(place, dict) and isinstance(text := place.get(option), str) and text:
            mark = layer.marks[(section, option)]
            path = Path(text)
            try:
                path = path.expanduser()
            except RuntimeError:
                source, line, column = mark
                at = f"{source}:{line}:{column}" if line else source
                told = "there is no home folder of that name; write the path out"
                layer.problems.append(Problem(at, f"{section}.{option}", told, text))
            place[option] = str(layer.folder.absolute() / path if mark[1] else path)


def _merged(all_layers: list[Layer]) -> tuple[dict[str, Any], Owners, list[Layer]]:
    """The values, whose they are, and the layers but the defaults of which another one hides something."""
    merged: dict[str, Any] = {}
    owners: Owners = {}
    hidden: dict[int, Layer] = {}
    base = all_layers[0]

    def hide(at: Key) -> None:
        owner = owners.pop(at, base)
        if owner is not base:
            hidden[id(owner)] = owner

    def merge(into: dict[str, Any], values: Mapping[str, Any], path: Key, layer: Layer) -> None:
        for name, value in values.items():
            at = (*path, name)
            old = into.get(name)
            if isinstance(value, dict):
                if not isinstance(old, dict):
                    hide(at)
                    old = into[name] = {}
                merge(old, value, at, layer)
                if not value:
                    owners[at] = layer
            elif value is None and isinstance(old, dict):
                continue  # a section with nothing beneath its name
            else:
                if isinstance(old, dict):
                    for below in [key for key in owners if key[: len(at)] == at]:
                        hide(below)
                hide(at)
                into[name] = value
                owners[at] = layer

    for layer in all_layers:
        merge(merged, layer.values, (), layer)
    return merged, owners, list(hidden.values())


def _validated(merged: dict[str, Any], owners: Owners) -> tuple[Config | None, list[Problem]]:
    try:
        return Config.model_validate(merged), []
    except ValidationError as error:
        return None, problems_of(error, lambda key: _place(owners, key))


def _place(owners: Owners, key: Key) -> str:
    """Where the value at a key, or the nearest above it, was set."""
    for end in range(len(key), 0, -1):
        at = key[:end]
        layer = owners.get(at) or next((one for path, one in owners.items() if path[:end] == at), None)
        if layer is not None:
            source, line, column = layer.marks.get(key) or layer.marks.get(at) or (layer.source, 0, 0)
            return f"{source}:{line}:{column}" if line else source
    return "default"


def _origins(owners: Owners) -> dict[str, Origin]:
    return {
        ".".join(map(str, key)): Origin(*layer.marks[key])
        for key, layer in owners.items()
        if layer.source != "default"
    }


def _in_order(problems: list[Problem], given: list[Layer]) -> list[Problem]:
    """Each once, by source and line."""
    rank = {layer.source: place for place, layer in enumerate(given)}

    def order(problem: Problem) -> tuple[int, int, int]:
        words = problem.place.rsplit(":", 2)
        numbers = [int(word) if word.isdigit() else 0 for word in words[1:]]
        line, column = numbers if len(numbers) == 2 else (0, 0)
        return rank.get(words[0], len(rank)), line, column

    return sorted({str(problem): problem for problem in problems}.values(), key=order)
