"""A source's columns turned to canonical names and types, wide rows unfolded to a call and a put.

Main entry: `convert`. The row order is the source's. A cell that cannot be converted becomes NaN (NaT, 0)
and is told in the notes; a canonical column without a single usable cell is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.cell_text import shown
from atalanta.market.chain import CHAIN_COLUMNS
from atalanta.market.reading.amounts import has_decimal_comma
from atalanta.market.reading.cells import Numbers, Parsed, numbers, rights, texts
from atalanta.market.reading.instants import dates, instants
from atalanta.market.reading.raw_table import RawColumn, RawTable
from atalanta.market.reading.recognition import Match, header_key
from atalanta.market.table import Column

__all__ = ["PERCENT_MEDIAN", "Converted", "convert"]

#: A column of vendor volatilities whose median exceeds this (300 %) is taken to be in per cent.
PERCENT_MEDIAN = 3.0

_ORIGIN = "[market.read_chain]"
_TEXTS = frozenset({"underlying", "root", "symbol", "exercise", "settlement", "contract_size"})
_INSTANTS = frozenset(
    {"quote_time", "expires_at", "quoted_at", "bid_time", "ask_time", "last_trade_at", "downloaded_at"}
)


@dataclass(slots=True)
class Converted:
    """N rows in canonical names.

    Attributes:
        columns: those that were found.
        bad: (N,) a cell of a canonical column held something that could not be converted.
        notes: what was mapped, left out, and assumed.
    """

    columns: dict[str, Column]
    bad: npt.NDArray[np.bool_]
    notes: list[str]


def convert(raw: RawTable, match: Match) -> Converted:
    """Convert the columns that a layout found in a source.

    Args:
        raw: R rows as found.
        match: the layout and the places of its columns.

    Returns:
        R rows, or 2R where a row holds a call and a put: the call first.

    Raises:
        InputError: a canonical column holds values and none of them can be converted.
    """
    converter = _Converter(raw, match)
    columns = {name: converter.shared(name, place) for name, place in match.columns.items()}
    if match.layout.wide:
        columns["right"] = np.tile(np.array([1, -1], dtype=np.int8), len(raw))
        sided = dict.fromkeys([*match.calls, *match.puts])
        columns |= {name: converter.sided(name) for name in sided}
    if match.layout.keeps_rest:
        columns = _with_rest(columns, raw, match)
    notes = [*_mapping_notes(raw, match), *raw.notes, *converter.notes]
    if "iv_vendor" in columns and _in_per_cent(columns["iv_vendor"]):
        columns["iv_vendor"] = columns["iv_vendor"] / 100.0
        notes.append("iv_vendor looks like per cent (median above 300 %): divided by 100")
    return Converted(columns, converter.bad.ravel(), notes)


class _Converter:
    """Converts one column after the other, and keeps account of bad cells and assumptions."""

    def __init__(self, raw: RawTable, match: Match) -> None:
        self._raw = raw
        self._match = match
        self._fold = 2 if match.layout.wide else 1
        self.bad = np.zeros((len(raw), self._fold), dtype=bool)
        self.notes: list[str] = []

    def shared(self, name: str, place: int) -> Column:
        """(N,) a column that holds for the whole row."""
        values = self._read(name, place, slice(None))
        return np.repeat(values, self._fold) if self._fold > 1 else values

    def sided(self, name: str) -> Column:
        """(N,) a column with one value for the call and one for the put; NaN for a side that has none."""
        values = np.full(self.bad.shape, np.nan)
        for side, places in enumerate((self._match.calls, self._match.puts)):
            if name in places:
                values[:, side] = self._read(name, places[name], slice(side, side + 1))
        return values.ravel()

    def _read(self, name: str, place: int, sides: slice) -> Column:
        column = self._raw.columns[place]
        parsed = self._parse(name, column)
        if parsed.bad.any():
            self._tell_bad(name, column, parsed)
            if name in CHAIN_COLUMNS:
                self.bad[:, sides] |= parsed.bad[:, None]
        return parsed.values

    def _parse(self, name: str, column: RawColumn) -> Parsed:
        if name in _INSTANTS:
            return self._instants(column)
        if name in _TEXTS:
            return texts(column.values)
        if name == "expiry":
            values, bad, guessed = dates(column.values)
            self._tell_guessed(column, guessed)
            return Parsed(values, bad)
        return rights(column.values) if name == "right" else self._numbers(column)

    def _numbers(self, column: RawColumn) -> Parsed:
        found = _numbers(column)
        if found.amounts.any():
            first = shown(column.values[int(np.argmax(found.amounts))])
            self.notes.append(
                f"{column.name}: {int(found.amounts.sum()):,} numbers read without their $ or thousands commas "
                f"(first: {first})"
            )
        return Parsed(found.values, found.bad)

    def _instants(self, column: RawColumn) -> Parsed:
        layout = self._match.layout
        utc = layout.utc or "utc" in header_key(column.name)
        found = instants(column.values, utc=utc, zoned=column.zoned, before_close=layout.before_close)
        if found.local:
            self.notes.append(f"{column.name}: {found.local:,} times without a zone, taken as New York's")
        if found.dates:
            early = f"{layout.before_close} minutes before " if layout.before_close else ""
            self.notes.append(
                f"{column.name}: {found.dates:,} dates alone, taken as {early}the session's close"
            )
        if found.closed:
            self.notes.append(
                f"{column.name}: {found.closed:,} of these dates are days without trading, whose close is "
                "taken to be 16:00"
            )
        self._tell_guessed(column, found.guessed)
        return Parsed(found.values, found.bad)

    def _tell_guessed(self, column: RawColumn, guessed: npt.NDArray[np.bool_]) -> None:
        if guessed.any():
            first = shown(column.values[int(np.argmax(guessed))])
            self.notes.append(
                f"{column.name}: {int(guessed.sum()):,} dates taken as month/day/year (first: {first})"
            )

    def _tell_bad(self, name: str, column: RawColumn, parsed: Parsed) -> None:
        row = int(np.argmax(parsed.bad))
        count = int(parsed.bad.sum())
        first = f"first: {shown(column.values[row])} in data row {row + 1:,}"
        wanted = _wanted(name)
        if name in CHAIN_COLUMNS and not _usable(parsed.values).any():
            raise InputError(
                f"{_ORIGIN} column {column.name!r} of {self._raw.label} ({name}) holds {count:,} values and no "
                f"{wanted} ({first}): {_mend(column.values[row])}"
            )
        outcome = "flagged bad_contract" if name in CHAIN_COLUMNS else "left empty"
        self.notes.append(f"{column.name}: {count:,} cells are no {wanted}, {outcome} ({first})")


def _mend(cell: object) -> str:
    if isinstance(cell, str) and has_decimal_comma([cell.strip()]):
        return "write decimals with a point, not with a comma"
    return "check that it is the right column"


def _numbers(column: RawColumn) -> Numbers:
    quick = column.load_numbers()
    if quick is None:
        return numbers(column.values)
    none = np.zeros(len(quick), dtype=bool)
    return Numbers(quick, none, none)


def _wanted(name: str) -> str:
    if name in _INSTANTS:
        return "time"
    return {"expiry": "date", "right": "call or put"}.get(name, "number")


def _usable(values: Column) -> npt.NDArray[np.bool_]:
    if values.dtype.kind == "M":
        return ~np.isnat(values)
    return np.asarray(~np.isnan(values) if values.dtype.kind == "f" else values != 0)


def _with_rest(columns: dict[str, Column], raw: RawTable, match: Match) -> dict[str, Column]:
    """All columns in the source's order; those without a meaning under their own names."""
    by_place = {place: (name, columns[name]) for name, place in match.columns.items()}
    for place in match.unused:
        name = raw.columns[place].name.strip()
        if name:  # data frames write their row numbers down without a header
            by_place[place] = (name, _as_found(raw.columns[place]))
    return dict(by_place[place] for place in sorted(by_place))


def _as_found(column: RawColumn) -> Column:
    """A column of unknown meaning: numbers where every cell is one, else what was found."""
    if column.values.dtype.kind != "O":
        return column.values
    parsed = _numbers(column)
    is_text = parsed.bad.any() or parsed.amounts.any() or np.isnan(parsed.values).all()
    return column.values if is_text else parsed.values


def _in_per_cent(vols: Column) -> bool:
    if vols.dtype.kind != "f":  # words that a canonical chain keeps as found
        return False
    positive = vols[vols > 0]
    with np.errstate(over="ignore"):  # the mean of two huge ones
        return bool(positive.size and np.median(positive) > PERCENT_MEDIAN)


def _mapping_notes(raw: RawTable, match: Match) -> list[str]:
    places = {**match.columns, **{f"call {name}": place for name, place in match.calls.items()}}
    places |= {f"put {name}": place for name, place in match.puts.items()}
    names = {name: raw.columns[place].name.strip() for name, place in places.items()}
    mapped = [f"{name} from {header}" for name, header in names.items() if header != name]
    same = [name for name, header in names.items() if header == name]
    rest = [raw.columns[place].name.strip() or "''" for place in match.unused]
    outcome = "columns kept as found" if match.layout.keeps_rest else "columns not used"
    lists = (("columns mapped", mapped), ("columns taken as named", same), (outcome, rest))
    return [
        f"layout {match.layout.name}: {raw.label}, {len(raw):,} rows",
        *(f"{title}: {', '.join(entries)}" for title, entries in lists if entries),
    ]
