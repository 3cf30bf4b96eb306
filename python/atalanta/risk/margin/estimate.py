"""All margin estimates of a book side by side. Main entry: `estimate_margin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atalanta.risk.margin.lines import MarginEstimate, MarginLine
from atalanta.risk.margin.reg_t import reg_t
from atalanta.risk.margin.span import span_like
from atalanta.risk.margin.tims import tims_like

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["MARGIN_WORDING", "MarginEstimate", "MarginLine", "estimate_margin"]

#: Stands wherever these figures are shown.
MARGIN_WORDING = "Estimates for orientation, not a broker's or clearing house's requirement, and no advice."


def estimate_margin(portfolio: Portfolio) -> tuple[MarginEstimate, ...]:
    """Reg T, TIMS-like and SPAN-like estimates.

    Args:
        portfolio: the book in its market; positions without a value ask for nothing here.
    """
    return reg_t(portfolio), tims_like(portfolio), span_like(portfolio)
