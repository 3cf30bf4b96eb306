"""`atalanta doctor`, `route` and `bench`: this machine, where operations run on it, and how fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from atalanta.cli.commands.shared import Debug, Json, console
from atalanta.cli.endings import FAILED, errors_reported, writing_stdout
from atalanta.cli.usage import Commands

__all__ = ["bench", "doctor", "route"]

#: Of `route --calibrate`, for each device: more than a first use may take, so that larger sizes are measured.
_CALIBRATION_SECONDS = 0.5

#: Suites of `bench` with options of their own.
_SUITES = ("router", "risk", "stream")


def doctor(as_json: Json = False, debug: Debug = False) -> None:
    """Say what this machine has, what is used and why, and check the kernels."""
    with errors_reported(debug):
        from atalanta.cli.doctor import examine, print_diagnosis

        diagnosis = examine()
        with writing_stdout():
            if as_json:
                from atalanta.cli.document import dumps

                typer.echo(dumps(diagnosis.as_dict()))
            else:
                print_diagnosis(console(), diagnosis)
        if not diagnosis.selfcheck.passed:
            raise typer.Exit(FAILED)


def route(
    explain: Annotated[
        tuple[str, int] | None,
        typer.Option(
            help="An operation or class, and its elements: predicted time on each target, and where it changes.",
            metavar="OP N",
            show_default=False,
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="With --explain: largest error, in the operation's measure; without it that of the CPU."
        ),
    ] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Measure this machine again, and keep that.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say where operations run on this machine, and why."""
    with errors_reported(debug):
        from atalanta.cli import route as routing

        if explain is None:
            routing.refuse_lone_tolerance(tolerance)
        if calibrate:
            routing.settled().calibrate(budget=_CALIBRATION_SECONDS)
        asked = None if explain is None else routing.explain(*explain, tolerance)
        with writing_stdout():
            if as_json:
                from atalanta.cli.document import dumps

                told = routing.overview() if asked is None else asked.as_dict()
                typer.echo(dumps({"command": "route", **told}))
            elif asked is None:
                routing.print_overview(console())
            else:
                routing.print_explanation(console(), asked)


def bench(ctx: typer.Context) -> None:
    """Measure the kernels on this machine, alone or beside a peer; or of one suite: american, router, pool, risk, stream."""
    with errors_reported("--debug" in ctx.args):
        words = [word for word in ctx.args if word != "--debug"]
        command, suite = Commands(), words[0] if words and words[0] in _SUITES else ""
        command.command()(_suite(suite))
        name = f"atalanta bench {suite}".strip()
        typer.main.get_command(command)(args=words[1:] if suite else words, prog_name=name)


def _suite(name: str) -> Callable[..., None]:
    """The command of a suite; without a name that of the kernels."""
    if name == "router":
        from atalanta.cli.bench_router import bench_router

        return bench_router
    if name == "risk":
        from atalanta.cli.bench_risk import bench_risk

        return bench_risk
    if name == "stream":
        from atalanta.cli.bench_stream import bench_stream

        return bench_stream
    from atalanta.cli.bench import bench as bench_kernels

    return bench_kernels
