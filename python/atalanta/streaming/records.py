"""The records that go into a stream and come out of it, and the flags of results."""

from __future__ import annotations

import enum

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.market.flags import QualityFlag

__all__ = ["EVENT", "QUOTE", "RESULT", "TRADE", "StreamFlag", "stream_flag_names"]

#: One event, 64 bytes: `intended_ns` (when it should have come in, by `monotonic_ns`; 0: now), `time_ns` (of its source,
#: since 1970), `key`, `sequence` (of its source, from 1; 0: not counted), `bid, ask, bid_size, ask_size`, `kind`,
#: `sides` (1 bid, 2 ask, 3 both: what it tells), `source` (0 to 63), `ticket`, `tag` (comes back with the result).
EVENT: np.dtype[np.void] = _core.stream_records()[0]

#: One result, 128 bytes: the event's own fields, `latency_ns` (from `intended_ns` to the end of the last stage),
#: `lateness_ns` (beyond the last budget missed), `flags` (`StreamFlag`), `merged` (events of the key conflated into it),
#: `spot`, and at the volatility `vol`: `price, delta, gamma, vega` (per 1.00 of vol), `theta` (per year).
RESULT: np.dtype[np.void] = _core.stream_records()[1]

QUOTE, TRADE = 0, 1


class StreamFlag(enum.IntFlag):
    """What is to be said of a result; the quality flags keep their values, 0 (`OK`) means nothing."""

    OK = 0
    CROSSED = QualityFlag.CROSSED
    LOCKED = QualityFlag.LOCKED
    NO_BID = QualityFlag.NO_BID
    NO_ASK = QualityFlag.NO_ASK
    STALE = QualityFlag.STALE
    BELOW_INTRINSIC = QualityFlag.BELOW_INTRINSIC
    ABOVE_BOUND = QualityFlag.ABOVE_BOUND
    NO_IV = QualityFlag.NO_IV
    CLOCK_BACKWARDS = 1 << 16  #: its time is before that of an earlier event of its source
    OUT_OF_ORDER = 1 << 17  #: its sequence number is (trades only: such a quote is dropped)
    AFTER_GAP = 1 << 18  #: events are missing right before it
    SPOT_STALE = 1 << 19  #: the underlying has not ticked for long, or never
    CARRIED_VOL = 1 << 20  #: the Greeks use the last volatility there was
    FIRST_ORDER = 1 << 21  #: volatility by a Newton step from the last exact one
    DEGRADED = 1 << 22  #: by a cheaper method, to be in time
    AWAITS_EXACT = 1 << 23  #: no exact solve of this American contract is there yet
    LATE_MARKET_DATA = 1 << 24  #: beyond the budget of the stage
    LATE_PRICING = 1 << 25
    LATE_RISK = 1 << 26
    OS_STALL = 1 << 27  #: late while the operating system had taken the processor away
    REFRESHED = 1 << 28  #: no event of its own: the contract moved with its underlying
    LOST = 1 << 29  #: dropped or conflated; seen by whoever waits for the event alone
    FORWARD_STALE = 1 << 30  #: the forward that quotes told last is old: they tell none any more


def stream_flag_names(flags: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """The names of each row's flags joined by `|`, in lower case; `ok` where none is set.

    Args:
        flags: (N,) integers as in the `flags` column of results.

    Returns:
        (N,) array of str.
    """
    values = np.atleast_1d(np.asarray(flags)).astype(np.int64)
    distinct, inverse = np.unique(values, return_inverse=True)
    names = [
        "|".join(str(flag.name).lower() for flag in StreamFlag if flag and int(value) & flag) or "ok"
        for value in distinct
    ]
    return np.array(names, dtype=object)[inverse]
