"""Contradictions: expiries whose strikes and quotes cannot both be right, by their own parity or by the spot.

Main entry: `contradictions`. A parity line falls by the discount per unit of strike; one that surely rises, or falls
by a hundredth, is no discount but a mistake in the columns, and no number can be made from that expiry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atalanta.market.analysis.discounts import ORDINARY_RATES, rate_and_error
from atalanta.market.analysis.parity import ParityFit

__all__ = ["Contradictions", "contradictions"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Parity may differ from a discount of 1 by a factor of 2 and from the spot by one of 1.5, and each year by 50 %:
# a volatility index or a currency in turmoil stays within.
_SLOPE_FACTOR, _SPOT_FACTOR, _PER_YEAR = 2.0, 1.5, 0.5

_CERTAIN = 5.0  # standard errors
_MATERIAL = 0.05  # change of the discount below which it matters little to call it 1

_SPOT_IN_DOUBT = "the forward is far from the spot, though strikes and quotes agree: check the spot"

#: What a slope or a forward that is wrong by a factor says, within a factor of 2.
_BY_SLOPE = (
    (0.01, "strikes in cents?"),
    (0.001, "strikes in thousandths?"),
    (100.0, "quotes in cents?"),
)
_BY_SPOT = (
    (100.0, "strikes in cents?"),
    (1000.0, "strikes in thousandths?"),
    (0.01, "spot in cents?"),
)


@dataclass(frozen=True, slots=True)
class Contradictions:
    """What is wrong with each of G expiries.

    Attributes:
        refuted: (G,) no number can be made from these.
        notes: one per cause, with the figures of its first expiry.
    """

    refuted: Mask
    notes: tuple[str, ...]


@np.errstate(all="ignore")  # a slope may be negative, a spot unknown
def contradictions(
    free: ParityFit, forward: Floats, spot: Floats, years: Floats, zero_rate: Mask
) -> Contradictions:
    """Compare each expiry's parity line with a discount and its forward with the spot.

    A slope that is no discount refutes. A forward far from the spot refutes unless the slope is surely a discount:
    then strikes and quotes go together and only the spot, on which nothing rests, is in doubt.

    Args:
        free: G lines with free discounts.
        forward: (G,) the forward about to be used; NaN where none is.
        spot: (G,) known spot or NaN.
        years: (G,) to the expiry.
        zero_rate: (G,) groups that would be discounted by 1 though parity is an equation for them.
    """
    slack = _PER_YEAR * np.maximum(years, 0)
    least, most = np.exp(-slack) / _SLOPE_FACTOR, np.exp(slack) * _SLOPE_FACTOR
    low, high = (free.discount + side * _CERTAIN * free.discount_se for side in (-1, 1))
    no_discount, discount = (high < least) | (low > most), (low >= least) & (high <= most)
    astray = np.abs(np.log(forward / spot)) > np.log(_SPOT_FACTOR) + slack
    verdict = np.full(len(years), "", dtype=object)
    verdict[zero_rate & _extraordinary(free, years)] = "parity implies no ordinary rate: give rate="
    verdict[astray & discount] = _SPOT_IN_DOUBT
    for group in np.flatnonzero(astray & ~discount):
        verdict[group] = _cause(
            forward[group] / spot[group], _BY_SPOT, "strikes, quotes or spot in another unit?"
        )
    for group in np.flatnonzero(no_discount):
        verdict[group] = _cause(free.discount[group], _BY_SLOPE, "strikes and quotes do not go together")
    refuted = (verdict != "") & (verdict != _SPOT_IN_DOUBT)
    figures = {
        "forward": forward,
        "spot": spot,
        "slope (about -1 where all is well)": -free.discount,
    }
    return Contradictions(refuted, tuple(_notes(verdict, figures)))


def _extraordinary(free: ParityFit, years: Floats) -> Mask:
    """Groups whose rate surely lies outside the ordinary, by enough to matter."""
    rate, error = rate_and_error(free, years)
    lowest, highest = ORDINARY_RATES
    sure = (rate - _CERTAIN * error > highest) | (rate + _CERTAIN * error < lowest)
    return sure & (np.abs(np.log(free.discount)) > _MATERIAL)


def _cause(factor: float, known: tuple[tuple[float, str], ...], otherwise: str) -> str:
    if factor < 0:
        return "calls and puts swapped?"
    return next((cause for unit, cause in known if 0.5 < factor / unit < 2), otherwise)


def _notes(verdict: npt.NDArray[np.object_], figures: dict[str, Floats]) -> Iterator[str]:
    """One note per cause, with the figures of the first expiry that has it."""
    for cause in dict.fromkeys(verdict[verdict != ""].tolist()):
        where = np.flatnonzero(verdict == cause)
        values = [
            f"{name} {each[where[0]]:.6g}" for name, each in figures.items() if np.isfinite(each[where[0]])
        ]
        kind = "" if cause == _SPOT_IN_DOUBT else "refuted, no volatility: "
        yield f"{len(where)} of {len(verdict)} expiries: {kind}{cause} (first: {', '.join(values)})"
