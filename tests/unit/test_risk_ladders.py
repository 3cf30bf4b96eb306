"""Ladders of a book where they are hardest: ex-dates hours ahead, large dividends, last hours, small volatilities."""

import numpy as np
import pytest

from atalanta import _core, price
from atalanta.risk.scenarios import SPOT_SHOCKS, VOL_SHOCKS

ONE = np.ones(1)
SPOTS, VOLS = np.array(SPOT_SHOCKS), np.array(VOL_SHOCKS)


def ladders(right, strike, vol, years, rate, carry, paid, american=True):
    """One contract at a spot of 100, at the volatilities of the default grid."""
    shocked = vol * (1 + VOLS)
    levels = np.concatenate([[0.95 * shocked[0]], shocked, [1.05 * shocked[-1]]])
    return _core.VolLadders(
        right=np.array([right], np.int8), spot=100 * ONE, strike=strike * ONE, years=years * ONE, rate=rate * ONE,
        dividend_yield=carry * ONE, american=np.array([american], np.uint8),
        schedules=_core.Schedules([paid]) if paid else None, schedule=np.array([0 if paid else -1], np.int32),
        levels=levels[None], reach=(0.75, 1.27), tolerance=5e-4, threads=1,
    )  # fmt: skip


def grid():
    return _core.BookGrid(
        spots=SPOTS, vols=VOLS, points=False, weight=ONE, group=np.zeros(1, np.int32), groups=1,
        dropped=np.empty(0), smile=np.empty(0),
    )  # fmt: skip


def contracts(count, seed=0):
    """From hours to eighteen months, to 6 % of volatility and 10 % of rate, dividends up to 3 % at any time."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        years = float(np.exp(rng.uniform(np.log(0.0005), np.log(1.5))))
        american = bool(rng.integers(0, 2))
        times = sorted(rng.uniform(0.0003, 1.1 * years, rng.integers(0, 3))) if american else []
        yield {
            "right": int(rng.choice([1, -1])),
            "strike": float(100 * np.exp(rng.normal(0, 0.08))),
            "vol": float(rng.choice([0.08, 0.15, 0.3, 0.6])),
            "years": years,
            "rate": float(rng.choice([0.0, 0.04, 0.1])),
            "carry": float(rng.choice([0.0, 0.03])),
            "paid": [(float(time), float(rng.choice([0.1, 0.8, 3.0]))) for time in times],
            "american": american,
        }


def test_sums_of_hard_contracts_are_their_ladders():
    """To a twentieth of a cent a share in every cell, to five thousandths in 99 of 100 readings."""
    rng, errors = np.random.default_rng(1), []
    for terms in contracts(150):
        made, vol = ladders(**terms), terms["vol"] * ONE
        summed, plain = grid(), grid()
        assert summed.add_up(made, 100 * ONE, vol, 0.05)
        for spot in (100 * rng.uniform(0.95, 1.05, 4)).tolist():
            one, other = (each.totals(made, spot * ONE, vol) for each in (summed, plain))
            errors.append(np.abs(one - other).max())
    assert max(errors) < 5e-4
    assert np.percentile(errors, 99) < 5e-5


@pytest.mark.parametrize("right", [1, -1])
@pytest.mark.parametrize(
    ("strike", "vol", "years", "rate", "carry", "paid"),
    [
        (109.06, 0.30, 0.00096, 0.00, 0.00, [(0.00058, 3.0)]),
        (86.80, 0.08, 0.02357, 0.10, 0.03, [(0.01575, 0.8), (0.01709, 3.0)]),
        (110.00, 0.15, 0.01000, 0.04, 0.00, [(0.005, 4.0)]),
        (92.00, 0.08, 0.01000, 0.10, 0.00, [(0.002, 2.0), (0.006, 5.0)]),
    ],
)
def test_a_dividend_beyond_the_reach_of_a_ladder(right, strike, vol, years, rate, carry, paid):
    """A call is exercised ahead of it: what it is worth about its strike was once read as nothing, 24 cents off."""
    made, shocked = ladders(right, strike, vol, years, rate, carry, paid), vol * (1 + VOLS[[0, 4, 8]])
    spots = np.linspace(76.0, 126.0, 201)
    found = made.values(spots[None], shocked[None])[0]
    solved = price(
        right, spots[:, None], strike, years, rate, shocked, dividend_yield=carry, exercise="american",
        dividends=paid, tolerance=1e-4,
    )  # fmt: skip
    np.testing.assert_allclose(found, solved, atol=1e-3)


def test_volatilities_that_have_moved_are_read_between_levels():
    """By up to 2 %: through the six nearest levels. Through all of them a deep put was read up to 15 cents off."""
    rng, errors = np.random.default_rng(2), []
    for terms in contracts(60, seed=11):
        made, spots = ladders(**terms), 100 * rng.uniform(0.76, 1.26, 12)
        for moved in (0.98, 0.99, 1.01, 1.02):
            shocked = moved * terms["vol"] * (1 + VOLS)
            found = made.values(spots[None], shocked[None])[0]
            solved = price(
                terms["right"], spots[:, None], terms["strike"], terms["years"], terms["rate"], shocked,
                dividend_yield=terms["carry"], exercise="american" if terms["american"] else "european",
                dividends=terms["paid"] or None, tolerance=1e-4,
            )  # fmt: skip
            errors.append(np.abs(found - solved).max())
    assert max(errors) < 4e-3
    assert np.percentile(errors, 90) < 1e-3
