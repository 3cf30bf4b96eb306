"""Numbers written for people: `$1,234.50`, and the decimal commas that are not told from thousands.

Main entry: `amounts`. A comma groups thousands in whole threes or nothing is read; whatever could be read in two
ways, in the light of the whole column, is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

__all__ = ["ambiguous", "amounts", "has_decimal_comma"]

_GROUPED = r"[1-9][0-9]{0,2}(?:,[0-9]{3})+"
_AMOUNT = re.compile(
    rf"(?P<sign>[+-]?)(?P<dollar>\$ ?)?(?P<inner>[+-]?)(?P<whole>{_GROUPED}|[0-9]*)(?P<part>\.[0-9]*)?"
)
_DECIMAL_COMMA = re.compile(r"[+-]?(?:[0-9]{1,3}(?:[. ][0-9]{3})+|[0-9]*),[0-9]+")
_THOUSANDS_OR_DECIMALS = re.compile(r"[+-]?(?:\$ ?)?[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3}|\.[0-9]{3})")


def amounts(texts: Mapping[int, str]) -> dict[int, float]:
    """Those of some cells that are numbers with a dollar sign or thousands commas.

    Args:
        texts: cells by row, without blanks around; none is a number as it stands.

    Returns:
        the numbers by row. A single group like `1,234` is a thousand, unless another cell has a decimal comma.
    """
    doubtful = has_decimal_comma(texts.values())
    read = {row: _amount(text) for row, text in texts.items() if not (doubtful and ambiguous(text))}
    return {row: value for row, value in read.items() if not np.isnan(value)}


def has_decimal_comma(texts: Iterable[str]) -> bool:
    """Whether a text can only be a number with a decimal comma: `4,20`, `0,125` or `1.234,50`, but not `1,234`."""
    return any(_DECIMAL_COMMA.fullmatch(text) and np.isnan(_amount(text)) for text in texts)


def ambiguous(text: str) -> bool:
    """Whether a text is one number to those who write decimal commas and another to those who write points."""
    return _THOUSANDS_OR_DECIMALS.fullmatch(text) is not None


def _amount(text: str) -> float:
    found = _AMOUNT.fullmatch(text)
    if found is None or (found["sign"] and found["inner"]):
        return np.nan
    try:
        return float(f"{found['sign']}{found['inner']}{found['whole'].replace(',', '')}{found['part'] or ''}")
    except ValueError:  # a sign or a point alone
        return np.nan
