"""Errors of prices and implied vols against 40-digit values. Main entry: `largest_errors`; needs mpmath.

The values are exact for the doubles given; a vol's error includes what rounding its price to a double does to it.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from atalanta.benchmarking.clock import FAILURES
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.workloads import Floats, Rows, market_rows, quoted_rows, tail_rows

__all__ = ["LargestError", "exact_prices", "largest_errors", "reference_available"]

_DIGITS = 40

#: Below this share of the spot a price is a tail, whose relative error says little.
_WORTH = 1e-6


@dataclass(frozen=True)
class LargestError:
    """The largest relative error of a contender on `rows` values; `wrong` of them are missing or off by over 1e-6."""

    output: str
    contender: str
    rows: int
    error: float
    wrong: int


def reference_available() -> bool:
    """True when mpmath is installed."""
    return importlib.util.find_spec("mpmath") is not None


def largest_errors(contenders: Sequence[Contender], count: int) -> list[LargestError]:
    """Compare prices and implied vols of market rows, and vols of deep tails, with exact values.

    Args:
        contenders: those whose batch call cannot take the given rows are passed over.
        count: rows of each kind.
    """
    market = _priced(market_rows(count))
    quoted, tails = _priced(quoted_rows(count)), _priced(tail_rows(count))
    cases = (
        ("price", "price", market.take(market.price > _WORTH * market.spot), "price"),
        ("price, deep tails", "price", tails, "price"),
        ("implied vol", "implied_vol", quoted, "vol"),
        ("implied vol, deep tails", "implied_vol", tails, "vol"),
    )
    return [
        _largest(output, contender, contender.binders[binder](rows).run, getattr(rows, exact))
        for output, binder, rows, exact in cases
        for contender in contenders
        if contender.answers_rows and binder in contender.binders
    ]


def _largest(output: str, contender: Contender, call: Any, exact: Floats) -> LargestError:
    with np.errstate(all="ignore"):
        try:
            values = np.asarray(call(), dtype=np.float64).ravel()
        except FAILURES:  # a peer that refuses a row refuses them all
            values = np.full(len(exact), np.nan)
        errors = np.abs(values / exact - 1)
    finite = errors[np.isfinite(errors)]
    return LargestError(
        output,
        contender.name,
        len(exact),
        float(finite.max()) if len(finite) else float("nan"),
        int(np.count_nonzero(~(errors < 1e-6))),
    )


def _priced(rows: Rows) -> Rows:
    return replace(rows, price=exact_prices(rows))


def exact_prices(rows: Rows) -> Floats:
    """(N,) prices computed with 40 digits, rounded once."""
    mp = importlib.import_module("mpmath").mp
    columns = (rows.spot, rows.strike, rows.years, rows.rate, rows.dividend_yield, rows.vol)
    contracts = zip(rows.right.tolist(), *(column.tolist() for column in columns), strict=True)
    with mp.workdps(_DIGITS):
        return np.array([_exact_price(mp, *contract) for contract in contracts])


def _exact_price(mp: Any, right: int, *row: float) -> float:
    s, k, t, r, q, v = (mp.mpf(value) for value in row)
    deviation = v * mp.sqrt(t)
    d1 = (mp.log(s / k) + (r - q) * t) / deviation + deviation / 2
    received = s * mp.exp(-q * t) * mp.erfc(-right * d1 / mp.sqrt(2)) / 2
    paid = k * mp.exp(-r * t) * mp.erfc(-right * (d1 - deviation) / mp.sqrt(2)) / 2
    return float(right * (received - paid))
