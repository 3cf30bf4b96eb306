"""The risk of a book measured: the scenario grid cold and warm, beside brute force and QuantLib. Main entry: `run_risk_session`."""

from __future__ import annotations

from atalanta.benchmarking.risk.session import RiskPlan, RiskSession, run_risk_session

__all__ = ["RiskPlan", "RiskSession", "run_risk_session"]
