"""Positions by symbol, from a mapping or a CSV file of `symbol,quantity`. Main entry: `quantities_of`.

The risk room's book reads files with more in them; whatever has a `quantities()` method, {symbol: quantity}, is taken too.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atalanta.errors import InputError

__all__ = ["Positions", "quantities_of", "read_positions"]

Positions = Mapping[str, float] | str | Path | Any

_ORIGIN = "streaming.positions"
_QUANTITIES = ("quantity", "qty", "position")


def quantities_of(positions: Positions) -> dict[str, float]:
    """Symbol to quantity: contracts, or shares of an underlying; short ones are negative.

    Raises:
        InputError: a file that cannot be read, or a quantity that is no number.
    """
    if isinstance(positions, str | Path):
        return read_positions(Path(positions))
    if hasattr(positions, "quantities"):
        positions = positions.quantities()
    if not isinstance(positions, Mapping):
        raise InputError(
            f"[{_ORIGIN}] positions are {type(positions).__name__}; give {{symbol: quantity}} or a CSV file"
        )
    return {str(symbol): _number(symbol, quantity) for symbol, quantity in positions.items()}


def read_positions(path: Path) -> dict[str, float]:
    """The positions of a CSV file; those of one symbol are added up.

    Raises:
        InputError: no such file, no such columns, or a quantity that is no number, with its line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            names = {str(name).strip().lower(): name for name in rows.fieldnames or ()}
            quantity = next((names[name] for name in _QUANTITIES if name in names), None)
            if "symbol" not in names or quantity is None:
                raise InputError(
                    f"[{_ORIGIN}] {path.name} needs the columns symbol and quantity; found {', '.join(names) or 'none'}"
                )
            found: dict[str, float] = {}
            for row in rows:
                symbol = str(row[names["symbol"]] or "").strip()
                if not symbol:
                    raise InputError(f"[{_ORIGIN}] {path.name}, line {rows.line_num}: there is no symbol")
                number = _number(f"{path.name}, line {rows.line_num}: {symbol}", row[quantity])
                found[symbol] = found.get(symbol, 0.0) + number
            return found
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"[{_ORIGIN}] {path} cannot be read: {reason}") from error


def _number(what: object, value: object) -> float:
    try:
        number = float(str(value).replace(",", "")) if isinstance(value, str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"[{_ORIGIN}] {what}: the quantity is {value!r}; it must be a number")
    return number
