"""Put-call parity: pairs of one strike, and the line C − P = D (F − K) through the pairs of each expiry.

Main entries: `match_pairs`, `fit_parity`. All expiries are fitted at once by sums over the sorted pairs; a pair
that its own bid-ask spread does not explain ends with weight zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atalanta.market.expiries import ExpiryGroups, Integers
from atalanta.market.table import Table

__all__ = ["Pairs", "ParityFit", "fit_parity", "match_pairs"]

Floats = npt.NDArray[np.float64]

_HUBER_PASSES = 5
_HUBER_SCALE = 0.25  # of a pair's half spread: beyond it a residual counts linearly
_CUTOFF, _TYPICAL_CUTOFF = 1.5, 5.0  # a pair counts nothing beyond this many half spreads and mean residuals


@dataclass(frozen=True, slots=True)
class Pairs:
    """M calls and puts of one group and strike, sorted by group.

    Attributes:
        group: (M,) as in `ExpiryGroups.index`.
        strike: (M,) per share.
        parity: (M,) call mid minus put mid.
        half_spread: (M,) half of the width of the synthetic forward's market, call spread plus put spread.
        weight: (M,) 1 / (call spread² + put spread²).
    """

    group: Integers
    strike: Floats
    parity: Floats
    half_spread: Floats
    weight: Floats

    def of(self, groups: npt.NDArray[np.bool_]) -> Pairs:
        """The pairs of the groups marked by a (G,) mask."""
        keep = groups[self.group]
        return Pairs(*(getattr(self, name)[keep] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class ParityFit:
    """One line per group; NaN where a group has too few pairs.

    Attributes:
        forward, forward_se: (G,) per share.
        discount, discount_se: (G,); the standard error is NaN where the discount was given.
        effective: (G,) number of pairs the final weights amount to, (Σw)² / Σw².
    """

    forward: Floats
    forward_se: Floats
    discount: Floats
    discount_se: Floats
    effective: Floats


def match_pairs(chain: Table, groups: ExpiryGroups) -> Pairs:
    """Pair the call and the put of every group and strike whose quotes are two-sided and without any flag.

    Args:
        chain: N rows in canonical columns.
        groups: the grouping of those rows.
    """
    bid, ask, strike = chain["bid"], chain["ask"], chain["strike"]
    usable = (
        (chain["flags"] == 0)
        & (bid > 0)
        & (ask > bid)
        & (chain["years"] > 0)
        & (strike > 0)
        & np.isfinite(ask)
    )
    rows = np.flatnonzero(usable & np.isfinite(strike))
    rows = rows[np.lexsort((chain["right"][rows], strike[rows], groups.index[rows]))]
    group, strike, right = groups.index[rows], strike[rows], chain["right"][rows]
    found = np.flatnonzero((group[1:] == group[:-1]) & (strike[1:] == strike[:-1]) & (right[1:] > right[:-1]))
    mid, spread = (ask[rows] + bid[rows]) / 2, ask[rows] - bid[rows]
    call, put = spread[found + 1], spread[found]
    return Pairs(
        group=group[found],
        strike=strike[found],
        parity=mid[found + 1] - mid[found],
        half_spread=(call + put) / 2,
        weight=1 / (call * call + put * put),
    )


def fit_parity(
    pairs: Pairs, size: int, width: npt.ArrayLike, discount: npt.ArrayLike | None = None
) -> ParityFit:
    """Fit forward and discount of every group by weighted least squares on put-call parity.

    Pairs weigh by spread and by nearness to the forward, 1 / (1 + (ln(K/F) / width)²)². Five passes with Huber
    weights find the line that most pairs agree on, one with Tukey's biweight drops those that lie off it. Standard
    errors come from the residuals (sandwich), or from the spreads where one pair leaves no residual.

    Args:
        pairs: M pairs.
        size: number G of groups.
        width: (G,) or scalar, scale of the nearness in log moneyness.
        discount: (G,) or scalar if known; then only the forward is fitted.

    Returns:
        G lines; NaN where a group has fewer than three pairs (one where the discount is known).
    """
    sums = _GroupSums(pairs.group)
    scale = np.broadcast_to(width, size)[sums.groups]
    known = None if discount is None else np.broadcast_to(np.asarray(discount), size)[sums.groups]
    nearness = _nearness(pairs, sums, sums.middle(pairs.strike + pairs.parity), scale)
    line = _Line(pairs, sums, pairs.weight * nearness, known)
    for _ in range(_HUBER_PASSES):
        huber = 1 / np.maximum(1, np.abs(line.residual) / (_HUBER_SCALE * pairs.half_spread))
        weight = pairs.weight * _nearness(pairs, sums, line.forward, scale) * huber
        line = _Line(pairs, sums, weight, known)
    typical = sums.spread(sums.add(weight * np.abs(line.residual)) / sums.add(weight))
    off = line.residual / np.maximum(_CUTOFF * pairs.half_spread, _TYPICAL_CUTOFF * typical)
    base = pairs.weight * _nearness(pairs, sums, line.forward, scale)
    kept = np.maximum(0, 1 - off * off)
    return _Line(pairs, sums, base * kept * kept, known).result(size, base * kept * (1 - 5 * off * off))


def _nearness(pairs: Pairs, sums: _GroupSums, forward: Floats, width: Floats) -> Floats:
    """Weights around the forward; all equal where the line so far gives no positive forward."""
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.log(pairs.strike / sums.spread(forward)) / sums.spread(width)
    nearness: Floats = np.nan_to_num(1 / (1 + distance * distance) ** 2, nan=1.0)
    return nearness


class _GroupSums:
    """Sums over the pairs of each group that has any; pairs are sorted by group."""

    def __init__(self, group: Integers) -> None:
        self._starts = np.flatnonzero(np.diff(group, prepend=-1))
        self.groups = group[self._starts]
        self.counts = np.diff(self._starts, append=len(group))

    def add(self, values: Floats) -> Floats:
        return np.add.reduceat(values, self._starts) if len(values) else np.empty(0)

    def spread(self, values: Floats) -> Floats:
        return np.repeat(values, self.counts)

    def middle(self, values: Floats) -> Floats:
        """The lower median of each group: a start that half of the pairs may miss without harm."""
        order = np.lexsort((values, np.repeat(np.arange(len(self.groups)), self.counts)))
        middle: Floats = values[order[self._starts + (self.counts - 1) // 2]]
        return middle


class _Line:
    """The weighted least-squares line of each group, in strikes centred on their weighted mean."""

    def __init__(self, pairs: Pairs, sums: _GroupSums, weight: Floats, known: Floats | None) -> None:
        self._sums, self._pairs, self._weight, self._known = sums, pairs, weight, known
        with np.errstate(invalid="ignore", divide="ignore"):
            self._total = sums.add(weight)
            centre = sums.add(weight * pairs.strike) / self._total
            self._level = sums.add(weight * pairs.parity) / self._total
            self._offset = pairs.strike - sums.spread(centre)
            self._moment = sums.add(weight * self._offset**2)
            slope = -sums.add(weight * self._offset * pairs.parity) / self._moment
            self.discount = np.where(sums.counts >= 3, slope, np.nan) if known is None else known
            self.forward = centre + self._level / self.discount
            self.residual = (
                pairs.parity - sums.spread(self._level) + sums.spread(self.discount) * self._offset
            )

    def result(self, size: int, sensitivity: Floats) -> ParityFit:
        """The lines and their standard errors (sandwich), scattered to all G groups.

        `sensitivity` (M,) is the derivative of weight × residual with respect to the residual.
        """
        sums, lost = self._sums, 2 if self._known is None else 1
        with np.errstate(invalid="ignore", divide="ignore"):
            effective = self._total**2 / sums.add(self._weight**2)
            total, moment = sums.add(sensitivity), sums.add(sensitivity * self._offset**2)
            scores = self._squared_scores(effective, lost)
            variance = sums.add(scores) / total**2
            slope_variance = sums.add(scores * self._offset**2) / moment**2
            if self._known is None:
                reach = self._level / self.discount  # forward minus the centre of the strikes
                covariance = sums.add(scores * self._offset) / (total * moment)
                variance += reach**2 * slope_variance + 2 * reach * covariance
            else:
                slope_variance = np.full_like(variance, np.nan)
            forward_se = np.sqrt(variance) / np.abs(self.discount)
            columns = (self.forward, forward_se, self.discount, np.sqrt(slope_variance), effective)
        return ParityFit(*(_scatter(column, sums.groups, size) for column in columns))

    def _squared_scores(self, effective: Floats, lost: int) -> Floats:
        """(Weight × error)² of every pair; the error is taken from the spread where no residual is left."""
        by_residual = (self._weight * self.residual) ** 2 * self._sums.spread(effective / (effective - lost))
        by_quote = self._weight**2 / (12 * self._pairs.weight)  # mids uniform between bid and ask
        return np.where(np.repeat(effective > lost + 1e-9, self._sums.counts), by_residual, by_quote)


def _scatter(column: Floats, groups: Integers, size: int) -> Floats:
    full = np.full(size, np.nan)
    full[groups] = column
    return full
