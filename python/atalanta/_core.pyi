"""Types of the extension; checked against it by stubtest."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from atalanta.pricing.dividends import Dividends, DividendsLike, Schedule

_Doubles: TypeAlias = npt.NDArray[np.float64]
_Exercise: TypeAlias = Literal["european", "american"]
_Tolerance: TypeAlias = Literal["fast", "standard", "precise"] | float

def check_environment() -> None: ...
def cpu_info() -> dict[str, Any]: ...
def select_isa(name: str) -> str: ...
def set_threads(threads: object) -> int: ...
def check_options(origin: str, options: Sequence[npt.ArrayLike]) -> None: ...
def split_column(column: _Doubles, width: int) -> npt.NDArray[np.float32]: ...
def join_pairs(pairs: npt.NDArray[np.float32]) -> _Doubles: ...
def gpu_header() -> str: ...
def gpu_kernels() -> list[dict[str, Any]]: ...
def emulate_kernel(
    name: str, layout: npt.NDArray[np.int32], columns: Sequence[npt.NDArray[np.float32]]
) -> npt.NDArray[np.float32]: ...

class Schedules:
    def __init__(self, schedules: Sequence[Schedule]) -> None: ...
    @property
    def longest(self) -> int: ...
    def pairs(self) -> tuple[tuple[tuple[float, float], ...], ...]: ...
    def after(self, years: float) -> Schedules: ...
    def __len__(self) -> int: ...

class Ladders:
    def __init__(
        self,
        right: npt.ArrayLike,
        spot: npt.ArrayLike,
        strike: npt.ArrayLike,
        years: npt.ArrayLike,
        rate: npt.ArrayLike,
        vol: npt.ArrayLike,
        *,
        dividend_yield: npt.ArrayLike,
        exercise: _Exercise,
        dividends: DividendsLike,
        tolerance: _Tolerance,
        threads: int | None,
    ) -> None: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def spots(self) -> tuple[Any, Any]: ...
    @property
    def exercised(self) -> tuple[Any, Any]: ...
    def at(self, spot: npt.ArrayLike) -> tuple[Any, Any, Any, Any]: ...

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
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
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
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    out: _Doubles | None = None,
    threads: int | None = None,
) -> _Doubles: ...
@overload
def greeks(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: None = None,
    tolerance: _Tolerance = "standard",
    order: int = 1,
    out: _Doubles | None = None,
    threads: int | None = None,
) -> _Doubles | tuple[float, ...]: ...
@overload
def greeks(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: Schedule | Dividends,
    tolerance: _Tolerance = "standard",
    order: int = 1,
    out: _Doubles | None = None,
    threads: int | None = None,
) -> tuple[_Doubles | tuple[float, ...], _Doubles]: ...
@overload
def greeks(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    order: int = 1,
    out: _Doubles | None = None,
    threads: int | None = None,
) -> _Doubles | tuple[float, ...] | tuple[_Doubles | tuple[float, ...], _Doubles]: ...
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
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    start: float | None = None,
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
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    start: npt.ArrayLike | None = None,
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
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    start: npt.ArrayLike | None = None,
    full_output: Literal[True],
    out: _Doubles | None = None,
    threads: int | None = None,
) -> tuple[_Doubles, npt.NDArray[np.uint8]]: ...
def early_exercise(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    threads: int | None = None,
) -> tuple[Any, ...]: ...
def exercise_boundary(
    right: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    remaining: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    threads: int | None = None,
) -> tuple[Any, Any]: ...
