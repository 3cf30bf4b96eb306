"""`atalanta bench router`: the router measured on this machine, in one run. Main entry: `bench_router`."""

from __future__ import annotations

import math
import os
import sys
from typing import Annotated, Any

import typer

from atalanta.benchmarking.isolation import THREAD_LIMITS
from atalanta.errors import InputError

__all__ = ["bench_router"]

_LARGEST = (10, 24)


def bench_router(
    quick: Annotated[bool, typer.Option("--quick", help="Smaller sizes and fewer calls.")] = False,
    largest: Annotated[
        int | None, typer.Option(help="Sizes go up to 2 to this power, from 10 to 24; 24 without it.")
    ] = None,
    ops: Annotated[
        str | None, typer.Option(help="Of price, greeks, implied_vol, add, multiply, exp, matmul; by comma.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> None:
    """Measure the router: a decision, what it adds to a call, and its choices beside the best ones.

    One thread, the pool and the GPU take turns at every size; where there is none, MLX on the processor if it is installed.
    """
    from dataclasses import replace

    for name in THREAD_LIMITS:  # one thread means one, of NumPy's libraries too; read when they are loaded
        if name.endswith("_NUM_THREADS"):
            os.environ.setdefault(name, "1")
    from atalanta.benchmarking.routing import RoutingPlan, run_routing

    plan = RoutingPlan.quick() if quick else RoutingPlan()
    if largest is not None:
        if not _LARGEST[0] <= largest <= _LARGEST[1]:
            raise InputError(f"[cli.bench] --largest {largest}: give a whole number from 10 to 24")
        plan = replace(plan, largest=largest)
    if ops is not None:
        plan = replace(plan, operations=_operations(ops))
    session = run_routing(plan, _told)
    if as_json:
        from atalanta.cli.document import dumps
        from atalanta.cli.machine import machine_card

        document = {"command": "bench router", "machine": machine_card().as_dict(), **session.as_dict()}
        typer.echo(dumps(document))
    else:
        _print(session)


def _operations(text: str) -> tuple[str, ...]:
    known = ("price", "greeks", "implied_vol", "add", "multiply", "exp", "matmul")
    words = tuple(word.strip() for word in text.split(","))
    for word in words:
        if word not in known:
            raise InputError(f"[cli.bench] --ops {word}: no such operation (known: {', '.join(known)})")
    return words


def _told(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(text, err=True)


def _milliseconds(taken: list[float]) -> str:
    least, most = 1e3 * min(taken), 1e3 * max(taken)
    return f"{least:.0f} ms" if len(taken) < 2 else f"{least:.0f} to {most:.0f} ms in {len(taken)}"


def _several(session: Any) -> str:
    beside = session.beside.partition(":")[0]
    return f"the CPU's targets and {beside}'s" if beside else "the CPU's targets"


def _taking_part(session: Any) -> list[tuple[str, str]]:
    rows = [
        (name, f"{', '.join(targets)}; errors up to {session.tolerances[name]:.2g}")
        for name, targets in session.taking_part.items()
    ]
    return [("beside the CPU", session.beside), *rows] if session.beside else rows


def _print(session: Any) -> None:
    from rich.console import Console

    from atalanta.cli.machine import machine_card
    from atalanta.cli.screen import print_bullets, print_facts, print_heading, print_table

    console, card = Console(highlight=False, markup=False, emoji=False), machine_card()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    calibrated = ", ".join(
        f"{name} {_milliseconds(taken)}" for name, taken in session.calibration_seconds.items()
    )
    print_heading(console, "Router")
    print_facts(
        console,
        [
            ("processor", f"{card.cpu}, {card.cores} of {card.cores_total} cores, {card.isa}"),
            ("clock", f"wall time; load {load} at the end"),
            ("calibration", calibrated),
            ("native decision", f"{session.decision_ns:.1f} ns (target 6)"),
            ("Router.decide", f"{session.python_decision_ns:.0f} ns from Python"),
        ],
    )
    print_heading(console, "A call without the router, and what it adds, ns (target: 100)")
    print_table(
        console,
        ("call", "plain", "added"),
        [(one.call, f"{one.plain_ns:,.0f}", f"{one.added_ns:+,.0f}") for one in session.costs],
        left=1,
    )
    print_heading(console, f"Regret against the best of {_several(session)} (to reach: 3 %, then 1.5 %)")
    print_facts(console, _taking_part(session))
    print_table(
        console,
        ("operation", "after", "readings", "total", "noise", "worst", "at", "small"),
        [
            (
                one.operation,
                one.after,
                one.readings,
                f"{100 * one.total:.2f} %",
                f"{100 * one.noise:.2f} %",
                f"{100 * one.worst:.1f} %",
                f"2^{math.log2(one.worst_work):.3g}",
                f"{one.small:.2f}x",
            )
            for one in session.regrets
        ],
        left=3,
    )
    told = session.disturbances
    print_heading(console, "A simulated device, the worst of ten runs")
    print_facts(
        console,
        [
            ("slowed 2x", f"left after {told.calls_until_slow_left} timed calls (target 64)"),
            ("mended", f"used again after {told.seconds_until_slow_back:.2f} s (target 1)"),
            ("failing", f"left after {told.calls_until_failing_left} call (target 1)"),
            ("mended", f"used again after {told.seconds_until_failing_back:.2f} s (target 1)"),
            ("tries", f"{100 * told.exploration_share:.2f} % of the time (target 1)"),
        ],
    )
    if session.missing:
        print_heading(console, "Remarks")
        print_bullets(console, session.missing)
