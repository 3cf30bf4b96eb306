"""quantforge: compiled Merton model over columns, one flag per call for prices."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.peers.split_flags import by_flag
from atalanta.benchmarking.workloads import Floats, Rows

__all__ = ["load"]


def load() -> Contender:
    """Import quantforge."""
    merton = importlib.import_module("quantforge").merton
    prices = {True: merton.call_price_batch, False: merton.put_price_batch}
    one = (100.0, 105.0, 0.5, 0.03)

    def greeks(rows: Rows) -> Work:
        price = by_flag(prices, rows, _contract).names["call"]
        parts = [(flag, np.flatnonzero(rows.is_call == flag)) for flag in (True, False)]
        ready = [(flag, _contract(rows.take(index))) for flag, index in parts if len(index)]
        return Work.calling(
            lambda: (price(), [merton.greeks_batch(*columns, flag) for flag, columns in ready])
        )

    def implied_vol(rows: Rows) -> Work:
        columns = (rows.price, *_contract(rows)[:-1], rows.is_call)
        return Work.calling(lambda: merton.implied_volatility_batch(*columns))

    def one_call(function: str, *arguments: Any) -> Work:
        return Work.literal(f"merton.{function}", {"merton": merton}, *arguments)

    return Contender(
        "quantforge",
        {
            "price": lambda rows: by_flag(prices, rows, _contract),
            "greeks": greeks,
            "implied_vol": implied_vol,
            "one_price": lambda _: one_call("call_price", *one, 0.0, 0.2),
            "one_price_yield": lambda _: one_call("call_price", *one, 0.01, 0.2),
            "one_implied_vol": lambda _: one_call(
                "implied_volatility", merton.call_price(*one, 0.0, 0.2), *one, 0.0, True
            ),
        },
        packages=("quantforge",),
        note="calls and puts in two calls; price and Greeks too",
    )


def _contract(rows: Rows) -> list[Floats]:
    return [rows.spot, rows.strike, rows.years, rows.rate, rows.dividend_yield, rows.vol]
