"""What is measured of the engine on its own thread, under loads that come by the clock. Main entries: those that give figures."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from atalanta import _core
from atalanta.benchmarking.streaming.figures import Figure
from atalanta.benchmarking.streaming.workloads import (
    book_of_eights,
    many_quotes,
    one_expiry,
    ticks,
    unbounded,
)
from atalanta.streaming.feeds.files import read_ticks
from atalanta.streaming.feeds.replay import ReplayFeed
from atalanta.streaming.feeds.session import run_feed
from atalanta.streaming.latency import Latency
from atalanta.streaming.settings import Executor, StreamSettings, Watermarks
from atalanta.streaming.snapshot import STAGES, Snapshot
from atalanta.streaming.stream import Stream

__all__ = ["american_ticks", "open_loop", "overload", "replays"]

Raw = dict[str, Any]


def _executor() -> Executor:
    """A thread that never rests needs a processor of its own, beside the one that sends."""
    return "pinned" if (os.cpu_count() or 1) >= 2 else "hybrid"


def _unexplained(snapshot: Snapshot) -> float:
    """The largest share of late results of a stage that no stall explains."""
    worst = max(snapshot.late[stage] - snapshot.late_by_stall[stage] for stage in STAGES)
    return worst / max(1, snapshot.out)


def open_loop(seconds: float, raw: Raw, rate: float = 100_000.0) -> Iterator[Figure]:
    """Events by the clock, each counted from when it should have come; the floor is the sender's own lateness."""
    universe = book_of_eights(16, 8)
    with Stream(universe, executor=_executor(), settings=unbounded()) as stream:
        events = many_quotes(universe, 8192)
        _core.stream_open_loop(stream._producer, events, rate, 0.2)
        time.sleep(0.05)
        stream.clear_latencies()
        before = stream.snapshot()
        sent = _core.stream_open_loop(stream._producer, events, rate, seconds)
        time.sleep(0.05)
        after = stream.snapshot()
    total, floor = after.latency["risk.total"], Latency.of(sent["floor"])
    raw["open loop"] = {"total": total.as_dict(True), "floor": floor.as_dict(True), **after.as_dict()}
    note = f"{rate:,.0f} quotes a second for {seconds:g} s, 3 stages; floor p50 {floor.quantile_ns(0.5) / 1e3:.2f} us, p99 {floor.quantile_ns(0.99) / 1e3:.1f} us"
    yield Figure("open loop, p50", total.quantile_ns(0.5) / 1e3, "us", note)
    yield Figure("open loop, p99", total.quantile_ns(0.99) / 1e3, "us")
    yield Figure("open loop, p99.9", total.quantile_ns(0.999) / 1e3, "us")
    yield Figure(
        "open loop, p99 beyond the floor", (total.quantile_ns(0.99) - floor.quantile_ns(0.99)) / 1e3, "us"
    )
    out = after.out - before.out
    late = max(
        (after.late[s] - before.late[s]) - (after.late_by_stall[s] - before.late_by_stall[s]) for s in STAGES
    )
    yield Figure(
        "open loop, misses without a stall",
        late / max(1, out),
        "",
        f"of {out:,}; {after.seen['stalls'] - before.seen['stalls']:,} stalls",
    )


def american_ticks(seconds: float, raw: Raw, rate: float = 500.0) -> Iterator[Figure]:
    """A tick of the underlying refreshes an expiry of 200 American contracts, exact solves coming in from behind."""
    universe = one_expiry()
    settings = unbounded(refresh_after=60.0)
    with Stream(universe, executor=_executor(), settings=settings) as stream:
        for event in ticks(universe, 1):
            stream.push(
                int(event["key"]), float(event["bid"]), float(event["ask"]), time_ns=int(event["time_ns"])
            )
        time.sleep(0.05)
        stream.refresh()
        time.sleep(0.05)
        stream.clear_latencies()
        _core.stream_open_loop(stream._producer, ticks(universe, 4096, step=2e-4), rate, seconds)
        time.sleep(0.05)
        snapshot = stream.snapshot()
    service = snapshot.latency["pricing.service"]
    raw["american ticks"] = snapshot.as_dict(True)
    note = f"{rate:g} ticks a second for {seconds:g} s; {snapshot.seen['refreshes']} exact solves came in"
    yield Figure("200 American contracts, p50 of a tick", service.quantile_ns(0.5) / 1e3, "us", note)
    yield Figure("200 American contracts, p99 of a tick", service.quantile_ns(0.99) / 1e3, "us", note)


def overload(seconds: float, raw: Raw) -> Iterator[Figure]:
    """Twice what the engine can do, with conflation: ticks of 8 underlyings with 1,000 contracts each."""
    universe = book_of_eights(8, 1000)
    settings = StreamSettings(conflation="quotes", watermarks=Watermarks(32, 8, 49_152, 16_384))
    events = ticks(universe, 4096)
    alone = Stream(universe, settings=unbounded())
    capacity = 1e9 / _core.stream_saturated_ns(alone._core, alone._producer, events, 2, 256)
    with Stream(universe, executor=_executor(), settings=settings) as stream:
        quiet = _loaded(stream, events, 0.1 * capacity, min(seconds, 2.0))
        resident = _core.resident_bytes()
        loaded = _loaded(stream, events, 2.0 * capacity, seconds)
        begin = time.perf_counter()
        while (now := stream.snapshot()).in_flight or now.mode != "normal":
            if time.perf_counter() - begin > 5.0:
                break
            stream.push(0, 99.99, 100.01, time_ns=int(events["time_ns"][0]))
            time.sleep(1e-4)
        recovered = time.perf_counter() - begin
        grown = _core.resident_bytes() - resident
        last = stream.snapshot()
    p99, unloaded = loaded.quantile_ns(0.99), quiet.quantile_ns(0.99)
    raw["overload"] = {"unloaded": quiet.as_dict(True), "loaded": loaded.as_dict(True), **last.as_dict()}
    note = f"{2 * capacity:,.0f} ticks a second for {seconds:g} s; {100 * last.conflated / max(1, last.events_in):.0f} % conflated, {sum(last.dropped.values()):,} dropped"
    yield Figure("overload, p99 delivered", p99 / 1e3, "us", note)
    yield Figure("overload, p99: unloaded", p99 / unloaded, "x", f"unloaded {unloaded / 1e3:.1f} us")
    yield Figure("overload, recovery", 1e3 * recovered, "ms")
    yield Figure(
        "overload, memory grown", grown / (1 << 20), "MiB", "of the process; rings were touched before"
    )
    yield Figure("overload, account exact", float(last.exact), "")


def _loaded(stream: Stream, events: Any, rate: float, seconds: float) -> Latency:
    stream.clear_latencies()
    _core.stream_open_loop(stream._producer, events, rate, seconds)
    return stream.snapshot().latency["risk.total"]


def replays(folder: Path, seconds: float, raw: Raw) -> Iterator[Figure]:
    """Real ticks at ten times their speed: a crypto book with its trades, and minute bursts of a chain."""
    crypto = [folder / f"ticks_btcusdt_usdm_20240808_{kind}.parquet" for kind in ("bbo", "trades")]
    chain = [folder / f"{kind}_goog_20151223.parquet" for kind in ("optmin", "eqmin")]
    for name, files in (("btcusdt", crypto), ("goog", chain)):
        if not all(path.is_file() for path in files):
            continue
        recording = read_ticks(*files)
        recording = recording.part(
            int(np.argmax(recording.events["source"] == 0))
        )  # not before the first file begins
        with Stream(recording.universe(), executor="hybrid") as stream:
            asyncio.run(_replayed(stream, ReplayFeed(recording, speed=10.0), seconds))
            snapshot = stream.stop()
        raw[f"replay {name}"] = snapshot.as_dict(True)
        total = snapshot.latency["risk.total"]
        note = f"{snapshot.out:,} events; account {'exact' if snapshot.exact else 'WRONG'}; {snapshot.seen['stalls']:,} stalls"
        yield Figure(f"replay {name} at 10x, p99", total.quantile_ns(0.99) / 1e3, "us", note)
        yield Figure(f"replay {name} at 10x, misses without a stall", _unexplained(snapshot), "", note)


async def _replayed(stream: Stream, feed: ReplayFeed, seconds: float) -> None:
    task = asyncio.ensure_future(run_feed(stream, feed))
    await asyncio.wait({task}, timeout=seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
