"""Types of the extension; checked against it by stubtest."""

from typing import Any, Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt

_Doubles: TypeAlias = npt.NDArray[np.float64]

def check_environment() -> None: ...
def cpu_info() -> dict[str, Any]: ...
def select_isa(name: str) -> str: ...
def set_threads(threads: object) -> int: ...
@overload
def price(
    right: int | str,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    vol: float,
    *,
    dividend_yield: float = 0.0,
    exercise: str = "european",
    dividends: None = None,
    out: None = None,
    threads: int | None = None,
) -> float: ...
@overload
def price(
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
    out: _Doubles | None = None,
    threads: int | None = None,
) -> _Doubles: ...
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
    order: int = 1,
    out: _Doubles | None = None,
    threads: int | None = None,
) -> _Doubles | tuple[float, ...]: ...
@overload
def implied_vol(
    price: float,
    right: int | str,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    *,
    dividend_yield: float = 0.0,
    exercise: str = "european",
    dividends: None = None,
    full_output: Literal[False] = False,
    out: None = None,
    threads: int | None = None,
) -> float: ...
@overload
def implied_vol(
    price: npt.ArrayLike,
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: str = "european",
    dividends: None = None,
    full_output: Literal[False] = False,
    out: _Doubles | None = None,
    threads: int | None = None,
) -> _Doubles: ...
@overload
def implied_vol(
    price: npt.ArrayLike,
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: str = "european",
    dividends: None = None,
    full_output: Literal[True],
    out: _Doubles | None = None,
    threads: int | None = None,
) -> tuple[_Doubles, npt.NDArray[np.uint8]]: ...
