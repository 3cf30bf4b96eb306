"""What it costs to price a listed option as a European one with the dividend spread into a yield.

    python examples/european_shortcut.py

Prints a table in Markdown: six positions of somebody who writes puts and covered calls. The shortcut is the best there
is: the yield that takes exactly the dividend's present value from the spot. Where it is wrong is at the ex-date
and in the money, which is where such positions are rolled or assigned.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import atalanta

SPOT, RATE, DAY = 100.0, 0.0425, 1 / 365


@dataclass(frozen=True)
class Case:
    """One position: cash is the dividend, ex after so many days; 0 for none."""

    name: str
    right: str
    strike: float
    days: int
    vol: float = 0.25
    cash: float = 0.0
    ex_days: int = 0


CASES = (
    Case("put sold at 94, 45 days", "put", 94.0, 45),
    Case("the same in the money, strike 112", "put", 112.0, 45),
    Case("call written at 106, 45 days, 0.80 in 20 days", "call", 106.0, 45, cash=0.80, ex_days=20),
    Case("the same in the money, strike 92", "call", 92.0, 45, cash=0.80, ex_days=20),
    Case("deep in the money, strike 90, 21 days, vol 22 %, 1.20 in 5 days", "call", 90.0, 21, 0.22, 1.20, 5),
    Case("put at the money, a year", "put", 100.0, 365),
)


@dataclass(frozen=True)
class Comparison:
    """A case priced as it is and by the shortcut; `vol_bias` is how far off the shortcut's implied vol is."""

    case: Case
    american: float
    european: float
    american_delta: float
    european_delta: float
    vol_bias: float

    @property
    def cents(self) -> float:
        """Error of the shortcut, in cents per share."""
        return 100 * (self.european - self.american)


def compare(case: Case) -> Comparison:
    """Price a case both ways."""
    option = case.right, SPOT, case.strike, case.days * DAY, RATE
    dividends = [(case.ex_days * DAY, case.cash)] if case.cash else None
    exact = atalanta.greeks(*option, case.vol, exercise="american", dividends=dividends, tolerance="precise")
    dividend_yield = spread_into_a_yield(case)
    shortcut = atalanta.greeks(*option, case.vol, dividend_yield=dividend_yield)
    implied = atalanta.implied_vol(exact.price, *option, dividend_yield=dividend_yield)
    return Comparison(
        case, exact.price, shortcut.price, exact.delta, shortcut.delta, float(implied) - case.vol
    )


def spread_into_a_yield(case: Case) -> float:
    """The yield that takes the dividend's present value from the spot until expiry."""
    present = case.cash * math.exp(-RATE * case.ex_days * DAY)
    return -math.log(1 - present / SPOT) / (case.days * DAY)


def table(rows: list[Comparison]) -> Iterator[str]:
    """The lines of the table."""
    yield "| position | American | European with a yield | error, cents | delta | vol bias, points |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        delta = f"{row.american_delta:.3f} / {row.european_delta:.3f}"
        prices = f"{row.american:.4f} | {row.european:.4f} | {row.cents:+.1f}"
        yield f"| {row.case.name} | {prices} | {delta} | {100 * row.vol_bias:+.2f} |"


if __name__ == "__main__":
    print("\n".join(table([compare(case) for case in CASES])))
