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


def quantities_of(positions: Positions) -> dict[str, float]:
    """Symbol to quantity: contracts, or shares of an underlying; short ones are negative.

    Raises:
        InputError: a quantity that is no number, or as `Book.read`.
    """
    if isinstance(positions, Mapping) and all(_is_number(value) for value in positions.values()):
        return {str(symbol): _finite(symbol, quantity) for symbol, quantity in positions.items()}
    return Book.read(positions).quantities()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or hasattr(value, "__float__")


def _finite(symbol: object, quantity: Any) -> float:
    number = float(quantity)
    if not math.isfinite(number):
        raise InputError(f"[{_ORIGIN}] {symbol}: the quantity is {quantity!r}; it must be a number")
    return number
