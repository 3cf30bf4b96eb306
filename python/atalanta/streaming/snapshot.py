"""A stream at one moment: the account of all events, latencies, the book. Main entry: `Snapshot`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atalanta.streaming.latency import Latency

__all__ = ["STAGES", "BookGreeks", "ProcessorReport", "Snapshot"]

STAGES = ("market_data", "pricing", "risk")


@dataclass(frozen=True)
class BookGreeks:
    """The Greeks of all positions, raw: vega per 1.00 of volatility, theta per year, summed over underlyings.

    `pnl` is the profit against the first value of each position since its quantity was set; `delta_cash` is delta times
    spot, which may be added over underlyings; `priced` of `positions` are in the sums.
    """

    value: float
    pnl: float
    delta: float
    gamma: float
    vega: float
    theta: float
    delta_cash: float
    positions: int
    priced: int


@dataclass(frozen=True)
class ProcessorReport:
    """What a processor has done.

    Attributes:
        name: its name.
        handled: results given to it.
        skipped: results that `should_process` did not want.
        missed: results that came while its ring was full.
        late: calls that ended after `latency_target`, counted from the oldest result's intended time.
        failures: calls that raised.
        last_error: the last exception as text.
    """

    name: str
    handled: int
    skipped: int
    missed: int
    late: int
    failures: int
    last_error: str | None


@dataclass(frozen=True)
class Snapshot:
    """Read at one moment; `exact` says that every event is accounted for.

    Attributes:
        events_in, out, conflated, expired, in_flight: of the account.
        dropped: by reason: full, unknown_key, bad_record, duplicate, out_of_order, shed, late, halted.
        late, late_by_stall: by stage: results beyond the budget, and those of them that overlap a stall of the
            operating system.
        mode: normal, conflating or shedding, at the end of the last batch.
        halted: the stage whose budget halted the stream, or None.
        seen: further counts: gaps, missing, recovered, crossed, locked, stale, no_vol, refreshes, stalls, ...
        latency: `queue_wait`, and `STAGE.service` and `STAGE.total` of each stage that runs.
        book: Greeks of the positions.
        processors: one report each.
    """

    events_in: int
    out: int
    conflated: int
    dropped: Mapping[str, int]
    expired: int
    in_flight: int
    late: Mapping[str, int]
    late_by_stall: Mapping[str, int]
    mode: str
    halted: str | None
    seen: Mapping[str, int]
    latency: Mapping[str, Latency]
    book: BookGreeks
    processors: tuple[ProcessorReport, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether in = out + conflated + dropped + expired + in flight."""
        gone = self.out + self.conflated + sum(self.dropped.values()) + self.expired + self.in_flight
        return self.events_in == gone

    def as_dict(self, raw: bool = False) -> dict[str, Any]:
        """For a document; `raw` adds the buckets of the histograms."""
        return {
            "in": self.events_in,
            "out": self.out,
            "conflated": self.conflated,
            "dropped": dict(self.dropped),
            "expired": self.expired,
            "in_flight": self.in_flight,
            "exact": self.exact,
            "late": dict(self.late),
            "late_by_stall": dict(self.late_by_stall),
            "mode": self.mode,
            "halted": self.halted,
            "seen": dict(self.seen),
            "latency": {name: each.as_dict(raw) for name, each in self.latency.items()},
            "book": vars(self.book),
            "processors": [vars(each) for each in self.processors],
        }


def snapshot_of(
    account: dict[str, Any],
    histograms: dict[str, Any],
    book: dict[str, Any],
    processors: tuple[ProcessorReport, ...],
) -> Snapshot:
    """From what the engine gives."""
    return Snapshot(
        events_in=account["in"],
        out=account["out"],
        conflated=account["conflated"],
        dropped=account["dropped"],
        expired=account["expired"],
        in_flight=account["in_flight"],
        late=account["late"],
        late_by_stall=account["late_by_stall"],
        mode=account["mode"],
        halted=account["halted"],
        seen=account["seen"],
        latency={name: Latency.of(each) for name, each in histograms.items()},
        book=BookGreeks(**book),
        processors=processors,
    )
