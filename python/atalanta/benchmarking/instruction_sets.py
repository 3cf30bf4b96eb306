"""The instruction sets of this machine beside one another: cells that switch between them, and their bits compared.

Main entries: `isa_cells`, `compare_bits`. The instruction set that was in use is put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from atalanta import _core, pricing
from atalanta.benchmarking.clock import Cell, Entry
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.listed.bits import listed_single_and_batch, listed_values
from atalanta.benchmarking.operations import Operation
from atalanta.benchmarking.workloads import Floats, Rows, market_rows, quoted_rows, tail_rows
from atalanta.machine import cpu_features

__all__ = ["EUROPEAN", "LISTED", "BitComparison", "compare_bits", "isa_cells", "isa_kept", "supported_isas"]

#: What is compared: European options, and American ones with a yield or with cash dividends.
EUROPEAN, LISTED = "european", "listed"

_BASELINE = "baseline"
_SCALAR_ROWS = 64
_LISTED_ROWS, _LISTED_BITS = 1_000, 320


@dataclass(frozen=True)
class BitComparison:
    """Whether instruction sets with fused multiply-add, and single calls, give the same bits.

    `values` were computed by each of `names`, and by single calls on the first rows; `differing` counts those that
    are not the same in every bit. `baseline_error` is the largest relative difference of the baseline, which
    rounds more often, on prices and vols of the market rows out of the money.
    """

    names: tuple[str, ...]
    values: int
    differing: int
    scalar_values: int
    scalar_differing: int
    baseline_error: float | None

    @property
    def passed(self) -> bool:
        """True when no bit differs."""
        return self.differing == 0 and self.scalar_differing == 0


def supported_isas() -> tuple[str, ...]:
    """Names of the instruction sets that this machine runs, best first."""
    return tuple(row["name"] for row in cpu_features()["available"] if row["supported"])


@contextmanager
def isa_kept() -> Iterator[None]:
    """Put the instruction set in use back when the block ends."""
    before = cpu_features()["isa"]
    try:
        yield
    finally:
        _core.select_isa(before)


def isa_cells(
    operations: Sequence[Operation], contender: Contender, names: Sequence[str], count: int
) -> list[Cell]:
    """One cell per operation, whose contenders are the instruction sets; measure them inside `isa_kept`."""
    cells = []
    for operation in operations:
        rows = min(count, _LISTED_ROWS) if operation.listed else count
        work = partial(contender.binders[operation.binder], operation.rows(rows))
        entries = [Entry(name, work, partial(_core.select_isa, name)) for name in names]
        cells.append(Cell(operation.name, rows, entries))
    return cells


def compare_bits(
    names: Sequence[str], count: int = 10_000, kinds: Sequence[str] = (EUROPEAN, LISTED)
) -> BitComparison:
    """Compute prices, all Greeks and implied vols with each instruction set and compare the bits.

    Args:
        names: supported instruction sets, best first.
        count: market rows and, of implied vols, as many of the tails; at most 320 listed options of each sort.
        kinds: of `EUROPEAN`, `LISTED`.
    """
    fused = [name for name in names if name != _BASELINE] or [names[0]]
    with isa_kept():
        reference, *others = (_computed_by(name, count, kinds) for name in fused)
        baseline_error = _baseline_error(names, fused[0], count) if EUROPEAN in kinds else None
        _core.select_isa(fused[0])
        single, batch = _single_and_batch(kinds)
    return BitComparison(
        names=tuple(fused),
        values=reference.size,
        differing=sum(_differing(reference, other) for other in others),
        scalar_values=single.size,
        scalar_differing=_differing(single, batch),
        baseline_error=baseline_error,
    )


def _computed_by(name: str, count: int, kinds: Sequence[str]) -> Floats:
    """(M,) price, all outputs and vols of market rows and of tails, then of listed options."""
    _core.select_isa(name)
    values = []
    if EUROPEAN in kinds:
        values += [_outputs(rows).ravel() for rows in (market_rows(count), tail_rows(count))]
    if LISTED in kinds:
        values += listed_values(min(count, _LISTED_BITS))
    return np.concatenate(values)


def _outputs(rows: Rows) -> Floats:
    contract = (rows.right, rows.spot, rows.strike, rows.years, rows.rate)
    greeks = pricing.greeks(*contract, rows.vol, dividend_yield=rows.dividend_yield, order=3)
    price = pricing.price(*contract, rows.vol, dividend_yield=rows.dividend_yield)
    vol = pricing.implied_vol(rows.price, *contract, dividend_yield=rows.dividend_yield)
    return np.vstack([price, *greeks.values(), vol])


def _single_and_batch(kinds: Sequence[str]) -> tuple[Floats, Floats]:
    """Price and vol of the first rows, one call each, and by one call for all."""
    singles, batches = [], []
    if EUROPEAN in kinds:
        rows = quoted_rows(_SCALAR_ROWS)
        singles.append(np.array([_single(rows.take([row])) for row in range(_SCALAR_ROWS)]).T.ravel())
        batches.append(_outputs(rows)[[0, -1]].ravel())
    if LISTED in kinds:
        single, batch = listed_single_and_batch(_SCALAR_ROWS // 4)
        singles.append(single)
        batches.append(batch)
    return np.concatenate(singles), np.concatenate(batches)


def _single(row: Rows) -> tuple[float, float]:
    right, dividend_yield = int(row.right[0]), float(row.dividend_yield[0])
    spot, strike, years, rate = (
        float(row.spot[0]),
        float(row.strike[0]),
        float(row.years[0]),
        float(row.rate[0]),
    )
    contract = right, spot, strike, years, rate
    return (
        pricing.price(*contract, float(row.vol[0]), dividend_yield=dividend_yield),
        pricing.implied_vol(float(row.price[0]), *contract, dividend_yield=dividend_yield),
    )


def _differing(one: Floats, other: Floats) -> int:
    same = (one.view(np.uint64) == other.view(np.uint64)) | (np.isnan(one) & np.isnan(other))
    return int(np.count_nonzero(~same))


def _baseline_error(names: Sequence[str], best: str, count: int) -> float | None:
    """The largest relative difference of prices and vols; out of the money, where they are well conditioned."""
    if _BASELINE not in names or best == _BASELINE:
        return None
    rows, found = quoted_rows(count), []
    for name in (_BASELINE, best):
        _core.select_isa(name)
        found.append(_outputs(rows)[[0, -1]])
    return float(np.max(np.abs(found[0] / found[1] - 1)))
