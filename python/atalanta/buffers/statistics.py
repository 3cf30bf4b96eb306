"""What a pool tells of itself, as frozen records. Main entries: `PoolStatistics`, `LiveBlock`, `GuardFault`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atalanta import _core

__all__ = ["GuardFault", "LiveBlock", "PoolStatistics", "TagStatistics", "read_statistics"]


@dataclass(frozen=True)
class TagStatistics:
    """What was acquired under one tag; `""` is what came without a tag.

    Attributes:
        acquires: how often.
        misses: how often memory had to be fetched from the system for it.
        requested_bytes, block_bytes: what was asked for in all, and the blocks that were given.
        live_bytes, high_water_bytes: blocks that are held now, and the most that were at once. The latter is
            exact for one thread; several threads' peaks between two reports are added up. 0 without a tag.
        cached_bytes: blocks in threads' magazines that this tag had last.
        fallbacks: results that came from the system's allocator because the pool had no memory within its limit.
        predictor, score: which of the four predictors speaks for the tag, and its decayed share of hits.
        predicted_bytes: the block it expects to be asked for next; 0 before the first request.
        predictions, prediction_hits: requests that were predicted, and those that the block would have served.
    """

    acquires: int
    misses: int
    requested_bytes: int
    block_bytes: int
    live_bytes: int
    high_water_bytes: int
    cached_bytes: int
    fallbacks: int
    predictor: str
    score: float
    predicted_bytes: int
    predictions: int
    prediction_hits: int

    @property
    def hits(self) -> int:
        """Requests that were served from warm memory."""
        return self.acquires - self.misses

    @property
    def waste(self) -> float:
        """Share of the blocks' bytes beyond what was asked for."""
        return 1.0 - self.requested_bytes / self.block_bytes if self.block_bytes else 0.0


@dataclass(frozen=True)
class PoolStatistics:
    """A pool at one moment.

    Attributes:
        acquires, misses, requested_bytes, block_bytes, live_bytes, high_water_bytes: as in `TagStatistics`.
        held_bytes: memory the pool has from the system now; `high_water_held_bytes` the most it had.
        cached_bytes: of it, what nobody holds.
        cap_bytes: how much of that may stay while the pool is busy; it follows the live bytes.
        limit_bytes: of live blocks, None without a limit.
        given_back_bytes, prefaulted_bytes: returned to the system; fetched ahead of a predicted request.
        refused: requests that the pool did not serve. fallbacks: those of them that the system's allocator served
            instead: results of pricing functions, columns of an analysis.
        faults: what guards found.
        threads: with a cache of their own. housekeeper: whether its thread exists now.
        tags: by name.
    """

    acquires: int
    misses: int
    requested_bytes: int
    block_bytes: int
    live_bytes: int
    high_water_bytes: int
    held_bytes: int
    high_water_held_bytes: int
    cached_bytes: int
    cap_bytes: int
    limit_bytes: int | None
    given_back_bytes: int
    prefaulted_bytes: int
    refused: int
    fallbacks: int
    faults: int
    threads: int
    housekeeper: bool
    tags: Mapping[str, TagStatistics]

    @property
    def hits(self) -> int:
        """Requests that were served from warm memory."""
        return self.acquires - self.misses


@dataclass(frozen=True)
class LiveBlock:
    """A block that somebody holds. Without a tag its age is unknown (None), its size that of the block."""

    tag: str
    nbytes: int
    block_bytes: int
    age_seconds: float | None
    address: int


@dataclass(frozen=True)
class GuardFault:
    """What a guard found: `overrun` (written beyond the end) or `written after release`."""

    kind: str
    tag: str
    nbytes: int
    address: int


def read_statistics(pool: _core.Pool) -> PoolStatistics:
    """The figures of a pool now."""
    figures = _core.pool_figures(pool)
    limit = figures.pop("limit_bytes")
    figures.pop("trims")
    tags = {name: _tag(entry) for name, entry in _core.pool_tags(pool).items()}
    return PoolStatistics(**figures, limit_bytes=limit or None, tags=tags)


def _tag(entry: dict[str, Any]) -> TagStatistics:
    predictions, hits = entry.pop("predicted"), entry.pop("hits")
    return TagStatistics(**entry, predictions=predictions, prediction_hits=hits)
