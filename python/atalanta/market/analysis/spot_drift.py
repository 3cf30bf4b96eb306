"""Drift of the implied spot: what the forwards of American expiries say about the carry that was given.

Main entry: `drift_notes`. With the right rate, dividends and borrow cost every expiry implies one spot; one that drifts
with time names what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["drift_notes"]

Floats = npt.NDArray[np.float64]

_LEAST_DRIFT = 0.005  # a year: below it the quotes' own unevenness may be all there is
_LEAST_EXPIRIES, _SHORTEST, _LEAST_SPAN = 4, 7 / 365, 0.25
_SURE = 1e-3  # standard error of a forward that has a say, relative


def drift_notes(expiries: Mapping[str, npt.NDArray[Any]], early: npt.NDArray[np.bool_]) -> Iterator[str]:
    """One note for each underlying whose implied spot drifts, from its widest snapshot.

    Args:
        expiries: (G,) columns `underlying, quote_time, years, implied_spot, forward_se`, by underlying.
        early: (G,) expiries that are valued as American.
    """
    years, spot = expiries["years"], expiries["implied_spot"]
    told = np.flatnonzero(early & (years >= _SHORTEST) & (expiries["forward_se"] < _SURE * spot))
    names = expiries["underlying"][told]
    for own in np.split(told, np.flatnonzero(names[1:] != names[:-1]) + 1) if len(told) else []:
        moment, counts = np.unique(expiries["quote_time"][own], return_counts=True)
        rows = own[expiries["quote_time"][own] == moment[np.argmax(counts)]]
        drift = _drift(years[rows], np.log(spot[rows]))
        if abs(drift) >= _LEAST_DRIFT:
            way, borrow, rate = ("falls", "higher", "lower") if drift < 0 else ("rises", "lower", "higher")
            missing = "dividends not given, " if drift < 0 else ""
            yield (
                f"{expiries['underlying'][own[0]]}: the spot that forwards imply {way} by {abs(drift):.1%} a year with the expiry: {missing}a "
                f"borrow cost {borrow} or a rate {rate} by as much would explain it"
            )


def _drift(years: Floats, level: Floats) -> float:
    """Change a year: the median slope between expiries a month apart or more; 0 where too few can tell."""
    if len(years) < _LEAST_EXPIRIES or np.ptp(years) < _LEAST_SPAN:
        return 0.0
    gap = years[:, None] - years
    rise = level[:, None] - level
    return float(np.median(rise[gap > 1 / 12] / gap[gap > 1 / 12]))
