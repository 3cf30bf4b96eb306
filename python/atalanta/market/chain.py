"""The chain: one row per contract and snapshot, in canonical columns with a quality flag."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.table import Table, plain_column

__all__ = ["CHAIN_COLUMNS", "Chain"]

#: Canonical columns of a chain, their NumPy types and meaning.
CHAIN_COLUMNS: dict[str, tuple[str, str]] = {
    "underlying": ("O", "ticker of the underlying, without ^ or a trailing blank"),
    "root": ("O", "option root: SPXW, AAPL1; the underlying where symbols are absent"),
    "symbol": ("O", "contract symbol as found, or compact OCC where absent"),
    "quote_time": ("M8[ns]", "instant of the snapshot, UTC"),
    "expiry": ("M8[D]", "expiration date; a listed Saturday is moved to the trading day before"),
    "expires_at": ("M8[s]", "instant at which the payoff is fixed, UTC"),
    "settlement": ("O", "'PM' or 'AM'"),
    "right": ("i1", "+1 call, -1 put"),
    "strike": ("f8", "per share"),
    "bid": ("f8", "per share; NaN where absent"),
    "ask": ("f8", "per share; NaN where absent"),
    "spot": ("f8", "per share; NaN where unknown"),
    "exercise": ("O", "'european' or 'american'"),
    "multiplier": ("f8", "shares per contract"),
    "years": ("f8", "ACT/365 from quote_time to expires_at, to the minute"),
    "flags": ("u4", "QualityFlag bits"),
}


class Chain(Table):
    """Option quotes in the canonical columns of `CHAIN_COLUMNS`; further columns keep their names.

    Made by `read_chain` and `simulate_chain`; made by hand it needs every canonical column.

    Raises:
        InputError: a canonical column is missing or cannot be converted to its type.
    """

    __slots__ = ()

    def __init__(
        self, columns: Mapping[str, npt.ArrayLike], *, notes: tuple[str, ...] = (), origin: str = "polars"
    ) -> None:
        missing = [name for name in CHAIN_COLUMNS if name not in columns]
        if missing:
            raise InputError(
                f"[market.Chain] needs the columns {', '.join(missing)}; found {', '.join(columns)}"
            )
        typed = {name: _typed(name, columns[name]) for name in CHAIN_COLUMNS}
        rest = {name: column for name, column in columns.items() if name not in CHAIN_COLUMNS}
        super().__init__({**typed, **rest}, notes=notes, origin=origin)


def _typed(name: str, column: npt.ArrayLike) -> npt.ArrayLike:
    dtype = CHAIN_COLUMNS[name][0]
    try:
        with np.errstate(invalid="raise"):  # there is no integer for NaN
            return plain_column(column).astype(dtype, copy=False)
    except (FloatingPointError, OverflowError, TypeError, ValueError) as error:
        raise InputError(f"[market.Chain] column {name!r} cannot be converted to {dtype}: {error}") from error
