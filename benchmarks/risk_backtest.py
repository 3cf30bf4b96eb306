"""VaR and ES forecasts of the S&P 500 back-tested beside published ones: Kupiec, Christoffersen, Acerbi-Szekely, McNeil-Frey.

    python benchmarks/risk_backtest.py [FOLDER]

FOLDER holds `esback_sp500_var_es_forecasts.parquet` and `daily_gspc_close_1927_2012.parquet`; without it, `../shared/data`
beside the project. Needs polars. Nothing is timed: the same files give the same figures.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

from atalanta.risk import backtest, historical_forecasts

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
WINDOW = 500


def show(title, found):
    """One line of the table."""
    residual = "-" if found.residual_p is None else f"{found.residual_p:.3f}"
    print(
        f"{title:<44} {found.violations:>5} {found.expected:>8.1f} {found.rate:>7.2%} {found.kupiec.p_value:>8.4f} "
        f"{found.independence.p_value:>8.4f} {found.conditional_coverage.p_value:>8.4f} {found.z2:>7.2f} {residual:>7}"
    )


def own(returns, level, scaling, first=0):
    """Forecasts by historical simulation over `WINDOW` days, tested from day `first` on."""
    var, es, volatility = historical_forecasts(
        returns, window=WINDOW, var_level=1 - level, es_level=1 - level, scaling=scaling
    )
    skip = max(first - WINDOW, 0)
    return backtest(returns[WINDOW + skip :], var[skip:], level, es=es[skip:], volatility=volatility[skip:])


def published(folder):
    """The published forecasts, and ours for the same days."""
    table = pl.read_parquet(folder / "esback_sp500_var_es_forecasts.parquet")
    r, q, e, s = (table[name].to_numpy() for name in ("r", "q", "e", "s"))
    print(f"\nS&P 500, 2000 to 2017, {len(r):,} days, level 2.5 %")
    show("published (esback), all days", backtest(r, -q, 0.025, es=-e, volatility=s))
    show(
        f"published, from day {WINDOW} on",
        backtest(r[WINDOW:], -q[WINDOW:], 0.025, es=-e[WINDOW:], volatility=s[WINDOW:]),
    )
    show(f"historical simulation, {WINDOW} days", own(r, 0.025, "none"))
    show("the same, scaled by volatility", own(r, 0.025, "volatility"))
    print(f"\nthe same days, level 1 %, from day {WINDOW} on")
    show(f"historical simulation, {WINDOW} days", own(r, 0.01, "none"))
    show("the same, scaled by volatility", own(r, 0.01, "volatility"))


def long_series(folder):
    """Eighty years of closes."""
    table = pl.read_parquet(folder / "daily_gspc_close_1927_2012.parquet")
    close = table["Close"].to_numpy()
    returns = 100 * np.diff(np.log(close))
    for level in (0.01, 0.025):
        print(f"\nS&P 500 closes, 1929 to 2012, {len(returns) - WINDOW:,} days, level {level:.1%}")
        for scaling, title in (
            ("none", f"historical simulation, {WINDOW} days"),
            ("volatility", "the same, scaled by volatility"),
        ):
            show(title, own(returns, level, scaling))


def main():
    """Print the tables."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED
    if not folder.is_dir():
        sys.exit(f"there is no folder {folder}: give the one with the series")
    print(
        f"{'forecasts':<44} {'viol.':>5} {'expected':>8} {'rate':>7} {'Kupiec':>8} {'indep.':>8} {'joint':>8} {'Z2':>7} {'resid.':>7}"
    )
    print(
        "p-values of the tests; Z2 below -0.70 rejects the shortfall at 5 %; resid.: one-sided bootstrap of exceedance residuals"
    )
    published(folder)
    long_series(folder)


if __name__ == "__main__":
    main()
