"""A risk report on the terminal. Main entry: `print_risk`.

Reports convert the library's raw Greeks to dollars and say so in every header.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from rich.console import Console
from rich.text import Text

from atalanta.cli.machine import machine_card
from atalanta.cli.render import print_machine, print_stages
from atalanta.cli.risk import RiskReport
from atalanta.cli.risk_grid_screen import print_grid
from atalanta.cli.screen import (
    decimals,
    plain,
    print_bullets,
    print_facts,
    print_heading,
    print_table,
)
from atalanta.market.table import Table
from atalanta.risk import in_dollars, position_flag_names
from atalanta.risk.margin import MARGIN_WORDING

__all__ = ["print_risk"]

_POSITIONS, _NOTES, _LINES = 20, 24, 12


def print_risk(console: Console, report: RiskReport, *, everything: bool = False) -> None:
    """Print the whole report.

    Args:
        console: where to print.
        report: of a book.
        everything: every position in place of the first ones.
    """
    print_heading(console, f"{plain(report.book)} in {plain(report.market)}")
    portfolio = report.portfolio
    console.print(
        f"{len(portfolio):,} positions in {len(portfolio.options):,} contracts and {len(portfolio.underlyings):,} "
        f"underlyings, worth ${decimals(portfolio.value, 2)} by the model"
    )
    _print_warnings(console, report)
    _print_positions(console, report, None if everything else _POSITIONS)
    _print_exposures(console, report)
    print_grid(console, report.grid)
    _print_tails(console, report)
    _print_stresses(console, report.stresses)
    _print_margin(console, report)
    print_heading(console, "Notes")
    print_bullets(console, report.notes()[:_NOTES])
    print_heading(console, "This run")
    print_stages(console, report.stages)
    print_machine(console, machine_card())
    _print_warnings(console, report)


def _print_warnings(console: Console, report: RiskReport) -> None:
    for warning in report.warnings():
        console.print()
        console.print(Text(f"! {plain(warning)}", style="bold yellow"))


def _print_positions(console: Console, report: RiskReport, most: int | None) -> None:
    table = report.portfolio.positions()
    order = np.argsort(
        (table["flags"] == 0) | (table["flags"] == 64), kind="stable"
    )  # what is flagged comes first
    shown = table.take(order[:most])
    names: Iterable[object] = position_flag_names(shown["flags"]) if len(shown) else ()
    print_heading(
        console, "Positions" + (f", {len(shown)} of {len(table):,}" if len(shown) < len(table) else "")
    )
    rows = [
        (
            plain(symbol),
            f"{quantity:,g}",
            decimals(mid, 2),
            decimals(price, 2),
            decimals(100 * vol, 1),
            decimals(delta, 3),
            decimals(value, 0),
            str(flags).replace("|", " "),
        )
        for symbol, quantity, mid, price, vol, delta, value, flags in zip(
            *(
                shown[name].tolist()
                for name in ("symbol", "quantity", "mid", "price", "vol", "delta", "value")
            ),
            names,
            strict=True,
        )
    ]
    headers = ("symbol", "quantity", "mid", "model", "vol %", "delta", "value $", "flags")
    print_table(console, headers, rows, left=1, text_last=True, spare=("mid", "vol %", "delta"))
    console.print("mid, model, delta: per share", style="dim")


def _print_exposures(console: Console, report: RiskReport) -> None:
    print_heading(console, "Greeks by underlying and expiry")
    parts, totals = in_dollars(report.by_expiry), in_dollars(report.by_underlying)
    rows, styles = [], []
    for u, name in enumerate(totals["underlying"].tolist()):
        own = parts.take(parts["underlying"] == name)
        days = ["shares" if np.isnat(day) else str(day) for day in own["expiry"]]
        rows += [(plain(name), day, *_greeks(own, row)) for row, day in enumerate(days)]
        rows.append((plain(name), "all", *_greeks(totals, u)))
        styles += [""] * len(days) + ["bold"]
    headers = (
        "underlying",
        "expiry",
        "value $",
        "delta $",
        "gamma $/1%",
        "vega $/pt",
        "theta $/day",
        "rho $/1%",
    )
    print_table(console, headers, rows, left=2, spare=("rho $/1%", "value $", "theta $/day"), styles=styles)
    console.print(
        "delta $: shares times spot; gamma: change of delta $ for 1 % of spot; vega: a vol point; theta: a calendar day; "
        "rho: 1 % of rate",
        style="dim",
    )


def _greeks(table: Table, row: int) -> tuple[str, ...]:
    names = (
        "value",
        "delta_dollars",
        "gamma_dollars_1pct",
        "vega_dollars_point",
        "theta_dollars_day",
        "rho_dollars_1pct",
    )
    return tuple(decimals(float(table[name][row]), 0) for name in names)


def _print_tails(console: Console, report: RiskReport) -> None:
    print_heading(console, f"Value at risk, {plain(report.tails[0].label)}")
    rows = [
        (
            f"{tail.days}",
            f"{len(tail.pnl):,}",
            decimals(tail.var, 0),
            decimals(tail.es, 0),
            tail.worst(1)[0][0],
            decimals(tail.worst(1)[0][1], 0),
        )
        for tail in report.tails
    ]
    first = report.tails[0]
    headers = (
        "days",
        "scenarios",
        f"VaR {100 * first.var_level:g} % $",
        f"ES {100 * first.es_level:g} % $",
        "worst",
        "P&L $",
    )
    print_table(console, headers, rows, left=1, spare=("scenarios",))
    console.print(
        "losses positive; past joint moves of spot and volatility, every option valued anew", style="dim"
    )


def _print_stresses(console: Console, stresses: Table) -> None:
    print_heading(console, "Stresses")
    names = ("name", "spot_shock", "vol_shock", "pnl", "source")
    rows = [
        (plain(name), f"{100 * spot:+.1f}", f"{100 * vol:+.0f}", decimals(pnl, 0), plain(source))
        for name, spot, vol, pnl, source in zip(*(stresses[name].tolist() for name in names), strict=True)
    ]
    headers = ("stress", "spot %", "30-day vol %", "P&L $", "from")
    print_table(console, headers, rows, left=1, text_last=True, spare=("from",))


def _print_margin(console: Console, report: RiskReport) -> None:
    print_heading(console, "Margin, estimated")
    console.print(MARGIN_WORDING, style="dim")
    for one in report.margins:
        console.print()
        console.print(Text(f"{one.method}: ${decimals(one.total, 0)}", style="bold"))
        lines = [
            (plain(line.underlying), plain(line.what), decimals(line.amount, 0), line.rule)
            for line in one.lines[:_LINES]
        ]
        print_table(console, ("underlying", "of", "$", "rule"), lines, left=2, text_last=True)
        if len(one.lines) > _LINES:
            console.print(f"and {len(one.lines) - _LINES} more: --json", style="dim")
        print_facts(console, [("rule", one.rule)])
        print_bullets(console, one.notes)
