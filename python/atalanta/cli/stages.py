"""How long each stage of an analysis takes, measured on the chain at hand. Main entry: `time_stages`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from atalanta import pricing
from atalanta.market.analysis import Analysis, analyze
from atalanta.market.analysis.forwards import fit_forwards
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
    chain: Chain, analysis: Analysis, before: tuple[Stage, ...], rate: float | None = None
) -> tuple[Stage, ...]:
    """Repeat every stage of the analysis on these rows and take the median.

    Args:
        chain: the N quotes that were analysed.
        analysis: what `analyze` made of them.
        before: the stages that produced the chain, already timed.
        rate: the flat rate the analysis was given, if any.

    Returns:
        The stages before, forwards, implied vols, Greeks, and the analysis as a whole.
    """
    rows, kernel = len(chain), _kernel_columns(analysis)
    quotes = [np.asarray(chain["bid"]), (chain["bid"] + chain["ask"]) / 2, np.asarray(chain["ask"])]

    def invert() -> None:
        for quote in quotes:
            pricing.implied_vol(quote, *kernel)

    vol = np.asarray(analysis["iv_mid"])
    return (
        *before,
        Stage("forwards", _median(lambda: fit_forwards(chain, rate)), rows, "contract"),
        Stage("implied vols", _median(invert), len(quotes) * rows, "vol"),
        Stage("Greeks", _median(lambda: pricing.greeks(*kernel, vol, order=1)), rows, "contract"),
        Stage("whole analysis", _median(lambda: analyze(chain, rate=rate)), rows, "contract"),
    )


def _kernel_columns(analysis: Analysis) -> tuple[Any, Any, Any, Any, Any]:
    years, discount = np.asarray(analysis["years"]), np.asarray(analysis["discount"])
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = -np.log(discount) / years
    prepaid = np.asarray(analysis["forward"]) * discount
    return analysis["right"], prepaid, analysis["strike"], years, rate


def _median(work: Callable[[], object]) -> float:
    taken: list[float] = []
    while not taken or (len(taken) < _REPEATS and sum(taken) < _PATIENCE):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
