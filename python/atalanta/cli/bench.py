"""`atalanta bench`: the kernels on one core, alone or beside other libraries in the same run. Main entry: `bench`.

Numerical packages are imported inside `one_core`, after the thread limits they read stand in the environment.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atalanta import config
from atalanta.benchmarking.isolation import one_core
from atalanta.errors import InputError

if TYPE_CHECKING:
    from atalanta.benchmarking.session import Plan
    from atalanta.market.chain import Chain

__all__ = ["bench"]

_FAILED = 1
_MOST_ROWS = 10_000_000
_EXACT_TABLE = "american_exact_grid.csv"


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
    from atalanta.cli.bench_screen import print_document, print_screen

    show = print_document if as_json else print_screen
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
            f"[cli.bench] {suite}: no such suite (known: {', '.join(SUITES)}, router, pool, risk, stream)"
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
