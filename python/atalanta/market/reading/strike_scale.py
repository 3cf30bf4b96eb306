"""Strikes written in another unit than the spot: cents, or the thousandths of option symbols.

Main entry: `strikes_out_of_scale`. A group is judged as a whole, and only where its quotes agree that the strikes
are wrong and the spot is right.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from atalanta.market.contracts.products import root_codes
from atalanta.market.table import Column

__all__ = ["strikes_out_of_scale"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

#: What strikes may be multiplied by, and how they are written then.
_UNITS = {100.0: "cents", 1000.0: "the thousandths of option symbols"}
_NEARNESS = 2.0  # listed strikes lie about the spot: their median is within this factor of it
_WITHIN_BOUND = 0.9  # of the quotes, where one unit is right: a few are always wrong
_WORTH, _SOME = 0.02, 0.1  # of the spot, what a tenth of the quotes is worth at least


def strikes_out_of_scale(columns: Mapping[str, Column]) -> tuple[Bools, list[str]]:
    """The rows whose strikes are in another unit than their spot, and notes that say so.

    The rows of one underlying and quote time are out of scale where the median of strike over spot is near 100 or
    1000, and their bids make sense once the strikes are divided by that: no call costs more than the spot, no put
    more than its strike, and some are worth a few per cent of the spot. So a failing stock far below its strikes is
    left alone (its puts are worth the strikes, its calls nothing), and so is a spot in another unit.

    Args:
        columns: canonical chain columns `underlying`, `quote_time`, `right`, `strike`, `bid`, `spot`; NaN where
            unknown.

    Returns:
        (N,) mask, and one note per group.
    """
    rows = np.zeros(len(columns["strike"]), dtype=bool)
    notes: list[str] = []
    ratio = _ratio(columns["strike"], columns["spot"])
    if not (ratio >= min(_UNITS) / _NEARNESS).any():
        return rows, notes
    for group in _groups(columns, np.isfinite(ratio)):
        median = float(np.median(ratio[group]))
        near = [unit for unit in _UNITS if unit / _NEARNESS <= median <= unit * _NEARNESS]
        if near and _bids_make_sense(columns, group, near[0]):
            rows[group] = True
            notes.append(
                f"{columns['underlying'][group[0]]}: the strikes of {len(group):,} rows are about {near[0]:g} times "
                f"the spot, as if written in {_UNITS[near[0]]}: flagged bad_contract"
            )
    return rows, notes


def _ratio(strike: Floats, spot: Floats) -> Floats:
    """Strike over spot; NaN where either is no positive number."""
    usable = (strike > 0) & np.isfinite(strike) & (spot > 0)
    with np.errstate(over="ignore", under="ignore"):
        quotient = np.divide(strike, spot, out=np.full(len(strike), np.nan), where=usable)
    return np.where(np.isfinite(quotient), quotient, np.nan)


def _groups(columns: Mapping[str, Column], usable: Bools) -> list[Ints]:
    """The usable rows of each underlying and quote time."""
    rows = np.flatnonzero(usable)
    _, names = root_codes(columns["underlying"][rows])
    _, times = np.unique(columns["quote_time"][rows], return_inverse=True)
    key = names * (times.max(initial=0) + 1) + times
    order = np.argsort(key, kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(key[order])) + 1)


def _bids_make_sense(columns: Mapping[str, Column], group: Ints, unit: float) -> bool:
    """Whether bids lie below their bounds once the strikes are divided by `unit`, and some are worth something."""
    bid, strike, spot, right = (columns[name][group] for name in ("bid", "strike", "spot", "right"))
    quoted = bid > 0
    if not quoted.any():
        return False
    bound = np.where(right > 0, spot, strike / unit)
    within, worth = bid <= bound, bid > _WORTH * spot
    return bool(within[quoted].mean() >= _WITHIN_BOUND and worth[quoted].mean() >= _SOME)
