"""What a universe is made of, checked: spots, columns of contracts, dividends. Main entry: `ordered_contracts`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.table import Column, Table

__all__ = [
    "CONTRACT_COLUMNS",
    "GROUPED_BY",
    "dividend_schedules",
    "nanoseconds",
    "ordered_contracts",
    "spot_of",
]

Ints = npt.NDArray[np.int64]

_ORIGIN = "streaming.Universe"
CONTRACT_COLUMNS = ("symbol", "underlying", "expires_at", "exercise", "right", "strike", "multiplier")
GROUPED_BY = ("underlying", "expires_at", "exercise", "root")
_NUMBERS = ("right", "strike", "multiplier", "vol", "rate", "dividend_yield", "scale")
#: Instants that fit into nanoseconds since 1970.
_EARLIEST, _LATEST = np.datetime64("1970-01-01"), np.datetime64("2262-01-01")


def spot_of(name: str, value: Any) -> float:
    """The price of an underlying to begin with; NaN where it is not known.

    Raises:
        InputError: it is no number, or not above 0.
    """
    try:
        spot = float(value)
    except (TypeError, ValueError):
        spot = -1.0
    if spot <= 0.0 or math.isinf(spot):
        raise InputError(
            f"[{_ORIGIN}] the price of {name} is {value!r}; it must be above 0, or NaN where unknown"
        )
    return spot


def nanoseconds(instants: npt.NDArray[Any]) -> Ints:
    """Instants as nanoseconds since 1970."""
    return np.asarray(instants).astype("M8[ns]").astype(np.int64)


def ordered_contracts(
    contracts: Table | Mapping[str, npt.ArrayLike] | None, tickers: tuple[str, ...]
) -> Table:
    """The contracts with all their columns, by underlying, expiry and strike.

    Raises:
        InputError: a column is missing, a value cannot be used, or the contracts of an expiry do not agree.
    """
    if contracts is None:
        table = Table({name: np.zeros(0, dtype=_EMPTY.get(name, "O")) for name in CONTRACT_COLUMNS})
    else:
        table = contracts if isinstance(contracts, Table) else Table(contracts)
    missing = [name for name in CONTRACT_COLUMNS if name not in table]
    if missing:
        raise InputError(
            f"[{_ORIGIN}] the contracts have no column {', '.join(missing)}; found {', '.join(table)}"
        )
    count = len(table)
    defaults: dict[str, npt.ArrayLike] = {
        "vol": np.full(count, np.nan),
        "rate": np.zeros(count),
        "dividend_yield": np.zeros(count),
        "scale": np.ones(count),
        "root": table["underlying"],
    }
    table = table.with_columns(**{name: value for name, value in defaults.items() if name not in table})
    table = table.with_columns(
        **{name: _numbers(table, name) for name in _NUMBERS}, expires_at=_instants(table["expires_at"])
    )
    _check(table, tickers)
    place = {name: index for index, name in enumerate(tickers)}
    order = np.lexsort(
        (
            table["right"],
            table["strike"],
            table["root"].astype(str),
            table["exercise"].astype(str),
            nanoseconds(table["expires_at"]),
            np.array([place[str(name)] for name in table["underlying"]], dtype=np.int64),
        )
    )
    return _agreeing(table.take(order))


_EMPTY = {"right": "i1", "strike": "f8", "multiplier": "f8", "expires_at": "M8[ns]"}


def dividend_schedules(
    dividends: Mapping[str, Sequence[tuple[Any, float]]], tickers: tuple[str, ...]
) -> dict[str, list[tuple[int, float]]]:
    """By ticker, in order: (ex-date in nanoseconds since 1970, cash).

    Raises:
        InputError: of no underlying here, or a date or an amount that cannot be used.
    """
    found: dict[str, list[tuple[int, float]]] = {}
    for name, schedule in dividends.items():
        if name not in tickers:
            raise InputError(
                f"[{_ORIGIN}] dividends of {name!r}, which is no underlying here: {', '.join(tickers)}"
            )
        found[name] = sorted(_dividend(name, each) for each in schedule)
    return found


def _dividend(name: str, each: Any) -> tuple[int, float]:
    try:
        when, amount = each
        instant, cash = np.datetime64(when), float(amount)
        sound = _EARLIEST <= instant < _LATEST and math.isfinite(cash) and cash >= 0.0
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise InputError(
            f"[{_ORIGIN}] a dividend of {name} is {each!r}; give (ex-date as an instant, cash per share of 0 or more)"
        )
    return int(nanoseconds(np.array([instant]))[0]), cash


def _numbers(table: Table, name: str) -> Column:
    values = table[name]
    if values.dtype.kind in "iuf":
        return values
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        row = next(row for row, value in enumerate(values) if not _is_number(value))
        raise _unusable(table, name, row) from None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _instants(values: Column) -> Column:
    """As nanoseconds since 1970; NaT where they do not fit."""
    try:
        read = values if values.dtype.kind == "M" else values.astype("M8[us]")
    except (TypeError, ValueError) as error:
        raise InputError(
            f"[{_ORIGIN}] expires_at holds what is no instant ({error}); give datetime64 in UTC"
        ) from error
    if read.dtype == np.dtype("M8[ns]"):
        return read
    fits = (read >= _EARLIEST) & (read < _LATEST)
    return np.where(fits, read, np.array("NaT", read.dtype)).astype("M8[ns]")


def _check(table: Table, tickers: tuple[str, ...]) -> None:
    for name in sorted({str(each) for each in table["underlying"]} - set(tickers)):
        raise InputError(
            f"[{_ORIGIN}] contracts on {name!r}, which is no underlying here: {', '.join(tickers)}"
        )
    kinds = {str(each) for each in table["exercise"]} - {"european", "american"}
    if kinds:
        raise InputError(f"[{_ORIGIN}] exercise is {min(kinds)!r}; it must be 'european' or 'american'")
    vol = table["vol"]
    checks = {
        "right": np.isin(table["right"], (1, -1)),
        "strike": np.isfinite(table["strike"]) & (table["strike"] > 0),
        "multiplier": np.isfinite(table["multiplier"]) & (table["multiplier"] > 0),
        "vol": np.isnan(vol) | (np.isfinite(vol) & (vol > 0)),
        "rate": np.abs(table["rate"]) <= 1.0,
        "dividend_yield": np.abs(table["dividend_yield"]) <= 1.0,
        "scale": np.isfinite(table["scale"]) & (table["scale"] > 0),
        "expires_at": ~np.isnat(table["expires_at"]),
    }
    for name, sound in checks.items():
        if not sound.all():
            raise _unusable(table, name, int(np.flatnonzero(~sound)[0]))


_MUST_BE = {
    "right": "1 for a call or -1 for a put",
    "strike": "a number above 0",
    "multiplier": "a number above 0",
    "vol": "a decimal above 0, or NaN where unknown",
    "rate": "a decimal from -1 to 1",
    "dividend_yield": "a decimal from -1 to 1",
    "scale": "a number above 0",
    "expires_at": "an instant from 1970 to 2261",
}


def _unusable(table: Table, name: str, row: int) -> InputError:
    value = table[name][row]
    told = str(value) if isinstance(value, np.datetime64) else repr(getattr(value, "item", lambda: value)())
    return InputError(
        f"[{_ORIGIN}] {name} of {table['symbol'][row]} is {told}; it must be {_MUST_BE[name]}, or leave the contract out"
    )


def _agreeing(table: Table) -> Table:
    """Rate, yield and scale of an expiry: those of its first contract, where they differ by rounding alone."""
    if len(table) == 0:
        return table
    changes = np.ones(len(table), dtype=bool)
    changes[1:] = False
    for name in GROUPED_BY:
        changes[1:] |= table[name][1:] != table[name][:-1]
    first = np.flatnonzero(changes)[np.cumsum(changes) - 1]
    for name in ("rate", "dividend_yield", "scale"):
        differs = np.abs(table[name] - table[name][first]) > 1e-9
        if differs.any():
            row = int(np.flatnonzero(differs)[0])
            raise InputError(
                f"[{_ORIGIN}] {name} of {table['symbol'][row]} is {float(table[name][row])!r}, and that of its expiry "
                f"{float(table[name][first[row]])!r}; give the contracts of an expiry one"
            )
    return table
