"""A book in a market: every position valued, Greeks by underlying and expiry, and what all scenarios start from.

Main entry: `Portfolio`. Positions without a value are in no sum and always counted in `notes`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.analysis import Analysis
from atalanta.market.table import Table
from atalanta.pricing.valuation import Tolerance, require_tolerance
from atalanta.risk.book import Book
from atalanta.risk.flags import PositionFlag
from atalanta.risk.market import Market
from atalanta.risk.matching import Matched, match
from atalanta.risk.options import OptionGreeks, Options

__all__ = ["Portfolio"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_SAID = (
    (PositionFlag.UNKNOWN_SYMBOL, "have a symbol that is neither an option's nor a ticker: without value"),
    (PositionFlag.NO_MATCH, "match no contract, expiry or share of the market: without value"),
    (PositionFlag.EXPIRED, "have expired: without value"),
    (PositionFlag.NO_VALUE, "have no forward, spot or volatility in the market: without value"),
    (PositionFlag.NOT_QUOTED, "are not quoted: valued on the smile of their expiry"),
    (PositionFlag.VOL_FROM_SMILE, "are quoted at no implied volatility: that of the smile is taken"),
)


class Portfolio:
    """N positions valued in a market.

    Args:
        book: a `Book`, or anything that `Book.read` takes.
        analysis: of the chain that the contracts are in, as `analyze` gives it: its newest snapshot counts.
        tolerance: of American and dividend-paying values, as `price` takes it: the error for a strike of 100.
        threads: of the kernels; None takes the package's setting.

    Attributes:
        book, market, matched: what was given, and how they fit.
        options: the distinct option contracts, positions in one contract netted.
        contract: (N,) the contract of each position, -1 for shares and positions without a value.
        shares: (U,) net shares of each underlying.

    Raises:
        InputError: a book, an analysis or a tolerance that cannot be used.

    Example:
        >>> import atalanta
        >>> from atalanta.risk import Portfolio, example_book
        >>> market = atalanta.simulate_chain()
        >>> analysis = atalanta.analyze(market.chain, dividends=market.dividends)
        >>> portfolio = Portfolio(example_book(analysis), analysis)
        >>> portfolio.grid().pnl.shape
        (11, 9)
    """

    def __init__(
        self,
        book: Any,
        analysis: Analysis,
        *,
        tolerance: Tolerance = "standard",
        threads: int | None = None,
    ) -> None:
        require_tolerance(tolerance, "risk.Portfolio")
        self.book = Book.read(book)
        self.market = Market.of(analysis)
        self.analysis = analysis
        self.matched: Matched = match(self.book, self.market, analysis)
        self.contract, self.options = _contracts(self.book, self.market, self.matched, tolerance, threads)
        held = (self.book["kind"] == "stock") & self.matched.priced
        amounts = self.book["quantity"] * self.matched.multiplier
        self.shares = np.bincount(
            self.matched.underlying[held], amounts[held], minlength=len(self.market.underlyings)
        )

    def __len__(self) -> int:
        return len(self.book)

    @property
    def underlyings(self) -> tuple[str, ...]:
        """(U,) tickers, by name."""
        return self.market.underlyings

    @property
    def complete(self) -> bool:
        """Whether every position has a value."""
        return bool(self.matched.priced.all())

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """How many positions could not be valued as they are, and which is the first."""
        found = []
        for flag, text in _SAID:
            which = (self.matched.flags & np.uint32(flag)) != 0
            if which.any():
                first = self.book["symbol"][which][0]
                found.append(f"{int(which.sum()):,} of {len(self):,} positions {text} (first: {first!r})")
        return tuple(found)

    @cached_property
    def greeks(self) -> OptionGreeks:
        """(M,) of the distinct option contracts, per share and raw."""
        return self.options.greeks()

    @cached_property
    def stock_value(self) -> Floats:
        """(U,) what the shares of each underlying are worth."""
        return np.where(self.shares == 0, 0.0, self.shares * np.nan_to_num(self.market.spots))

    @property
    def value(self) -> float:
        """What all positions with a value are worth by the model."""
        return float(self.options.weight @ self.greeks.price + self.stock_value.sum())

    def positions(self) -> Table:
        """One row per position, in the book's order.

        Returns:
            `symbol, account, kind, underlying, expiry, right, strike, quantity, multiplier, paid` (per share), `mid`
            (the market's), `price` (the model's), `vol`, `delta, gamma, vega, theta, rho` (per share, raw), `value`
            (price × quantity × multiplier), `flags`; NaN for what a position does not have.
        """
        book, matched = self.book, self.matched
        names = np.array([*self.underlyings, ""], dtype=object)[matched.underlying]
        columns = self._per_position()
        amount = book["quantity"] * matched.multiplier
        return Table(
            {
                **{name: book[name] for name in ("symbol", "account", "kind")},
                "underlying": np.where(names == "", book["root"], names),
                "expiry": matched.expiry,
                **{name: book[name] for name in ("right", "strike", "quantity")},
                "multiplier": matched.multiplier,
                "paid": book["price"],
                "mid": matched.mid,
                "vol": matched.vol,
                **columns,
                "value": columns["price"] * amount,
                "flags": matched.flags,
            },
            notes=(*book.notes, *self.notes),
        )

    def _per_position(self) -> dict[str, Floats]:
        """(N,) price and Greeks per share; a share's delta is 1."""
        option = self.contract >= 0
        share = (self.book["kind"] == "stock") & self.matched.priced
        found = {}
        for name, values in self.greeks._asdict().items():
            column = np.full(len(self), np.nan)
            column[option] = values[self.contract[option]]
            column[share] = 1.0 if name == "delta" else 0.0
            found[name] = column
        found["price"][share] = self.market.spots[self.matched.underlying[share]]
        return found

    def exposures(self, by: str = "expiry") -> Table:
        """Greeks summed over positions: raw derivatives of the book's value.

        Args:
            by: 'expiry' for a row per underlying and expiry (shares have an expiry of NaT), 'underlying' for one each.

        Returns:
            `underlying, expiry` (with 'expiry'), `spot, positions, value, delta` (shares), `gamma` (shares per 1.00 of
            the spot), `vega` (per 1.00 of vol), `theta` (per year), `rho` (per 1.00 of the rate). See `in_dollars`.

        Raises:
            InputError: another word.
        """
        if by not in ("expiry", "underlying"):
            raise InputError(f"[risk.exposures] by is {by!r}; it must be 'expiry' or 'underlying'")
        rows = np.flatnonzero(self.matched.priced)
        underlying = self.matched.underlying[rows]
        day = self.matched.expiry[rows].astype("M8[D]")
        key = day.astype(np.int64) if by == "expiry" else np.zeros(len(rows), dtype=np.int64)
        order = np.lexsort((key, underlying))  # NaT is the least of all: shares come first
        starts = np.ones(len(order), dtype=bool)
        starts[1:] = (np.diff(key[order]) != 0) | (np.diff(underlying[order]) != 0)
        group = np.cumsum(starts) - 1
        count = int(starts.sum())
        first = rows[order][starts]
        amount = (self.book["quantity"] * self.matched.multiplier)[rows][order]
        columns = {name: column[rows][order] for name, column in self._per_position().items()}
        sums = {
            name: np.bincount(group, columns[name] * amount, minlength=count)
            for name in ("price", "delta", "gamma", "vega", "theta", "rho")
        }
        of = self.matched.underlying[first]
        head: dict[str, npt.NDArray[Any]] = {"underlying": np.array(self.underlyings, dtype=object)[of]}
        if by == "expiry":
            head["expiry"] = self.matched.expiry[first]
        return Table(
            {
                **head,
                "spot": self.market.spots[of],
                "positions": np.bincount(group, minlength=count),
                "value": sums.pop("price"),
                **sums,
            },
            notes=self.notes,
        )

    def grid(self, **terms: Any) -> Any:
        """The scenario grid of spot and volatility, by full revaluation: see `risk.scenario_grid`."""
        from atalanta.risk.grid import scenario_grid

        return scenario_grid(self, **terms)


def _contracts(
    book: Book, market: Market, matched: Matched, tolerance: Tolerance, threads: int | None
) -> tuple[Integers, Options]:
    """The contract of each position, and the distinct contracts with their net weights."""
    rows = np.flatnonzero((book["kind"] == "option") & matched.priced)
    keys = [
        (int(matched.group[row]), int(book["right"][row]), float(book["strike"][row]))
        for row in rows.tolist()
    ]
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    contract = np.full(len(book), -1, dtype=np.int64)
    contract[rows] = [places[key] for key in keys]
    first = np.zeros(len(places), dtype=np.intp)
    first[contract[rows[::-1]]] = rows[::-1]
    group = matched.group[first]
    amounts = (book["quantity"] * matched.multiplier)[rows]
    options = Options(
        right=book["right"][first].astype(np.int8),
        spot=market.spot[group],
        strike=book["strike"][first],
        years=market.years[group],
        rate=market.rate[group],
        dividend_yield=market.dividend_yield[group],
        vol=matched.vol[first],
        american=market.american[group],
        schedule=market.schedule[group].astype(np.int32),
        underlying=market.underlying[group].astype(np.int32),
        weight=np.bincount(contract[rows], amounts, minlength=len(places)).astype(np.float64),
        schedules=market.schedules,
        tolerance=tolerance,
        threads=threads,
    )
    return contract, options
