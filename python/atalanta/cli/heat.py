"""Colours and numbers of a heat map, the same at the terminal and on the page. Main entries: `shade`, `money_unit`.

Gains are blue, losses orange: a pair that colour-blind readers can tell apart. The number in a cell says all that its
colour does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Shade", "money", "money_unit", "shade"]

#: Red, green, blue from 0 to 255.
Shade = tuple[int, int, int]

_PAPER = (246, 246, 246)
_GAIN, _LOSS = (33, 102, 172), (200, 82, 0)
_UNITS = ((1e6, "$m"), (1e3, "$k"), (1.0, "$"))


def shade(value: float, largest: float) -> tuple[Shade, Shade]:
    """Ground and ink of a cell.

    Args:
        value: of the cell.
        largest: the largest |value| of the map.
    """
    if not (np.isfinite(value) and largest > 0):
        return _PAPER, (0, 0, 0)
    share = min(1.0, abs(value) / largest) ** 0.6  # small losses must be told from none
    end = _GAIN if value > 0 else _LOSS
    ground = tuple(round(p + share * (e - p)) for p, e in zip(_PAPER, end, strict=True))
    ink = (255, 255, 255) if share > 0.55 else (0, 0, 0)
    return (ground[0], ground[1], ground[2]), ink


def money_unit(values: npt.ArrayLike) -> tuple[float, str]:
    """By what to divide amounts so that they are short, and what that is called."""
    finite = np.abs(np.asarray(values, dtype=np.float64))
    finite = finite[np.isfinite(finite)]
    largest = float(finite.max()) if finite.size else 0.0
    for unit, name in _UNITS:
        if largest >= 1e1 * unit:
            return unit, name
    return 1.0, "$"


def money(value: float, unit: float = 1.0) -> str:
    """An amount in a unit, without cents where it is large; a dash for none."""
    if not np.isfinite(value):
        return "-"
    scaled = value / unit
    count = 0 if abs(scaled) >= 100 or unit == 1.0 else 1
    return f"{round(scaled, count) + 0.0:,.{count}f}"
