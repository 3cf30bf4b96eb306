"""What a configuration asks of the rooms that they cannot do here, before they are asked.

Main entries: `problems`, `problems_of_rooms`. The configuration knows no instruction set, target or peer: whoever does has a function `unusable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atalanta.config import Config, Loaded, Problem

__all__ = ["problems", "problems_of_rooms"]

Unusable = Callable[["Config"], Iterator[tuple[tuple[str, ...], str, object]]]


def problems(loaded: Loaded, unusable: Unusable) -> list[Problem]:
    """What one room cannot do, and who asked for it."""
    from atalanta.config import Problem

    return [
        Problem(str(loaded.origin(".".join(key))), ".".join(key), what, got)
        for key, what, got in unusable(loaded.value)
    ]


def problems_of_rooms(loaded: Loaded) -> list[Problem]:
    """What all of them cannot do; starts no device and measures nothing."""
    from atalanta import machine
    from atalanta.benchmarking import peers
    from atalanta.compute.router import checking

    return [one for room in (machine, checking, peers) for one in problems(loaded, room.unusable)]
