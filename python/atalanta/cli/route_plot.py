"""Predicted times over sizes, drawn as text: one letter for each target, the choice in capitals. Main entry: `curve_plot`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from atalanta.cli.route import Route

__all__ = ["LARGEST_DOUBLING", "curve_plot", "seconds_text"]

#: Sizes are drawn up to two to this power.
LARGEST_DOUBLING = 26
_PLOT_HEIGHT = 12
_LABEL = 9


def curve_plot(route: Route, *, width: int = 72, height: int = _PLOT_HEIGHT) -> list[Text]:
    """Draw predicted times over sizes, both on logarithmic scales.

    Args:
        route: at least one curve; without any there is nothing to draw.
        width: characters per line, labels included.
        height: lines of the plot itself.

    Returns:
        Lines: the plot, the sizes below it, and which letter is which target.
    """
    if not route.curves:
        return [Text("nothing was measured", style="dim")]
    columns = width - _LABEL - 1
    seconds = [value for curve in route.curves.values() for value in curve]
    low, high = math.log(min(seconds)), math.log(max(seconds))
    grid = [[" "] * columns for _ in range(height)]
    letters = {name: chr(ord("a") + place) for place, name in enumerate(route.curves)}
    marked = _column_of(route.explanation.work, route.works, columns)
    for line in grid:
        line[marked] = "·"
    for column in range(columns):
        at = {name: _at(curve, column / (columns - 1)) for name, curve in route.curves.items()}
        best = _chosen(route, column / (columns - 1))
        for name in sorted(at, key=lambda name: name == best):  # the best is drawn last, on top
            height_of = (at[name] - low) / max(high - low, 1e-9)
            letter = letters[name].upper() if name == best else letters[name]
            grid[height - 1 - round(height_of * (height - 1))][column] = letter
    return [*_framed(grid, low, high), *_footer(route, letters, columns, marked)]


def _chosen(route: Route, place: float) -> str:
    """The target that the router takes at a share of the sizes' logarithmic range."""
    told = route.explanation
    work = route.works[0] * (route.works[-1] / route.works[0]) ** place
    chosen = told.crossovers[0].before if told.crossovers else told.decision.target
    for crossover in told.crossovers:
        chosen = crossover.after if work >= crossover.work else chosen
    return chosen


def _at(curve: Sequence[float], place: float) -> float:
    """The logarithm of a curve at a share of its length."""
    position = place * (len(curve) - 1)
    lower = min(int(position), len(curve) - 2)
    from_, to = math.log(curve[lower]), math.log(curve[lower + 1])
    return from_ + (position - lower) * (to - from_)


def _column_of(work: int, works: Sequence[int], columns: int) -> int:
    place = math.log(max(work, works[0]) / works[0]) / math.log(works[-1] / works[0])
    return min(columns - 1, round(place * (columns - 1)))


def _framed(grid: Sequence[Sequence[str]], low: float, high: float) -> list[Text]:
    lines = []
    for place, row in enumerate(grid):
        value = math.exp(high - (high - low) * place / (len(grid) - 1))
        label = seconds_text(value) if place % 3 == 0 or place == len(grid) - 1 else ""
        lines.append(Text(f"{label:>{_LABEL}}|").append("".join(row)))
    return lines


def _footer(route: Route, letters: dict[str, str], columns: int, marked: int) -> list[Text]:
    sizes = [" "] * columns
    for power in range(4, LARGEST_DOUBLING + 1, 4):
        text, place = f"2^{power}", _column_of(2**power, route.works, columns)
        start = min(place, columns - len(text))
        sizes[start : start + len(text)] = text
    names = ", ".join(f"{letter} {name}" for name, letter in letters.items())
    mark = f"· marks {route.explanation.work:,} elements"
    del marked
    return [
        Text(" " * (_LABEL + 1) + "".join(sizes)),
        Text(f"{names}; capitals are the choice; {mark}", style="dim"),
    ]


def seconds_text(value: float) -> str:
    """A time in the unit that suits it; a dash for none."""
    if math.isnan(value):
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * scale >= 1.0:
            return f"{value * scale:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"
