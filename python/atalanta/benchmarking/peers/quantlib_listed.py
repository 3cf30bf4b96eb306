"""QuantLib's American engines: one object per option and call, so a batch is a Python loop.

The market is set through quotes and engines are kept where they can be: only what QuantLib makes a caller do is timed.
Main entries: `binders`, `references`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Finest
from atalanta.benchmarking.listed.rows import ListedRows, Schedule

__all__ = ["NOTE", "binders", "references"]

NOTE = (
    "American: QdFp fast, accurate and highPrecision, price only, one object per option; cash dividends: finite "
    "differences 400x400; implied vol: option.impliedVolatility; fewer rows where an option takes milliseconds"
)

#: Rows on which a call works: enough to fill a sample, few enough for many rounds.
_ROWS = {
    "american_fast": 400,
    "american_standard": 120,
    "american_precise": 10,
    "american_iv": 8,
    "dividend_chain": 10,
    "dividend_irregular": 10,
    "dividend_iv": 4,
}
_SCHEMES = {
    "american_fast": "fastScheme",
    "american_standard": "accurateScheme",
    "american_precise": "highPrecisionScheme",
}
_GRID, _FINE_GRID = (400, 400), (1000, 2000)  # steps in time, points in the price
_SOLVER = (1e-6, 200, 1e-4, 4.0)  # accuracy, evaluations, bounds of the vol

Option = tuple[int, float, float, int, float, float, float]


class Market:
    """One underlying whose numbers are quotes, and the options on it."""

    def __init__(self, ql: Any) -> None:
        self.ql, self.today = ql, ql.Date(1, 6, 2022)
        ql.Settings.instance().evaluationDate = self.today
        days = ql.Actual365Fixed()
        self._quotes = [ql.SimpleQuote(value) for value in (100.0, 0.01, 0.01, 0.2)]
        spot, *rest = (ql.QuoteHandle(quote) for quote in self._quotes)
        rate, dividend_yield = (
            ql.YieldTermStructureHandle(ql.FlatForward(self.today, quote, days)) for quote in rest[:2]
        )
        vol = ql.BlackConstantVol(self.today, ql.NullCalendar(), rest[2], days)
        self.process = ql.BlackScholesMertonProcess(
            spot, dividend_yield, rate, ql.BlackVolTermStructureHandle(vol)
        )

    def option(self, right: int, spot: float, strike: float, days: int, *numbers: float) -> Any:
        """An American option, after rate, yield and volatility are set."""
        ql = self.ql
        for quote, value in zip(self._quotes, (spot, *numbers), strict=True):
            quote.setValue(value)
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if right > 0 else ql.Option.Put, strike)
        return ql.VanillaOption(payoff, ql.AmericanExercise(self.today, self.today + days))

    def dividends(self, schedule: Schedule) -> Any:
        """A schedule as QuantLib has it."""
        return self.ql.DividendVector(
            [self.today + _days(years) for years, _ in schedule], [c for _, c in schedule]
        )


def binders(ql: Any) -> dict[str, Callable[[ListedRows], Work]]:
    """By operation: QuantLib's calls on some of its rows."""
    market = Market(ql)
    schemes = {name: getattr(ql.QdFpAmericanEngine, scheme)() for name, scheme in _SCHEMES.items()}
    made: dict[str, Callable[[ListedRows], Work]] = {
        name: partial(_with_yield, market, scheme, _ROWS[name]) for name, scheme in schemes.items()
    }
    for name in ("dividend_chain", "dividend_irregular"):
        made[name] = partial(_with_dividends, market, _GRID, _ROWS[name])
    for name in ("american_iv", "dividend_iv"):
        made[name] = partial(_implied, market, _ROWS[name])
    return made


def references(ql: Any) -> dict[str, Finest]:
    """By operation: what QuantLib's finest price is called, how many rows are worth its time, and its call."""
    market = Market(ql)
    tanh_sinh = ql.QdFpTanhSinhIterationScheme(20, 60, 1e-12)
    finest = "quantlib tanh-sinh", 60, partial(_with_yield, market, tanh_sinh, None)
    made: dict[str, Finest] = dict.fromkeys(_SCHEMES, finest)
    text = f"quantlib {_FINE_GRID[0]}x{_FINE_GRID[1]}"
    for name in ("dividend_chain", "dividend_irregular"):
        made[name] = text, 20, partial(_with_dividends, market, _FINE_GRID, None)
    return made


def _with_yield(market: Market, scheme: Any, most: int | None, rows: ListedRows) -> Work:
    engine = market.ql.QdFpAmericanEngine(market.process, scheme)

    def one(option: Option) -> float:
        made = market.option(*option)
        made.setPricingEngine(engine)
        return _number(made.NPV)

    arguments = _options(_some(rows, most))
    return Work.calling(lambda: [one(option) for option in arguments], rows=len(arguments))


def _with_dividends(market: Market, grid: tuple[int, int], most: int | None, rows: ListedRows) -> Work:
    """Price, delta, gamma and theta."""
    some = _some(rows, most)
    schedules = [market.dividends(some.schedule(row)) for row in range(len(some))]

    def one(option: Option, schedule: Any) -> tuple[float, ...]:
        made = market.option(*option)
        made.setPricingEngine(market.ql.FdBlackScholesVanillaEngine(market.process, schedule, *grid))
        return tuple(_number(figure) for figure in (made.NPV, made.delta, made.gamma, made.theta))

    arguments = list(zip(_options(some), schedules, strict=True))
    return Work.calling(lambda: [one(*argument) for argument in arguments], rows=len(arguments))


def _implied(market: Market, most: int | None, rows: ListedRows) -> Work:
    some = _some(rows, most)
    given = [
        () if some.schedule_of is None else (market.dividends(some.schedule(row)),)
        for row in range(len(some))
    ]

    def one(option: Option, price: float, schedule: Sequence[Any]) -> float:
        made = market.option(*option[:-1], 0.2)
        return _number(partial(made.impliedVolatility, price, market.process, *schedule, *_SOLVER))

    arguments = list(zip(_options(some), some.price.tolist(), given, strict=True))
    return Work.calling(lambda: [one(*argument) for argument in arguments], rows=len(arguments))


def _some(rows: ListedRows, most: int | None) -> ListedRows:
    return rows if most is None else rows.some(most)


def _options(rows: ListedRows) -> list[Option]:
    columns = (rows.right, rows.spot, rows.strike, rows.years, rows.rate, rows.dividend_yield, rows.vol)
    made = zip(*(column.tolist() for column in columns), strict=True)
    return [(right, spot, strike, _days(years), *rest) for right, spot, strike, years, *rest in made]


def _days(years: float) -> int:
    return round(365 * years)


def _number(figure: Callable[[], float]) -> float:
    """NaN where QuantLib gives up."""
    try:
        return float(figure())
    except RuntimeError:
        return math.nan
