"""The distinct (root, listed date) pairs of a column of contracts, and what each means.

Main entry: `ContractKeys.of`. A chain of tens of thousands of rows has about a hundred keys, so calendar rules are
applied to keys and spread to rows by index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from atalanta.market.contracts.products import product, root_codes
from atalanta.market.contracts.sessions import FIRST_DAY, LAST_DAY, last_session, standard_monthly

__all__ = ["ContractKeys"]

Bools = npt.NDArray[np.bool_]
Dates = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]

_LAST_ORDINAL = int((LAST_DAY - FIRST_DAY).astype(np.int64)) + 1
_LARGEST_MARKED = 1 << 20


@dataclass(frozen=True, slots=True)
class ContractKeys:
    """The K distinct (root, listed date) pairs of N rows.

    Attributes:
        names: (K,) roots.
        listed: (K,) datetime64[D]; NaT where missing or outside the calendar.
        moved: (K,) datetime64[D]: the trading day that `listed` means.
        of_row: (N,) each row's key.
    """

    names: npt.NDArray[np.object_]
    listed: Dates
    moved: Dates
    of_row: Ints

    @classmethod
    def of(cls, roots: npt.NDArray[np.object_], listed: Dates) -> Self:
        """The keys of N rows given by their roots and listed dates (datetime64[D])."""
        names, codes = root_codes(roots)
        inside = (listed >= FIRST_DAY) & (listed <= LAST_DAY)
        ordinals = np.where(inside, (listed - FIRST_DAY).astype(np.int64) + 1, 0)
        keys, of_row = _distinct(ordinals * len(names) + codes, (_LAST_ORDINAL + 1) * len(names))
        key_days, key_codes = np.divmod(keys, max(len(names), 1))
        days = np.where(key_days > 0, FIRST_DAY + (key_days - 1), np.datetime64("NaT", "D"))
        return cls(np.array(names, dtype=object)[key_codes], days, last_session(days), of_row)

    def product_am(self, roots_from_symbols: bool) -> Bools:
        """(K,) whether the product fixes the payoff by the open."""
        rule = self._rule()
        return np.asarray((rule == "AM") | ((rule == "AM_MONTHLY") & self._is_monthly() & roots_from_symbols))

    def date_notes(self) -> list[str]:
        """Which listed dates were moved, and how many rows have none."""
        rows = np.bincount(self.of_row, minlength=len(self.listed))
        unusable, moved = np.isnat(self.listed), (self.moved != self.listed) & ~np.isnat(self.listed)
        notes = []
        if unusable.any():
            span = f"{FIRST_DAY} to {LAST_DAY}"
            notes.append(f"no expiry date within {span}, so no expiry instant: {_counted(rows[unusable])}")
        if moved.any():
            first, others = int(np.argmax(moved)), len(np.unique(self.listed[moved])) - 1
            example = f"{self.listed[first]} to {self.moved[first]}" + (
                f" and {others} more" if others else ""
            )
            notes.append(
                f"expiry on a day without trading, moved to the trading day before ({example}): "
                f"{_counted(rows[moved])}"
            )
        return notes

    def settlement_notes(self, roots_from_symbols: bool, by_product: Bools) -> list[str]:
        """What was assumed for indices with AM-settled monthlies, in the rows whose settlement nobody gave."""
        rows = np.bincount(self.of_row[by_product], minlength=len(self.listed))
        unclear = (self._rule() == "AM_MONTHLY") & (self._is_monthly() ^ roots_from_symbols)
        unclear &= (rows > 0) & ~np.isnat(self.listed)
        if not unclear.any():
            return []
        subject = f"{', '.join(sorted(set(self.names[unclear])))}: {_counted(rows[unclear])}"
        if roots_from_symbols:
            return [f"taken as PM-settled, the expiry not being the standard monthly, {subject}"]
        remedy = "give settlement='AM' for the AM-settled series"
        return [f"standard monthly without a symbol taken as PM-settled ({remedy}), {subject}"]

    def _rule(self) -> npt.NDArray[np.object_]:
        return np.array([product(name).settlement for name in self.names], dtype=object)

    def _is_monthly(self) -> Bools:
        return np.asarray(self.moved == standard_monthly(self.moved))


def _counted(rows: Ints) -> str:
    total = int(rows.sum())
    return f"{total:,} row{'' if total == 1 else 's'}"


def _distinct(keys: Ints, limit: int) -> tuple[Ints, Ints]:
    """The sorted distinct keys, 0 <= key < limit, and each row's place among them."""
    if limit > _LARGEST_MARKED:
        return np.unique(keys, return_inverse=True)
    seen = np.zeros(limit, dtype=bool)  # marking beats sorting twenty times
    seen[keys] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[keys]
