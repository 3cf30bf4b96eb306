"""QuantLib's Black formula: scalar functions, so a batch is a Python loop over arguments prepared beforehand.

Its American engines are in `quantlib_listed`.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.peers import quantlib_listed
from atalanta.benchmarking.workloads import Rows

__all__ = ["load"]

_ACCURACY, _ITERATIONS = 1e-12, 100


def load() -> Contender:
    """Import QuantLib."""
    ql = importlib.import_module("QuantLib")

    def forwards(rows: Rows) -> list[tuple[Any, ...]]:
        rights = [ql.Option.Call if call else ql.Option.Put for call in rows.is_call.tolist()]
        deviation, discount = rows.vol * np.sqrt(rows.years), np.exp(-rows.rate * rows.years)
        columns = (rows.strike, rows.forward, deviation, discount)
        return list(zip(rights, *(column.tolist() for column in columns), strict=True))

    def price(rows: Rows) -> Work:
        arguments = forwards(rows)
        return Work.calling(lambda: [ql.blackFormula(*row) for row in arguments])

    def greeks(rows: Rows) -> Work:
        market = zip(forwards(rows), rows.spot.tolist(), rows.years.tolist(), strict=True)
        arguments = [(row[0], row[1], row[2:], spot, years) for row, spot, years in market]

        def one(
            right: Any, strike: float, black: tuple[Any, ...], spot: float, years: float
        ) -> tuple[float, ...]:
            made = ql.BlackCalculator(ql.PlainVanillaPayoff(right, strike), *black)
            first = made.value(), made.delta(spot), made.gamma(spot)
            return *first, made.vega(years), made.theta(spot, years), made.rho(years)

        return Work.calling(lambda: [one(*row) for row in arguments])

    def implied_vol(rows: Rows) -> Work:
        solver = (0.0, ql.nullDouble(), _ACCURACY, _ITERATIONS)
        priced = zip(forwards(rows), rows.price.tolist(), rows.years.tolist(), strict=True)
        arguments = [((*row[:3], price, row[4], *solver), math.sqrt(years)) for row, price, years in priced]

        def one(black: tuple[Any, ...], root: float) -> float:
            try:
                return float(ql.blackFormulaImpliedStdDev(*black)) / root
            except RuntimeError:  # how it says that there is none
                return math.nan

        return Work.calling(lambda: [one(*row) for row in arguments])

    return Contender(
        "quantlib",
        {"price": price, "greeks": greeks, "implied_vol": implied_vol, **quantlib_listed.binders(ql)},
        packages=("QuantLib",),
        note=f"a Python loop of scalar calls on forwards; implied vol to 1e-12. {quantlib_listed.NOTE}",
        references=quantlib_listed.references(ql),
    )
