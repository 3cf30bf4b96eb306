"""American options with a yield and cash dividends, by finite differences: any shape of the exercise region.

Entry: `prices`, many options side by side; error estimates come from three grids. Structure: a sinh grid in
the spot, TR-BDF2 in time with small steps after each kink, policy iteration for early exercise (so exercise may
pay in an interval), and Richardson extrapolation. Nothing is shared with `edges` or the C++ kernels.
The spot falls by min(cash, spot) at each ex-date; exercise just before an ex-date is allowed.
"""

import math
from dataclasses import dataclass, field

import numpy as np

GAMMA = 2.0 - math.sqrt(2.0)  # TR-BDF2: both stages have the same matrix


@dataclass(frozen=True)
class Option:
    """right +1 call, -1 put; dividends are (years, cash), ascending, 0 < years < the option's."""

    right: int
    spot: float
    strike: float
    years: float
    rate: float
    dividend_yield: float
    vol: float
    dividends: tuple[tuple[float, float], ...] = field(default=())

    def paid(self):
        """All cash on the way."""
        return sum(cash for _, cash in self.dividends)


class Lanes:
    """Options side by side on grids of `nodes` intervals: arrays are [node, option]."""

    def __init__(self, options, nodes, grid):
        self.options, self.nodes = options, nodes
        column = lambda name: np.array([getattr(o, name) for o in options], float)
        self.right, self.strike = column("right"), column("strike")
        self.rate, self.dividend_yield, self.vol = column("rate"), column("dividend_yield"), column("vol")
        self.spot = np.stack([grid(o, nodes) for o in options], axis=1)
        self.payoff = np.maximum(self.right * (self.spot - self.strike), 0.0)
        self._set_operator()

    def _set_operator(self):
        s = self.spot
        down, up = np.diff(s, axis=0)[:-1], np.diff(s, axis=0)[1:]
        diffusion = (self.vol * s[1:-1]) ** 2
        drift = (self.rate - self.dividend_yield) * s[1:-1]
        shape = s.shape
        self.below, self.above, self.centre = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.below[1:-1] = (diffusion - drift * up) / (down * (down + up))
        self.above[1:-1] = (diffusion + drift * down) / (up * (down + up))
        self.centre[1:-1] = -self.below[1:-1] - self.above[1:-1] - self.rate
        self.centre[0] = -self.rate
        # Linear at the far end: V_SS = 0 there.
        last = s[-1] - s[-2]
        drift = (self.rate - self.dividend_yield) * s[-1] / last
        self.below[-1], self.centre[-1] = -drift, drift - self.rate

    def apply(self, v):
        """L v."""
        out = self.centre * v
        out[1:] += self.below[1:] * v[:-1]
        out[:-1] += self.above[:-1] * v[1:]
        return out

    def implicit(self, known, step, active):
        """(1 - step L) v = known where v > payoff, v = payoff elsewhere; `active` is where it was."""
        below, centre, above = -step * self.below, 1.0 - step * self.centre, -step * self.above
        for _ in range(60):
            keep = ~active
            v = _tridiagonal(
                np.where(keep, below, 0.0),
                np.where(keep, centre, 1.0),
                np.where(keep, above, 0.0),
                np.where(keep, known, self.payoff),
            )
            residual = centre * v - known
            residual[1:] += below[1:] * v[:-1]
            residual[:-1] += above[:-1] * v[1:]
            changed = np.where(active, residual > 0.0, v < self.payoff)
            if (changed == active).all():
                break
            active = changed
        return v, active

    def march(self, v, lengths, steps):
        """From v back over `lengths` years, in steps that grow from small ones."""
        ends = np.linspace(0.0, 1.0, steps + 1) ** 2
        active = v <= self.payoff
        active &= self.payoff > 0.0
        for share in np.diff(ends):
            step = share * lengths
            half = 0.5 * GAMMA * step
            middle, active = self.implicit(v + half * self.apply(v), half, active)
            known = (middle - (1.0 - GAMMA) ** 2 * v) / (GAMMA * (2.0 - GAMMA))
            v, active = self.implicit(known, half, active)
        return v

    def drop(self, v, cash):
        """The value just before the spot falls by `cash`; exercise is allowed there."""
        before = np.empty_like(v)
        for lane, amount in enumerate(cash):
            if amount > 0.0:
                after = np.maximum(self.spot[:, lane] - amount, 0.0)
                before[:, lane] = _interpolate(self.spot[:, lane], v[:, lane], after)
            else:
                before[:, lane] = v[:, lane]
        return np.where(cash > 0.0, np.maximum(before, self.payoff), v)


def strike_grid(option, nodes):
    """0 ... far, dense around the strike, which is a node of every refinement."""
    total = option.vol * math.sqrt(option.years)
    drift = abs(option.rate - option.dividend_yield) * option.years
    middle = max(option.spot, option.strike)
    far = (middle + option.paid()) * math.exp(min(6.5 * total + drift + 0.5 * total**2, 12.0))
    width = option.strike * min(max(0.4 * total, 0.4 * option.vol**2 / max(drift / option.years, 1e-9)), 1.0)
    width = max(width, 0.02 * option.strike * min(1.0, total))
    low, high = math.asinh(-option.strike / width), math.asinh((far - option.strike) / width)
    coarse = 40  # the strike is a node of a grid of 40 intervals, so of its multiples
    at = max(1, min(coarse - 1, round(coarse * -low / (high - low))))
    high = max(high, -low * (coarse - at) / at)
    at_exact = coarse * -low / (high - low)
    at = max(1, math.floor(at_exact))
    high = -low * (coarse - at) / at
    grid = option.strike + width * np.sinh(np.linspace(low, high, nodes + 1))
    grid[0], grid[at * nodes // coarse] = 0.0, option.strike
    return grid


def low_grid(option, nodes):
    """0 ... far, dense below the spot, where an option deep in the money may be held in several stretches."""
    total = option.vol * math.sqrt(option.years)
    drift = abs(option.rate - option.dividend_yield) * option.years
    far = (max(option.spot, option.strike) + option.paid()) * math.exp(6.5 * total + drift + 0.5 * total**2)
    width = 0.25 * min(option.spot, option.strike)
    to_strike, coarse = math.asinh(option.strike / width), 40
    at = round(coarse * to_strike / math.asinh(far / width))  # as of the other grid
    grid = width * np.sinh(np.linspace(0.0, to_strike * coarse / at, nodes + 1))
    grid[at * nodes // coarse] = option.strike
    return grid


def _tridiagonal(below, centre, above, known):
    """Cyclic reduction, for all options at once: every second equation loses its neighbours."""
    if len(known) == 1:
        return known / centre
    if len(known) % 2 == 0:
        rows = [
            np.concatenate([x, np.full_like(x[:1], end)])
            for x, end in zip((below, centre, above, known), (0.0, 1.0, 0.0, 0.0), strict=True)
        ]
        return _tridiagonal(*rows)[:-1]
    left = -below[1::2] / centre[:-1:2]
    right = -above[1::2] / centre[2::2]
    odd = _tridiagonal(
        left * below[:-1:2],
        centre[1::2] + left * above[:-1:2] + right * below[2::2],
        right * above[2::2],
        known[1::2] + left * known[:-1:2] + right * known[2::2],
    )
    value = np.empty_like(known)
    value[1::2] = odd
    even = known[::2].copy()
    even[1:] -= below[2::2] * odd
    even[:-1] -= above[:-1:2] * odd
    value[::2] = even / centre[::2]
    return value


def _interpolate(x, y, at):
    """Lagrange through four neighbours."""
    k = np.clip(np.searchsorted(x, at) - 2, 0, len(x) - 4)
    out = np.zeros_like(at)
    for i in range(4):
        term = y[k + i].copy()
        for j in range(4):
            if j != i:
                term *= (at - x[k + j]) / (x[k + i] - x[k + j])
        out += term
    return out


def _one_grid(options, nodes, steps, grid):
    """Values at the spots; every option has the same number of dividends, absent ones being 0 cash."""
    lanes = Lanes(options, nodes, grid)
    count = max(len(o.dividends) for o in options)
    dates, cash = np.zeros((count, len(options))), np.zeros((count, len(options)))
    for lane, option in enumerate(options):
        missing = count - len(option.dividends)
        first = option.dividends[0][0] if option.dividends else option.years
        for k in range(missing):  # dummies between now and the first ex-date
            dates[k, lane] = first * (k + 1) / (missing + 1)
        for k, (years, amount) in enumerate(option.dividends):
            dates[missing + k, lane], cash[missing + k, lane] = years, amount
    v, end = lanes.payoff.copy(), np.array([o.years for o in options])
    for k in range(count - 1, -1, -1):
        v = lanes.drop(lanes.march(v, end - dates[k], steps), cash[k])
        end = dates[k]
    v = lanes.march(v, end, steps)
    at = np.array([o.spot for o in options])
    return np.array([_interpolate(lanes.spot[:, i], v[:, i], at[i : i + 1])[0] for i in range(len(options))])


def prices(options, nodes=400, steps=40, grid=strike_grid):
    """Prices of American options and estimates of their errors, from grids of 1, 2 and 4 times `nodes`."""
    one, two, four = (_one_grid(options, nodes * k, steps * k, grid) for k in (1, 2, 4))
    coarse, fine = two + (two - one) / 3.0, four + (four - two) / 3.0
    return fine, np.abs(fine - coarse)
