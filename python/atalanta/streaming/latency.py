"""Latencies as histograms that can be added: quantiles within 3.2 %. Main entry: `Latency`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import _core

__all__ = ["Latency"]

Counts = npt.NDArray[np.uint64]


@cache
def _edges() -> Counts:
    return _core.histogram_edges()


@dataclass(frozen=True, eq=False)
class Latency:
    """Numbers of nanoseconds, counted in 32 buckets per doubling.

    Attributes:
        buckets: (1920,) counts.
        most_ns: the largest of them, exactly.
    """

    buckets: Counts
    most_ns: int

    @classmethod
    def of(cls, native: dict[str, Any]) -> Latency:
        """From what the engine gives."""
        return cls(native["buckets"], int(native["most"]))

    @property
    def count(self) -> int:
        """How many were counted."""
        return int(self.buckets.sum())

    def quantile_ns(self, share: float) -> float:
        """The upper end of the bucket in which that share of all is reached; NaN when nothing was counted."""
        count = self.count
        if count == 0:
            return float("nan")
        rank = max(1, int(np.ceil(min(max(share, 0.0), 1.0) * count)))
        bucket = int(np.searchsorted(np.cumsum(self.buckets), rank))
        edges = _edges()
        upper = int(edges[bucket + 1]) - 1 if bucket + 1 < len(edges) else self.most_ns
        return float(min(upper, max(self.most_ns, int(edges[bucket]))))

    def share_above(self, ns: float) -> float:
        """The share in buckets that lie wholly above; 0 when nothing was counted."""
        above = self.buckets[_edges() > ns].sum()
        return float(above) / self.count if self.count else 0.0

    def __add__(self, other: Latency) -> Latency:
        return Latency(self.buckets + other.buckets, max(self.most_ns, other.most_ns))

    def __sub__(self, earlier: Latency) -> Latency:
        """What was counted since an earlier reading of the same histogram; the largest is that of all time."""
        return Latency(self.buckets - earlier.buckets, self.most_ns)

    def __repr__(self) -> str:
        p50, p99, p999 = (self.quantile_ns(share) / 1e3 for share in (0.5, 0.99, 0.999))
        return f"<Latency: {self.count:,}, p50 {p50:.3g} us, p99 {p99:.3g} us, p99.9 {p999:.3g} us>"

    def as_dict(self, raw: bool = False) -> dict[str, Any]:
        """For a document: count and quantiles in nanoseconds; `raw` adds [lower edge, count] of each bucket in use."""
        told: dict[str, Any] = {"count": self.count, "most_ns": self.most_ns}
        for name, share in (("p50_ns", 0.5), ("p90_ns", 0.9), ("p99_ns", 0.99), ("p999_ns", 0.999)):
            told[name] = self.quantile_ns(share)
        if raw:
            used = np.flatnonzero(self.buckets)
            told["buckets"] = [[int(_edges()[i]), int(self.buckets[i])] for i in used]
        return told
