"""Where an operation runs: the devices of this machine and, above them, the choice between them.

`price`, `greeks` and `implied_vol` of this package are the routed ones; `atalanta.pricing` has the plain kernels.
Names are imported when first used: pricing an option needs none of the router.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_ROUTED = {"greeks", "implied_vol", "price"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'atalanta.compute' has no attribute {name!r}")
    home = "valuation" if name in _ROUTED else "router"
    value = getattr(importlib.import_module(f"atalanta.compute.{home}"), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return list(__all__)
