"""New York's trading calendar on columns: trading days, closes, the instants at which options expire, years.

Main entries: `expiry_instants` and `years_between`. Every instant is UTC; work is done once per distinct
key (`contract_keys`), never per row. Sessions come from `sessions`, the terms of each root from `products`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.contracts.contract_keys import ContractKeys
from atalanta.market.contracts.holidays import nth_weekday
from atalanta.market.contracts.products import root_codes
from atalanta.market.contracts.sessions import FIRST_DAY, LAST_DAY, closes, day_before, opens, trades

__all__ = [
    "ExpiryInstants",
    "expiry_instants",
    "is_trading_day",
    "previous_trading_day",
    "session_close",
    "third_friday",
    "years_between",
]

Dates = npt.NDArray[np.datetime64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_NANOSECONDS_PER_YEAR = 365 * 86_400 * 1e9
_BY_PRODUCT, _PM, _AM = -1, 0, 1
_SETTLEMENTS = np.array(["PM", "AM"], dtype=object)


def is_trading_day(dates: npt.ArrayLike) -> Bools:
    """Whether the New York Stock Exchange trades on these days.

    Args:
        dates: datetime64, `datetime.date` or ISO text, any shape, 1990 to 2099; NaT gives False.

    Raises:
        InputError: not dates, or outside 1990 to 2099.
    """
    return trades(_days("is_trading_day", dates))


def previous_trading_day(dates: npt.ArrayLike) -> Dates:
    """The last trading day strictly before each date.

    Args:
        dates: as for `is_trading_day`; NaT gives NaT.

    Returns:
        datetime64[D] in the shape of `dates`.

    Raises:
        InputError: not dates, or outside 1990 to 2099.
    """
    return day_before(_days("previous_trading_day", dates))


def session_close(dates: npt.ArrayLike) -> Dates:
    """The instant at which the session of each date closes: 16:00 New York, earlier on short days.

    Args:
        dates: as for `is_trading_day`.

    Returns:
        datetime64[s], UTC, in the shape of `dates`; NaT where there is no trading.

    Raises:
        InputError: not dates, or outside 1990 to 2099.
    """
    days = _days("session_close", dates)
    distinct, inverse = np.unique(days, return_inverse=True)
    instants = np.where(trades(distinct), closes(distinct), np.datetime64("NaT", "s"))
    return np.asarray(instants[inverse.reshape(days.shape)])


def third_friday(year: npt.ArrayLike, month: npt.ArrayLike) -> Dates:
    """The third Friday of a month, trading day or not.

    Args:
        year: integers, any shape.
        month: 1 to 12, broadcast against `year`.

    Returns:
        datetime64[D] in the broadcast shape.
    """
    return nth_weekday(year, month, "Fri", 3)


class ExpiryInstants(NamedTuple):
    """When N option rows expire.

    Attributes:
        expiry: (N,) datetime64[D], moved to the trading day before where the listed date has no trading; NaT
            where the listed date is missing or outside 1990 to 2099.
        expires_at: (N,) datetime64[s], UTC: when the payoff is fixed; NaT where `expiry` is.
        settlement: (N,) object: `PM` or `AM`.
        notes: what was moved or assumed, with row counts.
    """

    expiry: Dates
    expires_at: Dates
    settlement: npt.NDArray[np.object_]
    notes: tuple[str, ...]


def expiry_instants(
    root: npt.ArrayLike,
    expiry: npt.ArrayLike,
    settlement: npt.ArrayLike | None = None,
    *,
    roots_from_symbols: bool = True,
) -> ExpiryInstants:
    """When the payoff of each option is fixed, by the rules of its product.

    A `PM` payoff is fixed at the close of the expiration date (16:00 New York, 13:00 on short days), an `AM`
    payoff at its open (09:30). A listed Saturday, Sunday or holiday means the trading day before.

    Args:
        root: (N,) option roots, or one for all rows.
        expiry: (N,) listed expiration dates, or one for all rows.
        settlement: `PM` or `AM`, (N,) or one for all rows. Where it is None or an empty text the product decides.
        roots_from_symbols: False where `root` is only the underlying's ticker: the standard monthly of an index
            is then ambiguous (`SPX` or `SPXW`), and taken as PM-settled with a note.

    Raises:
        InputError: shapes that do not broadcast, an unknown settlement, or values that are not dates.

    Example:
        >>> expiry_instants(["SPX", "SPXW"], "2023-09-15").expires_at.astype(str).tolist()
        ['2023-09-15T13:30:00', '2023-09-15T20:00:00']
    """
    roots, listed, asked = _rows(root, expiry, settlement)
    keys = ContractKeys.of(roots, listed)
    is_am = np.where(asked == _BY_PRODUCT, keys.product_am(roots_from_symbols)[keys.of_row], asked == _AM)
    instants = np.where(is_am, opens(keys.moved)[keys.of_row], closes(keys.moved)[keys.of_row])
    notes = (
        *keys.date_notes(),
        *keys.settlement_notes(roots_from_symbols, asked == _BY_PRODUCT),
    )
    return ExpiryInstants(keys.moved[keys.of_row], instants, _SETTLEMENTS[is_am.astype(np.intp)], notes)


def years_between(quote_time: npt.ArrayLike, expires_at: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Years from a quote to the expiry instant, ACT/365.

    Args:
        quote_time: datetime64, UTC, any shape.
        expires_at: datetime64, UTC, broadcast against `quote_time`.

    Returns:
        float64 in the broadcast shape; negative after expiry, NaN where either instant is NaT.

    Raises:
        InputError: not instants, or shapes that do not broadcast.
    """
    quoted = _times("years_between", quote_time, "M8[ns]")
    expires = _times("years_between", expires_at, "M8[ns]")
    try:
        elapsed = np.asarray(expires - quoted)
    except ValueError:
        raise InputError(
            f"[market.years_between] quote_time {quoted.shape} and expires_at {expires.shape} differ in length: "
            "give one value per row, or one for all rows"
        ) from None
    return np.where(np.isnat(elapsed), np.nan, elapsed.astype(np.float64) / _NANOSECONDS_PER_YEAR)


def _rows(
    root: npt.ArrayLike, expiry: npt.ArrayLike, settlement: npt.ArrayLike | None
) -> tuple[npt.NDArray[np.object_], Dates, Ints]:
    roots = np.atleast_1d(np.asarray(root, dtype=object))
    listed = _times("expiry_instants", expiry, "M8[D]")
    asked = _asked(settlement)
    try:
        shape = np.broadcast_shapes(roots.shape, listed.shape, asked.shape)
    except ValueError:
        raise InputError(
            f"[market.expiry_instants] root {roots.shape}, expiry {listed.shape} and settlement {asked.shape} "
            "differ in length: give one value per row, or one for all rows"
        ) from None
    return np.broadcast_to(roots, shape), np.broadcast_to(listed, shape), np.broadcast_to(asked, shape)


def _asked(settlement: npt.ArrayLike | None) -> Ints:
    names, codes = root_codes("" if settlement is None else settlement)
    known = {"": _BY_PRODUCT, "PM": _PM, "AM": _AM}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            f"[market.expiry_instants] settlement {unknown[0]!r} is unknown: give 'PM', 'AM' or None"
        )
    return np.asarray(np.array([known[name] for name in names], dtype=np.int64)[codes])


def _days(origin: str, values: npt.ArrayLike) -> Dates:
    days = _times(origin, values, "M8[D]")
    outside = days[(days < FIRST_DAY) | (days > LAST_DAY)]
    if outside.size:
        raise InputError(
            f"[market.{origin}] {outside.flat[0]} is outside the calendar, {FIRST_DAY} to {LAST_DAY}"
        )
    return days


def _times(origin: str, values: npt.ArrayLike, unit: str) -> Dates:
    column = np.asarray(values)
    try:
        if column.dtype.kind not in "MOUT":
            raise TypeError(f"got a column of {column.dtype}")
        return column.astype(unit)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"[market.{origin}] needs dates (datetime64, datetime or ISO text): {error}"
        ) from None
