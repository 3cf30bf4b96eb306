"""A table: named one-dimensional NumPy columns of one length, read-only, convertible to any data frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError, import_extra

__all__ = ["Column", "Table", "plain_column"]

Column = npt.NDArray[Any]


class Table:
    """Columns by name, one row per record.

    Columns are views that cannot be written to; every operation returns a new table that shares
    what it did not change. `notes` say in plain words how the rows came to be.

    Args:
        columns: name to (N,) array; all of one length.
        notes: what was mapped, assumed or left out on the way here.
        origin: the kind of data frame the rows came from, given back by `to_frame`.

    Masked cells become NaN, NaT or None: a table never shows what a mask hides.

    Raises:
        InputError: columns of different lengths, or not one value per row.
    """

    __slots__ = ("_columns", "notes", "origin")

    def __init__(
        self, columns: Mapping[str, npt.ArrayLike], *, notes: tuple[str, ...] = (), origin: str = "polars"
    ) -> None:
        self._columns = {name: _frozen(name, column) for name, column in columns.items()}
        self.notes = tuple(notes)
        self.origin = origin
        lengths = {name: len(column) for name, column in self._columns.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"[market.Table] columns differ in length: {lengths}")

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self._columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> Column:
        try:
            return self._columns[name]
        except KeyError:
            raise KeyError(f"no column {name!r}; the columns are {', '.join(self._columns)}") from None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self):,} rows x {len(self._columns)} columns ({', '.join(self._columns)})>"

    def take(self, rows: npt.ArrayLike | slice) -> Self:
        """The rows picked by a boolean mask, an index array or a slice, as a new table."""
        pick = rows if isinstance(rows, slice) else plain_column(rows)
        if not isinstance(pick, slice) and pick.size == 0 and pick.dtype != np.bool_:
            pick = pick.astype(np.intp)  # an empty list is no list of floats here
        return self._replace({name: column[pick] for name, column in self._columns.items()})

    def with_columns(self, **columns: npt.ArrayLike) -> Self:
        """A new table with these columns added, or put in the place of those of the same name."""
        return self._replace({**self._columns, **columns})

    def with_notes(self, *notes: str) -> Self:
        """A new table with these notes added at the end."""
        table = self._replace(self._columns)
        table.notes = (*self.notes, *notes)
        return table

    def _replace(self, columns: Mapping[str, npt.ArrayLike]) -> Self:
        table = object.__new__(type(self))
        Table.__init__(table, columns, notes=self.notes, origin=self.origin)
        return table

    def to_dict(self) -> dict[str, Column]:
        """The columns as a plain dictionary; the arrays are shared, not copied."""
        return dict(self._columns)

    def to_polars(self) -> Any:
        """The table as a `polars.DataFrame`."""
        polars = import_extra("polars", "files", "market.Table.to_polars")
        return polars.DataFrame({name: _in_polars_units(column) for name, column in self._columns.items()})

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame`."""
        return import_extra("pandas", "frames", "market.Table.to_pandas").DataFrame(self._columns)

    def to_arrow(self) -> Any:
        """The table as a `pyarrow.Table`."""
        return import_extra("pyarrow", "frames", "market.Table.to_arrow").table(self._columns)

    def to_frame(self) -> Any:
        """The table as the kind of data frame it was read from (polars where it came from a file)."""
        return {"polars": self.to_polars, "pandas": self.to_pandas, "pyarrow": self.to_arrow}[self.origin]()


def _in_polars_units(column: Column) -> Column:
    """Instants in whole seconds become milliseconds: polars knows no seconds."""
    return column.astype("M8[ms]") if column.dtype == np.dtype("M8[s]") else column


def plain_column(values: npt.ArrayLike) -> Column:
    """Values as an array whose masked cells are missing: NaN (integers become float64), NaT, or None."""
    column = np.asarray(values)
    if not isinstance(values, np.ma.MaskedArray) or column.dtype.names:
        return column
    mask = np.ma.getmaskarray(values)
    if not mask.any():
        return column
    kind = column.dtype.kind
    dtype = column.dtype if kind in "fmM" else np.dtype("f8" if kind in "iu" else "O")
    filled: Column = column.astype(dtype)
    filled[mask] = {"f": np.nan, "m": "NaT", "M": "NaT"}.get(dtype.kind)
    return filled


def _frozen(name: str, column: npt.ArrayLike) -> Column:
    try:
        view = plain_column(column).view()
    except ValueError as error:
        raise InputError(f"[market.Table] column {name!r} is not one value per row: {error}") from error
    if view.ndim != 1:
        raise InputError(f"[market.Table] column {name!r} has {view.ndim} dimensions, not 1")
    view.flags.writeable = False
    return view
