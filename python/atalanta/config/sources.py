"""Where settings come from, the weakest first: files, the environment, the command line. Main entry: `layers`.

defaults < /etc/atalanta < the user's folder < ./atalanta.yaml < the profile's files in the same order < environment
< command line. `ATALANTA_CONFIG`, or a file given, stands in place of the first three files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atalanta.config.defaults import DEFAULTS
from atalanta.config.problems import Problem
from atalanta.config.reading import Key, Layer, read_file, read_scalar
from atalanta.config.search import search_files
from atalanta.config.variables import CONFIG, NAMED, OTHERS, PREFIX, PROFILE

__all__ = ["Request", "default_layer", "layers", "paths", "profile_of", "said"]

_PAIRS = {
    "ATALANTA_ROUTE": "price=cpu:one,matrix=gpu:float32",
    "ATALANTA_THRESHOLDS": "vector=20000,matrix=1000",
}
_TEXTS = {"ATALANTA_CALIBRATION", "ATALANTA_ISA"}
_PROFILE_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line, or a caller, asks for.

    Attributes:
        file: in place of the search.
        profile: in place of `ATALANTA_PROFILE`.
        overrides: values by key, as `buffers.limit`; the strongest of all.
    """

    file: Path | None = None
    profile: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


def default_layer() -> Layer:
    """What the package says itself; it needs no marks."""
    return Layer("default", DEFAULTS)


def layers(request: Request, environment: Mapping[str, str]) -> list[Layer]:
    """Every layer beneath which the defaults lie, the weakest first."""
    return [*_files(request, environment), *said(request, environment)]


def profile_of(request: Request, environment: Mapping[str, str]) -> str | None:
    """The profile asked for."""
    return request.profile or environment.get(PROFILE) or None


def paths(request: Request, environment: Mapping[str, str]) -> tuple[list[Path], list[Path]]:
    """The files that are looked at, there or not: the plain ones, and the profile's."""
    given = request.file or (Path(environment[CONFIG]) if environment.get(CONFIG) else None)
    plain = search_files(environment) if given is None else [given]
    profile = profile_of(request, environment)
    if profile is None or not _PROFILE_NAME.fullmatch(profile):
        return plain, []
    return plain, [path.with_name(f"{path.stem}.{profile}{path.suffix}") for path in plain]


def _files(request: Request, environment: Mapping[str, str]) -> Iterator[Layer]:
    plain, of_profile = paths(request, environment)
    named = request.file is not None or bool(environment.get(CONFIG))
    for path in plain:
        layer = read_file(path)
        if layer is not None:
            yield layer
        elif named:
            by = "" if request.file else f", which {CONFIG} names"
            yield _faulty(str(path), f"there is no such file{by}")
    profile = profile_of(request, environment)
    if profile is not None:
        yield from _profile_layers(profile, of_profile)


def _profile_layers(profile: str, of_profile: list[Path]) -> Iterator[Layer]:
    found = [layer for layer in map(read_file, of_profile) if layer is not None]
    if not of_profile:
        yield _faulty("profile", f"a name has letters, digits, - and _ (got {profile!r})")
    elif not found:
        looked = ", ".join(map(str, of_profile))
        yield _faulty("profile", f"{profile!r} has no file (looked for: {looked})")
    yield from found


def _faulty(source: str, what: str) -> Layer:
    return Layer(source, problems=[Problem(source, "", what)])


def said(request: Request, environment: Mapping[str, str]) -> Iterator[Layer]:
    """The layers of the environment and of the command line, where they say anything."""
    names = [name for name in environment if name.startswith(PREFIX)]
    if names:
        yield _environment({name: environment[name] for name in sorted(names)})
    if request.overrides:
        layer = Layer("command line")
        for key, value in request.overrides.items():
            _put(layer, key.split("."), _plain(value), f"--set {key}")
        yield layer


def _plain(value: Any) -> Any:
    """Mappings of the caller's as dictionaries of our own, which others are merged into."""
    return {name: _plain(below) for name, below in value.items()} if isinstance(value, Mapping) else value


def _environment(variables: Mapping[str, str]) -> Layer:
    layer = Layer("environment")
    for name, text in variables.items():
        if text == "" or name in OTHERS:
            continue
        if name in NAMED:
            _put_named(layer, name, text)
        elif "__" in name:
            words = [word.lower() for word in name.removeprefix(PREFIX).split("__")]
            _put(layer, words, _parsed(layer, name, text, words), name)
    return layer


def _put_named(layer: Layer, name: str, text: str) -> None:
    section, option = NAMED[name]
    if name in _TEXTS:
        _put(layer, [section, option], text, name)
    elif name in _PAIRS:
        for operation, value in _pairs(layer, name, text).items():
            _put(layer, [section, option, operation], value, name)
    else:
        _put(layer, [section, option], _parsed(layer, name, text, NAMED[name]), name)


def _pairs(layer: Layer, name: str, text: str) -> dict[str, Any]:
    """`price=cpu:one,matrix=gpu:float32` as a mapping."""
    pairs = {}
    for part in filter(None, (word.strip() for word in text.split(","))):
        operation, equals, value = (word.strip() for word in part.partition("="))
        if operation in pairs:
            told = "it is given twice; keep one"
            layer.problems.append(Problem(name, ".".join((*NAMED[name], operation)), told, part))
        elif operation and equals and value:
            pairs[operation] = _parsed(layer, name, value, NAMED[name])
        else:
            told = f"write operation=value, by comma, as in {_PAIRS[name]}"
            layer.problems.append(Problem(name, ".".join(NAMED[name]), told, part))
    return pairs


def _parsed(layer: Layer, name: str, text: str, words: Any) -> Any:
    try:
        return read_scalar(text)
    except ValueError as error:
        layer.problems.append(Problem(name, ".".join(words), f"it is not YAML: {error}", text))
        return None


def _put(layer: Layer, words: list[str], value: Any, source: str) -> None:
    """Set one option; two that say different things of it are a problem."""
    place, at = layer.values, Key()
    for word in words[:-1]:
        at = (*at, word)
        layer.marks.setdefault(at, (source, 0, 0))
        below = place.setdefault(word, {})
        if not isinstance(below, dict):
            if below is not None:
                told = f"{layer.marks[at][0]} says {below!r} of {'.'.join(map(str, at))}; keep one of the two"
                layer.problems.append(Problem(source, ".".join(words), told, value))
            below = place[word] = {}
        place = below
    at = (*at, words[-1])
    if words[-1] in place and place[words[-1]] != value:
        told = f"{layer.marks[at][0]} says {place[words[-1]]!r}; keep one of the two"
        layer.problems.append(Problem(source, ".".join(words), told, value))
    place[words[-1]] = value
    _mark(layer, at, value, source)


def _mark(layer: Layer, at: Key, value: Any, source: str) -> None:
    layer.marks[at] = (source, 0, 0)
    if isinstance(value, Mapping):
        for name, below in value.items():
            _mark(layer, (*at, name), below, source)
