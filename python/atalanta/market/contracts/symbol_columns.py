"""Columns of option symbols, parsed and written by slicing characters, not row by row.

Main entries: `parse_symbols` and `format_symbols`. Both agree with the styles' grammars and parts in `symbol_styles` on every row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.contracts.products import root_codes
from atalanta.market.contracts.symbol_styles import (
    ROOT,
    Fields,
    SymbolStyle,
    read_symbol,
    style_named,
    thousandths,
)

__all__ = ["format_symbols", "parse_symbols"]

Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]
Dates = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.str_]

_FIRST_DAY, _LAST_DAY = np.datetime64("2000-01-01"), np.datetime64("2099-12-31")
_TAIL = 15  # YYMMDD, C or P, eight digits of strike
_WIDTH = 48  # longer than every symbol


def parse_symbols(column: npt.ArrayLike) -> dict[str, npt.NDArray[Any]]:
    """The contracts that a column of symbols names; every row may be of another style.

    Args:
        column: (N,) str; anything that `parse_symbol` refuses, None included, gives an invalid row.

    Returns:
        (N,) columns `root` (object), `expiry` (datetime64[D]), `right` (int8), `strike` (float64) and `valid`
        (bool); an invalid row holds an empty root, NaT, 0 and NaN.
    """
    texts = _fixed_width(column)
    parsed = _parse_fixed_tail(texts)
    # The styles without a fixed tail are rare in files; only rows that may be of them are read one by one.
    others = ~parsed["valid"] & (np.strings.startswith(texts, ".") | (np.strings.count(texts, "-") == 7))
    read = {row: fields for row in np.flatnonzero(others).tolist() if (fields := _read(str(texts[row])))}
    if read:
        rows = list(read)
        for name, values in zip(Fields._fields, zip(*read.values(), strict=True), strict=True):
            parsed[name][rows] = values
        parsed["valid"][rows] = True
    return parsed


def format_symbols(
    root: npt.ArrayLike,
    expiry: npt.ArrayLike,
    right: npt.ArrayLike,
    strike: npt.ArrayLike,
    style: SymbolStyle = "occ",
) -> npt.NDArray[np.object_]:
    """Symbols for columns of contracts.

    Args:
        root: (N,) str, or one for all rows; as are the others.
        expiry: (N,) dates.
        right: (N,) +1 call, −1 put.
        strike: (N,) per share.
        style: as for `format_symbol`.

    Returns:
        (N,) object array of str; an empty text where the row's fields cannot be expressed in a symbol.

    Raises:
        InputError: an unknown style, or columns that differ in length.
    """
    spelling = style_named(style)
    names, codes, days, signed = _contract_columns(root, expiry, right, strike)
    are_roots = np.array([bool(ROOT.fullmatch(name)) for name in names], dtype=bool)
    valid = are_roots[codes] & (days >= _FIRST_DAY) & (days <= _LAST_DAY) & (signed != 0)
    distinct_days, day_codes = np.unique(np.where(valid, days, _FIRST_DAY), return_inverse=True)
    distinct_signed, signed_codes = np.unique(signed, return_inverse=True)
    heads = _texts(spelling.root(name) if known else "" for name, known in zip(names, are_roots, strict=True))
    middles = _texts(map(spelling.day, distinct_days.tolist()))
    claims = _texts(map(spelling.claim, distinct_signed.tolist()))
    symbols = np.strings.add(np.strings.add(heads[codes], middles[day_codes]), claims[signed_codes])
    return np.where(valid, symbols, "").astype(object)


def _texts(pieces: Iterable[str]) -> Texts:
    return np.array(list(pieces), dtype=np.str_)


def _contract_columns(
    root: npt.ArrayLike, expiry: npt.ArrayLike, right: npt.ArrayLike, strike: npt.ArrayLike
) -> tuple[tuple[str, ...], Ints, Dates, Ints]:
    """Distinct roots, each row's place among them, days, and strikes in thousandths signed by right; 0 if unusable."""
    try:
        days = np.asarray(expiry)
        if days.dtype.kind not in "MOUT":
            raise TypeError(f"expiry is a column of {days.dtype}, not of dates")
        columns = np.broadcast_arrays(
            np.atleast_1d(np.asarray(root, dtype=object)),
            days.astype("M8[D]"),
            np.asarray(right, dtype=np.float64),
            np.asarray(strike, dtype=np.float64),
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"[market.format_symbols] root, expiry, right, strike: {error}") from None
    names, codes = root_codes(columns[0])
    signed = np.where(np.isin(columns[2], (1, -1)), np.nan_to_num(columns[2]), 0).astype(np.int64)
    return names, codes, columns[1], signed * thousandths(columns[3])


def _read(text: str) -> Fields | None:
    try:
        return read_symbol(text)
    except ValueError:
        return None


def _fixed_width(column: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """The column as text of `_WIDTH` characters; longer texts are cut, and too long to be a symbol still."""
    texts = np.atleast_1d(np.asarray(column))
    if texts.ndim != 1 or (texts.size and texts.dtype.kind not in "OUTS"):
        raise InputError(
            f"[market.parse_symbols] needs one column of text, got {texts.ndim} dimensions of {texts.dtype}"
        )
    return np.strings.strip(texts.astype(f"U{_WIDTH}")).astype(f"U{_WIDTH}")


def _parse_fixed_tail(texts: npt.NDArray[np.str_]) -> dict[str, npt.NDArray[Any]]:
    """The `osi`, `occ` and `massive` styles, whose last 15 characters are date, right and strike."""
    lengths = np.strings.str_len(texts)
    codes = np.minimum(texts.view(np.uint32).reshape(len(texts), _WIDTH), 255).astype(np.uint8)
    first = np.where(np.strings.startswith(texts, "O:"), 2, 0)
    tail = _characters(codes, lengths - _TAIL, _TAIL)
    head = _characters(codes, first, 6)
    head[np.arange(6) >= (lengths - _TAIL - first)[:, None]] = 0
    padded = (lengths == 21) & (first == 0)
    is_call, is_put = tail[:, 6] == ord("C"), tail[:, 6] == ord("P")
    digits = np.delete(tail, 6, axis=1).astype(np.int64) - ord("0")
    expiry, is_day = _expiries(digits[:, :6])
    strike = (digits[:, 6:] @ 10 ** np.arange(7, -1, -1)) / 1000
    valid = _are_roots(head, padded) & (lengths - _TAIL - first <= 6) & (lengths > _TAIL + first)
    valid &= is_day & (is_call | is_put) & ((digits >= 0) & (digits <= 9)).all(axis=1) & (strike > 0)
    return {
        "root": _root_column(head * valid[:, None]),
        "expiry": np.where(valid, expiry, np.datetime64("NaT", "D")),
        "right": np.where(valid, is_call.astype(np.int8) - is_put.astype(np.int8), 0).astype(np.int8),
        "strike": np.where(valid, strike, np.nan),
        "valid": valid,
    }


def _characters(codes: Codes, first: Ints, count: int) -> Codes:
    """`count` characters of each row from the column `first` on; what lies before the text reads as its start."""
    return np.take_along_axis(codes, np.maximum(first, 0)[:, None] + np.arange(count), axis=1)


def _expiries(digits: Ints) -> tuple[Dates, Bools]:
    """Days from the six digits of YYMMDD, and whether there is such a day."""
    year, month, day = (digits.reshape(-1, 3, 2) @ np.array([10, 1])).T
    months = ((2000 - 1970 + year) * 12 + month - 1).astype("M8[M]")
    days = months.astype("M8[D]") + (day - 1)
    return days, (month >= 1) & (month <= 12) & (days.astype("M8[M]") == months)


def _are_roots(head: Codes, padded: Bools) -> Bools:
    """Capital letters and digits with a letter among them, followed by blanks only where the row is padded."""
    letter = (head >= ord("A")) & (head <= ord("Z"))
    character = letter | ((head >= ord("0")) & (head <= ord("9")))
    filler = (head == 0) | ((head == ord(" ")) & padded[:, None])
    resumed = (filler[:, :-1] & character[:, 1:]).any(axis=1)
    return np.asarray((character | filler).all(axis=1) & letter.any(axis=1) & ~resumed)


def _root_column(head: Codes) -> npt.NDArray[np.object_]:
    """Roots as Python strings, one object per distinct root."""
    packed = np.where(head == ord(" "), 0, head).astype(np.int64) @ (256 ** np.arange(6))
    distinct, inverse = np.unique(packed, return_inverse=True)
    names = [int(value).to_bytes(6, "little").rstrip(b"\0").decode() for value in distinct]
    return np.array(names, dtype=object)[inverse]
