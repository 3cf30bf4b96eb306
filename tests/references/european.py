"""European options: a market's rows, their exact values in 40 digits, and what errors of Greeks are counted in."""

import numpy as np
from mpmath import mp


def market(rows, seed):
    """Columns of a market's options: right, spot, strike, years, rate, vol, dividend_yield."""
    random = np.random.default_rng(seed)
    spot = random.uniform(50.0, 150.0, rows)
    strike = spot * np.exp(random.uniform(-0.6, 0.6, rows))
    years, vol = random.uniform(0.02, 2.0, rows), random.uniform(0.08, 0.8, rows)
    rate, dividend_yield = np.full(rows, 0.03), random.choice([0.0, 0.02], rows)
    return random.choice([-1.0, 1.0], rows), spot, strike, years, rate, vol, dividend_yield


def domain(rows, seed):
    """Rows of the whole domain that float kernels take: near and far, minutes to decades, carry to 0.25."""
    random = np.random.default_rng(seed)
    spot = np.exp(random.uniform(-20.0, 20.0, rows))
    years, total = (np.exp(random.uniform(*np.log(ends), rows)) for ends in ((1e-6, 60.0), (4e-3, 2.0)))
    rate, dividend_yield = (
        np.clip(random.uniform(-0.1, 0.15, rows), -0.25 / years, 0.25 / years) for _ in "rq"
    )
    near = (dividend_yield - rate) * years + total * random.uniform(-7.0, 7.0, rows)
    wide = random.uniform(np.log(1e-3), np.log(1.75), rows)
    moneyness = np.where(random.random(rows) < 0.8, np.clip(near, np.log(1e-3), np.log(1.75)), wide)
    right = random.choice([-1.0, 1.0], rows)
    return right, spot, spot * np.exp(moneyness), years, rate, total / np.sqrt(years), dividend_yield


def exact_row(right, spot, strike, years, rate, vol, dividend_yield):
    """Price and the six Greeks of order 1 in 40 digits."""
    s, k, t, r, v, q = (mp.mpf(float(x)) for x in (spot, strike, years, rate, vol, dividend_yield))
    e, total = int(right), v * mp.sqrt(t)
    spot_now, strike_now = s * mp.exp(-q * t), k * mp.exp(-r * t)
    d1 = mp.log(spot_now / strike_now) / total + total / 2
    spot_leg, strike_leg = (x * mp.ncdf(e * d) for x, d in ((spot_now, d1), (strike_now, d1 - total)))
    density = spot_now * mp.npdf(d1)
    return (
        e * (spot_leg - strike_leg),
        e * spot_leg / s,
        density / (s * s * total),
        density * mp.sqrt(t),
        e * (q * spot_leg - r * strike_leg) - density * v / (2 * mp.sqrt(t)),
        e * t * strike_leg,
        -e * t * spot_leg,
    )


def scales(_, spot, strike, years, rate, vol, dividend_yield):
    """What the errors of the seven columns are counted in."""
    root = np.sqrt(years)
    carry = np.abs(rate) * strike + np.abs(dividend_yield) * spot
    return np.array(
        [
            *(spot, np.ones_like(spot), 1.0 / (spot * vol * root), spot * root, spot * vol / root + carry),
            *(strike * years, spot * years),
        ]
    )


def exact_columns(options):
    """A row of `exact_row` per option, and what its seven errors are counted in."""
    with mp.workdps(40):
        rows = [exact_row(*row) for row in zip(*options, strict=True)]
    return rows, scales(*options)


def errors(found, exact, column):
    """The errors of one column, formed in 40 digits."""
    with mp.workdps(40):
        return np.array([float(mp.mpf(float(x)) - row[column]) for x, row in zip(found, exact, strict=True)])
