"""The book: positions by symbol, read from a file, a data frame or mappings. Main entry: `Book.read`.

A book knows what is held, not what it is worth: that takes a market (`Portfolio`). Every row of the source is a row of
the book; what cannot be a position at all is refused with its row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atalanta.market.contracts.products import product
from atalanta.market.contracts.symbol_columns import format_symbols, parse_symbols
from atalanta.market.table import Table
from atalanta.risk.book_columns import read_positions
from atalanta.risk.flags import PositionFlag

__all__ = ["BOOK_COLUMNS", "Book"]

#: Columns of a book, their NumPy types and meaning.
BOOK_COLUMNS: dict[str, tuple[str, str]] = {
    "symbol": ("O", "as found"),
    "kind": ("O", "'option', 'stock', or '' where the symbol is neither"),
    "quantity": ("f8", "contracts or shares; negative is short"),
    "multiplier": ("f8", "shares per contract; 1 for a share; NaN: that of the market, else of the product"),
    "price": ("f8", "paid per share, NaN where the source does not tell"),
    "account": ("O", "as found; empty where the source has none"),
    "root": ("O", "option root, or the ticker of a share"),
    "expiry": ("M8[D]", "of an option, as its symbol has it"),
    "right": ("i1", "+1 call, -1 put, 0 share"),
    "strike": ("f8", "per share; NaN for a share"),
    "flags": ("u4", "PositionFlag bits"),
}

_TICKER = re.compile(r"[A-Z][A-Z0-9]{0,5}([./-][A-Z0-9]{1,3})?")


class Book(Table):
    """N positions in the columns of `BOOK_COLUMNS`, in the order of their source.

    Made by `Book.read`. `notes` say what was mapped; `flags` hold what the symbols alone tell: unknown symbols,
    duplicates, quantities of zero, adjusted contracts.
    """

    __slots__ = ()

    @classmethod
    def read(cls, source: Any) -> Self:
        """Read positions.

        Args:
            source: path of a `.csv`, `.csv.gz` or `.parquet` file with a header; a pandas, polars or Arrow frame; a mapping
                of columns; a list of mappings, one per position; or a `Book`. Needed are a symbol (an option symbol
                in any style of `parse_symbol`, or a ticker for shares) and a quantity, negative for a short
                position; further `multiplier`, `avg_price`, `account` and `side` (long or short, of quantities without a
                sign) are taken. See `HEADERS` of `book_columns` for other names.

        Raises:
            InputError: unreadable or empty, a column is missing, a quantity is missing, infinite or no number, or a
                multiplier is not positive; the message names the rows.
            MissingExtraError: a Parquet file, and polars is not installed.

        Example:
            >>> from atalanta.risk import Book
            >>> book = Book.read([{"symbol": "AAPL240920C00270000", "quantity": -2}, {"symbol": "AAPL", "quantity": 200}])
            >>> book["kind"].tolist()
            ['option', 'stock']
        """
        if isinstance(source, cls):
            return source
        read = read_positions(source)
        columns = {**read.columns, **_contracts(read.columns["symbol"], read.columns["quantity"])}
        ordered = {name: columns[name] for name in BOOK_COLUMNS}
        return cls(ordered, notes=(*read.notes, *_told(columns)), origin=read.origin)

    def names(self) -> npt.NDArray[np.object_]:
        """(N,) symbols as chains have them: the style `occ` for options, tickers for shares; else as found."""
        names = self["symbol"].copy()
        options, shares = self["kind"] == "option", self["kind"] == "stock"
        terms = (self[name][options] for name in ("root", "expiry", "right", "strike"))
        names[options] = format_symbols(*terms)
        names[shares] = self["root"][shares]
        return names

    def quantities(self) -> dict[str, float]:
        """What is held by name, contracts or shares; the positions of one name are added up."""
        found: dict[str, float] = {}
        for name, quantity in zip(self.names().tolist(), self["quantity"].tolist(), strict=True):
            found[name] = found.get(name, 0.0) + quantity
        return found


def _contracts(symbol: npt.NDArray[Any], quantity: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[Any]]:
    """What the symbols tell, and what is to be said of them."""
    parsed = parse_symbols(symbol)
    option = parsed["valid"]
    tickers = np.array([_ticker(text) for text in symbol.tolist()], dtype=object)
    stock = ~option & (tickers != "")
    root = np.where(option, parsed["root"], tickers)
    adjusted = np.array(
        [bool(flag) and product(str(name)).adjusted for name, flag in zip(root, option, strict=True)]
    )
    _, inverse, counts = np.unique(_names(root, parsed), return_inverse=True, return_counts=True)
    flags = np.zeros(len(symbol), dtype=np.uint32)
    for flag, which in (
        (PositionFlag.UNKNOWN_SYMBOL, ~option & ~stock),
        (PositionFlag.DUPLICATE, (counts[inverse] > 1) & (option | stock)),
        (PositionFlag.ZERO_QUANTITY, quantity == 0),
        (PositionFlag.ADJUSTED, adjusted),
    ):
        flags[which] |= np.uint32(flag)
    return {
        "kind": np.where(option, "option", np.where(stock, "stock", "")).astype(object),
        "root": root,
        "expiry": parsed["expiry"],
        "right": parsed["right"],
        "strike": parsed["strike"],
        "flags": flags,
    }


def _ticker(text: str) -> str:
    """A share's ticker as chains write it, or nothing."""
    plain = text.strip().removeprefix("^").upper()
    return plain if _TICKER.fullmatch(plain) else ""


def _names(root: npt.NDArray[Any], parsed: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.str_]:
    """A text that is the same for the same contract, however its symbol is spelt."""
    columns: Iterable[Any] = zip(root, parsed["expiry"], parsed["right"], parsed["strike"], strict=True)
    return np.array([f"{name}|{day}|{right}|{strike}" for name, day, right, strike in columns])


def _told(columns: Mapping[str, npt.NDArray[Any]]) -> list[str]:
    flags = columns["flags"]
    said = (
        (PositionFlag.UNKNOWN_SYMBOL, "with a symbol that is neither an option's nor a ticker"),
        (PositionFlag.DUPLICATE, "share a symbol with another; each counts"),
        (PositionFlag.ZERO_QUANTITY, "of a quantity of zero"),
        (PositionFlag.ADJUSTED, "in adjusted contracts: what is delivered may differ from the multiplier"),
    )
    notes = []
    for flag, text in said:
        which = (flags & np.uint32(flag)) != 0
        if which.any():
            first = columns["symbol"][which][0]
            notes.append(f"{int(which.sum()):,} positions {text} (first: {first!r})")
    return notes
