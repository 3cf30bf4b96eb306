"""Zero curves: continuously compounded rates by time, and the discount factors they give.

Main entry: `RateCurve`. Between nodes the log discount (zero rate × time) is linear, so the forward rate is
piecewise constant; outside the nodes the zero rate is flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError

__all__ = ["RateCurve"]

_LARGEST_RATE = 1.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RateCurve:
    """Zero rates at N times to payment.

    Args:
        years: (N,) times, ACT/365, positive and increasing.
        zero_rates: (N,) continuously compounded, as decimals: 0.05 for 5 %.

    Raises:
        InputError: no node, lengths differ, times not increasing, NaN, or rates that look like per cent.

    Example:
        >>> float(RateCurve([0.5, 1.0], [0.04, 0.05]).zero_rate(0.25))
        0.04
    """

    years: npt.ArrayLike
    zero_rates: npt.ArrayLike

    def __post_init__(self) -> None:
        years, rates = _column("years", self.years), _column("zero_rates", self.zero_rates)
        _check_nodes(years, rates)
        object.__setattr__(self, "years", years)
        object.__setattr__(self, "zero_rates", rates)

    @classmethod
    def flat(cls, rate: float) -> Self:
        """One rate for every time.

        Args:
            rate: continuously compounded, as a decimal.
        """
        return cls([1.0], [rate])

    def zero_rate(self, years: npt.ArrayLike) -> Floats:
        """The continuously compounded zero rate.

        Args:
            years: any shape; times at or before 0 take the first node's rate, NaN gives NaN.

        Returns:
            decimals in the shape of `years`.
        """
        times, rates = np.asarray(self.years), np.asarray(self.zero_rates)
        clipped = np.clip(np.asarray(years, dtype=np.float64), times[0], times[-1])
        zero: Floats = np.interp(clipped, times, times * rates) / clipped
        return zero

    def discount(self, years: npt.ArrayLike) -> Floats:
        """The value today of 1 paid after `years` (any shape)."""
        times = np.asarray(years, dtype=np.float64)
        value: Floats = np.exp(-self.zero_rate(times) * times)
        return value


def _column(name: str, values: npt.ArrayLike) -> Floats:
    try:
        column = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"[market.RateCurve] {name} must be numbers: {error}") from error
    if column.ndim != 1 or not column.size:
        raise InputError(
            f"[market.RateCurve] {name} needs one dimension and at least one node, got {column.shape}"
        )
    if not np.isfinite(column).all():
        raise InputError(f"[market.RateCurve] {name} holds NaN or infinity: {column.tolist()}")
    column.flags.writeable = False
    return column


def _check_nodes(years: Floats, rates: Floats) -> None:
    if len(years) != len(rates):
        raise InputError(
            f"[market.RateCurve] {len(years)} years but {len(rates)} zero rates: give one rate per node"
        )
    if years[0] <= 0 or (np.diff(years) <= 0).any():
        raise InputError(f"[market.RateCurve] years must be positive and increasing: {years.tolist()}")
    worst = float(rates[np.argmax(np.abs(rates))])
    if abs(worst) > _LARGEST_RATE:
        raise InputError(
            f"[market.RateCurve] a rate of {worst:g} looks like per cent (limit ±{_LARGEST_RATE:g}): divide by 100"
        )
