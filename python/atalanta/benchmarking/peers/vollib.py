"""vollib: the reference implementation in Python, one option per call; a batch is a Python loop."""

from __future__ import annotations

import importlib
import math
from typing import Any

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.workloads import ONE_OPTION, Rows

__all__ = ["load"]

_GREEKS = ("delta", "gamma", "vega", "theta", "rho")
_MODEL = "vollib.black_scholes_merton"


def load() -> Contender:
    """Import vollib."""
    price = importlib.import_module(_MODEL).black_scholes_merton
    solve = importlib.import_module(f"{_MODEL}.implied_volatility").implied_volatility
    analytical = importlib.import_module(f"{_MODEL}.greeks.analytical")
    exceptions = importlib.import_module("vollib.helpers.exceptions")
    refusals = (exceptions.PriceIsAboveMaximum, exceptions.PriceIsBelowIntrinsic, ArithmeticError, ValueError)
    functions = [price, *(getattr(analytical, name) for name in _GREEKS)]
    one = ("c", *ONE_OPTION[1:])

    def prices(rows: Rows) -> Work:
        arguments = _arguments(rows)
        return Work.calling(lambda: [price(*row) for row in arguments])

    def greeks(rows: Rows) -> Work:
        arguments = _arguments(rows)
        return Work.calling(lambda: [[function(*row) for function in functions] for row in arguments])

    def implied(row: tuple[Any, ...]) -> float:
        try:
            return float(solve(*row))
        except refusals:
            return math.nan

    def implied_vol(rows: Rows) -> Work:
        columns = (
            rows.price,
            rows.spot,
            rows.strike,
            rows.years,
            rows.rate,
            rows.dividend_yield,
            rows.letters,
        )
        arguments = list(zip(*(column.tolist() for column in columns), strict=True))
        return Work.calling(lambda: [implied(row) for row in arguments])

    def one_implied_vol(_: Rows) -> Work:
        quoted = float(price(*one, 0.2, 0.0))
        return Work.literal("implied_volatility", {"implied_volatility": solve}, quoted, *one[1:], 0.0, "c")

    return Contender(
        "vollib",
        {
            "price": prices,
            "greeks": greeks,
            "implied_vol": implied_vol,
            "one_price": lambda _: Work.literal("price", {"price": price}, *one, 0.2, 0.0),
            "one_price_yield": lambda _: Work.literal("price", {"price": price}, *one, 0.2, 0.01),
            "one_implied_vol": one_implied_vol,
        },
        packages=("vollib",),
        note="a Python loop of scalar calls",
    )


def _arguments(rows: Rows) -> list[tuple[Any, ...]]:
    columns = (rows.letters, rows.spot, rows.strike, rows.years, rows.rate, rows.vol, rows.dividend_yield)
    return list(zip(*(column.tolist() for column in columns), strict=True))
