"""Which roots are options on which underlying: weeklies, adjusted and FLEX contracts, punctuated tickers.

Main entry: `other_underlying`. A root that the product table does not hold is taken for its ticker.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import numpy.typing as npt

from atalanta.market.contracts.products import PRODUCTS, product, root_codes

__all__ = ["is_root_of", "other_underlying"]

_PUNCTUATION = re.compile(r"[^A-Z0-9]")
_FLEX = re.compile(r"^[1-9](?=[A-Z])")  # 2SPY: FLEX options on SPY
_INDEX_SUFFIXES = ("", "W", "Q", "P")  # weekly, quarterly, settled by the close

#: Only indices have roots beside their ticker that no rule tells.
_INDICES = frozenset(row.underlying for row in PRODUCTS.values() if row.exercise == "european")


def other_underlying(roots: npt.ArrayLike, underlyings: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """The rows whose root is that of options on something else than the underlying.

    Args:
        roots: (N,) str, option roots.
        underlyings: (N,) str, tickers.
    """
    names, codes = root_codes(roots)
    tickers, ticker_codes = root_codes(underlyings)
    pairs, inverse = np.unique(codes * len(tickers) + ticker_codes, return_inverse=True)
    root, ticker = np.divmod(pairs, max(len(tickers), 1))
    other = [not is_root_of(names[at], tickers[of]) for at, of in zip(root, ticker, strict=True)]
    return np.array(other, dtype=bool)[inverse]


@cache
def is_root_of(root: str, underlying: str) -> bool:
    """Whether options on an underlying are listed under a root.

    Args:
        root: `SPXW` and `SPXQ` for `SPX`, `AAPL1` (adjusted) and `2AAPL` (FLEX) for `AAPL`, `BRKB` for `BRK.B`.
        underlying: a ticker, or a root that stands for one (`SPXW` for `SPX`); case and punctuation do not count.
    """
    ticker = product(_plain(underlying)).underlying
    root = _FLEX.sub("", _plain(root))
    if product(root).underlying == ticker:
        return True
    return ticker in _INDICES and root.removeprefix(ticker) in _INDEX_SUFFIXES


def _plain(name: str) -> str:
    return _PUNCTUATION.sub("", name.upper())
