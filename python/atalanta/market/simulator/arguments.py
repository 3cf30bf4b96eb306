"""The simulators' arguments, checked: `generator` from a seed, `snapshot_instant` from a quote time."""

from __future__ import annotations

import datetime as dt

import numpy as np

from atalanta.errors import InputError
from atalanta.market.contracts.calendar import is_trading_day, previous_trading_day

__all__ = ["generator", "snapshot_instant"]

_FIRST, _LAST = np.datetime64("1990-01-03"), np.datetime64("2090-12-31")


def generator(seed: object, origin: str) -> np.random.Generator:
    """The random generator of a simulation: PCG64, whose stream is the same on every platform.

    Raises:
        InputError: `seed` is not a whole number from 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"[{origin}] seed is {seed!r}; it must be a whole number from 0")
    return np.random.Generator(np.random.PCG64(int(seed)))


def snapshot_instant(quote_time: str | dt.datetime | np.datetime64, origin: str) -> np.datetime64:
    """A snapshot's instant in nanoseconds UTC, on a trading day.

    Raises:
        InputError: no instant, outside the calendar, or not on a trading day.
    """
    now = _instant(quote_time, origin)
    today = now.astype("M8[D]")
    if not _FIRST <= today <= _LAST:
        raise InputError(f"[{origin}] quote_time is {now}; it must lie from {_FIRST} to {_LAST}")
    if not is_trading_day(today):
        before = previous_trading_day(today)
        raise InputError(f"[{origin}] quote_time is {now}, not on a trading day; the one before is {before}")
    return now


def _instant(quote_time: str | dt.datetime | np.datetime64, origin: str) -> np.datetime64:
    try:
        if isinstance(quote_time, np.datetime64):
            moment = quote_time.astype("M8[us]").item()
        else:
            moment = dt.datetime.fromisoformat(str(quote_time))
        naive = moment if moment.tzinfo is None else moment.astimezone(dt.UTC).replace(tzinfo=None)
    except (AttributeError, OverflowError, ValueError) as error:
        raise InputError(
            f"[{origin}] quote_time is {quote_time!r}, not an instant; write it as 2026-01-14T20:45:00Z"
        ) from error
    instant: np.datetime64 = np.datetime64(naive, "us").astype("M8[ns]")
    return instant
