"""Quote hygiene: what the quotes and contract terms of a row say about its quality, as `QualityFlag` bits.

Main entry: `quote_flags`. Only what is visible in the row and among its duplicates is judged here;
arbitrage bounds and missing volatilities are flagged by the analysis.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from atalanta.market.contracts.products import root_codes
from atalanta.market.flags import QualityFlag
from atalanta.market.table import Column

__all__ = ["STALE_SECONDS", "WIDE_FLOOR", "WIDE_FRACTION", "clean_price", "duplicates", "quote_flags"]

#: A two-sided quote is wide when its spread exceeds both this fraction of its mid ...
WIDE_FRACTION = 0.5
#: ... and this amount per share: one tick of the coarsest class of cheap options is never wide.
WIDE_FLOOR = 0.05
#: A quote last updated longer than this before the snapshot is stale.
STALE_SECONDS = 300.0

Bools = npt.NDArray[np.bool_]

_ROUNDING = 1e-9  # spreads like 0.07 - 0.02 exceed 0.05 in the last bit


def quote_flags(columns: Mapping[str, Column]) -> npt.NDArray[np.uint32]:
    """The flags that quotes, terms and times alone give to N rows.

    Args:
        columns: canonical chain columns `root`, `quote_time`, `expires_at`, `right`, `strike`, `bid`, `ask`,
            `multiplier`, `years`; `quoted_at`, where present, is each quote's own last update (UTC).

    Returns:
        (N,) uint32.
    """
    bid, ask = columns["bid"], columns["ask"]
    conditions = {
        QualityFlag.CROSSED: (bid > ask) & (bid > 0),
        QualityFlag.LOCKED: (bid == ask) & (bid > 0) & np.isfinite(bid),
        QualityFlag.NO_BID: ~(bid > 0),
        QualityFlag.NO_ASK: ~(ask > 0),
        QualityFlag.WIDE: _wide(bid, ask),
        QualityFlag.STALE: _stale(columns),
        QualityFlag.EXPIRED: columns["years"] <= 0,
        QualityFlag.BAD_CONTRACT: _bad_contract(columns) | duplicates(columns),
    }
    flags = np.zeros(len(bid), dtype=np.uint32)
    for flag, rows in conditions.items():
        flags[rows] |= np.uint32(flag)
    return flags


def clean_price(price: Column) -> Column:
    """Prices with NaN in the place of what is no price: infinite or negative; zero stays, it means none."""
    return np.where(np.isfinite(price) & (price >= 0), price, np.nan)


def duplicates(columns: Mapping[str, Column]) -> Bools:
    """The rows whose contract and snapshot occurred in an earlier row.

    The key is (root, quote time, expiry instant, right, strike): AM- and PM-settled contracts of one date
    differ in the instant. Rows with an unusable key are no duplicates.

    Args:
        columns: as for `quote_flags`.
    """
    root = root_codes(columns["root"])[1]
    usable = (
        np.isfinite(columns["strike"]) & ~np.isnat(columns["expires_at"]) & ~np.isnat(columns["quote_time"])
    )
    keys = (
        columns["strike"][usable],
        columns["right"][usable],
        columns["expires_at"][usable].view(np.int64),
        columns["quote_time"][usable].view(np.int64),
        root[usable],
    )
    order = np.lexsort(keys)
    again = np.zeros(len(order), dtype=bool)
    again[order[1:]] = np.all([key[order[1:]] == key[order[:-1]] for key in keys], axis=0)
    result = np.zeros(len(root), dtype=bool)
    result[usable] = again
    return result


def _wide(bid: Column, ask: Column) -> Bools:
    bid, ask = clean_price(bid), clean_price(ask)
    spread = ask - bid
    mid = bid / 2 + ask / 2  # so that two huge quotes do not overflow
    wide = (spread > WIDE_FRACTION * mid + _ROUNDING) & (spread > WIDE_FLOOR + _ROUNDING)
    return np.asarray(wide & (bid > 0))


def _stale(columns: Mapping[str, Column]) -> Bools:
    if "quoted_at" not in columns:
        return np.zeros(len(columns["bid"]), dtype=bool)
    age = columns["quote_time"].astype("M8[ns]") - columns["quoted_at"].astype("M8[ns]")
    return np.asarray(age > np.timedelta64(int(STALE_SECONDS), "s"))


def _bad_contract(columns: Mapping[str, Column]) -> Bools:
    strike = columns["strike"]
    usable = (strike > 0) & np.isfinite(strike) & np.isin(columns["right"], (1, -1))
    usable &= ~np.isnat(columns["expires_at"]) & ~np.isnat(columns["quote_time"])
    usable &= (columns["multiplier"] > 0) & np.isfinite(columns["multiplier"])
    for price in (columns["bid"], columns["ask"]):
        usable &= ~np.isinf(price)
    return np.asarray(~usable)
