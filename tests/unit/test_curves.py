from __future__ import annotations

import math

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.curves import RateCurve

CURVE = RateCurve([0.5, 1.0, 2.0], [0.04, 0.05, 0.03])


def test_nodes_are_hit():
    """At a node the zero rate is the node's."""
    np.testing.assert_allclose([0.04, 0.05, 0.03], CURVE.zero_rate([0.5, 1.0, 2.0]), rtol=1e-15)


def test_log_discount_is_linear_between_nodes():
    """Half way between two nodes rate × time is the mean of theirs: (0.05 × 1 + 0.03 × 2) / 2 = 0.055."""
    assert pytest.approx(0.055 / 1.5, rel=1e-15) == CURVE.zero_rate(1.5)


def test_zero_rate_is_flat_outside_the_nodes():
    """Before the first node and after the last the zero rate is the nearest node's, at 0 and before it too."""
    np.testing.assert_array_equal([0.04, 0.04, 0.04, 0.03], CURVE.zero_rate([-1.0, 0.0, 0.1, 30.0]))


def test_discount_is_the_exponential_of_rate_and_time():
    """D(t) = exp(−z t); today's payment is worth 1."""
    np.testing.assert_allclose(
        [1.0, math.exp(-0.05), math.exp(-0.09)], CURVE.discount([0.0, 1.0, 3.0]), rtol=1e-15
    )


def test_flat_curve_has_one_rate():
    """`flat` gives its rate at every time, negative rates too."""
    np.testing.assert_allclose([-0.005] * 3, RateCurve.flat(-0.005).zero_rate([0.001, 1.0, 50.0]), rtol=1e-14)


def test_shape_of_the_times_is_kept_and_nan_stays_nan():
    """The answer has the shape of the question; a NaN time has no rate and no discount."""
    times = np.array([[0.25, np.nan], [1.0, 2.0]])
    assert CURVE.discount(times).shape == (2, 2)
    np.testing.assert_array_equal([[False, True], [False, False]], np.isnan(CURVE.zero_rate(times)))


def test_nodes_cannot_be_changed():
    """A curve keeps a copy of its nodes and gives them out read-only."""
    nodes = np.array([0.01, 0.02])
    curve = RateCurve([1.0, 2.0], nodes)
    nodes[0] = 0.5
    assert pytest.approx(0.01) == curve.zero_rate(1.0)
    with pytest.raises(ValueError, match="read-only"):
        curve.zero_rates[0] = 0.5


@pytest.mark.parametrize(
    ("years", "rates", "message"),
    [
        ([1.0, 0.5], [0.01, 0.02], r"positive and increasing: \[1.0, 0.5\]"),
        ([1.0, 1.0], [0.01, 0.02], "positive and increasing"),
        ([0.0, 1.0], [0.01, 0.02], "positive and increasing"),
        ([1.0], [0.01, 0.02], "1 years but 2 zero rates"),
        ([1.0, 2.0], [0.01, np.nan], "zero_rates holds NaN"),
        ([1.0, np.inf], [0.01, 0.02], "years holds NaN or infinity"),
        ([], [], "at least one node"),
        ([[1.0]], [[0.01]], "one dimension"),
        ([1.0], ["five"], "zero_rates must be numbers"),
        ([1.0], [10**400], "zero_rates must be numbers: int too large"),
        ([1.0], [5.25], r"5.25 looks like per cent \(limit ±1\): divide by 100"),
        ([1.0, 2.0], [0.01, -3.0], "-3 looks like per cent"),
    ],
)
def test_unusable_nodes_are_refused(years, rates, message):
    """Each unusable curve gets one error that names the value and the limit."""
    with pytest.raises(InputError, match=r"\[market.RateCurve\].*" + message):
        RateCurve(years, rates)


def test_flat_rate_in_per_cent_is_refused():
    """A flat rate of 5 means 500 %: the error says to divide by 100."""
    with pytest.raises(InputError, match="divide by 100"):
        RateCurve.flat(5.0)
