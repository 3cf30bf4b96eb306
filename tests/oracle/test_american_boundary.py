"""American options with a yield right beside their boundary, where value and slope are those of exercise.

There the gamma has a limit in closed form, the time value stops decaying, and what gamma adds up to is delta.
"""

from __future__ import annotations

import numpy as np
import pytest

import atalanta

STRIKE = 100.0
#: years, rate, yield, vol of a put; a call has rate and yield exchanged.
CASES = (
    (0.08, 0.045, 0.0, 0.25),
    (1.0, 0.045, 0.0, 0.25),
    (0.5, 0.05, 0.02, 0.4),
    (2.0, 0.03, 0.05, 0.2),
    (0.05, 0.02, 0.0, 0.1),
    (5.0, 0.04, -0.01, 0.3),
)


def terms_of(right: str, case: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    years, rate, dividend_yield, vol = case
    return case if right == "put" else (years, dividend_yield, rate, vol)


def greeks(right: str, spot: np.ndarray, case: tuple[float, ...], tolerance: float | str) -> atalanta.Greeks:
    years, rate, dividend_yield, vol = terms_of(right, case)
    terms = {"dividend_yield": dividend_yield, "exercise": "american", "tolerance": tolerance}
    return atalanta.greeks(right, spot, STRIKE, years, rate, vol, **terms)


def boundary_of(right: str, case: tuple[float, ...], tolerance: float | str) -> float:
    years, rate, dividend_yield, vol = terms_of(right, case)
    terms = {"dividend_yield": dividend_yield, "tolerance": tolerance}
    return float(atalanta.early_exercise(right, STRIKE, STRIKE, years, rate, vol, **terms).boundary)


def away(right: str, boundary: float, case: tuple[float, ...], deviations: np.ndarray) -> np.ndarray:
    """Spots on the side where the option is held, so many deviations from the boundary."""
    side = 1.0 if right == "put" else -1.0
    return boundary * np.exp(side * deviations * case[3] * np.sqrt(case[0]))


@pytest.mark.parametrize("tolerance", ["fast", "standard", "precise"])
@pytest.mark.parametrize("right", ["put", "call"])
@pytest.mark.parametrize("case", CASES)
def test_gamma_theta_and_delta_at_the_boundary(case, right, tolerance):
    boundary = boundary_of(right, case, tolerance)
    spots = away(right, boundary, case, np.array([1e-5, 1e-4, 1e-3]))
    made, finest = (greeks(right, spots, case, chosen) for chosen in (tolerance, 1e-7))
    _, rate, dividend_yield, vol = terms_of(right, case)
    earned = (rate * STRIKE - dividend_yield * boundary) * (1.0 if right == "put" else -1.0)
    np.testing.assert_allclose(made.gamma, 2.0 * earned / (vol * boundary) ** 2, rtol=6e-3)
    np.testing.assert_allclose(made.delta, -1.0 if right == "put" else 1.0, rtol=2e-3)
    np.testing.assert_allclose(made.theta, 0.0, atol=0.01 * earned)
    np.testing.assert_allclose(made.vega, finest.vega, rtol=0.0, atol=2e-3)


@pytest.mark.parametrize(("tolerance", "limit"), [("fast", 4e-5), ("standard", 1e-5), ("precise", 1e-6)])
@pytest.mark.parametrize("right", ["put", "call"])
@pytest.mark.parametrize("case", CASES)
def test_gamma_beside_the_boundary_adds_up_to_delta(case, right, tolerance, limit):
    boundary = boundary_of(right, case, tolerance)
    deviations = np.linspace(1e-6, 0.2, 1601)
    spots = away(right, boundary, case, deviations)
    made = greeks(right, spots, case, tolerance)
    steps = np.diff(spots) * 0.5 * (made.gamma[1:] + made.gamma[:-1])
    np.testing.assert_allclose(made.delta[0] + np.cumsum(steps), made.delta[1:], rtol=0.0, atol=limit)
