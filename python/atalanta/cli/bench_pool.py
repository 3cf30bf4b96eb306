"""`atalanta bench pool`: the buffer pool beside other allocators, as a screen or a document. Main entry: `bench_pool`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from atalanta.benchmarking.isolation import Isolation, one_core
from atalanta.benchmarking.pool.figures import Figure, judge_pool

if TYPE_CHECKING:
    from atalanta.benchmarking.pool.session import PoolSession

__all__ = ["bench_pool"]

_TITLES = {
    "pair": "Acquire and release, native",
    "from Python": "Array made and dropped",
    "touch": "Array made, one write per page",
    "x + x": "x + x, result dropped",
    "growing": "Growing sizes: free bytes of live peak",
    "predicted": "Requests predicted",
    "live/resident": "Trace: live bytes over the process's memory, time averages",
    "peak live/resident": "Trace: the same, peaks",
    "trace time": "Trace: CPU time",
    "kept": "Trace: memory kept 100 ms after the last release, of its peak",
}


def bench_pool(quick: bool, as_json: bool, told: Callable[[str], None]) -> None:
    """Measure and print."""
    with one_core() as isolation:
        from atalanta.benchmarking.pool.session import run_pool_session

        session = run_pool_session(quick, told)
    if as_json:
        _print_document(session, isolation)
    else:
        _print_screen(session, isolation)


def _print_document(session: PoolSession, isolation: Isolation) -> None:
    from atalanta.cli.document import dumps
    from atalanta.cli.machine import machine_card, python_description
    from atalanta.cli.version import package_version

    document: dict[str, Any] = {
        "atalanta": package_version(),
        "command": "bench pool",
        "python": python_description(),
        "machine": machine_card().as_dict(),
        "conditions": {"cpu": isolation.cpu, "load_average": isolation.load_average},
        **session.as_dict(),
    }
    typer.echo(dumps(document))


def _print_screen(session: PoolSession, isolation: Isolation) -> None:
    from rich.console import Console

    from atalanta.benchmarking.table import verdict_table
    from atalanta.cli.machine import machine_card, python_description
    from atalanta.cli.screen import make_table, print_bullets, print_facts, print_heading

    console = Console(highlight=False, markup=False, emoji=False)
    print_heading(console, "Benchmark of the buffer pool")
    card = machine_card()
    load = "unknown" if isolation.load_average is None else f"{isolation.load_average:.2f}"
    print_facts(
        console,
        [
            ("processor", f"{card.cpu}, {card.architecture}, {card.system}"),
            ("python", python_description()),
            ("clock", f"CPU time, contenders in turn; load {load}"),
        ],
    )
    for what in dict.fromkeys(figure.what for figure in session.figures):
        mine = [figure for figure in session.figures if figure.what == what]
        print_heading(console, _TITLES.get(what, what))
        contenders = tuple(dict.fromkeys(figure.contender for figure in mine))
        table = make_table("", *contenders, left=1, gap=2)
        for case in dict.fromkeys(figure.case for figure in mine):
            table.add_row(case, *(_cell(mine, case, contender) for contender in contenders))
        console.print(table)
    targets = verdict_table(judge_pool(session.figures))
    print_heading(console, "Targets")
    table = make_table(*targets.headers, left=targets.left, gap=2)
    for row in targets.rows:
        table.add_row(*row)
    console.print(table)
    remarks = [*session.missing]
    if isolation.busy:
        remarks.append("the machine is busy: trust the ratios more than the times")
    if remarks:
        print_heading(console, "Remarks")
        print_bullets(console, remarks)


def _cell(figures: Sequence[Figure], case: str, contender: str) -> str:
    for figure in figures:
        if (figure.case, figure.contender) == (case, contender):
            return f"{figure.value:.3g} {figure.unit}".rstrip()
    return ""
