"""Quality flags: one bit set per row that says why a quote, or a number made from it, cannot be trusted."""

from __future__ import annotations

import enum

import numpy as np
import numpy.typing as npt

__all__ = ["QualityFlag", "flag_names"]


class QualityFlag(enum.IntFlag):
    """What is wrong with a row; 0 (`OK`) means nothing was found."""

    OK = 0
    CROSSED = 1  #: bid above ask
    LOCKED = 2  #: bid equal to ask
    NO_BID = 4  #: no bid, or a bid of zero
    NO_ASK = 8  #: no ask, or an ask of zero
    WIDE = 16  #: spread too wide for the mid to mean much
    STALE = 32  #: quote much older than the snapshot
    BELOW_INTRINSIC = 64  #: mid at or below the discounted intrinsic value
    ABOVE_BOUND = 128  #: mid at or above the highest price without arbitrage
    EXPIRED = 256  #: expiry instant at or before the quote
    NO_IV = 512  #: no implied volatility at the mid
    BAD_CONTRACT = 1024  #: strike, right, expiry or key unusable, or a duplicate


def flag_names(flags: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """The names of each row's flags joined by `|`, in lower case; `ok` where none is set.

    Args:
        flags: (N,) integers as in the `flags` column of a chain.

    Returns:
        (N,) array of str.
    """
    values = np.atleast_1d(np.asarray(flags)).astype(np.int64)
    distinct, inverse = np.unique(values, return_inverse=True)
    names = np.array([_names(int(value)) for value in distinct], dtype=object)
    return names[inverse]


def _names(value: int) -> str:
    return "|".join(flag.name.lower() for flag in QualityFlag if flag and value & flag and flag.name) or "ok"
