"""Recorded ticks: files of quotes and trades as events in order of arrival. Main entries: `read_ticks`, `Recording`.

A layout is told by its columns. The plain one has `symbol`, a time (`time_ns`, or `time` as an instant) and `bid`, `ask`; the
others are those of public data sets, named in `layouts`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from atalanta.errors import InputError
from atalanta.market.reading.files import open_columns
from atalanta.market.reading.raw_table import RawTable
from atalanta.market.table import Column
from atalanta.streaming.feeds.databento import is_dbn, read_dbn
from atalanta.streaming.feeds.layouts import LAYOUTS, Ticks
from atalanta.streaming.universe import Universe

__all__ = ["Recording", "read_ticks"]

_ORIGIN = "streaming.read_ticks"


class Recording:
    """Events in order of arrival, and the instruments that they are of.

    Attributes:
        name: of the file or files.
        symbols: of the instruments; an event's key is a place in them until a feed gives it that of a universe.
        events: (N,) of the dtype `EVENT`.
        arrival_ns: (N,) when each came, by one clock; never decreasing.
        notes: what was assumed.
    """

    def __init__(self, name: str, ticks: Sequence[Ticks]) -> None:
        self.name = name
        self.notes = tuple(note for one in ticks for note in one.notes)
        symbols: dict[str, int] = {}
        parts, arrivals = [], []
        for source, one in enumerate(ticks):
            places = np.array(
                [symbols.setdefault(str(s), len(symbols)) for s in one.symbols], dtype=np.uint32
            )
            events = one.events.copy()
            events["key"] = places[events["key"]]
            events["source"] = source
            parts.append(events)
            arrivals.append(one.arrival_ns)
        arrival = np.concatenate(arrivals)
        order = np.argsort(arrival, kind="stable")
        self.events, self.arrival_ns = np.concatenate(parts)[order], arrival[order]
        self.symbols = tuple(symbols)
        self._ticks = tuple(ticks)

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        return f"<Recording {self.name}: {len(self):,} events of {len(self.symbols)} instruments, {self.seconds:,.1f} s>"

    def part(self, first: int, last: int | None = None) -> Recording:
        """The events from `first` up to `last`, as a recording of the same instruments."""
        some = copy.copy(self)
        some.events, some.arrival_ns = self.events[first:last], self.arrival_ns[first:last]
        return some

    @property
    def seconds(self) -> float:
        """From the first event to the last."""
        return float(self.arrival_ns[-1] - self.arrival_ns[0]) / 1e9 if len(self) else 0.0

    def universe(self, *, rate: float = 0.0) -> Universe:
        """The instruments of the recording; volatilities and prices are unknown before its first events.

        Args:
            rate: interest rate of the contracts, continuously compounded (decimal).
        """
        underlyings: dict[str, float] = {}
        contracts = [one.contracts for one in self._ticks if one.contracts is not None]
        for one in self._ticks:
            names = one.symbols if one.contracts is None else one.contracts["underlying"]
            for name in names:
                underlyings.setdefault(str(name), float("nan"))
        if not contracts:
            return Universe(underlyings)
        columns: dict[str, Column] = {
            name: np.concatenate([each[name] for each in contracts]) for name in contracts[0]
        }
        # files of several days name the same contracts again
        _, first = np.unique(columns["symbol"].astype(str), return_index=True)
        columns = {name: column[np.sort(first)] for name, column in columns.items()}
        columns["rate"] = np.full(len(columns["strike"]), rate)
        return Universe(underlyings, columns)


def read_ticks(*paths: str | Path, symbol: str | None = None) -> Recording:
    """Read files of ticks and put them in one order.

    Args:
        *paths: `.parquet`, `.csv` or `.csv.gz`, or `.dbn` and `.dbn.zst` of Databento. Several are merged by their
            arrival times, each a source of its own.
        symbol: of files that name none; None takes it from the file's name (`ticks_SYMBOL_...`).

    Raises:
        InputError: no file, one that cannot be read, columns that no layout fits, or a cell without its time or symbol.
        MissingExtraError: a Parquet file, and polars is not installed; a DBN file, and databento-dbn is not.
    """
    if not paths:
        raise InputError(f"[{_ORIGIN}] there is no file: name at least one")
    if len(paths) > 64:
        raise InputError(f"[{_ORIGIN}] {len(paths)} files; a stream tells 64 sources apart")
    ticks = [_read(Path(path), symbol) for path in paths]
    return Recording(" + ".join(Path(path).name for path in paths), ticks)


def _read(path: Path, symbol: str | None) -> Ticks:
    if is_dbn(path):
        return read_dbn(path)
    table = _opened(path)
    columns = {column.name: column.values for column in table.columns}
    for layout in LAYOUTS:
        if layout.needs <= set(columns):
            return layout.read(columns, symbol or _symbol_of(path), path)
    known = "; ".join(f"{layout.name}: {', '.join(sorted(layout.needs))}" for layout in LAYOUTS)
    raise InputError(
        f"[{_ORIGIN}] {path.name} has columns that no layout fits: {', '.join(columns)}; name them as one of these "
        f"has them, the first is the plain one ({known})"
    )


def _opened(path: Path) -> RawTable:
    """The columns of a file; errors speak of ticks."""
    try:
        return open_columns(path)
    except InputError as error:
        text = (
            str(error).removeprefix("[market.read_chain] ").replace("(known: .csv, ", "(known: .dbn, .csv, ")
        )
        raise InputError(f"[{_ORIGIN}] {text}") from error.__cause__


def _symbol_of(path: Path) -> str:
    words = path.name.split(".")[0].split("_")
    return words[1].upper() if len(words) > 1 else words[0].upper()
