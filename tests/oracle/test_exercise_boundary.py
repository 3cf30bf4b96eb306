"""Where and how likely early exercise is, by ladders, against the other engine and a scheme for the hitting time."""

from __future__ import annotations

import pytest

import atalanta

#: A dividend that counts for nothing, so that the ladder's answer is that of an option without one.
NEARLY_NONE = 1e-7

#: right, years, rate, yield, vol.
OPTIONS = (
    ("put", 1.0, 0.045, 0.0, 0.25),
    ("put", 1.158, 0.0437, 0.0, 0.366),
    ("put", 0.08, 0.03, 0.0, 0.2),
    ("put", 0.5, 0.05, 0.02, 0.4),
    ("put", 1.0, 0.03, 0.05, 0.25),
    ("call", 0.5, 0.02, 0.05, 0.3),
    ("call", 2.0, 0.02, 0.03, 0.2),
)

#: right, spot, years, rate, yield, vol of a strike of 100, and how likely exercise before expiry is: implicit steps on
#: 1,001, 2,001 and 4,001 spots down to the boundary by collocation, extrapolated; within 1e-4.
PROBABILITIES = (
    ("put", 100.0, 1.0, 0.045, 0.0, 0.25, 0.5094),
    ("put", 83.58, 1.158, 0.0437, 0.0, 0.366, 0.7367),
    ("put", 103.0, 0.02, 0.015, 0.0, 0.56, 0.3680),
    ("put", 100.0, 1.0, 0.03, 0.05, 0.25, 0.0435),
    ("put", 95.0, 0.5, 0.03, 0.03, 0.2, 0.6697),
)


@pytest.mark.parametrize(("tolerance", "limit"), [("fast", 1e-3), ("standard", 2e-4), ("precise", 1e-5)])
@pytest.mark.parametrize(("right", "years", "rate", "dividend_yield", "vol"), OPTIONS)
def test_the_boundary_of_a_ladder_is_that_of_collocation(
    right, years, rate, dividend_yield, vol, tolerance, limit
):
    option = (right, 100.0, 100.0, years, rate, vol)
    exact = atalanta.early_exercise(*option, dividend_yield=dividend_yield, tolerance="precise")
    made = atalanta.early_exercise(
        *option, dividend_yield=dividend_yield, dividends=[(0.5 * years, NEARLY_NONE)], tolerance=tolerance
    )
    assert float(made.boundary) == pytest.approx(float(exact.boundary), rel=limit)


@pytest.mark.parametrize(("tolerance", "limit"), [("fast", 2e-3), ("standard", 2e-3), ("precise", 2e-4)])
@pytest.mark.parametrize(("right", "spot", "years", "rate", "dividend_yield", "vol", "exact"), PROBABILITIES)
def test_the_probability_of_exercise(right, spot, years, rate, dividend_yield, vol, exact, tolerance, limit):
    """It counts who ends in the money: there exercise is right at some time before expiry."""
    made = atalanta.early_exercise(
        right,
        spot,
        100.0,
        years,
        rate,
        vol,
        dividend_yield=dividend_yield,
        dividends=[(0.5 * years, NEARLY_NONE)],
        tolerance=tolerance,
    )
    assert float(made.probability) == pytest.approx(exact, abs=limit)
