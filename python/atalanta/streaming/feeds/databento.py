"""Files in Databento's encoding (DBN): quotes, trades and orders as events. Main entry: `read_dbn`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError, import_extra
from atalanta.market.contracts.calendar import expiry_instants
from atalanta.market.contracts.products import product_columns
from atalanta.market.contracts.symbol_columns import parse_symbols
from atalanta.market.table import Column
from atalanta.streaming.feeds.layouts import Ticks
from atalanta.streaming.feeds.order_book import OrderBook
from atalanta.streaming.records import EVENT, QUOTE, TRADE

__all__ = ["is_dbn", "read_dbn"]

_ORIGIN = "streaming.read_ticks"
_ENDINGS = (".dbn", ".dbn.zst")
_UNDEFINED = (1 << 63) - 1
_TO_PRICE = 1e-9
_LAST_OF_EVENT = 0x80

#: When it came, kind, sides, bid, ask, their sizes, and the instrument's number.
_Row = tuple[int, int, int, float, float, int, int, int]


def is_dbn(path: Path) -> bool:
    """Whether the name says so."""
    return path.name.lower().endswith(_ENDINGS)


def read_dbn(path: Path) -> Ticks:
    """The best bids and asks, and the trades, in order of arrival.

    Schemas with a top of the book (`mbp-1`, `mbp-10`, `bbo-*`, `cmbp-1`, `tbbo`) give a quote for each record, those
    with orders (`mbo`) one for each change of the best prices or sizes, when an exchange's event is complete.

    Args:
        path: `.dbn` or `.dbn.zst`.

    Raises:
        InputError: no such file, one that cannot be read, or a schema without prices to stream.
        MissingExtraError: databento-dbn is not installed.
    """
    dbn = import_extra("databento_dbn", "databento", _ORIGIN)
    metadata, *records = _decoded(dbn, path)
    books: dict[int, OrderBook] = {}
    rows = _rows(dbn, records, books)
    if not rows:
        raise InputError(
            f"[{_ORIGIN}] {path.name} has no quotes and no trades (schema {metadata.schema}); "
            "give one of mbo, mbp-1, mbp-10, bbo, cmbp-1, tbbo, trades"
        )
    arrival, kind, sides, bid, ask, bid_size, ask_size, instrument = zip(*rows, strict=True)
    numbers, places = np.unique(np.array(instrument, dtype=np.int64), return_inverse=True)
    events = np.zeros(len(rows), dtype=EVENT)
    events["key"], events["time_ns"] = places, arrival
    events["kind"], events["sides"] = kind, sides
    events["bid"], events["ask"], events["bid_size"], events["ask_size"] = bid, ask, bid_size, ask_size
    symbols = _symbols(metadata, numbers)
    times = np.array(arrival, dtype=np.int64)
    order = np.argsort(times, kind="stable")
    return Ticks(symbols, events[order], times[order], _contracts(symbols), _notes(books))


def _decoded(dbn: Any, path: Path) -> list[Any]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"[{_ORIGIN}] {path} cannot be opened: {error.strerror or error}") from error
    zipped = path.name.lower().endswith(".zst")
    compression = dbn.Compression.ZSTD if zipped else dbn.Compression.NONE
    try:
        decoder = dbn.DBNDecoder(compression=compression)
        decoder.write(data)
        found: list[Any] = decoder.decode()
    except (dbn.DBNError, ValueError, OSError, RuntimeError) as error:
        raise InputError(f"[{_ORIGIN}] {path.name} is no readable DBN file: {error}") from error
    if not found or not isinstance(found[0], dbn.Metadata):
        raise InputError(f"[{_ORIGIN}] {path.name} is cut off, or no DBN file: it has no metadata")
    return found


def _notes(books: dict[int, OrderBook]) -> tuple[str, ...]:
    unknown = sum(book.unknown for book in books.values())
    return (
        f"{unknown:,} changes to orders from before the file: its first best prices may lack some",
    ) * bool(unknown)


def _rows(dbn: Any, records: Sequence[Any], books: dict[int, OrderBook]) -> list[_Row]:
    rows: list[_Row] = []
    shown: dict[int, object] = {}
    for record in records:
        if isinstance(record, dbn.MBOMsg):
            book = books.setdefault(record.instrument_id, OrderBook())
            _apply(record, book, rows)
            if record.flags & _LAST_OF_EVENT and (best := book.best()) != shown.get(record.instrument_id):
                shown[record.instrument_id] = best
                rows.append(_quote(record, *best))
        elif (levels := getattr(record, "levels", None)) is not None:
            if str(getattr(record, "action", "")) == "T":
                rows.append(_trade(record))
            top = levels[0] if isinstance(levels, list) else levels
            rows.append(_quote(record, (top.bid_px, top.bid_sz), (top.ask_px, top.ask_sz)))
        elif isinstance(record, dbn.TradeMsg):
            rows.append(_trade(record))
    return rows


def _apply(record: Any, book: OrderBook, rows: list[_Row]) -> None:
    action, side = str(record.action), str(record.side)
    if action == "A":
        book.add(record.order_id, side, record.price, record.size)
    elif action == "C":
        book.cancel(record.order_id, record.size)
    elif action == "M":
        book.modify(record.order_id, side, record.price, record.size)
    elif action == "R":
        book.clear()
    elif action == "T":  # what it takes from the book comes as a cancellation of its own
        rows.append(_trade(record))


def _quote(record: Any, bid: tuple[int, int] | None, ask: tuple[int, int] | None) -> _Row:
    (bid_price, bid_size), (ask_price, ask_size) = bid or (_UNDEFINED, 0), ask or (_UNDEFINED, 0)
    prices = _price(bid_price), _price(ask_price)
    return record.ts_recv, QUOTE, 3, *prices, bid_size, ask_size, record.instrument_id


def _trade(record: Any) -> _Row:
    return record.ts_recv, TRADE, 1, _price(record.price), 0.0, record.size, 0, record.instrument_id


def _price(price: int) -> float:
    return float("nan") if price == _UNDEFINED else _TO_PRICE * price


def _symbols(metadata: Any, numbers: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """The raw symbol of each instrument, its number where the file does not say."""
    names = {
        str(interval["symbol"]): str(raw)
        for raw, intervals in metadata.mappings.items()
        for interval in intervals
    }
    return tuple(names.get(str(number), str(number)) for number in numbers.tolist())


def _contracts(symbols: tuple[str, ...]) -> dict[str, Column] | None:
    """The terms of the instruments, where all of them are listed options."""
    found = parse_symbols(np.array(symbols, dtype=object))
    if not found["valid"].all():
        return None
    product = product_columns(found["root"])
    return {
        "symbol": np.array(symbols, dtype=object),
        "underlying": product["underlying"],
        "root": found["root"],
        "expires_at": expiry_instants(found["root"], found["expiry"]).expires_at,
        "exercise": product["exercise"],
        "right": found["right"],
        "strike": found["strike"],
        "multiplier": product["multiplier"].astype(np.float64),
    }
