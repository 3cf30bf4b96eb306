"""What a configuration asks of the router that it cannot do. Main entry: `unusable`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from atalanta.compute.router.overrides import operations_named, overrides
from atalanta.compute.router.table import TargetTable
from atalanta.errors import InputError

if TYPE_CHECKING:
    from atalanta.config import Config

__all__ = ["unusable"]


def unusable(settings: Config) -> Iterator[tuple[tuple[str, ...], str, object]]:
    """The key, what is wrong and the value of each pin and tolerance that a router would refuse; measures nothing."""
    table = TargetTable(None, 1, overrides(settings)._replace(tolerances={}))
    for name, target in settings.router.pins.items():
        try:
            table.pins(name, table.operation_names(name), target)
        except InputError as error:
            yield ("router", "pins", name), _told(error), target
    for kind, tolerance in settings.router.tolerances.items():
        names = operations_named(kind)
        least = max((table.default_tolerance(name) for name in names), default=0.0)
        if tolerance < least:
            told = f"it is below {least:g}, which the CPU guarantees: give that or more"
            yield ("router", "tolerances", kind), told, tolerance


def _told(error: InputError) -> str:
    """Without the function that found it."""
    return str(error).partition("] ")[2]
