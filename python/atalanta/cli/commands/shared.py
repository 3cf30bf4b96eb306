"""What the commands have in common: options, a line of progress, the terminal. Main entries: `Json`, `Debug`, `progress`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from atalanta.cli.report import Report

__all__ = [
    "All",
    "Borrow",
    "Debug",
    "Dividends",
    "Json",
    "Rate",
    "console",
    "print_json",
    "progress",
    "watched_live",
]

#: Columns a screen is made for at least; a narrower terminal breaks the lines itself.
_NARROWEST = 20

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", envvar="ATALANTA_DEBUG", help="Show the traceback of an error.", show_envvar=False
    ),
]
All = Annotated[bool, typer.Option("--all", help="List every expiry.")]
Rate = Annotated[
    float | None,
    typer.Option(help="Interest rate as a decimal, 0.05 for 5 %; without it, from put-call parity."),
]
Dividends = Annotated[
    Path | None,
    typer.Option(help="Cash dividends: a .csv with ex_date, cash and, for several names, underlying."),
]
Borrow = Annotated[float | None, typer.Option(help="Cost of borrowing the share a year, as a decimal.")]


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what is being done, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda text: status.update(text)


def console() -> Any:
    """The terminal, without markup: texts from files are shown as they are."""
    from rich.console import Console

    terminal = Console(highlight=False, markup=False, emoji=False)
    terminal.width = max(terminal.width, _NARROWEST)
    return terminal


def print_json(report: Report) -> None:
    """Print a chain's report as one document."""
    from atalanta.cli.document import dumps, report_document

    typer.echo(dumps(report_document(report)))


def watched_live(run: Callable[[Callable[[Any], None], int | None], Any]) -> Any:
    """On a terminal a screen that changes and knows its height; elsewhere the last one alone."""
    screen_console = console()
    if screen_console.is_terminal:
        from rich.live import Live

        with Live(console=screen_console, auto_refresh=False, transient=False) as live:
            return run(lambda screen: live.update(screen, refresh=True), screen_console.height)
    shown: list[Any] = []

    def keep(screen: Any) -> None:
        shown[:] = [screen]

    try:
        return run(keep, None)
    finally:
        for screen in shown:
            screen_console.print(screen)
