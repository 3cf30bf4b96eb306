"""How a stream runs: budgets, conflation, watermarks, sizes. Main entries: `Budget`, `StreamSettings`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from atalanta.errors import InputError

__all__ = ["Budget", "Conflation", "Executor", "Forwards", "OnMiss", "StreamSettings", "Watermarks"]

OnMiss = Literal["mark_late", "drop", "conflate", "degrade", "halt"]
Conflation = Literal["never", "unsequenced", "quotes"]
#: `fitted`: those of European expiries again from their quotes, by put-call parity. `carried`: in proportion to the price
#: that ticks, from what the universe says.
Forwards = Literal["fitted", "carried"]
#: `inline`: whoever pushes runs the stages. Use when one thread feeds the stream and can spare the time; the least latency.
#: `pinned`: a thread that never rests, on a processor of its own. Use when a processor is free for it.
#: `hybrid`: a thread that looks for work for a while, then sleeps until it is woken. Use in all other cases.
Executor = Literal["inline", "pinned", "hybrid"]

_ORIGIN = "streaming.StreamSettings"
_LONGEST, _FURTHEST = 3600.0, 3600.0
_NAMES = ("market_data", "pricing", "risk")
_MOST_RING = 1 << 24


def _seconds(name: str, value: Any) -> int:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    usable = number and math.isfinite(value)
    if not usable or not 1e-9 <= value <= _LONGEST:
        raise InputError(f"[{_ORIGIN}] {name} is {value!r}; it must be seconds above 0, at most {_LONGEST:g}")
    return max(1, round(1e9 * float(value)))


def _move(name: str, value: Any) -> None:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not 1e-9 <= value <= _FURTHEST:
        raise InputError(f"[{_ORIGIN}] {name} is {value!r}; it must be above 0, at most {_FURTHEST:g}")


def _count(name: str, value: Any, most: int = _MOST_RING) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not 1 <= value <= most:
        raise InputError(f"[{_ORIGIN}] {name} is {value!r}; it must be a whole number from 1 to {most}")
    return int(value)


def _word(name: str, value: str, among: tuple[str, ...]) -> str:
    if value not in among:
        raise InputError(f"[{_ORIGIN}] {name} is {value!r}; it must be one of {', '.join(among)}")
    return value


@dataclass(frozen=True)
class Budget:
    """How long after its intended time an event may leave a stage, and what happens when it does not.

    Args:
        seconds: above 0.
        on_miss: `mark_late` (its result says so), `drop` (late when the stage begins: left out, and counted), `conflate`
            (only the latest of each key counts until the stream keeps up again), `degrade` (late when the stage
            begins: a cheaper method, which its result says; pricing has one, market data where it fits forwards, which
            it then leaves as they are, risk where the stream has scenarios), `halt` (the stream stops).
    """

    seconds: float
    on_miss: OnMiss = "mark_late"


@dataclass(frozen=True)
class Watermarks:
    """How many events may wait.

    From `conflate` on only the latest quote of each key counts, until no more than `normal` wait; from `shed` on quotes
    of contracts that no position needs are dropped, until no more than `unshed` wait.
    """

    conflate: int = 1024
    normal: int = 64
    shed: int = 49_152
    unshed: int = 16_384


@dataclass(frozen=True)
class StreamSettings:
    """Everything that can be set of a stream; the defaults suit one listed underlying on one core.

    Args:
        market_data, pricing, risk: budgets of the stages, all from the intended time of the event.
        conflation: which quotes may give way to a later one of their key: none, those without a sequence number, or all.
            Trades never do.
        always_conflate: within every batch, and not only beyond the watermark.
        watermarks: see `Watermarks`; they must fit the ring.
        ring: events that each producer can be ahead.
        batch: events that are taken together while all is well.
        stages: how many of the three run, from the first on.
        stale_after: seconds after which a quote, or the price of the underlying, is flagged.
        spin: of the executor `hybrid`, seconds before it sleeps.
        stall: a longer gap, in seconds, is a stall of the operating system.
        refresh_after, refresh_vol, refresh_spot: American contracts are solved exactly again after so many seconds of
            market time, or so far (vol as a decimal, spot as a fraction) from the last solve.
        forwards: `fitted` or `carried`; American expiries' are carried in any case. See `Stream.forwards`.
        forward_after: the forward of an expiry is fitted at most every so many seconds of market time.
    """

    market_data: Budget = field(default_factory=lambda: Budget(100e-6))
    pricing: Budget = field(default_factory=lambda: Budget(500e-6))
    risk: Budget = field(default_factory=lambda: Budget(1e-3))
    conflation: Conflation = "unsequenced"
    always_conflate: bool = False
    watermarks: Watermarks = field(default_factory=Watermarks)
    ring: int = 65_536
    batch: int = 128
    stages: int = 3
    stale_after: float = 5.0
    spin: float = 50e-6
    stall: float = 50e-6
    refresh_after: float = 1.0
    refresh_vol: float = 0.005
    refresh_spot: float = 0.01
    forwards: Forwards = "fitted"
    forward_after: float = 0.1

    def native(self) -> dict[str, Any]:
        """What the engine is given.

        Raises:
            InputError: a value out of range.
        """
        budgets = []
        for name in _NAMES:
            budget = getattr(self, name)
            if not isinstance(budget, Budget):
                raise InputError(f"[{_ORIGIN}] {name} is {budget!r}; it must be a Budget(seconds, on_miss)")
            _word(f"{name}.on_miss", budget.on_miss, get_args(OnMiss))
            budgets.append((_seconds(f"{name}.seconds", budget.seconds), budget.on_miss))
        marks = self.watermarks
        if not isinstance(marks, Watermarks):
            raise InputError(f"[{_ORIGIN}] watermarks is {marks!r}; it must be Watermarks(...)")
        if not isinstance(self.always_conflate, bool | np.bool_):
            raise InputError(
                f"[{_ORIGIN}] always_conflate is {self.always_conflate!r}; it must be True or False"
            )
        for name in ("refresh_vol", "refresh_spot"):
            _move(name, getattr(self, name))
        return {
            "budgets": budgets,
            "conflate": _word("conflation", self.conflation, get_args(Conflation)),
            "conflate_always": bool(self.always_conflate),
            "stages": _count("stages", self.stages, 3),
            "ring": _count("ring", self.ring),
            "batch": _count("batch", self.batch, 4096),
            "stale_after_ns": _seconds("stale_after", self.stale_after),
            "spin_ns": _seconds("spin", self.spin),
            "stall_ns": _seconds("stall", self.stall),
            "refresh_after_ns": _seconds("refresh_after", self.refresh_after),
            "refresh_vol": float(self.refresh_vol),
            "refresh_spot": float(self.refresh_spot),
            "fit_forwards": _word("forwards", self.forwards, get_args(Forwards)) == "fitted",
            "forward_after_ns": _seconds("forward_after", self.forward_after),
            "conflate_at": _count("watermarks.conflate", marks.conflate),
            "normal_at": _count("watermarks.normal", marks.normal),
            "shed_at": _count("watermarks.shed", marks.shed),
            "unshed_at": _count("watermarks.unshed", marks.unshed),
        }
