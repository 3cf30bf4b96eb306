"""A session as tables of text, in the order of the run. Main entries: the `*_table` functions.

Times are nanoseconds per option, medians over the rounds; ratios above 1 are slower than the base.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from atalanta.benchmarking.clock import Measurement
from atalanta.benchmarking.operations import LISTED, OPERATIONS
from atalanta.benchmarking.session import BASE, Session
from atalanta.benchmarking.targets import Verdict

__all__ = [
    "TextTable",
    "chain_table",
    "error_table",
    "isa_table",
    "listed_error_table",
    "listed_table",
    "operation_table",
    "verdict_table",
]

_TITLES = {operation.name: operation.title for operation in OPERATIONS}
_LISTED = {operation.name for operation in OPERATIONS if operation.group in LISTED}


@dataclass(frozen=True)
class TextTable:
    """Headers and rows of text; the first `left` columns start on the left."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int


def operation_table(session: Session) -> TextTable:
    """Every operation on European options and every size: Atalanta first, then the peers, fastest first."""
    return _measured(session, [item for item in session.measurements if item.operation not in _LISTED], "ns")


def listed_table(session: Session) -> TextTable:
    """Every operation on American options, in microseconds."""
    return _measured(session, [item for item in session.measurements if item.operation in _LISTED], "µs")


def _measured(session: Session, items: Sequence[Measurement], unit: str) -> TextTable:
    ordered = sorted(items, key=lambda item: (item.contender != BASE, item.median))
    cells = dict.fromkeys((item.operation, item.rows) for item in items)
    rows = [
        (
            (_TITLES.get(operation, operation), _size(count)),
            (item.contender, _WRITTEN[unit](item.median), _times(session, item, BASE)),
        )
        for operation, count in cells
        for item in ordered
        if (item.operation, item.rows) == (operation, count)
    ]
    return TextTable(("operation", "rows", "library", f"{unit}/option", f"x {BASE}"), _grouped(rows), left=3)


def isa_table(session: Session) -> TextTable:
    """Every operation on every instruction set, with the ratio to the best one."""
    best = session.instruction_sets[0].contender if session.instruction_sets else ""
    rows = [
        (
            (_TITLES.get(item.operation, item.operation), _size(item.rows)),
            (item.contender, _ns(item.median), _times(session, item, best)),
        )
        for item in session.instruction_sets
    ]
    return TextTable(
        ("operation", "rows", "instruction set", "ns/option", f"x {best}"), _grouped(rows), left=3
    )


def chain_table(session: Session) -> TextTable:
    """The analysis of each chain."""
    rows = (
        (item.operation, f"{item.rows:,}", f"{item.median * item.rows / 1e6:.2f}", _ns(item.median))
        for item in session.chains
    )
    return TextTable(("analyze", "contracts", "ms", "ns/contract"), tuple(rows), left=1)


def error_table(session: Session) -> TextTable:
    """The largest relative error of every output and contender."""
    rows = [
        ((error.output, f"{error.rows}"), (error.contender, f"{error.error:.1e}", f"{error.wrong or '-'}"))
        for error in session.errors or ()
    ]
    headers = ("output", "rows", "library", "largest error", "missing or wrong")
    return TextTable(headers, _grouped(rows), left=3)


def listed_error_table(session: Session) -> TextTable:
    """Largest and RMS error of American prices for a strike of 100, beside what they are held against."""
    rows = [
        (
            (_TITLES.get(error.operation, error.operation), error.reference),
            (
                error.contender,
                _size(error.rows),
                f"{error.largest:.1e}",
                f"{error.rms:.1e}",
                f"{error.missing or '-'}",
            ),
        )
        for error in session.listed_errors
    ]
    headers = ("operation", "held against", "library", "rows", "largest", "RMS", "NaN")
    return TextTable(headers, _grouped(rows), left=3)


def verdict_table(verdicts: Iterable[Verdict]) -> TextTable:
    """The targets that were measured."""
    words = {True: "reached", False: "missed"}
    rows = [
        (verdict.what, verdict.limit, verdict.figure or "-", words[verdict.reached])
        for verdict in verdicts
        if verdict.reached is not None
    ]
    return TextTable(("target", "limit", "measured", ""), tuple(rows), left=2)


def _grouped(rows: Sequence[tuple[tuple[str, str], tuple[str, ...]]]) -> tuple[tuple[str, ...], ...]:
    """Rows whose heading is written once."""
    made, above = [], ("", "")
    for heading, figures in rows:
        made.append((*(("", "") if heading == above else heading), *figures))
        above = heading
    return tuple(made)


def _times(session: Session, item: Measurement, base: str) -> str:
    times = session.times(item, base)
    return "" if times is None or item.contender == base else f"{times:,.3g}"


def _ns(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _us(value: float) -> str:
    return _ns(value / 1000)


_WRITTEN = {"ns": _ns, "µs": _us}


def _size(rows: int) -> str:
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if rows >= unit and rows % unit == 0:
            return f"{rows // unit}{letter}"
    return str(rows)
