"""Values of rows: volatilities implied by bid, mid and ask, and the Greeks at the mid's.

Main entries: `european_values` on the forward, `american_values` on the spot. A volatility that no market implies is
NaN, and its row is marked `absurd`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.spot_model import SpotRows
from atalanta.pricing import greeks, implied_vol

__all__ = ["Quoted", "RowValues", "american_values", "european_values", "merged"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Right, spot, strike, years and rate as the kernels take them.
Contract = tuple[Any, Floats, Floats, Floats, Floats]

#: No market implies 1200 % over a time in which that moves the price to its bound: the quote is no price.
_LARGEST_VOL, _LARGEST_DEVIATION = 12.0, 1.0


class Quoted(NamedTuple):
    """(M,) bid, mid and ask per share; NaN where a side is missing or the row cannot be trusted."""

    bid: Floats
    mid: Floats
    ask: Floats

    def take(self, rows: Mask | slice) -> Quoted:
        """The quotes of some rows."""
        return Quoted(*(side[rows] for side in self))


class RowValues(NamedTuple):
    """(M,) columns: `status` as `implied_vol` gives it at the mid, `absurd` where its volatility was dropped."""

    iv_bid: Floats
    iv_mid: Floats
    iv_ask: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats
    status: npt.NDArray[Any]
    absurd: Mask


def european_values(quoted: Quoted, contract: Contract, threads: int | None) -> RowValues:
    """Values of European rows.

    Args:
        quoted: (M,) quotes.
        contract: right, prepaid forward, strike, years, rate: (M,) each.
        threads: of the kernels.
    """
    return _values(quoted, contract, {"threads": threads}, warm=False)


def american_values(quoted: Quoted, rows: SpotRows) -> RowValues:
    """Values of American rows; bid and ask start from the volatility of the mid.

    Args:
        quoted: (M,) quotes.
        rows: the arguments of the same rows.
    """
    return _values(quoted, rows.contract, {**rows.terms, "exercise": "american"}, warm=True)


def merged(which: Mask, first: RowValues, other: RowValues) -> RowValues:
    """The values of all N rows: `first` where the mask is set, `other` elsewhere, each in its order."""
    columns = []
    for one, two in zip(first, other, strict=True):
        column = np.empty(len(which), dtype=np.result_type(one, two))
        column[which], column[~which] = one, two
        columns.append(column)
    return RowValues(*columns)


def _values(quoted: Quoted, contract: Contract, terms: dict[str, Any], *, warm: bool) -> RowValues:
    vol, status = implied_vol(quoted.mid, *contract, **terms, full_output=True)
    mid, absurd = _without_absurd(vol, contract[3])
    known = {"start": mid} if warm else {}
    bid, ask = (
        _without_absurd(implied_vol(side, *contract, **terms, **known), contract[3])[0]
        for side in (quoted.bid, quoted.ask)
    )
    g = greeks(*contract, mid, order=1, **terms)
    return RowValues(bid, mid, ask, g.delta, g.gamma, g.vega, g.theta, g.rho, status, absurd)


def _without_absurd(vol: Floats, years: Floats) -> tuple[Floats, Mask]:
    """Volatilities with NaN in the place of those that no market implies, and where those are."""
    absurd = (vol > _LARGEST_VOL) & (vol * np.sqrt(years) > _LARGEST_DEVIATION)
    return np.where(absurd, np.nan, vol), absurd
