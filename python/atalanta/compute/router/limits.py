"""How good and how soon a call has to be, checked in one place for all that run one. Main entries: `limits`, `number`.

What is refused, and the words, are those of the native `decide`: it and what runs a call judge alike.
"""

from __future__ import annotations

import math
from typing import Any

from atalanta.compute.router.table import ORIGIN
from atalanta.errors import InputError

__all__ = ["limits", "number"]


def limits(tolerance: float | None, deadline: float | None) -> tuple[float | None, float | None]:
    """Both as plain numbers, or None as given; infinity is a number above 0 that asks for nothing.

    Args:
        tolerance: largest error.
        deadline: seconds.

    Raises:
        InputError: one is no number above 0.
    """
    # Called with every call: plain numbers pass by two comparisons.
    if tolerance is not None and not (type(tolerance) is float and tolerance > 0.0):
        tolerance = _above_zero("tolerance", tolerance)
    if deadline is not None and not (type(deadline) is float and deadline > 0.0):
        deadline = _above_zero("deadline", deadline)
    return tolerance, deadline


def number(value: Any) -> float:
    """What the native router reads as a number; NaN for texts, truth values and all else that is none."""
    if isinstance(value, bool | str) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _above_zero(name: str, value: object) -> float:
    found = number(value)
    if found > 0.0:
        return found
    raise InputError(f"[{ORIGIN}.decide] {name} is {value!r}; it must be a number above 0, or None")
