"""Interleaved timing: contenders take turns, so that a slow moment of the machine meets all alike. Main entry: `measure`.

A sample is one clock reading over as many calls as fill a millisecond, after one that is not timed; round k of one contender is compared with
round k of another, never a median with a median.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from timeit import Timer
from typing import Any

__all__ = [
    "FAILURES",
    "Cell",
    "Clock",
    "Entry",
    "LeftOut",
    "Limits",
    "Measurement",
    "Work",
    "measure",
    "ratio",
]

#: A reading in nanoseconds. CPU time of the whole process counts the threads a library starts.
Clock = Callable[[], int]

#: What a library's call raises when it refuses its rows.
FAILURES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

_NS = 1e9


@dataclass(frozen=True)
class Work:
    """What is timed: a statement and the names it uses; `Work.calling(f)` for a call without arguments.

    `rows` says on how many options a run works where that is not every row of the cell: a slow library takes some.
    """

    statement: str
    names: Mapping[str, Any] = field(repr=False)
    rows: int | None = None

    @classmethod
    def calling(cls, call: Callable[[], Any], rows: int | None = None) -> Work:
        """A call that takes nothing."""
        return cls("call()", {"call": call}, rows)

    @classmethod
    def literal(cls, function: str, names: Mapping[str, Any], *arguments: Any, **keywords: Any) -> Work:
        """A call as a user types it, with its values written out, so that nothing but the call is timed."""
        words = [_literal(value) for value in arguments]
        words += [f"{name}={_literal(value)}" for name, value in keywords.items()]
        return cls(f"{function}({', '.join(words)})", names)

    def run(self) -> Any:
        """The result of the statement."""
        return eval(self.statement, dict(self.names))


def _literal(value: Any) -> str:
    return repr(value.item() if hasattr(value, "item") else value)  # NumPy's floats are not written as floats


@dataclass(frozen=True)
class Entry:
    """One contender of a cell: `bind` prepares its inputs, `enter` switches to it; neither is timed."""

    contender: str
    bind: Callable[[], Work]
    enter: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Cell:
    """One operation at one number of rows, and who takes part."""

    operation: str
    rows: int
    entries: Sequence[Entry]


@dataclass(frozen=True)
class Limits:
    """How long to measure, in seconds; a call expected to last longer than `call` is left out."""

    cell: float
    call: float
    sample: float = 1e-3
    rounds: tuple[int, int] = (5, 41)


@dataclass(frozen=True)
class Measurement:
    """CPU time of one contender in one cell, in nanoseconds per option, one figure per round."""

    operation: str
    rows: int
    contender: str
    ns: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median over the rounds."""
        return statistics.median(self.ns)


@dataclass(frozen=True)
class LeftOut:
    """A contender that was not measured in a cell, and why."""

    operation: str
    rows: int
    contender: str
    reason: str


def ratio(slower: Measurement, faster: Measurement) -> float:
    """How many times the second fits into the first: the median over rounds of the quotient within the round."""
    return statistics.median(a / b for a, b in zip(slower.ns, faster.ns, strict=True))


def measure(
    cells: Sequence[Cell], limits: Limits, clock: Clock = time.process_time_ns
) -> tuple[list[Measurement], list[LeftOut]]:
    """Time every contender of every cell, in turns.

    The rounds of all cells are spread over the same stretch of time, and within a round the first contender rotates.

    Args:
        cells: of one operation, small ones first: a small one foretells what a large one will take.
        limits: how long to measure.
        clock: in nanoseconds.

    Returns:
        The measurements in the order of the cells, and what was left out.
    """
    prepared, left_out = _prepare(cells, limits, clock)
    for _, turn, cell in sorted(_schedule(prepared, limits), key=lambda planned: planned[0]):
        shift = turn % len(cell)
        for contestant in [*cell[shift:], *cell[:shift]]:
            contestant.sample()
    return [contestant.measurement() for cell in prepared for contestant in cell], left_out


class _Contestant:
    """One contender in one cell, warmed up, with the samples taken so far."""

    def __init__(self, cell: Cell, entry: Entry, limits: Limits, clock: Clock) -> None:
        self._cell, self._entry = cell, entry
        work = entry.bind()
        self._rows = work.rows or cell.rows
        self._timer = Timer(work.statement, timer=clock, globals=dict(work.names))
        self._samples: list[float] = []
        entry.enter()
        self._timer.timeit(1)  # compiles what is compiled late, and fills the caches
        self._repeats = _repeats(self._timer, limits.sample)

    @property
    def ns_per_option(self) -> float:
        return self._samples[-1]

    @property
    def seconds_per_sample(self) -> float:
        return self.ns_per_option * self._repeats * self._rows / _NS

    def sample(self) -> None:
        self._entry.enter()
        if self._repeats > 1:
            self._timer.timeit(1)  # the caches hold what the contender before it used
        taken = self._timer.timeit(self._repeats)
        self._samples.append(taken / self._repeats / self._rows)

    def measurement(self) -> Measurement:
        warm = self._samples[1:]  # the first one planned the rounds
        return Measurement(self._cell.operation, self._cell.rows, self._entry.contender, tuple(warm))


def _repeats(timer: Timer, sample: float) -> int:
    """Calls that fill a sample."""
    repeats, taken = 1, timer.timeit(1)
    while taken < sample * _NS / 4 and repeats < 1 << 24:
        repeats *= 4
        taken = timer.timeit(repeats)
    return max(1, round(repeats * sample * _NS / max(taken, 1)))


def _prepare(
    cells: Sequence[Cell], limits: Limits, clock: Clock
) -> tuple[list[list[_Contestant]], list[LeftOut]]:
    prepared: list[list[_Contestant]] = []
    left_out: list[LeftOut] = []
    known: dict[str, float] = {}
    for cell in cells:
        contestants = []
        for entry in cell.entries:
            expected = known.get(entry.contender, 0.0) * cell.rows / _NS
            made = (
                _ready(cell, entry, limits, clock) if expected <= limits.call else _too_long(expected, limits)
            )
            if isinstance(made, str):
                left_out.append(LeftOut(cell.operation, cell.rows, entry.contender, made))
                continue
            known[entry.contender] = made.ns_per_option
            contestants.append(made)
        if contestants:
            prepared.append(contestants)
    return prepared, left_out


def _ready(cell: Cell, entry: Entry, limits: Limits, clock: Clock) -> _Contestant | str:
    """The contender after its first sample, or why it cannot take part: a peer's failure must not end the run."""
    try:
        contestant = _Contestant(cell, entry, limits, clock)
        contestant.sample()
    except FAILURES as error:
        return f"{type(error).__name__}: {error}"
    return contestant


def _too_long(seconds: float, limits: Limits) -> str:
    return f"a call would last about {seconds:.2g} s, over the limit of {limits.call:g} s"


def _schedule(
    prepared: Sequence[list[_Contestant]], limits: Limits
) -> list[tuple[float, int, list[_Contestant]]]:
    """When each round of each cell comes, as a fraction of the whole."""
    planned = []
    for cell in prepared:
        cost = sum(contestant.seconds_per_sample for contestant in cell)
        fewest, most = limits.rounds
        rounds = max(fewest, min(most, int(limits.cell / max(cost, 1e-9))))
        planned += [((turn + 0.5) / rounds, turn, cell) for turn in range(rounds)]
    return planned
