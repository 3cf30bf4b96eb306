"""A whole run: every operation with every contender, the instruction sets, errors, and chains. Main entry: `run_session`.

Nothing is printed or judged here; `Session` keeps the samples, `as_dict` gives them as plain values.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from atalanta.benchmarking.accuracy import LargestError, largest_errors, reference_available
from atalanta.benchmarking.clock import (
    Cell,
    Clock,
    Entry,
    LeftOut,
    Limits,
    Measurement,
    Work,
    measure,
    ratio,
)
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.instruction_sets import (
    EUROPEAN,
    LISTED,
    BitComparison,
    compare_bits,
    isa_cells,
    isa_kept,
    supported_isas,
)
from atalanta.benchmarking.listed.accuracy import ListedError, listed_errors
from atalanta.benchmarking.operations import GROUPS, OPERATIONS, Operation, cells_of
from atalanta.market.analysis import analyze
from atalanta.market.chain import Chain
from atalanta.market.simulator import simulate_chain

__all__ = ["BASE", "RATE", "SIMULATED", "WITH_DIVIDENDS", "Plan", "Session", "run_session"]

#: The contender that ratios are told of.
BASE = "atalanta"

#: Source of the chain that is always there, and what is added to a source whose dividends were given.
#: Given with dividends: at no rate at all half of an American chain has nothing to be exercised for, and takes half the time.
RATE = 0.05
SIMULATED, WITH_DIVIDENDS = "simulated chain", f", dividends, {RATE:.0%} rate"

_FULL = Limits(cell=4.0, call=0.7)
_QUICK = Limits(cell=0.6, call=0.1, rounds=(5, 15))
_BRIEF = Limits(cell=0.5, call=0.7, rounds=(3, 15))


@dataclass(frozen=True)
class Plan:
    """What to measure and for how long.

    | field | meaning |
    |---|---|
    | `groups` | of `operations.GROUPS` |
    | `sizes` | rows per batch call |
    | `limits` | of the clock, per operation |
    | `isa_rows`, `accuracy_rows` | rows of the comparison of instruction sets, of the errors |
    | `listed_rows`, `listed_limits` | of American options, which take microseconds each |
    | `cases` | folder with tables of exact American prices, None without |
    | `dividends` | file of cash dividends for the given chains, None without |

    The instruction sets and the errors are those of the operations asked for, of all where none is.
    """

    groups: tuple[str, ...] = GROUPS
    sizes: tuple[int, ...] = (1, 100, 10_000, 1_000_000)
    limits: Limits = _FULL
    isa_rows: int = 10_000
    accuracy_rows: int = 400
    listed_rows: int = 320
    listed_limits: Limits = _BRIEF
    cases: Path | None = None
    dividends: Path | None = None

    @classmethod
    def quick(cls) -> Plan:
        """Without the million rows and with fewer rounds."""
        return cls(sizes=(1, 100, 10_000), limits=_QUICK, accuracy_rows=120)

    def alone(self) -> Plan:
        """With as much time for American options as others have, and 10,000 rows of them unless it is quick."""
        rows = self.listed_rows if self.limits is _QUICK else 10_000
        return replace(self, listed_rows=rows, listed_limits=self.limits)

    @property
    def covered(self) -> tuple[Operation, ...]:
        """The operations asked for; all where only other parts of the report were."""
        asked = tuple(operation for operation in OPERATIONS if operation.group in self.groups)
        return asked or OPERATIONS


@dataclass(frozen=True, eq=False)
class Session:
    """What a run found.

    `instruction_sets` are measurements whose contenders are instruction sets, `chains` those of `analyze`, whose
    operation is the source of the chain; `errors` is None where mpmath is missing, `bits` None where not asked for;
    `listed_errors` are those of American options.
    """

    contenders: tuple[Contender, ...]
    measurements: tuple[Measurement, ...] = ()
    instruction_sets: tuple[Measurement, ...] = ()
    chains: tuple[Measurement, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    bits: BitComparison | None = None
    errors: tuple[LargestError, ...] | None = None
    listed_errors: tuple[ListedError, ...] = ()

    def find(self, operation: str, rows: int, contender: str = BASE) -> Measurement | None:
        """The measurement of a contender in a cell, None where there is none."""
        return _find(self.measurements, operation, rows, contender)

    def find_listed(self, operation: str, contender: str = BASE) -> Measurement | None:
        """The measurement of an operation on American options, which has one size."""
        wanted = operation, contender
        return next((item for item in self.measurements if (item.operation, item.contender) == wanted), None)

    def times(self, measurement: Measurement, base: str = BASE) -> float | None:
        """How many times as long as the base in the same cell, None where the base was not measured."""
        group = self.instruction_sets if measurement in self.instruction_sets else self.measurements
        found = _find(group, measurement.operation, measurement.rows, base)
        return None if found is None else ratio(measurement, found)

    def as_dict(self) -> dict[str, Any]:
        """Everything in plain types, for JSON."""
        best = self.instruction_sets[0].contender if self.instruction_sets else ""
        return {
            "versions": {
                name: version for made in self.contenders for name, version in made.versions.items()
            },
            "notes": {made.name: made.note for made in self.contenders if made.note},
            "measurements": [self._record(item, BASE) for item in self.measurements],
            "instruction_sets": [self._record(item, best) for item in self.instruction_sets],
            "chains": [self._record(item, BASE) for item in self.chains],
            "left_out": [asdict(item) for item in self.left_out],
            "bits": None if self.bits is None else {**asdict(self.bits), "passed": self.bits.passed},
            "errors": None if self.errors is None else [asdict(item) for item in self.errors],
            "listed_errors": [asdict(item) for item in self.listed_errors],
        }

    def _record(self, item: Measurement, base: str) -> dict[str, Any]:
        low, _, high = statistics.quantiles(item.ns, n=4, method="inclusive")
        return {
            "operation": item.operation,
            "rows": item.rows,
            "contender": item.contender,
            "ns_per_option": item.median,
            "quartiles": [low, high],
            "rounds": len(item.ns),
            "base": base,
            "times_base": self.times(item, base),
        }


def _find(found: Sequence[Measurement], operation: str, rows: int, contender: str) -> Measurement | None:
    wanted = operation, rows, contender
    return next((item for item in found if (item.operation, item.rows, item.contender) == wanted), None)


def run_session(
    contenders: Sequence[Contender],
    plan: Plan,
    chains: Sequence[tuple[str, Chain]] = (),
    step: Callable[[str], None] = lambda _: None,
    clock: Clock = time.process_time_ns,
) -> Session:
    """Measure what the plan asks for.

    Args:
        contenders: Atalanta first, then the peers.
        plan: what, and for how long.
        chains: further chains to analyse, each with its source.
        step: told in a few words what is being done.
        clock: in nanoseconds.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a peer's warnings are not this run's findings
        found, left_out = _measure_operations(contenders, plan, step, clock)
        isa, bits = _compare_instruction_sets(contenders[0], plan, step, clock)
        return Session(
            tuple(contenders),
            measurements=tuple(found),
            instruction_sets=tuple(isa),
            chains=tuple(_analyze_chains(plan, chains, step, clock)),
            left_out=tuple(left_out),
            bits=bits,
            errors=_errors(contenders, plan, step),
            listed_errors=_listed_errors(contenders, plan, step),
        )


def _measure_operations(
    contenders: Sequence[Contender], plan: Plan, step: Callable[[str], None], clock: Clock
) -> tuple[list[Measurement], list[LeftOut]]:
    found: list[Measurement] = []
    left_out: list[LeftOut] = []
    for operation in OPERATIONS:
        if operation.group in plan.groups:
            step(f"measuring {operation.title}")
            sizes = [plan.listed_rows] if operation.listed else plan.sizes
            limits = plan.listed_limits if operation.listed else plan.limits
            measured, missed = measure(cells_of(operation, contenders, sizes), limits, clock)
            found += measured
            left_out += missed
    return found, left_out


def _compare_instruction_sets(
    contender: Contender, plan: Plan, step: Callable[[str], None], clock: Clock
) -> tuple[list[Measurement], BitComparison | None]:
    if "isa" not in plan.groups:
        return [], None
    names = supported_isas()
    step(f"comparing {', '.join(names)}")
    batches = [operation for operation in plan.covered if not operation.single]
    batches = batches or [operation for operation in OPERATIONS if not operation.single]
    found: list[Measurement] = []
    with isa_kept():
        for operation in batches:
            rows = min(plan.isa_rows, plan.listed_rows) if operation.listed else plan.isa_rows
            limits = plan.listed_limits if operation.listed else plan.limits
            found += measure(isa_cells([operation], contender, names, rows), limits, clock)[0]
    kinds = dict.fromkeys(LISTED if operation.listed else EUROPEAN for operation in batches)
    return found, compare_bits(names, plan.isa_rows, tuple(kinds))


def _errors(
    contenders: Sequence[Contender], plan: Plan, step: Callable[[str], None]
) -> tuple[LargestError, ...] | None:
    if "accuracy" not in plan.groups or all(operation.listed for operation in plan.covered):
        return ()
    if not reference_available():
        return None
    step("computing exact values")
    return tuple(largest_errors(contenders, plan.accuracy_rows))


def _listed_errors(
    contenders: Sequence[Contender], plan: Plan, step: Callable[[str], None]
) -> tuple[ListedError, ...]:
    groups = {operation.group for operation in plan.covered if operation.listed}
    if "accuracy" not in plan.groups or not groups:
        return ()
    step("comparing American prices")
    return tuple(listed_errors(contenders, tuple(groups), plan.listed_rows, plan.cases))


def _analyze_chains(
    plan: Plan, chains: Sequence[tuple[str, Chain]], step: Callable[[str], None], clock: Clock
) -> list[Measurement]:
    if "analyze" not in plan.groups:
        return []
    simulation = simulate_chain()
    given = [
        (source if plan.dividends is None else f"{source}{WITH_DIVIDENDS}", chain) for source, chain in chains
    ]
    found = []
    for source, chain in ((SIMULATED, simulation.chain), *given):
        step(f"analysing {source}")
        paid = simulation.dividends if source == SIMULATED else plan.dividends
        rate = RATE if source.endswith(WITH_DIVIDENDS) else None
        work = Work.calling(partial(analyze, chain, dividends=paid, rate=rate, threads=1))
        cell = Cell(source, len(chain), [Entry(BASE, partial(_given, work))])
        found += measure([cell], plan.limits, clock)[0]
    return found


def _given(work: Work) -> Work:
    return work
