"""Options with cash dividends by a scheme that shares nothing with the library's: where tests/cpp/test_ladder.cpp has its values from.

A sinh grid in the spot itself, TR-BDF2 in time, policy iteration for the right to exercise (any shape of the
exercise region), cubic splines across ex-dates, Richardson extrapolation of two grids. It meets the values by
quadrature of European options to 1e-9 and of American calls to 4e-7. Run as a script it prints American rows.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.linalg import solve_banded

Array = NDArray[np.float64]
Dividends = Sequence[tuple[float, float]]
GAMMA = 2.0 - np.sqrt(2.0)


class Operator:
    """The Black-Scholes operator on a grid of spots, linear beyond the far end."""

    def __init__(self, spots: Array, rate: float, dividend_yield: float, vol: float) -> None:
        drift = rate - dividend_yield
        below, above = np.diff(spots)[:-1], np.diff(spots)[1:]
        bend, slope = 0.5 * (vol * spots[1:-1]) ** 2, drift * spots[1:-1]
        self.lower, self.diagonal, self.upper = (np.zeros(len(spots)) for _ in range(3))
        self.lower[1:-1] = (2.0 * bend - slope * above) / (below * (below + above))
        self.upper[1:-1] = (2.0 * bend + slope * below) / (above * (below + above))
        self.diagonal[1:-1] = (-2.0 * bend + slope * (above - below)) / (below * above) - rate
        self.diagonal[0] = -rate
        self.lower[-1] = -drift * spots[-1] / (spots[-1] - spots[-2])
        self.diagonal[-1] = -self.lower[-1] - rate

    def __call__(self, values: Array) -> Array:
        """The operator applied to values."""
        result: Array = self.diagonal * values
        result[1:] += self.lower[1:] * values[:-1]
        result[:-1] += self.upper[:-1] * values[1:]
        return result

    def solve(self, right_side: Array, step: float, payoff: Array | None) -> Array:
        """Values with (1 - step L) values = right_side, at or above the payoff."""
        bands = np.zeros((3, len(right_side)))
        bands[0, 1:], bands[1], bands[2, :-1] = (
            -step * self.upper[:-1],
            1.0 - step * self.diagonal,
            -step * self.lower[1:],
        )
        values: Array = solve_banded((1, 1), bands, right_side)
        if payoff is None:
            return values
        exercised = values < payoff
        for _ in range(60):
            active, wanted = bands.copy(), np.where(exercised, payoff, right_side)
            held = np.flatnonzero(exercised)
            active[1, held] = 1.0
            active[0, held[held < len(payoff) - 1] + 1] = 0.0
            active[2, held[held > 0] - 1] = 0.0
            values = solve_banded((1, 1), active, wanted)
            surplus = values - step * self(values) - right_side
            changed = np.where(exercised, surplus > 0.0, values < payoff - 1e-13)
            if np.array_equal(changed, exercised):
                break
            exercised = changed
        return values


def averaged_payoff(right: int, spots: Array, strike: float) -> Array:
    """The payoff averaged over each node's cell, so that the strike needs no node."""
    edges = np.concatenate((spots[:1], 0.5 * (spots[1:] + spots[:-1]), spots[-1:]))
    integral = 0.5 * right * np.maximum(right * (edges - strike), 0.0) ** 2
    averaged: Array = np.diff(integral) / np.diff(edges)
    return averaged


class Row(NamedTuple):
    """An option; dividends are (years, cash) in the order of the calendar."""

    right: int
    spot: float
    strike: float
    years: float
    rate: float
    dividend_yield: float
    vol: float
    dividends: Dividends


def price_on_grid(row: Row, american: bool, nodes: int, steps: int) -> float:
    """The price on one grid."""
    right, spot, strike, years, rate, dividend_yield, vol, dividends = row
    top = max(spot, strike) * np.exp(6.5 * vol * np.sqrt(years)) + sum(cash for _, cash in dividends)
    width = strike * max(0.08, 0.5 * vol * np.sqrt(years))
    spots = strike + width * np.sinh(
        np.linspace(np.arcsinh(-strike / width), np.arcsinh((top - strike) / width), nodes + 1)
    )
    spots[0] = 0.0
    operator = Operator(spots, rate, dividend_yield, vol)
    exercise = right * (spots - strike)
    payoff = exercise if american else None
    values = averaged_payoff(right, spots, strike)
    ends = [years - time for time, _ in reversed(dividends)] + [years]
    begin = 0.0
    for end, cash in zip(ends, [cash for _, cash in reversed(dividends)] + [None], strict=True):
        count = max(int(np.ceil(steps * np.sqrt((end - begin) / years))), 20)
        for step in np.diff(begin + (end - begin) * (np.arange(count + 1) / count) ** 2):
            part = 0.5 * GAMMA * step
            stage = operator.solve(values + part * operator(values), part, payoff)
            mixed = (stage - (1.0 - GAMMA) ** 2 * values) / (GAMMA * (2.0 - GAMMA))
            values = operator.solve(mixed, part, payoff)
        if cash is not None:
            values = CubicSpline(spots, values)(np.maximum(spots - cash, 0.0))
            values = np.maximum(values, exercise) if american else values
        begin = end
    return float(CubicSpline(spots, values)(spot))


def price(row: Row, american: bool = True, nodes: int = 1600) -> float:
    """The price extrapolated from grids of nodes and of twice as many."""
    coarse = price_on_grid(row, american, nodes, nodes // 3)
    fine = price_on_grid(row, american, 2 * nodes, 2 * (nodes // 3))
    return fine + (fine - coarse) / 3.0


QUARTERLY = ((0.12, 0.6), (0.37, 0.6), (0.62, 0.6), (0.87, 0.6))
ROWS = (
    Row(-1, 100.0, 100.0, 1.0, 0.04, 0.0, 0.25, QUARTERLY),
    Row(-1, 100.0, 110.0, 1.0, 0.04, 0.0, 0.25, QUARTERLY),
    Row(-1, 100.0, 90.0, 0.5, 0.06, 0.01, 0.3, ((0.2, 1.5),)),
    Row(-1, 100.0, 100.0, 2.0, 0.03, 0.05, 0.35, ((0.4, 2.0), (1.4, 2.0))),
    Row(-1, 100.0, 100.0, 1.0, -0.02, 0.0, 0.25, QUARTERLY),
    Row(-1, 100.0, 80.0, 1.0, 0.05, 0.0, 0.4, ((0.3, 25.0),)),
    Row(1, 100.0, 100.0, 1.0, 0.02, 0.06, 0.25, QUARTERLY),
    Row(1, 100.0, 90.0, 1.0, -0.01, 0.03, 0.3, ((0.3, 2.0), (0.8, 2.0))),
)

if __name__ == "__main__":
    for row in ROWS:
        print(row, f"{price(row):.5f}")
