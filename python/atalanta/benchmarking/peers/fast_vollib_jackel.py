"""fast-vollib's vectorised Let's Be Rational: implied vol of undiscounted Black prices."""

from __future__ import annotations

import importlib

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.workloads import Rows

__all__ = ["load"]


def load() -> Contender:
    """Import the solver."""
    solve = importlib.import_module("fast_vollib.jackel").jackel_iv_black

    def implied_vol(rows: Rows) -> Work:
        arguments = (rows.undiscounted_price, rows.forward, rows.strike, rows.years, rows.is_call)
        return Work.calling(lambda: solve(*arguments))

    return Contender(
        "fast-vollib-jackel",
        {"implied_vol": implied_vol},
        packages=("fast-vollib",),
        note="forwards and undiscounted prices prepared beforehand",
    )
