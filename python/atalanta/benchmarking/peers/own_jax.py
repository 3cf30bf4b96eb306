"""The textbook formulas in JAX: compiled, 64-bit, inputs already on the device and outputs left there."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.workloads import Rows

__all__ = ["load"]

_ROOT_HALF, _ROOT_TWO_PI = 0.5**0.5, (2 * np.pi) ** 0.5


def load() -> Contender:
    """Import JAX, switch it to 64 bits and compile the kernels when they are first called."""
    jax = importlib.import_module("jax")
    erfc = importlib.import_module("jax.scipy.special").erfc
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    def parts(s: Any, k: Any, t: Any, r: Any, q: Any, v: Any, e: Any) -> tuple[Any, ...]:
        root = jnp.sqrt(t)
        d1 = (jnp.log(s / k) + (r - q + 0.5 * v * v) * t) / (v * root)
        carry, owed = jnp.exp(-q * t), k * jnp.exp(-r * t)
        above, below = 0.5 * erfc(-e * d1 * _ROOT_HALF), 0.5 * erfc(-e * (d1 - v * root) * _ROOT_HALF)
        return root, d1, carry, s * carry * above, owed * below

    def price(*row: Any) -> Any:
        *_, received, paid = parts(*row)
        return row[-1] * (received - paid)

    def greeks(s: Any, k: Any, t: Any, r: Any, q: Any, v: Any, e: Any) -> tuple[Any, ...]:
        root, d1, carry, received, paid = parts(s, k, t, r, q, v, e)
        density = carry * jnp.exp(-0.5 * d1 * d1) / _ROOT_TWO_PI
        theta = -s * density * v / (2 * root) + e * (q * received - r * paid)
        first = e * (received - paid), e * received / s
        return *first, density / (s * v * root), s * density * root, theta, e * t * paid

    def bound(kernel: Callable[..., Any]) -> Callable[[Rows], Work]:
        compiled = jax.jit(kernel)

        def bind(rows: Rows) -> Work:
            columns = (
                rows.spot,
                rows.strike,
                rows.years,
                rows.rate,
                rows.dividend_yield,
                rows.vol,
                rows.right * 1.0,
            )
            inputs = [jnp.asarray(column) for column in columns]
            return Work.calling(lambda: jax.block_until_ready(compiled(*inputs)))

        return bind

    return Contender(
        "jax",
        {"price": bound(price), "greeks": bound(greeks)},
        packages=("jax", "jaxlib"),
        note="own kernels under jit, 64-bit, inputs on the device, outputs left there",
    )
