"""A report on the terminal: 80 columns, no colour where there is none. Main entries: the `print_*` functions.

Where the terminal is narrower, columns are left out and named, never cut.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from atalanta.cli.assignments import print_assignments
from atalanta.cli.machine import MachineCard
from atalanta.cli.report import Report, Rows, worst_rows
from atalanta.cli.screen import (
    decimals,
    moment,
    plain,
    print_bullets,
    print_facts,
    print_heading,
    print_table,
    print_verdict,
)
from atalanta.cli.selfcheck import SelfCheck
from atalanta.cli.stages import Stage
from atalanta.cli.underlying import print_underlying
from atalanta.market.flags import flag_names

__all__ = [
    "print_machine",
    "print_report",
    "print_run",
    "print_selfcheck",
    "print_stages",
    "print_warnings",
]

_WORST = 10


def print_report(console: Console, report: Report, *, everything: bool = False) -> None:
    """Print what was found, underlying by underlying, then the rows to look at and what was assumed.

    Args:
        console: where to print.
        report: what was analysed.
        everything: every expiry in place of the first ones.
    """
    print_heading(console, report.source)
    console.print(_headline(report))
    print_warnings(console, report)
    for number, underlying in enumerate(report.underlyings()):
        print_underlying(console, report, underlying, everything=everything, legend=number == 0)
    print_assignments(console, report)
    _print_flagged(console, report)
    _print_notes(console, report.analysis.notes)


def print_warnings(console: Console, report: Report) -> None:
    """Print what a reader must know before the figures; nothing where there is nothing to warn of."""
    for warning in report.warnings():
        console.print()
        console.print(Text(f"! {plain(warning)}", style="bold yellow"))


def print_run(console: Console, report: Report) -> None:
    """Print how long each stage took, and on what."""
    print_heading(console, "This run")
    print_stages(console, report.stages)
    print_machine(console, report.machine)


def print_machine(console: Console, card: MachineCard) -> None:
    """Print what this machine has, what is used, and what is not and why."""
    used = next((row.description for row in card.instruction_sets if row.chosen), "")
    print_facts(
        console,
        [
            ("processor", f"{card.cpu}, {card.cores} of {card.cores_total} cores usable"),
            ("kernels", f"{card.isa} ({used}): {card.isa_reason}"),
            ("threads", f"{card.threads}: {card.threads_reason}"),
            *(("not used", f"{what}: {why}") for what, why in card.unused),
        ],
    )


def print_stages(console: Console, stages: Iterable[Stage]) -> None:
    """Print the time of every stage."""
    rows = [
        (
            stage.name,
            f"{1e3 * stage.seconds:,.2f}",
            f"{stage.count:,} {stage.item}s",
            f"{stage.ns_per_item:,.0f}",
        )
        for stage in stages
    ]
    print_table(console, ("stage", "time, ms", "items", "ns each"), rows, left=1, spare=("items", "ns each"))
    console.print(
        "medians of up to 7 runs, here and now; what comes before the forwards ran once",
        style="dim",
    )


def print_selfcheck(console: Console, check: SelfCheck) -> None:
    """Print the error of each output that comes nearest its limit, and whether all are within."""
    headers = ("output", "rel. error", "limit", "nearest its limit in")
    rows = [
        (worst.output, f"{worst.error:.1e}", f"{worst.limit:.1e}", worst.contract) for worst in check.worst
    ]
    styles = ["" if worst.error <= worst.limit else "bold red" for worst in check.worst]
    print_table(console, headers, rows, left=1, text_last=True, spare=("limit",), styles=styles)
    compared = f"{check.values} values of {check.contracts} contracts against exact references"
    print_verdict(console, "self-check", check.passed, f"{compared}, {check.failures} outside their limit")


def _print_flagged(console: Console, report: Report) -> None:
    analysis = report.analysis
    counts = analysis.summary()["flags"]
    if not counts:
        return
    print_heading(console, "Flagged rows")
    console.print(", ".join(f"{name} {count:,}" for name, count in counts.items()))
    several = len(report.snapshots()) > 1
    headers = ("worst of each kind", "quoted UTC", "forward", "bid", "ask", "vol %", "flags")
    kept = [name for name in headers if several or name != "quoted UTC"]
    cells = _flagged_cells(report, worst_rows(analysis, _WORST))
    print_table(
        console,
        kept,
        [[row[name] for name in kept] for row in cells],
        left=2 if several else 1,
        gap=0 if several else 1,
        text_last=True,
        spare=("forward", "quoted UTC", "vol %", "ask", "bid"),
    )


def _flagged_cells(report: Report, rows: Rows) -> list[dict[str, str]]:
    analysis = report.analysis
    names = flag_names(analysis["flags"][rows]).tolist()
    return [
        {
            "worst of each kind": _contract(report, row),
            "quoted UTC": moment(analysis["quote_time"][row]),
            **{name: decimals(float(analysis[name][row]), 2) for name in ("forward", "bid", "ask")},
            "vol %": decimals(100 * float(analysis["iv_mid"][row]), 1),
            "flags": flags.replace("|", ", "),
        }
        for row, flags in zip(rows.tolist(), names, strict=True)
    ]


def _contract(report: Report, row: int) -> str:
    value = {
        name: report.analysis[name][row] for name in ("symbol", "underlying", "expiry", "right", "strike")
    }
    if value["symbol"]:
        return plain(value["symbol"])
    side = "C" if value["right"] > 0 else "P"
    return plain(f"{value['underlying']} {value['expiry']} {side} {value['strike']:g}")


def _print_notes(console: Console, notes: tuple[str, ...]) -> None:
    if not notes:
        return
    print_heading(console, "What was read and assumed")
    print_bullets(console, notes)


def _headline(report: Report) -> str:
    summary, whole, snapshots = report.analysis.summary(), report.stages[-1], len(report.snapshots())
    spread = f" in {snapshots:,} snapshots" if snapshots > 1 else ""
    return (
        f"{summary['contracts']:,} contracts, expiries: {summary['expiries']:,}{spread}, "
        f"underlyings: {len(summary['underlyings']):,}; {summary['with_iv']:,} with an implied vol, "
        f"{summary['ok']:,} without any flag; "
        f"analysed in {1e3 * whole.seconds:,.1f} ms, {whole.ns_per_item:,.0f} ns per contract"
    )
