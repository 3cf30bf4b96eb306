"""Option pricing over columns: the CPU kernels under their public names.

Every function broadcasts its arguments as NumPy does, takes and returns raw units (vega per 1.00 of
volatility, theta per year), and gives NaN for a row that has no value.
"""

from __future__ import annotations

from atalanta import machine
from atalanta.pricing.dividends import Dividends
from atalanta.pricing.exercise import EarlyExercise, ExerciseBoundary, early_exercise, exercise_boundary
from atalanta.pricing.greek_columns import GREEK_NAMES, Greeks, ImpliedVolStatus
from atalanta.pricing.ladder import Ladder, LadderValues, SpotRange
from atalanta.pricing.valuation import greeks, implied_vol, price

__all__ = [
    "GREEK_NAMES",
    "Dividends",
    "EarlyExercise",
    "ExerciseBoundary",
    "Greeks",
    "ImpliedVolStatus",
    "Ladder",
    "LadderValues",
    "SpotRange",
    "early_exercise",
    "exercise_boundary",
    "greeks",
    "implied_vol",
    "price",
]

machine.prepare()
