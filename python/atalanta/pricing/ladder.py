"""Ladders: options priced once over all their spots, then read at any of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError
from atalanta.pricing.dividends import DividendsLike
from atalanta.pricing.greek_columns import Value
from atalanta.pricing.valuation import Exercise, Tolerance

__all__ = ["Ladder", "LadderValues", "SpotRange"]

#: What a pickle holds: this number, the shape, profiles and nodes. Raised when what they mean changes.
_FORMAT = 2


class LadderValues(NamedTuple):
    """What a ladder gives at a spot: arrays of one shape, or floats."""

    price: Value  #: value per share
    delta: Value  #: dV/dS
    gamma: Value  #: d2V/dS2
    theta: Value  #: dV/dt in calendar time, per year


class SpotRange(NamedTuple):
    """Spots from `lowest` to `highest`: arrays of the rows' shape (...), or floats."""

    lowest: Value
    highest: Value


class Ladder:
    """Options over a whole range of spots, from one solve each.

    A read costs some ten nanoseconds where a price with dividends costs microseconds: this is how a tick of the
    underlying, or a grid of scenarios, is priced. Everything but the spot is as it was given; so is the present,
    from which years and ex-dates count. Immutable: threads may read one ladder at the same time, and a copy is the
    ladder itself. It can be pickled, in about `nbytes`: worker processes then read the same bits without a solve.

    Args:
        right, spot, strike, years, rate, vol, dividend_yield, exercise, dividends, tolerance: (...) as in
            `price`; all broadcast to one shape. The range of a ladder lies around its row's spot. `tolerance`
            is that of cash dividends, for rows without dividends too.
        threads: threads to build with; None for the default (see `set_threads`).

    Raises:
        InputError: as `price`.

    Example:
        >>> import atalanta
        >>> ladder = atalanta.Ladder("put", 100.0, [95.0, 105.0], 0.5, 0.04, 0.25, exercise="american")
        >>> ladder.at([[90.0], [100.0], [110.0]]).delta.round(2)
        array([[-0.57, -0.81],
               [-0.32, -0.56],
               [-0.16, -0.33]])
    """

    __slots__ = ("_ladders",)

    def __init__(
        self,
        right: npt.ArrayLike,
        spot: npt.ArrayLike,
        strike: npt.ArrayLike,
        years: npt.ArrayLike,
        rate: npt.ArrayLike,
        vol: npt.ArrayLike,
        *,
        dividend_yield: npt.ArrayLike = 0.0,
        exercise: Exercise = "european",
        dividends: DividendsLike = None,
        tolerance: Tolerance = "standard",
        threads: int | None = None,
    ) -> None:
        self._ladders = _core.Ladders(
            right,
            spot,
            strike,
            years,
            rate,
            vol,
            dividend_yield=dividend_yield,
            exercise=exercise,
            dividends=dividends,
            tolerance=tolerance,
            threads=threads,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape (...) of the rows."""
        return self._ladders.shape

    @property
    def nbytes(self) -> int:
        """Memory that the ladders hold."""
        return self._ladders.nbytes

    @property
    def spots(self) -> SpotRange:
        """The spots that each row covers: at least 4.3 standard deviations to expiry to each side of its own.

        NaN for a row without a ladder: an unusable input, no time or no volatility.
        """
        return SpotRange(*self._ladders.spots)

    @property
    def exercised(self) -> SpotRange:
        """The spots at which exercising now is right; lowest above highest where it nowhere is."""
        return SpotRange(*self._ladders.exercised)

    def at(self, spot: npt.ArrayLike) -> LadderValues:
        """Price, delta, gamma and theta at new spots.

        Args:
            spot: broadcasts with the rows: a number is a spot for all rows, a column (M, 1) reads each of N rows
                at M spots.

        Returns:
            Columns of the broadcast shape, floats for one row at one spot; NaN outside the row's `spots`.

        Raises:
            InputError: `spot` does not broadcast or is not real numbers.
        """
        return LadderValues(*self._ladders.at(spot))

    def __copy__(self) -> Ladder:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Ladder:
        return self

    def __reduce__(self) -> tuple[Callable[..., Ladder], tuple[Any, ...]]:
        return _restored, (_FORMAT, self.shape, *self._ladders.state())

    def __repr__(self) -> str:
        return f"Ladder(shape={self.shape}, nbytes={self.nbytes})"


def _restored(*state: Any) -> Ladder:
    """The ladder of a pickle.

    Raises:
        InputError: it is of another version of the package, or damaged.
    """
    found = state[0] if state and isinstance(state[0], int) else None
    if found != _FORMAT:
        raise InputError(
            f"[pricing.Ladder] a pickled ladder of format {found} cannot be read: this version of atalanta reads format "
            f"{_FORMAT}; build the ladder again"
        )
    match state[1:]:
        case (tuple() as shape, np.ndarray() as profiles, np.ndarray() as nodes) if (
            profiles.dtype.kind == nodes.dtype.kind == "f" and profiles.itemsize == nodes.itemsize == 8
        ):
            ladder = object.__new__(Ladder)
            ladder._ladders = _core.Ladders.restored(shape, profiles, nodes)
            return ladder
    raise InputError(
        "[pricing.Ladder] the pickled ladder is damaged: it does not hold a shape and two columns of float64; build it "
        "again"
    )
