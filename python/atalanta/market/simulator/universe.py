"""The three invented underlyings of the simulated market: spot, carry, smile, listing and quoting habits.

`draw_universe` is the entry: it varies the levels of `UNIVERSE` with the seed. The tickers exist nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.simulator.smile import Smile

__all__ = ["UNIVERSE", "Ladder", "Underlying", "draw_universe", "zero_rate"]


class Ladder(NamedTuple):
    """How many expiries of each kind are listed ahead."""

    dailies: int
    weeklies: int
    monthlies: int
    leaps: int


@dataclass(frozen=True, slots=True)
class Underlying:
    """One invented underlying.

    Attributes:
        symbol: ticker, also the root of its standard options.
        pm_root: root of its PM-settled options; differs from `symbol` where monthlies are AM-settled.
        spot: per share, at the snapshot.
        dividend_yield: continuous yield.
        borrow: continuous cost of borrowing the share.
        dividend: cash per share on the third Thursday of January, April, July and October (see `dividends`).
        exercise: `european` or `american`.
        smile: the true volatility surface.
        ladder: the expiries listed.
        increments: strike increments, finest first.
        ticks: tick in cents below and from a price of 3.00.
        vol_width: half the spread of an at-the-money quote, in volatility.
        depth: typical size quoted, in contracts.
    """

    symbol: str
    pm_root: str
    spot: float
    dividend_yield: float
    borrow: float
    dividend: float
    exercise: str
    smile: Smile
    ladder: Ladder
    increments: tuple[float, ...]
    ticks: tuple[int, int]
    vol_width: float
    depth: int

    @property
    def american(self) -> bool:
        """Whether its options can be exercised before they expire."""
        return self.exercise == "american"

    @property
    def share_yield(self) -> float:
        """What holding the share pays continuously, and borrowing it costs."""
        return self.dividend_yield + self.borrow

    @property
    def am_monthlies(self) -> bool:
        """Whether monthlies settle at the opening prices, under a root of their own."""
        return self.pm_root != self.symbol


UNIVERSE = (
    Underlying(
        symbol="SIMIDX",
        pm_root="SIMIDW",
        spot=4800.0,
        dividend_yield=0.014,
        borrow=0.0,
        dividend=0.0,
        exercise="european",
        smile=Smile(short_vol=0.125, long_vol=0.19, reversion=1.6, rho=-0.70, eta=1.10, gamma=0.45),
        ladder=Ladder(dailies=9, weeklies=8, monthlies=10, leaps=2),
        increments=(5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0),
        ticks=(5, 10),
        vol_width=0.0012,
        depth=40,
    ),
    Underlying(
        symbol="SIMETF",
        pm_root="SIMETF",
        spot=480.0,
        dividend_yield=0.0,
        borrow=0.0,
        dividend=1.65,
        exercise="american",
        smile=Smile(short_vol=0.13, long_vol=0.185, reversion=1.5, rho=-0.65, eta=1.05, gamma=0.44),
        ladder=Ladder(dailies=8, weeklies=7, monthlies=7, leaps=2),
        increments=(1.0, 2.0, 5.0, 10.0, 25.0, 50.0),
        ticks=(1, 1),
        vol_width=0.0008,
        depth=400,
    ),
    Underlying(
        symbol="SIMSTK",
        pm_root="SIMSTK",
        spot=210.0,
        dividend_yield=0.0,
        borrow=0.012,
        dividend=0.0,
        exercise="american",
        smile=Smile(0.52, 0.46, 2.0, rho=-0.25, eta=0.85, gamma=0.40, event_years=20 / 365, event_move=0.07),
        ladder=Ladder(dailies=1, weeklies=8, monthlies=7, leaps=2),
        increments=(2.5, 5.0, 10.0, 20.0, 50.0),
        ticks=(1, 5),
        vol_width=0.004,
        depth=60,
    ),
)


def draw_universe(rng: np.random.Generator) -> tuple[Underlying, ...]:
    """`UNIVERSE` with each spot moved by up to 1 % and each volatility level by up to 10 %."""
    return tuple(_varied(each, *rng.random(2)) for each in UNIVERSE)


def _varied(underlying: Underlying, spot_draw: float, vol_draw: float) -> Underlying:
    level = 0.9 + 0.2 * vol_draw
    smile = underlying.smile
    smile = replace(smile, short_vol=level * smile.short_vol, long_vol=level * smile.long_vol)
    return replace(underlying, spot=round(underlying.spot * (0.99 + 0.02 * spot_draw), 2), smile=smile)


def zero_rate(years: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Continuously compounded zero rate of the simulated money market: (N,) years to (N,) rates."""
    return np.asarray(0.0355 + 0.004 * np.exp(-np.maximum(np.asarray(years, dtype=np.float64), 0.0)))
