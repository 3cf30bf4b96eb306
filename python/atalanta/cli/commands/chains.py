"""`atalanta demo` and `atalanta chain`: a market simulated or read, analysed and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atalanta.cli.commands.shared import (
    All,
    Borrow,
    Debug,
    Dividends,
    Json,
    Rate,
    console,
    print_json,
    progress,
)
from atalanta.cli.endings import FAILED, errors_reported, tell, writing_stdout

__all__ = ["chain", "demo"]


def demo(
    seed: Annotated[int, typer.Option(help="Of the simulated market.")] = 7,
    replay: Annotated[float, typer.Option(help="Seconds of its ticks to stream; 0 for none.")] = 5.0,
    all_expiries: All = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Simulate a market, analyse it, stream its ticks and check the results; needs no file and no network.

    The exit code is 1 when the kernels miss a reference value, the analysis misses the simulated truth, or the account of the stream does not add up.
    """
    with errors_reported(debug):
        with progress() as step:
            step("simulating and analysing")
            from atalanta.cli.demo import print_demo, run_demo

            result = run_demo(seed, replay)
        with writing_stdout():
            if as_json:
                print_json(result.report)
            else:
                print_demo(console(), result, everything=all_expiries)
        if not result.passed:
            raise typer.Exit(FAILED)


def chain(
    file: Annotated[
        Path, typer.Argument(help="Option quotes: .csv, .csv.gz or .parquet.", show_default=False)
    ],
    underlying: Annotated[str | None, typer.Option(help="Keep this underlying only.")] = None,
    expiry: Annotated[str | None, typer.Option(help="Keep this expiry only, YYYY-MM-DD.")] = None,
    rate: Rate = None,
    dividends: Dividends = None,
    borrow: Borrow = None,
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
        with progress() as step:
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
                print_json(report)
            else:
                from atalanta.cli.render import print_report, print_run, print_warnings

                terminal = console()
                print_report(terminal, report, everything=all_expiries)
                print_run(terminal, report)
                print_warnings(terminal, report)  # again: the top of a long report has scrolled away
