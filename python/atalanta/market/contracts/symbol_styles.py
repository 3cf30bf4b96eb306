"""How five styles spell an option contract: one row per style, with its grammar and its parts.

Main entries: `STYLES` and `read_symbol`. A contract is a root, a day from 2000 to 2099, a right and a strike
counted in thousandths; every such contract can be spelt in every style.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError

__all__ = [
    "LARGEST_STRIKE",
    "ROOT",
    "STYLES",
    "Fields",
    "Style",
    "SymbolStyle",
    "read_symbol",
    "style_named",
    "thousandths",
]

SymbolStyle = Literal["osi", "occ", "massive", "dxfeed", "spiderrock"]

#: Eight digits of thousandths hold no more.
LARGEST_STRIKE = 99_999.999
_ROUNDING = 1e-6  # in thousandths: far above double rounding, far below a step
_ROOT = r"(?P<root>(?=[A-Z0-9]{0,5}[A-Z])[A-Z0-9]{1,6})"
_DAY = r"(?P<yy>[0-9]{2})(?P<mm>[0-9]{2})(?P<dd>[0-9]{2})"
_LONG_DAY = r"20(?P<yy>[0-9]{2})-(?P<mm>[0-9]{2})-(?P<dd>[0-9]{2})"
_RIGHT = r"(?P<right>[CP])"
_THOUSANDTHS = r"(?P<whole>[0-9]{5})(?P<fraction>[0-9]{3})"
_DECIMAL = r"(?P<whole>[0-9]{1,5})(?:\.(?P<fraction>[0-9]{1,3}))?"

#: 1 to 6 capital letters and digits, with a letter among them.
ROOT = re.compile(_ROOT)


class Style(NamedTuple):
    """How a style spells each part; written, the parts follow each other in this order."""

    grammar: re.Pattern[str]
    root: Callable[[str], str]
    day: Callable[[dt.date], str]
    claim: Callable[[int], str]  #: right and strike, from thousandths that are negative for a put


class Fields(NamedTuple):
    """What a symbol says."""

    root: str
    expiry: dt.date
    right: int
    strike: float


def _short_day(day: dt.date) -> str:
    return f"{day:%y%m%d}"


def _letter(signed: int) -> str:
    return "P" if signed < 0 else "C"


def _fixed(signed: int) -> str:
    return f"{_letter(signed)}{abs(signed):08d}"


def _decimal(signed: int) -> str:
    return f"{abs(signed) / 1000:.3f}".rstrip("0").rstrip(".")


_TAIL = _DAY + _RIGHT + _THOUSANDTHS

#: `osi`: 21 characters, the root padded with blanks; `occ`: the same without padding; `massive`: `O:` before it;
#: `dxfeed`: a dot before it, the strike as a decimal; `spiderrock`: tk-ts-at-yr-mn-dy-xx-cp, where the ticker source
#: and asset type of listed US options are always `NMS` and `EQT`.
STYLES: dict[str, Style] = {
    "osi": Style(re.compile(rf"(?=.{{21}}$){_ROOT} *{_TAIL}"), "{:6}".format, _short_day, _fixed),
    "occ": Style(re.compile(_ROOT + _TAIL), str, _short_day, _fixed),
    "massive": Style(re.compile(rf"O:{_ROOT}{_TAIL}"), "O:{}".format, _short_day, _fixed),
    "dxfeed": Style(
        re.compile(rf"\.{_ROOT}{_DAY}{_RIGHT}{_DECIMAL}"),
        ".{}".format,
        _short_day,
        lambda signed: _letter(signed) + _decimal(signed),
    ),
    "spiderrock": Style(
        re.compile(rf"{_ROOT}-[A-Z]{{1,6}}-[A-Z]{{1,6}}-{_LONG_DAY}-{_DECIMAL}-{_RIGHT}"),
        "{}-NMS-EQT-".format,
        "{:%Y-%m-%d}-".format,
        lambda signed: f"{_decimal(signed)}-{_letter(signed)}",
    ),
}
_EXAMPLES = (
    "'AAPL  240920C00270000', 'AAPL240920C00270000', 'O:AAPL240920C00270000', '.AAPL240920C270' "
    "or 'AAPL-NMS-EQT-2024-09-20-270-C'"
)


def read_symbol(text: str) -> Fields:
    """The fields of a symbol in any style.

    Raises:
        ValueError: the reason why it is none.
    """
    stripped = text.strip()
    found = next(filter(None, (style.grammar.fullmatch(stripped) for style in STYLES.values())), None)
    if found is None:
        raise ValueError(f"matches no style; expected one like {_EXAMPLES}")
    part = found.groupdict()
    expiry = dt.date(2000 + int(part["yy"]), int(part["mm"]), int(part["dd"]))
    thousandths = int(part["whole"] + (part["fraction"] or "").ljust(3, "0"))
    if not thousandths:
        raise ValueError("has a strike of 0; the least is 0.001")
    return Fields(part["root"], expiry, 1 if part["right"] == "C" else -1, thousandths / 1000)


def style_named(name: str) -> Style:
    """The row of a style.

    Raises:
        InputError: there is none of this name.
    """
    if name not in STYLES:
        raise InputError(f"[market.format_symbol] style {name!r} is unknown: give one of {', '.join(STYLES)}")
    return STYLES[name]


def thousandths(strike: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Strikes counted in thousandths; 0 where no symbol can express them.

    Args:
        strike: any shape; a whole number of thousandths up to rounding, from 0.001 to 99,999.999.
    """
    strikes = np.asarray(strike, dtype=np.float64)
    scaled = np.where(np.abs(strikes) <= LARGEST_STRIKE, strikes, 0.0) * 1000
    whole = np.rint(scaled)
    return np.where((np.abs(scaled - whole) < _ROUNDING) & (whole > 0), whole, 0).astype(np.int64)
