"""Strikes written in another unit than the spot: cents, or the thousandths of option symbols.

Main entry: `strikes_out_of_scale`. A group is judged as a whole, and only where its quotes do not speak for it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from atalanta.market.products import root_codes
from atalanta.market.table import Column

__all__ = ["strikes_out_of_scale"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

#: What strikes may be multiplied by, and how they are written then.
_UNITS = {100.0: "cents", 1000.0: "the thousandths of option symbols"}
_NEARNESS = 2.0  # listed strikes lie about the spot: their median is within this factor of it


def strikes_out_of_scale(columns: Mapping[str, Column]) -> tuple[Bools, list[str]]:
    """The rows whose strikes are in another unit than their spot, and notes that say so.

    The rows of one underlying and quote time are out of scale where the median of strike over spot is near 100 or
    1000. They are left alone where most quoted puts cost what such strikes imply: the spot of a failing stock is far
    below its strikes, and its puts are worth the strike.

    Args:
        columns: canonical chain columns `underlying`, `quote_time`, `right`, `strike`, `ask`, `spot`; NaN where unknown.

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
        if near and not _puts_agree({name: columns[name][group] for name in ("right", "strike", "spot", "ask")}):
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


def _groups(columns: Mapping[str, Column], usable: Bools) -> list[npt.NDArray[np.intp]]:
    """The usable rows of each underlying and quote time."""
    rows = np.flatnonzero(usable)
    _, names = root_codes(columns["underlying"][rows])
    _, times = np.unique(columns["quote_time"][rows], return_inverse=True)
    key = names * (times.max(initial=0) + 1) + times
    order = np.argsort(key, kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(key[order])) + 1)


def _puts_agree(group: Mapping[str, Column]) -> bool:
    """Whether most quoted puts cost about the strike less the spot, as they must if both are right."""
    puts = (group["right"] < 0) & (group["ask"] > 0)
    dear = group["ask"][puts] > (group["strike"][puts] - group["spot"][puts]) / 2
    return bool(puts.any() and dear.mean() > 0.5)
