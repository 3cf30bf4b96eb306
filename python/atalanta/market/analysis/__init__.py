"""A chain turned into forwards, implied volatilities and Greeks. Main entry: `analyze`."""

from __future__ import annotations

from atalanta.market.analysis.analysis import Analysis, analyze

__all__ = ["Analysis", "analyze"]
