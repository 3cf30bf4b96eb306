"""Named stresses: days that markets remember, applied to the book of today. Main entries: `STRESSES`, `stress`.

Each is a move of every spot and of thirty-day volatility, with the text of where it is from. Longer options feel less of it: a
change of volatility fades with the root of time beyond thirty days, as observed shocks do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError
from atalanta.market.table import Table
from atalanta.risk.revaluation import LEAST_VOL

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["STRESSES", "Stress", "stress"]

_THIRTY_DAYS = 30 / 365


@dataclass(frozen=True, slots=True)
class Stress:
    """One scenario.

    Attributes:
        name: as reports show it.
        spot: change of every spot, a decimal above −1.
        vol: change of thirty-day volatility as a share of itself, above −1.
        source: where the figures are from.
    """

    name: str
    spot: float
    vol: float
    source: str

    def __post_init__(self) -> None:
        for field in ("spot", "vol"):
            value = getattr(self, field)
            if not -1.0 < value < np.inf:
                raise InputError(
                    f"[risk.Stress] {self.name}: {field} is {value!r}; it must be a change as a decimal above -1 "
                    "(-0.2 is a fall by 20 %)"
                )


#: S&P 500 closes and Cboe's VIX (VXO before 1990). The days up to 2012 are checked against daily series by the tests; the
#: volatility of 1987 and what came later are as published by Cboe and S&P.
STRESSES = (
    Stress("1987-10-19 crash", -0.2047, 3.13, "S&P 500 282.70 to 224.84 in a day; VXO 36.37 to 150.19"),
    Stress(
        "2008-10 crisis week", -0.1820, 0.55, "S&P 500 1099.23 to 899.22, 3 to 10 October; VIX 45.14 to 69.95"
    ),
    Stress(
        "2008-09-29 no bail-out", -0.0879, 0.34, "S&P 500 1213.01 to 1106.42 in a day; VIX 34.74 to 46.72"
    ),
    Stress(
        "2015-08-24 week", -0.0972, 1.95, "S&P 500 2096.92 to 1893.21, 18 to 24 August; VIX 13.79 to 40.74"
    ),
    Stress("2018-02-05 vol spike", -0.0410, 1.16, "S&P 500 2762.13 to 2648.94 in a day; VIX 17.31 to 37.32"),
    Stress("2020-03-16 pandemic", -0.1198, 0.43, "S&P 500 2711.02 to 2386.13 in a day; VIX 57.83 to 82.69"),
    Stress(
        "2020-02/03 five weeks",
        -0.3392,
        3.28,
        "S&P 500 3386.15 to 2237.40, 19 Feb to 23 March; VIX 14.38 to 61.59",
    ),
    Stress("2024-08-05 unwind", -0.0300, 0.65, "S&P 500 5346.56 to 5186.33 in a day; VIX 23.39 to 38.57"),
    Stress("vol doubles", 0.0, 1.0, "hypothetical: spots stand still, thirty-day volatility doubles"),
    Stress(
        "vol collapses", 0.0, -0.4, "hypothetical: spots stand still, thirty-day volatility falls by 40 %"
    ),
    Stress(
        "rally", 0.10, -0.25, "hypothetical: spots rise by 10 %, thirty-day volatility falls by a quarter"
    ),
)


def stress(portfolio: Portfolio, stresses: Iterable[Stress] = STRESSES) -> Table:
    """What each stress does to the book at once, every option valued anew.

    Args:
        portfolio: the book in its market.
        stresses: K scenarios; None of them is anything but a move of all spots and volatilities.

    Returns:
        `name, spot_shock, vol_shock` (thirty-day), `pnl`, the P&L of each underlying by its ticker, `source`.

    Raises:
        InputError: no scenario.
    """
    chosen = tuple(stresses)
    if not chosen:
        raise InputError("[risk.stress] there is no scenario: give some, or leave them out for STRESSES")
    moves = np.array([one.spot for one in chosen])
    parts = _option_pnl(portfolio, moves, np.array([one.vol for one in chosen]))
    parts += (portfolio.shares * np.nan_to_num(portfolio.market.spots))[:, None] * moves
    return Table(
        {
            "name": np.array([one.name for one in chosen], dtype=object),
            "spot_shock": moves,
            "vol_shock": np.array([one.vol for one in chosen]),
            "pnl": parts.sum(axis=0),
            **dict(zip(portfolio.underlyings, parts, strict=True)),
            "source": np.array([one.source for one in chosen], dtype=object),
        },
        notes=portfolio.notes,
    )


def _option_pnl(
    portfolio: Portfolio, moves: npt.NDArray[np.float64], shifts: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(U, K) P&L of the options."""
    options = portfolio.options
    fade = np.sqrt(_THIRTY_DAYS / np.maximum(options.years, _THIRTY_DAYS))
    vol = np.maximum(options.vol[:, None] * (1 + shifts * fade[:, None]), LEAST_VOL)
    values = options.price(options.spot[:, None] * (1 + moves), vol)
    base = options.price()[:, None]
    return _core.add_up(values - base, options.weight, options.underlying, len(portfolio.underlyings))
