"""Implied volatilities with cash dividends: the price is met though most of it is exercise before a date.

There the true price moves many times as much with the volatility as the escrowed one that leads the search.
"""

import numpy as np
import pytest

import atalanta

#: Of the price, for a strike of 100 (2e-5 of it).
MET_WITHIN = 2e-3

#: Spot, years, rate, yield, vol, dividends. Prices were missed by 7e-3 to 2.2e-2.
CALLS = {
    "a dividend of a seventh of the spot": (102.2349633, 0.2971084812, 0.01339285926, -0.02688030874, 0.1279701134, ((0.1225944554, 4.2247707), (0.1711953673, 13.733349), (0.2550860423, 0.56500932), (0.2883084806, 4.0583019))),
    "rates below zero, a low vol": (96.24841653, 0.7742061816, -0.05079028817, -0.05177791847, 0.05829082247, ((0.1302769865, 2.6433786), (0.5582813134, 2.2968478), (0.7365595669, 6.1826463))),
    "hours before a date, far out of the money": (76.4351519, 0.6756783222, 0.02804489947, 0.0, 0.1957604691, ((0.002077937934, 2.5527362), (0.5908501732, 10.888774), (0.6521234046, 8.2542942))),
    "one dividend, a month": (91.8535, 0.1038, 0.04, 0.0, 0.1373, ((0.0946, 5.3063),)),
}  # fmt: skip


@pytest.mark.parametrize("start", [None, 0.95, 1.05])
@pytest.mark.parametrize("row", CALLS.values(), ids=CALLS)
def test_the_price_is_met_where_most_of_it_is_exercise_before_a_date(row, start):
    """From a guess of its own, and from volatilities beside the right one."""
    spot, years, rate, dividend_yield, vol, dividends = row
    terms = {"dividend_yield": dividend_yield, "exercise": "american", "dividends": dividends}
    worth = atalanta.price("call", spot, 100.0, years, rate, vol, **terms)
    guess = None if start is None else start * vol
    found = atalanta.implied_vol(worth, "call", spot, 100.0, years, rate, start=guess, **terms)
    made = atalanta.price("call", spot, 100.0, years, rate, found, **terms)
    assert made == pytest.approx(worth, abs=MET_WITHIN)


@pytest.mark.parametrize("right", ["call", "put"])
def test_random_prices_are_met(right):
    """One dividend of half a dollar to six, two deviations about the money; of such calls 9 of 20,000 were missed by up to 7e-3."""
    random = np.random.default_rng(5)
    years, vol = random.uniform(0.02, 1.0, 5000), random.uniform(0.1, 0.6, 5000)
    strike = 100 * np.exp(random.uniform(-2, 2, 5000) * vol * np.sqrt(years))
    paid = [[(float(share * t), float(cash))] for share, cash, t in zip(random.uniform(0.02, 0.98, 5000), random.uniform(0.5, 6.0, 5000), years, strict=True)]  # fmt: skip
    terms = {"exercise": "american", "dividends": atalanta.Dividends(paid, of=np.arange(5000))}
    worth = atalanta.price(right, 100.0, strike, years, 0.04, vol, **terms)
    found = atalanta.implied_vol(worth, right, 100.0, strike, years, 0.04, **terms)
    known = np.isfinite(found)
    assert known.mean() > 0.95
    made = atalanta.price(right, 100.0, strike, years, 0.04, np.where(known, found, 0.2), **terms)
    missed = np.abs(made - worth)[known] / strike[known]
    assert missed.max() <= MET_WITHIN / 100
