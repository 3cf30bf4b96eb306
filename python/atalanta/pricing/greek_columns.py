"""What the pricing functions give back: Greeks by name, and why a row has no implied volatility."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

__all__ = ["GREEK_NAMES", "Greeks", "ImpliedVolStatus", "Value"]

#: Names of the columns in the order in which `order=` adds them: 7, 10 and 13.
GREEK_NAMES = (
    *("price", "delta", "gamma", "vega", "theta", "rho", "phi"),
    *("vanna", "charm", "vomma"),
    *("speed", "zomma", "color"),
)
_COLUMNS_OF_ORDER = {1: 7, 2: 10, 3: 13}

Value = Any  # a float, or an array of the shape of the inputs


class ImpliedVolStatus(enum.IntEnum):
    """Why a row has no implied volatility."""

    OK = 0
    #: price at or below its least value: the discounted intrinsic value, and with American exercise the
    #: exercise value; such a price says nothing about the volatility
    BELOW_INTRINSIC = 1
    #: price at or above its upper bound: the discounted forward (call) or strike (put); with American
    #: exercise the spot or the strike
    ABOVE_BOUND = 2
    BAD_INPUT = 3  #: NaN, infinite, or not positive where it must be


class _Column:
    """One Greek as an attribute of `Greeks`."""

    def __init__(self, meaning: str) -> None:
        self.__doc__ = meaning

    def __set_name__(self, owner: type[Greeks], name: str) -> None:
        self._name, self._position = name, GREEK_NAMES.index(name)

    @overload
    def __get__(self, greeks: None, owner: type[Greeks]) -> _Column: ...
    @overload
    def __get__(self, greeks: Greeks, owner: type[Greeks]) -> Value: ...
    def __get__(self, greeks: Greeks | None, owner: type[Greeks]) -> Value:
        if greeks is None:
            return self
        if self._position < len(greeks):
            return greeks._values[self._position]
        order = 2 if self._position < _COLUMNS_OF_ORDER[2] else 3
        raise AttributeError(
            f"[pricing.Greeks] {self._name} was not computed: call greeks(..., order={order})"
        )


class Greeks(Mapping[str, Value]):
    """Price and Greeks by name: `g.delta` or `g["delta"]`; a mapping of those that were computed.

    Each value has the shape (...) of the broadcast inputs, or is a float. Raw derivatives of the price per
    share. Beside the mapping, `dividend_delta` where the call had `dividends=`.
    """

    __slots__ = ("_dividend_delta", "_values")

    price = _Column("Value per share.")
    delta = _Column("dV/dS.")
    gamma = _Column("d2V/dS2.")
    vega = _Column("dV/dvol, per 1.00 of volatility.")
    theta = _Column("dV/dt in calendar time, per year.")
    rho = _Column("dV/drate, per 1.00.")
    phi = _Column("dV/d(dividend yield), per 1.00.")
    vanna = _Column("d2V/(dS dvol).")
    charm = _Column("d(delta)/dt in calendar time, per year.")
    vomma = _Column("d2V/dvol2.")
    speed = _Column("d3V/dS3.")
    zomma = _Column("d(gamma)/dvol.")
    color = _Column("d(gamma)/dt in calendar time, per year.")

    def __init__(
        self,
        values: Sequence[Value] | npt.NDArray[np.float64],
        dividend_delta: npt.NDArray[np.float64] | None = None,
    ) -> None:
        self._values = values  # 7, 10 or 13, in the order of GREEK_NAMES
        self._dividend_delta = dividend_delta

    @property
    def dividend_delta(self) -> npt.NDArray[np.float64]:
        """(D, ...) dV/d(cash) of entry d of each row's schedule, D the longest schedule of the call.

        0 where the row's schedule has no such entry, or the entry is at or after the row's expiry.

        Raises:
            AttributeError: the call had no `dividends=`.
        """
        if self._dividend_delta is None:
            raise AttributeError(
                "[pricing.Greeks] dividend_delta was not computed: call greeks(..., dividends=...)"
            )
        return self._dividend_delta

    def stacked(self) -> npt.NDArray[np.float64]:
        """(columns, ...) the values in the order of `GREEK_NAMES`; arrays are not copied."""
        return np.asarray(self._values)

    def __getitem__(self, name: str) -> Value:
        if name in GREEK_NAMES[: len(self)]:
            return self._values[GREEK_NAMES.index(name)]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(GREEK_NAMES[: len(self)])

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Greeks({', '.join(f'{name}={value!r}' for name, value in self.items())})"
