"""How each operation is counted, and what it is measured on. Main entries: `WORKLOADS`, `work_of`.

Samples are slices of arrays made once, so that making them costs less than measuring.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from atalanta.compute.devices import OPERATIONS

__all__ = ["CLASSES", "POOL_ROWS", "WORKLOADS", "Workload", "work_of"]

Arrays = tuple[Any, ...]

#: Above so many rows of options the pool shares the work; up to it a call stays on its thread. As csrc/pricing/european.cpp.
POOL_ROWS = 8192

#: Dimensions of a vector that count as one comparison of a search.
SEARCH_DIMENSIONS = 128


@dataclass(frozen=True, slots=True)
class Workload:
    """One operation as the router sees it."""

    name: str
    #: matrix, vector, transcendental, pricing, search or inference
    kind: str
    #: read and written per element of work
    bytes_per_element: float
    #: elements of work in a call
    count: Callable[[Sequence[Any]], int]
    #: arrays of about so much work; None where it cannot be measured without a model
    sample: Callable[[int], Arrays] | None
    #: what calibration measures, ascending
    sizes: tuple[int, ...] = (64, 1024, 16_384, 131_072)
    #: the power of the work that the time is proportional to
    growth: float = 1.0


def _broadcast(arrays: Sequence[Any]) -> int:
    return math.prod(np.broadcast_shapes(*(np.shape(array) for array in arrays)))


def _product(arrays: Sequence[Any]) -> int:
    (m, k), n = np.shape(arrays[0]), np.shape(arrays[1])[-1]
    return int(math.pow(float(m * k * n), 2 / 3) + 0.5)


def _search(arrays: Sequence[Any]) -> int:
    queries, (rows, dimensions) = np.shape(arrays[0]), np.shape(arrays[1])
    numbers = int((queries[0] if len(queries) > 1 else 1) * rows * dimensions)
    return -(-numbers // SEARCH_DIMENSIONS)


def _rows(arrays: Sequence[Any]) -> int:
    shape = np.shape(arrays[0])
    return int(shape[0]) if shape else 1


# A block is repeated: making what is measured must take less time than measuring it.
_BLOCK = 1024
_LEAST = 1 << 16


class _Repeated:
    """A block over and over, as long as was ever asked for, and handed out in slices."""

    def __init__(self, block: Callable[[], Any]) -> None:
        self._block = block
        self._whole: Any = None

    def first(self, count: int) -> Any:
        whole = self._whole
        if whole is None or len(whole) < count:
            block = self._block()
            repeats = -(-max(count, _LEAST) // len(block))
            whole = np.empty(repeats * len(block), block.dtype)
            whole.reshape(repeats, -1)[:] = block  # np.resize takes five times as long
            self._whole = whole
        return whole[:count]


def _prices() -> Any:
    from atalanta import pricing

    strike, years, vol = _STRIKE.first(_BLOCK), _YEARS.first(_BLOCK), _VOL.first(_BLOCK)
    right = _RIGHT.first(_BLOCK)
    return pricing.price(right, 100.0, strike, years, 0.03, vol, dividend_yield=0.01, threads=1)


# An index chain: two rights, strikes around the spot, expiries to a year, a smile of vols; and plain numbers.
_RIGHT = _Repeated(lambda: np.where(np.arange(_BLOCK) % 2 == 0, 1, -1).astype(np.int8))
_STRIKE = _Repeated(lambda: 70.0 + 60.0 * (np.arange(_BLOCK) % 61) / 61.0)
_YEARS = _Repeated(lambda: 0.02 + (np.arange(_BLOCK) % 53) / 53.0)
_VOL = _Repeated(lambda: 0.15 + 0.2 * (np.arange(_BLOCK) % 17) / 17.0)
_PRICE = _Repeated(_prices)
_NUMBERS = _Repeated(lambda: 0.5 + (np.arange(_BLOCK) % 97) / 97.0)


def _option(rows: int) -> Arrays:
    columns = _RIGHT.first(rows), _STRIKE.first(rows), _YEARS.first(rows), _VOL.first(rows)
    right, strike, years, vol = columns
    return right, 100.0, strike, years, 0.03, vol, 0.01


def _quoted(rows: int) -> Arrays:
    right, spot, strike, years, rate, _, dividend_yield = _option(rows)
    return _PRICE.first(rows), right, spot, strike, years, rate, dividend_yield


def _vectors(count: int) -> Callable[[int], Arrays]:
    return lambda work: (_NUMBERS.first(work),) * count


def _square(work: int) -> Arrays:
    side = max(1, round(math.sqrt(work)))
    matrix = _NUMBERS.first(side * side).reshape(side, side)
    return matrix, matrix


def _corpus(work: int) -> Arrays:
    vectors = _NUMBERS.first(work * SEARCH_DIMENSIONS).reshape(work, SEARCH_DIMENSIONS)
    return vectors[:1], vectors, min(10, work)


_PRICED = (64, 1024, POOL_ROWS + 1, 2 * POOL_ROWS, 8 * POOL_ROWS)

#: Every operation of the devices, by name.
WORKLOADS: Mapping[str, Workload] = MappingProxyType(
    {
        one.name: one
        for one in (
            Workload("price", "pricing", 40.0, _broadcast, _option, _PRICED),
            Workload("greeks", "pricing", 88.0, _broadcast, _option, _PRICED),
            Workload("implied_vol", "pricing", 48.0, _broadcast, _quoted, _PRICED),
            Workload("matmul", "matrix", 24.0, _product, _square, (64, 1024, 4096, 16_384, 65_536), 1.5),
            Workload("add", "vector", 24.0, _broadcast, _vectors(2)),
            Workload("multiply", "vector", 24.0, _broadcast, _vectors(2)),
            Workload("exp", "transcendental", 16.0, _broadcast, _vectors(1)),
            Workload("dot", "vector", 16.0, _broadcast, _vectors(2)),
            Workload("similarity", "search", 1024.0, _search, _corpus, (64, 512, 4096)),
            Workload("inference", "inference", 64.0, _rows, None),
        )
    }
)

assert WORKLOADS.keys() == OPERATIONS.keys()

#: What a class alone stands for, its first operation.
CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "matrix": "matmul",
        "vector": "add",
        "transcendental": "exp",
        "pricing": "price",
        "search": "similarity",
        "inference": "inference",
    }
)


def work_of(operation: str, arrays: Sequence[Any]) -> int:
    """Elements of work in a call; 0 for arrays that do not fit, which the device refuses with its own words."""
    try:
        return WORKLOADS[operation].count(arrays)
    except (ValueError, TypeError, IndexError):
        return 0
