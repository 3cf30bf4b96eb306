"""The textbook formulas in Numba: one compiled loop over the rows, fast-math allowed."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.workloads import Floats, Rows

__all__ = ["load"]

_ROOT_HALF, _ROOT_TWO_PI = math.sqrt(0.5), math.sqrt(2 * math.pi)


def load() -> Contender:
    """Import Numba; the loops compile when they are first called."""
    jit = importlib.import_module("numba").njit
    price, greeks = jit(_price, fastmath=True), jit(_greeks, fastmath=True)

    def bind(loop: Any, shape: tuple[int, ...], rows: Rows) -> Work:
        columns = (
            rows.spot,
            rows.strike,
            rows.years,
            rows.rate,
            rows.dividend_yield,
            rows.vol,
            rows.right * 1.0,
        )

        def call() -> Floats:
            out = np.empty((*shape, len(rows)))
            loop(*columns, out)
            return out

        return Work.calling(call)

    return Contender(
        "numba",
        {"price": lambda rows: bind(price, (), rows), "greeks": lambda rows: bind(greeks, (6,), rows)},
        packages=("numba",),
        note="own loops, fast-math",
    )


def _price(s: Any, k: Any, t: Any, r: Any, q: Any, v: Any, e: Any, out: Any) -> None:
    for i in range(s.size):
        deviation = v[i] * math.sqrt(t[i])
        d1 = (math.log(s[i] / k[i]) + (r[i] - q[i] + 0.5 * v[i] * v[i]) * t[i]) / deviation
        received = s[i] * math.exp(-q[i] * t[i]) * math.erfc(-e[i] * d1 * _ROOT_HALF)
        paid = k[i] * math.exp(-r[i] * t[i]) * math.erfc(-e[i] * (d1 - deviation) * _ROOT_HALF)
        out[i] = 0.5 * e[i] * (received - paid)


def _greeks(s: Any, k: Any, t: Any, r: Any, q: Any, v: Any, e: Any, out: Any) -> None:
    for i in range(s.size):
        root = math.sqrt(t[i])
        deviation = v[i] * root
        d1 = (math.log(s[i] / k[i]) + (r[i] - q[i] + 0.5 * v[i] * v[i]) * t[i]) / deviation
        carry = math.exp(-q[i] * t[i])
        above = 0.5 * carry * math.erfc(-e[i] * d1 * _ROOT_HALF)
        paid = 0.5 * k[i] * math.exp(-r[i] * t[i]) * math.erfc(-e[i] * (d1 - deviation) * _ROOT_HALF)
        density = carry * math.exp(-0.5 * d1 * d1) / _ROOT_TWO_PI
        out[0, i] = e[i] * (s[i] * above - paid)
        out[1, i] = e[i] * above
        out[2, i] = density / (s[i] * deviation)
        out[3, i] = s[i] * density * root
        out[4, i] = -s[i] * density * v[i] / (2 * root) + e[i] * (q[i] * s[i] * above - r[i] * paid)
        out[5, i] = e[i] * t[i] * paid
