"""Puts at next to no volatility whose dividends take all of the spot, or nearly: what is left lies below every grid.

The reference is a program of its own: values linear from node to node on a narrow window of spots about the path, moved by Gauss-Hermite
quadrature over short steps, exercised at each. Halving its steps and cells moves the prices below by less than 2e-6.
"""

import numpy as np
import pytest

import atalanta

STRIKE = 100.0
LIMIT = 1e-4

#: Spot, years, rate, yield, dividends; the vol is what the tests vary.
ROWS = {
    "six of 6.74 in all": (6.6, 0.193248284, 0.0216976306, -0.0013345346, ((0.0257666784, 1.16480197), (0.0471971995, 0.42772899), (0.128158939, 3.36664216), (0.132986165, 1.61795137), (0.141165492, 0.0817944945), (0.142869365, 0.0817489979))),
    "one of 95, one of what it leaves": (100.0, 0.5, 0.03, 0.01, ((0.2, 95.0), (0.4, 5.0))),
    "one of all but 0.1, one of that, at the strike": (100.0, 0.25, 0.05, 0.0, ((0.05, 99.9), (0.2, 0.1))),
    "no rates: waiting is best": (100.0, 0.3, 0.0, 0.0, ((0.1, 60.0), (0.15, 39.99), (0.2, 0.02))),
    "a rate below zero": (90.0, 0.4, -0.02, 0.03, ((0.1, 50.0), (0.3, 40.0))),
    "above the strike": (140.0, 0.2, 0.04, -0.01, ((0.05, 40.0), (0.1, 99.0), (0.15, 2.0))),
}  # fmt: skip


def by_quadrature(spot, years, rate, dividend_yield, dividends, vol, steps=8, nodes=1200):
    z, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    carry = rate - dividend_yield
    half = 8.0 * vol * np.sqrt(years) * spot * np.exp(max(carry, 0.0) * years)

    def window(middle):
        return np.linspace(max(middle - half, 0.0), middle + half, nodes)

    times = [0.0, *(when for when, _ in dividends), years]
    after = [spot]
    for k, (_, cash) in enumerate(dividends, start=1):
        after.append(max(after[-1] * np.exp(carry * (times[k] - times[k - 1])) - cash, 0.0))
    spots = window(after[-1] * np.exp(carry * (times[-1] - times[-2])))
    values = np.maximum(STRIKE - spots, 0.0)
    for k in range(len(times) - 1, 0, -1):
        dt = (times[k] - times[k - 1]) / steps
        moves = np.exp((carry - 0.5 * vol * vol) * dt + vol * np.sqrt(dt) * z)
        for step in reversed(range(steps)):
            earlier = window(after[k - 1] * np.exp(carry * step * dt))
            means = sum(
                w * np.interp(earlier * m, spots, values) for w, m in zip(weights, moves, strict=True)
            )
            spots, values = earlier, np.maximum(np.exp(-rate * dt) * means, STRIKE - earlier)
        if k > 1:
            before = window(after[k - 2] * np.exp(carry * (times[k - 1] - times[k - 2])))
            left = np.maximum(before - dividends[k - 2][1], 0.0)
            spots, values = before, np.maximum(np.interp(left, spots, values), STRIKE - before)
    return float(np.interp(spot, spots, values))


def valued(function, spot, years, rate, dividend_yield, dividends, vol, **more):
    return function(
        "put", spot, STRIKE, years, rate, vol,
        dividend_yield=dividend_yield, dividends=dividends, exercise="american", **more,
    )  # fmt: skip


@pytest.mark.parametrize("width", [1e-5, 1e-4, 5e-4, 1e-3, 2e-3, 3e-3])
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_prices(row, width):
    """At vol sqrt(years) on both sides of where grids stop reaching what is left; up to 2e-2 off before."""
    vol = width / np.sqrt(row[1])
    for tolerance in ("fast", "standard", 3e-5):
        made = float(valued(atalanta.price, *row, vol, tolerance=tolerance))
        assert made == pytest.approx(by_quadrature(*row, vol), abs=LIMIT)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_sensitivities(row):
    """Differences of the reference over a tenth of a deviation, beside which prices bend; in parts of what each moves them by."""
    spot, years, rate, dividend_yield, dividends = row
    width = 5e-4
    vol = width / np.sqrt(years)
    made = valued(atalanta.greeks, *row, vol)

    def difference(step, moved):
        up, down = (by_quadrature(*moved(by)) for by in (step, -step))
        return (up - down) / (2.0 * step)

    def with_cash(d, by):
        return tuple((when, cash + (by if k == d else 0.0)) for k, (when, cash) in enumerate(dividends))

    move = 0.1 * width * spot
    by_rate = 0.1 * vol / np.sqrt(years)
    rest = (years, rate, dividend_yield, dividends, vol)
    assert float(made.delta) == pytest.approx(difference(move, lambda by: (spot + by, *rest)), abs=2e-3)
    rho = difference(by_rate, lambda by: (spot, years, rate + by, dividend_yield, dividends, vol))
    assert float(made.rho) == pytest.approx(rho, abs=2e-3 * STRIKE * years)
    phi = difference(by_rate, lambda by: (spot, years, rate, dividend_yield + by, dividends, vol))
    assert float(made.phi) == pytest.approx(phi, abs=2e-3 * STRIKE * years)
    vega = difference(0.05 * vol, lambda by: (spot, years, rate, dividend_yield, dividends, vol + by))
    assert float(made.vega) == pytest.approx(vega, rel=1e-2, abs=0.01)
    for d in range(len(dividends)):
        step = min(move, 0.5 * dividends[d][1])
        exact = difference(step, lambda by, d=d: (spot, years, rate, dividend_yield, with_cash(d, by), vol))
        assert float(made.dividend_delta[d]) == pytest.approx(exact, abs=2e-3)
