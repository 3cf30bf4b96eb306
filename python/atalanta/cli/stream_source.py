"""What `--feed` names: the simulated market, recorded ticks, or a server. Main entries: `Source`, `open_feed`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from atalanta.errors import InputError
from atalanta.streaming.feeds.files import Recording, read_ticks
from atalanta.streaming.feeds.nats_feed import NatsFeed
from atalanta.streaming.feeds.pacing import FASTEST, SLOWEST
from atalanta.streaming.feeds.protocol import Feed
from atalanta.streaming.feeds.replay import ReplayFeed
from atalanta.streaming.feeds.simulated import SimulatorFeed
from atalanta.streaming.universe import Universe

__all__ = ["SIMULATED", "Opened", "Source", "is_server", "open_feed", "parse_speed"]

_ORIGIN = "cli.stream"

SIMULATED = "sim"
_SESSION_SECONDS = 23_400.0


@dataclass(frozen=True)
class Source:
    """What was asked for; `speed` is None for as fast as possible, `ticks` are simulated ones a second, `rate` is interest."""

    names: tuple[str, ...]
    speed: float | None = 1.0
    seconds: float | None = None
    ticks: float = 20_000.0
    rate: float = 0.0
    seed: int = 7


@dataclass(frozen=True)
class Opened:
    """A feed, the instruments that it is of, what is to be said of it, and how many events it has, where that is known."""

    feed: Feed
    universe: Universe
    notes: tuple[str, ...] = ()
    total: int | None = None


def is_server(name: str) -> bool:
    """Whether it is an address and no file."""
    return "://" in name or name.startswith(("nats:", "tls:"))


def parse_speed(text: str) -> float | None:
    """A number, or None for `max`.

    Raises:
        InputError: neither, or not from 0.001 to 1e9.
    """
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not SLOWEST <= speed <= FASTEST:
        raise InputError(f"[{_ORIGIN}] --speed {text}: give a number from {SLOWEST:g} to {FASTEST:g}, or max")
    return speed


def open_feed(source: Source) -> Opened:
    """The feed, not connected yet.

    Raises:
        InputError: names that do not go together, a file that cannot be read, seconds out of range.
        FeedError: a server that is not there, or where nobody publishes.
    """
    if source.seconds is not None and not 0.0 < source.seconds <= _SESSION_SECONDS:
        raise InputError(f"[{_ORIGIN}] --seconds {source.seconds:g}: give seconds above 0, at most 23400")
    if not -1.0 <= source.rate <= 1.0:
        raise InputError(
            f"[{_ORIGIN}] --rate {source.rate:g}: give a decimal from -1 to 1, 0.05 for 5 % (--ticks: simulated ticks a second)"
        )
    alone = [name for name in source.names if name == SIMULATED or is_server(name)]
    if alone and len(source.names) > 1:
        raise InputError(f"[{_ORIGIN}] --feed {alone[0]} goes with no other feed: name files, or it alone")
    if not alone:
        recording = read_ticks(*source.names)
        feed = ReplayFeed(recording, speed=source.speed)
        notes = (*recording.notes, _how_long(recording, source.speed))
        return Opened(feed, recording.universe(rate=source.rate), notes, len(recording))
    return _simulated(source) if alone[0] == SIMULATED else _served(alone[0])


def _how_long(recording: Recording, speed: float | None) -> str:
    """Minutes without an event look like a feed that hangs."""
    told = f"{len(recording):,} events over {recording.seconds:,.0f} s"
    return told if speed is None else f"{told}, {recording.seconds / speed:,.0f} s at --speed {speed:g}"


def _simulated(source: Source) -> Opened:
    wall = 10.0 if source.seconds is None else source.seconds
    market_seconds = min(wall * (source.speed or 1.0), _SESSION_SECONDS)
    feed = SimulatorFeed(seed=source.seed, seconds=market_seconds, rate=source.ticks, speed=source.speed)
    return Opened(feed, feed.universe(), feed.notes)


def _served(address: str) -> Opened:
    feed = NatsFeed(address)
    universe = asyncio.run(feed.universe())
    return Opened(feed, universe, (f"events published from now on at {feed.name}",))
