"""Discounts: which expiries' own put-call parity is believed, and where the others take theirs from.

Main entries: `believable`, `other_discounts`. Parity lends its discount only where it knows the rate well.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atalanta.market.analysis.parity import ParityFit
from atalanta.market.curves import RateCurve

__all__ = ["ORDINARY_RATES", "RATE_SE", "believable", "other_discounts", "over_time", "rate_and_error"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: A rate is believed where it is known to ±0.1 %, which short expiries rarely do; to ±1 % where no expiry of the
#: snapshot does better: zero would be further off, and matters less the shorter.
RATE_SE, _LONE_RATE_SE = 0.001, 0.01

#: Beyond these the looser limit does not apply, and beyond the possible ones none.
ORDINARY_RATES, _POSSIBLE_RATES = (-0.05, 0.20), (-0.25, 0.50)

_LEAST_PAIRS = 4.5  # effective: fewer cannot tell a line from luck


def over_time(amount: Floats, years: Floats) -> Floats:
    """(G,) amount per year; NaN for expiries that are past."""
    per_year: Floats = np.divide(amount, years, out=np.full(len(years), np.nan), where=years > 0)
    return per_year


def rate_and_error(fit: ParityFit, years: Floats) -> tuple[Floats, Floats]:
    """(G,) rates that the lines imply and their standard errors; NaN where the discount is not positive."""
    with np.errstate(all="ignore"):
        rate = -over_time(np.log(fit.discount), years)
        return rate, np.where(np.isnan(rate), np.nan, over_time(fit.discount_se / fit.discount, years))


def believable(fit: ParityFit, years: Floats, snapshot: npt.NDArray[np.int64], candidate: Mask) -> Mask:
    """(G,) candidates whose forward and discount can both be taken from parity.

    Args:
        fit: G lines with free discounts.
        years: (G,) to the expiry.
        snapshot: (G,) number of the quote time.
        candidate: (G,) groups whose contracts obey parity as an equation.
    """
    rate, error = rate_and_error(fit, years)
    sound = candidate & (fit.forward > 0) & (fit.effective >= _LEAST_PAIRS)
    certain = sound & (error <= RATE_SE)
    ordinary = _within(rate, ORDINARY_RATES)
    alone = ~np.isin(snapshot, snapshot[certain & ordinary])
    return (certain & _within(rate, _POSSIBLE_RATES)) | (sound & ordinary & alone & (error <= _LONE_RATE_SE))


def other_discounts(
    fit: ParityFit, believed: Mask, snapshot: npt.NDArray[np.int64], years: Floats, curve: RateCurve | None
) -> tuple[Floats, npt.NDArray[np.object_]]:
    """(G,) discounts that do not come from a group's own pairs, and where each comes from."""
    times = np.where(years > 0, years, np.nan)
    if curve is not None:
        return curve.discount(times), np.full(len(years), "given rate", dtype=object)
    discount, origin = np.where(years > 0, 1.0, np.nan), np.full(len(years), "zero rate", dtype=object)
    rate, error = rate_and_error(fit, years)
    ordinary = _within(rate, ORDINARY_RATES)
    for moment in np.unique(snapshot[believed]):
        there = snapshot == moment
        nodes = there & believed
        nodes = nodes & ordinary if (nodes & ordinary).any() else nodes
        discount[there] = _pooled_curve(years[nodes], rate[nodes], error[nodes]).discount(times[there])
        origin[there] = "curve discount"
    return discount, origin


def _pooled_curve(years: Floats, rate: Floats, error: Floats) -> RateCurve:
    """The term structure of the believed expiries; those of one instant are averaged by certainty."""
    nodes, which = np.unique(years, return_inverse=True)
    weight = 1 / (error**2 + RATE_SE**2 * 1e-6)  # the floor keeps an exact fit from dividing by zero
    return RateCurve(nodes, np.bincount(which, weight * rate) / np.bincount(which, weight))


def _within(rate: Floats, limits: tuple[float, float]) -> Mask:
    return (rate >= limits[0]) & (rate <= limits[1])
