"""opengreeks: compiled; its arrays take one flag and one rate, so batches are timed on calls of one rate."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np

from atalanta import pricing
from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.workloads import ONE_OPTION, Rows

__all__ = ["load"]

_GREEKS = ("delta", "gamma", "vega", "theta", "rho")
_RATE, _YIELD = 0.03, 0.01


def load() -> Contender:
    """Import opengreeks; needs Python 3.12."""
    api = importlib.import_module("opengreeks.black_scholes_merton")
    one = ("c", *ONE_OPTION[1:])

    def price(rows: Rows) -> Work:
        arguments = _arguments(_calls(rows))
        return Work.calling(lambda: api.black_scholes_merton_array(*arguments))

    def greeks(rows: Rows) -> Work:
        arguments = _arguments(_calls(rows))
        functions = [api.black_scholes_merton_array, *(getattr(api, f"{name}_array") for name in _GREEKS)]
        return Work.calling(lambda: [function(*arguments) for function in functions])

    def implied_vol(rows: Rows) -> Work:
        calls = _calls(rows)
        arguments = (calls.price, calls.spot, calls.strike, calls.years, _RATE, _YIELD, "c")
        return Work.calling(lambda: api.implied_volatility_array(*arguments))

    def one_price(dividend_yield: float) -> Work:
        return Work.literal("bsm.black_scholes_merton", {"bsm": api}, *one, 0.2, dividend_yield)

    def one_implied_vol(_: Rows) -> Work:
        quoted = api.black_scholes_merton(*one, 0.2, 0.0)
        return Work.literal("bsm.implied_volatility", {"bsm": api}, quoted, *one[1:], 0.0, "c")

    return Contender(
        "opengreeks",
        {
            "price": price,
            "greeks": greeks,
            "implied_vol": implied_vol,
            "one_price": lambda _: one_price(0.0),
            "one_price_yield": lambda _: one_price(0.01),
            "one_implied_vol": one_implied_vol,
        },
        packages=("opengreeks",),
        note="arrays take one flag and one rate: timed on calls above the spot; each Greek is a call",
        answers_rows=False,
    )


def _calls(rows: Rows) -> Rows:
    """The same strikes as calls above the spot, half a year out, at one rate and one yield."""
    count = len(rows)
    calls = replace(
        rows,
        right=np.ones(count, dtype=np.int8),
        strike=np.maximum(rows.strike, 1.01 * rows.spot),
        years=np.full(count, 0.5),
        rate=np.full(count, _RATE),
        dividend_yield=np.full(count, _YIELD),
    )
    contract = (calls.right, calls.spot, calls.strike, calls.years, calls.rate)
    return replace(calls, price=pricing.price(*contract, calls.vol, dividend_yield=_YIELD))


def _arguments(calls: Rows) -> tuple[Any, ...]:
    return "c", calls.spot, calls.strike, calls.years, _RATE, calls.vol, _YIELD
