"""Option symbols: `AAPL240920C00270000` and its spellings elsewhere, as contracts and back.

Main entries: `parse_symbol` and `format_symbol` for one contract, `parse_symbols` and `format_symbols` for
columns. The invariant: whatever parses can be written in any style and parses to the same contract.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from numbers import Real
from typing import Any

from atalanta.errors import InputError
from atalanta.market.cell_text import shown
from atalanta.market.contracts.products import product
from atalanta.market.contracts.symbol_columns import format_symbols, parse_symbols
from atalanta.market.contracts.symbol_styles import (
    LARGEST_STRIKE,
    ROOT,
    SymbolStyle,
    read_symbol,
    style_named,
    thousandths,
)

__all__ = ["OptionSymbol", "SymbolStyle", "format_symbol", "format_symbols", "parse_symbol", "parse_symbols"]


@dataclass(frozen=True, slots=True)
class OptionSymbol:
    """One listed option contract.

    Args:
        root: 1 to 6 capital letters and digits, kept as it is: `AAPL1` (adjusted) is not `AAPL`.
        expiry: expiration date as listed, 2000 to 2099.
        right: +1 call, −1 put.
        strike: per share, 0.001 to 99,999.999 in steps of 0.001.

    Raises:
        InputError: a field that no symbol can express.
    """

    root: str
    expiry: dt.date
    right: int
    strike: float

    def __post_init__(self) -> None:
        fault = _fault(self.root, self.expiry, self.right, self.strike)
        if fault:
            raise InputError(f"[market.OptionSymbol] {fault}")

    @property
    def underlying(self) -> str:
        """Ticker of the underlying: `SPX` for `SPXW`, `AAPL` for `AAPL1`."""
        return product(self.root).underlying

    @property
    def multiplier(self) -> float:
        """Shares per contract by the root; an adjusted contract may deliver something else."""
        return product(self.root).multiplier

    @property
    def adjusted(self) -> bool:
        """Whether the root is that of contracts adjusted for a split, merger or special dividend."""
        return product(self.root).adjusted


def parse_symbol(text: str) -> OptionSymbol:
    """The contract that a symbol names; its style is recognised.

    Args:
        text: `osi`, `occ`, `massive`, `dxfeed` or `spiderrock` spelling; blanks around it are ignored. A
            two-digit year is 20YY.

    Raises:
        InputError: no text, none of the five styles, no such date, or a strike of zero.

    Example:
        >>> parse_symbol(".AAPL240920C270").strike
        270.0
    """
    if not isinstance(text, str):
        raise InputError(
            f"[market.parse_symbol] {shown(text)} is no text: give one like 'AAPL240920C00270000'"
        )
    try:
        return OptionSymbol(*read_symbol(text))
    except InputError:
        raise
    except ValueError as reason:
        raise InputError(f"[market.parse_symbol] {text!r} is not an option symbol: {reason}") from None


def format_symbol(symbol: OptionSymbol, style: SymbolStyle = "occ") -> str:
    """A contract's symbol.

    Args:
        symbol: the contract.
        style: `osi` (21 characters, root padded with blanks), `occ` (the same without padding), `massive`
            (`O:` before it), `dxfeed` (`.AAPL240920C270`) or `spiderrock` (`AAPL-NMS-EQT-2024-09-20-270-C`).

    Raises:
        InputError: no contract, or an unknown style.

    Example:
        >>> format_symbol(parse_symbol("AAPL240920C00270000"), "dxfeed")
        '.AAPL240920C270'
    """
    if not isinstance(symbol, OptionSymbol):
        raise InputError(
            f"[market.format_symbol] {shown(symbol)} is no OptionSymbol: make one with parse_symbol"
        )
    spelling = style_named(style)
    signed = symbol.right * int(thousandths(symbol.strike))
    return spelling.root(symbol.root) + spelling.day(symbol.expiry) + spelling.claim(signed)


def _fault(root: Any, expiry: Any, right: Any, strike: Any) -> str:
    if not isinstance(root, str) or not ROOT.fullmatch(root):
        return f"root {shown(root)} is not 1 to 6 capital letters and digits with a letter among them"
    if not isinstance(expiry, dt.date):
        return f"expiry {shown(expiry)} is no date"
    if not 2000 <= expiry.year <= 2099:
        return f"expiry {expiry} is outside 2000 to 2099, the years a symbol can express"
    if not isinstance(right, Real) or right not in (1, -1):
        return f"right {shown(right)} is neither +1 (call) nor -1 (put)"
    if not isinstance(strike, Real) or not _can_be_spelt(strike):
        return f"strike {shown(strike)} is not from 0.001 to {LARGEST_STRIKE:,} in steps of 0.001"
    return ""


def _can_be_spelt(strike: Any) -> bool:
    return 0 < strike <= LARGEST_STRIKE and bool(thousandths(float(strike)))
