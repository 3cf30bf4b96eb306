"""Columns as found in a source, before anything is known about their meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from atalanta.market.table import Column

__all__ = ["RawColumn", "RawTable"]


@dataclass(frozen=True)
class RawColumn:
    """One column as found; its values are fetched when they are first asked for.

    Attributes:
        name: its header, unchanged.
        rows: N.
        load: gives (N,) numbers, datetime64 or objects.
        load_numbers: a quick way to (N,) float64 where the values are text; None where a cell is no number.
        zoned: the values are datetime64 and known to be UTC.
    """

    name: str
    rows: int
    load: Callable[[], Column]
    load_numbers: Callable[[], Column | None] = lambda: None
    zoned: bool = False

    @classmethod
    def of(cls, name: str, values: Column) -> RawColumn:
        """A column whose values are at hand."""
        return cls(name, len(values), lambda: values)

    @cached_property
    def values(self) -> Column:
        """(N,) the cells as found."""
        return self.load()


@dataclass(frozen=True, slots=True)
class RawTable:
    """N rows of columns as found; two columns may bear one name.

    Attributes:
        label: what messages call the source.
        origin: the kind of data frame to give back: `polars`, `pandas` or `pyarrow`.
        columns: in their order.
        notes: what was skipped on the way in.
    """

    label: str
    origin: str
    columns: tuple[RawColumn, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The headers in order."""
        return tuple(column.name for column in self.columns)

    def __len__(self) -> int:
        return self.columns[0].rows if self.columns else 0
