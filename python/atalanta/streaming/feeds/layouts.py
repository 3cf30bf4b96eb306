"""The layouts of tick files: which columns, in which units, mean what. Main entry: `LAYOUTS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.contracts.calendar import expiry_instants
from atalanta.market.contracts.sessions import opens
from atalanta.market.contracts.symbol_columns import format_symbols
from atalanta.market.table import Column
from atalanta.streaming.feeds.tick_cells import numbers, require_all, times, whole_numbers
from atalanta.streaming.records import EVENT, TRADE

__all__ = ["LAYOUTS", "Layout", "Ticks"]

Columns = Mapping[str, Column]
Ints = npt.NDArray[np.int64]

_ORIGIN = "streaming.read_ticks"
_TEN_THOUSANDTHS = 1e-4
_LAST_NS, _MOST_SEQUENCE = (1 << 63) - 1, (1 << 32) - 1
_OPENS_AT_MS, _DAY_MS = 34_200_000, 86_400_000  # 9:30, and a day, since midnight in New York


@dataclass(frozen=True, eq=False)
class Ticks:
    """One file: events whose key is a place in `symbols`, and when each came. `contracts` has a row per symbol."""

    symbols: tuple[str, ...]
    events: npt.NDArray[np.void]
    arrival_ns: Ints
    contracts: dict[str, Column] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """What a file must have, and how it is read."""

    name: str
    needs: frozenset[str]
    read: Callable[[Columns, str, Path], Ticks]


def _ordered(symbols: tuple[str, ...], events: npt.NDArray[np.void], arrival: Ints, **more: Any) -> Ticks:
    order = np.argsort(arrival, kind="stable")
    return Ticks(symbols, events[order], arrival[order], **more)


def _plain(columns: Columns, symbol: str, path: Path) -> Ticks:
    """`symbol`, `time_ns` or `time`, `bid`, `ask`; and where there are, sizes, sequence, kind ('trade': at bid)."""
    del symbol, path
    named = np.char.strip(np.asarray(columns["symbol"]).astype(str))
    require_all("symbol", named != "", columns["symbol"], "a name")
    names, places = np.unique(named, return_inverse=True)
    events = np.zeros(len(places), dtype=EVENT)
    events["key"] = places
    events["sides"] = 3
    time = whole_numbers(columns, "time_ns", 0, _LAST_NS) if "time_ns" in columns else times(columns)
    events["time_ns"] = time
    for name in ("bid", "ask", "bid_size", "ask_size"):
        if name in columns:
            events[name] = numbers(columns, name)
    if "sequence" in columns:
        events["sequence"] = whole_numbers(columns, "sequence", 0, _MOST_SEQUENCE, empty=0)
    if "kind" in columns:
        kind = np.char.lower(np.char.strip(np.asarray(columns["kind"]).astype(str)))
        require_all("kind", np.isin(kind, ("quote", "trade", "")), columns["kind"], "quote or trade")
        events["kind"] = np.where(kind == "trade", TRADE, 0)
    return _ordered(tuple(names.tolist()), events, time)


def _exchange_book(columns: Columns, symbol: str, path: Path) -> Ticks:
    """Best bid and ask in tenths, by the clock of the receiver; the exchange's own runs by another."""
    del path
    events = np.zeros(len(columns["bid"]), dtype=EVENT)
    arrival = whole_numbers(columns, "local_ts_ns", 0, _LAST_NS)
    events["time_ns"], events["sides"] = arrival, 3
    events["bid"], events["ask"] = 0.1 * numbers(columns, "bid"), 0.1 * numbers(columns, "ask")
    events["bid_size"], events["ask_size"] = (
        numbers(columns, "bid_qty") / 1e3,
        numbers(columns, "ask_qty") / 1e3,
    )
    return _ordered((symbol,), events, arrival)


def _exchange_trades(columns: Columns, symbol: str, path: Path) -> Ticks:
    del path
    events = np.zeros(len(columns["price"]), dtype=EVENT)
    arrival = whole_numbers(columns, "local_ts_ns", 0, _LAST_NS)
    events["time_ns"], events["sides"], events["kind"] = arrival, 1, TRADE
    events["bid"], events["bid_size"] = 0.1 * numbers(columns, "price"), numbers(columns, "qty") / 1e3
    return _ordered((symbol,), events, arrival)


def _day_of(path: Path) -> np.datetime64:
    found = re.search(r"(19|20)\d{6}", path.name)
    if found is None:
        raise InputError(
            f"[{_ORIGIN}] {path.name} has milliseconds of a day and no day: put it into the name, as in ticks_ibm_20131007"
        )
    text = found.group()
    try:
        return np.datetime64(f"{text[:4]}-{text[4:6]}-{text[6:]}", "D")
    except ValueError as error:
        raise InputError(f"[{_ORIGIN}] {path.name}: {text} is no day") from error


def _instants(columns: Columns, path: Path) -> Ints:
    """Milliseconds since midnight in New York, as nanoseconds since 1970."""
    open_ns = int(opens(np.array([_day_of(path)], dtype="M8[D]"))[0].astype("M8[ns]").astype(np.int64))
    return np.asarray(open_ns + 1_000_000 * (whole_numbers(columns, "ms", 0, _DAY_MS) - _OPENS_AT_MS))


def _one_sided_quotes(columns: Columns, symbol: str, path: Path) -> Ticks:
    """One side in each row, in ten-thousandths; 0 is the side that it does not tell."""
    bid, ask = numbers(columns, "bid"), numbers(columns, "ask")
    events = np.zeros(len(bid), dtype=EVENT)
    arrival = _instants(columns, path)
    events["time_ns"] = arrival
    events["bid"], events["ask"] = _TEN_THOUSANDTHS * bid, _TEN_THOUSANDTHS * ask
    events["bid_size"], events["ask_size"] = numbers(columns, "bid_size"), numbers(columns, "ask_size")
    events["sides"] = np.where(bid > 0, 1, 0) + np.where(ask > 0, 2, 0)
    return _ordered(
        (symbol,), events, arrival, notes=("quotes of all venues, each side as it last came: they may cross",)
    )


def _trades(columns: Columns, symbol: str, path: Path) -> Ticks:
    events = np.zeros(len(columns["price"]), dtype=EVENT)
    arrival = _instants(columns, path)
    events["time_ns"], events["sides"], events["kind"] = arrival, 1, TRADE
    events["bid"], events["bid_size"] = (
        _TEN_THOUSANDTHS * numbers(columns, "price"),
        numbers(columns, "size"),
    )
    return _ordered((symbol,), events, arrival)


def _bars(columns: Columns, symbol: str, path: Path) -> Ticks:
    """Minute bars of trades: one trade at each close, a minute after the bar began."""
    events = np.zeros(len(columns["close"]), dtype=EVENT)
    arrival = _instants(columns, path)
    events["time_ns"], events["sides"], events["kind"] = arrival, 1, TRADE
    events["bid"], events["bid_size"] = (
        _TEN_THOUSANDTHS * numbers(columns, "close"),
        numbers(columns, "volume"),
    )
    return _ordered((symbol,), events, arrival, notes=("one trade for each bar, at its close",))


def _option_minutes(columns: Columns, symbol: str, path: Path) -> Ticks:
    """Quotes of contracts, in ten-thousandths; -1 is a side that is absent."""
    count = len(columns["strike"])
    right = np.where(np.char.upper(np.asarray(columns["right"]).astype(str)) == "C", 1, -1).astype(np.int8)
    strike = numbers(columns, "strike")
    days = np.asarray(columns["expiry"]).astype("M8[D]")
    symbols = format_symbols(np.full(count, symbol, dtype=object), days, right, strike)
    names, first, places = np.unique(symbols.astype(str), return_index=True, return_inverse=True)
    arrival = _instants(columns, path)
    events = np.zeros(count, dtype=EVENT)
    events["key"], events["time_ns"], events["sides"] = places, arrival, 3
    for side in ("bid", "ask"):
        price = numbers(columns, side)
        events[side] = np.where(price > 0, _TEN_THOUSANDTHS * price, np.nan)
        events[f"{side}_size"] = numbers(columns, f"{side}_size")
    contracts: dict[str, Column] = {
        "symbol": names.astype(object),
        "underlying": np.full(len(names), symbol, dtype=object),
        "expires_at": expiry_instants(np.full(len(names), symbol, dtype=object), days[first]).expires_at,
        "exercise": np.full(len(names), "american", dtype=object),
        "right": right[first],
        "strike": strike[first],
        "multiplier": np.full(len(names), 100.0),
    }
    note = "exercise taken as american, 100 shares a contract"
    return _ordered(tuple(names.tolist()), events, arrival, contracts=contracts, notes=(note,))


#: In the order in which they are tried.
LAYOUTS: tuple[Layout, ...] = (
    Layout("plain", frozenset({"symbol", "time_ns", "bid", "ask"}), _plain),
    Layout("plain", frozenset({"symbol", "time", "bid", "ask"}), _plain),
    Layout("exchange book", frozenset({"local_ts_ns", "bid", "bid_qty", "ask", "ask_qty"}), _exchange_book),
    Layout("exchange trades", frozenset({"local_ts_ns", "price", "qty"}), _exchange_trades),
    Layout("option minutes", frozenset({"expiry", "strike", "right", "ms", "bid", "ask"}), _option_minutes),
    Layout("one-sided quotes", frozenset({"ms", "bid", "bid_size", "ask", "ask_size"}), _one_sided_quotes),
    Layout("trades", frozenset({"ms", "price", "size"}), _trades),
    Layout("minute bars", frozenset({"ms", "open", "close", "volume"}), _bars),
)
