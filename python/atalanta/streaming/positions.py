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


def quantities_of(positions: Positions) -> dict[str, float]:
    """Symbol to quantity: contracts, or shares of an underlying; short ones are negative.

    Raises:
        InputError: a quantity that is no number, or as `Book.read`.
    """
    if _by_symbol(positions):
        return {str(symbol): _finite(symbol, quantity) for symbol, quantity in positions.items()}
    return Book.read(positions).quantities()


def quantities_by_key(positions: Positions, universe: Universe) -> npt.NDArray[np.float64]:
    """(N,) quantities in the order of the universe's keys.

    Raises:
        InputError: symbols that the universe does not have, or as `quantities_of`.
    """
    if not _by_symbol(positions):
        positions = Book.read(positions)
        return _in_lots(positions, universe)
    wanted = quantities_of(positions)
    return _by_key(wanted, universe)


def _in_lots(book: Book, universe: Universe) -> npt.NDArray[np.float64]:
    """Contracts of the universe: a book may tell other multipliers than the feed's contracts have."""
    own = np.ones(len(universe))
    own[len(universe.tickers) :] = universe.contracts["multiplier"]
    wanted: dict[str, float] = {}
    for name, quantity, multiplier in zip(
        book.names().tolist(), book["quantity"].tolist(), book["multiplier"].tolist(), strict=True
    ):
        key = int(universe.keys([name], unknown=_UNKNOWN)[0])
        lots = 1.0 if math.isnan(multiplier) or key == _UNKNOWN else multiplier / float(own[key])
        wanted[name] = wanted.get(name, 0.0) + quantity * lots
    return _by_key(wanted, universe)


def _by_key(wanted: Mapping[str, float], universe: Universe) -> npt.NDArray[np.float64]:
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
