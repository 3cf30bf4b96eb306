"""The pieces every screen is made of: headings, facts, tables, verdicts, and numbers as text.

Texts from outside pass through `plain` before they reach a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = [
    "decimals",
    "digits",
    "make_table",
    "plain",
    "print_bullets",
    "print_facts",
    "print_heading",
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


def decimals(value: float, count: int) -> str:
    """A number with so many decimals, a dash for none."""
    if not np.isfinite(value):
        return "-"
    return f"{round(value, count) + 0.0:,.{count}f}"  # adding zero turns -0.0 into 0.0


def digits(value: float, count: int) -> str:
    """A number with so many significant digits, all of its whole ones, a dash for none."""
    if not np.isfinite(value):
        return "-"
    return f"{value:,.{max(count, len(str(int(abs(value)))))}g}"
