"""American options with a continuous yield, to about ten digits: collocation of the edges of the exercise region.

Entry: `price`. For prices of reference, not for speed: NumPy only, Newton on dense systems, checked by
doubling the nodes. Independent of the C++ kernels in code, not in theory; `pde` is independent in both.

At an edge b the gap V - |S - K| vanishes together with its slope in log S. Collocating slope + c gap with
c = 2 mu / v^2, mu = r - q - v^2/2, where that has the sign which damps errors, is well conditioned at any
drift; the usual fixed points (FP-A, FP-B) oscillate or crawl where drift dominates volatility.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.polynomial.legendre import leggauss

_erfc = np.frompyfunc(math.erfc, 1, 1)


def normal_cdf(x):
    """N(x) of an array, to 1 ulp or so."""
    return 0.5 * _erfc(-np.asarray(x, float) / math.sqrt(2.0)).astype(float)


def normal_density(x):
    """phi(x)."""
    return np.exp(-0.5 * np.square(x)) / math.sqrt(2.0 * math.pi)


def european_put(spot, years, rate, dividend_yield, vol):
    """Black-Scholes-Merton put with strike 1."""
    total = vol * math.sqrt(years)
    d1 = (math.log(spot) + (rate - dividend_yield + 0.5 * vol * vol) * years) / total
    tails = 0.5 * math.erfc((d1 - total) / math.sqrt(2.0)), 0.5 * math.erfc(d1 / math.sqrt(2.0))
    return math.exp(-rate * years) * tails[0] - spot * math.exp(-dividend_yield * years) * tails[1]


@dataclass(frozen=True)
class Market:
    """Rates and volatility of a put with strike 1."""

    rate: float
    dividend_yield: float
    vol: float


class Grid:
    """`nodes` Chebyshev nodes in sqrt(time), `past` Gauss-Legendre nodes for each, u = x^2 sin^2(angle)."""

    def __init__(self, nodes, past):
        place, weight = leggauss(past)
        angle = 0.25 * math.pi * (1.0 + place)
        self.early, self.late = np.sin(angle), np.cos(angle)
        self.weight = 0.5 * math.pi * weight * self.early * self.late
        self.degrees = np.arange(1, nodes + 1)
        self.node = 0.5 * (1.0 - np.cos(np.arange(1, nodes + 1) * math.pi / nodes))
        self.at_node = self.basis(self.node)
        self.at_past = self.basis(self.node[:, None] * self.early)

    def basis(self, x):
        """T_k(2x - 1) - T_k(-1), which vanishes at x = 0."""
        angle = np.arccos(np.clip(2.0 * np.asarray(x) - 1.0, -1.0, 1.0))
        return np.cos(np.multiply.outer(angle, self.degrees)) - (-1.0) ** self.degrees


def flows(market, side, wait, log_spot, log_edge):
    """Yield less interest of what is exercised: the gap, slope and bend in log S, and -d gap/d(log edge)."""
    vol, total = market.vol, market.vol * wait
    d1 = (log_spot - log_edge) / total + (market.rate - market.dividend_yield + 0.5 * vol * vol) * wait / vol
    d2 = d1 - total
    discount = np.exp(-market.rate * wait**2)
    spot_leg = (
        market.dividend_yield * np.exp(log_spot - market.dividend_yield * wait**2) * normal_cdf(side * d1)
    )
    strike_leg = market.rate * discount * normal_cdf(side * d2)
    bell = side * discount * normal_density(d2) / total
    density = bell * market.dividend_yield * np.exp(log_edge)
    flow = density - bell * market.rate
    bend = spot_leg + density - flow * d2 / total
    return spot_leg - strike_leg, spot_leg + flow, bend, flow, flow * d2 / total


class Edge:
    """One edge of the exercise region: `side` is +1 where the holder waits above it, -1 below."""

    def __init__(self, market, side, at_expiry, reach, grid):
        self.market, self.side, self.reach, self.grid = market, side, reach, grid
        self.log_at_expiry = math.log(at_expiry)
        drift = 2.0 * (market.rate - market.dividend_yield) / market.vol**2 - 1.0
        self.gap_weight = drift if drift * side > 0.0 else 0.0

    def log_edge(self, x):
        """Log of the edge with x^2 years left."""
        return self._log_edge(
            self.grid.basis(np.minimum(np.asarray(x) / self.reach, 1.0)) @ self.coefficients
        )

    def solve(self):
        """Collocates from 0 to reach^2 years."""
        distance = self._march()
        self.coefficients = np.linalg.solve(self.grid.at_node, distance**2 if self.side > 0 else distance)
        for _ in range(60):
            residual, jacobian = self._linearise(self.coefficients)
            step = np.linalg.solve(jacobian, -residual)
            share, size = 1.0, np.abs(residual).max()
            while True:
                tried = self.coefficients + share * step
                if (self.grid.at_node @ tried > 0.0).all():
                    after = np.abs(self._linearise(tried)[0]).max()
                    if after < size or size < 1e-11:
                        break
                share *= 0.5
                if share < 1e-4:
                    raise ArithmeticError("no edge found")
            self.coefficients = tried
            if share == 1.0 and np.abs(step).max() < 1e-13 * np.abs(tried).max() + 1e-16:
                break
            if size < 1e-14:
                break
        return self

    def _log_edge(self, interpolated):
        if self.side < 0:
            return self.log_at_expiry + interpolated
        return self.log_at_expiry - np.sqrt(np.maximum(interpolated, 0.0))

    def _linearise(self, coefficients):
        grid, x, c = self.grid, self.reach * self.grid.node, self.gap_weight
        own, past = grid.at_node @ coefficients, grid.at_past @ coefficients
        by_own, by_past = grid.at_node, grid.at_past
        if self.side > 0:
            share = np.minimum(1.0, x[:, None] * grid.early / x[0])
            least = 0.05 * own[0] * share**2
            floored = past < least
            past = np.where(floored, least, past)
            by_own = -by_own / (2.0 * np.sqrt(own))[:, None]
            by_past = -by_past * np.where(floored, 0.0, 0.5 / np.sqrt(past))[:, :, None]
        log_spot, log_past = self._log_edge(own), self._log_edge(past)
        gap, slope, bend, flow, flow_bend = flows(
            self.market, self.side, x[:, None] * grid.late, log_spot[:, None], log_past
        )
        weight = x[:, None] ** 2 * grid.weight
        residual = (weight * (slope + c * gap)).sum(1)
        own_slope = (weight * (bend + c * slope)).sum(1)
        if self.side > 0:
            lead, lead_slope = self._expiry(x, log_spot)
            residual, own_slope = residual + lead, own_slope + lead_slope
        jacobian = own_slope[:, None] * by_own + np.einsum(
            "ij,ijk->ik", weight * (flow_bend - c * flow), by_past
        )
        scale = 1.0 + abs(c) * self.market.vol * x
        return residual / scale, jacobian / scale[:, None]

    def _expiry(self, x, log_spot):
        m, c, total = self.market, self.gap_weight, self.market.vol * x
        d1 = log_spot / total + (m.rate - m.dividend_yield + 0.5 * m.vol**2) * x / m.vol
        spot = np.exp(log_spot - m.dividend_yield * x**2)
        spot_leg = spot * normal_cdf(d1)
        gap = spot_leg - np.exp(-m.rate * x**2) * normal_cdf(d1 - total)
        return spot_leg + c * gap, spot_leg + spot * normal_density(d1) / total + c * spot_leg

    def _march(self):
        """Distances at the nodes, one after the other, on straight lines between them."""
        x, distance = [0.0], [0.0]
        for i, place in enumerate(self.reach * self.grid.node):
            x.append(place)
            distance.append(self._march_node(i, np.array(x), np.array(distance)))
        return np.array(distance[1:])

    def _march_node(self, i, x, distance):
        grid, m, c = self.grid, self.market, self.gap_weight
        low, high = 0.98 * distance[-1], 1.05 * distance[-1] * x[-1] / x[-2] if i else 40.0 * m.vol * x[-1]
        h = distance[-1] if i else self._first_guess(x[-1])
        past = x[-1] * grid.early
        lead = np.clip((past - x[-2]) / (x[-1] - x[-2]), 0.0, 1.0)
        weight = x[-1] ** 2 * grid.weight
        for _ in range(60):
            log_spot = self.log_at_expiry - self.side * h
            log_past = self.log_at_expiry - self.side * np.interp(past, x, np.append(distance, h))
            gap, slope, bend, flow, flow_bend = flows(m, self.side, x[-1] * grid.late, log_spot, log_past)
            value = (weight * (slope + c * gap)).sum()
            change = (weight * (bend + c * slope + lead * (flow_bend - c * flow))).sum()
            if self.side > 0:
                expiry, expiry_slope = self._expiry(x[-1:], np.array([log_spot]))
                value, change = value + expiry[0], change + expiry_slope[0]
            after = h + self.side * value / change
            after = after if after > low else 0.5 * (h + low)
            after = after if after < high else 0.5 * (h + high)
            if abs(after - h) < 1e-6 * h:
                return after
            h = after
        return h

    def _first_guess(self, x):
        deviation, m = self.market.vol * x, self.market
        earned = (m.rate - m.dividend_yield) * x / m.vol
        if self.side < 0 or earned <= 0.0 or earned > 0.1:
            return 0.5 * deviation
        return deviation * (math.sqrt(-2.0 * math.log(earned)) - 1.5)


def exercise_edges(market, years, grid):
    """The (side, edge) pairs of a put, and the longest time with which it is exercised anywhere."""
    r, q = market.rate, market.dividend_yield
    if r < 0.0 and q < r:
        return _two_edges(market, years, grid)
    if (r <= 0.0 and q >= r) or (r < 0.0):
        return [], 0.0
    start = min(1.0, r / q) if q > 0.0 else 1.0
    return [Edge(market, +1, start, math.sqrt(years), grid).solve()], years


def _two_edges(market, years, grid):
    """Both edges of a put with q < r < 0, as far as they do not cross."""
    ratio = market.rate / market.dividend_yield
    reach = min(math.sqrt(years), -math.log(ratio) / market.vol)
    coarse = Grid(16, 24)
    for _ in range(80):
        try:
            pair = [Edge(market, s, e, reach, coarse).solve() for s, e in ((+1, 1.0), (-1, ratio))]
        except (ArithmeticError, np.linalg.LinAlgError):
            reach *= 0.7
            continue
        crossing = _crossing(pair, reach)
        if crossing is None and reach >= math.sqrt(years):
            break
        if crossing is not None and reach < 1.05 * crossing:
            break
        reach = min(math.sqrt(years), 1.15 * reach if crossing is None else 1.03 * crossing)
    pair = [Edge(market, s, e, reach, grid).solve() for s, e in ((+1, 1.0), (-1, ratio))]
    crossing = _crossing(pair, reach)
    return pair, years if crossing is None else crossing**2


def _crossing(pair, reach):
    apart = lambda x: float(pair[0].log_edge(x) - pair[1].log_edge(x))
    if not apart(reach) < 0.0:
        return None
    low, high = 0.0, reach
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if apart(middle) < 0.0 else (middle, high)
    return low


def _panels(market, edges, years, exercised, log_spot):
    """Ends of the panels of the final integral in the angle, split at all scales next to the edges."""
    last = math.asin(min(1.0, math.sqrt(exercised / years)))
    ends, horizon = {0.0, last}, math.sqrt(years)
    drift = market.rate - market.dividend_yield - 0.5 * market.vol**2
    waits = []
    for edge in edges:
        away = log_spot - float(edge.log_edge(math.sqrt(exercised)))
        wait = max(abs(away) / (6.0 * market.vol), 1e-7 * horizon)
        while wait < 0.7 * horizon:
            waits.append(wait)
            wait *= 2.5
        for deviations in (6.0, 2.0, 0.5, -0.5, -2.0, -6.0):
            waits += [
                w.real for w in np.roots([drift, -deviations * market.vol, away]) if abs(w.imag) < 1e-12
            ]
    ends |= {math.acos(w / horizon) for w in waits if 0.0 < w < horizon and math.acos(w / horizon) < last}
    return sorted(ends)


def put_with_strike_one(spot, years, market, grid, panel=40):
    """Value of an American put with strike 1."""
    edges, exercised = exercise_edges(market, years, grid)
    european = european_put(spot, years, market.rate, market.dividend_yield, market.vol)
    if not edges:
        return european
    log_spot = math.log(spot)
    at = [edge.side * (log_spot - float(edge.log_edge(math.sqrt(exercised)))) for edge in edges]
    if exercised >= years and max(at) <= 0.0:
        return 1.0 - spot
    place, weight = leggauss(panel)
    total = 0.0
    ends = _panels(market, edges, years, exercised, log_spot)
    for a, b in pairwise(ends):
        angle = 0.5 * (b - a) * place + 0.5 * (a + b)
        early, late = math.sqrt(years) * np.sin(angle), math.sqrt(years) * np.cos(angle)
        for edge in edges:
            gap = flows(market, -1.0, late, log_spot, edge.log_edge(early))[0]
            total -= edge.side * (b - a) * (weight * early * late * gap).sum()
    return european + total


def price(right, spot, strike, years, rate, dividend_yield, vol, grid):
    """American option; a call is the put with spot and strike, rate and yield exchanged."""
    if right > 0:
        return spot * put_with_strike_one(strike / spot, years, Market(dividend_yield, rate, vol), grid)
    return strike * put_with_strike_one(spot / strike, years, Market(rate, dividend_yield, vol), grid)
