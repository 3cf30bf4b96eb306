"""Forecasts of value at risk and expected shortfall held against what came. Main entries: `backtest`, `historical_forecasts`.

Coverage by Kupiec (1995), independence and both together by Christoffersen (1998), the size of the losses beyond by Acerbi
and Szekely's second statistic (2014) and by McNeil and Frey's exceedance residuals (2000).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.risk.tail import tail_of

__all__ = ["Backtest", "LikelihoodRatio", "backtest", "historical_forecasts"]

_ORIGIN = "[risk.backtest]"
Floats = npt.NDArray[np.float64]

#: Z2 below which shortfall forecasts are rejected at 5 %, nearly whatever the tails (Acerbi and Szekely 2014).
Z2_CRITICAL = -0.70

_BOOTSTRAPS = 10_000


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """A likelihood-ratio statistic and the chance of one as large if the forecasts are right."""

    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Backtest:
    """How T forecasts fared.

    Attributes:
        observations, violations: days, and days on which more than the VaR was lost.
        expected: violations to expect, T times the level.
        rate: violations a day.
        kupiec: proportion of failures, chi-squared with one degree of freedom.
        independence: Christoffersen's: whether a violation makes another one the next day likelier; one degree.
        conditional_coverage: both together; two degrees.
        z2: Acerbi and Szekely's statistic: 0 for right forecasts, negative for too small a shortfall; None without
            shortfall forecasts.
        residual_p: share of bootstrapped means above that of the exceedance residuals (one-sided: shortfall too small).
        mean_loss, mean_es: on the days of violation, in the units of the returns.
    """

    observations: int
    violations: int
    expected: float
    rate: float
    kupiec: LikelihoodRatio
    independence: LikelihoodRatio
    conditional_coverage: LikelihoodRatio
    z2: float | None = None
    residual_p: float | None = None
    mean_loss: float | None = None
    mean_es: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """In plain types, for JSON."""
        return asdict(self)


def backtest(
    returns: npt.ArrayLike,
    var: npt.ArrayLike,
    level: float,
    *,
    es: npt.ArrayLike | None = None,
    volatility: npt.ArrayLike | None = None,
    seed: int = 7,
) -> Backtest:
    """Test forecasts that were made before each day.

    Args:
        returns: (T,) what came, gains positive.
        var: (T,) losses that were to be exceeded with probability `level`, positive numbers.
        level: 0.01 for VaR 99 %.
        es: (T,) expected shortfalls, positive; None leaves their tests out.
        volatility: (T,) by which exceedance residuals are scaled; None leaves them as they are.
        seed: of the bootstrap.

    Raises:
        InputError: columns that differ in length, hold no numbers, or a level that is none.
    """
    gained, limit = _column(returns, "returns"), _column(var, "var")
    if not 0.0 < level < 1.0:
        raise InputError(f"{_ORIGIN} level is {level!r}; it must lie between 0 and 1 (0.01 for VaR 99 %)")
    shortfall = None if es is None else _column(es, "es")
    scale = None if volatility is None else _column(volatility, "volatility")
    for name, column in (("var", limit), ("es", shortfall), ("volatility", scale)):
        if column is not None and len(column) != len(gained):
            raise InputError(f"{_ORIGIN} {name} holds {len(column):,} days, returns {len(gained):,}")
    hit = gained < -limit
    count, days = int(hit.sum()), len(hit)
    coverage = _ratio(_binomial(days - count, count, level), _binomial(days - count, count, count / days), 1)
    independence = _independence(hit)
    joint = _chi_squared(coverage.statistic + independence.statistic, 2)
    found = (days, count, days * level, count / days, coverage, independence, joint)
    if shortfall is None:
        return Backtest(*found)
    z2 = float((gained[hit] / shortfall[hit]).sum() / (days * level) + 1)
    if not count:
        return Backtest(*found, z2=z2)
    return Backtest(
        *found,
        z2=z2,
        residual_p=_residual_p(gained[hit], shortfall[hit], None if scale is None else scale[hit], seed),
        mean_loss=float(-gained[hit].mean()),
        mean_es=float(shortfall[hit].mean()),
    )


def historical_forecasts(
    returns: npt.ArrayLike,
    *,
    window: int = 500,
    var_level: float = 0.99,
    es_level: float = 0.975,
    scaling: Literal["none", "volatility"] = "none",
    decay: float = 0.94,
) -> tuple[Floats, Floats, Floats]:
    """Historical-simulation forecasts for each day from the days before it alone.

    Args:
        returns: (T,) daily returns, gains positive.
        window: days that a forecast is made from.
        var_level: as of `value_at_risk`.
        es_level: likewise.
        scaling: 'none', or 'volatility': past returns in units of their day's volatility, brought to today's (Hull and White
            1998).
        decay: of the exponentially weighted variance behind that, a day.

    Returns:
        (T − window,) VaR, ES and volatility for the days from `window` on; losses positive.

    Raises:
        InputError: a window that is longer than the series, or another word for the scaling.
    """
    series = _column(returns, "returns")
    if not 2 <= window < len(series):
        raise InputError(
            f"{_ORIGIN} window is {window!r}; it must be from 2 to below the {len(series):,} days there are"
        )
    if scaling not in ("none", "volatility"):
        raise InputError(f"{_ORIGIN} scaling is {scaling!r}; it must be 'none' or 'volatility'")
    volatility = _weighted_volatility(series, window, decay)
    pieces = np.lib.stride_tricks.sliding_window_view(series, window)[:-1]
    if scaling == "volatility":
        known = np.lib.stride_tricks.sliding_window_view(volatility, window)[:-1]
        pieces = pieces / known * volatility[window:, None]
    tails = [tail_of(piece, var_level, es_level) for piece in pieces]
    return (
        np.array([tail.var for tail in tails]),
        np.array([tail.es for tail in tails]),
        volatility[window:],
    )


def _weighted_volatility(series: Floats, window: int, decay: float) -> Floats:
    """(T,) the volatility that each day's forecast is made with: of the days before it."""
    variance = np.empty(len(series))
    variance[0] = np.mean(series[:window] ** 2)
    for day in range(1, len(series)):
        variance[day] = decay * variance[day - 1] + (1 - decay) * series[day - 1] ** 2
    return np.sqrt(np.maximum(variance, 1e-300))


def _independence(hit: npt.NDArray[np.bool_]) -> LikelihoodRatio:
    before, now = hit[:-1], hit[1:]
    n00, n01 = int((~before & ~now).sum()), int((~before & now).sum())
    n10, n11 = int((before & ~now).sum()), int((before & now).sum())
    share = (n01 + n11) / max(n00 + n01 + n10 + n11, 1)
    alike = _binomial(n00 + n10, n01 + n11, share)
    apart = _binomial(n00, n01, n01 / max(n00 + n01, 1)) + _binomial(n10, n11, n11 / max(n10 + n11, 1))
    return _ratio(alike, apart, 1)


def _binomial(without: int, having: int, share: float) -> float:
    """Log likelihood of so many days without and with a violation; 0 log 0 is 0."""
    return _times_log(without, 1 - share) + _times_log(having, share)


def _times_log(count: int, share: float) -> float:
    return 0.0 if count == 0 else count * math.log(share) if share > 0 else -math.inf


def _ratio(null: float, free: float, degrees: Literal[1, 2]) -> LikelihoodRatio:
    return _chi_squared(max(0.0, -2 * (null - free)), degrees)


def _chi_squared(statistic: float, degrees: Literal[1, 2]) -> LikelihoodRatio:
    tail = math.erfc(math.sqrt(statistic / 2)) if degrees == 1 else math.exp(-statistic / 2)
    return LikelihoodRatio(statistic, tail)


def _residual_p(returns: Floats, shortfall: Floats, scale: Floats | None, seed: int) -> float:
    """One-sided bootstrap p-value of a zero mean against losses larger than the shortfall (Efron and Tibshirani 16.4)."""
    residual = -(returns + shortfall)  # losses beyond the shortfall
    if scale is not None:
        residual = residual / scale
    count = len(residual)
    spread = residual.std(ddof=1) if count > 1 else 0.0
    if spread == 0.0:
        return 1.0 if residual.mean() <= 0 else 0.0
    observed = residual.mean() / (spread / math.sqrt(count))
    centred = residual - residual.mean()
    drawn = np.random.default_rng(seed).choice(centred, (_BOOTSTRAPS, count))
    spreads = drawn.std(axis=1, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        statistics = drawn.mean(axis=1) / (spreads / math.sqrt(count))
    return float((np.nan_to_num(statistics) >= observed).mean())


def _column(values: npt.ArrayLike, name: str) -> Floats:
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        column = np.array([np.nan])
    if column.ndim != 1 or not column.size or not np.isfinite(column).all():
        raise InputError(f"{_ORIGIN} {name} must be one column of finite numbers, a day each")
    return column
