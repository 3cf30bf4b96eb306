"""What the pool is measured on: traces of our own analyses, and sequences of sizes.

Main entries: `record_chains`, `record_watch_list`, `record_day`, `SEQUENCES`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from atalanta.buffers import Trace, default_pool
from atalanta.market.analysis import analyze
from atalanta.market.chain import Chain
from atalanta.market.simulator import simulate_chain
from atalanta.pricing import greeks, price

__all__ = ["SEQUENCES", "TUNED_ON", "mixed_sizes", "record_chains", "record_day", "record_watch_list"]

#: The pool's constants were chosen on this seed; figures are reported on others.
TUNED_ON = 7

_LENGTH = 4000
_PHASE = 3000
_Sizes = npt.NDArray[np.uint64]


def record_chains(seed: int, rounds: int = 60, kept: int = 24) -> Trace:
    """Every array that is made while a book of simulated markets is analysed again and again.

    Large columns and the kernels' results come from the process's pool anyway; here NumPy's small ones do too.

    Args:
        seed: of the markets.
        rounds: analyses: of all options of a market or of one underlying, with its dividends or without.
        kept: results that stay in memory, as a session keeps them; the oldest goes when a new one is there.
    """
    random = np.random.default_rng(seed)
    markets = [simulate_chain(seed=seed + n) for n in range(4)]
    book: deque[object] = deque(maxlen=kept)
    with default_pool.record() as recording:
        for _ in range(rounds):
            market = markets[int(random.integers(len(markets)))]
            chain = market.chain
            with default_pool.numpy(least_bytes=1):
                if random.random() < 0.5:
                    names = np.unique(chain["underlying"])
                    chain = chain.take(
                        np.flatnonzero(chain["underlying"] == names[int(random.integers(len(names)))])
                    )
                whole = chain is market.chain
                dividends = market.dividends if whole and random.random() < 0.5 else None
                book.append(analyze(chain, dividends=dividends))
        book.clear()
    return recording.trace


def record_watch_list(seed: int, rounds: int = 150, names: int = 24) -> Trace:
    """Every array that is made while the chains of a watch list are analysed, one after another as quotes come in.

    Chains have from 100 rows, an illiquid stock's, to 100,000, all stocks of an exchange, as many in each doubling. The
    last analysis of each name stays in memory, so that what lies side by side has no common end.

    Args:
        seed: of the markets, the sizes and the order.
        rounds: analyses beyond the first of each name.
        names: on the list.
    """
    random = np.random.default_rng(seed)
    markets = [simulate_chain(seed=seed + n).chain for n in range(4)]
    sizes = np.exp(random.uniform(np.log(100), np.log(100_000), names)).astype(int)
    order = [*random.permutation(names).tolist(), *random.integers(names, size=rounds).tolist()]
    book: dict[int, object] = {}
    with default_pool.record() as recording:
        for name in order:
            market = markets[name % len(markets)]
            with default_pool.numpy(least_bytes=1):
                book[name] = analyze(market.take(np.resize(np.arange(len(market)), sizes[name])))
        book.clear()
    return recording.trace


def record_day(seed: int, turns: int = 195, names: int = 36) -> Trace:
    """Every array that is made on a desk in a session of 6.5 hours, a turn every two minutes.

    What is held, and for how long, follows from who looks at it:

    - a line of the screen, prices and Greeks of some of a name's strikes, until the name ticks again;
    - the analysis of a name's chain until its next one; names that trade more have more of both;
    - every 16 minutes gains and losses of a growing book in 21 spots by 11 volatilities, for an hour;
    - every hour an analysis of all names, until the next is there;
    - every half hour a name's chain and its analysis, saved until the end of the day.

    Chains have from 100 rows, an illiquid stock's, to 10,000, an index's, as many in each doubling.

    Args:
        seed: of the market, the sizes and the order.
        turns: of two minutes.
        names: that are followed.
    """
    random = np.random.default_rng(seed)
    market = simulate_chain(seed=seed).chain
    sizes = np.exp(random.uniform(np.log(100), np.log(10_000), names)).astype(int)
    options_of = [np.flatnonzero(market["underlying"] == name) for name in np.unique(market["underlying"])]
    chains = [market.take(np.resize(options_of[n % len(options_of)], sizes[n])) for n in range(names)]
    weights = 1.0 / np.arange(1, names + 1)
    weights /= weights.sum()
    everything = market.take(np.resize(np.arange(len(market)), sizes.sum()))
    desk = _Desk(random, market)
    with default_pool.record() as recording:
        with default_pool.numpy(least_bytes=1):
            for turn in range(turns):
                for name in random.choice(names, size=12, p=weights):
                    desk.tick(int(name))
                name = int(random.choice(names, p=weights))
                desk.analyses[name] = analyze(chains[name])
                desk.trade(20)
                if turn % 8 == 0:
                    desk.scenarios()
                if turn % 30 == 0:
                    desk.sweep = analyze(everything)
                if turn % 15 == 0:
                    desk.saved.append((chains[name].take(np.arange(sizes[name])), desk.analyses[name]))
        desk.close()
    return recording.trace


class _Desk:
    """What is in memory in the course of `record_day`."""

    def __init__(self, random: np.random.Generator, market: Chain) -> None:
        self._random = random
        usable = np.flatnonzero(market["years"] > 0)
        self._terms = [market[column][usable] for column in ("right", "spot", "strike", "years")]
        self._book = np.empty(0, int)
        self._lines: dict[int, object] = {}
        self._reports: deque[object] = deque(maxlen=4)
        self.analyses: dict[int, object] = {}
        self.sweep: object = None
        self.saved: list[object] = []

    def tick(self, name: int) -> None:
        """A line of the screen anew."""
        strikes = int(self._random.integers(8, 120))
        first = name * 120 % (len(self._terms[0]) - 120)
        right, spot, strike, years = (column[first : first + strikes] for column in self._terms)
        self._lines[name] = (
            price(right, spot, strike, years, 0.03, 0.2),
            greeks(right, spot, strike, years, 0.03, 0.2),
        )

    def trade(self, positions: int) -> None:
        """The book grows."""
        self._book = np.append(self._book, self._random.integers(len(self._terms[0]), size=positions))

    def scenarios(self) -> None:
        """The book's gains and losses, a row per position."""
        right, spot, strike, years = (column[self._book, None] for column in self._terms)
        spots, vols = np.meshgrid(np.linspace(0.8, 1.2, 21), np.linspace(0.1, 0.5, 11))
        shocked = price(right, spot * spots.ravel(), strike, years, 0.03, vols.ravel())
        self._reports.append(shocked - price(right, spot, strike, years, 0.03, 0.2))

    def close(self) -> None:
        """The day ends."""
        for held in (self._lines, self._reports, self.analyses, self.saved):
            held.clear()
        self.sweep, self._book = None, np.empty(0, int)


def mixed_sizes(seed: int) -> Trace:
    """Small, chained, matrix-like and very large blocks that live for a few to thousands of steps.

    Invented, unlike `record_chains`: it is the mix of the pool's first design, for what chains do not show.
    """
    random = np.random.default_rng(seed)
    due: dict[int, list[int]] = {}
    blocks: list[int] = []
    nbytes: list[int] = []
    acquired = 0
    for step in range(6 * _PHASE):
        for block in due.pop(step, ()):
            blocks.append(block)
            nbytes.append(0)
        for size, life in _asked_for(step, random):
            blocks.append(acquired)
            nbytes.append(size)
            due.setdefault(step + life, []).append(acquired)
            acquired += 1
    steps = np.array(blocks, np.uint32)
    return Trace(steps, np.array(nbytes, np.uint64), np.zeros(len(steps), np.uint32), ("",))


def _asked_for(step: int, random: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Sizes and lives, in steps."""
    phase = step // _PHASE
    for _ in range(6):
        yield int(random.integers(64, 4064)), int(random.integers(1, 21))
    if step % 3 == 0:
        yield (16 << 10) + int(random.integers(0, (32 + 80 * phase) << 10)), int(random.integers(5, 205))
    if step % 40 == 0:
        yield (1 << 20) + int(random.integers(0, (4 + 4 * phase) << 20)), int(random.integers(20, 170))
    if step % 400 == 0:
        yield int(random.integers(16 << 20, 40 << 20)), int(random.integers(50, 150))
    if step % 150 == 0:
        yield int(random.integers(8 << 10, 72 << 10)), int(random.integers(4000, 7000))


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
