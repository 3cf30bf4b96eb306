"""The volatilities of each expiry by moneyness, to value what is not quoted and to move smiles with the spot.

Main entry: `Smile`. Linear in log moneyness between sound out-of-the-money rows, flat beyond them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["Smile"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Smile:
    """One expiry's volatilities.

    Attributes:
        moneyness: (K,) ln(strike / forward), ascending.
        vol: (K,) decimals; empty where the expiry has none.
    """

    moneyness: Floats
    vol: Floats

    @classmethod
    def of(
        cls, moneyness: Floats, right: npt.NDArray[np.int8], vol: Floats, sound: npt.NDArray[np.bool_]
    ) -> Self:
        """The smile of M rows.

        Args:
            moneyness: (M,).
            right: (M,) +1 or -1.
            vol: (M,) NaN where there is none.
            sound: (M,) rows without a flag. Where there are none, all with a volatility are taken.
        """
        usable = np.isfinite(vol) & np.isfinite(moneyness)
        out = usable & (moneyness * right >= 0)
        for rows in (out & sound, usable & sound, usable):
            if rows.any():
                break
        places, first = np.unique(moneyness[rows], return_inverse=True)
        count = np.bincount(first, minlength=len(places))
        return cls(places, np.bincount(first, vol[rows], minlength=len(places)) / np.maximum(count, 1))

    def at(self, moneyness: npt.ArrayLike) -> Floats:
        """The volatility at some moneyness; NaN where the expiry has none."""
        where = np.asarray(moneyness, dtype=np.float64)
        if not len(self.vol):
            return np.full(where.shape, np.nan)
        return np.asarray(np.interp(where, self.moneyness, self.vol))
