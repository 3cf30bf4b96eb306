"""Streaming: quotes in; fresh volatilities, Greeks and book numbers out, within budgets, every event accounted for.

Names are imported when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atalanta.streaming.errors import EventLostError, FeedError, StreamHaltedError
    from atalanta.streaming.feeds.files import Recording, read_ticks
    from atalanta.streaming.feeds.nats_feed import NatsFeed
    from atalanta.streaming.feeds.nats_publisher import NatsPublisher
    from atalanta.streaming.feeds.protocol import Feed
    from atalanta.streaming.feeds.publishing import PublishReport, publish_feed
    from atalanta.streaming.feeds.replay import ReplayFeed
    from atalanta.streaming.feeds.session import FeedReport, run_feed
    from atalanta.streaming.feeds.simulated import SimulatorFeed
    from atalanta.streaming.latency import Latency
    from atalanta.streaming.live_grid import StreamGrid
    from atalanta.streaming.producer import Producer
    from atalanta.streaming.records import EVENT, QUOTE, RESULT, TRADE, StreamFlag, stream_flag_names
    from atalanta.streaming.results import Results
    from atalanta.streaming.scenarios import ScenarioGrid, Scenarios
    from atalanta.streaming.settings import Budget, StreamSettings, Watermarks
    from atalanta.streaming.snapshot import BookGreeks, ProcessorReport, Snapshot
    from atalanta.streaming.stream import Stream
    from atalanta.streaming.universe import Universe

_MODULE_OF = {
    "EVENT": "records",
    "QUOTE": "records",
    "RESULT": "records",
    "TRADE": "records",
    "BookGreeks": "snapshot",
    "Budget": "settings",
    "EventLostError": "errors",
    "Feed": "feeds.protocol",
    "FeedError": "errors",
    "FeedReport": "feeds.session",
    "Latency": "latency",
    "NatsFeed": "feeds.nats_feed",
    "NatsPublisher": "feeds.nats_publisher",
    "ProcessorReport": "snapshot",
    "PublishReport": "feeds.publishing",
    "Recording": "feeds.files",
    "ReplayFeed": "feeds.replay",
    "Producer": "producer",
    "Results": "results",
    "ScenarioGrid": "scenarios",
    "Scenarios": "scenarios",
    "SimulatorFeed": "feeds.simulated",
    "Snapshot": "snapshot",
    "Stream": "stream",
    "StreamFlag": "records",
    "StreamGrid": "live_grid",
    "StreamHaltedError": "errors",
    "StreamSettings": "settings",
    "Universe": "universe",
    "Watermarks": "settings",
    "publish_feed": "feeds.publishing",
    "read_ticks": "feeds.files",
    "run_feed": "feeds.session",
    "stream_flag_names": "records",
}

__all__ = [
    "EVENT",
    "QUOTE",
    "RESULT",
    "TRADE",
    "BookGreeks",
    "Budget",
    "EventLostError",
    "Feed",
    "FeedError",
    "FeedReport",
    "Latency",
    "NatsFeed",
    "NatsPublisher",
    "ProcessorReport",
    "Producer",
    "PublishReport",
    "Recording",
    "ReplayFeed",
    "Results",
    "ScenarioGrid",
    "Scenarios",
    "SimulatorFeed",
    "Snapshot",
    "Stream",
    "StreamFlag",
    "StreamGrid",
    "StreamHaltedError",
    "StreamSettings",
    "Universe",
    "Watermarks",
    "publish_feed",
    "read_ticks",
    "run_feed",
    "stream_flag_names",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'atalanta.streaming' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"atalanta.streaming.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
