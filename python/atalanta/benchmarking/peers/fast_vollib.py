"""fast-vollib with its Numba backend; its implied vol is the default Halley solver."""

from __future__ import annotations

import importlib
from typing import Any

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.workloads import Rows

__all__ = ["load"]

_MODEL = {"model": "black_scholes_merton", "backend": "numba"}


def load() -> Contender:
    """Import fast-vollib and Numba."""
    importlib.import_module("numba")
    api = importlib.import_module("fast_vollib")

    def valued(arguments: tuple[Any, ...]) -> Any:
        return api.fast_black_scholes_merton(*arguments, return_as="numpy", backend="numba")

    def price(rows: Rows) -> Work:
        arguments = _contract(rows)
        return Work.calling(lambda: valued(arguments))

    def greeks(rows: Rows) -> Work:
        arguments = _contract(rows)
        return Work.calling(
            lambda: {
                "price": valued(arguments),
                **api.get_all_greeks(*arguments, return_as="dict", **_MODEL),
            }
        )

    def implied_vol(rows: Rows) -> Work:
        arguments = (
            rows.price,
            rows.spot,
            rows.strike,
            rows.years,
            rows.rate,
            rows.letters,
            rows.dividend_yield,
        )
        options = {"return_as": "numpy", "on_error": "ignore", **_MODEL}
        return Work.calling(lambda: api.fast_implied_volatility(*arguments, **options))

    return Contender(
        "fast-vollib",
        {"price": price, "greeks": greeks, "implied_vol": implied_vol},
        packages=("fast-vollib", "numba"),
        note="Numba backend; price and Greeks in two calls; implied vol by its default solver",
    )


def _contract(rows: Rows) -> tuple[Any, ...]:
    return rows.letters, rows.spot, rows.strike, rows.years, rows.rate, rows.vol, rows.dividend_yield
