"""pyvolr: a compiled library with NumPy columns; flags as int8, for string flags cost more."""

from __future__ import annotations

import importlib
from typing import Any

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.workloads import ONE_OPTION, Rows

__all__ = ["load"]


def load() -> Contender:
    """Import pyvolr."""
    bs = importlib.import_module("pyvolr.bs")
    one = ("c", *ONE_OPTION[1:])

    def contract(rows: Rows) -> tuple[Any, ...]:
        return rows.right, rows.spot, rows.strike, rows.years, rows.rate

    def price(rows: Rows) -> Work:
        arguments = (*contract(rows), rows.vol, rows.dividend_yield)
        return Work.calling(lambda: bs.price(*arguments))

    def greeks(rows: Rows) -> Work:
        arguments = (*contract(rows), rows.vol, rows.dividend_yield)
        return Work.calling(lambda: {"price": bs.price(*arguments), **bs.greeks(*arguments)})

    def implied_vol(rows: Rows) -> Work:
        arguments = (rows.price, *contract(rows), rows.dividend_yield)
        return Work.calling(lambda: bs.implied_vol(*arguments, on_error="ignore"))

    return Contender(
        "pyvolr",
        {
            "price": price,
            "greeks": greeks,
            "implied_vol": implied_vol,
            "one_price": lambda _: Work.literal("bs.price", {"bs": bs}, *one, 0.2),
            "one_price_yield": lambda _: Work.literal("bs.price", {"bs": bs}, *one, 0.2, 0.01),
            "one_implied_vol": lambda _: Work.literal(
                "bs.implied_vol", {"bs": bs}, bs.price(*one, 0.2), *one
            ),
        },
        packages=("pyvolr",),
        note="flags as int8; price and Greeks in two calls",
    )
