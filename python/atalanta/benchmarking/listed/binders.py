"""Atalanta's calls on listed options, as a user makes them. Main entry: `listed_binders`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from atalanta import pricing
from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.listed.rows import ListedRows, contract, terms
from atalanta.pricing.valuation import Tolerance

__all__ = ["listed_binders"]


def listed_binders() -> dict[str, Callable[[Any], Work]]:
    """By operation: what is called on its rows."""
    return {
        "american_fast": partial(_prices, tolerance="fast"),
        "american_standard": partial(_prices, tolerance="standard"),
        "american_precise": partial(_prices, tolerance="precise"),
        "american_greeks": _greeks,
        "american_iv": _implied_vols,
        "dividend_chain": partial(_prices, tolerance="standard"),
        "dividend_irregular": partial(_prices, tolerance="standard"),
        "dividend_greeks": _greeks,
        "dividend_iv": _implied_vols,
    }


def _prices(rows: ListedRows, tolerance: Tolerance) -> Work:
    """American prices of the rows."""
    columns, keywords = contract(rows), terms(rows)
    return Work.calling(lambda: pricing.price(*columns, rows.vol, tolerance=tolerance, **keywords))


def _implied_vols(rows: ListedRows) -> Work:
    """American implied vols of the rows' prices."""
    columns, keywords = contract(rows), terms(rows)
    return Work.calling(lambda: pricing.implied_vol(rows.price, *columns, **keywords))


def _greeks(rows: ListedRows) -> Work:
    """All seven columns, and what a cent of each dividend is worth."""
    columns, keywords = contract(rows), terms(rows)
    return Work.calling(lambda: pricing.greeks(*columns, rows.vol, **keywords))
