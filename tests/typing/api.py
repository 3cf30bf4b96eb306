"""Checked by mypy, never run: the types that users see."""

from collections.abc import Mapping
from typing import assert_type

import numpy as np
import numpy.typing as npt

import atalanta
from atalanta import config
from atalanta.compute import route_computation_sync
from atalanta.compute.router import Decision, Explanation
from atalanta.config.model import OperationName
from atalanta.pricing import EarlyExercise, ExerciseBoundary, exercise_boundary
from atalanta.reliability import Answer, Policy, remaining

column = np.linspace(90.0, 110.0, 5)

assert_type(atalanta.price("call", 100.0, 105.0, 0.5, 0.03, 0.2), float)
assert_type(atalanta.price("call", column, 105.0, 0.5, 0.03, 0.2), npt.NDArray[np.float64])
assert_type(atalanta.implied_vol(4.2, 1, 100.0, 105.0, 0.5, 0.03), float)
assert_type(atalanta.implied_vol(column, 1, 100.0, 105.0, 0.5, 0.03), npt.NDArray[np.float64])
assert_type(
    atalanta.implied_vol(column, 1, 100.0, 105.0, 0.5, 0.03, full_output=True),
    tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]],
)
assert_type(atalanta.greeks("put", column, 105.0, 0.5, 0.03, 0.2, order=2), atalanta.Greeks)
assert_type(
    atalanta.price("put", 100.0, 105.0, 0.5, 0.03, 0.2, exercise="american", dividends=[(0.1, 0.8)]), float
)
dividends = atalanta.Dividends([[(0.1, 0.8)], [(0.2, 1.5)]], of=[0, 1, -1, 0, 1])
assert_type(
    atalanta.price("put", column, 105.0, 0.5, 0.03, 0.2, dividends=dividends, tolerance="precise"),
    npt.NDArray[np.float64],
)
assert_type(
    atalanta.implied_vol(
        column, 1, 100.0, 105.0, 0.5, 0.03, exercise="american", tolerance=1e-4, start=column
    ),
    npt.NDArray[np.float64],
)
assert_type(
    atalanta.greeks("put", column, 105.0, 0.5, 0.03, 0.2, dividends=dividends).dividend_delta,
    npt.NDArray[np.float64],
)
assert_type(dividends.after(0.1), atalanta.Dividends)
assert_type(atalanta.early_exercise("put", column, 105.0, 0.5, 0.03, 0.2, dividends=dividends), EarlyExercise)
assert_type(exercise_boundary("put", 105.0, 0.5, 0.03, 0.2, column), ExerciseBoundary)
assert_type(atalanta.set_threads(None), int)
assert_type(atalanta.read_chain("chain.csv"), atalanta.Chain)
assert_type(atalanta.analyze(atalanta.read_chain("chain.csv")), atalanta.Analysis)
assert_type(atalanta.price("call", column, 105.0, 0.5, 0.03, 0.2, device="cpu"), npt.NDArray[np.float64])
assert_type(atalanta.price("call", 100.0, 105.0, 0.5, 0.03, 0.2, device=None), float)
assert_type(atalanta.greeks("put", column, 105.0, 0.5, 0.03, 0.2, device="gpu"), atalanta.Greeks)
router = atalanta.Router(calibrate=False)
assert_type(router.decide("price", 1_000, tolerance=1e-6, deadline=0.001), Decision)
assert_type(router.explain("price", 1_000), Explanation)
assert_type(router.pin("price", "cpu:one"), str | None)
total = route_computation_sync("add", column, column)
assert_type(config.configured(), config.Config | None)
assert_type(config.current().value.buffers.limit, int | None)
assert_type(config.load(environment={}).origin("market.rate"), config.Origin)
assert_type(config.reload(), config.Change | None)
assert_type(config.current().value.router.pins, Mapping[OperationName, str])
assert_type(atalanta.buffers.acquire(5), npt.NDArray[np.float64])
assert_type(atalanta.buffers.acquire((3, 4), np.int32, "tag"), npt.NDArray[np.int32])
assert_type(atalanta.BufferPool(limit=1 << 20).statistics().live_bytes, int)
policy = Policy("p", breaker="database", fallback=len)
assert_type(policy.call(len, "abc"), Answer[int])
assert_type(policy.call(len, "abc").source, str)
assert_type(remaining(), float | None)


@policy
def decorated(x: int) -> str:
    """A function."""
    return str(x)


@policy
async def awaited(x: int) -> str:
    """A coroutine function."""
    return str(x)


assert_type(policy.call(decorated, 1), Answer[str])
assert_type(policy(decorated)(1), Answer[str])


async def main() -> None:
    """What awaiting gives."""
    assert_type(await policy.acall(awaited, 1), Answer[str])
    assert_type(await policy(awaited)(1), Answer[str])
    assert_type(await awaited(1), Answer[str])
    assert_type((await policy.acall(route_like, 1)).value, bytes)


async def route_like(x: int) -> bytes:
    """Another."""
    return bytes(x)


assert_type(decorated(1), Answer[str])
assert_type(router.answer("add", column, column).source, str)
