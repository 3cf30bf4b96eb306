"""The spot model: rows valued on the spot, which falls by the cash of each dividend and carries a borrow cost.

Main entry: `SpotModel.rows`, which gives the kernels' arguments. The spot of an expiry is the one that its forward
implies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.analysis.carry import Carry
from atalanta.pricing import Dividends
from atalanta.pricing.valuation import Tolerance

__all__ = ["SpotModel", "SpotRows"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


class SpotRows(NamedTuple):
    """Arguments of `price`, `greeks` and `implied_vol` for M rows: `contract` by position, `terms` by name."""

    contract: tuple[Any, Floats, Floats, Floats, Floats]
    terms: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SpotModel:
    """What M rows of G expiries have in common.

    Attributes:
        carry: dividends and borrow cost.
        rate: (G,) continuously compounded, to each expiry.
        tolerance: of the kernels, as `price` takes it.
        threads: of the kernels; None takes the package's setting.
    """

    carry: Carry
    rate: Floats
    tolerance: Tolerance
    threads: int | None

    def early(self, american: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """(G,) expiries whose exercise style matters: American, with a dividend, a rate or a borrow cost."""
        moves = self.carry.has_dividend() | (self.rate != 0) | (self.carry.borrow != 0)
        return np.asarray(american & (self.carry.years > 0) & np.isfinite(self.rate) & moves)

    def rows(self, group: Rows, right: Any, strike: Floats, spot: Floats) -> SpotRows:
        """The kernels' arguments of (M,) rows of these groups; `spot` is (G,) by expiry."""
        carry = self.carry
        schedule = carry.schedule[group]
        pairs = [list(zip(*each, strict=True)) for each in carry.schedules]
        dividends = Dividends(pairs, of=schedule) if (schedule >= 0).any() else None
        return SpotRows(
            (right, spot[group], strike, carry.years[group], self.rate[group]),
            {
                "dividend_yield": carry.borrow[group],
                "dividends": dividends,
                "tolerance": self.tolerance,
                "threads": self.threads,
            },
        )
