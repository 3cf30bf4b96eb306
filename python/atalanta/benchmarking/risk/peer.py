"""QuantLib's finite differences on cells of the scenario grid, one object per valuation. Main entry: `quantlib_cells`."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import numpy.typing as npt

from atalanta.risk.options import Options

__all__ = ["GRIDS", "quantlib_cells"]

#: Steps in time and points in the price: the coarse grid is the one that the target names, the fine one comes nearer its price.
GRIDS = ((100, 100), (400, 400))


def quantlib_cells(
    ql: ModuleType,
    options: Options,
    contracts: npt.NDArray[np.int64],
    spots: npt.NDArray[np.float64],
    vols: npt.NDArray[np.float64],
    grid: tuple[int, int],
) -> Callable[[], list[float]]:
    """A call that prices (K,) cells: a contract at a spot and a volatility each.

    Market objects are made once and set through quotes; only what QuantLib makes a caller do for a new price is in the call.
    """
    today = ql.Date(14, 1, 2026)
    ql.Settings.instance().evaluationDate = today
    days = ql.Actual365Fixed()
    spot, rate, carry, vol = (ql.SimpleQuote(value) for value in (100.0, 0.0, 0.0, 0.2))
    flat = [
        ql.YieldTermStructureHandle(ql.FlatForward(today, ql.QuoteHandle(one), days)) for one in (carry, rate)
    ]
    surface = ql.BlackConstantVol(today, ql.NullCalendar(), ql.QuoteHandle(vol), days)
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(spot), flat[0], flat[1], ql.BlackVolTermStructureHandle(surface)
    )
    schedules = [
        ql.DividendVector([today + round(365 * t) for t in times.tolist()], cash.tolist())
        for times, cash in options.schedules
    ]
    cells = [
        (
            ql.PlainVanillaPayoff(
                ql.Option.Call if options.right[c] > 0 else ql.Option.Put, float(options.strike[c])
            ),
            ql.AmericanExercise(today, today + round(365 * float(options.years[c]))),
            int(options.schedule[c]),
            (float(s), float(options.rate[c]), float(options.dividend_yield[c]), float(v)),
        )
        for c, s, v in zip(contracts.tolist(), spots.tolist(), vols.tolist(), strict=True)
    ]

    def run() -> list[float]:
        values = []
        for payoff, exercise, schedule, numbers in cells:
            for quote, number in zip((spot, rate, carry, vol), numbers, strict=True):
                quote.setValue(number)
            option = ql.VanillaOption(payoff, exercise)
            paid = (schedules[schedule],) if schedule >= 0 else ()
            option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, *paid, *grid))
            values.append(float(option.NPV()))
        return values

    return run
