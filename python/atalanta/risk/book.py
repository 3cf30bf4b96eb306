"""The book: positions by symbol, read from a file, a data frame or mappings. Main entry: `Book.read`.

A book knows what is held, not what it is worth: that takes a market (`Portfolio`). Every row of the source is a row of
the book; what cannot be a position at all is refused with its row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.cell_text import is_missing, shown
from atalanta.market.contracts.products import product
from atalanta.market.contracts.symbol_columns import format_symbols, parse_symbols
from atalanta.market.reading.cells import numbers, texts
from atalanta.market.reading.files import open_columns
from atalanta.market.reading.raw_table import RawTable
from atalanta.market.table import Table
from atalanta.risk.flags import PositionFlag

__all__ = ["BOOK_COLUMNS", "Book"]

_ORIGIN = "[risk.Book]"

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

#: Headers by meaning, the plainest first; case, blanks, hyphens and underscores do not matter.
_HEADERS = {
    "symbol": ("symbol", "contractsymbol", "optionsymbol", "occsymbol", "osi", "ticker", "instrument"),
    "quantity": ("quantity", "qty", "position", "contracts", "size", "amount"),
    "multiplier": ("multiplier", "contractmultiplier", "contractsize", "sharespercontract"),
    "price": ("avgprice", "averageprice", "price", "avgcost", "averagecost", "tradeprice"),
    "account": ("account", "accountid", "accountnumber"),
}
_TICKER = re.compile(r"[A-Z][A-Z0-9]{0,5}([./-][A-Z0-9]{1,3})?")
_LISTED = 5
_MOST = 1e12  # contracts, or shares of one: products of such numbers stay finite


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
                position; further `multiplier`, `avg_price` and `account` are taken. See `_HEADERS` for other names.

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
        table = _opened(source)
        found = _places(table)
        symbol = texts(table.columns[found["symbol"]].values).values
        quantity = _numbers(table, found["quantity"], "quantity", "a number of contracts or shares")
        held = np.abs(quantity) <= _MOST
        _refuse(
            table, ~held, found["quantity"], "quantity", f"write a number up to {_MOST:g}, negative for short"
        )
        multiplier = _multipliers(table, found["multiplier"])
        price = np.full(len(symbol), np.nan)
        if found["price"] is not None:
            price = _numbers(table, found["price"], "price", "an amount per share")
        account = np.full(len(symbol), "", dtype=object)
        if found["account"] is not None:
            account = texts(table.columns[found["account"]].values).values
        columns = {
            "symbol": symbol,
            "quantity": quantity,
            "multiplier": multiplier,
            "price": price,
            "account": account,
            **_contracts(symbol, quantity),
        }
        ordered = {name: columns[name] for name in BOOK_COLUMNS}
        notes = (*table.notes, f"{len(symbol):,} positions of {table.label}", *_told(columns))
        return cls(ordered, notes=notes, origin=table.origin)

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


def _opened(source: Any) -> RawTable:
    """The columns of a source; errors speak of the book."""
    if isinstance(source, Sequence) and not isinstance(source, str | bytes):
        source = _transposed(source)
    try:
        return open_columns(source)
    except InputError as error:
        text = str(error).removeprefix("[market.read_chain] ")
        raise InputError(f"{_ORIGIN} {text}") from error.__cause__


def _transposed(rows: Sequence[Any]) -> dict[str, list[Any]]:
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InputError(
                f"{_ORIGIN} position {place} is {shown(row)}: give a mapping with 'symbol' and 'quantity'"
            )
    names = dict.fromkeys(str(name) for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _key(header: object) -> str:
    return "".join(sign for sign in str(header).lower() if sign.isalnum())


def _places(table: RawTable) -> dict[str, Any]:
    keys = [_key(name) for name in table.names]
    found = {
        meaning: next((keys.index(name) for name in names if name in keys), None)
        for meaning, names in _HEADERS.items()
    }
    for meaning in ("symbol", "quantity"):
        if found[meaning] is None:
            raise InputError(
                f"{_ORIGIN} {table.label} has no column for the {meaning} (looked for: "
                f"{', '.join(_HEADERS[meaning])}; found: {', '.join(table.names)})"
            )
    return found


def _numbers(table: RawTable, place: int, what: str, wanted: str) -> npt.NDArray[np.float64]:
    parsed = numbers(table.columns[place].values)
    _refuse(table, parsed.bad, place, what, f"write {wanted}")
    return parsed.values


def _refuse(table: RawTable, wrong: npt.NDArray[np.bool_], place: int, what: str, mend: str) -> None:
    rows = np.flatnonzero(wrong)
    if not rows.size:
        return
    cell = shown(table.columns[place].values[rows[:1]].tolist()[0])
    listed = ", ".join(f"{row + 1:,}" for row in rows[:_LISTED].tolist())
    more = f" and {rows.size - _LISTED:,} more" if rows.size > _LISTED else ""
    raise InputError(
        f"{_ORIGIN} {table.label}, row{'s' if rows.size > 1 else ''} {listed}{more}: {what} {cell} cannot be used: {mend}"
    )


def _multipliers(table: RawTable, place: int | None) -> npt.NDArray[np.float64]:
    if place is None:
        return np.full(len(table), np.nan)
    values = _numbers(table, place, "multiplier", "the shares of a contract")
    given = np.array([not is_missing(cell) for cell in table.columns[place].values.tolist()])
    _refuse(
        table, given & ~((values > 0) & (values <= _MOST)), place, "multiplier", "write a positive number"
    )
    return values


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
