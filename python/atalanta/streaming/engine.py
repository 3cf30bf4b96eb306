"""The native engine from what a user gave, checked first. Main entries: `engine_of`, `require_usable`."""

from __future__ import annotations

import math
import os
import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError
from atalanta.streaming.scenarios import Scenarios
from atalanta.streaming.settings import StreamSettings
from atalanta.streaming.universe import Universe

__all__ = ["engine_of", "is_positive", "is_whole", "require_events", "require_usable"]

_ORIGIN = "streaming.Stream"
_FINEST, _COARSEST = 1e-9, 1.0


def is_positive(value: Any) -> bool:
    """Whether it is a finite number above 0."""
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return number and math.isfinite(value) and value > 0.0


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, and not a truth."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def require_events(origin: str, events: Any) -> npt.NDArray[np.void]:
    """`events` without gaps between its rows; the engine looks at the dtype.

    Raises:
        InputError: it is no array with one row each.
    """
    if not isinstance(events, np.ndarray) or events.ndim != 1:
        raise InputError(
            f"[{origin}] events is {reprlib.repr(events)}; it must be one row each of the dtype EVENT: "
            "make them with Universe.events(...)"
        )
    return events if events.flags.c_contiguous else np.ascontiguousarray(events)


def require_usable(universe: Any, settings: Any, processor: Any, tolerance: Any) -> None:
    """The arguments of a stream, as far as their own classes have not checked them.

    Raises:
        InputError: one that cannot be used.
    """
    if not isinstance(universe, Universe):
        raise InputError(
            f"[{_ORIGIN}] universe is {universe!r}; it must be a Universe({{ticker: price}}, ...)"
        )
    if not isinstance(settings, StreamSettings):
        raise InputError(f"[{_ORIGIN}] settings is {settings!r}; it must be StreamSettings(...)")
    if not is_positive(tolerance) or not _FINEST <= tolerance <= _COARSEST:
        raise InputError(
            f"[{_ORIGIN}] tolerance is {tolerance!r}; it must be from {_FINEST:g} to {_COARSEST:g} for a strike of 100"
        )
    usable = _processors()
    if not is_whole(processor) or not 0 <= processor < usable:
        raise InputError(
            f"[{_ORIGIN}] processor is {processor!r}; {usable} are usable here: give a number from 0 to {usable - 1}"
        )


def engine_of(
    universe: Universe,
    settings: StreamSettings,
    tolerance: float,
    risk_stages: Sequence[Any],
    scenarios: Scenarios | None,
) -> _core.EngineCore:
    """The engine.

    Raises:
        InputError: settings that contradict each other, or a risk stage that is none.
    """
    try:
        stages = list(risk_stages)
    except TypeError:
        raise InputError(
            f"[{_ORIGIN}] risk_stages is {risk_stages!r}; it must be a sequence of capsules"
        ) from None
    ladder = None if scenarios is None else scenarios.native(float(tolerance))
    try:
        return _core.EngineCore(universe.native(), settings.native(), float(tolerance), stages, ladder)
    except ValueError as error:
        if isinstance(error, InputError) or "PyCapsule" not in str(error):
            raise
        raise InputError(
            f"[{_ORIGIN}] risk_stages holds {stages!r}; each must be a capsule of a native stage"
        ) from error


def _processors() -> int:
    """How many this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
