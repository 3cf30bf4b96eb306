"""How the simulated market quotes: tick sizes, spreads that grow with vega and moneyness, sizes.

`two_sided` is the entry; without a defect the true price always lies between bid and ask.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Ticks", "half_spread", "round_down", "round_up", "sizes", "two_sided"]

Floats = npt.NDArray[np.float64]

_FINE_BELOW = 3.0
_NOISE = 0.6  # of half the spread: the mid is off the true price by up to this much


class Ticks(NamedTuple):
    """Tick in cents of each row below and from a price of 3.00: (N,) each."""

    fine: npt.NDArray[np.int64]
    coarse: npt.NDArray[np.int64]

    def at(self, price: Floats) -> npt.NDArray[np.int64]:
        """The tick that applies at a price, in cents."""
        return np.where(price < _FINE_BELOW, self.fine, self.coarse)

    def take(self, rows: npt.NDArray[np.intp]) -> Ticks:
        """The ticks of some rows."""
        return Ticks(self.fine[rows], self.coarse[rows])


def round_down(price: Floats, ticks: Ticks) -> Floats:
    """The highest quotable price at or below each price, never negative."""
    tick = ticks.at(price)
    return np.maximum(np.floor(100.0 * price / tick), 0.0) * tick / 100.0


def round_up(price: Floats, ticks: Ticks) -> Floats:
    """The lowest quotable price at or above each price."""
    tick = ticks.at(price)
    return np.ceil(100.0 * price / tick) * tick / 100.0


def half_spread(
    vol_width: Floats, vega: Floats, deviations: Floats, intrinsic: Floats, ticks: Ticks
) -> Floats:
    """Half the spread a market maker asks, per share.

    Args:
        vol_width: (N,) half-width at the money, in volatility.
        vega: (N,) per 1.00 of volatility.
        deviations: (N,) log-moneyness in standard deviations.
        intrinsic: (N,) discounted intrinsic value, whose hedge costs its own spread.
        ticks: of each row.
    """
    quoted_in_vol = vol_width * vega * (1.0 + 0.25 * np.abs(deviations))
    return 0.005 * ticks.fine + quoted_in_vol + 0.0006 * intrinsic


def two_sided(price: Floats, half: Floats, draw: Floats, ticks: Ticks) -> tuple[Floats, Floats]:
    """Bid and ask around the true price on the tick grid; a bid below one tick is zero.

    Args:
        price: (N,) true price per share.
        half: (N,) half the spread before rounding.
        draw: (N,) uniform in [0, 1): where the mid lies.
        ticks: of each row.
    """
    middle = price + _NOISE * (2.0 * draw - 1.0) * half
    return round_down(middle - half, ticks), np.maximum(round_up(middle + half, ticks), ticks.fine / 100.0)


def sizes(draw: Floats, depth: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Contracts quoted: (N,) uniforms to (N,) sizes from 1 to about three times the depth, mostly small."""
    return 1 + np.floor(3.0 * depth * draw**2).astype(np.int64)
