"""The tick simulator: underlyings that move and option quotes that follow, in microsecond bursts.

`simulate_ticks` is the entry. Times never decrease; every tick has its truth in the same row of `truth`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.compute.valuation import greeks
from atalanta.errors import InputError
from atalanta.market.simulator.arguments import generator
from atalanta.market.simulator.arrivals import Arrivals, arrive
from atalanta.market.simulator.quotes import Ticks, half_spread, sizes, two_sided
from atalanta.market.simulator.simulation import Simulation, ahead_of
from atalanta.market.simulator.valuation import Terms, intrinsic, worth
from atalanta.market.table import Table

__all__ = ["TICK_DEFECT_RATES", "TickSimulation", "simulate_ticks"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

#: Fraction of the option ticks with each kind of bad quote.
TICK_DEFECT_RATES: dict[str, float] = {"crossed": 0.001, "no_bid": 0.001}

_ORIGIN = "market.simulate_ticks"
_MOST_SECONDS = 23_400.0  # one session
_MOST_TICKS = 20_000_000.0
_YEAR_SECONDS = 365.0 * 86_400.0
_TRADING_YEAR_SECONDS = 252.0 * 23_400.0

_BURST_VARIANCE = 0.5  # of the underlyings' variance, in the moves that set bursts off

_LOADING = (0.95, 0.95, 0.6)  # correlation with the common factor
_SPOT_HALF_SPREAD = 2e-5


class TickSimulation(NamedTuple):
    """Simulated ticks and the truth behind them.

    Attributes:
        ticks: N rows: `time_ns` (int64, since the chain's quote time), `kind` (uint8: 0 underlying,
            1 option quote), `row` (int32, in `underlyings` or `chain`), `bid, ask, bid_size, ask_size`.
        truth: (N,) columns `price` (exact; the spot where `kind` is 0), `spot` and `defect`.
    """

    ticks: Table
    truth: Table


def simulate_ticks(
    simulation: Simulation, *, seconds: float = 1.0, rate: float = 20_000.0, seed: int = 7
) -> TickSimulation:
    """Simulate what a feed sends after the snapshot of a simulated chain.

    Ticks arrive as a Poisson stream plus bursts: an underlying jumps and quotes on it follow within
    about two milliseconds. The underlyings move with their short volatility, half of it in those jumps;
    an option keeps its volatility (sticky strike) and its forward moves in proportion to the spot.
    Contracts that expire within the window, expired ones and duplicates get no ticks.

    Args:
        simulation: the market at the start.
        seconds: length of the window, up to one session.
        rate: ticks expected per second over the whole window.
        seed: not negative; the same seed gives the same ticks.

    Raises:
        InputError: an argument is not a number within its limits.
    """
    _check("seconds", seconds, _MOST_SECONDS)
    _check("rate", rate, _MOST_TICKS / seconds)
    rng = generator(seed, _ORIGIN)
    arrivals = arrive(rng, seconds, rate)
    spots = _walk(rng, arrivals, simulation.underlyings)
    spot = spots[np.arange(len(spots)), arrivals.which]
    row = _choose_rows(rng, arrivals, simulation, seconds)
    true_price, half = _reprice(arrivals, simulation, row, spot)
    ticks = _ticks(arrivals, simulation)
    draw, bid_draw, ask_draw, priority = rng.random((4, len(row)))
    bid, ask = two_sided(true_price, half, draw, ticks)
    depth = simulation.underlyings["depth"][arrivals.which]
    bid_size, ask_size = np.where(bid > 0.0, sizes(bid_draw, depth), 0), sizes(ask_draw, depth)
    defect = _spoil(arrivals.is_option, bid, ask, bid_size, priority)
    return TickSimulation(
        Table(
            {
                "time_ns": arrivals.time_ns,
                "kind": arrivals.is_option.astype(np.uint8),
                "row": row.astype(np.int32),
                "bid": bid,
                "ask": ask,
                "bid_size": bid_size,
                "ask_size": ask_size,
            },
            notes=(f"synthetic ticks: simulated, seed {seed}, on a synthetic market",),
        ),
        Table({"price": true_price, "spot": spot, "defect": defect}),
    )


def _check(name: str, value: float, most: float) -> None:
    try:
        usable = 0.0 < float(value) <= most
    except (TypeError, ValueError):
        usable = False
    if not usable:
        raise InputError(f"[{_ORIGIN}] {name} is {value!r}; it must be above 0 and at most {most:g}")


def _walk(rng: np.random.Generator, arrivals: Arrivals, underlyings: Table) -> Floats:
    """Spot of every underlying at every tick: (N, U)."""
    count = len(arrivals.time_ns)
    elapsed = np.diff(arrivals.time_ns, prepend=0) / 1e9
    loading = np.array(_LOADING)
    jump, common, *own = math.sqrt(12.0) * (rng.random((2 + len(loading), count)) - 0.5)  # unit variance
    shock = common[:, None] * loading + np.stack(own, axis=1) * np.sqrt(1.0 - loading**2)
    diffusion = (1.0 - _BURST_VARIANCE) * elapsed
    burst = np.where(arrivals.leads, _BURST_VARIANCE / arrivals.bursts_per_second, 0.0)
    move = np.sqrt(diffusion)[:, None] * shock + (np.sqrt(burst) * jump)[:, None]
    vol_per_second = underlyings["short_vol"] / math.sqrt(_TRADING_YEAR_SECONDS)
    return np.asarray(underlyings["spot"] * np.exp(vol_per_second * np.cumsum(move, axis=0)))


def _choose_rows(
    rng: np.random.Generator, arrivals: Arrivals, simulation: Simulation, seconds: float
) -> Rows:
    """The contract of each option tick, near the money and near expiry more often; else the underlying."""
    weight, first = _activity_weights(simulation, seconds)
    draw = rng.random(len(arrivals.which))
    row = arrivals.which.copy()
    for index in range(len(simulation.underlyings)):
        ticks = np.flatnonzero(arrivals.is_option & (arrivals.which == index))
        cumulated = np.cumsum(weight[first[index] : first[index + 1]])
        chosen = np.searchsorted(cumulated, draw[ticks] * cumulated[-1], side="right")
        row[ticks] = first[index] + chosen
    return row


def _activity_weights(simulation: Simulation, seconds: float) -> tuple[Floats, Rows]:
    """Weight per contract, and the row where each underlying's contracts begin (and the last end)."""
    chain, truth = simulation.chain, simulation.truth
    quoted = (chain["years"] > seconds / _YEAR_SECONDS) & ~np.isin(truth["defect"], ["expired", "duplicate"])
    years = np.where(quoted, chain["years"], 1.0)
    vol = np.where(quoted, truth["vol"], 1.0)
    deviations = np.abs(np.log(chain["strike"] / truth["forward"])) / (vol * np.sqrt(years))
    weight = np.where(quoted, np.exp(-deviations) / (0.05 + years), 0.0)
    changes = np.flatnonzero(chain["underlying"][1:] != chain["underlying"][:-1]) + 1
    return weight, np.concatenate([[0], changes, [len(chain)]])


def _reprice(arrivals: Arrivals, simulation: Simulation, row: Rows, spot: Floats) -> tuple[Floats, Floats]:
    """True price and half-spread of each tick."""
    options = np.flatnonzero(arrivals.is_option)
    underlyings, which = simulation.underlyings, arrivals.which[options]
    listed, true = simulation.chain.take(row[options]), simulation.truth.take(row[options])
    elapsed = arrivals.time_ns[options] / (1e9 * _YEAR_SECONDS)
    terms = Terms(
        which=which,
        american=listed["exercise"] == "american",
        right=listed["right"],
        spot=spot[options],
        forward=true["forward"] * (spot[options] / underlyings["spot"][which]),
        strike=listed["strike"],
        years=listed["years"] - elapsed,
        rate=-np.log(true["discount"]) / listed["years"],
        share_yield=(underlyings["dividend_yield"] + underlyings["borrow"])[which],
    )
    at_forward = (terms.right, terms.forward, terms.strike, terms.years, terms.rate, true["vol"])
    vega = greeks(*at_forward, dividend_yield=terms.rate).vega
    deviations = np.log(terms.strike / terms.forward) / (true["vol"] * np.sqrt(terms.years))
    ticks = Ticks(underlyings["fine_tick"][which], underlyings["coarse_tick"][which])
    exact, half = spot.copy(), _SPOT_HALF_SPREAD * spot
    exact[options] = worth(terms, true["vol"], ahead_of(simulation), elapsed)
    half[options] = half_spread(underlyings["vol_width"][which], vega, deviations, intrinsic(terms), ticks)
    return exact, half


def _ticks(arrivals: Arrivals, simulation: Simulation) -> Ticks:
    """Tick sizes: of the option, or one cent for an underlying."""
    underlyings = simulation.underlyings
    return Ticks(
        *(
            np.where(arrivals.is_option, underlyings[name][arrivals.which], 1)
            for name in ("fine_tick", "coarse_tick")
        )
    )


def _spoil(
    is_option: npt.NDArray[np.bool_],
    bid: Floats,
    ask: Floats,
    bid_size: npt.NDArray[np.int64],
    priority: Floats,
) -> npt.NDArray[np.object_]:
    """Put bad quotes in, in place; the kind of each row, "" where sound."""
    defect = np.full(len(bid), "", dtype=object)
    rows = np.flatnonzero(is_option & (bid > 0.0))
    rows = rows[np.argsort(priority[rows], kind="stable")]
    counts = {name: round(share * int(is_option.sum())) for name, share in TICK_DEFECT_RATES.items()}
    crossed, no_bid = rows[: counts["crossed"]], rows[counts["crossed"] : sum(counts.values())]
    bid[crossed], ask[crossed] = ask[crossed], bid[crossed]
    bid[no_bid], bid_size[no_bid] = 0.0, 0
    defect[crossed], defect[no_bid] = "crossed", "no_bid"
    return defect
