"""Traces carried out by each allocator in a process of its own. Main entry: `replayed`.

Memory that one allocator keeps would be counted against the next, hence the processes.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from atalanta import _core
from atalanta.benchmarking.pool.allocators import allocator
from atalanta.benchmarking.pool.figures import Figure
from atalanta.buffers import Trace

__all__ = ["main", "replayed"]


def replayed(case: str, trace: Trace, names: Sequence[str], rounds: int) -> Iterator[Figure]:
    """Live over resident (time averages), time, and what is kept 100 ms after all was released, of the peak."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.npz"
        trace.save(path)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                runs[name].append(_in_own_process(path, name))
    for name, figures in runs.items():
        middle = {key: float(np.median([one[key] for one in figures])) for key in figures[0]}
        kept = 100.0 * middle["resident_when_idle_bytes"] / middle["peak_resident_bytes"]
        yield Figure("live/resident", case, name, middle["live_over_resident"], "")
        yield Figure(
            "peak live/resident", case, name, middle["peak_live_bytes"] / middle["peak_resident_bytes"], ""
        )
        yield Figure("trace time", case, name, 1e3 * min(one["seconds"] for one in figures), "ms")
        yield Figure("kept", case, name, kept, "%")


def _in_own_process(trace: Path, name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "atalanta.benchmarking.pool.replays", str(trace), name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def main(trace: str, name: str) -> None:
    """Replay one trace with one allocator and print what was seen."""
    one = allocator(name)
    if isinstance(one, str):
        raise SystemExit(one)
    recorded = Trace.load(trace)
    ctypes.CDLL(None).malloc_trim(0)  # what this process has free already would hide what malloc takes
    figures = _core.allocator_replay(one.handle, recorded.blocks, recorded.nbytes, 16)
    if figures is None:
        raise SystemExit(f"{name} ran out of memory")
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
