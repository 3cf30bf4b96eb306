"""One core for one process: thread limits, a processor to stay on, and what was in force. Main entry: `one_core`.

Imports nothing numerical: the limits must stand in the environment before any library that reads them is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["THREAD_LIMITS", "Isolation", "one_core"]

#: Variables that libraries read when they are imported, and what keeps each on one thread.
THREAD_LIMITS: Mapping[str, str] = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


@dataclass(frozen=True)
class Isolation:
    """What keeps the process on one core; `cpu` is None where the platform cannot pin a process."""

    cpu: int | None
    load_average: float | None

    @property
    def busy(self) -> bool:
        """True when other work competes for the processors."""
        return self.load_average is not None and self.load_average > 0.5 * (os.cpu_count() or 1)


@contextmanager
def one_core() -> Iterator[Isolation]:
    """Limit every thread pool to one thread and stay on the last permitted processor, until the block ends."""
    before = {name: os.environ.get(name) for name in THREAD_LIMITS}
    os.environ.update(THREAD_LIMITS, XLA_FLAGS=_xla_flags(before["XLA_FLAGS"]))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    try:
        with _pinned() as cpu:
            yield Isolation(cpu, load)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _xla_flags(already: str | None) -> str:
    return " ".join(filter(None, (already, THREAD_LIMITS["XLA_FLAGS"])))


@contextmanager
def _pinned() -> Iterator[int | None]:
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    allowed = os.sched_getaffinity(0)
    cpu = max(allowed)
    os.sched_setaffinity(0, {cpu})
    try:
        yield cpu
    finally:
        os.sched_setaffinity(0, allowed)
