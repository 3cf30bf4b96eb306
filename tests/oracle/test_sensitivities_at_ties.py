"""Sensitivities where two ways to act are worth the same to the last bit: no rate, dividends of nothing, hardly any vol."""

import numpy as np
import pytest

import atalanta

TAKES_ALL = ((0.1, 90.0), (0.3, 5.0))
THREE = ((0.2, 25.0), (0.5, 25.0), (0.8, 25.0))


def rho_by_price(*option, **terms):
    def price(rate):
        return float(
            atalanta.price(*option[:4], rate, option[4], **{"tolerance": 1e-6, **terms}),
        )

    return (price(1e-5) - price(-1e-5)) / 2e-5


@pytest.mark.parametrize("tolerance", ["fast", "standard", "precise"])
@pytest.mark.parametrize(
    ("spot", "years", "vol", "dividends"),
    [(80.0, 0.5, 0.2, TAKES_ALL), (60.0, 1.0, 0.25, THREE), (80.0, 1.0, 0.25, THREE), (100.0, 1.0, 0.3, ((0.5, 40.0),))],
)  # fmt: skip
def test_rho_of_a_put_at_no_rate(spot, years, vol, dividends, tolerance):
    """What is worth the strike at every spot hangs on no rate of exercise: -10.3 for -50.0 once."""
    option = ("put", spot, 100.0, years, vol)
    told = float(atalanta.greeks(*option[:4], 0.0, vol, dividends=dividends, tolerance=tolerance).rho)
    beside = float(atalanta.greeks(*option[:4], 1e-9, vol, dividends=dividends, tolerance=tolerance).rho)
    assert told == pytest.approx(beside, abs=1e-4)
    assert told == pytest.approx(rho_by_price(*option, dividends=dividends), abs=0.02)


@pytest.mark.parametrize("exercise", ["european", "american"])
@pytest.mark.parametrize("right", ["put", "call"])
@pytest.mark.parametrize("spot", [85.0, 100.0, 115.0])
def test_a_schedule_of_nothings_tells_what_more_would_cost(right, spot, exercise):
    """It was 0: such rows are priced as if they had no dividends."""
    option = (right, spot, 100.0, 0.5, 0.03, 0.2)

    def deltas(cash):
        dividends = ((0.2, cash), (0.4, 0.0))
        return np.array(atalanta.greeks(*option, exercise=exercise, dividends=dividends).dividend_delta)

    assert deltas(0.0) == pytest.approx(deltas(1e-6), abs=1e-3)


def test_rows_of_nothings_beside_others():
    """In a batch as alone, and what comes after expiry counts for nothing."""
    schedules = (((0.2, 0.0),), ((0.2, 1.0),), ((0.7, 0.0),))
    dividends = atalanta.Dividends(schedules, of=[0, 1, 2, 0])
    option = ("put", 100.0, 100.0, [0.5, 0.5, 0.5, 0.1], 0.03, 0.2)
    together = atalanta.greeks(*option, exercise="american", dividends=dividends).dividend_delta[0]
    alone = [
        atalanta.greeks("put", 100.0, 100.0, 0.5, 0.03, 0.2, exercise="american", dividends=schedule).dividend_delta[0]
        for schedule in schedules[:2]
    ]  # fmt: skip
    assert list(together) == [*alone, 0.0, 0.0]


@pytest.mark.parametrize("tolerance", ["standard", "precise"])
@pytest.mark.parametrize("spot", [80.0, 95.0, 105.0])
def test_a_dividend_of_nothing_where_waiting_is_free(spot, tolerance):
    """A put at no rate, after a dividend of much of the spot: any number from 0 to 1 before."""
    option = ("put", spot, 100.0, 0.5, 0.0, 0.2)

    def delta(cash):
        dividends = ((0.1, 75.0), (0.2, cash))
        terms = {"exercise": "american", "dividends": dividends, "tolerance": tolerance}
        return float(atalanta.greeks(*option, **terms).dividend_delta[1])

    assert delta(0.0) == pytest.approx(delta(1e-5), abs=1e-2)


@pytest.mark.parametrize("cash", [0.0, 1e-14, 1e-12, 1e-10, 1e-8, 1e-4])
def test_a_dividend_below_the_rounding_of_the_price(cash):
    """By quadrature, at next to no vol; up to 34 before."""
    dividends = ((0.1, cash), (0.2, 95.0), (0.4, 5.0))
    option = ("put", 100.0, 100.0, 0.5, 0.03, 1e-4 / np.sqrt(0.5))
    made = atalanta.greeks(*option, dividend_yield=0.01, exercise="american", dividends=dividends)
    assert float(made.dividend_delta[0]) == pytest.approx(0.99402, abs=1e-4)


@pytest.mark.parametrize("exercise", ["european", "american"])
@pytest.mark.parametrize("width", [1.0001e-7, 1.005e-7, 1.02e-7, 2e-7, 1e-6])
def test_vega_beside_the_limit_of_no_vol(width, exercise):
    """Differences do not reach across it; -894 before. At the kink of the certain path the price is linear in the vol."""
    spot = 95.0 * np.exp(-0.2 * 0.02) + 5.0 * np.exp(-0.4 * 0.02)
    terms = {"dividend_yield": 0.01, "dividends": ((0.2, 95.0), (0.4, 5.0)), "exercise": exercise}
    vega = float(atalanta.greeks("put", spot, 100.0, 0.5, 0.03, width / np.sqrt(0.5), **terms).vega)
    assert vega == pytest.approx(-17.71, abs=0.05)
