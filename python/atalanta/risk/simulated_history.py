"""A made-up history where no other is given. Main entry: `simulate_history`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from atalanta.risk.history import History

__all__ = ["simulate_history"]


def simulate_history(
    underlyings: Mapping[str, float], *, days: int = 500, seed: int = 7, start: str = "2024-01-02"
) -> History:
    """A made-up history for a first look where no other is given: synthetic, and labelled so.

    Returns follow a two-state volatility with fat tails around the volatilities given; volatilities rise when spots fall
    (correlation −0.7), and underlyings move together (correlation 0.6).

    Args:
        underlyings: ticker to its volatility, a decimal.
        days: sessions.
        seed: the same seed gives the same history.
        start: of the dates.
    """
    rng = np.random.default_rng(seed)
    calm = np.exp(np.cumsum(rng.normal(0, 0.06, days)) - 0.5 * 0.06**2 * np.arange(days))
    level = np.exp(0.5 * (np.log(calm) - np.log(calm).mean()) / max(np.log(calm).std(), 1e-9) * 0.5)
    common = rng.standard_t(5, days) / np.sqrt(5 / 3)
    days_axis = np.busday_offset(np.datetime64(start, "D"), np.arange(days), roll="forward")
    spots, vols = {}, {}
    for name, vol in underlyings.items():
        own = rng.standard_t(5, days) / np.sqrt(5 / 3)
        shock = 0.6**0.5 * common + 0.4**0.5 * own
        returns = vol * level / np.sqrt(252) * shock
        noise = rng.normal(0, 1, days)
        vols[name] = vol * level * np.exp(0.05 * (-0.7 * shock + 0.51**0.5 * noise))
        spots[name] = 100 * np.exp(np.cumsum(returns))
    note = f"simulated history of {days:,} days, seed {seed}: synthetic, no market's past; give --history for a real one"
    return History(days_axis, spots, vols, f"simulated history, seed {seed}", (note,))
