"""What the option root tells: underlying, exercise style, settlement, last trading time and multiplier.

Main entry: `product`. The table holds the roots that differ from the default, an American PM-settled stock
or fund option on 100 shares; every root has an answer.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["PRODUCTS", "Product", "product", "product_columns", "root_codes"]

#: `PM`: the payoff is fixed by the close; `AM`: by the open; `AM_MONTHLY`: by the open for the standard
#: third-Friday monthly, by the close for every other expiry.
SettlementRule = Literal["PM", "AM", "AM_MONTHLY"]

_FOUR = dt.time(16, 0)
_QUARTER_PAST = dt.time(16, 15)
_ADJUSTED = re.compile(r"([A-Z]+)[1-9]")


@dataclass(frozen=True, slots=True)
class Product:
    """The terms that all options of one root share.

    Args:
        root: option root, for example `SPXW`.
        underlying: ticker of what is delivered or measured, for example `SPX`.
        exercise: `european` or `american`.
        settlement: when the payoff is fixed, see `SettlementRule`.
        last_trade: end of trading on an ordinary day, New York; a payoff fixed by the close is fixed at 16:00
            also where trading goes on until 16:15.
        multiplier: shares (or index units) per contract.
        adjusted: the root of a contract changed by a split, merger or special dividend (`AAPL1`): what is
            delivered may not be `multiplier` shares, and the root does not tell what is.
    """

    root: str
    underlying: str
    exercise: Literal["european", "american"] = "american"
    settlement: SettlementRule = "PM"
    last_trade: dt.time = _FOUR
    multiplier: float = 100.0
    adjusted: bool = False


def _index(
    root: str,
    underlying: str,
    settlement: SettlementRule,
    exercise: Literal["european", "american"] = "european",
) -> Product:
    return Product(root, underlying, exercise, settlement, _QUARTER_PAST)


#: The roots that differ from the default, by root.
PRODUCTS: dict[str, Product] = {
    row.root: row
    for row in (
        _index("SPX", "SPX", "AM_MONTHLY"),
        _index("SPXW", "SPX", "PM"),
        _index("SPXPM", "SPX", "PM"),  # third Fridays settled by the close, 2011 to 2017
        _index("XSP", "XSP", "PM"),
        _index("NDX", "NDX", "AM_MONTHLY"),
        _index("NDXP", "NDX", "PM"),
        _index("XND", "XND", "PM"),
        _index("RUT", "RUT", "AM_MONTHLY"),
        _index("RUTW", "RUT", "PM"),
        _index("MRUT", "MRUT", "PM"),
        _index("DJX", "DJX", "AM_MONTHLY"),
        _index("VIX", "VIX", "AM"),
        _index("VIXW", "VIX", "AM"),
        _index("XEO", "OEX", "PM"),
        _index("OEX", "OEX", "PM", "american"),
        *(
            Product(fund, fund, last_trade=_QUARTER_PAST)
            for fund in ("SPY", "QQQ", "IWM", "DIA", "EEM", "EFA", "MDY", "VXX")
        ),
        *(
            Product(f"{stock}7", stock, multiplier=10.0)  # mini options, 2013 to 2014
            for stock in ("AAPL", "AMZN", "GLD", "GOOG", "SPY")
        ),
    )
}


@cache
def product(root: str) -> Product:
    """The terms of a root; the default where the table does not hold it.

    Args:
        root: option root; blanks around it, a leading `^` or `$` and lower case are forgiven.

    Returns:
        the table's row, or an American PM-settled option on 100 shares of the root without its adjustment
        digit (`AAPL1`: adjusted, on AAPL).
    """
    name = root.strip().lstrip("^$").upper()
    if name in PRODUCTS:
        return PRODUCTS[name]
    adjusted = _ADJUSTED.fullmatch(name)
    if adjusted is None:
        return Product(name, name)
    return replace(product(adjusted[1]), root=name, adjusted=True)


def product_columns(roots: npt.ArrayLike) -> dict[str, npt.NDArray[Any]]:
    """The terms of a column of roots.

    Args:
        roots: (N,) str.

    Returns:
        (N,) columns `underlying` (object), `exercise` (object), `multiplier` (float64), `adjusted` (bool).
    """
    names, codes = root_codes(roots)
    rows = [product(name) for name in names]
    return {
        "underlying": np.array([row.underlying for row in rows], dtype=object)[codes],
        "exercise": np.array([row.exercise for row in rows], dtype=object)[codes],
        "multiplier": np.array([row.multiplier for row in rows], dtype=np.float64)[codes],
        "adjusted": np.array([row.adjusted for row in rows], dtype=bool)[codes],
    }


def root_codes(roots: npt.ArrayLike) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The distinct values of a column of strings, and each row's place among them.

    Hashing is several times faster here than sorting a column of Python strings.

    Args:
        roots: (N,) or scalar; values that are not strings (None, NaN) count as the empty string.

    Returns:
        the M distinct values in alphabetical order, and (N,) int64 codes into them (0-d for a scalar).
    """
    column = np.asarray(roots, dtype=object)
    values = column.ravel().tolist()
    distinct = set(values)
    names = sorted({_text(value) for value in distinct})
    place = {name: code for code, name in enumerate(names)}
    code_of = {value: place[_text(value)] for value in distinct}
    codes = np.fromiter(map(code_of.__getitem__, values), np.int64, len(values))
    return tuple(names), codes.reshape(column.shape)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
