"""A risk report as one JSON document. Main entry: `risk_document`."""

from __future__ import annotations

from typing import Any

from atalanta.cli.document import records
from atalanta.cli.machine import machine_card
from atalanta.cli.risk import RiskReport
from atalanta.cli.version import package_version
from atalanta.risk import position_flag_names
from atalanta.risk.margin import MARGIN_WORDING

__all__ = ["UNITS", "risk_document"]

UNITS = {
    "value, pnl, var, es, amount, total": "currency of the quotes",
    "price, mid, paid, spot, strike": "per share",
    "delta, gamma": "of positions per share and per 1.00 of the spot; of exposures in shares",
    "vega, theta, rho": "per 1.00 vol, per year, per 1.00 of the rate; of positions per share, of exposures summed",
    "vol": "decimal per square root of a year",
    "spot_shocks, vol_shocks, spot_shock, vol_shock": "changes as decimals; of volatilities as shares of themselves",
}


def risk_document(report: RiskReport) -> dict[str, Any]:
    """Everything the report knows, in plain types and raw units.

    Args:
        report: of a book.

    Returns:
        A document that `document.dumps` writes; its names are described in docs/rooms/risk.md.
    """
    positions = report.portfolio.positions()
    named = positions.with_columns(flags=position_flag_names(positions["flags"]))
    return {
        "atalanta": package_version(),
        "command": "risk",
        "book": report.book,
        "market": report.market,
        "simulated": report.simulated,
        "warnings": list(report.warnings()),
        "notes": list(report.notes()),
        "units": UNITS,
        "value": report.portfolio.value,
        "complete": report.portfolio.complete,
        "positions": records(named),
        "exposures": records(report.by_expiry),
        "underlyings": records(report.by_underlying),
        "grid": report.grid.as_dict(),
        "tails": [tail.as_dict() for tail in report.tails],
        "stresses": records(report.stresses),
        "margin": {"wording": MARGIN_WORDING, "estimates": [one.as_dict() for one in report.margins]},
        "stages": [stage.as_dict() for stage in report.stages],
        "machine": machine_card().as_dict(),
    }
