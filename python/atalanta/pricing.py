"""Option pricing over columns: the CPU kernels under their public names.

Every function broadcasts its arguments as NumPy does, takes and returns raw units (vega per 1.00 of
volatility, theta per year), and gives NaN for a row that has no value.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta._core import implied_vol, price

__all__ = ["GREEK_NAMES", "Greeks", "ImpliedVolStatus", "greeks", "implied_vol", "price"]

_core.check_environment()

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
    BELOW_INTRINSIC = 1  #: price at or below the discounted intrinsic value
    ABOVE_BOUND = 2  #: price at or above the discounted forward (call) or strike (put)
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

    Each value has the shape of the broadcast inputs, or is a float. Raw derivatives of the price per share.
    """

    __slots__ = ("_values",)

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

    def __init__(self, values: Sequence[Value] | npt.NDArray[np.float64]) -> None:
        self._values = values  # 7, 10 or 13, in the order of GREEK_NAMES

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


def greeks(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: str = "european",
    dividends: None = None,
    order: Literal[1, 2, 3] = 1,
    out: npt.NDArray[np.float64] | None = None,
    threads: int | None = None,
) -> Greeks:
    """Price and Greeks under Black-Scholes-Merton, in one pass.

    Arguments are those of `price`; all broadcast to one shape (...).

    Args:
        right: (...) +1 for a call, -1 for a put; or 'call', 'put', 'C', 'P' in either case.
        spot: (...) price of the underlying, per share.
        strike: (...) per share.
        years: (...) time to the expiry instant in years.
        rate: (...) continuously compounded interest rate per year, as a decimal.
        vol: (...) volatility per square root of a year, as a decimal (0.25 is 25 %).
        dividend_yield: (...) continuously compounded yield per year, as a decimal.
        exercise: 'european'.
        dividends: None; cash dividends are not priced by this version.
        order: 1 gives price, delta, gamma, vega, theta, rho, phi; 2 adds vanna, charm, vomma;
            3 adds speed, zomma, color.
        out: (C, ...) float64 array for the C = 7, 10 or 13 columns of this order.
        threads: threads for a large batch; None for the default (see `set_threads`).

    Returns:
        The columns by name, each (...). Vega, rho, phi per 1.00; theta, charm, color per year.

    Raises:
        InputError: arguments that do not broadcast, are not real numbers, or look like per cent.

    Example:
        >>> import atalanta
        >>> g = atalanta.greeks("call", 100.0, [95.0, 105.0], 0.5, 0.03, 0.2)
        >>> g.delta.round(4)
        array([0.7102, 0.4525])
    """
    values = _core.greeks(
        right,
        spot,
        strike,
        years,
        rate,
        vol,
        dividend_yield=dividend_yield,
        exercise=exercise,
        dividends=dividends,
        order=order,
        out=out,
        threads=threads,
    )
    return Greeks(values)
