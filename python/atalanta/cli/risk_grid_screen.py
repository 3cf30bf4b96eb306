"""The scenario grid on the terminal, as a heat map. Main entry: `print_grid`."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.style import Style
from rich.table import Table as Screen
from rich.text import Text

from atalanta.cli.heat import money, money_unit, shade
from atalanta.cli.screen import decimals, make_table, print_heading
from atalanta.risk import Grid

__all__ = ["print_grid"]


def print_grid(console: Console, grid: Grid) -> None:
    """Print the heat map, in parts where the terminal is too narrow for all columns, and the worst cell."""
    shocks = grid.shocks
    unit, name = money_unit(grid.pnl)
    when = "at expiry" if np.isinf(shocks.days) else f"in {shocks.days:g} days" if shocks.days else "at once"
    print_heading(
        console, f"P&L in {name}: spot (rows) by volatility (columns), {when}, sticky {shocks.sticky}"
    )
    largest = float(np.nanmax(np.abs(grid.pnl))) if grid.pnl.size else 0.0
    heads = [_shock(vol, shocks.vol_unit) for vol in shocks.vols.tolist()]
    for columns in _fitting(console.width, heads, grid, unit):
        table = make_table("spot", *(heads[v] for v in columns), left=0, gap=0)
        for s, spot in enumerate(shocks.spots.tolist()):
            table.add_row(
                f"{100 * spot:+g} %",
                *(_cell(float(grid.pnl[s, v]), largest, unit) for v in columns),
            )
        console.print(_padded(table))
    spot, vol, pnl = grid.worst()
    console.print(
        f"worst: {decimals(pnl, 0)} $ at spot {100 * spot:+g} %, volatility {_shock(vol, shocks.vol_unit)}; "
        f"{grid.solves:,} ladders, {1e3 * grid.seconds:,.1f} ms",
    )


def _padded(table: Screen) -> Screen:
    table.padding = (0, 1, 0, 0)
    return table


def _fitting(width: int, heads: list[str], grid: Grid, unit: float) -> list[list[int]]:
    """Columns in groups that a terminal can show whole."""
    sizes = [
        max(len(head), *(len(money(float(value), unit)) for value in grid.pnl[:, v])) + 1
        for v, head in enumerate(heads)
    ]
    groups: list[list[int]] = [[]]
    left = width - 10
    for v, size in enumerate(sizes):
        if groups[-1] and left < size:
            groups.append([])
            left = width - 10
        groups[-1].append(v)
        left -= size
    return groups


def _cell(value: float, largest: float, unit: float) -> Text:
    ground, ink = shade(value, largest)
    style = Style(
        color=f"rgb({ink[0]},{ink[1]},{ink[2]})", bgcolor=f"rgb({ground[0]},{ground[1]},{ground[2]})"
    )
    return Text(money(value, unit), style=style)


def _shock(vol: float, unit: str) -> str:
    return f"{100 * vol:+g} %" if unit == "relative" else f"{100 * vol:+g} pt"
