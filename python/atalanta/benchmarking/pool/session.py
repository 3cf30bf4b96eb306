"""One run of the pool's benchmark. Main entry: `run_pool_session`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from atalanta import _core
from atalanta.benchmarking.pool import measures
from atalanta.benchmarking.pool.allocators import GLIBC_ALIGNED, find_allocators
from atalanta.benchmarking.pool.figures import Figure, judge_pool
from atalanta.benchmarking.pool.replays import replayed
from atalanta.benchmarking.pool.workloads import (
    TUNED_ON,
    mixed_sizes,
    record_chains,
    record_day,
    record_watch_list,
)

__all__ = ["PoolSession", "run_pool_session"]


@dataclass(frozen=True)
class PoolSession:
    """Every figure, and a remark for each peer that was not found."""

    figures: tuple[Figure, ...]
    missing: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For the document."""
        return {
            "figures": [figure.as_dict() for figure in self.figures],
            "targets": [verdict.as_dict() for verdict in judge_pool(self.figures)],
            "missing": list(self.missing),
        }


def run_pool_session(quick: bool = False, step: Callable[[str], None] = lambda _: None) -> PoolSession:
    """Measure everything, allocators in turn.

    Args:
        quick: fewer rounds and one shorter trace.
        step: told what is measured next.
    """
    allocators, missing = find_allocators()
    rounds = 3 if quick else 9
    figures: list[Figure] = []

    def measured(what: str, found: Iterable[Figure]) -> None:
        step(what)
        figures.extend(found)

    measured("native pairs", measures.native_pairs(allocators, rounds))
    measured("arrays from Python", measures.from_python(rounds))
    measured("large arrays", measures.large_arrays(rounds))
    measured("growing sizes", measures.growing())
    measured("predictions", measures.predictions(TUNED_ON + 1))
    if _core.resident_bytes() == 0:
        missing.append("traces are not replayed: this system does not say how much memory a process has")
        return PoolSession(tuple(figures), tuple(missing))
    names = [one.name for one in allocators if one.name != GLIBC_ALIGNED]
    for seed in (TUNED_ON + 1,) if quick else (TUNED_ON + 1, TUNED_ON + 101):
        step("recording analyses of chains")
        chains = record_chains(seed, 15 if quick else 60)
        measured("replaying them", replayed(f"chains, seed {seed}", chains, names, 1 if quick else 3))
    step("recording a watch list")
    watched = record_watch_list(TUNED_ON + 1, 15 if quick else 150, 8 if quick else 24)
    measured("replaying it", replayed("watch list", watched, names, 1 if quick else 3))
    step("recording a day")
    day = record_day(TUNED_ON + 1, 30 if quick else 195)
    measured("replaying it", replayed("a day", day, names, 1 if quick else 3))
    mixed = mixed_sizes(TUNED_ON + 1)
    measured("replaying mixed sizes", replayed("mixed sizes", mixed, names, 1 if quick else 3))
    return PoolSession(tuple(figures), tuple(missing))
