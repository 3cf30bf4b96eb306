"""`atalanta risk`: the risk of a book in a chain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atalanta.cli.commands.shared import Borrow, Debug, Dividends, Json, Rate, console, progress
from atalanta.cli.endings import errors_reported, tell, writing_stdout

__all__ = ["risk"]


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
    rate: Rate = None,
    dividends: Dividends = None,
    borrow: Borrow = None,
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
        with progress() as step:
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

                print_risk(console(), report, everything=all_positions)
