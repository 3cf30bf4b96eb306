"""Cash dividends as a value: schedules, and which row of a call follows which.

`Dividends` is what `dividends=` takes where rows have different underlyings; one sequence of (years, cash)
pairs will do where they share one. Checked once, then passed to any number of calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError

__all__ = ["Dividends", "DividendsLike", "Schedule"]

#: One underlying's dividends: (years to the ex-date, cash per share), by ascending years.
Schedule = Iterable[tuple[float, float]]


class Dividends:
    """Schedules of cash dividends, and the schedule of each row.

    Under the spot model the spot falls by min(cash, spot) at each ex-date, whatever it is by then: a dividend
    larger than the spot takes it to zero. Entries at or after a row's expiry do not touch that row, so that one
    schedule serves all expiries of a chain. A dividend that is already ex is left out: the spot is without it.

    Args:
        schedules: one per underlying, each a sequence of (years to the ex-date, cash per share) pairs.
            Within a schedule years ascend and are positive; cash is not negative. Two payments with one
            ex-date are given as their sum.
        of: integers that broadcast with the other arguments of a call: the schedule of each row, -1 for none.
            May be left out where there is one schedule: then every row follows it.

    Raises:
        InputError: an entry that is no such pair, ex-dates that do not ascend or lie at or before the
            valuation instant, negative or non-finite cash, or an index that names no schedule.

    Example:
        >>> import atalanta
        >>> dividends = atalanta.Dividends([[(0.1, 0.8), (0.35, 0.8)], [(0.2, 1.5)]], of=[0, 1, -1])
        >>> calls = atalanta.price("call", 100.0, 90.0, 0.5, 0.04, 0.2, exercise="american", dividends=dividends)
        >>> calls.shape
        (3,)
    """

    __slots__ = ("_of", "_schedules")

    def __init__(self, schedules: Sequence[Schedule], *, of: npt.ArrayLike | None = None) -> None:
        self._schedules = _core.Schedules(schedules)
        self._of = _indices(of, len(self._schedules))

    @property
    def schedules(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """The (years, cash) pairs of each schedule."""
        return self._schedules.pairs()

    @property
    def of(self) -> npt.NDArray[np.int32]:
        """(...) the schedule of each row, read-only; -1 for none."""
        return self._of

    @property
    def longest(self) -> int:
        """Entries of the longest schedule: the D of `dividend_delta`."""
        return self._schedules.longest

    def after(self, years: float) -> Dividends:
        """The dividends as seen `years` from now: those that have gone ex by then are left out.

        Raises:
            InputError: years is negative or no number.
        """
        try:
            sound = years >= 0.0 and type(years) is not bool
        except TypeError:
            sound = False
        if not sound:
            raise InputError(f"[pricing.Dividends] years is {years!r}; it must be a number from 0")
        later = object.__new__(Dividends)
        later._schedules, later._of = self._schedules.after(float(years)), self._of
        return later

    def __len__(self) -> int:
        return len(self._schedules)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dividends):
            return NotImplemented
        return self.schedules == other.schedules and np.array_equal(self._of, other._of)

    def __hash__(self) -> int:
        return hash((self.schedules, self._of.shape, self._of.tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.schedules, self._of)

    def __repr__(self) -> str:
        schedules = [list(schedule) for schedule in self.schedules]
        return f"Dividends({schedules}, of={self._of.tolist()})"


#: What `dividends=` takes: none, one schedule for every row, or a `Dividends`.
DividendsLike = Schedule | Dividends | None


def _restored(schedules: Sequence[Schedule], of: npt.NDArray[np.int32]) -> Dividends:
    return Dividends(schedules, of=of)


def _indices(of: npt.ArrayLike | None, count: int) -> npt.NDArray[np.int32]:
    """The schedule of each row as a read-only column."""
    if of is None and count != 1:
        raise InputError(
            f"[pricing.Dividends] of= is missing: with {count} schedules it must say which one each row follows "
            "(-1 for none)"
        )
    if np.ma.is_masked(of):
        raise InputError("[pricing.Dividends] of has masked rows; every row needs a schedule, or -1 for none")
    try:
        given = np.asarray(0 if of is None else of)
    except ValueError:
        raise InputError(
            "[pricing.Dividends] of cannot be converted to an array (rows of different lengths?)"
        ) from None
    if given.dtype.kind not in "iu":
        raise InputError(f"[pricing.Dividends] of has dtype {given.dtype}; it must hold integers")
    outside = (given < -1) | (given >= count)
    if outside.any():
        raise InputError(
            f"[pricing.Dividends] of is {given[outside].flat[0]}; it must be the place of one of the {count} "
            "schedules, counted from 0, or -1 for none"
        )
    column = given.astype(np.int32, order="C")
    column.flags.writeable = False
    return column
