"""A book to try things with: a few positions on what a chain holds. Main entry: `example_book`."""

from __future__ import annotations

from typing import Any

import numpy as np

from atalanta.errors import InputError
from atalanta.market.analysis import Analysis
from atalanta.risk.book import Book
from atalanta.risk.market import Market

__all__ = ["example_book"]

_DAYS = 35


def example_book(analysis: Analysis) -> Book:
    """A covered call and a short put on each American underlying, a put spread on each European one.

    The expiry is the first one five weeks ahead, strikes lie some per cent out of the money.

    Args:
        analysis: of the chain that the contracts are taken from.

    Raises:
        InputError: no expiry with usable contracts.
    """
    market = Market.of(analysis)
    rows: list[dict[str, Any]] = []
    for u, name in enumerate(market.underlyings):
        group = _group(market, u)
        if group is None:
            continue
        american = analysis["exercise"][market.rows[market.group == group][0]] == "american"
        if american:
            rows.append({"symbol": name, "quantity": 500.0})
        legs = ((1, 1.05, -5), (-1, 0.95, -5)) if american else ((-1, 0.97, -2), (-1, 0.92, 2))
        for right, moneyness, quantity in legs:
            symbol = _symbol(analysis, market, group, right, moneyness)
            if symbol:
                rows.append({"symbol": symbol, "quantity": float(quantity)})
    if not rows:
        raise InputError("[risk.example_book] the chain holds no expiry with quoted contracts")
    return Book.read(rows)


def _group(market: Market, underlying: int) -> int | None:
    """The first expiry after so many days, else the last one."""
    own = np.flatnonzero((market.underlying == underlying) & (market.years > 0) & np.isfinite(market.forward))
    if not own.size:
        return None
    far = own[365 * market.years[own] >= _DAYS]
    return int(far[0] if far.size else own[-1])


def _symbol(analysis: Analysis, market: Market, group: int, right: int, moneyness: float) -> str:
    """The sound contract nearest a strike."""
    rows = market.rows[market.group == group]
    sound = rows[(analysis["flags"][rows] == 0) & (analysis["right"][rows] == right)]
    if not sound.size:
        return ""
    wanted = moneyness * market.forward[group]
    return str(analysis["symbol"][sound[np.argmin(np.abs(analysis["strike"][sound] - wanted))]])
