"""What the comparison of bits computes of listed options. Main entries: `listed_values`, `listed_single_and_batch`."""

from __future__ import annotations

from typing import Any

import numpy as np

from atalanta import pricing
from atalanta.benchmarking.listed.rows import (
    ListedRows,
    american_price,
    chain_quotes,
    contract,
    grid_quotes,
    grid_rows,
    irregular_rows,
    terms,
)
from atalanta.benchmarking.workloads import Floats
from atalanta.pricing.valuation import Tolerance

__all__ = ["listed_single_and_batch", "listed_values"]

_TOLERANCES: tuple[Tolerance, ...] = ("fast", "standard", "precise")


def listed_values(count: int) -> list[Floats]:
    """Prices of every class, all columns and implied vols of so many rows of each sort."""
    values = []
    for rows in (grid_rows(count), irregular_rows(count)):
        values += [american_price(rows, rows.vol, tolerance) for tolerance in _TOLERANCES]
        greeks = pricing.greeks(*contract(rows), rows.vol, **terms(rows))
        values += [np.ravel(column) for column in greeks.values()]
        if rows.schedule_of is not None:
            values.append(np.ravel(greeks.dividend_delta))
    for quotes in (grid_quotes(count), chain_quotes(count)):
        values.append(pricing.implied_vol(quotes.price, *contract(quotes), **terms(quotes)))
    return values


def listed_single_and_batch(count: int) -> tuple[Floats, Floats]:
    """Prices by one call each, and by one call for all."""
    single, batch = [], []
    for rows in (grid_rows(count), irregular_rows(count)):
        batch.append(american_price(rows, rows.vol))
        single.append(np.array([_one(rows, row) for row in range(count)]))
    return np.concatenate(single), np.concatenate(batch)


def _one(rows: ListedRows, row: int) -> float:
    """The price of a row by a call with plain numbers."""
    columns = (rows.spot, rows.strike, rows.years, rows.rate, rows.vol)
    given: dict[str, Any] = {
        "dividend_yield": float(rows.dividend_yield[row]),
        "exercise": "american",
        "dividends": rows.schedule(row) or None,
    }
    return float(pricing.price(int(rows.right[row]), *(float(column[row]) for column in columns), **given))
