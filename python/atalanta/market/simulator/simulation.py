"""Puts the simulated market together: contracts, true prices, quotes, defects, and the chain shown.

`simulate_chain` is the entry. Every row of `chain` has its truth in the same row of `truth`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.chain import Chain
from atalanta.market.contracts.calendar import years_between
from atalanta.market.contracts.sessions import opens
from atalanta.market.contracts.symbols import format_symbols
from atalanta.market.reading.hygiene import quote_flags
from atalanta.market.simulator.arguments import generator, snapshot_instant
from atalanta.market.simulator.contracts import Contracts, TrueRows, list_contracts, true_rows
from atalanta.market.simulator.defects import Quotes, inject_defects
from atalanta.market.simulator.dividends import Ahead, ahead, dividend_table
from atalanta.market.simulator.quotes import sizes, two_sided
from atalanta.market.simulator.smile import Smile
from atalanta.market.simulator.universe import Underlying, draw_universe
from atalanta.market.table import Table

__all__ = ["Simulation", "ahead_of", "simulate_chain"]

Floats = npt.NDArray[np.float64]

_ORIGIN = "market.simulate_chain"
_SPOT_LAG = 4e-4  # the spot a chain reports is up to this fraction away from the one quoted against
_FRESH_SECONDS = 45.0

_NOTES = (
    "synthetic market: simulated, seed {seed}; tickers, prices and sizes are invented",
    "options on the index have European exercise, those on the ETF and the stock American",
    "the reported spot is not synchronous with the quotes, as in real files",
    "bad quotes were put in on purpose; truth['defect'] names them",
)


class Simulation(NamedTuple):
    """A simulated market and the truth behind it.

    Attributes:
        chain: N quotes in canonical columns, with `bid_size`, `ask_size` and `quoted_at` (instant, UTC).
        truth: (N,) columns `vol`, `forward`, `discount`, `price` (exact) and `defect` ("" where sound).
        underlyings: one row per underlying: `underlying, chain_spot` (as reported), `spot` (true),
            `dividend_yield, borrow, dividend, vol_width, fine_tick, coarse_tick` (cents), `depth`,
            `exercise`, and the parameters of its `Smile`.
        dividends: cash dividends ahead, `underlying, ex_date, cash`; `analyze` takes them as they are.
    """

    chain: Chain
    truth: Table
    underlyings: Table
    dividends: Table


def simulate_chain(
    *, seed: int = 7, quote_time: str | dt.datetime | np.datetime64 = "2026-01-14T20:45:00Z"
) -> Simulation:
    """Simulate a market of about 6,000 options on three invented underlyings.

    European options on an index with AM- and PM-settled expiries; American ones on an ETF with cash dividends and on
    a volatile stock with a borrow cost and an earnings date. Volatilities lie on an arbitrage-free surface; quotes lie on the
    tick grid around the true price, except where a defect was put in (`DEFECT_RATES`).

    Args:
        seed: not negative; the same seed gives the same market.
        quote_time: instant of the snapshot, on a trading day; UTC unless it carries a zone.

    Raises:
        InputError: `seed` is not a whole number from 0, or `quote_time` no usable instant.
    """
    now = snapshot_instant(quote_time, _ORIGIN)
    rng = generator(seed, _ORIGIN)
    universe = draw_universe(rng)
    schedules = tuple(ahead(each, now) for each in universe)
    contracts = list_contracts(universe, now, schedules)
    true = true_rows(universe, contracts, schedules)
    quotes = _quote(universe, true, rng)
    defect = inject_defects(quotes, true, rng)
    chain_spot = _reported_spot(universe, rng)
    columns = {**_named(universe, contracts, chain_spot, now), **_shown(quotes, now)}
    truth = {
        "vol": true.vol,
        "forward": contracts.forward,
        "discount": contracts.discount,
        "price": true.price,
    }
    rows, defect = _listed_twice(defect)
    chain = Chain(columns, notes=tuple(note.format(seed=seed) for note in _NOTES)).take(rows)
    return Simulation(
        chain.with_columns(flags=quote_flags(chain.to_dict())),
        Table(truth).take(rows).with_columns(defect=defect),
        _underlyings(universe, chain_spot),
        dividend_table(universe, schedules),
    )


def ahead_of(simulation: Simulation) -> tuple[Ahead, ...]:
    """The dividends of each underlying of a simulated market, as seen from its quote time."""
    dividends, now = simulation.dividends, simulation.chain["quote_time"][:1]
    own = [dividends.take(dividends["underlying"] == name) for name in simulation.underlyings["underlying"]]
    return tuple(
        Ahead(each["ex_date"], years_between(now, opens(each["ex_date"])), each["cash"]) for each in own
    )


def _quote(universe: tuple[Underlying, ...], true: TrueRows, rng: np.random.Generator) -> Quotes:
    which = true.contracts.which
    middle, bid_draw, ask_draw, age_draw = rng.random((4, len(which)))
    depth = np.array([each.depth for each in universe])[which]
    bid, ask = two_sided(true.price, true.half, middle, true.ticks)
    bid_size = np.where(bid > 0.0, sizes(bid_draw, depth), 0)
    return Quotes(bid, ask, bid_size, sizes(ask_draw, depth), age=_FRESH_SECONDS * age_draw**3)


def _reported_spot(universe: tuple[Underlying, ...], rng: np.random.Generator) -> Floats:
    lag = 1.0 + _SPOT_LAG * (2.0 * rng.random(len(universe)) - 1.0)
    return np.round(np.array([each.spot for each in universe]) * lag, 2)


def _named(
    universe: tuple[Underlying, ...], contracts: Contracts, chain_spot: Floats, now: np.datetime64
) -> dict[str, npt.ArrayLike]:
    count = len(contracts.strike)
    tickers = np.array([each.symbol for each in universe], dtype=object)
    same = ("root", "expiry", "expires_at", "settlement", "right", "strike", "years")
    return {
        **{name: getattr(contracts, name) for name in same},
        "underlying": tickers[contracts.which],
        "symbol": format_symbols(contracts.root, contracts.expiry, contracts.right, contracts.strike),
        "quote_time": np.full(count, now),
        "spot": chain_spot[contracts.which],
        "exercise": np.array([each.exercise for each in universe], dtype=object)[contracts.which],
        "multiplier": np.full(count, 100.0),
        "flags": np.zeros(count, dtype=np.uint32),  # set once the duplicates are in
    }


def _shown(quotes: Quotes, now: np.datetime64) -> dict[str, npt.ArrayLike]:
    age = np.rint(1e6 * quotes.age).astype("m8[us]")
    return {
        "bid": quotes.bid,
        "ask": quotes.ask,
        "bid_size": quotes.bid_size,
        "ask_size": quotes.ask_size,
        "quoted_at": now - age.astype("m8[ns]"),
    }


def _listed_twice(defect: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.object_]]:
    """The rows to show, duplicates directly after their original, and the defect of each."""
    twice = defect == "duplicate"
    rows = np.repeat(np.arange(len(defect)), 1 + twice)
    first = np.append(True, rows[1:] != rows[:-1])
    return rows, np.where(first & twice[rows], "", defect[rows])  # the first of the two is sound


def _underlyings(universe: tuple[Underlying, ...], chain_spot: Floats) -> Table:
    market = ("spot", "dividend_yield", "borrow", "dividend", "vol_width", "depth")
    smile = [field.name for field in dataclasses.fields(Smile)]
    return Table(
        {
            "underlying": np.array([each.symbol for each in universe], dtype=object),
            "chain_spot": chain_spot,
            **{name: np.array([getattr(each, name) for each in universe]) for name in market},
            "exercise": np.array([each.exercise for each in universe], dtype=object),
            "fine_tick": np.array([each.ticks[0] for each in universe]),
            "coarse_tick": np.array([each.ticks[1] for each in universe]),
            **{name: np.array([getattr(each.smile, name) for each in universe]) for name in smile},
        }
    )
