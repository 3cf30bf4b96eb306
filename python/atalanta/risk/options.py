"""The distinct option contracts of a book as the kernels take them, and their values. Main entry: `Options`.

American contracts keep their cash dividends; European ones hold them, as the analysis does, in a yield that leads from the
spot to the forward. Positions in one contract are netted into its weight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.pricing import Dividends, greeks, price
from atalanta.pricing.valuation import Tolerance

__all__ = ["OptionGreeks", "Options", "Schedules"]

Floats = npt.NDArray[np.float64]

#: ((K,) years to the ex-dates, (K,) cash per share) of each underlying that pays any.
Schedules = tuple[tuple[Floats, Floats], ...]


class OptionGreeks(NamedTuple):
    """(N,) value per share and its raw derivatives: vega, rho and phi per 1.00, theta per year."""

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats
    phi: Floats


@dataclass(frozen=True, slots=True)
class Options:
    """N contracts, a column each.

    Attributes:
        right, strike, years, rate, vol: (N,) as `price` takes them.
        spot: (N,) that values the contract: the reference spot of its underlying, or for American contracts the one
            that its expiry implies.
        dividend_yield: (N,) borrow cost of American contracts; of European ones all that leads from spot to forward.
        american: (N,) whether exercise before expiry is valued.
        schedule: (N,) int32, row of `schedules`; -1 for none.
        underlying: (N,) int32, place in the portfolio's list of underlyings.
        weight: (N,) net quantity times multiplier.
        schedules: the cash dividends.
        tolerance: of values, as `price` takes it.
        threads: of the kernels; None for the package's setting.
    """

    right: npt.NDArray[np.int8]
    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats
    vol: Floats
    american: npt.NDArray[np.bool_]
    schedule: npt.NDArray[np.int32]
    underlying: npt.NDArray[np.int32]
    weight: Floats
    schedules: Schedules
    tolerance: Tolerance = "standard"
    threads: int | None = None

    def __len__(self) -> int:
        return len(self.right)

    def paying(self) -> list[list[tuple[float, float]]]:
        """The schedules as `Dividends` takes them."""
        return [list(zip(years.tolist(), cash.tolist(), strict=True)) for years, cash in self.schedules]

    def price(self, spot: npt.ArrayLike | None = None, vol: npt.ArrayLike | None = None) -> Floats:
        """Values per share, each from a solve or closed form of its own.

        Args:
            spot: (N, ...) in place of the contracts' own.
            vol: (N, ...) likewise.

        Returns:
            (N, ...) values.
        """
        spots, vols = np.broadcast_arrays(
            self.spot if spot is None else spot, self.vol if vol is None else vol
        )
        values = np.empty(spots.shape)
        for rows, terms in self._batches(spots.ndim):
            right, strike, years, rate, carry = (
                _spread(column[rows], spots.ndim)
                for column in (self.right, self.strike, self.years, self.rate, self.dividend_yield)
            )
            values[rows] = price(
                right, spots[rows], strike, years, rate, vols[rows], dividend_yield=carry, **terms
            )
        return values

    def greeks(self, spot: npt.ArrayLike | None = None, vol: npt.ArrayLike | None = None) -> OptionGreeks:
        """Values and first-order Greeks, (N,) each; arguments as of `price`."""
        spots = np.asarray(self.spot if spot is None else spot, dtype=np.float64)
        vols = np.asarray(self.vol if vol is None else vol, dtype=np.float64)
        columns = {name: np.empty(len(self)) for name in OptionGreeks._fields}
        for rows, terms in self._batches(1):
            found = greeks(
                self.right[rows],
                spots[rows],
                self.strike[rows],
                self.years[rows],
                self.rate[rows],
                vols[rows],
                dividend_yield=self.dividend_yield[rows],
                **terms,
            )
            for name, column in columns.items():
                column[rows] = getattr(found, name)
        return OptionGreeks(**columns)

    def dividend_deltas(self) -> Floats:
        """(D, N) derivatives by the cash of each entry of a contract's schedule; 0 for European contracts."""
        longest = max((len(cash) for _, cash in self.schedules), default=0)
        found = np.zeros((longest, len(self)))
        for rows, terms in self._batches(1):
            if terms["dividends"] is None:
                continue
            columns = (self.right, self.spot, self.strike, self.years, self.rate, self.vol)
            made = greeks(
                *(column[rows] for column in columns), dividend_yield=self.dividend_yield[rows], **terms
            )
            by_cash = np.nan_to_num(made.dividend_delta)
            found[: len(by_cash), rows] = by_cash
        return found

    def _batches(self, ndim: int) -> list[tuple[npt.NDArray[np.intp], dict[str, Any]]]:
        """Rows of one exercise style, and what the kernels are told of them by name."""
        parts = []
        for american in (True, False):
            rows = np.flatnonzero(self.american == american)
            if not rows.size:
                continue
            of = self.schedule[rows]
            paid = american and bool((of >= 0).any())
            parts.append(
                (
                    rows,
                    {
                        "exercise": "american" if american else "european",
                        "dividends": Dividends(self.paying(), of=_spread(of, ndim)) if paid else None,
                        "tolerance": self.tolerance,
                        "threads": self.threads,
                    },
                )
            )
        return parts

    def paid_within(self, years: float) -> Floats:
        """(N,) cash that a share pays until then, by the contract's own schedule."""
        paid = np.array(
            [cash[times <= years].sum() for times, cash in self.schedules] + [0.0]
        )  # -1 is the last
        return np.asarray(paid[self.schedule])

    def after(self, years: float) -> Options:
        """The contracts as they will be `years` from now, at the spot of now less the dividends paid until then.

        Years and ex-dates are closer by as much; an option that has expired by then has no years left and is worth its
        payoff. The volatility stays.
        """
        if years == 0.0:
            return self
        spot = self.spot - self.paid_within(years)
        left = np.maximum(self.years - years, 0.0)
        later = tuple((times[times > years] - years, cash[times > years]) for times, cash in self.schedules)
        held = replace(self, spot=spot, years=left, schedules=later)
        return replace(held, dividend_yield=self._carry_after(held))

    def _carry_after(self, later: Options) -> Floats:
        """(N,) the yields that lead from the later spot to the forward: of European contracts on payers they change."""
        rows = np.flatnonzero(~self.american & (self.schedule >= 0) & (later.years > 0))
        carry = self.dividend_yield.copy()
        if rows.size:
            prepaid = self.spot[rows] * np.exp(-self.dividend_yield[rows] * self.years[rows])
            with np.errstate(invalid="ignore", divide="ignore"):
                rest = -np.log((prepaid + self._pledged(rows)) / self.spot[rows]) / self.years[rows]
                ahead = later.spot[rows] * np.exp(-rest * later.years[rows]) - later._pledged(rows)
                carry[rows] = -np.log(ahead / later.spot[rows]) / later.years[rows]
        return carry

    def _pledged(self, rows: npt.NDArray[np.intp]) -> Floats:
        """What the dividends before expiry are worth today, discounted at the rate."""
        worth = np.zeros(rows.size)
        for place, row in enumerate(rows.tolist()):
            times, cash = self.schedules[self.schedule[row]]
            ahead = times < self.years[row]
            worth[place] = (cash[ahead] * np.exp(-self.rate[row] * times[ahead])).sum()
        return worth


def _spread(column: npt.NDArray[Any], ndim: int) -> npt.NDArray[Any]:
    """(N,) with as many axes as (N, ...)."""
    return column.reshape(column.shape + (1,) * (ndim - 1))
