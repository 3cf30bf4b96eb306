"""Expiries: the groups of a chain's rows that share one forward.

Main entry: `group_by_expiry`. One group per (underlying, root, quote time, expiry instant, exercise style), so
that AM- and PM-settled contracts of one date, two snapshots, or American and European contracts are never mixed.
The row order does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atalanta.market.table import Column, Table

__all__ = ["ExpiryGroups", "group_by_expiry"]

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ExpiryGroups:
    """G groups of N rows, in order of underlying, quote time, expiry instant, root and exercise style.

    Attributes:
        index: (N,) the group of each row.
        first: (G,) a row of each group.
        contracts: (G,) rows in each group.
        snapshot: (G,) number of the quote time; groups of one snapshot can share a rate curve.
    """

    index: Integers
    first: Integers
    contracts: Integers
    snapshot: Integers

    def __len__(self) -> int:
        return len(self.first)

    def column(self, chain: Table, name: str) -> Column:
        """(G,) a chain column, read at one row per group."""
        return chain[name][self.first]


def group_by_expiry(chain: Table) -> ExpiryGroups:
    """Group a chain's rows by underlying, root, quote time, expiry instant and exercise style.

    Args:
        chain: N rows with the columns `underlying`, `root`, `quote_time`, `expires_at`, `exercise`.
    """
    quote_time, n_times = _codes(chain["quote_time"])
    expires_at, n_expiries = _codes(chain["expires_at"])
    underlying, _ = _codes(chain["underlying"])
    root, n_roots = _codes(chain["root"])
    exercise, n_styles = _codes(chain["exercise"])
    key = ((underlying * n_times + quote_time) * n_expiries + expires_at) * n_roots + root
    key = key * n_styles + exercise
    starts = _run_starts(key)
    _, first, inverse = np.unique(key[starts], return_index=True, return_inverse=True)
    index = np.repeat(inverse, np.diff(starts, append=len(key)))
    first = starts[first]
    return ExpiryGroups(index, first, np.bincount(index, minlength=len(first)), quote_time[first])


def _codes(column: Column) -> tuple[Integers, int]:
    """Each value's rank among the distinct values of its column, and how many there are.

    Works on runs of equal neighbours: files are mostly sorted, and comparing objects is cheap, sorting them is not.
    """
    values = column if column.dtype == object else column.view(np.int64)
    starts = _run_starts(values)
    heads = values[starts]
    if column.dtype == object:
        ranks = {value: rank for rank, value in enumerate(sorted(set(heads.tolist()), key=str))}
        inverse = np.fromiter(map(ranks.__getitem__, heads.tolist()), np.int64, len(heads))
        count = len(ranks)
    else:
        distinct, inverse = np.unique(heads, return_inverse=True)
        count = len(distinct)
    return np.repeat(inverse, np.diff(starts, append=len(values))), count


def _run_starts(values: Column) -> Integers:
    """The first row of every run of equal values."""
    if not len(values):
        return np.empty(0, dtype=np.int64)
    return np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])
