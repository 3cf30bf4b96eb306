"""How long each stage of an analysis takes, measured on the chain at hand. Main entry: `time_stages`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from atalanta import pricing
from atalanta.market.analysis import analyze
from atalanta.market.analysis.forwards import fit_forwards
from atalanta.market.analysis.row_values import batches, implied_vols, quoted, values
from atalanta.market.chain import Chain

__all__ = ["Stage", "time_stages"]

#: A stage is repeated until it has run this often, or this long (seconds); the median counts.
_REPEATS = 7
_PATIENCE = 0.3


@dataclass(frozen=True)
class Stage:
    """One stage: `seconds` for `count` items, of what `item` names."""

    name: str
    seconds: float
    count: int
    item: str

    @property
    def ns_per_item(self) -> float:
        """Nanoseconds for each item."""
        return 1e9 * self.seconds / max(self.count, 1)

    def as_dict(self) -> dict[str, Any]:
        """The stage in plain types, for JSON."""
        return {**self.__dict__, "ns_per_item": self.ns_per_item}


def time_stages(
    chain: Chain, before: tuple[Stage, ...], terms: Mapping[str, Any] | None = None
) -> tuple[Stage, ...]:
    """Repeat every stage of the analysis on these rows and take the median.

    Args:
        chain: the N quotes that were analysed.
        before: the stages that produced the chain, already timed.
        terms: what `analyze` was given by name: rate, dividends, borrow, tolerance.

    Returns:
        The stages before, forwards, implied vols, Greeks, and the analysis as a whole.
    """
    given = dict(terms or {})
    rows = len(chain)
    fit = fit_forwards(chain, **given)
    parts = [(batch, values(batch, quoted(chain).take(batch.rows)).iv_mid) for batch in batches(chain, fit)]

    def invert() -> None:
        for batch, _ in parts:
            implied_vols(batch, quoted(chain).take(batch.rows))

    def differentiate() -> None:
        for batch, vol in parts:
            pricing.greeks(*batch.contract, vol, order=1, **batch.terms)

    return (
        *before,
        Stage("forwards", _median(lambda: fit_forwards(chain, **given)), rows, "contract"),
        Stage("implied vols", _median(invert), 3 * rows, "vol"),
        Stage("Greeks", _median(differentiate), rows, "contract"),
        Stage("whole analysis", _median(lambda: analyze(chain, **given)), rows, "contract"),
    )


def _median(work: Callable[[], object]) -> float:
    taken: list[float] = []
    while not taken or (len(taken) < _REPEATS and sum(taken) < _PATIENCE):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
