"""A chain turned into forwards, implied volatilities and Greeks. Main entries: `analyze`, `find_assignments`."""

from __future__ import annotations

from atalanta.market.analysis.analysis import Analysis, analyze
from atalanta.market.analysis.assignment import find_assignments

__all__ = ["Analysis", "analyze", "find_assignments"]
