"""iv-engine: compiled Let's Be Rational on undiscounted Black prices, one flag per call."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.peers.split_flags import by_flag
from atalanta.benchmarking.workloads import Floats, Rows

__all__ = ["load"]


def load() -> Contender:
    """Import iv-engine."""
    api = importlib.import_module("iv_engine")

    def batch(function: Callable[..., Any]) -> dict[bool, Callable[..., Any]]:
        return {flag: lambda *columns, flag=flag: function(*columns, flag) for flag in (True, False)}

    prices, solve = batch(api.black_scholes_prices), batch(api.implied_volatilities)
    one, forward, growth = (
        (100.0, 105.0, 0.5, 0.03),
        100.0 * 2.718281828459045**0.015,
        2.718281828459045**0.015,
    )

    def one_implied_vol(_: Rows) -> Work:
        price = api.black_scholes_price(*one, 0.0, 0.2, True) * growth
        return Work.literal("iv.implied_volatility", {"iv": api}, price, forward, *one[1:3], True)

    def one_price(dividend_yield: float) -> Work:
        return Work.literal("iv.black_scholes_price", {"iv": api}, *one, dividend_yield, 0.2, True)

    return Contender(
        "iv-engine",
        {
            "price": lambda rows: by_flag(prices, rows, _contract),
            "implied_vol": lambda rows: by_flag(solve, rows, _black),
            "one_price": lambda _: one_price(0.0),
            "one_price_yield": lambda _: one_price(0.01),
            "one_implied_vol": one_implied_vol,
        },
        packages=("iv-engine",),
        note="calls and puts in two calls; implied vol on forwards and undiscounted prices prepared beforehand",
    )


def _contract(rows: Rows) -> list[Floats]:
    return [rows.spot, rows.strike, rows.years, rows.rate, rows.dividend_yield, rows.vol]


def _black(rows: Rows) -> list[Floats]:
    return [rows.undiscounted_price, rows.forward, rows.strike, rows.years]
