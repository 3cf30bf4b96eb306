"""What is to be said of a position: one bit set per row; nothing that a book holds is left out unsaid."""

from __future__ import annotations

import enum

import numpy as np
import numpy.typing as npt

__all__ = ["UNPRICED", "PositionFlag", "position_flag_names"]


class PositionFlag(enum.IntFlag):
    """What was found about a position; 0 (`OK`) means nothing."""

    OK = 0
    UNKNOWN_SYMBOL = 1  #: neither an option symbol nor a ticker: no value
    NO_MATCH = 2  #: the market holds neither the contract nor its expiry, or not the share: no value
    EXPIRED = 4  #: the expiry instant is at or before the quote time: no value
    NO_VALUE = 8  #: the contract is there, but no forward, spot or volatility: no value
    NOT_QUOTED = 16  #: no row of the chain: valued on the smile of its expiry
    VOL_FROM_SMILE = 32  #: its own quotes imply no volatility: that of the smile is taken
    DUPLICATE = 64  #: the symbol stands in another row too: both count
    ZERO_QUANTITY = 128  #: a position of nothing
    ADJUSTED = 256  #: an adjusted root: what is delivered may not be the multiplier's shares


#: Flags of positions that have no value: they are in no sum.
UNPRICED = PositionFlag.UNKNOWN_SYMBOL | PositionFlag.NO_MATCH | PositionFlag.EXPIRED | PositionFlag.NO_VALUE


def position_flag_names(flags: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """The names of each row's flags joined by `|`, in lower case; `ok` where none is set.

    Args:
        flags: (N,) integers.

    Returns:
        (N,) array of str.
    """
    values = np.atleast_1d(np.asarray(flags)).astype(np.int64)
    return np.array([_names(int(value)) for value in values], dtype=object)


def _names(value: int) -> str:
    named = [str(flag.name).lower() for flag in PositionFlag if flag and value & flag]
    return "|".join(named) or "ok"
