"""What the simulated contracts are worth: European ones on their forward, American ones on the spot.

`worth` is the entry; `Terms` are the columns it needs. American values are those of `atalanta.price` at
`AMERICAN_TOLERANCE`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.compute.valuation import price
from atalanta.market.simulator.dividends import Ahead
from atalanta.pricing import Dividends

__all__ = ["AMERICAN_TOLERANCE", "Terms", "bound", "intrinsic", "worth"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

_MINUTES_PER_YEAR = 365 * 24 * 60

#: Asked of American values, for a strike of 100: a twentieth of a cent on the dearest underlying.
AMERICAN_TOLERANCE = 1e-4


class Terms(NamedTuple):
    """(N,) columns of contracts; `rate` is that of the expiry, `share_yield` the yield and borrow cost."""

    which: Rows
    american: npt.NDArray[np.bool_]
    right: npt.NDArray[np.int8]
    spot: Floats
    forward: Floats
    strike: Floats
    years: Floats
    rate: Floats
    share_yield: Floats

    def take(self, rows: Rows | npt.NDArray[np.bool_]) -> Terms:
        """The terms of some rows."""
        return Terms._make(column[rows] for column in self)

    def moved(self, factor: Floats) -> Terms:
        """The same with (N,) spots and forwards multiplied."""
        return self._replace(spot=self.spot * factor, forward=self.forward * factor)


def worth(terms: Terms, vol: Floats, schedules: tuple[Ahead, ...], elapsed: Floats | None = None) -> Floats:
    """(N,) values per share.

    Args:
        terms: N contracts.
        vol: (N,) volatilities.
        schedules: the dividends of each underlying.
        elapsed: (N,) years that have passed since `schedules`, where any have.
    """
    value = np.empty(len(vol))
    early = terms.american
    european = terms.take(~early)
    value[~early] = price(
        european.right,
        european.forward,
        european.strike,
        european.years,
        european.rate,
        vol[~early],
        dividend_yield=european.rate,
    )
    if early.any():
        american = terms.take(early)
        grid = price(
            american.right,
            american.spot,
            american.strike,
            american.years,
            american.rate,
            vol[early],
            dividend_yield=american.share_yield,
            exercise="american",
            dividends=_dividends(schedules, american.which, None if elapsed is None else elapsed[early]),
            tolerance=AMERICAN_TOLERANCE,
        )
        value[early] = np.maximum(grid, intrinsic(american))  # a grid may miss the edge by its tolerance
    return value


def intrinsic(terms: Terms) -> Floats:
    """(N,) least value without arbitrage: of exercise at expiry, or now where the style allows it."""
    later = np.exp(-terms.rate * terms.years) * np.maximum(terms.right * (terms.forward - terms.strike), 0.0)
    now = np.maximum(terms.right * (terms.spot - terms.strike), 0.0)
    return np.asarray(np.where(terms.american, np.maximum(now, later), later))


def bound(terms: Terms) -> Floats:
    """(N,) highest value without arbitrage."""
    european = np.exp(-terms.rate * terms.years) * np.where(terms.right > 0, terms.forward, terms.strike)
    return np.where(terms.american, np.where(terms.right > 0, terms.spot, terms.strike), european)


def _dividends(schedules: tuple[Ahead, ...], which: Rows, elapsed: Floats | None) -> Dividends:
    """The schedules as the kernels take them, as seen at the start of each row's minute."""
    minute = np.zeros(len(which), dtype=np.int64)
    if elapsed is not None:
        minute = np.floor(elapsed * _MINUTES_PER_YEAR).astype(np.int64)
    distinct, place = np.unique(minute, return_inverse=True)
    pairs = [
        [
            (years - late / _MINUTES_PER_YEAR, cash)
            for years, cash in zip(each.years.tolist(), each.cash.tolist(), strict=True)
            if years > late / _MINUTES_PER_YEAR
        ]
        for late in distinct.tolist()
        for each in schedules
    ]
    return Dividends(pairs, of=len(schedules) * place + which)
