"""One run of the streaming benchmark. Main entry: `run_streaming_session`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atalanta.benchmarking.streaming import kills, loads, measures
from atalanta.benchmarking.streaming.figures import Figure, judge_streaming
from atalanta.benchmarking.streaming.peer import nautilus_backtest
from atalanta.errors import MissingExtraError

__all__ = ["StreamingSession", "run_streaming_session"]


@dataclass(frozen=True)
class StreamingSession:
    """Every figure, the histograms behind them, and what was left out."""

    figures: tuple[Figure, ...]
    raw: dict[str, Any]
    missing: tuple[str, ...]

    def as_dict(self, raw: bool = False) -> dict[str, Any]:
        """For the document; `raw` adds the histograms."""
        told: dict[str, Any] = {
            "figures": [figure.as_dict() for figure in self.figures],
            "targets": [verdict.as_dict() for verdict in judge_streaming(self.figures)],
            "missing": list(self.missing),
        }
        return {**told, "raw": self.raw} if raw else told


def run_streaming_session(
    quick: bool = False, data: Path | None = None, step: Callable[[str], None] = lambda _: None
) -> StreamingSession:
    """Measure everything.

    Args:
        quick: fewer rounds, shorter loads.
        data: folder of recorded ticks to replay; None leaves the replays out.
        step: told what is measured next.
    """
    rounds, seconds = (3, 2.0) if quick else (7, 10.0)
    figures: list[Figure] = []
    raw: dict[str, Any] = {}

    def measured(what: str, found: Iterable[Figure]) -> None:
        step(what)
        figures.extend(found)

    measured("costs of an event", measures.costs(rounds))
    measured("forwards", measures.forwards(rounds))
    measured("three stages", measures.saturated(rounds))
    missing: list[str] = []
    try:
        peer = nautilus_backtest()
    except MissingExtraError as error:
        peer = None
        missing.append(str(error))
    measured("delivery to Python", measures.delivery(rounds, peer=peer))
    measured("open loop", loads.open_loop(seconds, raw))
    measured("American contracts", loads.american_ticks(seconds, raw))
    measured("overload", loads.overload(seconds, raw))
    if kills.installed():
        often, open_for = (5, 0.5) if quick else (20, 1.0)
        measured("kills of a message server", kills.server_kills(often, open_for, raw))
    else:
        missing.append(f"kills of a message server: {kills.SERVER} or nats-py is not installed")
    if data is None:
        missing.append("replays of recorded ticks: name their folder with --data")
    else:
        measured("replays", loads.replays(data, 2 * seconds, raw))
    return StreamingSession(tuple(figures), raw, tuple(missing))
