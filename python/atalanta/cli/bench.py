"""`atalanta bench`: the kernels on one core, alone or beside other libraries in the same run. Main entry: `bench`.

Numerical packages are imported inside `one_core`, after the thread limits they read stand in the environment.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atalanta import config
from atalanta.benchmarking.isolation import Isolation, one_core
from atalanta.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from atalanta.benchmarking.session import Plan, Session
    from atalanta.benchmarking.table import TextTable
    from atalanta.cli.selfcheck import SelfCheck
    from atalanta.market.chain import Chain

__all__ = ["bench"]

_FAILED = 1
_MOST_ROWS = 10_000_000
_EXACT_TABLE = "american_exact_grid.csv"
_CLOCK = "CPU time of the process"


def bench(
    suite: Annotated[
        str | None,
        typer.Argument(
            help="american: American options with a yield and with cash dividends alone, beside QuantLib. "
            "router: what deciding costs, and how far the choices are from the best; has options of its own. "
            "pool: the buffer pool, beside the allocators whose libraries are found. "
            "stream: the streaming engine; has options of its own.",
            metavar="[SUITE]",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help="A peer to measure in the same run, or 'all'; may be repeated.", metavar="PEER"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds, and no million rows.")] = False,
    ops: Annotated[
        str | None,
        typer.Option(
            help="Of price, greeks, implied_vol, single, american, dividends, isa, accuracy, analyze; by comma."
        ),
    ] = None,
    sizes: Annotated[
        str | None, typer.Option(help="Rows per batch, by comma; without it 1,100,10000,1000000.")
    ] = None,
    chain: Annotated[
        Path | None, typer.Option(help="Analyse this file of option quotes too.", show_default=False)
    ] = None,
    dividends: Annotated[
        Path | None,
        typer.Option(help="Cash dividends of that file's underlyings.", show_default=False),
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option(help="Folder with american_exact_grid.csv: errors against it too.", show_default=False),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> None:
    """Measure the kernels on one core of this machine, alone or beside other libraries.

    All take turns within one run: trust the ratios, which two runs cannot give. The exit code is 1 when a kernel
    misses a reference value or two instruction sets differ in a bit; a slow machine is no failure.
    """
    if suite == "pool":
        from atalanta.cli.bench_pool import bench_pool

        if any((against, ops, sizes, chain, dividends, cases)):
            raise InputError("[cli.bench] pool: its only options are --quick and --json")
        bench_pool(quick, as_json, _told)
        return
    with one_core() as isolation:
        from dataclasses import replace

        from atalanta.benchmarking.contender import atalanta_contender
        from atalanta.benchmarking.peers import load_peers
        from atalanta.benchmarking.session import run_session
        from atalanta.cli.selfcheck import run_selfcheck
        from atalanta.machine import set_threads

        plan, beside = _plan(suite, quick, ops, sizes, cases)
        plan = replace(plan, dividends=dividends)
        chains = _chains(chain)
        peers, missing = load_peers(_peers(against), beside)
        threads = set_threads(1)
        try:
            session = run_session([atalanta_contender(), *peers], plan, chains, _told)
            check = run_selfcheck()
        finally:
            set_threads(threads)
    show = _print_document if as_json else _print_screen
    show(session, check, isolation, missing)
    if not check.passed or (session.bits is not None and not session.bits.passed):
        raise typer.Exit(_FAILED)


def _plan(
    suite: str | None, quick: bool, ops: str | None, sizes: str | None, cases: Path | None
) -> tuple[Plan, tuple[str, ...]]:
    """What to measure, and the peers that a suite is measured beside where they are installed."""
    from dataclasses import replace

    from atalanta.benchmarking.operations import GROUPS
    from atalanta.benchmarking.session import Plan

    plan = Plan.quick() if quick else Plan()
    beside: tuple[str, ...] = ()
    if suite is not None:
        plan, beside = _of_suite(plan, suite)
    if ops is not None:
        plan = replace(plan, groups=_known_groups(ops, GROUPS))
    configured = config.configured()
    if configured is not None and not quick:
        plan = replace(plan, sizes=configured.bench.sizes)
    if sizes is not None:
        plan = replace(plan, sizes=tuple(_row_count(word) for word in sizes.split(",")))
    return replace(plan, cases=_cases(cases)), beside


def _peers(against: list[str] | None) -> list[str]:
    """Those asked for, else those of the configuration."""
    configured = config.configured()
    if against or configured is None:
        return against or []
    from atalanta.benchmarking.peers import unusable
    from atalanta.cli.config_rooms import problems

    if wrong := problems(config.current(), unusable):
        raise config.ConfigError(wrong)
    return list(configured.bench.against)


def _of_suite(plan: Plan, suite: str) -> tuple[Plan, tuple[str, ...]]:
    from dataclasses import replace

    from atalanta.benchmarking.operations import SUITES

    if suite in ("router", "stream"):
        raise InputError(f"[cli.bench] {suite}: write it before the options: atalanta bench {suite} --help")
    if suite not in SUITES:
        raise InputError(
            f"[cli.bench] {suite}: no such suite (known: {', '.join(SUITES)}, router, pool, stream)"
        )
    groups, beside = SUITES[suite]
    return replace(plan.alone(), groups=groups), beside


def _cases(folder: Path | None) -> Path | None:
    if folder is not None and not (folder / _EXACT_TABLE).is_file():
        raise InputError(f"[cli.bench] --cases {folder}: there is no {_EXACT_TABLE} in it")
    return folder


def _known_groups(text: str, known: Sequence[str]) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    for word in words:
        if word not in known:
            raise InputError(f"[cli.bench] --ops {word}: no such operation (known: {', '.join(known)})")
    return words


def _row_count(word: str) -> int:
    try:
        count = int(word)
    except ValueError:
        count = 0
    if not 1 <= count <= _MOST_ROWS:
        raise InputError(f"[cli.bench] --sizes {word}: give whole numbers from 1 to {_MOST_ROWS:,}, by comma")
    return count


def _chains(path: Path | None) -> list[tuple[str, Chain]]:
    if path is None:
        return []
    from atalanta.market.reading.readers import read_chain

    return [(path.name, read_chain(path))]


def _told(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(text, err=True)


def _print_document(session: Session, check: SelfCheck, isolation: Isolation, missing: Sequence[str]) -> None:
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


def _print_screen(session: Session, check: SelfCheck, isolation: Isolation, missing: Sequence[str]) -> None:
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
    from atalanta.cli.screen import make_table, print_heading

    print_heading(console, heading)
    table = make_table(*content.headers, left=content.left, gap=2)
    for row in content.rows:
        table.add_row(*row)
    console.print(table)


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
