"""Where cash dividends come from: a CSV or Parquet file, a data frame, or a mapping by ticker.

Main entry: `open_dividends`. Every entry keeps the place it was found at, so that an error can name it; what the
values mean together is checked in `dividend_calendar`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from atalanta.errors import InputError
from atalanta.market.cell_text import is_missing, shown
from atalanta.market.reading.cells import number
from atalanta.market.reading.files import open_columns
from atalanta.market.reading.instants import dates

__all__ = ["ORIGIN", "DividendEntry", "open_dividends"]

#: How messages about dividends open.
ORIGIN = "[market.analyze] dividends:"

_TEXT_ENDINGS = (".csv", ".txt", ".tsv")
_DELIMITERS = ",;\t|"

#: Headers by meaning, the plainest first; case, blanks, hyphens and underscores do not matter.
_HEADERS = {
    "ticker": ("underlying", "ticker", "symbol", "root"),
    "date": ("exdate", "exdividenddate", "date"),
    "cash": ("cash", "amount", "dividend", "dividends"),
}
_ALL_HEADERS = "ex_date or date; cash, amount or dividend; underlying, ticker or symbol"


class DividendEntry(NamedTuple):
    """One dividend as found: `ticker` is "" where the source names none; `place` is how messages call it."""

    ticker: str
    date: np.datetime64
    cash: float
    place: str


class _Row(NamedTuple):
    """The cells of one dividend, unconverted."""

    ticker: Any
    date: Any
    cash: Any
    place: str


def open_dividends(source: Any) -> list[DividendEntry]:
    """Every dividend of a source, in its order.

    Args:
        source: path of a `.csv` or `.parquet` file with a header, a data frame or mapping of columns (`ex_date`,
            `cash` and, where several underlyings are meant, `underlying`; see `_HEADERS` for other names), or a
            mapping {ticker: [(ex_date, cash), ...]}.

    Raises:
        InputError: unreadable, a column is missing, a CSV file holds none, or a cell is no date or no amount from 0.
        MissingExtraError: a Parquet file, and polars is not installed.
    """
    return [_entry(row) for row in _rows(source)]


def _rows(source: Any) -> Iterable[_Row]:
    if isinstance(source, str | Path) and str(source).lower().endswith(_TEXT_ENDINGS):
        return _csv_rows(Path(source))
    if isinstance(source, Mapping) and not _names_columns(source):
        return _mapping_rows(source)
    if isinstance(source, list | tuple):
        raise InputError(
            f"{ORIGIN} got a {type(source).__name__}, which names no underlying: give {{ticker: [(ex_date, cash), ...]}}, "
            "a file or a data frame"
        )
    return _column_rows(source)


def _key(header: object) -> str:
    return "".join(sign for sign in str(header).lower() if sign.isalnum())


def _names_columns(source: Mapping[Any, Any]) -> bool:
    keys = {_key(name) for name in source}
    return bool(keys.intersection(_HEADERS["date"])) and bool(keys.intersection(_HEADERS["cash"]))


def _places(headers: Sequence[object], label: str) -> tuple[int | None, int, int]:
    """Which column holds the ticker (None: no column), the date and the cash."""
    keys = [_key(header) for header in headers]
    found = {
        meaning: next((keys.index(name) for name in names if name in keys), None)
        for meaning, names in _HEADERS.items()
    }
    ticker, date, cash = found["ticker"], found["date"], found["cash"]
    if not headers:
        raise InputError(
            f"{ORIGIN} {label} is empty: give a header with {_ALL_HEADERS} and a dividend a line"
        )
    if date is None or cash is None:
        missing = "ex-date" if date is None else "cash"
        raise InputError(
            f"{ORIGIN} {label} has no column for the {missing} (looked for: {_ALL_HEADERS}; "
            f"found: {', '.join(map(str, headers))})"
        )
    return ticker, date, cash


def _csv_rows(path: Path) -> Iterator[_Row]:
    lines = csv.reader(text := _text(path).splitlines(), delimiter=_delimiter(text))
    try:
        headers = next(lines, [])
        ticker, date, cash = _places(headers, path.name)
        empty = True
        for cells in lines:
            place = f"{path.name}, line {lines.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(headers):
                raise InputError(
                    f"{ORIGIN} {place} has {len(cells)} fields, the header has {len(headers)}: mend that line"
                )
            empty = False
            yield _Row("" if ticker is None else cells[ticker], cells[date], cells[cash], place)
        if empty:
            raise InputError(
                f"{ORIGIN} {path.name} holds no dividend below its header: add them, or leave it out"
            )
    except csv.Error as error:
        raise InputError(f"{ORIGIN} {path.name}, line {lines.line_num}: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{ORIGIN} there is no file {path}") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{ORIGIN} {path.name} is not UTF-8 text (byte {error.start:,}): save it as CSV in UTF-8"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{ORIGIN} {path} cannot be opened: {error}") from error


def _delimiter(lines: Sequence[str]) -> str:
    return max(_DELIMITERS, key=(lines[0] if lines else "").count)


def _mapping_rows(source: Mapping[Any, Any]) -> Iterator[_Row]:
    for ticker, entries in source.items():
        if isinstance(entries, str | bytes | Mapping) or not isinstance(entries, Iterable):
            raise InputError(
                f"{ORIGIN} of {ticker!r} are of type {type(entries).__name__}: give a list of (ex_date, cash) pairs"
            )
        for place, entry in enumerate(entries):
            try:
                date, cash = entry
            except (TypeError, ValueError):
                raise InputError(
                    f"{ORIGIN} entry {place} of {ticker!r} is {shown(entry)}: give a pair (ex_date, cash)"
                ) from None
            yield _Row(ticker, date, cash, f"entry {place} of {ticker!r}")


def _column_rows(source: Any) -> Iterator[_Row]:
    try:
        table = open_columns(source)
        columns = [column.values.tolist() for column in table.columns]
    except InputError as error:
        text = str(error).removeprefix("[market.read_chain] ")
        raise InputError(f"{ORIGIN} {text}") from error.__cause__
    ticker, date, cash = _places(table.names, table.label)
    dated = table.columns[date].values  # as an array: lists of instants would lose their unit
    for row in range(len(table)):
        name = "" if ticker is None else columns[ticker][row]
        yield _Row(name, dated[row], columns[cash][row], f"{table.label}, row {row + 1:,}")


def _entry(row: _Row) -> DividendEntry:
    return DividendEntry(_ticker(row.ticker), _date(row), _cash(row), row.place)


def _ticker(cell: Any) -> str:
    """A ticker as chains write it: in capitals, without the ^ of an index."""
    return "" if cell is None else str(cell).strip().removeprefix("^").upper()


def _date(row: _Row) -> np.datetime64:
    read = dates(np.array([row.date], dtype=None if isinstance(row.date, np.datetime64) else object))
    if read.bad[0] or np.isnat(read.values[0]):
        raise InputError(
            f"{ORIGIN} {row.place}: ex-date {shown(row.date)} is no date from 1990 to 2099: write YYYY-MM-DD"
        )
    if read.guessed:
        raise InputError(
            f"{ORIGIN} {row.place}: ex-date {shown(row.date)} can be read day first or month first: write YYYY-MM-DD"
        )
    day: np.datetime64 = read.values[0]
    return day


def _cash(row: _Row) -> float:
    cash = np.nan if is_missing(row.cash) else number(row.cash)
    if not 0.0 <= cash < np.inf:
        raise InputError(
            f"{ORIGIN} {row.place}: cash {shown(row.cash)} is no amount per share from 0: write a number such as 1.58"
        )
    return cash
