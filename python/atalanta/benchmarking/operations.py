"""What is measured: operations, their inputs and sizes, as cells for the clock. Main entries: `OPERATIONS`, `cells_of`.

Operations are asked for by group: `GROUPS` lists the names of the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from atalanta.benchmarking.clock import Cell, Entry
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.workloads import Rows, market_rows, quoted_rows, tail_rows

__all__ = ["GROUPS", "OPERATIONS", "Operation", "cells_of"]


@dataclass(frozen=True)
class Operation:
    """One thing to measure: `binder` is the contender's entry for it, `rows` makes the inputs.

    A `single` operation is one call from Python with plain numbers; sizes do not apply to it. One `of_its_rows` is
    for those contenders only that answer the very rows given.
    """

    name: str
    title: str
    group: str
    binder: str
    rows: Callable[[int], Rows]
    single: bool = False
    of_its_rows: bool = False


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
)

#: What `--ops` takes: four groups of operations, then the parts of the report with a clock or a check of their own.
GROUPS = (*dict.fromkeys(operation.group for operation in OPERATIONS), "isa", "accuracy", "analyze")


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
    entries = [_entry(contender, operation, rows) for contender in contenders]
    return Cell(operation.name, count, entries)


def _entry(contender: Contender, operation: Operation, rows: Rows) -> Entry:
    bind = contender.binders[operation.binder]
    return Entry(contender.name, lambda: bind(rows))
