"""What a share costs now, as far as a chain tells: one spot for all of its expiries.

Main entry: `share_spots`. Every expiry implies a spot of its own, and one far ahead that of the carry that was given: whoever
exercises gets the share, not that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.market.table import Table

__all__ = ["share_spots"]

Floats = npt.NDArray[np.float64]

#: What is not known of the carry may move a forward by so much of itself a year.
_UNKNOWN_CARRY = 0.02


def share_spots(expiries: Table | Mapping[str, npt.NDArray[Any]]) -> Floats:
    """(G,) the spot that the best told expiry of the same underlying and quote time implies.

    That is the one whose forward has the least standard error, with 2 % a year for carry that nobody gave. Where no
    quotes told a forward, each expiry keeps its own.

    Args:
        expiries: (G,) columns `underlying, quote_time, years, implied_spot, forward_se`.
    """
    spot = np.array(expiries["implied_spot"], dtype=np.float64)
    doubt = expiries["forward_se"] + _UNKNOWN_CARRY * expiries["years"] * spot
    told = np.flatnonzero(np.isfinite(doubt) & (expiries["years"] > 0))
    best: dict[tuple[str, int], int] = {}
    keys = list(
        zip(
            expiries["underlying"].tolist(),
            expiries["quote_time"].astype("M8[ns]").astype(np.int64).tolist(),
            strict=True,
        )
    )
    for row in told[np.argsort(-doubt[told], kind="stable")].tolist():
        best[keys[row]] = row
    return spot[[best.get(key, row) for row, key in enumerate(keys)]]
