"""Margin estimates: what strategy rules and two kinds of risk arrays would ask for. Main entry: `estimate_margin`.

They are estimates for orientation: brokers and clearing houses have parameters, add-ons and offsets of their own. Every figure
comes with the rule it was made by.
"""

from __future__ import annotations

from atalanta.risk.margin.estimate import MARGIN_WORDING, MarginEstimate, MarginLine, estimate_margin
from atalanta.risk.margin.reg_t import reg_t
from atalanta.risk.margin.span import scan_risk, span_like
from atalanta.risk.margin.tims import tims_like

__all__ = [
    "MARGIN_WORDING",
    "MarginEstimate",
    "MarginLine",
    "estimate_margin",
    "reg_t",
    "scan_risk",
    "span_like",
    "tims_like",
]
