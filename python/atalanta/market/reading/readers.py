"""Option chains read from files and data frames.

Main entry: `read_chain`. Opening, recognising, converting and judging are the rooms' other modules; here they
follow each other, and what the caller knows better than the file is put in. No row is ever dropped.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from atalanta.errors import InputError
from atalanta.market.cell_text import shown
from atalanta.market.chain import CHAIN_COLUMNS, Chain
from atalanta.market.contracts.calendar import years_between
from atalanta.market.contracts.terms import complete_terms
from atalanta.market.flags import QualityFlag
from atalanta.market.reading.cells import number
from atalanta.market.reading.conversion import Converted, convert
from atalanta.market.reading.files import open_columns
from atalanta.market.reading.hygiene import clean_price, quote_flags
from atalanta.market.reading.instants import Instants, instants
from atalanta.market.reading.recognition import match_layout
from atalanta.market.reading.strike_scale import strikes_out_of_scale
from atalanta.market.table import Column

__all__ = ["read_chain"]

_ORIGIN = "[market.read_chain]"
_NUMBERS: tuple[type, ...] = (Real, Decimal)
_CONSUMED = frozenset({"bid_time", "ask_time", "contract_size", "dte"})


def read_chain(
    source: Any,
    *,
    layout: str | None = None,
    underlying: str | None = None,
    spot: float | Mapping[str, float] | None = None,
    quote_time: str | dt.datetime | np.datetime64 | None = None,
    exercise: str | None = None,
    settlement: str | None = None,
) -> Chain:
    """Read an option chain: one row per contract and snapshot, in the source's order, with quality flags.

    The layout is recognised by the columns: this package's own, Yahoo (yfinance), OpenBB, Cboe DataShop EOD,
    ORATS strikes and near-EOD, OptionsDX, or plain columns under common names. The arguments below supply what
    the source lacks, and override what it has. `notes` of the result say what was mapped, assumed and left out.

    Args:
        source: path of a `.csv`, `.csv.gz` or `.parquet` file, a pandas, polars or Arrow frame, a mapping of
            columns, or a chain.
        layout: name of the layout where the columns do not decide, for example `orats-strikes`.
        underlying: ticker for all rows; where all symbols are of one other underlying, its new name.
        spot: price per share of the underlying, or one per ticker.
        quote_time: instant of the snapshot; without a zone it is New York time (UTC for a `datetime64`), and
            a date alone is the close of its session.
        exercise: `european` or `american`.
        settlement: `PM` or `AM`.

    Returns:
        N rows in the columns of `CHAIN_COLUMNS`, then sizes, open interest and `*_vendor` columns as found. A
        row that cannot be used keeps its place, with NaN and a flag.

    Raises:
        InputError: no such file, another type, no rows, no known layout, a column without a usable value, no
            quote time, or an argument out of range or of another type.
        MissingExtraError: a Parquet file, and polars is not installed.

    Example:
        >>> columns = {"symbol": ["SPY260116C00700000"], "expiry": ["2026-01-16"], "right": ["C"],
        ...            "strike": [700.0], "bid": [4.1], "ask": [4.2]}
        >>> read_chain(columns, spot=690.0, quote_time="2026-01-14T15:45")["years"].round(5).tolist()
        [0.00551]
    """
    exercise = _choice("exercise", exercise, ("european", "american"))
    settlement = _choice("settlement", settlement, ("PM", "AM"))
    raw = open_columns(source)
    match = match_layout(raw.names, raw.label, layout)
    found = convert(raw, match)
    columns, notes = found.columns, found.notes
    columns["quote_time"] = _quote_time(found, quote_time, raw.label)
    if "dte" in columns:
        notes.append(_dte_note(columns))
    if underlying is not None:
        columns["underlying"] = _override_underlying(columns, underlying, notes)
    renamed = underlying is not None
    terms = complete_terms(
        columns, label=raw.label, exercise=exercise, settlement=settlement, renamed=renamed
    )
    columns |= terms.columns
    columns["spot"] = _spot(found, spot)
    columns["years"] = years_between(columns["quote_time"], columns["expires_at"])
    misscaled, told = strikes_out_of_scale(columns)
    columns["flags"] = _flags(columns, found.bad | terms.bad | misscaled)
    return Chain(_in_order(columns), notes=(*notes, *terms.notes, *told), origin=raw.origin)


def _in_order(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The canonical columns first, prices without what is none, and without what was only looked at."""
    kept = {name: column for name, column in columns.items() if name not in _CONSUMED}
    kept |= {name: clean_price(kept[name]) for name in ("bid", "ask")}
    return {name: kept.pop(name) for name in CHAIN_COLUMNS} | kept


def _choice(name: str, value: object, known: tuple[str, ...]) -> str | None:
    for choice in known:
        if value is None or (isinstance(value, str) and value.lower() == choice.lower()):
            return None if value is None else choice
    raise InputError(f"{_ORIGIN} {name}={shown(value)} is unknown: give {' or '.join(map(repr, known))}")


def _quote_time(found: Converted, asked: Any, label: str) -> Column:
    """(N,) the snapshot's instant: the argument, else its column, else the newest quote of the source."""
    columns, rows = found.columns, len(found.bad)
    if "bid_time" in columns and "ask_time" in columns:
        columns["quoted_at"] = np.fmax(columns["bid_time"], columns["ask_time"])
    if asked is not None:
        return np.full(rows, _asked_instant(asked, found.notes))
    if "quote_time" in columns:
        return columns["quote_time"]
    if "quoted_at" in columns and not np.isnat(columns["quoted_at"]).all():
        newest = np.nanmax(columns["quoted_at"])
        found.notes.append(f"quote time taken from the newest quote: {newest.astype('M8[s]')} UTC")
        return np.full(rows, newest)
    raise InputError(f"{_ORIGIN} {label} does not say when it was quoted: give quote_time='2026-01-14T15:45'")


def _asked_instant(asked: Any, notes: list[str]) -> np.datetime64:
    column = np.empty(1, dtype=object)
    column[0] = asked
    read = instants(column, utc=isinstance(asked, np.datetime64))
    instant = read.values[0]
    if np.isnat(instant):
        raise InputError(
            f"{_ORIGIN} quote_time={shown(asked)} is no time from 1990 to 2099: give it like '2026-01-14T15:45'"
        )
    notes.append(f"quote_time={asked} taken as {_meaning(read)}: {instant.astype('M8[s]')} UTC")
    return np.datetime64(instant)


def _meaning(read: Instants) -> str:
    order = "month/day/year, " if read.guessed.any() else ""
    if read.closed:
        return f"{order}16:00 in New York of a day without trading"
    if read.dates:
        return f"{order}the session's close"
    return f"{order}New York time" if read.local else "given with its zone"


def _dte_note(columns: Mapping[str, Column]) -> str:
    """ORATS counts the trade date as a day: its dte tells whether the expiry dates were read as it meant them."""
    traded = (columns["quote_time"] - np.timedelta64(5, "h")).astype("M8[D]")  # New York's date by day
    days = (columns["expiry"] - traded).astype("m8[D]").astype(np.float64) + 1
    agrees = int((columns["dte"] == days).sum())
    return (
        f"dte is expiry - trade date + 1 on {agrees:,} of {len(days):,} rows; years run to the expiry instant"
    )


def _override_underlying(columns: Mapping[str, Column], ticker: object, notes: list[str]) -> Column:
    name = ticker.strip().lstrip("^$") if isinstance(ticker, str) else ""
    if not name:
        raise InputError(
            f"{_ORIGIN} underlying={shown(ticker)} is no ticker: give one like 'SPY', or leave it out"
        )
    held = sorted(set(columns.get("underlying", np.array([name])).tolist()) - {""})
    if len(held) > 1:
        raise InputError(
            f"{_ORIGIN} underlying={ticker!r} would give one name to {len(held)} underlyings "
            f"({', '.join(held)}): leave it out, and take the rows of one"
        )
    if held and held[0].lstrip("^$") != name:
        notes.append(f"underlying {held[0]} replaced by {name}")
    return np.full(len(columns["strike"]), name, dtype=object)


def _spot(found: Converted, asked: float | Mapping[str, float] | None) -> Column:
    """(N,) the argument, else its column, else the mid of the underlying's own quote; NaN where unknown."""
    columns, rows = found.columns, len(found.bad)
    spot = columns.get("spot", np.full(rows, np.nan)).copy()
    if "spot_bid" in columns and "spot_ask" in columns:
        usable = ~(spot > 0) & (columns["spot_bid"] > 0) & (columns["spot_ask"] > 0)
        spot[usable] = columns["spot_bid"][usable] / 2 + columns["spot_ask"][usable] / 2
        if usable.any():
            found.notes.append(f"spot of {int(usable.sum()):,} rows: mid of the underlying's bid and ask")
    for name, price in _asked_spots(asked, columns["underlying"]).items():
        spot[columns["underlying"] == name] = price
    found.bad |= (spot < 0) | np.isinf(spot)
    usable = np.isfinite(spot) & (spot > 0)
    if not usable.all():
        found.notes.append(f"spot of {int((~usable).sum()):,} rows is unknown: NaN")
    return np.where(usable, spot, np.nan)


def _asked_spots(asked: float | Mapping[str, float] | None, underlying: Column) -> dict[str, float]:
    held = set(underlying.tolist()) - {""}
    if asked is None:
        return {}
    if not isinstance(asked, Mapping):
        if len(held) > 1:
            raise InputError(
                f"{_ORIGIN} spot={shown(asked)} for {len(held)} underlyings ({', '.join(sorted(held))}): give one per "
                "ticker, as spot={'SPY': 690.0}"
            )
        asked = dict.fromkeys(held, asked)
    for name, price in asked.items():
        if name not in held or not _is_price(price):
            raise InputError(
                f"{_ORIGIN} spot {shown(price)} of {shown(name)}: needs a positive price of one of "
                f"{', '.join(sorted(held))}"
            )
    return {name: float(price) for name, price in asked.items()}


def _is_price(price: Any) -> bool:
    return isinstance(price, _NUMBERS) and not isinstance(price, bool) and 0 < number(price) < np.inf


def _flags(columns: Mapping[str, Column], bad: Column) -> Column:
    flags = quote_flags(columns)
    flags[bad] |= np.uint32(QualityFlag.BAD_CONTRACT)
    if "flags" in columns:  # a chain that was written down keeps what was found earlier
        written = columns["flags"]
        flags |= np.where((written > 0) & (written < 2**31), written, 0).astype(np.uint32)
    return flags
