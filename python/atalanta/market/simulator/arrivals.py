"""When ticks arrive and on what: a Poisson stream plus bursts that an underlying's move sets off.

`arrive` is the entry. The process is stationary, so the expected rate is the one asked for.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Arrivals", "arrive"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

_BURST_SHARE = 0.5  # of all ticks
_BURSTS_PER_SECOND = 20.0
_LEAST_BURST = 4.0
_BURST_DECAY_SECONDS = 0.002
_WARM_UP_SECONDS = 0.05  # bursts that began before the window still reach into it
_ACTIVITY = (0.4, 0.4, 0.2)  # how the ticks fall on the underlyings
_UNDERLYING_SHARE = 0.1  # of the ticks outside bursts


class Arrivals(NamedTuple):
    """When ticks come and on what, (N,) columns in order of time.

    `which` is the row of the underlying; `leads` marks the first tick of a burst, on the underlying itself.
    """

    time_ns: npt.NDArray[np.int64]
    which: Rows
    is_option: npt.NDArray[np.bool_]
    leads: npt.NDArray[np.bool_]
    bursts_per_second: float


def arrive(rng: np.random.Generator, seconds: float, rate: float) -> Arrivals:
    """Draw a Poisson stream and a stationary cluster process that together have the rate asked for.

    Args:
        rng: the source of all draws.
        seconds: length of the window.
        rate: ticks expected per second.
    """
    bursts_per_second = min(_BURSTS_PER_SECOND, _BURST_SHARE * rate / _LEAST_BURST)
    span = seconds + _WARM_UP_SECONDS
    start = span * rng.random(rng.poisson(bursts_per_second * span)) - _WARM_UP_SECONDS
    size = _geometric(rng.random(len(start)), _BURST_SHARE * rate / bursts_per_second)
    burst = np.repeat(np.arange(len(start)), size)
    leads = np.append(True, burst[1:] != burst[:-1])[: len(burst)]
    delay = np.where(leads, 0.0, -_BURST_DECAY_SECONDS * np.log1p(-rng.random(len(burst))))
    in_burst = start[burst] + delay
    alone = seconds * rng.random(rng.poisson((1.0 - _BURST_SHARE) * rate * seconds))
    which = np.concatenate([_pick(rng.random(len(start)))[burst], _pick(rng.random(len(alone)))])
    is_option = np.concatenate([~leads, rng.random(len(alone)) >= _UNDERLYING_SHARE])
    time_ns = np.floor(1e9 * np.concatenate([in_burst, alone])).astype(np.int64)
    inside = np.flatnonzero((time_ns >= 0) & (time_ns < round(1e9 * seconds)))
    order = inside[np.argsort(time_ns[inside], kind="stable")]
    leads = np.append(leads, np.zeros(len(alone), dtype=bool))
    return Arrivals(time_ns[order], which[order], is_option[order], leads[order], bursts_per_second)


def _geometric(draw: Floats, mean: float) -> npt.NDArray[np.int64]:
    """Sizes from 1 with the given mean, from uniforms."""
    return 1 + np.floor(np.log1p(-draw) / math.log1p(-1.0 / mean)).astype(np.int64)


def _pick(draw: Floats) -> Rows:
    return np.searchsorted(np.cumsum(_ACTIVITY)[:-1], draw, side="right")
