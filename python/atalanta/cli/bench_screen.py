"""What `atalanta bench` prints: a document, or tables for a terminal. Main entries: `print_document`, `print_screen`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from atalanta.benchmarking.isolation import Isolation
    from atalanta.benchmarking.session import Session
    from atalanta.benchmarking.table import TextTable
    from atalanta.cli.selfcheck import SelfCheck

__all__ = ["print_document", "print_screen"]

_CLOCK = "CPU time of the process"


def print_document(session: Session, check: SelfCheck, isolation: Isolation, missing: Sequence[str]) -> None:
    """Print one JSON document, raw figures included."""
    from atalanta.benchmarking.targets import judge
    from atalanta.cli.document import dumps
    from atalanta.cli.machine import machine_card, python_description
    from atalanta.cli.version import package_version

    document: dict[str, Any] = {
        "atalanta": package_version(),
        "command": "bench",
        "python": python_description(),
        "machine": machine_card().as_dict(),
        "conditions": {
            "clock": _CLOCK,
            "threads": 1,
            "cpu": isolation.cpu,
            "load_average": isolation.load_average,
        },
        "missing": list(missing),
        **session.as_dict(),
        "selfcheck": check.as_dict(),
        "targets": [verdict.as_dict() for verdict in judge(session)],
    }
    typer.echo(dumps(document))


def print_screen(session: Session, check: SelfCheck, isolation: Isolation, missing: Sequence[str]) -> None:
    """Print tables for a terminal."""
    from rich.console import Console

    from atalanta.benchmarking import table
    from atalanta.benchmarking.targets import judge
    from atalanta.cli.render import print_selfcheck
    from atalanta.cli.screen import print_heading

    console = Console(highlight=False, markup=False, emoji=False)
    print_heading(console, "Benchmark")
    _print_conditions(console, session, isolation)
    _print_table(console, "One core, CPU time", table.operation_table(session))
    _print_table(console, "American options, one core, CPU time", table.listed_table(session))
    _print_table(console, "Instruction sets", table.isa_table(session))
    _print_bits(console, session)
    _print_table(console, "Chains", table.chain_table(session))
    _print_table(console, "Errors against 40-digit values (mpmath)", table.error_table(session))
    _print_table(console, "Errors of American prices, for a strike of 100", table.listed_error_table(session))
    console.print()
    print_selfcheck(console, check)
    _print_table(console, "Targets, stated for one core with AVX-512", table.verdict_table(judge(session)))
    _print_remarks(console, session, isolation, missing)


def _print_conditions(console: Console, session: Session, isolation: Isolation) -> None:
    from atalanta.cli.machine import machine_card, python_description
    from atalanta.cli.screen import print_facts

    card = machine_card()
    versions = {name: version for made in session.contenders for name, version in made.versions.items()}
    load = "unknown" if isolation.load_average is None else f"{isolation.load_average:.2f}"
    pinned = "not pinned to a processor" if isolation.cpu is None else f"pinned to processor {isolation.cpu}"
    facts = [
        ("processor", f"{card.cpu}, {card.architecture}, {card.system}"),
        ("python", python_description()),
        ("kernels", f"{card.isa}: {card.isa_reason}"),
        ("clock", f"{_CLOCK}, 1 thread, {pinned}; load {load}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    print_facts(console, facts)


def _print_table(console: Console, heading: str, content: TextTable) -> None:
    if not content.rows:
        return
    from atalanta.cli.screen import print_heading, print_table

    print_heading(console, heading)
    print_table(console, content.headers, content.rows, left=content.left, gap=2)


def _print_bits(console: Console, session: Session) -> None:
    bits = session.bits
    if bits is None:
        return
    from atalanta.cli.screen import print_verdict

    console.print()
    values = f"{bits.values:,} values by {', '.join(bits.names)}, {bits.differing} differ"
    single = f"{bits.scalar_values} by single calls, {bits.scalar_differing} differ"
    base = "" if bits.baseline_error is None else f"; baseline within {bits.baseline_error:.1e}"
    print_verdict(console, "same bits", bits.passed, f"{values}; {single}{base}")


def _print_remarks(console: Console, session: Session, isolation: Isolation, missing: Sequence[str]) -> None:
    from atalanta.cli.screen import print_bullets, print_heading

    remarks = [f"{made.name}: {made.note}" for made in session.contenders if made.note]
    remarks += missing
    remarks += [
        f"{item.contender} left out of {item.operation}, {item.rows:,} rows: {item.reason}"
        for item in session.left_out
    ]
    if session.errors is None:
        remarks.append("errors beside the self-check's values need mpmath: python -m pip install mpmath")
    if isolation.busy:
        remarks.append("the machine is busy: trust the ratios more than the nanoseconds")
    if remarks:
        print_heading(console, "Remarks")
        print_bullets(console, remarks)
