"""What a margin estimate is made of: lines with their rule, and the option legs of an underlying."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["MarginEstimate", "MarginLine", "OptionLeg", "estimate_of", "is_index", "legs_of"]


@dataclass(frozen=True, slots=True)
class MarginLine:
    """One requirement: `amount` in dollars, of `what`, by `rule`."""

    underlying: str
    what: str
    amount: float
    rule: str


@dataclass(frozen=True, slots=True)
class MarginEstimate:
    """An estimate by one method.

    Attributes:
        method: its name; all end in 'estimate'.
        total: in dollars.
        lines: what it is made of; they sum to `total`.
        rule: the method in words.
        notes: what it leaves out: positions without a value.
    """

    method: str
    total: float
    lines: tuple[MarginLine, ...]
    rule: str
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """In plain types, for JSON."""
        lines = [
            {"underlying": line.underlying, "what": line.what, "amount": line.amount, "rule": line.rule}
            for line in self.lines
        ]
        return {
            "method": self.method,
            "total": self.total,
            "rule": self.rule,
            "lines": lines,
            "notes": list(self.notes),
        }


@dataclass(slots=True)
class OptionLeg:
    """Net contracts of one option: `contracts` negative for short; `price` per share; `years` to expiry."""

    right: int
    strike: float
    years: float
    contracts: float
    multiplier: float
    price: float

    def out_of_the_money(self, spot: float) -> float:
        """Per share; 0 in the money."""
        return max(0.0, self.right * (self.strike - spot))


def estimate_of(method: str, lines: list[MarginLine], rule: str, portfolio: Portfolio) -> MarginEstimate:
    """The estimate of these lines, which says how many positions ask for nothing because they have no value."""
    lost = int((~portfolio.matched.priced & (portfolio.book["quantity"] != 0)).sum())
    told = (
        (f"{lost:,} of {len(portfolio):,} positions have no value and ask for nothing here",) if lost else ()
    )
    return MarginEstimate(method, math.fsum(line.amount for line in lines), tuple(lines), rule, told)


def legs_of(portfolio: Portfolio) -> dict[int, list[OptionLeg]]:
    """The option legs of each underlying, positions in one contract and multiplier netted, at market or else model prices."""
    matched, book = portfolio.matched, portfolio.book
    found: dict[int, dict[tuple[int, float], OptionLeg]] = {}
    prices = portfolio.greeks.price
    for row in np.flatnonzero(portfolio.contract >= 0).tolist():
        contract, multiplier = int(portfolio.contract[row]), float(matched.multiplier[row])
        legs = found.setdefault(int(matched.underlying[row]), {})
        mid = float(matched.mid[row])
        leg = legs.setdefault(
            (contract, multiplier),
            OptionLeg(
                int(portfolio.options.right[contract]),
                float(portfolio.options.strike[contract]),
                float(portfolio.options.years[contract]),
                0.0,
                multiplier,
                mid if np.isfinite(mid) else float(prices[contract]),
            ),
        )
        leg.contracts += float(book["quantity"][row])
    return {u: [leg for leg in legs.values() if leg.contracts != 0] for u, legs in found.items()}


def is_index(portfolio: Portfolio, underlying: int) -> bool:
    """Whether the underlying's options are European, as those on broad indices are."""
    market = portfolio.market
    styles = portfolio.analysis["exercise"][market.rows][market.underlying[market.group] == underlying]
    return bool(len(styles)) and bool((styles == "european").all())
