"""What the router knows, told. Main entries: `explanation`, `knowledge`, `without_nan`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from atalanta.compute.devices import OPERATIONS
from atalanta.compute.router.decision import Crossover, Decision, Explanation, Prediction
from atalanta.compute.router.table import TargetTable
from atalanta.compute.router.targets import Target
from atalanta.compute.router.workloads import WORKLOADS

__all__ = ["explanation", "knowledge", "without_nan"]

_NS = 1e9
_P99 = 2.326  # standard deviations
_LARGEST_DOUBLING = 32


def explanation(
    table: TargetTable,
    operation: str,
    work: int,
    tolerance: float | None,
    residency: str | None,
    decision: Decision,
    pinned: str | None = None,
) -> Explanation:
    """A decision with what is known of every target, where the choice changes, and whether a pin is followed."""
    name = table.operation_name(operation)
    limit = table.default_tolerance(name) if tolerance is None else tolerance
    predictions = [
        _prediction(table, name, place, target, work, limit, residency == "device")
        for place, target in table.admitted(name)
    ]
    predictions.sort(key=lambda one: math.inf if math.isnan(one.seconds) else one.seconds)
    return Explanation(
        name,
        WORKLOADS[name].kind,
        work,
        limit,
        OPERATIONS[name].measure,
        decision,
        tuple(predictions),
        tuple(_crossovers(table, name, limit, residency)),
        pinned,
        "" if pinned in (None, decision.target) else _why_not(table, name, pinned, limit, predictions),
    )


def _why_not(
    table: TargetTable, operation: str, pinned: str, limit: float, predictions: Sequence[Prediction]
) -> str:
    """Why a pin is not followed, and what would mend it where that is known."""
    target = table.targets[table.place(pinned)]
    state = target.device.availability()
    if not state.available:
        return state.reason + (f" ({state.mend})" if state.mend else "")
    error = target.errors[operation]
    if error > limit:
        return f"its error {error:.2g} is beyond the tolerance {limit:.2g}"
    if any(one.target == pinned and not one.usable for one in predictions):
        return "it failed and is in quarantine"
    return "it is being made ready"


def _prediction(
    table: TargetTable, operation: str, place: int, target: Target, work: int, limit: float, on_device: bool
) -> Prediction:
    known = table.core.prediction(table.operation(operation), place, work, on_device)
    seconds = known["ns"] / _NS
    return Prediction(
        target.name,
        seconds,
        seconds * math.exp(_P99 * known["spread"]),
        known["calibrated_ns"] / _NS,
        known["error"],
        known["error"] <= limit,
        known["usable"],
        known["samples"],
    )


def _crossovers(table: TargetTable, operation: str, limit: float, residency: str | None) -> list[Crossover]:
    found: list[Crossover] = []
    before: str | None = None
    for quarter in range(4 * _LARGEST_DOUBLING):
        work = math.ceil(2.0 ** (quarter / 4))
        after = table.core.decide(operation, work, tolerance=limit, residency=residency).target
        if before is not None and after != before:
            found.append(Crossover(work, before, after))
        before = after
    return found


def knowledge(table: TargetTable, operation: str) -> dict[str, Any]:
    """Predicted seconds of an operation on every target, from 4 to 4^12 elements."""
    curves = {}
    for place, target in table.admitted(operation):
        works = [4**power for power in range(1, 13)]
        known = [table.core.prediction(table.operation(operation), place, work) for work in works]
        curves[target.name] = {
            "error": target.errors[operation],
            "work": works,
            "seconds": [one["ns"] / _NS for one in known],
            "samples": known[0]["samples"],
        }
    return curves


def without_nan(value: Any) -> Any:
    """The value with None for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {str(name): without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
