"""What deciding costs: a native decision, and a routed call beside the plain one. Main entries: `decision_ns`, `call_costs`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from timeit import Timer
from typing import Any

import numpy as np

from atalanta import pricing
from atalanta.compute import Router, default_router, valuation

__all__ = ["CallCost", "call_costs", "decision_ns"]

_ROUNDS = 31
_DECISIONS = 500  # rounds of 1,024
_PAIRS, _ROUND_S = 1000, 2e-4


@dataclass(frozen=True)
class CallCost:
    """A call without the router, the least of all rounds, and what routing adds, the median over pairs of rounds.

    A hundred nanoseconds are one per cent of some calls: the least of each alone differ by as much from run to run.
    """

    call: str
    plain_ns: float
    added_ns: float


def decision_ns(router: Router) -> float:
    """One native decision in a loop over sizes in no order: the least of several runs."""
    router.begin()
    core = router._core
    place = core.operation_index("price", "bench")
    return min(core.time_decisions(place, _DECISIONS) for _ in range(_ROUNDS))


def call_costs() -> list[CallCost]:
    """Numbers, and columns below and above the sizes from which the router is asked, on one thread.

    A single thread and not the pool: waking the pool's threads is the work's cost and not the decision's.
    """
    router = default_router()
    before = {name: router.pin(name, "cpu:one") for name in ("price", "greeks", "implied_vol")}
    try:
        return [
            *(_cost(name, plain, routed) for name, plain, routed in _number_calls()),
            *(
                _cost(name, plain, routed)
                for rows in (100, 2_000)
                for name, plain, routed in _column_calls(rows)
            ),
        ]
    finally:
        for name, target in before.items():
            router.pin(name, target)


def _number_calls() -> list[tuple[str, Any, Any]]:
    option = "('call', 100.0, 105.0, 0.5, 0.03, 0.2)"
    quote = "(4.2, 'call', 100.0, 105.0, 0.5, 0.03)"
    return [
        (
            f"{name}, numbers",
            Timer(f"f{given}", globals={"f": plain}),
            Timer(f"f{given}", globals={"f": routed}),
        )
        for name, given, plain, routed in (
            ("price", option, pricing.price, valuation.price),
            ("implied_vol", quote, pricing.implied_vol, valuation.implied_vol),
        )
    ]


def _column_calls(rows: int) -> list[tuple[str, Any, Any]]:
    strike = np.linspace(80.0, 120.0, rows)

    def timer(function: Callable[..., Any]) -> Timer:
        return Timer("f('call', 100.0, k, 0.5, 0.03, 0.2)", globals={"f": function, "k": strike})

    return [
        (f"price, {rows:,} rows", timer(pricing.price), timer(valuation.price)),
        (f"greeks, {rows:,} rows", timer(pricing.greeks), timer(valuation.greeks)),
    ]


def _cost(name: str, plain: Timer, routed: Timer) -> CallCost:
    repeats = max(1, round(_ROUND_S / max(plain.timeit(100) / 100, 1e-9)))
    pairs = []
    for turn in range(_PAIRS):
        order = (plain, routed) if turn % 2 else (routed, plain)
        taken = {timer: timer.timeit(repeats) / repeats * 1e9 for timer in order}
        pairs.append((taken[plain], taken[routed]))
    return CallCost(name, min(one for one, _ in pairs), median(other - one for one, other in pairs))
