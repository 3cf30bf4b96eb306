"""Margin as SPAN has it: the worst of sixteen scenarios of price and volatility. Main entries: `span_like`, `scan_risk`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError
from atalanta.risk.margin.lines import MarginEstimate, MarginLine, estimate_of, is_index
from atalanta.risk.revaluation import LEAST_VOL

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["RULE", "SCENARIOS", "scan_risk", "span_like"]

Floats = npt.NDArray[np.float64]

RULE = (
    "as SPAN is built: for each underlying the largest loss over sixteen scenarios a day ahead: price still, up and down by a third, "
    "two thirds and all of the price range, each with volatility up and down by its range, and two extreme moves of three ranges "
    "of which 33 % count; less the net value of the options. The price range is 3.5 daily standard deviations of the nearest "
    "expiry's volatility at the money, the volatility range 4 points for indices and 10 for shares, as NSE Clearing publishes "
    "them; exchanges set their own"
)

#: Share of the price range, of the volatility range, and of the loss that counts.
SCENARIOS = np.array(
    [(price, vol, 1.0) for price in (0, 1 / 3, -1 / 3, 2 / 3, -2 / 3, 1, -1) for vol in (1, -1)]
    + [(3.0, 0.0, 0.33), (-3.0, 0.0, 0.33)]
)

_DEVIATIONS, _SESSIONS = 3.5, 252
_VOL_RANGE = {True: 0.04, False: 0.10}  # of an index, of a share
_LARGEST_FALL = -0.99


def scan_risk(arrays: npt.ArrayLike, quantities: npt.ArrayLike) -> float:
    """The scanning risk of a combined position: its largest loss over the scenarios, 0 where there is none.

    Args:
        arrays: (P, 16) gain or loss of one long contract in each scenario, losses negative.
        quantities: (P,) contracts, negative for short.

    Raises:
        InputError: shapes that do not fit.
    """
    table, held = np.asarray(arrays, dtype=np.float64), np.asarray(quantities, dtype=np.float64)
    if table.ndim != 2 or held.shape != table.shape[:1]:
        raise InputError(
            f"[risk.scan_risk] arrays {table.shape} and quantities {held.shape} do not fit: give a row for each contract"
        )
    return float(max(0.0, -(held @ table).min(initial=0.0)))


def span_like(portfolio: Portfolio) -> MarginEstimate:
    """The requirement of the whole book, an estimate: scanning risk less net option value, for each underlying.

    Args:
        portfolio: the book in its market.
    """
    options, count = portfolio.options, len(portfolio.underlyings)
    indices = [is_index(portfolio, u) for u in range(count)]
    ranges = np.array([_price_range(portfolio, u) for u in range(count)])
    vol_ranges = np.array([_VOL_RANGE[index] for index in indices])
    moves = np.maximum(ranges[:, None] * SCENARIOS[:, 0], _LARGEST_FALL)
    later = options.after(1 / 365)
    of = options.underlying
    vol = np.maximum(later.vol[:, None] + vol_ranges[of][:, None] * SCENARIOS[:, 1], LEAST_VOL)
    now = options.price()
    gains = later.price(later.spot[:, None] * (1 + moves[of]), vol) - now[:, None]
    pnl = _core.add_up(gains, options.weight, of, count)
    pnl = (pnl + (portfolio.shares * np.nan_to_num(portfolio.market.spots))[:, None] * moves) * SCENARIOS[
        :, 2
    ]
    net = np.bincount(of, now * options.weight, minlength=count)
    held = np.bincount(of, minlength=count)
    lines = []
    for u, name in enumerate(portfolio.underlyings):
        if not held[u] and portfolio.shares[u] == 0:
            continue
        worst = int(np.argmin(pnl[u]))
        scan = max(0.0, -float(pnl[u, worst]))
        place = f"scenario {worst + 1}, price {moves[u, worst]:+.1%}"
        lines.append(MarginLine(name, "scanning risk", scan, f"{place}; range {ranges[u]:.1%}"))
        credit = -min(float(net[u]), scan)
        if held[u]:
            lines.append(
                MarginLine(name, "net option value", credit, "long value is credited, short value added")
            )
    return estimate_of("SPAN-like estimate", lines, RULE, portfolio)


def _price_range(portfolio: Portfolio, underlying: int) -> float:
    """Share of the spot: so many daily deviations at the nearest expiry's volatility at the money."""
    market = portfolio.market
    for group in np.flatnonzero((market.underlying == underlying) & (market.years > 2 / 365)).tolist():
        vol = float(market.smiles[group].at(0.0))
        if np.isfinite(vol):
            return _DEVIATIONS * vol / float(np.sqrt(_SESSIONS))
    return 0.15
