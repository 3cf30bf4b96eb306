"""The router measured: what a decision costs, what it adds to a call, and how far its choices are from the best.

Main entry: `run_routing`. Wall time, not CPU time: what is decided is when a call ends.
"""

from __future__ import annotations

from atalanta.benchmarking.routing.session import RoutingPlan, RoutingSession, run_routing

__all__ = ["RoutingPlan", "RoutingSession", "run_routing"]
