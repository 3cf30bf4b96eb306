"""The `atalanta` command: options, exit codes and error lines. Main entries: `app`, `main`.

Exit codes: 0 done, 1 a check failed or the program has a defect, 2 bad input. Command bodies import what they
need, so that help and version stay instant; how they end is told in `endings`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atalanta.cli.config import config_app, request
from atalanta.cli.endings import (
    BAD_INPUT,
    FAILED,
    complain,
    drop_unwritten,
    errors_reported,
    prepare_streams,
    report_defect,
    stdout_error,
    tell,
    writing_stdout,
)
from atalanta.cli.usage import Commands

if TYPE_CHECKING:
    from atalanta.cli.report import Report

__all__ = ["app", "main"]

#: Columns a screen is made for at least; a narrower terminal breaks the lines itself.
_NARROWEST = 20

#: Of `route --calibrate`, for each device: more than a first use may take, so that larger sizes are measured.
_CALIBRATION_SECONDS = 0.5

app = Commands(
    name="atalanta",
    no_args_is_help=True,
    help="Real-time options analytics: chains in; forwards, implied vols and Greeks out.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", envvar="ATALANTA_DEBUG", help="Show the traceback of an error.", show_envvar=False
    ),
]
app.add_typer(config_app)

All = Annotated[bool, typer.Option("--all", help="List every expiry.")]


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


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Of the simulated market.")] = 7,
    replay: Annotated[float, typer.Option(help="Seconds of its ticks to stream; 0 for none.")] = 5.0,
    all_expiries: All = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Simulate a market, analyse it, stream its ticks and check the results; needs no file and no network.

    The exit code is 1 when the kernels miss a reference value or the analysis misses the simulated truth.
    """
    with errors_reported(debug):
        with _progress() as step:
            step("simulating and analysing")
            from atalanta.cli.demo import print_demo, run_demo

            result = run_demo(seed, replay)
        with writing_stdout():
            if as_json:
                _print_json(result.report)
            else:
                print_demo(_console(), result, everything=all_expiries)
        if not result.passed:
            raise typer.Exit(FAILED)


@app.command()
def chain(
    file: Annotated[
        Path, typer.Argument(help="Option quotes: .csv, .csv.gz or .parquet.", show_default=False)
    ],
    underlying: Annotated[str | None, typer.Option(help="Keep this underlying only.")] = None,
    expiry: Annotated[str | None, typer.Option(help="Keep this expiry only, YYYY-MM-DD.")] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Interest rate as a decimal, 0.05 for 5 %; without it, from put-call parity."),
    ] = None,
    dividends: Annotated[
        Path | None,
        typer.Option(help="Cash dividends: a .csv with ex_date, cash and, for several names, underlying."),
    ] = None,
    borrow: Annotated[
        float | None, typer.Option(help="Cost of borrowing the share a year, as a decimal.")
    ] = None,
    tolerance: Annotated[
        str | None,
        typer.Option(
            help="Of American prices: fast, standard, precise, or the error per 100 of strike; without it "
            "market.tolerance of the configuration, standard."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write every row to this .parquet or .csv file.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the smiles to this HTML file.")] = None,
    layout: Annotated[
        str | None, typer.Option(help="Name of the file's layout; without it, recognised.")
    ] = None,
    spot: Annotated[
        float | None, typer.Option(help="Price of the underlying, where the file has none.")
    ] = None,
    quote_time: Annotated[
        str | None, typer.Option(help="Instant of the quotes, where the file has none.")
    ] = None,
    exercise: Annotated[
        str | None, typer.Option(help="european or american; without it, by product.")
    ] = None,
    settlement: Annotated[
        str | None, typer.Option(help="PM or AM, fixed by the close or the open; without it, by product.")
    ] = None,
    all_expiries: All = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Analyse a file of option quotes: forwards, implied vols and Greeks per expiry."""
    with errors_reported(debug):
        with _progress() as step:
            step("starting")
            from atalanta.cli.chain import ChainRequest, run_chain
            from atalanta.cli.output import check_targets, write_targets

            check_targets([file, dividends], output, html)
            request = ChainRequest(
                file,
                underlying,
                expiry,
                rate,
                layout,
                spot,
                quote_time,
                exercise,
                settlement,
                dividends=dividends,
                borrow=borrow,
                tolerance=tolerance,
            )
            report = run_chain(request, step)
            step("writing")
            write_targets(report, output, html)
        for path in filter(None, (output, html)):
            tell(f"wrote {path}")
        with writing_stdout():
            if as_json:
                _print_json(report)
            else:
                from atalanta.cli.render import print_report, print_run, print_warnings

                console = _console()
                print_report(console, report, everything=all_expiries)
                print_run(console, report)
                print_warnings(console, report)  # again: the top of a long report has scrolled away


@app.command()
def risk(
    book: Annotated[
        Path | None,
        typer.Argument(
            help="Positions: .csv, .csv.gz or .parquet with symbol and quantity; without it, an example.",
            show_default=False,
        ),
    ] = None,
    chain: Annotated[
        Path | None, typer.Option(help="Option quotes; without it, the simulated market.", show_default=False)
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Interest rate as a decimal, 0.05 for 5 %; without it, from put-call parity."),
    ] = None,
    dividends: Annotated[
        Path | None,
        typer.Option(help="Cash dividends: a .csv with ex_date, cash and, for several names, underlying."),
    ] = None,
    borrow: Annotated[
        float | None, typer.Option(help="Cost of borrowing the share a year, as a decimal.")
    ] = None,
    tolerance: Annotated[
        str | None,
        typer.Option(help="Of American prices: fast, standard, precise, or the error per 100 of strike."),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            help="Closes for VaR: a date, a column per ticker or 'close', volatilities in VIX or TICKER_vol."
        ),
    ] = None,
    spots: Annotated[
        str | None, typer.Option(help="Spot shocks of the grid as decimals, by comma.", metavar="LIST")
    ] = None,
    vols: Annotated[
        str | None, typer.Option(help="Volatility shocks, as shares of themselves, by comma.", metavar="LIST")
    ] = None,
    sticky: Annotated[
        str, typer.Option(help="strike or moneyness: what keeps its volatility as the spot moves.")
    ] = "strike",
    horizon: Annotated[str, typer.Option(help="Of the grid: days from the quotes, a date, or expiry.")] = "0",
    html: Annotated[Path | None, typer.Option(help="Write the report to this HTML file.")] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Print an example book on this market as CSV, and nothing else.")
    ] = False,
    all_positions: Annotated[bool, typer.Option("--all", help="List every position.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The risk of a book: Greeks, a spot by volatility grid, VaR, stresses, margin estimates."""
    with errors_reported(debug):
        with _progress() as step:
            step("starting")
            from atalanta.cli import risk as assessing
            from atalanta.cli.output import check_targets, write_page

            check_targets([book, chain, dividends, history], None, html, "cli.risk")
            request = assessing.RiskRequest(
                book,
                chain,
                rate,
                dividends,
                borrow,
                tolerance,
                history,
                assessing.numbers(spots, "--spots"),
                assessing.numbers(vols, "--vols"),
                sticky,
                assessing.horizon_of(horizon),
            )
            report = None if example else assessing.run_risk(request, step)
            if report is not None and html is not None:
                from atalanta.cli.risk_html import risk_page

                step("writing")
                write_page(risk_page(report), html, "cli.risk")
        if report is not None and html is not None:
            tell(f"wrote {html}")
        with writing_stdout():
            if report is None:
                typer.echo(assessing.example_csv(request))
            elif as_json:
                from atalanta.cli.document import dumps
                from atalanta.cli.risk_document import risk_document

                typer.echo(dumps(risk_document(report)))
            else:
                from atalanta.cli.risk_screen import print_risk

                print_risk(_console(), report, everything=all_positions)


@app.command()
def stream(
    feed: Annotated[
        list[str],
        typer.Option(
            help="sim, a file of ticks (.csv, .csv.gz, .parquet, .dbn, .dbn.zst; several are merged), or "
            "nats://host:port/stream.",
            show_default=False,
        ),
    ],
    book: Annotated[
        Path | None,
        typer.Option(
            help="Positions: .csv, .csv.gz or .parquet with symbol and quantity; all of instruments of the feed.",
            show_default=False,
        ),
    ] = None,
    speed: Annotated[str, typer.Option(help="Of the replay: 1, N times as fast, or max.")] = "1",
    seconds: Annotated[
        float | None, typer.Option(help="End after so many; the simulated feed has 10 without it.")
    ] = None,
    ticks: Annotated[float, typer.Option(help="Simulated ticks a second of market time.")] = 20_000.0,
    rate: Annotated[float, typer.Option(help="Interest rate of a file's contracts, as a decimal.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the simulated market.")] = 7,
    executor: Annotated[str, typer.Option(help="hybrid, pinned or inline.")] = "hybrid",
    every: Annotated[float, typer.Option(help="Seconds from one look to the next.")] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON at each look.")] = False,
    debug: Debug = False,
) -> None:
    """Stream quotes through the engine: volatilities, Greeks, the book, latencies; Ctrl-C ends it with the account.

    The exit code is 1 when the account does not add up.
    """
    with errors_reported(debug):
        from atalanta.cli.stream import StreamRequest, run_stream
        from atalanta.cli.stream_screen import line, screen
        from atalanta.cli.stream_source import Source, parse_speed

        kind: Any = executor
        source = Source(tuple(feed), parse_speed(speed), seconds, ticks, rate, seed)
        request = StreamRequest(source, book, kind, every)
        with writing_stdout():
            if as_json:
                from atalanta.cli.document import dumps

                last = run_stream(request, lambda shown: typer.echo(dumps(line(shown), indent=None)))
            else:
                last = _watched_live(
                    lambda show, height: run_stream(request, lambda shown: show(screen(shown, height)))
                )
        if not last.stream.snapshot().exact:
            raise typer.Exit(FAILED)


@app.command()
def publish(
    feed: Annotated[
        list[str], typer.Option(help="sim, or files of ticks, as of stream.", show_default=False)
    ],
    to: Annotated[str, typer.Option(help="nats://host:port/stream.", show_default=False)],
    speed: Annotated[str, typer.Option(help="Of the replay: 1, N times as fast, or max.")] = "1",
    seconds: Annotated[
        float | None, typer.Option(help="End after so many; the simulated feed has 10 without it.")
    ] = None,
    ticks: Annotated[float, typer.Option(help="Simulated ticks a second of market time.")] = 20_000.0,
    rate: Annotated[float, typer.Option(help="Interest rate of a file's contracts, as a decimal.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the simulated market.")] = 7,
    keep: Annotated[float, typer.Option(help="Seconds for which the server keeps events.")] = 3600.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON at each look.")] = False,
    debug: Debug = False,
) -> None:
    """Publish a feed to a NATS server with JetStream, partitioned by underlying; streams anywhere read it.

    Ctrl-C ends it. The exit code is 2 when no connection came about.
    """
    with errors_reported(debug):
        from atalanta.cli.document import dumps
        from atalanta.cli.publish import PublishRequest, Told, run_publish
        from atalanta.cli.stream_source import Source, parse_speed

        source = Source(tuple(feed), parse_speed(speed), seconds, ticks, rate, seed)
        told = Told()
        with writing_stdout():
            run_publish(
                PublishRequest(source, to, keep),
                lambda state: typer.echo(dumps(state, indent=None) if as_json else told.lines(state)),
            )


@app.command()
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
                print_diagnosis(_console(), diagnosis)
        if not diagnosis.selfcheck.passed:
            raise typer.Exit(FAILED)


@app.command()
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
        from atalanta.compute.router import default_router

        if explain is None:
            routing.refuse_lone_tolerance(tolerance)
        if calibrate:
            default_router().calibrate(budget=_CALIBRATION_SECONDS)
        asked = None if explain is None else routing.explain(*explain, tolerance)
        with writing_stdout():
            if as_json:
                from atalanta.cli.document import dumps

                told = routing.overview() if asked is None else asked.as_dict()
                typer.echo(dumps({"command": "route", **told}))
            elif asked is None:
                routing.print_overview(_console())
            else:
                routing.print_explanation(_console(), asked)


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def bench(ctx: typer.Context) -> None:
    """Measure the kernels on this machine, alone or beside a peer; or of one suite: american, router, pool, risk, stream."""
    with errors_reported("--debug" in ctx.args):
        words = [word for word in ctx.args if word != "--debug"]
        command = Commands()
        name = "atalanta bench"
        if words[:1] == ["router"]:
            from atalanta.cli.bench_router import bench_router

            command.command()(bench_router)
            name, words = f"{name} router", words[1:]
        elif words[:1] == ["risk"]:
            from atalanta.cli.bench_risk import bench_risk

            command.command()(bench_risk)
            name, words = f"{name} risk", words[1:]
        elif words[:1] == ["stream"]:
            from atalanta.cli.bench_stream import bench_stream

            command.command()(bench_stream)
            name, words = f"{name} stream", words[1:]
        else:
            from atalanta.cli.bench import bench as run_bench

            command.command()(run_bench)
        typer.main.get_command(command)(args=words, prog_name=name)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what is being done, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda text: status.update(text)


def _watched_live(run: Callable[[Callable[[Any], None], int | None], Any]) -> Any:
    """On a terminal a screen that changes and knows its height; elsewhere the last one alone."""
    console = _console()
    if console.is_terminal:
        from rich.live import Live

        with Live(console=console, auto_refresh=False, transient=False) as live:
            return run(lambda screen: live.update(screen, refresh=True), console.height)
    shown: list[Any] = []

    def keep(screen: Any) -> None:
        shown[:] = [screen]

    try:
        return run(keep, None)
    finally:
        for screen in shown:
            console.print(screen)


def _console() -> Any:
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    console.width = max(console.width, _NARROWEST)
    return console


def _print_json(report: Report) -> None:
    from atalanta.cli.document import dumps, report_document

    typer.echo(dumps(report_document(report)))
