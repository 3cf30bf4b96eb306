"""The `atalanta` command: options, exit codes and error lines. Main entries: `app`, `main`.

Exit codes: 0 done, 1 a check failed or the program has a defect, 2 bad input. Command bodies import what they
need, so that help and version stay instant; how they end is told in `endings`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from atalanta.cli.commands import chains, machines, risks, streams
from atalanta.cli.config import config_app, request
from atalanta.cli.endings import (
    BAD_INPUT,
    complain,
    drop_unwritten,
    errors_reported,
    prepare_streams,
    report_defect,
    stdout_error,
)
from atalanta.cli.usage import Commands

__all__ = ["app", "main"]

app = Commands(
    name="atalanta",
    no_args_is_help=True,
    help="Real-time options analytics: chains in; forwards, implied vols and Greeks out.",
)

app.add_typer(config_app)

for _command in (
    chains.demo,
    chains.chain,
    risks.risk,
    streams.stream,
    streams.publish,
    machines.doctor,
    machines.route,
):
    app.command()(_command)
app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(machines.bench)


def main() -> None:
    """Run the command line of this process; never returns."""
    prepare_streams()
    sys.excepthook = report_defect
    try:
        typer.main.get_command(app)(prog_name="atalanta")  # calling `app` itself would replace the hook
    except OSError as error:  # of the help and the version: every command guards its own
        complain(stdout_error(error))
        sys.exit(BAD_INPUT)
    finally:
        drop_unwritten()


def _show_version(wanted: bool) -> None:
    if wanted:
        from atalanta.cli.version import package_version

        typer.echo(f"atalanta {package_version()}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(help="A configuration file, in place of those that are found.", show_default=False),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Of the configuration: atalanta.PROFILE.yaml too.", show_default=False)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE, an option of the configuration.", metavar="KEY=VALUE"),
    ] = None,
) -> None:
    del version  # its callback has dealt with it
    with errors_reported(False):
        request(config, profile, settings or [])
