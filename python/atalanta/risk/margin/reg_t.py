"""Strategy-based margin after Regulation T and FINRA Rule 4210(f)(2). Main entries: `reg_t`, `requirement`.

Legs are taken apart in the order that a margin clerk would: covered by shares, spread against long options, naked; naked calls and
puts are then paired. The search is greedy: a combination that asks for less may exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from atalanta.risk.margin.lines import MarginEstimate, MarginLine, OptionLeg, estimate_of, is_index, legs_of

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["RULE", "naked_requirement", "reg_t", "requirement"]

RULE = (
    "Regulation T (12 CFR 220) and FINRA Rule 4210(f)(2), initial: long options are paid in full; a short option asks for its "
    "price plus 20 % of the underlying (15 % for a broad index) less what it is out of the money, and no less than its price "
    "plus 10 % of the underlying (a put: of the strike); spreads for what they can lose; of a naked call and put for the larger "
    "and the other's price; shares for half their value, short ones for 150 %; options that shares cover for nothing more"
)

_EQUITY_SHARE, _INDEX_SHARE, _LEAST_SHARE = 0.20, 0.15, 0.10
_LONG_STOCK, _SHORT_STOCK = 0.50, 1.50


def reg_t(portfolio: Portfolio) -> MarginEstimate:
    """The requirement of the whole book, an estimate.

    Args:
        portfolio: the book in its market; options at their mid where they are quoted.
    """
    legs = legs_of(portfolio)
    lines: list[MarginLine] = []
    for u, name in enumerate(portfolio.underlyings):
        own, shares = legs.get(u, []), float(portfolio.shares[u])
        if own or shares:
            spot = float(portfolio.market.spots[u])
            lines += requirement(name, own, shares, spot, index=is_index(portfolio, u))
    return estimate_of("Reg T estimate", lines, RULE, portfolio)


def requirement(
    name: str, legs: Iterable[OptionLeg], shares: float, spot: float, *, index: bool = False
) -> list[MarginLine]:
    """What the legs and shares of one underlying ask for.

    Args:
        name: of the underlying.
        legs: net contracts.
        shares: net, negative for short.
        spot: price of the underlying.
        index: a broad index: 15 % in the place of 20 %.
    """
    own = [replace(leg) for leg in legs]
    lines = _stock(name, shares, spot)
    lines += _covered(name, own, shares)
    lines += [
        MarginLine(
            name,
            f"{leg.contracts:g} long {_what(leg)}",
            leg.contracts * leg.multiplier * leg.price,
            "paid in full",
        )
        for leg in own
        if leg.contracts > 0
    ]
    lines += _spreads(name, own, spot, index)
    return lines + _naked(name, own, spot, index)


def naked_requirement(leg: OptionLeg, spot: float, *, index: bool = False) -> float:
    """Dollars for one short contract that nothing covers.

    Args:
        leg: the option; its number of contracts does not matter.
        spot: price of the underlying.
        index: as of `requirement`.
    """
    share = _INDEX_SHARE if index else _EQUITY_SHARE
    least = _LEAST_SHARE * (spot if leg.right > 0 else leg.strike)
    return leg.multiplier * (leg.price + max(share * spot - leg.out_of_the_money(spot), least))


def _what(leg: OptionLeg) -> str:
    return f"{'call' if leg.right > 0 else 'put'} {leg.strike:g}"


def _stock(name: str, shares: float, spot: float) -> list[MarginLine]:
    if shares == 0 or not np.isfinite(spot):
        return []
    share = _LONG_STOCK if shares > 0 else _SHORT_STOCK
    return [
        MarginLine(
            name,
            f"{abs(shares):g} {'long' if shares > 0 else 'short'} shares",
            share * abs(shares) * spot,
            f"{share:.0%} of their value",
        )
    ]


def _covered(name: str, legs: list[OptionLeg], shares: float) -> list[MarginLine]:
    """Short calls against long shares, short puts against short shares; the highest requirement first."""
    left, lines = abs(shares), []
    for leg in sorted(legs, key=lambda one: one.right * one.strike):
        if leg.contracts >= 0 or leg.right * shares <= 0:
            continue
        count = min(-leg.contracts, np.floor(left / leg.multiplier))
        if count <= 0:
            continue
        left -= count * leg.multiplier
        leg.contracts += count
        lines.append(MarginLine(name, f"{count:g} short {_what(leg)}", 0.0, "covered by shares"))
    return lines


def _spreads(name: str, legs: list[OptionLeg], spot: float, index: bool) -> list[MarginLine]:
    """Short options against long ones that expire no earlier: what the pair can lose."""
    lines = []
    free = {id(leg): leg.contracts * leg.multiplier for leg in legs if leg.contracts > 0}
    pairs = [
        (max(0.0, short.right * (long.strike - short.strike)), short, long)
        for short in legs
        for long in legs
        if short.contracts < 0 < long.contracts
        and long.right == short.right
        and long.years >= short.years - 1e-9
    ]
    for width, short, long in sorted(pairs, key=lambda pair: pair[0]):
        if short.contracts >= 0:
            continue
        count = min(-short.contracts, free[id(long)] / short.multiplier)
        naked = naked_requirement(short, spot, index=index) / short.multiplier
        if count <= 0 or width >= naked:
            continue
        free[id(long)] -= count * short.multiplier
        short.contracts += count
        what = f"{count:g} short {_what(short)} against {_what(long)}"
        lines.append(
            MarginLine(name, what, width * count * short.multiplier, "spread: the most that it can lose")
        )
    return lines


def _naked(name: str, legs: list[OptionLeg], spot: float, index: bool) -> list[MarginLine]:
    """What is left: calls and puts paired, the dearest first."""
    short = [leg for leg in legs if leg.contracts < 0]
    calls, puts = (
        sorted(
            (leg for leg in short if leg.right == right),
            key=lambda leg: -naked_requirement(leg, spot, index=index),
        )
        for right in (1, -1)
    )
    lines = []
    while calls and puts and calls[0].multiplier == puts[0].multiplier:
        call, put = calls[0], puts[0]
        count = min(-call.contracts, -put.contracts)
        amounts = [naked_requirement(leg, spot, index=index) for leg in (call, put)]
        other = put if amounts[0] >= amounts[1] else call
        amount = count * (max(amounts) + other.multiplier * other.price)
        what = f"{count:g} short {_what(call)} and {_what(put)}"
        lines.append(MarginLine(name, what, amount, "the larger requirement and the other's price"))
        for leg, rest in ((call, calls), (put, puts)):
            leg.contracts += count
            if leg.contracts >= 0:
                rest.pop(0)
    for leg in [*calls, *puts]:
        share = "15 %" if index else "20 %"
        amount = -leg.contracts * naked_requirement(leg, spot, index=index)
        rule = f"price + max({share} of the underlying less out of the money, 10 %)"
        lines.append(MarginLine(name, f"{-leg.contracts:g} short {_what(leg)}", amount, rule))
    return lines
