"""`atalanta bench stream`: the streaming engine measured on this machine. Main entry: `bench_stream`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from atalanta.benchmarking.isolation import THREAD_LIMITS
from atalanta.errors import InputError

__all__ = ["bench_stream"]


def bench_stream(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds, shorter loads.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Folder of recorded ticks to replay.", show_default=False)
    ] = None,
    raw: Annotated[
        Path | None, typer.Option(help="Write every histogram to this .json file.", show_default=False)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> None:
    """Measure the streaming engine: costs of an event, an open loop beside the floor of the system, overload, replays.

    Needs two processors that nobody else uses for the loads; a slow machine is no failure.
    """
    for name in THREAD_LIMITS:
        if name.endswith("_NUM_THREADS"):
            os.environ.setdefault(name, "1")
    from atalanta.benchmarking.streaming.session import run_streaming_session
    from atalanta.cli.document import dumps

    if data is not None and not data.is_dir():
        raise InputError(f"[cli.bench] --data {data}: there is no such folder")
    if raw is not None and not raw.parent.is_dir():
        raise InputError(f"[cli.bench] --raw {raw}: there is no folder {raw.parent}")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    session = run_streaming_session(quick, data, _told)
    if raw is not None:
        raw.write_text(dumps({"command": "bench stream", **session.as_dict(raw=True)}), encoding="utf-8")
    if as_json:
        from atalanta.cli.machine import machine_card

        conditions = {"load_average": load, "processors": os.cpu_count()}
        typer.echo(
            dumps(
                {
                    "command": "bench stream",
                    "machine": machine_card().as_dict(),
                    "conditions": conditions,
                    **session.as_dict(),
                }
            )
        )
    else:
        _print(session, load)


def _told(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(text, err=True)


def _print(session: Any, load: float | None) -> None:
    from rich.console import Console

    from atalanta.benchmarking.streaming.figures import judge_streaming
    from atalanta.benchmarking.table import verdict_table
    from atalanta.cli.machine import machine_card, python_description
    from atalanta.cli.screen import make_table, print_bullets, print_facts, print_heading, print_table

    console, card = Console(highlight=False, markup=False, emoji=False), machine_card()
    print_heading(console, "Benchmark of the streaming engine")
    print_facts(
        console,
        [
            ("processor", f"{card.cpu}, {card.architecture}, {card.system}"),
            ("python", python_description()),
            ("load", "unknown" if load is None else f"{load:.2f} at the start"),
        ],
    )
    print_heading(console, "Figures")
    rows = [(f.what, f"{f.value:.3g} {f.unit}".rstrip(), f.note) for f in session.figures]
    print_table(console, ("what", "figure", "note"), rows, left=1, gap=2, text_last=True)
    targets = verdict_table(judge_streaming(session.figures))
    print_heading(console, "Targets")
    table = make_table(*targets.headers, left=targets.left, gap=2)
    for row in targets.rows:
        table.add_row(*row)
    console.print(table)
    if session.missing:
        print_heading(console, "Remarks")
        print_bullets(console, session.missing)
