"""Forwards of American expiries: put-call parity after the early-exercise premium is taken out of both sides.

Main entry: `refit_american`. American prices obey parity only as an inequality; the European values at their own
volatilities obey it as an equation, but those volatilities need the spot, which the forward implies: so iterate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.parity import Pairs, ParityFit, fit_parity
from atalanta.market.spot_model import SpotModel
from atalanta.market.table import Table
from atalanta.pricing import implied_vol, price

__all__ = ["AMERICAN_WIDTH", "refit_american"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Scale of the nearness weights in log moneyness: at the money the premium is small and well known.
AMERICAN_WIDTH = 0.05

_NEAREST = 16  # pairs of an expiry that take part
_ROUNDS = 4
#: An expiry is done when its forward moves by less than this share of its standard error, or of itself.
_OF_ERROR, _OF_FORWARD = 0.05, 1e-6


class _Sides(NamedTuple):
    """Call and put volatilities of M pairs; NaN where a mid is no more than exercise is worth."""

    call: Floats
    put: Floats


def refit_american(chain: Table, pairs: Pairs, start: ParityFit, which: Mask, model: SpotModel) -> ParityFit:
    """Forwards of the marked expiries from European values of their pairs.

    In each round the American volatilities of both mids are implied at the spot of the last forward, the European
    values at those volatilities fitted to parity with the known discount. The premium changes little with the spot,
    so each round leaves a small part of the error of the last: two or three are enough.

    Args:
        chain: N rows.
        pairs: M pairs of the chain, sorted by group.
        start: G lines through the American mids, with the discounts to keep.
        which: (G,) the expiries to fit.
        model: of the rows.

    Returns:
        G lines, NaN where `which` is False or no pair has two volatilities.
    """
    size = len(which)
    near = _nearest(pairs.of(which), start.forward)
    forward, error = np.where(which, start.forward, np.nan), np.full(size, np.nan)
    effective = np.full(size, np.nan)
    vols = _Sides(*np.full((2, len(near.group)), np.nan))
    for _ in range(_ROUNDS):
        european, vols = _without_premium(chain, near, forward, vols, model)
        known = np.isfinite(european.parity)
        fit = fit_parity(european.take(known), size, AMERICAN_WIDTH, start.discount)
        here = np.zeros(size, dtype=bool)
        here[near.group] = True
        moved = np.abs(fit.forward - forward)
        forward, error = np.where(here, fit.forward, forward), np.where(here, fit.forward_se, error)
        effective = np.where(here, fit.effective, effective)
        open_still = here & (
            moved > np.maximum(_OF_ERROR * fit.forward_se, _OF_FORWARD * np.abs(fit.forward))
        )
        if not open_still.any():
            break
        again = open_still[near.group]
        near, vols = near.take(again), _Sides(*(side[again] for side in vols))
    nothing = np.full(size, np.nan)
    return ParityFit(forward, error, start.discount, nothing, effective)


def _nearest(pairs: Pairs, forward: Floats) -> Pairs:
    """The pairs of each group that lie nearest its forward, in their order."""
    distance = np.abs(np.log(pairs.strike / forward[pairs.group]))
    order = np.lexsort((distance, pairs.group))
    starts = np.searchsorted(pairs.group, pairs.group)  # pairs are sorted by group, and so is the order
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - starts
    return pairs.take(rank < _NEAREST)


def _without_premium(
    chain: Table, pairs: Pairs, forward: Floats, start: _Sides, model: SpotModel
) -> tuple[Pairs, _Sides]:
    """The pairs at the European values of their volatilities, and those volatilities."""
    count = len(pairs.group)
    row = np.concatenate([pairs.call, pairs.put])
    rows = model.rows(
        np.concatenate([pairs.group] * 2),
        np.repeat(np.array([1, -1], dtype=np.int8), count),
        np.concatenate([pairs.strike] * 2),
        model.carry.spot_of(forward, model.rate),
    )
    mid = chain["bid"][row] / 2 + chain["ask"][row] / 2
    vol = implied_vol(
        mid, *rows.contract, **rows.terms, exercise="american", start=np.concatenate([start.call, start.put])
    )
    value = price(*rows.contract, vol, **rows.terms, exercise="european")
    return replace(pairs, parity=value[:count] - value[count:]), _Sides(vol[:count], vol[count:])
