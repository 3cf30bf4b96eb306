"""One measured number of the streaming benchmark, and where the targets stand. Main entries: `Figure`, `judge_streaming`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from atalanta.benchmarking.verdict import Verdict

__all__ = ["TARGETS", "Figure", "judge_streaming"]


@dataclass(frozen=True)
class Figure:
    """`value` of `what`; `note` says under which conditions."""

    what: str
    value: float
    unit: str
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For the document."""
        return asdict(self)


#: what is measured: at most (-1) or at least (+1), the limit, the unit.
TARGETS: dict[str, tuple[int, float, str]] = {
    "histogram record": (-1, 3.0, "ns"),
    "added cost of an event": (-1, 15.0, "ns"),
    "market-data stage alone": (1, 30.0, "M/s"),
    "push_many": (1, 15.0, "M/s"),
    "3 stages, 8 options an event": (1, 4.0, "M/s"),
    "the same: asyncio.Queue, 3 hops": (1, 10.0, "x"),
    "delivered to Python in batches": (1, 2.0, "M/s"),
    "delivered to Python in batches: nautilus_trader": (1, 10.0, "x"),
    "open loop, p50": (-1, 2.0, "us"),
    "open loop, p99 beyond the floor": (-1, 20.0, "us"),
    "open loop, misses without a stall": (-1, 1e-6, ""),
    "200 American contracts, p99 of a tick": (-1, 500.0, "us"),
    "overload, p99: unloaded": (-1, 10.0, "x"),
    "overload, recovery": (-1, 10.0, "ms"),
    "server killed, slowest recovery: open time": (-1, 1.2, "x"),
    "server killed, events lost or doubled": (-1, 0.0, ""),
}


def judge_streaming(figures: Iterable[Figure]) -> list[Verdict]:
    """The targets whose figures were measured."""
    found = {figure.what: figure.value for figure in figures}
    judged = []
    for what, (sign, limit, unit) in TARGETS.items():
        if what in found:
            make = Verdict.at_least if sign > 0 else Verdict.at_most
            judged.append(make(what, found[what], limit, unit))
    for what, value in found.items():
        if what.startswith("replay") and what.endswith("misses without a stall"):
            judged.append(Verdict.at_most(what, value, 0.0, ""))
    return judged
