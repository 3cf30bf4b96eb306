"""What is measured within this process, contenders in turn. Main entries: the functions that give `Figure`s.

Times are CPU time of the process: minima where a call is timed, medians of rounds for native pairs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.benchmarking.pool.allocators import POOL, Allocator
from atalanta.benchmarking.pool.figures import Figure
from atalanta.benchmarking.pool.workloads import SEQUENCES
from atalanta.buffers import BufferPool

__all__ = ["from_python", "growing", "large_arrays", "native_pairs", "predictions"]

_MIB = 1 << 20
_PAIR_SIZES = (64, 1024, 65_536, _MIB, 16 * _MIB)
_PAGE = 4096 // 8  # doubles
_AT_ONCE = 4
_SLOW_NS = 400.0  # a pair that takes longer is measured in fewer repetitions


def native_pairs(allocators: Sequence[Allocator], rounds: int) -> Iterator[Figure]:
    """Acquire and release at once, the median of all rounds; libraries are called through pointers."""
    for size in _PAIR_SIZES:
        times: dict[str, list[float]] = {one.name: [] for one in allocators}
        for _ in range(rounds):
            for one in allocators:
                trial = _core.allocator_pair_ns(one.handle, size, 1, 200, 1)
                pairs = 200 if trial > _SLOW_NS else 10_000
                times[one.name].append(_core.allocator_pair_ns(one.handle, size, 1, pairs, 5))
        for name, values in times.items():
            yield Figure("pair", f"{size:,}", name, float(np.median(values)), "ns")


def large_arrays(rounds: int) -> Iterator[Figure]:
    """64 and 256 MiB: an array made and touched page by page; `x + x` with and without the handler."""
    pool = BufferPool()
    for size in (64 * _MIB, 256 * _MIB):
        rows, case = size // 8, f"{size // _MIB} MiB"

        def touched(make: Callable[[int], npt.NDArray[np.float64]], rows: int = rows) -> None:
            make(rows)[::_PAGE] = 1.0

        contenders: dict[str, Callable[[], None]] = {
            POOL: lambda touched=touched: touched(pool.acquire),  # type: ignore[misc]
            "np.empty": lambda touched=touched: touched(np.empty),  # type: ignore[misc]
        }
        yield from _minima("touch", case, contenders, rounds)
        x = np.ones(rows)

        def doubled(x: npt.NDArray[np.float64] = x) -> None:
            _ = x + x

        def doubled_in_pool(x: npt.NDArray[np.float64] = x) -> None:
            with pool.numpy():
                _ = x + x

        yield from _minima("x + x", case, {POOL: doubled_in_pool, "numpy": doubled}, rounds)


def from_python(rounds: int) -> Iterator[Figure]:
    """An array made and dropped; the tagged one is described, counted and predicted too."""
    pool, calls = BufferPool(), range(20_000)
    acquire, empty = pool.acquire, np.empty

    def many(make: Callable[[], object]) -> Callable[[], None]:
        def loop() -> None:
            for _ in calls:
                make()

        return loop

    for rows in (100, 100_000):
        made = {
            POOL: many(lambda rows=rows: acquire(rows)),  # type: ignore[misc]
            "atalanta, tagged": many(lambda rows=rows: acquire(rows, tag="bench")),  # type: ignore[misc]
            "np.empty": many(lambda rows=rows: empty(rows)),  # type: ignore[misc]
            "an empty lambda": many(lambda rows=rows: rows),  # type: ignore[misc]
        }
        figures = list(
            _minima("from Python", f"{rows:,} rows", made, rounds, scale=1e9 / len(calls), unit="ns")
        )
        idle = figures.pop().value
        for figure in figures:
            yield Figure(figure.what, figure.case, figure.contender, figure.value - idle, "ns")


def growing() -> Iterator[Figure]:
    """Each buffer larger than the one before, which goes once it is there: free bytes kept, of the live peak."""
    pool = BufferPool()
    before: npt.NDArray[np.float64] | None = None
    worst, peak = 0.0, 0
    rows = _MIB // 8
    while rows < 32 * _MIB:
        after = pool.acquire(rows)
        after[::_PAGE] = 1.0
        peak = max(peak, pool.statistics().live_bytes)
        before = after
        seen = pool.statistics()
        if rows > 2 * _MIB:
            worst = max(worst, seen.cached_bytes / peak)
        rows += rows // 16
    del before
    yield Figure("growing", "1 to 256 MiB", POOL, 100.0 * worst, "%")


def predictions(seed: int) -> Iterator[Figure]:
    """Requests that the predicted block would have served, wasting a quarter of it at most."""
    for name, sizes in SEQUENCES.items():
        for method, rate in _core.predictor_hit_rates(sizes(seed)).items():
            contender = POOL if method == "tournament" else method
            yield Figure("predicted", name, contender, 100.0 * rate, "%")


def _minima(
    what: str,
    case: str,
    contenders: dict[str, Callable[[], None]],
    rounds: int,
    scale: float = 1e3,
    unit: str = "ms",
) -> Iterator[Figure]:
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, run in contenders.items():
            for _ in range(_AT_ONCE):  # a loop's steady state: idle memory would go back between two turns
                start = time.process_time()
                run()
                best[name] = min(best[name], time.process_time() - start)
    for name, seconds in best.items():
        yield Figure(what, case, name, scale * seconds, unit)
