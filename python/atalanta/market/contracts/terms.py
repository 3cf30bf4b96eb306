"""The terms of each contract, completed from its symbol, its root's product and the calendar.

Main entry: `complete_terms`. Columns go before symbols, and symbols before assumptions; where a symbol
contradicts the columns the row is bad, and every assumption is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.cell_text import MISSING_WORDS, per_distinct
from atalanta.market.contracts.calendar import expiry_instants
from atalanta.market.contracts.products import product_columns
from atalanta.market.contracts.symbols import format_symbols, parse_symbols
from atalanta.market.contracts.underlyings import other_underlying
from atalanta.market.table import Column

__all__ = ["Terms", "complete_terms"]

_ORIGIN = "[market.read_chain]"
_STRIKE_STEP = 5e-4  # symbols hold strikes to 1/1000
_EXERCISES = {
    "european": "european",
    "e": "european",
    "eu": "european",
    "american": "american",
    "a": "american",
}
_REGULAR = MISSING_WORDS | {"regular", "standard"}


@dataclass(slots=True)
class Terms:
    """Contract terms of N rows.

    Attributes:
        columns: `underlying`, `root`, `symbol`, `expiry`, `expires_at`, `settlement`, `right`, `strike`,
            `exercise`, `multiplier`.
        bad: (N,) the symbol contradicts the columns.
        notes: what was taken from symbols and what was assumed.
    """

    columns: dict[str, Column]
    bad: npt.NDArray[np.bool_]
    notes: list[str] = field(default_factory=list)


def complete_terms(
    found: Mapping[str, Column],
    *,
    label: str,
    exercise: str | None = None,
    settlement: str | None = None,
    renamed: bool = False,
) -> Terms:
    """Complete the contract terms of N rows.

    Args:
        found: the converted columns of a source: `strike`, and `expiry` and `right` unless there is a `symbol`.
        label: what messages call the source.
        exercise: `european` or `american` for all rows.
        settlement: `PM` or `AM` for all rows.
        renamed: `underlying` is what the caller calls all rows, not what the source says.

    Raises:
        InputError: the underlying is neither in a column nor in the symbols.
    """
    by_symbol = parse_symbols(found["symbol"]) if "symbol" in found else None
    terms = Terms({}, np.zeros(len(found["strike"]), dtype=bool))
    for name in ("expiry", "right", "strike"):
        terms.columns[name] = _filled(found, by_symbol, name)
    _name(found, by_symbol, terms, label)
    if by_symbol is not None:
        _compare_roots(found, by_symbol, terms, renamed)
    _date(found, by_symbol, terms, settlement)
    _specify(found, terms, exercise)
    if by_symbol is not None:
        _compare(found["symbol"], by_symbol, terms)
    _write_symbols(found, terms)
    return terms


def _filled(found: Mapping[str, Column], by_symbol: Mapping[str, Column] | None, name: str) -> Column:
    """A column with its missing cells filled from the symbols."""
    if by_symbol is None:
        return found[name]
    if name not in found:
        return by_symbol[name]
    column = found[name]
    missing = {"M": np.isnat, "f": np.isnan}.get(column.dtype.kind, np.logical_not)(column)
    return np.where(missing & by_symbol["valid"], by_symbol[name], column)


def _name(
    found: Mapping[str, Column], by_symbol: Mapping[str, Column] | None, terms: Terms, label: str
) -> None:
    """Root and underlying: a column first, then the symbol's root, then each other."""
    nothing = np.full(len(terms.bad), "", dtype=object)
    underlying = per_distinct(found.get("underlying", nothing), _ticker, np.object_)
    root = per_distinct(found.get("root", nothing), _ticker, np.object_)
    if by_symbol is not None:
        root = np.where(by_symbol["valid"], by_symbol["root"], root)
    root = np.where(root == "", underlying, root)
    blank = underlying == ""
    if blank.any():
        underlying = np.where(blank, product_columns(root)["underlying"], underlying)
        if (underlying == "").all():
            raise InputError(f"{_ORIGIN} {label} does not name the underlying: give it as underlying='SPY'")
        terms.notes.append(f"underlying of {int(blank.sum()):,} rows taken from the root of the symbol")
    terms.bad |= root == ""
    terms.columns |= {"underlying": underlying, "root": root}


def _ticker(name: str) -> str:
    return name.strip().lstrip("^$")


def _compare_roots(
    found: Mapping[str, Column], by_symbol: Mapping[str, Column], terms: Terms, renamed: bool
) -> None:
    """Rows whose symbol is of another underlying are bad; the caller may give the one of all symbols another name."""
    symbols, valid, name = found["symbol"], by_symbol["valid"], terms.columns["underlying"]
    other = valid & other_underlying(by_symbol["root"], name)
    if "root" in found:  # which may say what no table knows
        other &= found["root"] != by_symbol["root"]
    named = set(product_columns(by_symbol["root"][valid])["underlying"].tolist())
    if renamed and other[valid].all() and len(named) == 1:
        _tell(terms, other, symbols, f"symbols of another underlying taken as those of {name[0]}")
        return
    _tell(terms, other, symbols, "symbols are of another underlying, flagged bad_contract")
    terms.bad |= other


def _date(
    found: Mapping[str, Column], by_symbol: Mapping[str, Column] | None, terms: Terms, settlement: str | None
) -> None:
    listed, root = terms.columns["expiry"], terms.columns["root"]
    stated = _settlements(found, terms)
    asked = stated if settlement is None else settlement
    named = "root" in found or (by_symbol is not None and bool(by_symbol["valid"].any()))
    instants = expiry_instants(root, listed, asked, roots_from_symbols=named)
    terms.notes.extend(instants.notes)
    terms.columns |= instants._asdict()
    del terms.columns["notes"]
    if "expires_at" in found:  # a chain that was written down keeps its instants
        written = found["expires_at"].astype("M8[s]")
        kept = ~np.isnat(written) & (True if settlement is None else stated == settlement)
        terms.columns["expires_at"] = np.where(kept, written, instants.expires_at)


def _settlements(found: Mapping[str, Column], terms: Terms) -> Column | None:
    if "settlement" not in found:
        return None
    upper = per_distinct(found["settlement"], str.upper, np.object_)
    known = np.isin(upper, ("", "AM", "PM"))
    if not known.all():
        terms.notes.append(
            f"settlement: {int((~known).sum()):,} cells are neither AM nor PM: taken by the product"
        )
    return np.where(known, upper, "")


def _compare(symbols: Column, by_symbol: Mapping[str, Column], terms: Terms) -> None:
    """Rows whose symbol says another contract than their columns are bad."""
    valid, columns = by_symbol["valid"], terms.columns
    differs = columns["right"] != by_symbol["right"]
    differs |= np.abs(columns["strike"] - by_symbol["strike"]) > _STRIKE_STEP
    # A symbol may bear the Saturday or the Friday of an expiry: both are moved before they are compared.
    rows = np.flatnonzero(valid & (by_symbol["expiry"] != columns["expiry"]))
    differs[rows] |= (
        expiry_instants(columns["root"][rows], by_symbol["expiry"][rows]).expiry != columns["expiry"][rows]
    )
    _tell(terms, valid & differs, symbols, "symbols contradict their columns, flagged bad_contract")
    _tell(terms, ~valid & (symbols != ""), symbols, "symbols are no option symbols, only their columns count")
    terms.bad |= valid & differs


def _tell(terms: Terms, rows: npt.NDArray[np.bool_], column: Column, what: str) -> None:
    if rows.any():
        terms.notes.append(f"{int(rows.sum()):,} {what} (first: {column[np.argmax(rows)]!r})")


def _specify(found: Mapping[str, Column], terms: Terms, exercise: str | None) -> None:
    """Exercise style and multiplier, by the product where the source does not say."""
    by_root = product_columns(terms.columns["root"])
    terms.columns["exercise"] = _exercises(found, by_root["exercise"], terms, exercise)
    terms.columns["multiplier"] = _multipliers(found, by_root["multiplier"], terms)
    adjusted = by_root["adjusted"]
    if adjusted.any():
        roots = ", ".join(sorted(set(terms.columns["root"][adjusted].tolist())))
        terms.notes.append(
            f"{int(adjusted.sum()):,} rows of adjusted contracts ({roots}): what they deliver is not in the root"
        )


def _exercises(found: Mapping[str, Column], by_root: Column, terms: Terms, asked: str | None) -> Column:
    if asked is not None:
        return np.full(len(by_root), asked, dtype=object)
    if "exercise" not in found:
        terms.notes.append(f"exercise style assumed by root: {_counted(by_root)}")
        return by_root
    stated = per_distinct(found["exercise"], lambda cell: _EXERCISES.get(cell.lower(), ""), np.object_)
    unknown = stated == ""
    if unknown.any():
        terms.notes.append(f"exercise style of {int(unknown.sum()):,} rows unreadable: assumed by root")
    return np.where(unknown, by_root, stated)


def _multipliers(found: Mapping[str, Column], by_root: Column, terms: Terms) -> Column:
    if "multiplier" in found:
        stated, fallback = found["multiplier"], np.isnan(found["multiplier"])
    elif "contract_size" in found:
        stated = per_distinct(found["contract_size"], _shares, np.float64)
        fallback = np.isnan(stated)
        other = int(
            (fallback & ~np.isin(np.char.lower(found["contract_size"].astype(str)), list(_REGULAR))).sum()
        )
        if other:
            terms.notes.append(f"contract size of {other:,} rows unreadable: multiplier assumed by root")
    else:
        stated, fallback = by_root, np.ones(len(by_root), dtype=bool)
    if fallback.any():
        terms.notes.append(f"multiplier assumed by root: {_counted(by_root[fallback])}")
    return np.where(fallback, by_root, stated)


def _shares(size: str) -> float:
    try:
        return float(size)
    except ValueError:
        return 10.0 if size.lower() == "mini" else np.nan


def _counted(values: Column) -> str:
    distinct, counts = np.unique(values, return_counts=True)
    return ", ".join(f"{value} ({count:,} rows)" for value, count in zip(distinct, counts, strict=True))


def _write_symbols(found: Mapping[str, Column], terms: Terms) -> None:
    """Contracts without a symbol get a compact OCC symbol."""
    written = found.get("symbol", np.full(len(terms.bad), "", dtype=object))
    blank = written == ""
    if blank.any():
        fields = (terms.columns[name][blank] for name in ("root", "expiry", "right", "strike"))
        written = written.copy()
        written[blank] = format_symbols(*fields)
        terms.notes.append(f"{int(blank.sum()):,} symbols written from the terms")
    terms.columns["symbol"] = written
