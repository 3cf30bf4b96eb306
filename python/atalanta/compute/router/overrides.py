"""What the user decides instead of the router, from the configuration. Main entry: `overrides`.

| option | its own variable | meaning |
|---|---|---|
| `router.pins` | `ATALANTA_ROUTE=price=cpu:one,matrix=gpu:float32` | where operations, or all of a class, run |
| `router.thresholds` | `ATALANTA_THRESHOLDS=vector=20000,matrix=1000` | elements from which work leaves the baseline |
| `router.deterministic` | `ATALANTA_DETERMINISTIC=1` | decisions by calibration alone: no learning, no tries |
| `router.calibration` | `ATALANTA_CALIBRATION`, a path | the calibration file |
| `router.tolerances` | | largest error of calls that name none |
| `devices.allowed` | | the devices there are to choose from |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from atalanta import config
from atalanta.compute.router.workloads import CLASSES, WORKLOADS
from atalanta.errors import InputError

if TYPE_CHECKING:
    from atalanta.config import Change, Config

__all__ = ["Overrides", "follow", "naming_origin", "operations_named", "overrides", "tolerance_within"]

_T = TypeVar("_T")


class Overrides(NamedTuple):
    """Targets, thresholds and tolerances by operation, whether the router learns, and the devices it may choose."""

    pins: Mapping[str, str] = MappingProxyType({})
    thresholds: Mapping[str, int] = MappingProxyType({})
    deterministic: bool = False
    tolerances: Mapping[str, float] = MappingProxyType({})
    devices: tuple[str, ...] | None = None


def overrides(settings: Config | None = None) -> Overrides:
    """What the configuration says.

    Args:
        settings: it; None for that of the process.

    Raises:
        ConfigError: it cannot be used.
    """
    settings = config.configured() if settings is None else settings
    if settings is None:
        return Overrides()
    router = settings.router
    return Overrides(
        _by_operation(router.pins),
        _by_operation(router.thresholds),
        router.deterministic,
        _by_operation(router.tolerances),
        settings.devices.allowed,
    )


def _by_operation(given: Mapping[Any, _T]) -> dict[str, _T]:
    """Classes spread over their operations; an operation's own entry outweighs its class's."""
    found = {one: value for name, value in given.items() for one in operations_named(name)}
    return found | {name: value for name, value in given.items() if operations_named(name) == (name,)}


def operations_named(name: str) -> tuple[str, ...]:
    """The operation of that name, or all of the class of that name; empty where there is neither."""
    if name in WORKLOADS and name not in CLASSES:
        return (name,)
    return tuple(one.name for one in WORKLOADS.values() if one.kind == name)


class Follower(Protocol):
    """What takes pins and thresholds: a router."""

    def pin(self, operation: str, target: str | None) -> str | None:
        """See `Router.pin`."""
        ...

    def set_threshold(self, operation: str, work: int | None) -> int | None:
        """See `Router.set_threshold`."""
        ...


def follow(router: Follower, change: Change) -> None:
    """Take the pins and thresholds that a reloaded configuration has changed.

    Raises:
        InputError: a pin that cannot be followed; all others are.
    """
    old, new = overrides(change.before.value), overrides(change.after.value)
    for name in _differing(old.thresholds, new.thresholds):
        router.set_threshold(name, new.thresholds.get(name))
    errors = []
    for name in _differing(old.pins, new.pins):
        try:
            with naming_origin("pins", name):
                router.pin(name, new.pins.get(name))
        except InputError as error:
            errors.append(str(error))
    if errors:
        raise InputError("; ".join(errors))


def _differing(old: Mapping[str, _T], new: Mapping[str, _T]) -> list[str]:
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


@contextmanager
def naming_origin(option: str, operation: str) -> Iterator[None]:
    """Say of an error which line of the configuration is to blame.

    Raises:
        InputError: what the block raised, with that.
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"{error}; router.{option} says so: {_origin(option, operation)}") from None


def tolerance_within(operation: str, asked: float | None, least: float) -> float:
    """The tolerance of calls that name none.

    Raises:
        InputError: the configuration asks for less than `least`, what the CPU guarantees.
    """
    if asked is None:
        return least
    if asked < least:
        raise InputError(
            f"[compute.router] router.tolerances of {operation} is {asked:g}, below {least:g}, which the CPU "
            f"guarantees: give that or more ({_origin('tolerances', operation)})"
        )
    return asked


def _origin(option: str, operation: str) -> str:
    """Where the entry for an operation, or for its class, stands."""
    loaded = config.current()
    kind = WORKLOADS[operation].kind
    names = (f"router.{option}.{operation}", f"router.{option}.{kind}", f"router.{option}")
    return str(loaded.origin(next((name for name in names if name in loaded.origins), names[-1])))
