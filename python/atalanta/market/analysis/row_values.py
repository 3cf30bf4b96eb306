"""Values of rows: volatilities implied by bid, mid and ask, and the Greeks at the mid's.

Main entries: `batches` splits a chain by how it is valued, `values` values one batch: European rows on the forward,
American ones on the spot that it implies. A volatility that no market implies is NaN, and its row is `absurd`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.compute.valuation import greeks, implied_vol
from atalanta.market.analysis.forwards import ForwardFit
from atalanta.market.chain import Chain
from atalanta.market.flags import QualityFlag

__all__ = ["Batch", "Quoted", "RowValues", "batches", "implied_vols", "joined", "quoted", "values"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Right, spot, strike, years and rate as the kernels take them.
Contract = tuple[Any, Floats, Floats, Floats, Floats]

#: Rows on which no number may be made from the quotes.
_UNUSABLE = QualityFlag.CROSSED | QualityFlag.EXPIRED | QualityFlag.BAD_CONTRACT

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


class Batch(NamedTuple):
    """Rows that are valued alike: (N,) mask or all, the kernels' arguments by position and by name."""

    rows: Mask | slice
    contract: Contract
    terms: dict[str, Any]

    @property
    def american(self) -> bool:
        """Whether the rows can be exercised early."""
        return self.terms.get("exercise") == "american"


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


def quoted(chain: Chain) -> Quoted:
    """The quotes of a chain; NaN also on rows that cannot be trusted."""
    bid, ask = chain["bid"], chain["ask"]
    usable = ((chain["flags"] & np.uint32(_UNUSABLE)) == 0) & ~(bid > ask) & (np.abs(chain["right"]) == 1)
    bid = np.where(usable & (bid > 0), bid, np.nan)
    ask = np.where(usable & (ask > 0), ask, np.nan)
    return Quoted(bid, bid / 2 + ask / 2, ask)  # so that two huge quotes do not overflow


def batches(chain: Chain, fit: ForwardFit) -> tuple[Batch, ...]:
    """The rows of a chain by how they are valued; a chain of one kind is one batch and is not copied."""
    early = fit.early[fit.group]
    if not early.any():
        return (_european(chain, fit, slice(None)),)
    if early.all():
        return (_american(chain, fit, slice(None)),)
    return _american(chain, fit, early), _european(chain, fit, ~early)


def _european(chain: Chain, fit: ForwardFit, rows: Mask | slice) -> Batch:
    """The prepaid forward is the spot, without a yield."""
    names = ("forward", "discount", "rate", "years")
    forward, discount, rate, years = (fit.per_contract(name)[rows] for name in names)
    contract = _right(chain)[rows], forward * discount, chain["strike"][rows], years, rate
    return Batch(rows, contract, {"threads": fit.model.threads})


def _american(chain: Chain, fit: ForwardFit, rows: Mask | slice) -> Batch:
    spot = fit.expiries["implied_spot"]
    model = fit.model.rows(fit.group[rows], _right(chain)[rows], chain["strike"][rows], spot)
    return Batch(rows, model.contract, {**model.terms, "exercise": "american"})


def _right(chain: Chain) -> npt.NDArray[np.int8]:
    """(N,) +1 or -1; a wrong one has no price."""
    return np.where(chain["right"] < 0, np.int8(-1), np.int8(1))


def values(batch: Batch, quotes: Quoted) -> RowValues:
    """Volatilities and Greeks of one batch.

    Args:
        batch: M rows.
        quotes: theirs.
    """
    vols, status, absurd = implied_vols(batch, quotes)
    g = greeks(*batch.contract, vols.mid, order=1, **batch.terms)
    return RowValues(*vols, g.delta, g.gamma, g.vega, g.theta, g.rho, status, absurd)


def implied_vols(batch: Batch, quotes: Quoted) -> tuple[Quoted, npt.NDArray[Any], Mask]:
    """The volatilities of bid, mid and ask, the status of the mid, and where its volatility was dropped.

    Of American rows, bid and ask start from the volatility of the mid.
    """
    contract, terms = batch.contract, batch.terms
    vol, status = implied_vol(quotes.mid, *contract, full_output=True, **terms)
    mid, absurd = _without_absurd(vol, contract[3])
    warm = {**terms, "start": mid} if batch.american else terms
    bid, ask = (
        _without_absurd(implied_vol(side, *contract, full_output=False, **warm), contract[3])[0]
        for side in (quotes.bid, quotes.ask)
    )
    return Quoted(bid, mid, ask), status, absurd


def joined(size: int, parts: Sequence[tuple[Batch, RowValues]]) -> RowValues:
    """The values of all `size` rows from those of their batches."""
    if len(parts) == 1:
        return parts[0][1]
    columns = []
    for place in range(len(RowValues._fields)):
        column = np.empty(size, dtype=parts[0][1][place].dtype)
        for batch, part in parts:
            column[batch.rows] = part[place]
        columns.append(column)
    return RowValues(*columns)


def _without_absurd(vol: Floats, years: Floats) -> tuple[Floats, Mask]:
    """Volatilities with NaN in the place of those that no market implies, and where those are."""
    absurd = (vol > _LARGEST_VOL) & (vol * np.sqrt(np.maximum(years, 0.0)) > _LARGEST_DEVIATION)
    return np.where(absurd, np.nan, vol), absurd
