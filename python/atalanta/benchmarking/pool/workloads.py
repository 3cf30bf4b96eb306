"""What the pool is measured on: traces of our own analyses, and sequences of sizes. Main entries: `record_chains`,
`SEQUENCES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from atalanta.buffers import BufferPool, Trace
from atalanta.market.analysis import analyze
from atalanta.market.simulator import simulate_chain

__all__ = ["SEQUENCES", "TUNED_ON", "record_chains"]

#: The pool's constants were chosen on this seed; figures are reported on others.
TUNED_ON = 7

_LENGTH = 4000
_Sizes = npt.NDArray[np.uint64]


def record_chains(seed: int, rounds: int = 6) -> Trace:
    """Everything that NumPy allocates while simulated chains are analysed, one after the other.

    Args:
        seed: of the markets.
        rounds: markets; each is analysed with its dividends, without them, and with a fixed rate.
    """
    markets = [simulate_chain(seed=seed + n) for n in range(rounds)]
    pool = BufferPool(prefault=False)
    with pool.record() as recording:
        for market in markets:
            with pool.numpy(least_bytes=1):
                kept = analyze(market.chain, dividends=market.dividends)
                analyze(market.chain)
                analyze(market.chain, rate=0.04)
            del kept
    return recording.trace


def _stable(_: np.random.Generator) -> npt.ArrayLike:
    return np.full(_LENGTH, 160_000)


def _cycle(_: np.random.Generator) -> npt.ArrayLike:
    return np.resize([40_000, 340_000, 100_000, 200_000, 64_000, 150_000], _LENGTH)


def _regimes(random: np.random.Generator) -> npt.ArrayLike:
    return np.repeat(random.integers(10_000, 10_000_000, _LENGTH // 200), 200)


def _workflow(random: np.random.Generator) -> npt.ArrayLike:
    steps = np.array([64_000, 800_000, 150_000])
    state, states = 0, []
    for _ in range(_LENGTH):
        state = int(random.integers(3)) if random.random() < 0.1 else (state + 1) % 3
        states.append(state)
    return steps[states]


def _bimodal(random: np.random.Generator) -> npt.ArrayLike:
    return np.where(random.random(_LENGTH) < 0.1, 4_000_000, 64_000)


def _drift(random: np.random.Generator) -> npt.ArrayLike:
    return 100_000 * np.exp(np.cumsum(random.normal(0.0, 0.01, _LENGTH)))


def _memoryless(random: np.random.Generator) -> npt.ArrayLike:
    return 100_000 * np.exp(random.normal(0.0, 0.5, _LENGTH))


_MAKERS: Mapping[str, Callable[[np.random.Generator], npt.ArrayLike]] = {
    "stable": _stable,
    "cyclic": _cycle,
    "regime switch": _regimes,
    "workflow": _workflow,
    "bimodal": _bimodal,
    "drift": _drift,
    "memoryless": _memoryless,
}


def _maker(make: Callable[[np.random.Generator], npt.ArrayLike]) -> Callable[[int], _Sizes]:
    return lambda seed: np.asarray(make(np.random.default_rng(seed))).astype(np.uint64)


#: Sizes in bytes by name and seed, (4000,).
SEQUENCES: Mapping[str, Callable[[int], _Sizes]] = {name: _maker(make) for name, make in _MAKERS.items()}
