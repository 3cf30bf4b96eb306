"""Positions by symbol, from a mapping or whatever a book is read from. Main entry: `quantities_of`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from atalanta.errors import InputError
from atalanta.risk.book import Book

__all__ = ["Positions", "quantities_of"]

#: {symbol: quantity}, or what `Book.read` takes.
Positions = Mapping[str, float] | Any

_ORIGIN = "streaming.positions"


def quantities_of(positions: Positions, multipliers: Mapping[str, float] | None = None) -> dict[str, float]:
    """Symbol to quantity: contracts, or shares of an underlying; short ones are negative.

    Args:
        positions: a mapping, or what `Book.read` takes.
        multipliers: symbol to the multiplier that quantities will be taken times. Where a book has another one of its own
            the quantity is of as many contracts as come to the same.

    Raises:
        InputError: a quantity that is no number, or as `Book.read`.
    """
    if isinstance(positions, Mapping) and all(_is_number(value) for value in positions.values()):
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


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or hasattr(value, "__float__")


def _finite(symbol: object, quantity: Any) -> float:
    number = float(quantity)
    if not math.isfinite(number):
        raise InputError(f"[{_ORIGIN}] {symbol}: the quantity is {quantity!r}; it must be a number")
    return number
