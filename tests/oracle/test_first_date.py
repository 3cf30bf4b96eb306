"""A put just before its one dividend, beside its boundary after it, against quadrature over the other engine.

Until the date nothing is exercised, for the dividend is worth more than the interest: the value is the mean over the
lognormal law of the spot then of what the option is worth after it, which pays no dividend any more and is priced by
collocation. Its derivatives by the spot are those of the law.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt
import pytest

import atalanta

STRIKE, RATE, CASH = 100.0, 0.045, 1.0
HOUR = 1.0 / 8760.0
#: To the date. One on other instruction sets, which do the same and take a minute for all.
HOURS = (2.0,) if "ATALANTA_ISA" in os.environ else (0.1, 0.5, 2.0, 6.0, 17.0, 120.0)
WITHIN = {
    "standard": {"price": 1e-3, "delta": 3e-4, "gamma": 2e-3, "theta": 0.15},
    "precise": {"price": 2e-5, "delta": 2e-5, "gamma": 2e-4, "theta": 1e-2},
}


def expected(spot: float, years: float, vol: float, until: float) -> dict[str, float]:
    """Price, delta, gamma and theta by the trapezoidal rule over 16 deviations."""
    deviation = vol * np.sqrt(until)
    z = np.linspace(-8.0, 8.0, 1601)
    then = spot * np.exp((RATE - 0.5 * vol * vol) * until + deviation * z)
    worth = atalanta.price(
        "put", then - CASH, STRIKE, years - until, RATE, vol, exercise="american", tolerance=1e-6
    )
    weighed = np.exp(-RATE * until) * worth * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) * (z[1] - z[0])
    price, first = weighed.sum(), (weighed * z).sum() / deviation
    second = (weighed * (z * z - 1.0)).sum() / deviation**2
    delta, gamma = first / spot, (second - first) / spot**2
    theta = RATE * price - RATE * spot * delta - 0.5 * (vol * spot) ** 2 * gamma
    return {"price": price, "delta": delta, "gamma": gamma, "theta": theta}


def found(
    spot: npt.ArrayLike, years: float, vol: float, until: float, tolerance: float | str
) -> atalanta.Greeks:
    terms = {"exercise": "american", "dividends": ((until, CASH),), "tolerance": tolerance}
    return atalanta.greeks("put", spot, STRIKE, years, RATE, vol, **terms)


def spots_beside_the_boundary(years: float, vol: float) -> np.ndarray:
    """From a dollar below to two above the boundary after the date, as the spot before it sees it."""
    boundary = atalanta.early_exercise("put", 90.0, STRIKE, years, RATE, vol, tolerance="precise").boundary
    return float(boundary) + CASH + np.arange(-1.0, 2.1, 0.25)


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize(("years", "vol"), [(0.08, 0.10), (0.08, 0.25), (1.0, 0.10), (1.0, 0.25)])
def test_what_is_read_across_the_boundary_after_the_date(years, vol, hours):
    until = hours * HOUR
    spots = spots_beside_the_boundary(years, vol)
    exact = [expected(float(spot), years, vol, until) for spot in spots]
    for tolerance, limits in WITHIN.items():
        made = found(spots, years, vol, until, tolerance)
        for name, limit in limits.items():
            wanted = np.array([row[name] for row in exact])
            context = f"{name} at {tolerance}"
            np.testing.assert_allclose(getattr(made, name), wanted, rtol=0.0, atol=limit, err_msg=context)


@pytest.mark.parametrize("vol", [0.10, 0.25])
def test_sensitivities_are_those_of_the_price(vol):
    """Vega, rho and the dividend's own, by differences of quadrature."""
    years, until, step = 0.5, 2.0 * HOUR, 1e-4
    spot = float(spots_beside_the_boundary(years, vol)[6])
    made = found(spot, years, vol, until, "standard")
    up, down = (expected(spot, years, vol + move, until)["price"] for move in (step, -step))
    assert float(made.vega) == pytest.approx((up - down) / (2.0 * step), abs=0.2)
    # All that the dividend does is to lower the spot then.
    after = atalanta.greeks("put", spot - CASH, STRIKE, years, RATE, vol, exercise="american")
    assert float(made.dividend_delta[0]) == pytest.approx(-float(after.delta), abs=2e-3)


#: spot, years, rate, vol, years to the date and its cash: nearly the whole spot is gone within minutes.
NEARLY_ALL = (
    (
        47.88062268065196,
        2.847513586516254,
        0.0023057071391802972,
        1.8163894890967753,
        9.99e-07,
        46.68210780994682,
    ),
    (618.885, 2.0, 0.02, 1.2, 1e-6, 612.696),
    (120.0, 0.5, 0.04, 0.3, 1e-5, 105.0),
)


@pytest.mark.parametrize(("tolerance", "limit"), [("fast", 0.6), ("standard", 0.3), ("precise", 1e-3)])
@pytest.mark.parametrize(("spot", "years", "rate", "vol", "until", "cash"), NEARLY_ALL)
def test_a_near_date_that_takes_nearly_all_of_the_spot(spot, years, rate, vol, until, cash, tolerance, limit):
    """The cells after it are crowded into a part of one before it, from which no bend is taken."""
    made = atalanta.greeks(
        "put",
        spot,
        STRIKE,
        years,
        rate,
        vol,
        exercise="american",
        dividends=((until, cash),),
        tolerance=tolerance,
    )
    left = atalanta.price("put", spot - cash, STRIKE, years, rate, vol, exercise="american", tolerance=1e-6)
    assert float(made.price) == pytest.approx(left, abs=limit)
    assert -1.01 < float(made.delta) < 0.0
    assert np.isfinite(
        [float(getattr(made, name)) for name in ("gamma", "theta", "vega", "rho", "phi")]
    ).all()
