"""Put-call parity: pairs of one strike, and the line C − P = D (F − K) through the pairs of each expiry.

Main entries: `match_pairs`, `fit_parity`. All expiries are fitted at once by sums over the sorted pairs; a pair
that its own bid-ask spread does not explain ends with weight zero.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from atalanta.market.analysis.expiries import ExpiryGroups, Integers
from atalanta.market.flags import QualityFlag
from atalanta.market.table import Column, Table

__all__ = ["Pairs", "ParityFit", "fit_parity", "match_pairs", "quote_flags_only"]

Floats = npt.NDArray[np.float64]

_TIGHTEST = 0.25  # of its expiry's median spread: no pair is trusted as if it were tighter (stub quotes)
_HUBER_PASSES = 5
_HUBER_SCALE = 0.15  # of a pair's spread: beyond it a residual counts linearly
_CUTOFF, _TYPICAL_CUTOFF = 1.0, 5.0  # a pair counts nothing beyond this many spreads and mean residuals
# of the weights: beyond it the biweight's theory says more than scattered pairs can tell
_LEAST_SENSITIVITY = 0.25

# Few residuals can all be small by luck: until a line has 8 degrees of freedom the quotes' widths have a say,
# worth at most 3.
_ENOUGH_FREEDOM, _QUOTES_FREEDOM = 8.0, 3.0

#: What an earlier analysis found; the next one finds out anew.
_FOUND = np.uint32(QualityFlag.BELOW_INTRINSIC | QualityFlag.ABOVE_BOUND | QualityFlag.NO_IV)


@dataclass(frozen=True, slots=True)
class Pairs:
    """M calls and puts of one group and strike, sorted by group.

    Attributes:
        group: (M,) as in `ExpiryGroups.index`.
        strike: (M,) per share.
        parity: (M,) call mid minus put mid.
        spread: (M,) root of the sum of the squares of the call's and the put's bid-ask spread.
        call, put: (M,) the chain's rows.
    """

    group: Integers
    strike: Floats
    parity: Floats
    spread: Floats
    call: Integers
    put: Integers

    def of(self, groups: npt.NDArray[np.bool_]) -> Pairs:
        """The pairs of the groups marked by a (G,) mask."""
        return self.take(groups[self.group])

    def take(self, which: npt.NDArray[np.bool_]) -> Pairs:
        """The pairs marked by a (M,) mask."""
        return Pairs(*(getattr(self, field.name)[which] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class ParityFit:
    """One line per group; NaN where a group has too few pairs.

    Attributes:
        forward: (G,) per share.
        forward_se: (G,) its standard error.
        discount: (G,).
        discount_se: (G,) its standard error; NaN where the discount was given.
        effective: (G,) number of pairs that say how far pairs scatter, (Σw)² / Σw²: those on the line, the less
            the further from the forward.
    """

    forward: Floats
    forward_se: Floats
    discount: Floats
    discount_se: Floats
    effective: Floats


def quote_flags_only(flags: Column) -> Column:
    """(N,) flags without those that only an analysis sets, so that analysing twice is analysing once."""
    return np.asarray(flags & ~_FOUND)


@np.errstate(over="ignore")  # an absurd quote overflows to infinity and ends with weight zero
def match_pairs(chain: Table, groups: ExpiryGroups) -> Pairs:
    """Pair the call and the put of every group and strike whose quotes are two-sided and carry no flag of their own.

    Args:
        chain: N rows in canonical columns.
        groups: the grouping of those rows.
    """
    bid, ask, strike = chain["bid"], chain["ask"], chain["strike"]
    two_sided = (bid > 0) & (ask > bid) & (ask < np.inf)
    contract = (
        (quote_flags_only(chain["flags"]) == 0) & (strike > 0) & (strike < np.inf) & (chain["years"] > 0)
    )
    rows = np.flatnonzero(two_sided & contract)
    rows = rows[np.lexsort((chain["right"][rows], strike[rows], groups.index[rows]))]
    group, strike, right = groups.index[rows], strike[rows], chain["right"][rows]
    put = np.flatnonzero((group[1:] == group[:-1]) & (strike[1:] == strike[:-1]) & (right[1:] > right[:-1]))
    spread = ask[rows] - bid[rows]
    mid = bid[rows] + spread / 2
    parity, width = mid[put + 1] - mid[put], np.hypot(spread[put + 1], spread[put])
    return Pairs(group[put], strike[put], parity, width, rows[put + 1], rows[put])


@np.errstate(all="ignore")  # absurd quotes overflow or divide to NaN, which is the answer
def fit_parity(
    pairs: Pairs, size: int, width: npt.ArrayLike, discount: npt.ArrayLike | None = None
) -> ParityFit:
    """Fit forward and discount of every group by weighted least squares on put-call parity.

    Pairs weigh 1 / spread², times nearness to the forward, 1 / (1 + (ln(K/F) / width)²)². From the median of
    K + C − P, five passes with Huber weights find the line that most pairs agree on, and one with Tukey's biweight
    drops those off it. Standard errors come from the residuals (sandwich); the fewer there are, the more from the
    spreads.

    Args:
        pairs: M pairs.
        size: number G of groups.
        width: (G,) or scalar, scale of the nearness in log moneyness.
        discount: (G,) or scalar if known; then only the forward is fitted.

    Returns:
        G lines; NaN where a group has fewer than two pairs (one where the discount is known).
    """
    sums = _GroupSums(pairs.group)
    scale = sums.spread(np.broadcast_to(width, size)[sums.groups])
    known = None if discount is None else np.broadcast_to(np.asarray(discount), size)[sums.groups]
    trust = np.maximum(pairs.spread, _TIGHTEST * sums.spread(sums.middle(pairs.spread)))
    forward = sums.middle(pairs.strike + pairs.parity)
    residual = pairs.parity - sums.spread(forward) + pairs.strike
    for _ in range(_HUBER_PASSES):
        near = _nearness(pairs.strike / sums.spread(forward), scale) / (trust * trust)
        weight = near / np.maximum(1, np.abs(residual) / (_HUBER_SCALE * trust))
        line = _Line(pairs, sums, weight, known)
        forward, residual = line.forward, line.residual
    typical = sums.spread(sums.add(weight * np.abs(residual)) / sums.add(weight))
    off = residual / np.maximum(_CUTOFF * trust, _TYPICAL_CUTOFF * typical)
    near = _nearness(pairs.strike / sums.spread(forward), scale) / (trust * trust)
    kept = np.maximum(0, 1 - off * off)
    line = _Line(pairs, sums, near * kept * kept, known)
    witness = kept * kept * np.sqrt(near) * trust  # of the scatter, which is not the forward's alone to tell
    return line.result(size, near * kept * (1 - 5 * off * off), trust, witness)


def _nearness(strike_over_forward: Floats, width: Floats) -> Floats:
    """Weights around the forward; all equal where the line so far gives no positive forward."""
    distance = np.log(strike_over_forward) / width
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
        """The lower median of each group: half of the pairs may be wrong without harm."""
        order = np.lexsort((values, np.repeat(np.arange(len(self.groups)), self.counts)))
        middle: Floats = values[order[self._starts + (self.counts - 1) // 2]]
        return middle


class _Line:
    """The weighted least-squares line of each group, in strikes centred on their weighted mean."""

    def __init__(self, pairs: Pairs, sums: _GroupSums, weight: Floats, known: Floats | None) -> None:
        self._sums, self._weight, self._known = sums, weight, known
        total = sums.add(weight)
        centre = sums.add(weight * pairs.strike) / total
        self._level = sums.add(weight * pairs.parity) / total
        self._offset = pairs.strike - sums.spread(centre)
        fall = -sums.add(weight * self._offset * pairs.parity) / sums.add(weight * self._offset**2)
        self.discount = np.where(sums.counts >= 2, fall, np.nan) if known is None else known
        self.forward = centre + self._level / self.discount
        self.residual = pairs.parity - sums.spread(self._level) + sums.spread(self.discount) * self._offset

    def result(self, size: int, sensitivity: Floats, trust: Floats, witness: Floats) -> ParityFit:
        """The lines and their standard errors, scattered to all G groups.

        `sensitivity` (M,) is the derivative of weight × residual with respect to the residual; `trust` (M,) is the
        spread, up to a factor the error of a pair; `witness` (M,) weighs the pairs that tell this factor.
        """
        sums = self._sums
        effective = sums.add(witness) ** 2 / sums.add(witness**2)
        square = self._squared_errors(trust, witness, effective)
        scores = self._weight**2 * square
        total, moment = (
            np.maximum(sums.add(sensitivity * power), _LEAST_SENSITIVITY * sums.add(self._weight * power))
            for power in (1.0, self._offset**2)
        )
        variance = sums.add(scores) / total**2
        slope_variance = np.full_like(variance, np.nan)
        if self._known is None:
            slope_variance = sums.add(scores * self._offset**2) / moment**2
            reach = self._level / self.discount  # forward minus the centre of the strikes
            covariance = sums.add(scores * self._offset) / (total * moment)
            variance += reach**2 * slope_variance + 2 * reach * covariance
        forward_se = np.sqrt(variance) / np.abs(self.discount)
        columns = (self.forward, forward_se, self.discount, np.sqrt(slope_variance), effective)
        return ParityFit(*(_scatter(column, sums.groups, size) for column in columns))

    def _squared_errors(self, trust: Floats, witness: Floats, effective: Floats) -> Floats:
        """(M,) squared error of each pair.

        It is the residual's and what the line absorbed; where few pairs are left to tell, a share of trust² common
        to the group.
        """
        sums = self._sums
        freedom = effective - (2 if self._known is None else 1)
        luck = np.clip(1 - freedom / _ENOUGH_FREEDOM, 0, 1)
        quotes = _QUOTES_FREEDOM * luck
        seen = effective * sums.add(witness * (self.residual / trust) ** 2) / sums.add(witness)
        share = (seen + quotes / 12) / (freedom + quotes)  # 1/12: mids uniform between bid and ask
        typical = sums.spread(share) * trust**2
        own = self.residual**2 + self._leverage() * typical
        return own + sums.spread(luck) * (typical - own)

    def _leverage(self) -> Floats:
        """(M,) how much of a pair's own error the line follows, and hides from its residual."""
        total = self._sums.add(self._weight)
        leverage = self._weight / self._sums.spread(total)
        if self._known is None:
            moment = self._weight * self._offset**2
            leverage = leverage + moment / self._sums.spread(self._sums.add(moment))
        return leverage


def _scatter(column: Floats, groups: Integers, size: int) -> Floats:
    full = np.full(size, np.nan)
    full[groups] = column
    return full
