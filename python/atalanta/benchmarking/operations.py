"""What is measured: operations, their inputs and sizes, as cells for the clock. Main entries: `OPERATIONS`, `cells_of`.

Operations are asked for by group: `GROUPS` lists the names of the command line, `SUITES` those that stand for several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from atalanta.benchmarking.clock import Cell, Entry
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.listed.rows import (
    chain_quotes,
    chain_rows,
    grid_quotes,
    grid_rows,
    irregular_rows,
)
from atalanta.benchmarking.workloads import Rows, market_rows, quoted_rows, tail_rows

__all__ = ["GROUPS", "LISTED", "OPERATIONS", "SUITES", "Operation", "cells_of"]


@dataclass(frozen=True)
class Operation:
    """One thing to measure: `binder` is the contender's entry for it, `rows` makes the inputs.

    A `single` operation is one call from Python with plain numbers; sizes do not apply to it. One `of_its_rows` is
    for those contenders only that answer the very rows given. `beside` is a binder of the first contender that takes
    its turns too, so that both can be compared within the rounds.
    """

    name: str
    title: str
    group: str
    binder: str
    rows: Callable[[int], Rows]
    single: bool = False
    of_its_rows: bool = False
    beside: str | None = None

    @property
    def listed(self) -> bool:
        """True for American options, which take microseconds: one size, and a table of their own."""
        return self.group in LISTED


#: The groups of American options: with a yield, with cash dividends.
LISTED = ("american", "dividends")


def _listed(name: str, title: str, rows: Callable[[int], Rows], beside: str | None = None) -> Operation:
    group = LISTED[0] if name.startswith(LISTED[0]) else LISTED[1]
    return Operation(name, title, group, name, rows, beside=beside)


OPERATIONS = (
    Operation("price", "price", "price", "price", market_rows),
    Operation("greeks", "price and first-order Greeks", "greeks", "greeks", market_rows),
    Operation("greeks_all", "price and all 12 Greeks", "greeks", "greeks_all", market_rows),
    Operation("implied_vol", "implied vol, market rows", "implied_vol", "implied_vol", quoted_rows),
    Operation(
        "implied_vol_tails",
        "implied vol, deep tails",
        "implied_vol",
        "implied_vol",
        tail_rows,
        of_its_rows=True,
    ),
    Operation("one_price", "one price", "single", "one_price", market_rows, single=True),
    Operation(
        "one_price_yield", "one price, with a yield", "single", "one_price_yield", market_rows, single=True
    ),
    Operation("one_implied_vol", "one implied vol", "single", "one_implied_vol", quoted_rows, single=True),
    _listed("american_fast", "American, fast", grid_rows),
    _listed("american_standard", "American, standard", grid_rows),
    _listed("american_precise", "American, precise", grid_rows),
    _listed("american_greeks", "American, 7 columns", grid_rows, "american_standard"),
    _listed("american_iv", "American vol", grid_quotes),
    _listed("dividend_chain", "cash, chain", chain_rows),
    _listed("dividend_irregular", "cash, irregular", irregular_rows),
    _listed("dividend_greeks", "cash, all columns", chain_rows, "dividend_chain"),
    _listed("dividend_iv", "cash, vol", chain_quotes),
)

#: What `--ops` takes: groups of operations, then the parts of the report with a clock or a check of their own.
GROUPS = (*dict.fromkeys(operation.group for operation in OPERATIONS), "isa", "accuracy", "analyze")

#: What can be asked for by one word: groups, and the peer that is measured beside them when it is there.
SUITES = {"american": ((*LISTED, "isa", "accuracy", "analyze"), ("quantlib",))}


def cells_of(operation: Operation, contenders: Sequence[Contender], sizes: Sequence[int]) -> list[Cell]:
    """The cells of one operation, small ones first, with those contenders that can do it."""
    able = [
        contender
        for contender in contenders
        if operation.binder in contender.binders and (contender.answers_rows or not operation.of_its_rows)
    ]
    counts = [1] if operation.single else sorted(set(sizes))
    return [_cell(operation, able, count) for count in counts if able]


def _cell(operation: Operation, contenders: Sequence[Contender], count: int) -> Cell:
    rows = operation.rows(count)
    entries = [_entry(contender, contender.name, operation.binder, rows) for contender in contenders]
    if operation.beside is not None:
        entries.append(_entry(contenders[0], operation.beside, operation.beside, rows))
    return Cell(operation.name, count, entries)


def _entry(contender: Contender, name: str, binder: str, rows: Rows) -> Entry:
    bind = contender.binders[binder]
    return Entry(name, lambda: bind(rows))
