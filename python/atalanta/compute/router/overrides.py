"""What the user decides instead of the router, from the environment. Main entry: `overrides`.

| variable | value | meaning |
|---|---|---|
| `ATALANTA_ROUTE` | `price=cpu:one,matrix=gpu:float32` | where operations, or all of a class, run |
| `ATALANTA_THRESHOLDS` | `vector=20000,matrix=1000` | elements from which work leaves the baseline |
| `ATALANTA_DETERMINISTIC` | `1` | decisions by calibration alone: no learning, no tries |
| `ATALANTA_CALIBRATION` | a path | the calibration file |
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from atalanta.compute.router.workloads import CLASSES, WORKLOADS
from atalanta.errors import InputError

__all__ = ["Overrides", "operations_named", "overrides"]

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


class Overrides(NamedTuple):
    """Targets and thresholds by operation, and whether the router learns."""

    pins: Mapping[str, str] = MappingProxyType({})
    thresholds: Mapping[str, int] = MappingProxyType({})
    deterministic: bool = False


def overrides(environment: Mapping[str, str] = os.environ) -> Overrides:
    """What the environment says.

    Raises:
        InputError: a variable that cannot be followed.
    """
    pins = {
        name: target
        for names, target in _pairs(environment, "ATALANTA_ROUTE", "price=cpu:one,matrix=gpu:float32")
        for name in names
    }
    thresholds = {
        name: _count(text, names)
        for names, text in _pairs(environment, "ATALANTA_THRESHOLDS", "vector=20000,matrix=1000")
        for name in names
    }
    return Overrides(pins, thresholds, _flag(environment, "ATALANTA_DETERMINISTIC"))


def operations_named(name: str) -> tuple[str, ...]:
    """The operation of that name, or all of the class of that name; empty where there is neither."""
    if name in WORKLOADS and name not in CLASSES:
        return (name,)
    return tuple(one.name for one in WORKLOADS.values() if one.kind == name)


def _pairs(environment: Mapping[str, str], variable: str, example: str) -> list[tuple[tuple[str, ...], str]]:
    found = []
    for part in filter(None, (word.strip() for word in environment.get(variable, "").split(","))):
        name, equals, value = (word.strip() for word in part.partition("="))
        names = operations_named(name)
        if not equals or not names or not value:
            known = ", ".join([*WORKLOADS, *(kind for kind in CLASSES if kind not in WORKLOADS)])
            raise InputError(
                f"[compute.router] {variable} has {part!r}; write operation=value, by comma, as in {example} "
                f"(operations: {known})"
            )
        found.append((names, value))
    return found


def _count(text: str, names: tuple[str, ...]) -> int:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise InputError(
            f"[compute.router] ATALANTA_THRESHOLDS gives {names[0]} {text!r}; it must be a whole number from 1 up"
        )
    return count


def _flag(environment: Mapping[str, str], variable: str) -> bool:
    text = environment.get(variable, "").strip().lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise InputError(f"[compute.router] {variable} is {environment[variable]!r}; it must be 1 or 0")
