"""`atalanta bench risk`: the risk of a book of 200 American positions, timed in one run. Main entry: `bench_risk`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from atalanta.benchmarking.risk import RiskSession

__all__ = ["bench_risk"]

_COLD, _WARM, _STAGE, _CENTS = 20e-3, 0.5e-3, 1e-3, 0.1


def bench_risk(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, raw timings included, and nothing else.")
    ] = False,
) -> None:
    """Measure the scenario grid of a book: cold, warm, by brute force and, where it is installed, by QuantLib.

    Wall time on the package's threads; all take turns in one run. QuantLib and brute force say what they extrapolate.
    """
    from atalanta.benchmarking.risk import RiskPlan, run_risk_session

    session = run_risk_session(RiskPlan.quick() if quick else RiskPlan(), _told)
    if as_json:
        from atalanta.cli.document import dumps
        from atalanta.cli.machine import machine_card

        document: dict[str, Any] = {
            "command": "bench risk",
            "machine": machine_card().as_dict(),
            "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            **session.as_dict(),
        }
        typer.echo(dumps(document))
    else:
        _print(session)


def _told(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(text, err=True)


def _print(session: RiskSession) -> None:
    from rich.console import Console

    from atalanta.cli.machine import machine_card
    from atalanta.cli.screen import print_bullets, print_facts, print_heading, print_table

    console, card = Console(highlight=False, markup=False, emoji=False), machine_card()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print_heading(console, "Risk of a book")
    print_facts(
        console,
        [
            ("processor", f"{card.cpu}, {card.cores} of {card.cores_total} cores, {card.isa}"),
            ("clock", f"wall and CPU time, {card.threads} threads; load {load} at the end"),
            (
                "book",
                f"{session.positions} American positions with dividends, {session.spots} spots by {session.vols} vols",
            ),
        ],
    )
    cold = session.timing("cold grid")
    print_heading(console, "Time, medians of the rounds")
    rows = []
    for one in session.timings:
        ratio = "" if cold is None or one is cold else f"{one.cpu_median / cold.cpu_median:,.2f}"
        told = f"from {one.of:,} of {one.cells:,} values" if one.extrapolated else f"{one.cells:,} values"
        rows.append((one.name, f"{1e3 * one.median:,.2f}", f"{1e3 * one.cpu_median:,.2f}", ratio, told))
    headers = ("work", "ms", "CPU ms", "CPU, cold grids", "measured")
    print_table(console, headers, rows, left=1, text_last=True)
    print_heading(console, f"Warm reads, {len(session.warm_ns):,} grids at moving spots, µs")
    print_table(
        console,
        ("share of reads", "wall", "CPU of the thread", "an empty loop as long", "contract by contract"),
        [
            (
                f"{share:g} %",
                *(f"{1e6 * session.percentile(share, of):,.1f}" for of in ("wall", "cpu", "floor", "apart")),
            )
            for share in (50, 90, 99, 99.9)
        ],
        left=1,
    )
    slower = session.percentile(50, "apart") / session.percentile(50)
    console.print(f"contract by contract takes {slower:,.1f} times as long, in turn", style="dim")
    print_heading(console, "Risk stage of a stream: Greeks and scenario ladder, service, µs")
    print_table(
        console,
        ("event", "p50", "p99", "p99.9"),
        [
            (name, *(f"{each.quantile_ns(share) / 1e3:,.1f}" for share in (0.5, 0.99, 0.999)))
            for name, each in session.stage.items()
        ],
        left=1,
    )
    met = [
        ("cold grid, wall", cold is not None and cold.median <= _COLD, f"{1e3 * _COLD:g} ms"),
        ("cold grid, CPU", cold is not None and cold.cpu_median <= _COLD, f"{1e3 * _COLD:g} ms"),
        ("warm p99, wall", session.percentile(99) <= _WARM, f"{1e6 * _WARM:g} µs"),
        (
            "warm p99, wall, beyond the loop's",
            session.percentile(99) - session.percentile(99, "floor") <= _WARM,
            f"{1e6 * _WARM:g} µs",
        ),
        ("warm p99, CPU", session.percentile(99, "cpu") <= _WARM, f"{1e6 * _WARM:g} µs"),
        *(
            (f"risk stage, {name}, p99", each.quantile_ns(0.99) <= 1e9 * _STAGE, f"{1e6 * _STAGE:g} µs")
            for name, each in session.stage.items()
        ),
        (
            "error a share",
            100 * session.error <= _CENTS,
            f"{_CENTS:g} cents; found {100 * session.error:.4f}",
        ),
    ]
    print_heading(console, "Targets")
    print_table(
        console,
        ("target", "met", "limit"),
        [(name, "yes" if reached else "no", limit) for name, reached, limit in met],
        left=3,
    )
    if session.missing:
        print_heading(console, "Remarks")
        print_bullets(console, session.missing)
