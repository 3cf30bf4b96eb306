"""The simulator's true smile: an SSVI surface without butterfly or calendar arbitrage.

`Smile.total_variance(k, years)` is the entry. Gatheral and Jacquier (arXiv 1204.0646): the surface is free
of static arbitrage if `eta (1 + |rho|) <= 2`, `0 < gamma <= 1/2` and the at-the-money variance never falls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Smile"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Smile:
    """An SSVI surface with a mean-reverting variance and one scheduled event.

    Attributes:
        short_vol: volatility at the money for the nearest expiry.
        long_vol: level to which the at-the-money variance reverts.
        reversion: speed of that reversion, per year.
        rho: skew, between -1 and 1.
        eta: strength of the curvature.
        gamma: how fast the curvature fades with variance, in (0, 1/2].
        event_years: years until a scheduled event (earnings); only later expiries hold its variance.
        event_move: standard deviation of the log return at the event.
    """

    short_vol: float
    long_vol: float
    reversion: float
    rho: float
    eta: float
    gamma: float
    event_years: float = 0.0
    event_move: float = 0.0

    def atm_variance(self, years: npt.ArrayLike) -> Floats:
        """Total variance at the money: (N,) years to (N,) variances, never falling."""
        t = np.asarray(years, dtype=np.float64)
        excess = self.short_vol**2 - self.long_vol**2
        diffusive = self.long_vol**2 * t - excess * np.expm1(-self.reversion * t) / self.reversion
        return diffusive + np.where(t > self.event_years, self.event_move**2, 0.0)

    def curvature(self, atm_variance: npt.ArrayLike) -> Floats:
        """The function phi of SSVI in its power-law form."""
        theta = np.asarray(atm_variance, dtype=np.float64)
        return np.asarray(self.eta / (theta**self.gamma * (1.0 + theta) ** (1.0 - self.gamma)))

    def total_variance(self, log_moneyness: npt.ArrayLike, years: npt.ArrayLike) -> Floats:
        """Total implied variance at `ln(strike / forward)`: (N,) and (N,) to (N,)."""
        theta = self.atm_variance(years)
        x = self.curvature(theta) * np.asarray(log_moneyness, dtype=np.float64)
        wing = np.sqrt((x + self.rho) ** 2 + (1.0 - self.rho**2))
        return np.asarray(0.5 * theta * (1.0 + self.rho * x + wing))
