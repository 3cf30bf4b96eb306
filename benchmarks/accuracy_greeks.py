"""Errors of American sensitivities with cash dividends marched by steps, as a table in Markdown.

    python benchmarks/accuracy_greeks.py [rows of each kind, 500 by default] [words]

Words keep the kinds whose title has them all. Puts have a rate above zero and calls a yield, so that both are exercised at
any time. Against fourth-order differences of our own prices at a tolerance of 2e-6: a step of 1.5 % of the volatility, of
0.15 points of rate or yield, of five cents of a dividend, no more than a fifth of it. Errors of vega, rho, phi and each
dividend are in per cent of the larger of the value and 1.00 (per 1.00 of vol or rate; a dividend's own is a share): of the
median row, of the 95th of 100, the largest, and how many rows are beyond 0.5. Left out is what has a kink so near that
the differences over one step and over two are 1 % apart.

A second table has delta, gamma and theta, read from the same grids, against those at 2e-6: delta per 1, gamma as the change of
delta over 1 % of the spot, theta per day; of the median row, of the 95th of 100, and the largest.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

import atalanta

CLASSES = ("fast", "standard", "precise")
REFERENCE = 2e-6
LIMIT = 0.5
KINKED = 0.01
SEED = 2027


@dataclass(frozen=True)
class Rows:
    """N options on a strike of 100, each with its schedule of dividends."""

    right: np.ndarray
    spot: np.ndarray
    years: np.ndarray
    rate: np.ndarray
    dividend_yield: np.ndarray
    vol: np.ndarray
    schedules: tuple[list[tuple[float, float]], ...]

    def greeks(self, tolerance: str | float) -> dict[str, np.ndarray]:
        """Vega, rho and phi, (N,) each, and the dividends', (all of them,) row after row."""
        made = atalanta.greeks(*self._columns(), **self._terms(), tolerance=tolerance)
        of_rows = zip(np.asarray(made.dividend_delta).T, self.schedules, strict=True)
        by_cash = np.concatenate([row[: len(schedule)] for row, schedule in of_rows])
        return {"vega": made.vega, "rho": made.rho, "phi": made.phi, "each dividend": by_cash}

    def of_spot(self, tolerance: str | float) -> dict[str, np.ndarray]:
        """Delta, gamma over 1 % of the spot and theta per day, (N,) each."""
        made = atalanta.greeks(*self._columns(), **self._terms(), tolerance=tolerance)
        return {"delta": made.delta, "gamma": made.gamma * 0.01 * self.spot, "theta": made.theta / 365.0}

    def price(self) -> np.ndarray:
        """(N,) our finest prices."""
        return atalanta.price(*self._columns(), **self._terms(), tolerance=REFERENCE)

    def _columns(self) -> tuple[np.ndarray | float, ...]:
        return self.right, self.spot, 100.0, self.years, self.rate, self.vol

    def _terms(self) -> dict[str, object]:
        dividends = atalanta.Dividends(self.schedules, of=np.arange(len(self.spot)))
        return {"dividend_yield": self.dividend_yield, "exercise": "american", "dividends": dividends}


def puts(random: np.random.Generator, n: int) -> Rows:
    """A week to two years, vol 10 to 60 %, 1 to 8 dividends of 0.2 to 2 % of the spot, spots within 1.5 deviations."""
    return _drawn(random, n, -1, 8)


def calls(random: np.random.Generator, n: int) -> Rows:
    """The same as calls with a yield of 0.8 to 6 %."""
    return _drawn(random, n, 1, 8)


def soon(random: np.random.Generator, n: int) -> Rows:
    """The same, puts and calls, the first of 1 to 4 dividends minutes to days away."""
    rows = _drawn(random, n, random.choice([-1, 1], n), 4)
    schedules = tuple(
        [(life * 10 ** random.uniform(-3.5, -1.5), schedule[0][1]), *schedule[1:]]
        for life, schedule in zip(rows.years.tolist(), rows.schedules, strict=True)
    )
    return replace(rows, schedules=schedules)


def beside(random: np.random.Generator, n: int) -> Rows:
    """Puts with one dividend, their spots from the boundary of exercise to a fifth above it."""
    rows = _drawn(random, n, -1, 1)
    early = atalanta.early_exercise(
        rows.right,
        rows.spot,
        100.0,
        rows.years,
        rows.rate,
        rows.vol,
        dividend_yield=rows.dividend_yield,
        dividends=atalanta.Dividends(rows.schedules, of=np.arange(n)),
    )
    boundary = np.asarray(early.boundary)
    known = np.isfinite(boundary) & (boundary > 0)
    spot = np.where(known, boundary * (1.003 + 0.2 * random.uniform(0, 1, n) ** 2), rows.spot)
    return replace(rows, spot=spot)


def _drawn(random: np.random.Generator, n: int, right: int | np.ndarray, most: int) -> Rows:
    years, vol = np.exp(random.uniform(np.log(0.02), np.log(2), n)), random.uniform(0.1, 0.6, n)
    rights = np.broadcast_to(right, n)
    spot = 100 * np.exp(random.uniform(-1.5, 1.5, n) * vol * np.sqrt(years))
    of_puts = np.where(random.uniform(0, 1, n) < 0.4, 0.0, random.uniform(0, 0.05, n))
    dividend_yield = np.where(rights > 0, random.uniform(0.008, 0.06, n), of_puts)
    schedules = tuple(
        _schedule(random, life, at, most) for life, at in zip(years.tolist(), spot.tolist(), strict=True)
    )
    return Rows(rights, spot, years, random.uniform(0.01, 0.08, n), dividend_yield, vol, schedules)


def _schedule(random: np.random.Generator, life: float, spot: float, most: int) -> list[tuple[float, float]]:
    while True:
        places = np.sort(random.uniform(0, 1, int(random.integers(1, most + 1))))
        if np.diff([0.0, *places, 1.0]).min() > 0.02:
            return [(life * place, spot * float(random.uniform(0.002, 0.02))) for place in places.tolist()]


def differences(rows: Rows) -> dict[str, np.ndarray]:
    """The true sensitivities, as `Rows.greeks` gives them."""
    rate, dividend_yield, vol = 0.0015, 0.0015, 0.015 * rows.vol
    longest = max(len(schedule) for schedule in rows.schedules)
    by_cash = np.zeros((longest, len(rows.spot)))
    has = np.array([[len(schedule) > entry for schedule in rows.schedules] for entry in range(longest)])
    for entry in range(longest):
        step = np.array([min(0.05, 0.2 * s[entry][1]) if len(s) > entry else 1.0 for s in rows.schedules])
        by_cash[entry] = _difference(lambda k, entry=entry, step=step: _paying(rows, entry, k * step), step)
    return {
        "vega": _difference(lambda k: replace(rows, vol=rows.vol + k * vol), vol),
        "rho": _difference(lambda k: replace(rows, rate=rows.rate + k * rate), rate),
        "phi": _difference(
            lambda k: replace(rows, dividend_yield=rows.dividend_yield + k * dividend_yield), dividend_yield
        ),
        "each dividend": by_cash.T[has.T],
    }


def _difference(moved: Callable[[int], Rows], step: float | np.ndarray) -> np.ndarray:
    near, far = ((moved(k).price() - moved(-k).price()) / (2 * k * step) for k in (1, 2))
    found = (4 * near - far) / 3
    return np.where(np.abs(near - far) > KINKED * np.maximum(1.0, np.abs(found)), np.nan, found)


def _paying(rows: Rows, entry: int, more: np.ndarray) -> Rows:
    schedules = tuple(
        [(at, cash + (extra if k == entry else 0.0)) for k, (at, cash) in enumerate(schedule)]
        for schedule, extra in zip(rows.schedules, more.tolist(), strict=True)
    )
    return replace(rows, schedules=schedules)


KINDS: tuple[tuple[str, Callable[[np.random.Generator, int], Rows]], ...] = (
    ("puts", puts),
    ("calls with a yield", calls),
    ("the first date minutes to days away", soon),
    ("puts beside their boundary, one dividend", beside),
)


def lines(count: int, words: Sequence[str] = ()) -> Iterator[str]:
    """The table, a row at a time."""
    yield "| options, class | vega: median, 95 %, largest, beyond | rho | phi | each dividend |"
    yield "|---|---|---|---|---|"
    for title, make in KINDS:
        if not all(word in title for word in words):
            continue
        rows = make(np.random.default_rng(SEED), count)
        exact = differences(rows)
        for name in CLASSES:
            told = rows.greeks(name)
            cells = [_cell(told[greek], true) for greek, true in exact.items()]
            yield f"| {title}, {name} | {' | '.join(cells)} |"


def lines_of_spot(count: int, words: Sequence[str] = ()) -> Iterator[str]:
    """The table of what is read from the grid, a row at a time."""
    yield "| options, class | delta: median, 95 %, largest | gamma, over 1 % | theta, a day |"
    yield "|---|---|---|---|"
    for title, make in KINDS:
        if not all(word in title for word in words):
            continue
        rows = make(np.random.default_rng(SEED), count)
        exact = rows.of_spot(REFERENCE)
        for name in CLASSES:
            told = rows.of_spot(name)
            errors = [np.abs(told[greek] - true) for greek, true in exact.items()]
            cells = [
                f"{np.median(e):.0e}, {np.quantile(e, 0.95):.0e}, {e.max():.0e}".replace("e-0", "e-")
                for e in errors
            ]
            yield f"| {title}, {name} | {' | '.join(cells)} |"


def _cell(told: np.ndarray, true: np.ndarray) -> str:
    known = np.isfinite(true)
    error = (100 * np.abs(told - true) / np.maximum(1.0, np.abs(true)))[known]
    median, most = np.quantile(error, [0.5, 0.95])
    return f"{median:.3f}, {most:.2f}, {error.max():.2f}, {int((error > LIMIT).sum())}"


def main(arguments: Sequence[str]) -> None:
    """Print both tables."""
    count, words = int(arguments[0]) if arguments else 500, arguments[1:]
    for table in (lines, lines_of_spot):
        for line in table(count, words):
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
