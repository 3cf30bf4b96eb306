"""Errors of listed options' prices, for a strike of 100, and of their implied vols. Main entry: `listed_errors`.

Every price is held against Atalanta's own finest class, against a peer's finest engine where a peer takes part, and
against a table of exact values where one is given; which one it was stands beside the figure.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atalanta.benchmarking.clock import FAILURES, Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.listed.rows import (
    ListedRows,
    american_price,
    chain_quotes,
    chain_rows,
    evenly,
    grid_quotes,
    grid_rows,
    irregular_rows,
)
from atalanta.benchmarking.workloads import Floats

__all__ = ["ListedError", "exact_grid", "listed_errors"]

#: Rows for the price operations; chains come whole.
_ROWS = {
    "american_fast": grid_rows,
    "american_standard": grid_rows,
    "american_precise": grid_rows,
    "dividend_chain": chain_rows,
    "dividend_irregular": irregular_rows,
}
_QUOTES = {"american_iv": grid_quotes, "dividend_iv": chain_quotes}

#: Our finest prices: the tolerance, and at most how many rows.
_FINEST = {"american": (1e-7, 2_000), "dividend": (2e-6, 160)}

#: The exact table in the folder of cases, and for which operations.
_EXACT_TABLE = "american_exact_grid.csv"


@dataclass(frozen=True)
class ListedError:
    """Largest and root mean square error of a contender on `rows` options, for a strike of 100.

    `reference` says what it is held against; `missing` rows gave no number. Of an implied vol the error is that of
    its price: quoted price less the price of the vol found.
    """

    operation: str
    contender: str
    reference: str
    rows: int
    largest: float
    rms: float
    missing: int


@dataclass(frozen=True)
class _Reference:
    """Prices that are right, of some rows."""

    name: str
    rows: ListedRows
    price: Floats


def listed_errors(
    contenders: Sequence[Contender], groups: Sequence[str], count: int, cases: Path | None = None
) -> list[ListedError]:
    """Compare the prices of every contender with each reference, and vols with the prices they came from.

    Args:
        contenders: Atalanta first.
        groups: `american` for those with a yield, `dividends` for those with cash dividends.
        count: rows at most.
        cases: folder with a table of exact values.
    """
    found: list[ListedError] = []
    for operation in _ROWS:
        if _group(operation) in groups:
            for reference in _references(operation, contenders, count, cases):
                found += _against(operation, contenders, reference)
    for operation, quotes in _QUOTES.items():
        if _group(operation) in groups:
            found += _vol_errors(operation, contenders, quotes(count))
    return found


def exact_grid(path: Path) -> tuple[ListedRows, Floats]:
    """Rows and prices of a file with the columns type, S, K, T, r, q, sigma, price."""
    with path.open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    column = {
        name: np.array([float(row[name]) for row in table])
        for name in ("S", "K", "T", "r", "q", "sigma", "price")
    }
    rows = ListedRows(
        right=np.array([1 if row["type"] == "call" else -1 for row in table], dtype=np.int8),
        spot=column["S"],
        strike=column["K"],
        years=column["T"],
        rate=column["r"],
        dividend_yield=column["q"],
        vol=column["sigma"],
        price=column["price"],
    )
    return rows, column["price"]


def _group(operation: str) -> str:
    return "american" if operation.startswith("american") else "dividends"


def _references(
    operation: str, contenders: Sequence[Contender], count: int, cases: Path | None
) -> Iterator[_Reference]:
    tolerance, most = _FINEST[operation.split("_")[0]]
    rows = _ROWS[operation](min(count, most))
    yield _Reference(f"atalanta {tolerance:g}", rows, american_price(rows, rows.vol, tolerance))
    for contender in contenders:
        if operation in contender.references:
            name, most, bind = contender.references[operation]
            some = _ROWS[operation](min(count, 160)).some(most)
            yield _Reference(name, some, _prices(bind(some)))
    if cases is not None and _group(operation) == "american":
        rows, price = exact_grid(cases / _EXACT_TABLE)
        yield _Reference("exact grid", rows, price)


def _against(operation: str, contenders: Sequence[Contender], reference: _Reference) -> Iterator[ListedError]:
    for contender in contenders:
        bind = contender.binders.get(operation)
        if bind is None:
            continue
        try:
            work = bind(reference.rows)
            price = _prices(work)
        except FAILURES:  # a library that refuses a row refuses them all
            work, price = Work.calling(lambda: None), np.full(len(reference.rows), np.nan)
        index = evenly(len(reference.rows), work.rows or len(reference.rows))
        scale = 100.0 / reference.rows.strike[index]
        yield _error(operation, contender.name, reference.name, (price - reference.price[index]) * scale)


def _vol_errors(operation: str, contenders: Sequence[Contender], quotes: ListedRows) -> Iterator[ListedError]:
    for contender in contenders:
        if operation in contender.binders:
            work = contender.binders[operation](quotes)
            some = quotes.some(work.rows or len(quotes))
            repriced = american_price(some, _prices(work))
            yield _error(
                operation, contender.name, "the quoted price", (repriced - some.price) * 100.0 / some.strike
            )


def _prices(work: Work) -> Floats:
    """The first column of what a call gives."""
    made = np.asarray(work.run(), dtype=np.float64)
    return made if made.ndim == 1 else made[:, 0]


def _error(operation: str, contender: str, reference: str, error: Floats) -> ListedError:
    finite = error[np.isfinite(error)]
    largest, square = (
        (float(np.abs(finite).max()), float(np.mean(finite**2))) if len(finite) else (np.nan, np.nan)
    )
    return ListedError(
        operation, contender, reference, len(error), largest, float(np.sqrt(square)), len(error) - len(finite)
    )
