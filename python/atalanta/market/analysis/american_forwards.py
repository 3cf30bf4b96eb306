"""Forwards of American expiries: put-call parity after the early-exercise premium is taken out of both sides.

Main entry: `refit_american`. American prices obey parity only as an inequality; the European values at their own
volatilities obey it as an equation, but those volatilities need the spot, which the forward implies: so iterate.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from atalanta.compute.valuation import implied_vol, price
from atalanta.market.analysis.parity import Pairs, ParityFit, fit_parity
from atalanta.market.analysis.spot_model import SpotModel, SpotRows
from atalanta.market.table import Table

__all__ = ["AMERICAN_WIDTH", "refit_american"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Scale of the nearness weights in log moneyness: at the money the premium is small and well known.
AMERICAN_WIDTH = 0.05

_NEAREST = 16  # pairs of an expiry that take part
_ROUNDS = 5
#: An expiry is done when its forward moves by less than this share of its standard error, or of itself.
_OF_ERROR, _OF_FORWARD = 0.05, 1e-6
#: Change of a volatility, relative, that tells how far a European value follows its American price.
_BUMP = 0.03
#: How much of an error of the forward a round takes away: all of it where the premium does not depend on the spot.
_LEAST_SHARE, _MOST_SHARE = 0.25, 1.5


def refit_american(chain: Table, pairs: Pairs, start: ParityFit, which: Mask, model: SpotModel) -> ParityFit:
    """Forwards of the marked expiries from European values of their pairs.

    In each round the American volatilities of both mids are implied at the spot of the last forward, and the European
    values at those volatilities fitted to parity with the known discount. What a round takes away of the forward's
    error is found from the last two (a secant), so that two or three rounds are enough; where a round takes only a
    share away, the standard error is larger by as much. A pair counts less, the less its American prices tell.

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
    vols = np.full(2 * len(near.group), np.nan)
    search = _Secant(np.where(which, start.forward, np.nan))
    for first in [True] + [False] * (_ROUNDS - 1):
        rows = _rows_of(near, search.forward, model)
        european, vols = _without_premium(chain, near, rows, vols)
        if first:
            near = replace(near, spread=near.spread * _amplified(rows, vols))
            european = replace(european, spread=near.spread)
        known = np.isfinite(european.parity) & (european.spread < np.inf)
        here = np.zeros(size, dtype=bool)
        here[near.group] = True
        moving = search.step(fit_parity(european.take(known), size, AMERICAN_WIDTH, start.discount), here)
        if not moving.any():
            break
        again = moving[near.group]
        near, vols = near.take(again), vols[np.tile(again, 2)]
    nothing = np.full(size, np.nan)
    return ParityFit(search.forward, search.error, start.discount, nothing, search.effective)


class _Secant:
    """The forwards of G expiries on the way to where a refit leaves them as they are.

    `forward` (G,) is where they are now, `error` (G,) their standard error and `effective` (G,) the pairs behind it.
    """

    def __init__(self, forward: Floats) -> None:
        self.forward = forward
        self.error, self.effective = np.full((2, len(forward)), np.nan)
        self._share = np.ones(len(forward))
        self._last_forward, self._last_gap = np.full((2, len(forward)), np.nan)

    @np.errstate(invalid="ignore", divide="ignore")
    def step(self, fit: ParityFit, here: Mask) -> Mask:
        """Move the expiries that `here` marks by what their refit says; (G,) those not done yet."""
        gap = fit.forward - self.forward
        share = (self._last_gap - gap) / (self.forward - self._last_forward)
        share = np.where(np.isfinite(share), np.clip(share, _LEAST_SHARE, _MOST_SHARE), self._share)
        self._share = np.where(here, share, self._share)
        self._last_forward, self._last_gap = self.forward, gap
        move = gap / self._share
        self.forward = np.where(here, self.forward + move, self.forward)
        self.error = np.where(here, fit.forward_se / self._share, self.error)
        self.effective = np.where(here, fit.effective, self.effective)
        enough = np.maximum(_OF_ERROR * self.error, _OF_FORWARD * np.abs(self.forward))
        return here & (np.abs(move) > enough)


def _nearest(pairs: Pairs, forward: Floats) -> Pairs:
    """The pairs of each group that lie nearest its forward, in their order."""
    distance = np.abs(np.log(pairs.strike / forward[pairs.group]))
    order = np.lexsort((distance, pairs.group))
    starts = np.searchsorted(pairs.group, pairs.group)  # pairs are sorted by group, and so is the order
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - starts
    return pairs.take(rank < _NEAREST)


def _rows_of(pairs: Pairs, forward: Floats, model: SpotModel) -> SpotRows:
    """The calls of the pairs, then their puts, on the spots of these forwards."""
    return model.rows(
        np.concatenate([pairs.group] * 2),
        np.repeat(np.array([1, -1], dtype=np.int8), len(pairs.group)),
        np.concatenate([pairs.strike] * 2),
        model.carry.spot_of(forward, model.rate),
    )


def _without_premium(chain: Table, pairs: Pairs, rows: SpotRows, start: Floats) -> tuple[Pairs, Floats]:
    """The pairs at the European values of their volatilities, and those volatilities."""
    row = np.concatenate([pairs.call, pairs.put])
    mid = chain["bid"][row] / 2 + chain["ask"][row] / 2
    vol = implied_vol(mid, *rows.contract, **rows.terms, exercise="american", start=start)
    value = price(*rows.contract, vol, **rows.terms, exercise="european")
    return replace(pairs, parity=value[: len(row) // 2] - value[len(row) // 2 :]), vol


@np.errstate(all="ignore")  # where the American price does not move nothing can be told
def _amplified(rows: SpotRows, vol: Floats) -> Floats:
    """(M,) how much wider a pair is as European values: those follow a price that hardly depends on its volatility far."""
    american, european = (
        price(*rows.contract, vol * (1 + _BUMP), **rows.terms, exercise=exercise)
        - price(*rows.contract, vol, **rows.terms, exercise=exercise)
        for exercise in ("american", "european")
    )
    ratio = np.where(american > 0, np.maximum(european / american, 1), np.inf)
    call, put = np.split(ratio, 2)
    return np.asarray(np.maximum(call, put))
