"""A universe as compressed text, for who joins a feed later. Main entries: `announce`, `announced`."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

import numpy as np

from atalanta.errors import InputError
from atalanta.streaming.universe import Universe

__all__ = ["announce", "announced"]

_VERSION = 1
_MOST_BYTES = 1 << 28
_TEXTS = ("symbol", "underlying", "exercise", "root")
_NUMBERS = ("right", "strike", "multiplier", "vol", "rate", "dividend_yield", "scale")


def announce(universe: Universe) -> bytes:
    """Underlyings with their prices, contracts as columns, dividends as instants in ns since 1970 and cash."""
    native, table = universe.native(), universe.contracts
    bounds = native["dividend_offsets"]
    dividends = {
        name: [
            [int(native["dividend_ex_ns"][i]), float(native["dividend_cash"][i])]
            for i in range(int(first), int(last))
        ]
        for name, first, last in zip(universe.tickers, bounds[:-1], bounds[1:], strict=True)
        if last > first
    }
    contracts: dict[str, Any] = {name: [str(one) for one in table[name]] for name in _TEXTS}
    contracts |= {name: [_json(one) for one in table[name].tolist()] for name in _NUMBERS}
    contracts["expires_at"] = table["expires_at"].astype("M8[ns]").astype(np.int64).tolist()
    underlyings = {
        name: _json(spot) for name, spot in zip(universe.tickers, universe.spots.tolist(), strict=True)
    }
    text = json.dumps(
        {
            "version": _VERSION,
            "underlyings": underlyings,
            "contracts": contracts,
            "dividends": dividends,
        }
    )
    # a server takes messages of a megabyte by default, which 7,000 contracts would fill as plain text
    return zlib.compress(text.encode(), 6)


def announced(text: bytes) -> Universe:
    """The universe again.

    Raises:
        InputError: the text is no announcement, is of another version, or its columns cannot be used.
    """
    try:
        told = json.loads(_inflated(text))
        version = told["version"]
        if version != _VERSION:
            raise InputError(
                f"[streaming.announced] the announcement is of version {version!r}; this program reads {_VERSION}"
            )
        columns: dict[str, Any] = {name: np.array(told["contracts"][name], dtype=object) for name in _TEXTS}
        columns |= {name: np.array(told["contracts"][name], dtype=np.float64) for name in _NUMBERS}
        columns["right"] = columns["right"].astype(np.int8)
        columns["expires_at"] = np.array(told["contracts"]["expires_at"], dtype=np.int64).view("M8[ns]")
        underlyings = {
            name: float("nan") if spot is None else float(spot) for name, spot in told["underlyings"].items()
        }
        dividends = {
            name: [(np.datetime64(int(when), "ns"), float(cash)) for when, cash in schedule]
            for name, schedule in told["dividends"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"[streaming.announced] this is no announcement of a universe ({type(error).__name__}: {error})"
        ) from error
    return Universe(underlyings, columns if len(columns["symbol"]) else None, dividends)


def _inflated(message: bytes) -> bytes:
    """Up to a bound: a few bytes could stand for all of memory."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(message, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflater.eof:
        raise ValueError(f"it is cut off, or larger than {_MOST_BYTES:,} bytes")
    return text


def _json(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
