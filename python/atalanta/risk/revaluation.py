"""Full revaluation of many scenarios from few solves: ladders of every contract at some volatilities.

Main entries: `Revaluation` and `spread_levels`. One solve gives a contract's values over all spots; at volatilities between
the levels they are read from the polynomial through all of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.pricing.valuation import Tolerance
from atalanta.risk.options import Options

__all__ = ["LEAST_VOL", "Revaluation", "spread_levels"]

Floats = npt.NDArray[np.float64]

#: A shocked volatility is not taken below this: 0.01 vol points.
LEAST_VOL = 1e-4

_TOLERANCES = {"fast": 2e-3, "standard": 5e-4, "precise": 1e-5}


class Revaluation:
    """N contracts over spots and volatilities. Immutable: threads may read it at the same time.

    Args:
        options: N contracts.
        levels: (N, L) ascending volatilities of each, L up to 32.
        reach: the least and the largest spot that will be asked for, as multiples of the contracts' own.
        threads: to build with; None for the package's setting.

    Attributes:
        ladders: those of the core.
    """

    def __init__(
        self,
        options: Options,
        levels: Floats,
        reach: tuple[float, float],
        threads: int | None = None,
    ) -> None:
        pairs = options.paying()
        self.ladders = _core.VolLadders(
            right=options.right,
            spot=options.spot,
            strike=options.strike,
            years=options.years,
            rate=options.rate,
            dividend_yield=options.dividend_yield,
            american=options.american.astype(np.uint8),
            schedules=_core.Schedules(pairs) if pairs else None,
            # European contracts hold their dividends in the yield.
            schedule=np.where(options.american, options.schedule, np.int32(-1)).astype(np.int32),
            levels=levels,
            reach=reach,
            tolerance=_cash_tolerance(options.tolerance),
            threads=threads,
        )

    @property
    def solves(self) -> int:
        """Ladders that were solved; contracts in closed form need none."""
        return self.ladders.solves

    @property
    def nbytes(self) -> int:
        """Memory that the ladders hold."""
        return self.ladders.nbytes

    def values(self, spot: Floats, vol: Floats, threads: int | None = 1) -> Floats:
        """Values per share of every contract.

        Args:
            spot: (N, S).
            vol: (N, S, V) volatilities at each spot, or (N, V) at all of them.
            threads: to read with; None for the package's setting.

        Returns:
            (N, S, V); NaN for a volatility beyond the levels.
        """
        return self.ladders.values(spot, vol, threads)

    def present(self, spot: Floats, vol: Floats) -> Floats:
        """(N, 5) price, delta, gamma, theta and vega at (N,) spots and volatilities."""
        return self.ladders.present(spot, vol)


def spread_levels(lowest: Floats, highest: Floats, count: int) -> Floats:
    """(N, count) ascending levels between which the polynomial is right everywhere: Chebyshev's, ends included.

    Args:
        lowest: (N,) volatilities.
        highest: (N,) volatilities; where they are equal to the lowest the levels spread a little around.
        count: levels of each contract.
    """
    middle, half = (lowest + highest) / 2, np.maximum((highest - lowest) / 2, 0.02 * highest)
    places = -np.cos(np.pi * np.arange(count) / (count - 1))
    least = LEAST_VOL / 2 * (1 + np.arange(count) / count)
    return np.asarray(np.maximum(middle[:, None] + half[:, None] * places, least))


def _cash_tolerance(tolerance: Tolerance) -> float:
    return _TOLERANCES[tolerance] if isinstance(tolerance, str) else float(tolerance)
