"""Errors of American prices on random options of every regime, as a table in Markdown.

    python benchmarks/accuracy.py [--seed N] [rows of each kind, 200 by default; ten times as many with cash] [words]

Words keep the kinds whose title has them all. Another seed draws other rows: the kernels were worked on with the first.

With a yield: against `tests/references/edges.py`, a program that shares nothing with the kernels (some 60 ms an option).
With cash dividends: against our own price at a tolerance of 1e-6, whose error against the PDE of `tests/references` is
2e-5 at most on the rows of its table. Errors are in money for the larger of spot and strike at 100; the last number
of a cell is how many rows are beyond the limit of the class.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import atalanta

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.references import edges

#: Limits with a yield and with cash.
CLASSES = {"fast": (1.2e-4, 2e-3), "standard": (3e-5, 5e-4), "precise": (5e-7, 1e-5)}
SEED = 2026

#: Of the larger of spot and strike: two grids of the independent program that differ by more have not settled.
UNSETTLED = 1e-6

#: The independent program takes long; our own finest class does not.
MORE_WITH_CASH = 10


@dataclass(frozen=True)
class Rows:
    """N options on a strike of 100; one schedule of dividends each, or none at all."""

    right: np.ndarray
    spot: np.ndarray
    strike: np.ndarray
    years: np.ndarray
    rate: np.ndarray
    dividend_yield: np.ndarray
    vol: np.ndarray
    schedules: tuple = ()

    def price(self, tolerance: str | float) -> np.ndarray:
        """(N,) prices."""
        dividends = (
            atalanta.Dividends(self.schedules, of=np.arange(len(self.spot))) if self.schedules else None
        )
        return atalanta.price(
            self.right,
            self.spot,
            self.strike,
            self.years,
            self.rate,
            self.vol,
            dividend_yield=self.dividend_yield,
            exercise="american",
            dividends=dividends,
            tolerance=tolerance,
        )


def drawn(random: np.random.Generator, years, vol, rate, dividend_yield, width=1.5) -> Rows:
    """Puts and calls on a spot within `width` standard deviations; a call has rate and yield exchanged."""
    count = len(years)
    spot = 100 * np.exp(random.uniform(-width, width, count) * np.minimum(vol * np.sqrt(years), 0.8))
    right = random.choice([-1, 1], count)
    rates = np.where(right > 0, dividend_yield, rate), np.where(right > 0, rate, dividend_yield)
    return Rows(right, spot, np.full(count, 100.0), years, *rates, vol)


def ordinary(random: np.random.Generator, n: int) -> Rows:
    """A week to two years, vol 8 to 80 %, rates and yields to 10 %."""
    years, vol = random.uniform(0.02, 2, n), random.uniform(0.08, 0.8, n)
    return drawn(random, years, vol, random.uniform(0, 0.1, n), random.uniform(0, 0.1, n), width=2.5)


def drift(random: np.random.Generator, n: int) -> Rows:
    """(rate - yield) sqrt(years) / vol from 0.6 to 5."""
    years, vol = np.exp(random.uniform(-2.3, 1.6, n)), random.uniform(0.03, 0.25, n)
    carry = np.minimum(np.exp(random.uniform(-0.5, 1.6, n)) * vol / np.sqrt(years), 0.18)
    least = random.uniform(0, 0.04, n)
    return drawn(random, years, vol, least + carry, least)


def ruled(random: np.random.Generator, n: int) -> Rows:
    """(rate - yield) sqrt(years) / vol from 5 to 150, yields from -4 to 4 %."""
    years = np.exp(random.uniform(-2.3, 1.6, n))
    carry, least = random.uniform(0.01, 0.1, n), random.uniform(-0.04, 0.04, n)
    vol = carry * np.sqrt(years) * np.exp(-random.uniform(np.log(5), np.log(150), n))
    carry = np.maximum(carry, -least)  # a put's rate is not below zero
    made = drawn(random, years, vol, least + carry, least)
    away = np.exp(made.right * -random.uniform(0, 1.5, n) * vol**2 / carry)  # where something is left of it
    return replace(made, spot=100 * away)


def wide(random: np.random.Generator, n: int) -> Rows:
    """A day to ten years, vol 5 to 200 %, rates and yields from -2 to 20 %, not both boundaries."""
    years = np.exp(random.uniform(-5.8, 2.3, n))
    vol = np.minimum(np.exp(random.uniform(-3, 0.7, n)), 2.5 / np.sqrt(years))
    rate = random.uniform(0, 0.2, n)
    return drawn(random, years, vol, rate, random.uniform(-0.02, 0.2, n))


def twice(random: np.random.Generator, n: int) -> Rows:
    """Rates below zero at which exercise ends twice."""
    years, vol = np.exp(random.uniform(-3, 2.3, n)), random.uniform(0.06, 0.5, n)
    rate = -random.uniform(0.001, 0.05, n)
    return drawn(random, years, vol, rate, rate - random.uniform(0.0005, 0.06, n))


def centuries(random: np.random.Generator, n: int) -> Rows:
    """The same over lives in which the yield of a put earns e^2.3 to e^10."""
    rate = -np.exp(random.uniform(-5.3, -2.3, n))
    dividend_yield = rate * random.uniform(1.15, 4, n)
    years = random.uniform(2.3, 10, n) / -dividend_yield
    return drawn(random, years, random.uniform(0.1, 2, n) / np.sqrt(years), rate, dividend_yield)


def with_cash(random: np.random.Generator, n: int, most: int = 8, apart: float = 0.02) -> Rows:
    """Each its own 1 to 8 dividends of 0.1 to 3 on 100; no ex-date within 2 % of the life to another or to an end."""
    years = np.exp(random.uniform(-3.9, 1.1, n))
    vol = np.minimum(random.uniform(0.1, 0.8, n), 1.19 / np.sqrt(years))
    schedules = tuple(_schedule(random, life, most, apart) for life in years.tolist())
    rate = random.uniform(0, 0.08, n)
    made = drawn(random, years, vol, rate, rate)
    return replace(made, dividend_yield=np.zeros(n), schedules=schedules)


def hugging(random: np.random.Generator, n: int) -> Rows:
    """The same with ex-dates wherever they fall: a minute after now, before expiry or before another."""
    return with_cash(random, n, apart=1e-5)


def soon(random: np.random.Generator, n: int) -> Rows:
    """The first ex-date seconds to days from now, one more later."""
    return _with_dates(
        random, n, lambda life: [life * 10 ** random.uniform(-6, -2), life * random.uniform(0.2, 0.8)]
    )


def late(random: np.random.Generator, n: int) -> Rows:
    """The last ex-date seconds to days before expiry, one more before; dividends of cents to dollars."""
    return _with_dates(
        random, n, lambda life: [life * random.uniform(0.2, 0.8), life * (1 - 10 ** random.uniform(-6, -2))]
    )


def with_yield(
    make: Callable[[np.random.Generator, int], Rows],
) -> Callable[[np.random.Generator, int], Rows]:
    """The rows of another kind with a yield to 8 % as well, for which calls too are exercised at any time."""

    def made(random: np.random.Generator, n: int) -> Rows:
        rows = make(random, n)
        return replace(rows, dividend_yield=random.uniform(0, 0.08, n))

    return made


def any_sign(
    make: Callable[[np.random.Generator, int], Rows],
) -> Callable[[np.random.Generator, int], Rows]:
    """The rows of another kind with rates and yields from -3 to 8 %."""

    def made(random: np.random.Generator, n: int) -> Rows:
        rows = make(random, n)
        return replace(
            rows, rate=random.uniform(-0.03, 0.08, n), dividend_yield=random.uniform(-0.03, 0.08, n)
        )

    return made


def of_much(random: np.random.Generator, n: int) -> Rows:
    """One dividend of 30 to 160 % of the spot, or two or three of 30 to 78 % together."""
    return _paying_in_all(random, n, lambda count: random.uniform(0.3, 1.6 if count == 1 else 0.78))


def of_nearly_all(random: np.random.Generator, n: int) -> Rows:
    """One dividend of 160 to 250 % of the spot, or two or three of 78 to 250 % together."""
    return _paying_in_all(random, n, lambda count: random.uniform(1.6 if count == 1 else 0.78, 2.5))


def _paying_in_all(random: np.random.Generator, n: int, total: Callable[[int], float]) -> Rows:
    """One to three dividends; what they pay together, over the spot, follows from how many they are."""
    rows = with_cash(random, n, most=3)
    schedules = []
    for spot, schedule in zip(rows.spot.tolist(), rows.schedules, strict=True):
        paid_in_all = spot * total(len(schedule))
        shares = random.uniform(0.2, 1, len(schedule))
        paid = paid_in_all * shares / shares.sum()
        schedules.append([(at, float(cash)) for (at, _), cash in zip(schedule, paid, strict=True)])
    return replace(rows, schedules=tuple(schedules))


def much_then_little(random: np.random.Generator, n: int) -> Rows:
    """One dividend of 30 to 130 % of the spot and one to four of 1e-5 to 5 %, in this order or any, vols from 2 % on."""
    vol = np.exp(random.uniform(np.log(0.02), np.log(1.2), n))
    years = np.minimum(np.exp(random.uniform(np.log(0.02), np.log(3.0), n)), (1.18 / vol) ** 2)
    rows = drawn(random, years, vol, random.uniform(-0.03, 0.08, n), random.uniform(-0.03, 0.08, n), 2.5)
    schedules = []
    for spot, life in zip(rows.spot, years, strict=True):
        dates = np.sort(random.uniform(0.002, 0.998, random.integers(2, 6))) * life
        little = np.exp(random.uniform(np.log(1e-5), np.log(0.05), len(dates) - 1))
        parts = np.concatenate(([random.uniform(0.3, 1.3)], little))
        parts = random.permutation(parts) if random.random() < 0.3 else parts
        schedules.append(list(zip(dates.tolist(), (spot * parts).tolist(), strict=True)))
    return replace(rows, schedules=tuple(schedules))


def taking_all(random: np.random.Generator, n: int) -> Rows:
    """Puts, two to six dividends that take 90 to 110 % of the spot together, vol sqrt(years) of 0.3 to 30 %."""
    years = np.exp(random.uniform(np.log(0.02), np.log(3.0), n))
    vol = np.exp(random.uniform(np.log(0.003), np.log(0.3), n)) / np.sqrt(years)
    rows = drawn(random, years, vol, random.uniform(-0.03, 0.08, n), random.uniform(-0.03, 0.08, n), 0.0)
    spots = 100.0 * np.exp(random.uniform(-3.0, 1.0, n))
    schedules = []
    for spot, life in zip(spots, years, strict=True):
        dates = np.sort(random.uniform(0.002, 0.998, random.integers(2, 7))) * life
        parts = np.exp(random.uniform(np.log(1e-3), 0.0, len(dates)))
        cash = spot * random.uniform(0.9, 1.1) * parts / parts.sum()
        schedules.append(list(zip(dates.tolist(), cash.tolist(), strict=True)))
    return replace(rows, right=np.full(n, -1), spot=spots, schedules=tuple(schedules))


def far(random: np.random.Generator, n: int) -> Rows:
    """Spots to seven deviations, rates and yields within 8 %, one to five dividends at any time of 1e-5 to 3 % of the spot."""
    years = np.exp(random.uniform(np.log(0.02), np.log(2.5), n))
    vol = np.minimum(random.uniform(0.08, 0.7, n), 1.18 / np.sqrt(years))
    rows = drawn(random, years, vol, random.uniform(-0.08, 0.08, n), random.uniform(-0.08, 0.08, n), 7.0)
    schedules = []
    for spot, life in zip(rows.spot, years, strict=True):
        dates = np.sort(random.uniform(0.02, 0.98, random.integers(1, 6))) * life
        soon_, late_ = np.exp(random.uniform(np.log(1e-6), np.log(0.02), 2))
        if random.random() < 0.3:
            dates[0] = min(dates[0], soon_)
        if random.random() < 0.3:
            dates[-1] = max(dates[-1], life - min(0.5 * life, late_))
        dates = np.unique(dates)
        cash = spot * np.exp(random.uniform(np.log(1e-5), np.log(0.03), len(dates)))
        schedules.append(list(zip(dates.tolist(), cash.tolist(), strict=True)))
    return replace(rows, schedules=tuple(schedules))


def waiting(random: np.random.Generator, n: int) -> Rows:
    """Puts, the rate above zero and the yield below, with one to three dividends of 0.3 to 3 times what waiting for each costs."""
    years = np.exp(random.uniform(np.log(0.1), np.log(3.5), n))
    vol = np.minimum(random.uniform(0.1, 0.7, n), 1.18 / np.sqrt(years))
    rate, fall = np.exp(random.uniform(np.log(0.002), np.log(0.08), (2, n)))
    spot = 100 * np.exp(random.uniform(-4.5, 1.5, n) * vol * np.sqrt(years))
    schedules = []
    for at, life, earns, costs in zip(spot, years, rate, fall, strict=True):
        dates = np.sort(random.uniform(0.02, 0.98, random.integers(1, 4))) * life
        lost = (earns * 100 + costs * at) * np.diff(dates, prepend=0.0)
        cash = np.minimum(lost * np.exp(random.uniform(np.log(0.3), np.log(3), len(dates))), 0.4 * at)
        schedules.append(list(zip(dates.tolist(), cash.tolist(), strict=True)))
    return Rows(np.full(n, -1), spot, np.full(n, 100.0), years, rate, -fall, vol, tuple(schedules))


def quarterly(random: np.random.Generator, n: int) -> Rows:
    """A year to three with a dividend every quarter."""
    return _every(random, n, 0.25)


def monthly(random: np.random.Generator, n: int) -> Rows:
    """A year to three with a dividend every month."""
    return _every(random, n, 1 / 12)


def _every(random: np.random.Generator, n: int, gap: float) -> Rows:
    """Dividends of one size, to 5 % of the spot a year."""
    years, yearly = random.uniform(1, 3, n), random.uniform(0.2, 5, n)
    rate = random.uniform(0, 0.08, n)
    made = drawn(random, years, random.uniform(0.1, 0.6, n), rate, rate)
    schedules = tuple(
        [(float(at), paid * gap) for at in np.arange(0.4 * gap, life, gap)]
        for life, paid in zip(years.tolist(), yearly.tolist(), strict=True)
    )
    return replace(made, dividend_yield=np.zeros(n), schedules=schedules)


def _with_dates(random: np.random.Generator, n: int, dates: Callable[[float], list[float]]) -> Rows:
    years = np.exp(random.uniform(-3.9, 1.1, n))
    vol = np.minimum(random.uniform(0.1, 0.8, n), 1.19 / np.sqrt(years))
    schedules = tuple(
        [(at, 10 ** random.uniform(-1.5, 0.7)) for at in dates(life)] for life in years.tolist()
    )
    rate = random.uniform(0, 0.08, n)
    made = drawn(random, years, vol, rate, rate)
    return replace(made, dividend_yield=np.zeros(n), schedules=schedules)


def _schedule(random: np.random.Generator, life: float, most: int, apart: float) -> list[tuple[float, float]]:
    while True:
        places = np.sort(random.uniform(0, 1, int(random.integers(1, most + 1))))
        if np.diff([0.0, *places, 1.0]).min() > apart:
            return [(life * place, float(random.uniform(0.1, 3.0))) for place in places.tolist()]


def by_edges(rows: Rows) -> np.ndarray:
    """(N,) prices of the independent program, NaN where it finds no boundary, or another one on a coarser grid."""
    columns = (rows.right, rows.spot, rows.strike, rows.years, rows.rate, rows.dividend_yield, rows.vol)
    return np.array(
        [_by_edges(*option) for option in zip(*(column.tolist() for column in columns), strict=True)]
    )


def _by_edges(*option: float) -> float:
    try:
        coarse, fine = (float(edges.price(*option, edges.Grid(*size))) for size in ((24, 48), (32, 64)))
    except ArithmeticError:
        return np.nan
    return fine if abs(fine - coarse) < UNSETTLED * max(option[1:3]) else np.nan


def by_ourselves(rows: Rows) -> np.ndarray:
    """(N,) our finest prices."""
    return rows.price(1e-6)


KINDS: tuple[tuple[str, Callable[[np.random.Generator, int], Rows], Callable[[Rows], np.ndarray]], ...] = (
    ("yield, a week to two years, vol 8 to 80 %", ordinary, by_edges),
    ("yield, high drift at low vol", drift, by_edges),
    ("yield, drift that rules", ruled, by_edges),
    ("yield, a day to ten years, vol 5 to 200 %", wide, by_edges),
    ("yield, two boundaries", twice, by_edges),
    ("yield, two boundaries, over centuries", centuries, by_edges),
    ("1 to 8 cash dividends, apart", with_cash, by_ourselves),
    ("1 to 8 cash dividends, anywhere", hugging, by_ourselves),
    ("the first cash dividend seconds to days away", soon, by_ourselves),
    ("the last cash dividend seconds to days before expiry", late, by_ourselves),
    ("1 to 8 cash dividends, apart, and a yield", with_yield(with_cash), by_ourselves),
    ("the first seconds to days away, and a yield", with_yield(soon), by_ourselves),
    ("the last seconds to days before expiry, and a yield", with_yield(late), by_ourselves),
    ("1 to 8, apart, rates of any sign", any_sign(with_cash), by_ourselves),
    ("the first seconds to days away, rates of any sign", any_sign(soon), by_ourselves),
    ("the last seconds to days before expiry, rates of any sign", any_sign(late), by_ourselves),
    ("a cash dividend every quarter, one year to three", quarterly, by_ourselves),
    ("a cash dividend every quarter, and a yield", with_yield(quarterly), by_ourselves),
    ("a cash dividend every month, one year to three", monthly, by_ourselves),
    ("1 to 3 cash dividends of much of the spot, rates of any sign", any_sign(of_much), by_ourselves),
    ("1 to 3 of nearly all of the spot and more, rates of any sign", any_sign(of_nearly_all), by_ourselves),
    ("spots to seven deviations, rates and yields of any sign", far, by_ourselves),
    ("puts that wait, a yield below zero", waiting, by_ourselves),
    ("one of 30 to 130 % of the spot, and little ones", much_then_little, by_ourselves),
    ("puts, several that take all of the spot, low vols", taking_all, by_ourselves),
)


def lines(count: int, words: Sequence[str] = (), seed: int = SEED) -> Iterator[str]:
    """The table, a row at a time."""
    yield f"| options | rows | {' | '.join(f'{name}: largest, RMS, beyond' for name in CLASSES)} |"
    yield f"|---|---|{'---|' * len(CLASSES)}"
    for title, make, reference in KINDS:
        if not all(word in title for word in words):
            continue
        has_cash = reference is by_ourselves
        rows = make(np.random.default_rng(seed), count * (MORE_WITH_CASH if has_cash else 1))
        exact, scale = reference(rows), 100 / np.maximum(rows.spot, rows.strike)
        known = np.isfinite(exact)
        cells = []
        for name, limits in CLASSES.items():
            error = np.abs((rows.price(name) - exact) * scale)[known]
            beyond = int((error > limits[has_cash]).sum())
            cells.append(f"{error.max():.1e}, {np.sqrt(np.mean(error**2)):.1e}, {beyond:,}")
        yield f"| {title} | {known.sum()} | {' | '.join(cells)} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("count", type=int, nargs="?", default=200)
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    for line in lines(given.count, given.words, given.seed):
        print(line, flush=True)
