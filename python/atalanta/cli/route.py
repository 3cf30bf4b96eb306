"""`atalanta route`: where operations run on this machine, and why. Main entries: `explain`, `print_explanation`.

Curves are drawn as text, one letter for each target, the choice in capitals.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from atalanta.cli.route_plot import LARGEST_DOUBLING, curve_plot, seconds_text
from atalanta.cli.screen import print_bullets, print_facts, print_heading, print_table
from atalanta.compute.router import Explanation, Router, default_router
from atalanta.errors import InputError

__all__ = [
    "Route",
    "curve_plot",
    "explain",
    "overview",
    "print_explanation",
    "print_overview",
    "refuse_lone_tolerance",
    "routed_analysis",
    "routing_facts",
    "settled",
]

_MOST_WORK = 1 << 40
#: For devices beyond the CPU: the import of their library, the compilation of their kernels and the measurement.
_PATIENCE_S = 30.0
#: Without a word about it.
_QUIET_S = 1.0
_CHAIN_ROWS = 20_000
#: What the CPU does alone.
_UNROUTED = {
    "price": "American exercise or cash dividends",
    "implied_vol": "American exercise or cash dividends",
    "greeks": "American exercise, cash dividends or Greeks of order 2 and 3",
}


@dataclass(frozen=True)
class Route:
    """An explanation and what is drawn beside it: seconds by target at growing sizes; and devices not ready yet."""

    explanation: Explanation
    works: tuple[int, ...]
    curves: dict[str, tuple[float, ...]]
    pending: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """In plain types, for JSON."""
        return {
            **self.explanation.as_dict(),
            "pending": self.pending,
            "curves": {"work": self.works, "seconds": self.curves},
        }


def settled(router: Router | None = None) -> Router:
    """The router of this machine with every device measured that is there; half a minute is enough for that, or has to be."""
    router = default_router() if router is None else router
    pending = router.wait(_QUIET_S)
    if pending:
        if sys.stderr.isatty():
            print(f"measuring {', '.join(pending)}, {_PATIENCE_S:.0f} s at most", file=sys.stderr)
        router.wait(_PATIENCE_S - _QUIET_S)
    return router


def explain(operation: str, work: int, tolerance: float | None, router: Router | None = None) -> Route:
    """Ask the router of this machine, whose devices are measured where they were not.

    Raises:
        InputError: an unknown operation, a size that is none, a tolerance that no device meets.
    """
    if not 0 <= work <= _MOST_WORK:
        raise InputError(
            f"[cli.route] --explain {operation} {work}: give a whole number from 0 to {_MOST_WORK:,}"
        )
    if tolerance is not None and not tolerance > 0.0:
        raise InputError(f"[cli.route] --tolerance {tolerance:g}: give a number above 0")
    router = settled(router)
    explanation = router.explain(operation, work, tolerance=tolerance)
    works = tuple(2**power for power in range(4, LARGEST_DOUBLING + 1))
    curves = {
        one.target: tuple(router.predict(operation, one.target, size) for size in works)
        for one in explanation.predictions
        if one.admitted and not math.isnan(one.seconds)
    }
    return Route(explanation, works, curves, router.pending)


def refuse_lone_tolerance(tolerance: float | None) -> None:
    """Raise where a tolerance is given and no operation is to be explained: each measures its error in its own way.

    Raises:
        InputError: it would be followed by nothing.
    """
    if tolerance is not None:
        raise InputError(
            f"[cli.route] --tolerance {tolerance:g} is of one operation: add --explain OP N, or leave it out"
        )


def overview(router: Router | None = None) -> dict[str, Any]:
    """Everything that decides on this machine."""
    return settled(router).as_dict()


def print_explanation(console: Console, route: Route) -> None:
    """Print the decision, every target's predicted time, and the curves with their crossovers."""
    told = route.explanation
    print_heading(console, f"{told.operation}, {told.work:,} elements")
    facts = [
        ("runs on", f"{told.decision.target}: {_reason(told)}"),
        ("predicted", seconds_text(told.decision.seconds)),
        ("tolerance", f"{told.tolerance:.2g} ({told.measure})"),
        ("class", told.kind),
    ]
    print_facts(console, facts)
    print_heading(console, "Targets")
    print_table(
        console,
        ("target", "predicted", "p99", "calibrated", "error", "samples", ""),
        [_row(one) for one in told.predictions],
        left=1,
        gap=1,
        text_last=True,
        spare=("samples", "calibrated", "p99"),
    )
    if route.pending:
        print_bullets(console, [f"{name}: {words}" for name, words in _not_ready(route.pending)])
    print_heading(console, "Crossovers")
    for line in curve_plot(route, width=max(40, min(console.width, 100))):
        console.print(line)
    print_bullets(
        console,
        [f"from {work:,} elements on {after} instead of {before}" for work, before, after in told.crossovers]
        or [f"{told.decision.target} at every size"],
    )
    if told.operation in _UNROUTED and any(one.target == "cpu:pool" for one in told.predictions):
        print_bullets(console, [f"rows with {_UNROUTED[told.operation]}: the CPU, not routed"])


def _reason(told: Explanation) -> str:
    if told.not_followed:
        return _unfollowed_pin(told)
    return {
        "fastest": f"{', '.join(told.quicker)} is not clearly quicker"
        if told.quicker
        else "the least predicted time",
        "only": "nothing else does it here",
        "prior": "nothing is measured yet; the built-in threshold decides",
        "threshold": "your threshold",
        "pinned": "pinned by you",
        "accuracy": "a quicker target does not meet the tolerance",
        "health": "a quicker target failed and is in quarantine",
        "device": "the device asked for",
        "deadline": "the likeliest to keep the deadline",
    }.get(told.decision.reason, told.decision.reason)


def _not_ready(pending: tuple[str, ...]) -> list[tuple[str, str]]:
    """Devices take turns: what is said of each that the patience of a command did not reach."""
    return [
        (name, "not looked for yet" if place else "still being measured")
        for place, name in enumerate(pending)
    ]


def _row(one: Any) -> tuple[str, ...]:
    notes = []
    if not one.admitted:
        notes.append("not accurate enough")
    if not one.usable:
        notes.append("in quarantine")
    if math.isnan(one.seconds):
        notes.append("not measured")
    return (
        one.target,
        seconds_text(one.seconds),
        seconds_text(one.seconds_p99),
        seconds_text(one.calibrated_seconds),
        f"{one.error:.1e}",
        f"{one.samples:,}",
        ", ".join(notes),
    )


def print_overview(console: Console, router: Router | None = None) -> None:
    """Print where each operation runs, by size, and what that is known from."""
    router = settled(router)
    print_heading(console, "Routing")
    print_facts(console, routing_facts(router))
    print_heading(console, "Operations, at the CPU's accuracy")
    print_table(console, ("operation", "class", "where"), _by_size(router), left=2, gap=1, text_last=True)


def _by_size(router: Router) -> list[tuple[str, str, str]]:
    rows = []
    for name in router.operations:
        try:
            told = router.explain(name, 1)
        except InputError:
            rows.append((name, "", "no device here does it"))
            continue
        steps = [told.decision.target, *(f"{after} from {work:,}" for work, _, after in told.crossovers)]
        where = ", ".join(steps)
        rows.append((name, told.kind, f"{where}; {_unfollowed_pin(told)}" if told.not_followed else where))
    return rows


def _unfollowed_pin(told: Explanation) -> str:
    return f"pinned to {told.pinned}, not followed: {told.not_followed}"


def routed_analysis(router: Router) -> dict[str, str]:
    """Where the analysis of a chain of 20,000 European rows has its implied vols and Greeks computed."""
    try:
        return {name: router.decide(name, _CHAIN_ROWS).target for name in ("implied_vol", "greeks")}
    except InputError:  # a router of devices that do no options
        return {}


def routing_facts(router: Router) -> list[tuple[str, str]]:
    """Where what is known is from, and what the user decided."""
    facts = []
    for name, state in router.calibrations.items():
        text = {"file": f"read from {state.path}", "measured": f"measured in {1e3 * state.seconds:.0f} ms"}[
            state.source
        ]
        kept = (
            f", kept in {state.path}" if state.source == "measured" and state.path and not state.note else ""
        )
        facts.append((f"calibration of {name}", f"{text}{kept}; {state.curves} curves"))
        if state.note:
            facts.append(("", state.note))
    facts += [(f"calibration of {name}", words) for name, words in _not_ready(router.pending)]
    known = router.as_dict()
    pins = ", ".join(f"{name}={target}" for name, target in known["pins"].items())
    thresholds = ", ".join(f"{name}={work:,}" for name, work in known["thresholds"].items())
    facts.append(("pinned", pins or "nothing (ATALANTA_ROUTE pins)"))
    facts.append(("thresholds", thresholds or "as measured (ATALANTA_THRESHOLDS sets them)"))
    facts.append(("learning", "off: deterministic" if known["deterministic"] else "on, by timing some calls"))
    analysis = ", ".join(f"{name} {target}" for name, target in routed_analysis(router).items())
    if analysis:
        facts.append(
            (f"analyze, {_CHAIN_ROWS:,} rows", f"{analysis}; American exercise and cash dividends cpu:pool")
        )
    failed = [f"{one['name']} {one['failures']} times" for one in known["targets"] if one["failures"]]
    if failed:
        facts.append(("failures", ", ".join(failed)))
    return facts
