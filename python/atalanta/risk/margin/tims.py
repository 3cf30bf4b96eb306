"""Portfolio margin as TIMS has it: the worst of ten equidistant moves, every option valued anew. Main entry: `tims_like`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.risk.margin.lines import MarginEstimate, MarginLine, estimate_of, is_index, legs_of

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["RULE", "tims_like", "valuation_points"]

RULE = (
    "as the portfolio margin of FINRA Rule 4210(g) is built: for each underlying the largest loss at ten equidistant points, "
    "-15 % to +15 % for shares and funds, -8 % to +6 % for broad indices, volatilities unchanged; at least $0.375 times the "
    "multiplier for every option contract. No offset between underlyings is given, and no house scenario added"
)

_SHARE = (-0.15, 0.15)
_INDEX = (-0.08, 0.06)
_LEAST = 0.375


def valuation_points(lowest: float, highest: float) -> npt.NDArray[np.float64]:
    """(10,) five equidistant falls and five equidistant rises."""
    steps = np.arange(1, 6) / 5
    return np.concatenate([lowest * steps[::-1], highest * steps])


def tims_like(portfolio: Portfolio) -> MarginEstimate:
    """The requirement of the whole book, an estimate.

    Args:
        portfolio: the book in its market.
    """
    options, legs = portfolio.options, legs_of(portfolio)
    count = len(portfolio.underlyings)
    points = np.array(
        [valuation_points(*(_INDEX if is_index(portfolio, u) else _SHARE)) for u in range(count)]
    )
    values = options.price(options.spot[:, None] * (1 + points[options.underlying]), options.vol[:, None])
    gains = values - options.price()[:, None]
    pnl = _core.add_up(gains, options.weight, options.underlying, count)
    pnl = pnl + (portfolio.shares * np.nan_to_num(portfolio.market.spots))[:, None] * points
    lines = []
    for u, name in enumerate(portfolio.underlyings):
        own = legs.get(u, [])
        if not own and portfolio.shares[u] == 0:
            continue
        loss = max(0.0, -float(pnl[u].min()))
        least = _LEAST * sum(abs(leg.contracts) * leg.multiplier for leg in own)
        worst = float(points[u, int(np.argmin(pnl[u]))])
        rule = (
            f"largest loss, at {worst:+.1%}"
            if loss >= least
            else f"minimum of ${_LEAST:g} times the multiplier for each contract"
        )
        lines.append(MarginLine(name, "all positions", max(loss, least), rule))
    return estimate_of("TIMS-like estimate", lines, RULE, portfolio)
