"""The router: decides where an operation runs, by what was measured on this machine.

Nothing is measured at import: the first use that could gain from it takes at most 50 ms, once per machine.
"""

from __future__ import annotations

from atalanta.compute.router.decision import Crossover, Decision, Explanation, Prediction
from atalanta.compute.router.router import Router
from atalanta.compute.router.shared import (
    default_router,
    first_use,
    prepare,
    route_computation,
    route_computation_sync,
)
from atalanta.compute.router.state import CalibrationState, CalibrationWarning

__all__ = [
    "CalibrationState",
    "CalibrationWarning",
    "Crossover",
    "Decision",
    "Explanation",
    "Prediction",
    "Router",
    "default_router",
    "first_use",
    "prepare",
    "route_computation",
    "route_computation_sync",
]
