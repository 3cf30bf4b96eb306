"""Matrix, vector and search operations through MLX, in float32. Main entry: `on_mlx`.

The caller sends numbers for which float32 is too narrow to NumPy: nothing overflows or vanishes without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.compute.devices.arrays import ARRAY_OPERATIONS, Reals, largest
from atalanta.compute.devices.protocol import Capability, Format, Result

__all__ = ["MLX_CAPABILITIES", "on_mlx"]

# As NumPy's in float32, but for exp: MLX's own is within 8 units in the last place.
_ERRORS = {"add": 2e-7, "multiply": 2e-7, "exp": 1e-6, "matmul": 2.5e-7, "dot": 2.5e-7, "similarity": 2.5e-7}

MLX_CAPABILITIES: Mapping[str, Capability] = MappingProxyType(
    {name: Capability((Format("float32", _ERRORS[name]),)) for name in ARRAY_OPERATIONS}
)

_SCORES = 1 << 26


def on_mlx(core: Any, device: Any, operation: str, arrays: tuple[Reals, ...]) -> Result:
    """Run a checked operation; to be called on the worker thread. Builds, evaluates and copies out."""
    with core.stream(device):
        if operation == "similarity":
            return _similarity(core, arrays[0], arrays[1], int(arrays[2]))
        given = [_sent(core, array) for array in arrays]
        if operation == "dot":
            value = core.sum(given[0] * given[1]).reshape(1)
        else:
            value = getattr(core, operation)(*given)
        return _evaluated(core, value, np.float64)


def _similarity(core: Any, queries: Reals, corpus: Reals, k: int) -> Result:
    """The scores of a few queries at a time; of each query the k largest, put in order on the host."""
    values = np.empty((len(queries), k))
    rows = np.empty((len(queries), k), np.int64)
    held = _sent(core, corpus).T
    step = max(1, _SCORES // len(corpus))
    for first in range(0, len(queries), step):
        place = slice(first, first + step)
        scores = core.matmul(_sent(core, queries[place]), held)
        values[place], rows[place] = _largest(core, scores, k)
    return values, rows


def _largest(core: Any, scores: Any, k: int) -> tuple[Reals, Reals]:
    count = scores.shape[1]
    if 4 * k >= count:
        return largest(_evaluated(core, scores, np.float32), k)
    near = core.argpartition(-scores, kth=k - 1, axis=1)[:, :k]
    near_rows = np.sort(_evaluated(core, near, np.int64), axis=1)
    near_scores = _evaluated(
        core, core.take_along_axis(scores, core.array(near_rows.astype(np.int32)), axis=1), np.float32
    )
    values, places = largest(near_scores, k)
    return values, np.take_along_axis(near_rows, places, axis=1)


def _sent(core: Any, array: Reals) -> Any:
    """MLX's own array, rounded to float32 as it is copied; MLX does not take every layout as it is."""
    plain = array.flags.behaved and array.flags.forc
    return core.array(array if plain else np.asarray(array, np.float32, order="C"), core.float32)


def _evaluated(core: Any, value: Any, dtype: npt.DTypeLike) -> Reals:
    core.eval(value)
    return np.asarray(value).astype(dtype)  # a copy: nothing of MLX leaves the thread
