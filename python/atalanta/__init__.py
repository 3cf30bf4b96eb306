"""Atalanta: real-time options analytics over columns.

Names are imported when first used; `import atalanta` by itself loads nothing heavy. With `ATALANTA_EAGER_IMPORT=1` in
the environment every module of the package is imported at once, so that a broken one is found where it can be mended.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atalanta import buffers as buffers
    from atalanta import compute as compute
    from atalanta import errors as errors
    from atalanta import market as market
    from atalanta import pricing as pricing
    from atalanta import risk as risk
    from atalanta import streaming as streaming
    from atalanta.buffers import BufferPool
    from atalanta.compute.router import Router
    from atalanta.compute.valuation import greeks, implied_vol, price
    from atalanta.errors import AtalantaError, InputError
    from atalanta.machine import cpu_features, set_threads
    from atalanta.market.analysis import Analysis, analyze
    from atalanta.market.chain import Chain
    from atalanta.market.contracts.symbols import OptionSymbol, format_symbol, parse_symbol
    from atalanta.market.curves import RateCurve
    from atalanta.market.flags import QualityFlag
    from atalanta.market.reading.readers import read_chain
    from atalanta.market.simulator import simulate_chain
    from atalanta.market.simulator.ticks import simulate_ticks
    from atalanta.pricing import (
        Dividends,
        Greeks,
        ImpliedVolStatus,
        Ladder,
        early_exercise,
    )

_MODULE_OF = {
    "AtalantaError": "errors",
    "InputError": "errors",
    "Analysis": "market.analysis",
    "BufferPool": "buffers",
    "Chain": "market.chain",
    "Dividends": "pricing",
    "Greeks": "pricing",
    "ImpliedVolStatus": "pricing",
    "Ladder": "pricing",
    "OptionSymbol": "market.contracts.symbols",
    "QualityFlag": "market.flags",
    "RateCurve": "market.curves",
    "Router": "compute.router",
    "analyze": "market.analysis",
    "cpu_features": "machine",
    "early_exercise": "pricing",
    "format_symbol": "market.contracts.symbols",
    "greeks": "compute.valuation",
    "implied_vol": "compute.valuation",
    "parse_symbol": "market.contracts.symbols",
    "price": "compute.valuation",
    "read_chain": "market.reading.readers",
    "set_threads": "machine",
    "simulate_chain": "market.simulator",
    "simulate_ticks": "market.simulator.ticks",
}

#: Rooms that are used by their own name.
_ROOMS = ("buffers", "compute", "errors", "market", "pricing", "risk", "streaming")

__all__ = [
    "Analysis",
    "AtalantaError",
    "BufferPool",
    "Chain",
    "Dividends",
    "Greeks",
    "ImpliedVolStatus",
    "InputError",
    "Ladder",
    "OptionSymbol",
    "QualityFlag",
    "RateCurve",
    "Router",
    "analyze",
    "cpu_features",
    "early_exercise",
    "format_symbol",
    "greeks",
    "implied_vol",
    "parse_symbol",
    "price",
    "read_chain",
    "set_threads",
    "simulate_chain",
    "simulate_ticks",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("atalanta")
    if name in _ROOMS:
        return importlib.import_module(f"atalanta.{name}")
    if name == "_core":
        return _compiled_core()
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'atalanta' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"atalanta.{_MODULE_OF[name]}"), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def _compiled_core() -> Any:
    try:
        return importlib.import_module("atalanta._core")
    except ModuleNotFoundError as error:
        if error.name != "atalanta._core":
            raise
        raise ImportError(
            f"[atalanta] {__path__[0]} holds the package's sources without its compiled core: install it "
            "(python -m pip install .), and import it from another folder"
        ) from error


def _import_everything() -> None:
    from pkgutil import walk_packages

    def fail(_: str) -> None:
        raise  # noqa: PLE0704 - walk_packages calls this where it caught what a package raised

    for module in walk_packages(__path__, "atalanta.", fail):
        if not module.name.endswith("__main__"):  # which runs the command line
            importlib.import_module(module.name)
    for name in __all__:
        __getattr__(name)


if os.environ.get("ATALANTA_EAGER_IMPORT", "0") not in ("", "0"):
    _import_everything()
