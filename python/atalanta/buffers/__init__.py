"""Pooled memory for arrays: warm, aligned, counted, and given back when idle.

    from atalanta import buffers

    column = buffers.acquire(rows, dtype=np.float64, tag="analysis.columns")  # uninitialised
    del column  # with its last view the memory returns to the pool, in whatever thread that happens

The functions here are those of `default_pool`, which the process shares; `BufferPool()` makes another.
"""

from __future__ import annotations

from atalanta._core import Buffer
from atalanta.buffers.configured import follow_configuration
from atalanta.buffers.pool import BufferPool
from atalanta.buffers.statistics import GuardFault, LiveBlock, PoolStatistics, TagStatistics
from atalanta.buffers.traces import ReplayFigures, Trace

__all__ = [
    "Buffer",
    "BufferPool",
    "GuardFault",
    "LiveBlock",
    "PoolStatistics",
    "ReplayFigures",
    "TagStatistics",
    "Trace",
    "acquire",
    "acquire_async",
    "buffer",
    "default_pool",
    "leaks",
    "numpy",
    "predict_optimal_size",
    "set_limit",
    "statistics",
    "trim",
]

#: The pool of this process, as `buffers` of the configuration sets it; it lives as long as the process does.
default_pool = follow_configuration(BufferPool())

acquire = default_pool.acquire
acquire_async = default_pool.acquire_async
buffer = default_pool.buffer
leaks = default_pool.leaks
numpy = default_pool.numpy
predict_optimal_size = default_pool.predict_optimal_size
set_limit = default_pool.set_limit
statistics = default_pool.statistics
trim = default_pool.trim
