"""What a device is, what the operations are, and how a guarantee is stated. Main entries: `Device`, `OPERATIONS`.

A guarantee holds for every finished row: a row that a device cannot take within it is finished by the CPU
kernels before `run` returns, or is NaN where it has no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy.typing as npt

from atalanta.errors import InputError

__all__ = [
    "OPERATIONS",
    "Availability",
    "Capability",
    "Device",
    "Format",
    "Operation",
    "Result",
    "operation",
    "require",
]

#: What `run` gives: one evaluated array, or a tuple of them where the operation says so.
Result = npt.NDArray[Any] | tuple[npt.NDArray[Any], ...]


class Operation(NamedTuple):
    """A named operation: its arrays in order, its results, and what its error is measured by."""

    name: str
    arrays: tuple[str, ...]
    results: str
    #: what `tolerance` and `Format.error` count, the same on every device
    measure: str


_CONTRACT = ("spot", "strike", "years", "rate")
_OPTION = ("right", *_CONTRACT, "vol", "dividend_yield")
_BEYOND = ", beyond what 4 units in the last place of each input move it by"
_SUM_MEASURE = "error of a sum of products per sum of its |terms| and per number of them"

#: Every operation by name. Columns broadcast to one shape (...); right is +1 for a call, -1 for a put.
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        one.name: one
        for one in (
            Operation(
                "price", _OPTION, "(...) float64", f"error per unit of the larger of spot and price{_BEYOND}"
            ),
            Operation(
                "greeks",
                _OPTION,
                "(7, ...) float64: the columns of order 1 in the order of pricing.GREEK_NAMES",
                "error of a column per unit of its scale: as price for price; 1 for delta; 1 / (spot vol sqrt(years)) "
                "for gamma; spot sqrt(years) for vega; spot vol / sqrt(years) + |rate| strike + |yield| spot for "
                f"theta; strike years for rho; spot years for phi{_BEYOND}",
            ),
            Operation(
                "implied_vol",
                ("price", "right", *_CONTRACT, "dividend_yield"),
                "(...) float64 vols and (...) uint8 statuses, see pricing.ImpliedVolStatus",
                f"relative error of a vol{_BEYOND}",
            ),
            Operation("matmul", ("a", "b"), "(m, n) of (m, k) and (k, n)", _SUM_MEASURE),
            Operation("add", ("a", "b"), "(...)", "error per |a| + |b|"),
            Operation("multiply", ("a", "b"), "(...)", "relative error"),
            Operation("exp", ("a",), "(...)", "relative error per max(1, |a|)"),
            Operation("dot", ("a", "b"), "(1,) of (k,) and (k,)", _SUM_MEASURE),
            Operation(
                "similarity",
                ("queries", "corpus", "k"),
                "(m, k) inner products, largest first, and (m, k) int64 rows of the corpus, of (m, d) and (n, d)",
                _SUM_MEASURE,
            ),
            Operation("inference", ("inputs",), "the outputs of a model", "relative error of an output"),
        )
    }
)


class Availability(NamedTuple):
    """Whether a device can run here, why, and what would mend it where it cannot."""

    available: bool
    #: what it is, or why it is not there
    reason: str
    #: what to do so that it is there; empty where nothing can be done or need be
    mend: str = ""


class Format(NamedTuple):
    """An arithmetic in which a device runs an operation, and the error it guarantees there.

    Results are float64 in every format.
    """

    name: str  #: "float64", "double_single" (a pair of float32) or "float32"
    error: float  #: in the operation's measure


class Capability(NamedTuple):
    """What a device does of one operation: its formats, quickest first."""

    formats: tuple[Format, ...]

    @property
    def error(self) -> float:
        """The least error that is guaranteed."""
        return min(one.error for one in self.formats)

    def format_for(self, tolerance: float | None) -> Format | None:
        """The quickest format within the tolerance; the most accurate one without a tolerance."""
        if tolerance is None:
            return min(self.formats, key=lambda one: one.error)
        return next((one for one in self.formats if one.error <= tolerance), None)


@runtime_checkable
class Device(Protocol):
    """Something that runs operations on NumPy arrays and gives NumPy arrays back, evaluated."""

    @property
    def name(self) -> str:
        """The name that `device()` knows it by."""
        ...

    @property
    def automatic(self) -> bool:
        """Whether it may be chosen by itself; the emulation may not."""
        ...

    def availability(self) -> Availability:
        """Whether it can run here. Looked at once, then remembered; imports what it must, starts nothing."""
        ...

    def capabilities(self) -> Mapping[str, Capability]:
        """What it does, by operation; the same whether it is available or not."""
        ...

    def run(self, operation: str, *arrays: npt.ArrayLike, tolerance: float | None = None) -> Result:
        """Run one operation.

        Args:
            operation: a name in `OPERATIONS`.
            arrays: as that operation lists them.
            tolerance: largest error, in the operation's measure; None for the best this device has.

        Returns:
            What the operation lists, float64 unless it says otherwise: arrays of their own, never lazy.

        Raises:
            InputError: an unknown operation, one this device lacks, a tolerance below what it guarantees,
                the wrong number of arrays, or arrays that do not fit.
            DeviceError: the device is not available, or failed.
        """
        ...


def operation(name: str, origin: str) -> Operation:
    """The operation of that name.

    Raises:
        InputError: there is none.
    """
    try:
        return OPERATIONS[name]
    except (KeyError, TypeError):
        raise InputError(
            f"[{origin}] operation is {name!r}; it must be one of {', '.join(OPERATIONS)}"
        ) from None


def require(device: Device, name: str, count: int, tolerance: float | None) -> Format:
    """The format in which `device` runs a call, after every check that needs no array.

    Raises:
        InputError: as `Device.run`.
    """
    origin = f"compute.{device.name}"
    wanted, capability = operation(name, origin), device.capabilities().get(name)
    if capability is None:
        able = ", ".join(device.capabilities()) or "none"
        raise InputError(
            f"[{origin}] does not do {name!r}; it does {able}. Choose another device for {name!r}"
        )
    if count != len(wanted.arrays):
        raise InputError(
            f"[{origin}] {name} got {count} arrays; it takes {len(wanted.arrays)}: {', '.join(wanted.arrays)}"
        )
    check_tolerance(tolerance, origin)
    chosen = capability.format_for(tolerance)
    if chosen is None:
        raise InputError(
            f"[{origin}] tolerance is {tolerance!r}; for {name} this device guarantees {capability.error:g} "
            f"({wanted.measure}). Ask for that or more, or choose a device with a smaller error"
        )
    return chosen


def check_tolerance(tolerance: Any, origin: str) -> None:
    """Refuse a tolerance that is neither None nor a positive number.

    Raises:
        InputError: it is not.
    """
    if tolerance is None:
        return
    if isinstance(tolerance, bool) or not isinstance(tolerance, Real) or not float(tolerance) > 0.0:
        raise InputError(f"[{origin}] tolerance is {tolerance!r}; it must be a number above 0, or None")
