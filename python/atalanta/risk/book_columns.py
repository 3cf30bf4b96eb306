"""The columns of a book in their source: which is which, and what cannot be used. Main entry: `read_positions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.cell_text import is_missing, shown
from atalanta.market.reading.cells import numbers, texts
from atalanta.market.reading.files import open_columns
from atalanta.market.reading.raw_table import RawTable

__all__ = ["HEADERS", "PositionColumns", "read_positions"]

_ORIGIN = "[risk.Book]"
_LISTED = 5
#: Contracts, or shares of one: products of such numbers stay finite.
_MOST = 1e12

#: Headers by meaning, the plainest first; case, blanks, hyphens and underscores do not matter.
HEADERS = {
    "symbol": ("symbol", "contractsymbol", "optionsymbol", "occsymbol", "osi", "ticker", "instrument"),
    "quantity": ("quantity", "qty", "position", "contracts", "size", "amount"),
    "multiplier": ("multiplier", "contractmultiplier", "contractsize", "sharespercontract"),
    "price": ("avgprice", "averageprice", "price", "avgcost", "averagecost", "tradeprice"),
    "account": ("account", "accountid", "accountnumber"),
    "side": ("side", "longshort", "buysell", "direction", "positiontype"),
}
#: Words of a side, by their sign.
_SIDES = {
    "long": 1,
    "l": 1,
    "buy": 1,
    "b": 1,
    "bought": 1,
    "short": -1,
    "s": -1,
    "sell": -1,
    "sold": -1,
    "": 0,
}


class PositionColumns(NamedTuple):
    """(N,) symbol, quantity, multiplier, price and account; what is to be said of them, and where they are from."""

    columns: dict[str, npt.NDArray[Any]]
    notes: tuple[str, ...]
    origin: Any


def read_positions(source: Any) -> PositionColumns:
    """The columns of a source of positions, as `Book.read` takes it.

    Raises:
        InputError: as `Book.read`.
        MissingExtraError: likewise.
    """
    table = _opened(source)
    found = _places(table)
    symbol = texts(table.columns[found["symbol"]].values).values
    quantity = _numbers(table, found["quantity"], "quantity", "a number of contracts or shares")
    mend = f"write a number up to {_MOST:g}, negative for short"
    _refuse(table, ~(np.abs(quantity) <= _MOST), found["quantity"], "quantity", mend)
    if found["side"] is not None:
        quantity = _sided(table, found["side"], quantity)
    price, account = np.full(len(symbol), np.nan), np.full(len(symbol), "", dtype=object)
    if found["price"] is not None:
        price = _numbers(table, found["price"], "price", "an amount per share")
    if found["account"] is not None:
        account = texts(table.columns[found["account"]].values).values
    columns = {
        "symbol": symbol,
        "quantity": quantity,
        "multiplier": _multipliers(table, found["multiplier"]),
        "price": price,
        "account": account,
    }
    notes = (*table.notes, f"{len(symbol):,} positions of {table.label}", *_unused(table, found))
    return PositionColumns(columns, notes, table.origin)


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
        for meaning, names in HEADERS.items()
    }
    for meaning in ("symbol", "quantity"):
        if found[meaning] is None:
            raise InputError(
                f"{_ORIGIN} {table.label} has no column for the {meaning} (looked for: "
                f"{', '.join(HEADERS[meaning])}; found: {', '.join(table.names)})"
            )
    return found


def _unused(table: RawTable, found: Mapping[str, Any]) -> list[str]:
    """Columns that could have been meant as well."""
    notes = []
    for meaning, names in HEADERS.items():
        others = [
            name for place, name in enumerate(table.names) if _key(name) in names and place != found[meaning]
        ]
        if others:
            taken = table.names[found[meaning]]
            notes.append(f"{meaning} is taken from {taken!r}; not used: {', '.join(map(repr, others))}")
    return notes


def _sided(table: RawTable, place: int, quantity: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Quantities with the sign of their side; a short one may be negative already."""
    words = [_key(text) for text in texts(table.columns[place].values).values.tolist()]
    sign = np.array([_SIDES.get(word, 2) for word in words])
    _refuse(table, sign == 2, place, "side", "write long or short")
    _refuse(
        table,
        (sign == 1) & (quantity < 0),
        place,
        "side",
        "its quantity is negative: write short, or no sign",
    )
    return np.where(sign < 0, -np.abs(quantity), quantity)


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
