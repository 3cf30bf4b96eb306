"""Errors of ladders of calls read seconds to eleven days before an ex-date, against solves at those spots, as a table in Markdown.

    python benchmarks/accuracy_ladders.py [--seed N] [ladders of each kind, 600 by default]

Each ladder is read at 41 spots up to 2.5 deviations from its own, and at 38 about the spot from which exercise before
the date is right, where its nodes see nothing. Errors in price are for the larger of spot and 100, the strike; the last
number of a cell is how many ladders are beyond a tenth of a cent.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import atalanta

LIMIT = 1e-3
STRIKE = 100.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Call:
    spot: float
    years: float
    rate: float
    vol: float
    dividend_yield: float
    dividends: tuple[tuple[float, float], ...]

    @property
    def option(self) -> tuple[str, float, float, float, float, float]:
        return "call", self.spot, STRIKE, self.years, self.rate, self.vol


def draw(chance: np.random.Generator, dividend_yield: bool) -> Call:
    """One to three dividends of 0.2 to 25 % of the strike, the first a second to eleven days away."""
    years, vol = (float(np.exp(chance.uniform(*np.log(ends)))) for ends in ((0.02, 2.0), (0.08, 0.8)))
    vol = min(vol, 1.1 / np.sqrt(years))
    later = int(chance.integers(0, 3))
    first = min(float(np.exp(chance.uniform(*np.log((3e-8, 3e-2))))), 0.3 * years)
    times = [first, *np.sort(chance.uniform(0.3, 0.98, later) * years)]
    cash = STRIKE * np.exp(chance.uniform(*np.log((0.002, 0.25)), later + 1))
    return Call(
        spot=STRIKE * float(np.exp(chance.uniform(-1.0, 2.0) * vol * np.sqrt(years))),
        years=years,
        rate=float(chance.uniform(0.0, 0.06)),
        vol=vol,
        dividend_yield=float(chance.uniform(0.001, 0.04)) if dividend_yield else 0.0,
        dividends=tuple((float(when), float(paid)) for when, paid in zip(times, cash, strict=True)),
    )


def spots(call: Call) -> Floats:
    """All within 2.5 deviations of the call's own."""
    terms = {"dividend_yield": call.dividend_yield, "dividends": call.dividends}
    kink = float(atalanta.early_exercise(*call.option, **terms).ex_dividend_boundary)
    wide = call.vol * np.sqrt(call.years)
    chosen = [call.spot * np.exp(np.linspace(-2.5, 2.5, 41) * wide)]
    if np.isfinite(kink):
        chosen.append(kink * np.exp(np.linspace(-0.3, 0.3, 25) * wide))
        chosen.append(kink * np.exp(np.linspace(-3.0, 3.0, 13) * call.vol * np.sqrt(call.dividends[0][0])))
    every = np.concatenate(chosen)
    return every[np.abs(np.log(every / call.spot)) <= 2.5 * wide * (1.0 + 1e-12)]


def errors(call: Call) -> tuple[float, float]:
    """The largest in price and delta."""
    at = spots(call)
    terms = {"dividend_yield": call.dividend_yield, "dividends": call.dividends, "exercise": "american"}
    read = atalanta.Ladder(*call.option, **terms).at(at)
    solved = atalanta.greeks("call", at, *call.option[2:], **terms)
    price = np.abs(read.price - solved.price) * 100.0 / np.maximum(at, STRIKE)
    return float(price.max()), float(np.abs(read.delta - solved.delta).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", nargs="?", type=int, default=600)
    parser.add_argument("--seed", type=int, default=2026)
    asked = parser.parse_args()
    print("| calls | ladders | price: largest, 99 of 100, beyond | delta: largest, 99 of 100 |")
    print("|---|---|---|---|")
    for title, dividend_yield in (("no yield", False), ("a yield", True)):
        chance = np.random.default_rng(asked.seed)
        price, delta = np.array([errors(draw(chance, dividend_yield)) for _ in range(asked.count)]).T
        of_price = f"{price.max():.1e}, {np.quantile(price, 0.99):.1e}, {(price > LIMIT).sum()}"
        print(
            f"| {title} | {asked.count:,} | {of_price} | {delta.max():.1e}, {np.quantile(delta, 0.99):.1e} |"
        )


if __name__ == "__main__":
    main()
