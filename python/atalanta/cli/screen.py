"""The pieces every screen is made of: headings, facts, tables, verdicts, and numbers as text.

Texts from outside pass through `plain` before they reach a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = [
    "decimals",
    "digits",
    "make_table",
    "moment",
    "plain",
    "print_bullets",
    "print_facts",
    "print_heading",
    "print_table",
    "print_verdict",
]


def plain(text: object) -> str:
    """A text from outside with nothing in it that could steer a terminal."""
    return "".join(sign if sign.isprintable() else "�" for sign in str(text))


def print_heading(console: Console, text: str) -> None:
    """Print a heading after an empty line."""
    console.print()
    console.print(Text(plain(text), style="bold cyan"))


def print_facts(console: Console, facts: Iterable[tuple[str, str]]) -> None:
    """Print names beside what is said about each."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, fact in facts:
        grid.add_row(name, Text(plain(fact)))
    console.print(grid)


def print_bullets(console: Console, texts: Iterable[str]) -> None:
    """Print a list of texts, one dash each."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for text in texts:
        grid.add_row("-", Text(plain(text)))
    console.print(grid)


def print_verdict(console: Console, name: str, passed: bool, text: str) -> None:
    """Print one line that says whether a check passed."""
    word = Text("passed", style="bold green") if passed else Text("FAILED", style="bold red")
    console.print(Text(f"{name} ").append_text(word).append(f": {text}"))


def make_table(*headers: str, left: int, gap: int = 1) -> Table:
    """An empty table: the first `left` columns start on the left, the others end on the right."""
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold"
    )
    for place, header in enumerate(headers):
        table.add_column(header, justify="left" if place < left else "right", no_wrap=True)
    return table


def print_table(
    console: Console,
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    left: int,
    gap: int = 1,
    text_last: bool = False,
    spare: Sequence[str] = (),
    styles: Sequence[str] | None = None,
) -> None:
    """Print a table that shows its cells whole, however narrow the terminal.

    Args:
        console: where to print.
        headers: distinct names of the C columns.
        rows: C cells each.
        left: so many columns start on the left.
        gap: blanks between columns, beyond one.
        text_last: the last column is text, which starts on the left and may go on in the next line.
        spare: columns to leave out in this order, and to name below, until the table fits; where it does not
            fit even so, cells go on in the next line.
        styles: one for each row.
    """
    rows = list(rows)
    columns = [[header, *cells] for header, *cells in zip(headers, *rows, strict=True)]
    widths = {cells[0]: max(map(cell_len, cells)) for cells in columns}
    if text_last:
        widths[headers[-1]] = max(cell_len(word) for cell in columns[-1] for word in cell.split() or [""])
    missing = _left_out(widths, gap, spare, console.width)
    kept = [place for place, header in enumerate(headers) if header not in missing]
    table = make_table(*(headers[place] for place in kept), left=sum(place < left for place in kept), gap=gap)
    if text_last:
        table.columns[-1].justify, table.columns[-1].no_wrap = "left", False
    if _width([widths[headers[place]] for place in kept], gap) > console.width:
        for column in table.columns:
            column.no_wrap, column.overflow = False, "fold"
    for row, style in zip(rows, styles or [""] * len(rows), strict=True):
        table.add_row(*(Text(row[place]) for place in kept), style=style)
    console.print(table)
    if missing:
        console.print(f"left out, as the terminal is narrow: {', '.join(filter(None, missing))}", style="dim")


def _left_out(widths: dict[str, int], gap: int, spare: Sequence[str], room: int) -> list[str]:
    """As many of the spare columns as must go."""
    there = dict(widths)
    missing: list[str] = []
    for name in spare:
        if _width(list(there.values()), gap) <= room:
            break
        if there.pop(name, None) is not None:
            missing.append(name)
    return missing


def _width(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + (len(widths) - 1) * (gap + 1)


def moment(instant: np.datetime64) -> str:
    """Month, day and time; the year stands in the expiry beside it."""
    return "unknown" if np.isnat(instant) else str(instant.astype("M8[m]")).replace("T", " ")[5:]


def decimals(value: float, count: int) -> str:
    """A number with so many decimals, a dash for none."""
    if not np.isfinite(value):
        return "-"
    return f"{round(value, count) + 0.0:,.{count}f}"  # adding zero turns -0.0 into 0.0


def digits(value: float, count: int, *, padded: bool = False) -> str:
    """A number with so many significant digits, all of its whole ones, a dash for none.

    With `padded` zeros at the end stay, so that every number shows how exact it is.
    """
    if not np.isfinite(value):
        return "-"
    form = "#" if padded else ""
    return f"{value:{form},.{max(count, len(str(int(abs(value)))))}g}".rstrip("." if padded else "")
