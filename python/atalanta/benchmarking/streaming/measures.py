"""What is measured of the engine on one core, in processor time, contenders in turn. Main entries: those that give figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.benchmarking.streaming.figures import Figure
from atalanta.benchmarking.streaming.workloads import (
    book_of_eights,
    many_quotes,
    ticks,
    ticks_only,
    unbounded,
)
from atalanta.streaming.settings import Forwards
from atalanta.streaming.stream import Stream

__all__ = ["costs", "delivery", "forwards", "saturated"]

Batch = npt.NDArray[np.void]

_CHUNK = 4096


def costs(rounds: int) -> Iterator[Figure]:
    """Parts of an event's cost; the least of several readings."""
    values = np.exp(np.random.Generator(np.random.PCG64(3)).normal(8.0, 2.0, 8192)).astype(np.uint64)
    record = min(_core.stream_record_ns(values, 20) for _ in range(10 * rounds))
    yield Figure("histogram record", record, "ns")
    stream = Stream(ticks_only(), settings=unbounded(stages=1))
    events = ticks(stream.universe, 16_384)
    whole, bare = [], []
    for _ in range(10 * rounds):  # short ones, of which some are undisturbed
        whole.append(_core.stream_saturated_ns(stream._core, stream._producer, events, 3, _CHUNK))
        bare.append(_core.stream_market_stage_ns(stream._core, events, 3))
    yield Figure(
        "added cost of an event",
        min(whole) - min(bare),
        "ns",
        f"ring, dispatch, 2 histograms, budget, account: {min(whole):.1f} ns less {min(bare):.1f} ns of the stage's functions",
    )
    yield Figure("market-data stage alone", 1e3 / min(whole), "M/s", "with ring, histograms and account")
    yield Figure("push_many", _pushed(stream, rounds), "M/s", "structured array into the ring, from Python")


def _pushed(stream: Stream, rounds: int) -> float:
    events = ticks(stream.universe, 32_768)
    best = float("inf")
    for _ in range(3 * rounds):
        events["intended_ns"] = _core.monotonic_ns()
        begin = time.thread_time()
        taken = stream._producer.push_many(events)
        best = min(best, (time.thread_time() - begin) / taken)
        stream._core.pump()
    return 1e-6 / best


def forwards(rounds: int) -> Iterator[Figure]:
    """What a fit of a forward costs: 64 quotes of one expiry at a time, with forwards fitted after each and carried, in turn."""
    universe = book_of_eights(1, 64)
    events = many_quotes(universe, 4096)
    batches = len(events) // 64
    events["time_ns"] += np.arange(len(events)) // 64 * 200_000_000  # of the market: a fit each
    kinds: tuple[Forwards, ...] = ("fitted", "carried")
    streams = {kind: Stream(universe, settings=unbounded(stages=1, forwards=kind)) for kind in kinds}
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(20 * rounds):
        for kind, stream in streams.items():
            spent = _core.stream_saturated_ns(stream._core, stream._producer, events, 1, _CHUNK)
            taken[kind].append(spent)
        events["time_ns"] += batches * 200_000_000
    seen = streams["fitted"].snapshot().seen
    fits = (seen["forwards_fitted"] + seen["forwards_kept"]) / (20 * rounds)
    one = (min(taken["fitted"]) - min(taken["carried"])) * len(events) / max(1.0, fits)
    note = f"32 strikes around it; {min(taken['carried']):.0f} ns a quote of a contract without, market-data stage"
    yield Figure("a fit of a forward", 1e-3 * one, "us", note)


def saturated(rounds: int) -> Iterator[Figure]:
    """Three stages on one core beside three hops of asyncio that do nothing, in turn."""
    universe = book_of_eights()
    stream = Stream(universe, settings=unbounded(), positions=dict.fromkeys(universe.symbols[128:], 1.0))
    events = ticks(universe, 16_384)
    engine, hops = [], []
    for _ in range(3 * rounds):
        engine += [
            _core.stream_saturated_ns(stream._core, stream._producer, events, 1, _CHUNK) for _ in range(5)
        ]
        hops.append(asyncio.run(_three_hops(5_000)))
    stalled = stream.snapshot().seen["repriced"] / max(1, stream.snapshot().out)
    yield Figure(
        "3 stages, 8 options an event",
        1e3 / min(engine),
        "M/s",
        f"{stalled:.0f} contracts re-priced an event, all in the book",
    )
    yield Figure("asyncio.Queue, 3 hops", 1e-6 / min(hops), "M/s", "tasks that hand an object on")
    yield Figure("the same: asyncio.Queue, 3 hops", min(hops) / (1e-9 * min(engine)), "x")


async def _three_hops(count: int) -> float:
    """Seconds an item."""
    queues: list[asyncio.Queue[object]] = [asyncio.Queue(1024) for _ in range(4)]

    async def hop(source: asyncio.Queue[object], target: asyncio.Queue[object]) -> None:
        for _ in range(count):
            await target.put(await source.get())

    async def sink() -> None:
        for _ in range(count):
            await queues[3].get()

    begin = time.thread_time()
    tasks = [asyncio.create_task(hop(queues[i], queues[i + 1])) for i in range(3)] + [
        asyncio.create_task(sink())
    ]
    for i in range(count):
        await queues[0].put(i)
    await asyncio.gather(*tasks)
    return (time.thread_time() - begin) / count


def delivery(rounds: int, count: int = 400_000, peer: Callable[[], float] | None = None) -> Iterator[Figure]:
    """Every result into Python, in NumPy batches, by `async for`; the engine runs inline between them.

    Args:
        rounds: of which the best counts.
        count: results.
        peer: another library's seconds a tick, measured in turn.
    """
    batches, calls, others = [], [], []
    for _ in range(rounds):
        batches.append(asyncio.run(_delivered(count, _summed)))
        calls.append(asyncio.run(_delivered(count // 4, _one_by_one)))
        if peer is not None:
            others.append(peer())
    note = "market-data stage, one thread, a sum over each batch"
    yield Figure("delivered to Python in batches", 1e-6 / min(batches), "M/s", note)
    note = "the same batches, and a Python function called with key, bid and ask of each result"
    yield Figure("delivered to Python, a call for each", 1e-6 / min(calls), "M/s", note)
    if peer is None:
        return
    note = "backtest engine, one handler that counts; its work differs: a simulated exchange, a cache and a message bus for every tick"
    yield Figure("nautilus_trader", 1e-6 / min(others), "M/s", note)
    yield Figure("delivered to Python in batches: nautilus_trader", min(others) / min(batches), "x")
    yield Figure("delivered to Python, a call for each: nautilus_trader", min(others) / min(calls), "x")


def _summed(batch: Batch) -> float:
    return float(batch["spot"].sum())


def _one_by_one(batch: Batch) -> float:
    mids: dict[int, float] = {}

    def handler(key: int, bid: float, ask: float) -> None:
        mids[key] = 0.5 * (bid + ask)

    for key, bid, ask in zip(
        batch["key"].tolist(), batch["bid"].tolist(), batch["ask"].tolist(), strict=True
    ):
        handler(key, bid, ask)
    return sum(mids.values())


async def _delivered(count: int, handle: Callable[[Batch], float]) -> float:
    """Seconds a result."""
    stream = Stream(ticks_only(), settings=unbounded(stages=1))
    events = ticks(stream.universe, 8192)
    results = stream.results(max_batch=8192, capacity=65_536)
    seen, total = 0, 0.0
    begin = time.thread_time()
    while seen < count:
        stream.push_many(events)
        while results.waiting:
            batch = await anext(results)
            seen += len(batch)
            total += handle(batch)
    passed = time.thread_time() - begin
    if results.missed or not total > 0.0:
        raise RuntimeError(f"{results.missed} results were missed")
    return passed / seen
