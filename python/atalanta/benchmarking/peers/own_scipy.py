"""The textbook formulas in NumPy with SciPy's normal distribution: what most people write first."""

from __future__ import annotations

import importlib

import numpy as np

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.workloads import Floats, Rows

__all__ = ["load"]


def load() -> Contender:
    """Import SciPy."""
    cdf = importlib.import_module("scipy.special").ndtr

    def parts(rows: Rows) -> tuple[Floats, ...]:
        root = np.sqrt(rows.years)
        deviation = rows.vol * root
        drift = (rows.rate - rows.dividend_yield + 0.5 * rows.vol * rows.vol) * rows.years
        d1 = (np.log(rows.spot / rows.strike) + drift) / deviation
        grown = rows.spot * np.exp(-rows.dividend_yield * rows.years)
        owed = rows.strike * np.exp(-rows.rate * rows.years)
        return root, deviation, d1, grown * cdf(rows.right * d1), owed * cdf(rows.right * (d1 - deviation))

    def price(rows: Rows) -> Floats:
        *_, received, paid = parts(rows)
        return np.asarray(rows.right * (received - paid))

    def greeks(rows: Rows) -> dict[str, Floats]:
        root, deviation, d1, received, paid = parts(rows)
        density = np.exp(-0.5 * d1 * d1 - rows.dividend_yield * rows.years) / np.sqrt(2 * np.pi)
        decay = -rows.spot * density * rows.vol / (2 * root)
        return {
            "price": rows.right * (received - paid),
            "delta": rows.right * received / rows.spot,
            "gamma": density / (rows.spot * deviation),
            "vega": rows.spot * density * root,
            "theta": decay + rows.right * (rows.dividend_yield * received - rows.rate * paid),
            "rho": rows.right * rows.years * paid,
        }

    return Contender(
        "scipy",
        {
            "price": lambda rows: Work.calling(lambda: price(rows)),
            "greeks": lambda rows: Work.calling(lambda: greeks(rows)),
        },
        packages=("scipy",),
        note="own formulas over NumPy columns",
    )
