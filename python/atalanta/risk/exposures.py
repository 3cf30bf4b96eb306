"""Greeks as reports show them: dollars for a move that one can imagine. Main entry: `in_dollars`."""

from __future__ import annotations

from atalanta.market.table import Table

__all__ = ["DOLLAR_COLUMNS", "in_dollars"]

#: The columns of `in_dollars` and their units.
DOLLAR_COLUMNS = {
    "delta_dollars": "shares times spot: what the book holds of the underlying, in dollars",
    "gamma_dollars_1pct": "change of delta_dollars for 1 % of the spot, at fixed spot in the product",
    "vega_dollars_point": "for one vol point (0.01)",
    "theta_dollars_day": "for one calendar day",
    "rho_dollars_1pct": "for one per cent of the rate (0.01)",
}


def in_dollars(exposures: Table) -> Table:
    """The rows of `Portfolio.exposures` with their raw Greeks turned to dollars.

    Args:
        exposures: with `spot, delta, gamma, vega, theta, rho`.

    Returns:
        The other columns, and those of `DOLLAR_COLUMNS`.
    """
    spot = exposures["spot"]
    kept = {
        name: exposures[name] for name in exposures if name not in ("delta", "gamma", "vega", "theta", "rho")
    }
    return Table(
        {
            **kept,
            "delta_dollars": exposures["delta"] * spot,
            "gamma_dollars_1pct": exposures["gamma"] * spot * spot / 100,
            "vega_dollars_point": exposures["vega"] / 100,
            "theta_dollars_day": exposures["theta"] / 365,
            "rho_dollars_1pct": exposures["rho"] / 100,
        },
        notes=exposures.notes,
    )
