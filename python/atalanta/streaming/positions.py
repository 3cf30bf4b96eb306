"""Positions by symbol, from a mapping or whatever a book is read from. Main entries: `quantities_of`, `quantities_by_key`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.risk.book import Book
from atalanta.streaming.universe import Universe

__all__ = ["Positions", "quantities_by_key", "quantities_of"]

#: {symbol: quantity}, or what `Book.read` takes.
Positions = Mapping[str, float] | Any

_ORIGIN = "streaming.positions"
_UNKNOWN = (1 << 32) - 1
_NAMED = 5


def quantities_of(positions: Positions, multipliers: Mapping[str, float] | None = None) -> dict[str, float]:
    """Symbol to quantity: contracts, or shares of an underlying; short ones are negative.

    Args:
        positions: a mapping, or what `Book.read` takes.
        multipliers: symbol to the multiplier that quantities will be taken times. Where a book has another one of its own
            the quantity is of as many contracts as come to the same.

    Raises:
        InputError: a quantity that is no number, or as `Book.read`.
    """
    if _by_symbol(positions):
        return {str(symbol): _finite(symbol, quantity) for symbol, quantity in positions.items()}
    return _amounts(Book.read(positions), multipliers or {})


def _amounts(book: Book, multipliers: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, quantity, own in zip(
        book.names().tolist(), book["quantity"].tolist(), book["multiplier"].tolist(), strict=True
    ):
        share = own / multipliers.get(name, own) if math.isfinite(own) else 1.0
        found[name] = found.get(name, 0.0) + quantity * share
    return found


def quantities_by_key(positions: Positions, universe: Universe) -> npt.NDArray[np.float64]:
    """(N,) quantities in the order of the universe's keys.

    Raises:
        InputError: symbols that the universe does not have, or as `quantities_of`.
    """
    contracts = universe.contracts
    multipliers = dict.fromkeys(universe.tickers, 1.0)
    multipliers.update(zip(contracts["symbol"].tolist(), contracts["multiplier"].tolist(), strict=True))
    wanted = quantities_of(positions, multipliers)
    keys = universe.keys(wanted, unknown=_UNKNOWN)
    missing = [symbol for symbol, key in zip(wanted, keys, strict=True) if key == _UNKNOWN]
    if missing:
        named = ", ".join(repr(symbol) for symbol in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
        raise InputError(
            f"[{_ORIGIN}] {len(missing):,} of {len(wanted):,} positions are of no instrument of this stream: {named}{more}; "
            f"leave them out, or give a universe that has them"
        )
    quantities = np.zeros(len(universe))
    np.add.at(quantities, keys, np.array(list(wanted.values()), dtype=np.float64))
    return quantities


def _by_symbol(positions: Positions) -> bool:
    """A mapping of symbols has a number for each; one of columns has arrays."""
    return isinstance(positions, Mapping) and not any(_is_column(value) for value in positions.values())


def _is_column(value: object) -> bool:
    return not isinstance(value, str) and (isinstance(value, Iterable) and np.ndim(value) != 0)  # type: ignore[arg-type]


def _finite(symbol: object, quantity: Any) -> float:
    try:
        number = float(quantity)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"[{_ORIGIN}] {symbol}: the quantity is {quantity!r}; it must be a number")
    return number
