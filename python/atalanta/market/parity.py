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
_CUTOFF = 3.0  # half spreads, or mean residuals where these are larger, beyond which a pair is dropped


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
    known = (
        None
        if discount is None
        else np.broadcast_to(np.asarray(discount, dtype=np.float64), size)[sums.groups]
    )
    nearness = _nearness(pairs, sums, sums.middle(pairs.strike + pairs.parity), scale)
    line = _Line(pairs, sums, pairs.weight * nearness, known)
    for _ in range(_HUBER_PASSES):
        huber = 1 / np.maximum(1, np.abs(line.residual) / (_HUBER_SCALE * pairs.half_spread))
        weight = pairs.weight * _nearness(pairs, sums, line.forward, scale) * huber
        line = _Line(pairs, sums, weight, known)
    typical = sums.spread(sums.add(weight * np.abs(line.residual)) / sums.add(weight))
    off = line.residual / (_CUTOFF * np.maximum(pairs.half_spread, typical))
    nearness = _nearness(pairs, sums, line.forward, scale)
    line = _Line(pairs, sums, pairs.weight * nearness * np.maximum(0, 1 - off * off) ** 2, known)
    return line.result(size)


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

    def result(self, size: int) -> ParityFit:
        """The lines and their standard errors, scattered to all G groups."""
        sums, weight = self._sums, self._weight
        with np.errstate(invalid="ignore", divide="ignore"):
            effective = self._total**2 / sums.add(weight**2)
            lost = 2 if self._known is None else 1
            scores = (weight * self.residual) ** 2 * sums.spread(effective / (effective - lost))
            by_quote = weight**2 / (12 * self._pairs.weight)  # mids uniform between bid and ask
            scores = np.where(np.repeat(effective > lost + 1e-9, sums.counts), scores, by_quote)
            level_variance = sums.add(scores) / self._total**2
            slope_variance = sums.add(scores * self._offset**2) / self._moment**2
            covariance = sums.add(scores * self._offset) / (self._total * self._moment)
            reach = self._level / self.discount  # forward minus the centre of the strikes
            if self._known is not None:
                slope_variance = np.full_like(level_variance, np.nan)
                forward_variance = level_variance
            else:
                forward_variance = level_variance + reach**2 * slope_variance + 2 * reach * covariance
            forward_se = np.sqrt(forward_variance) / np.abs(self.discount)
            columns = (self.forward, forward_se, self.discount, np.sqrt(slope_variance), effective)
        return ParityFit(*(_scatter(column, sums.groups, size) for column in columns))


def _scatter(column: Floats, groups: Integers, size: int) -> Floats:
    full = np.full(size, np.nan)
    full[groups] = column
    return full
