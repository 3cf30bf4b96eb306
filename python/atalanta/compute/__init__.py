"""Where an operation runs: the devices of this machine and, above them, the choice between them.

`price`, `greeks` and `implied_vol` of this package are the routed ones, `atalanta.pricing` has the plain kernels.
"""

from __future__ import annotations

from atalanta.compute.router import (
    Router,
    default_router,
    route_computation,
    route_computation_sync,
)
from atalanta.compute.valuation import greeks, implied_vol, price

__all__ = [
    "Router",
    "default_router",
    "greeks",
    "implied_vol",
    "price",
    "route_computation",
    "route_computation_sync",
]
