"""American puts and calls with a yield, slowly and to nine digits: an independent program. Main entry: `american_price`.

The equation FP-B of Andersen, Lake and Offengenden ("High performance American option pricing", J. Comp. Finance
2016) for the exercise boundary, at Chebyshev nodes in the root of the time left, by Newton's method; the integrals
over u = tau sin^2(angle) by Gauss and Legendre. It shares no formula for its start, its interpolation or its solver with
the kernels. Not for negative rates where exercise ends twice (put: q < r < 0).

    python -m tests.references.boundary_equation put 100 100 1 0.05 0.01 0.2     # spot strike years rate yield vol
"""

from __future__ import annotations

import math
import sys
from functools import cache

import numpy as np

_erfc = np.vectorize(math.erfc, otypes=[float])


def american_price(right, spot, strike, years, rate, dividend_yield, vol, nodes=24, points=48, final=300):
    """Price of one option; `nodes` of the boundary, `points` of its integrals, `final` points of the price's."""
    if right > 0:  # a call is the put with spot and strike, rate and yield exchanged
        spot, strike, rate, dividend_yield = strike, spot, dividend_yield, rate
    european = _european_put(spot, strike, years, rate, dividend_yield, vol)
    if rate <= 0 and dividend_yield >= rate:
        return european
    if rate < 0:
        raise ValueError("exercise ends twice")
    top, root = _boundary(strike, years, rate, dividend_yield, vol, nodes, points)
    if spot <= top * math.exp(-root[0]):
        return strike - spot
    sine, cosine, weight = _angles(final)
    inner = _interpolated(nodes, 2 * sine - 1) @ np.append(root**2, 0.0)
    boundary, left = top * np.exp(-np.sqrt(np.maximum(inner, 0))), years * cosine**2
    plus, minus = _distances(np.log(spot / boundary), left, rate - dividend_yield, vol)
    gain = rate * strike * np.exp(-rate * left) * _tail(minus)
    lost = dividend_yield * spot * np.exp(-dividend_yield * left) * _tail(plus)
    premium = np.sum(weight * 2 * years * sine * cosine * (gain - lost))
    return max(european + premium, strike - spot)


def _boundary(strike, years, rate, dividend_yield, vol, nodes, points):
    """The boundary just before expiry, and the root of ln(top / boundary)^2 at the nodes but the last."""
    top = strike * min(1.0, rate / dividend_yield) if dividend_yield > 0 else strike
    equation = _Equation(strike, top, years, rate, dividend_yield, vol, nodes, points)
    root = _decay_to_the_perpetual(strike, top, equation.tau, rate, dividend_yield, vol)
    for _ in range(25):
        root = np.maximum(root + 0.8 * np.nan_to_num(equation.defect(root**2)), 1e-5)
    return top, np.sqrt(_newton(equation.defect, root**2))


class _Equation:
    """FP-B as a defect: ln of the boundary less ln of what the equation makes of it."""

    def __init__(self, strike, top, years, rate, dividend_yield, vol, nodes, points):
        places = (1 + _nodes(nodes)) / 2
        self.tau = years * places[:-1] ** 2
        self._market = strike, top, rate, dividend_yield, vol
        sine, cosine, weight = _angles(points)
        self._matrix = np.stack([_interpolated(nodes, 2 * place * sine - 1) for place in places[:-1]])
        self._past, self._left = self.tau[:, None] * sine**2, self.tau[:, None] * cosine**2
        self._weight = weight * 2 * self.tau[:, None] * sine * cosine

    def defect(self, squares):
        """(..., n) from the squared logarithms at the nodes."""
        strike, top, rate, dividend_yield, vol = self._market
        known = np.concatenate([squares, np.zeros((*squares.shape[:-1], 1))], axis=-1)
        inner = np.maximum(np.einsum("ijk,...k->...ij", self._matrix, known), 0)
        log = np.log(top / strike) - np.sqrt(np.maximum(squares, 0))
        drift = rate - dividend_yield
        ratio = log[..., None] - np.log(top / strike) + np.sqrt(inner)
        plus, minus = _distances(log, self.tau, drift, vol)
        inner_plus, inner_minus = _distances(ratio, self._left, drift, vol)
        paid = self._weight * np.exp(rate * self._past) * _tail(-inner_minus)
        received = self._weight * np.exp(dividend_yield * self._past) * _tail(-inner_plus)
        above = _tail(-minus) + rate * paid.sum(-1)
        below = _tail(-plus) + dividend_yield * received.sum(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return log + drift * self.tau - np.log(above / below)


def _newton(defect, squares):
    """The root, by differences and halved steps."""
    for _ in range(40):
        now = defect(squares)
        step = 1e-7 * np.maximum(squares, 1e-6)
        slopes = (defect(squares + np.diag(step)) - now).T / step
        change, factor = np.linalg.solve(slopes, now), 1.0
        while factor > 1e-3:
            trial = np.maximum(squares - factor * change, 1e-12)
            worst = np.abs(defect(trial)).max()
            if worst < np.abs(now).max():
                break
            factor /= 2
        else:
            break
        squares = trial
        if worst < 1e-14:
            break
    return squares


def _decay_to_the_perpetual(strike, top, tau, rate, dividend_yield, vol):
    half = (rate - dividend_yield) / vol**2 - 0.5
    power = -half - math.sqrt(half**2 + 2 * rate / vol**2)
    last = strike * power / (power - 1)
    slow = np.exp(-vol * np.sqrt(tau) * top / max(top - last, 1e-12))
    return -np.log(np.minimum(last + (top - last) * slow, top * (1 - 1e-9)) / top)


def _european_put(spot, strike, years, rate, dividend_yield, vol):
    plus, minus = _distances(math.log(spot / strike), years, rate - dividend_yield, vol)
    paid = strike * math.exp(-rate * years) * _tail(minus)
    return float(paid - spot * math.exp(-dividend_yield * years) * _tail(plus))


def _distances(log, years, drift, vol):
    deviation = vol * np.sqrt(years)
    minus = (log + drift * years) / deviation - deviation / 2
    return minus + deviation, minus


def _tail(x):
    """The probability of a standard normal above x."""
    return _erfc(np.asarray(x) / math.sqrt(2)) / 2


@cache
def _angles(points):
    """Sine and cosine of the angles, and their weights on a right angle."""
    place, weight = np.polynomial.legendre.leggauss(points)
    angle = math.pi / 4 * (1 + place)
    return np.sin(angle), np.cos(angle), math.pi / 4 * weight


@cache
def _nodes(count):
    return np.cos(np.pi * np.arange(count + 1) / count)


def _interpolated(count, places):
    """(P, count + 1) weights of the nodes' values at the places, by the barycentric formula."""
    signs = (-1.0) ** np.arange(count + 1)
    signs[[0, -1]] *= 0.5
    distance = places[:, None] - _nodes(count)[None, :]
    at = np.abs(distance) < 1e-15
    terms = signs / np.where(at, 1.0, distance)
    weights = terms / terms.sum(axis=1, keepdims=True)
    weights[at.any(axis=1)] = at[at.any(axis=1)]
    return weights


if __name__ == "__main__":
    word, *numbers = sys.argv[1:]
    given = 1 if word == "call" else -1, *map(float, numbers)
    coarse, fine = american_price(*given, nodes=28, points=56), american_price(*given, nodes=40, points=80)
    print(f"{fine:.10f}, the coarser run {coarse - fine:+.1e}")
