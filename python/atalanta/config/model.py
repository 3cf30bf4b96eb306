"""Every option, its type, its limits and what it is for. Main entry: `Config`.

A value cannot be changed and an unknown key is an error. What an option is when nobody sets it stands in
defaults.py; only a breaker of the user's own is filled up from here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from atalanta.config.units import duration_text, size_text
from atalanta.config.values import (
    AmericanTolerance,
    BreakerName,
    Bytes,
    Count,
    Frozen,
    Given,
    Guard,
    Number,
    Seconds,
    Text,
    Truth,
    between,
)

__all__ = [
    "ArrayOperation",
    "Bench",
    "BreakerSettings",
    "Buffers",
    "Config",
    "Devices",
    "Machine",
    "Market",
    "OperationName",
    "Reliability",
    "Router",
]

ArrayOperation = Literal[
    "matmul",
    "add",
    "multiply",
    "exp",
    "dot",
    "similarity",
    "inference",
    # and the classes, which stand for all of theirs
    "matrix",
    "vector",
    "transcendental",
    "search",
]
OperationName = Literal["price", "greeks", "implied_vol", "pricing", ArrayOperation]
DeviceName = Literal["cpu", "gpu", "neural_engine"]

_TIB, _HOUR = 1 << 40, 3600.0
_Size = Annotated[Bytes, between(1, _TIB, size_text)]
_Time = Annotated[Seconds, between(1e-3, 24 * _HOUR, duration_text)]
_Calls = Annotated[Count, Field(le=1_000_000)]
#: The native router counts elements in 64 bits.
_Elements = Annotated[Count, Field(le=(1 << 64) - 1)]
_Share = Annotated[Number, Field(gt=0, le=1)]
_Rate = Annotated[Number, Field(ge=-1, le=1)]


def _option(what: str, use_when: str, **more: Any) -> Any:
    """A field with its description; `reloadable` when a running process may take a new value."""
    marks: dict[str, Any] = {"reloadable": True} if more.pop("reloadable", False) else {}
    if more.pop("path", False):
        marks["format"] = "path"  # a relative one is taken from the folder of the file that names it
    return Field(description=f"{what} Use when {use_when}.", json_schema_extra=marks, **more)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Machine(_Section):
    """What of this machine the kernels use."""

    threads: Annotated[Count, Field(le=1024)] | None = _option(
        "Threads of large batches; null for one per processor that the process may use.",
        "several processes share the machine, or a container counts processors it does not get",
        reloadable=True,
    )
    isa: Text | None = _option(
        "Instruction set of the kernels; null for the widest that the processor runs.",
        "results of machines are compared, or a wide set slows down what runs beside it",
    )


class Buffers(_Section):
    """The buffer pool of the process, `atalanta.buffers.default_pool`."""

    limit: _Size | None = _option(
        "Bytes of live blocks beyond which acquiring fails or waits; null for no limit.",
        "other programs need their share of memory",
        reloadable=True,
    )
    guard: Guard = _option(
        "Blocks that are watched for writes beyond their end and after release: off, full, or one in n.",
        "memory is overwritten and nobody knows by whom",
    )


class Devices(_Section):
    """What may be computed on."""

    allowed: Annotated[tuple[DeviceName, ...], Field(min_length=1)] = _option(
        "Devices that the router may use; cpu is always one.",
        "a GPU belongs to somebody else",
    )


class Router(_Section):
    """Where operations run."""

    calibration: Text | None = _option(
        "The calibration file; null for one in the user's cache folder.",
        "the home folder is read-only, or several machines share it",
        path=True,
    )
    deterministic: Truth = _option(
        "Whether decisions follow calibration alone: no learning, no tries.",
        "two runs must take the same way",
    )
    pins: Given[OperationName, Text] = _option(
        "Device or target on which an operation, or all of a class, runs; null lifts a pin of another file.",
        "you know better than what was measured",
        reloadable=True,
    )
    thresholds: Given[OperationName, _Elements] = _option(
        "Elements from which an operation, or all of a class, leaves one thread; null lifts one.",
        "calibration cannot see what else the machine is for",
        reloadable=True,
    )
    tolerances: Given[ArrayOperation, Annotated[Number, Field(gt=0)]] = _option(
        "Largest error, in the operation's measure, of array operations in calls that name none; null lifts one.",
        "less than the CPU's accuracy is enough, so that a GPU may be chosen",
    )


class Market(_Section):
    """What `analyze` and the command line take where a call says nothing."""

    rate: _Rate | None = _option(
        "Continuously compounded interest rate, 0.05 for 5 %; null takes the discount from put-call parity.",
        "chains have too few pairs of quotes to tell it",
        reloadable=True,
    )
    borrow: _Rate | None = _option(
        "Continuous cost of borrowing the share a year, for every underlying; null for none known.",
        "all that is analysed is as dear to borrow",
        reloadable=True,
    )
    tolerance: AmericanTolerance = _option(
        "Of American prices: fast, standard, precise, or the error for a strike of 100.",
        "time matters more than the last digit, or the digit more",
        reloadable=True,
    )


class Bench(_Section):
    """What `atalanta bench` measures where its options say nothing."""

    sizes: Annotated[tuple[Annotated[Count, Field(le=10_000_000)], ...], Field(min_length=1)] = _option(
        "Rows per batch call.", "your batches have another size"
    )
    against: tuple[Text, ...] = _option(
        "Peers measured in the same run.", "the same ones are compared every time"
    )


class BreakerSettings(_Section):
    """When a circuit breaker opens, and for how long.

    It opens when `failures` follow one another within `window`, or when the ratio of failed or slow calls within
    `window` is reached.
    """

    failures: Annotated[Count, Field(le=1024)] = _option(
        "Failures in a row that open it.", "a dependency fails in pairs that mean nothing", default=5
    )
    window: _Time = _option(
        "Time within which they must fall; also that of the ratios.",
        "calls are rarer or more frequent than here",
        default=30.0,
    )
    open_for: _Time = _option(
        "Time it stays open before the first probe.",
        "the dependency takes that long to restart",
        default=30.0,
    )
    max_open: _Time | None = _option(
        "Longest time it stays open after probes that failed; null for 8 times open_for.",
        "a dependency is away for hours, or must be tried more often",
        default=None,
    )
    ratio: _Share | None = _option(
        "Share of failed calls that opens it as well; null for failures in a row alone.",
        "many calls fail, but never in a row",
        default=0.5,
    )
    min_calls: _Calls = _option(
        "Calls within the window before a ratio counts.", "traffic is thin", default=20
    )
    slow: _Time | None = _option(
        "A call that takes longer counts as slow; null for never.",
        "a late answer is as bad as none",
        default=None,
    )
    slow_ratio: _Share = _option(
        "Share of slow calls that opens it.", "some calls may be slow, and slow is set", default=0.5
    )
    probes: _Calls = _option(
        "Calls let through at a time while it is half-open.", "one call says too little", default=1
    )
    close_after: _Calls = _option(
        "Probes that must succeed before it closes.", "a dependency returns for a moment only", default=1
    )


class Reliability(_Section):
    """What happens when something that is depended on fails."""

    breakers: Frozen[BreakerName, BreakerSettings] = _option(
        "Circuit breakers by the name of what they guard: gpu_compute, database, market_data, and your own.",
        "a dependency needs other patience than its preset has",
    )


class Config(_Section):
    """The configuration of Atalanta."""

    machine: Machine
    buffers: Buffers
    devices: Devices
    router: Router
    market: Market
    bench: Bench
    reliability: Reliability
