"""How far choices are from the best ones, and how much of that is noise. Main entries: `regret_of`, `Regret`.

Readings of one size are taken in turns, so that what else the machine does falls on all targets alike. The best target is
found in one half of the readings and judged, like the choice, in the other, and then the other way round: judged where it
was found, the best of several noisy targets looks better than it is, and every choice worse. What the best target of one
half lacks to that of the other is the noise: a regret below it shows nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from atalanta.benchmarking.routing.oracle import Row

__all__ = ["STATISTICS", "Regret", "regret_of"]

_SMALL = 1_000
_EVEN, _ODD = slice(0, None, 2), slice(1, None, 2)

#: What stands for the readings of a target: the median is what a user sees; what others take only adds to the least.
STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {"median": statistics.median, "least": min}


@dataclass(frozen=True)
class Regret:
    """How far an operation's choices are from the best, as shares of the best time.

    Attributes:
        operation: its name.
        after: what the router knew: its calibration alone, or so many calls.
        readings: 'median' or 'least' of live readings, or 'replayed', see `replay`.
        total: of all sizes together, by time.
        noise: what `total` is of the best target itself.
        mean: of the sizes alike.
        worst: of one size.
        worst_work: that size.
        small: times the baseline, the largest of the choices below 1,000 elements.
    """

    operation: str
    after: str
    readings: str
    total: float
    noise: float
    mean: float
    worst: float
    worst_work: int
    small: float


def regret_of(
    rows: Sequence[Row],
    choices: Sequence[str],
    baseline: str,
    *,
    after: str,
    readings: str = "median",
) -> Regret:
    """Judge the target chosen for each row.

    Args:
        rows: one or more, of one operation.
        choices: a target for each.
        baseline: the target that small calls are compared with.
        after: what the router knew.
        readings: a key of `STATISTICS`, or 'replayed' for rows that are the truth.
    """
    typical = STATISTICS.get(readings, statistics.median)
    halves = [_judged(rows, choices, baseline, typical, *parts) for parts in ((_EVEN, _ODD), (_ODD, _EVEN))]
    shares = [statistics.fmean(pair) for pair in zip(*(half.shares for half in halves), strict=True)]
    small = [statistics.fmean(pair) for pair in zip(*(half.small for half in halves), strict=True)]
    worst = max(range(len(rows)), key=shares.__getitem__)
    return Regret(
        rows[0].operation,
        after,
        readings,
        statistics.fmean(half.chosen / half.best - 1.0 for half in halves),
        statistics.fmean(half.best / half.least - 1.0 for half in halves),
        statistics.fmean(shares),
        shares[worst],
        rows[worst].work,
        max((one for one, row in zip(small, rows, strict=True) if row.work < _SMALL), default=1.0),
    )


@dataclass(frozen=True)
class _Half:
    """Sums over rows, and by row: the choice beside the best and beside the baseline."""

    chosen: float
    best: float
    least: float
    shares: list[float]
    small: list[float]


def _judged(
    rows: Sequence[Row],
    choices: Sequence[str],
    baseline: str,
    typical: Callable[[Sequence[float]], float],
    known: slice,
    judged: slice,
) -> _Half:
    chosen, best, least, small = [], [], [], []
    for row, choice in zip(rows, choices, strict=True):
        seen = {name: typical(values[known] or values) for name, values in row.readings.items()}
        ns = {name: typical(values[judged] or values) for name, values in row.readings.items()}
        chosen.append(ns[choice])
        best.append(ns[min(seen, key=seen.__getitem__)])
        least.append(min(ns.values()))
        small.append(ns[choice] / ns[baseline])
    shares = [one / other - 1.0 for one, other in zip(chosen, best, strict=True)]
    return _Half(sum(chosen), sum(best), sum(least), shares, small)
