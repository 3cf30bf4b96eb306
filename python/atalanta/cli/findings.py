"""What the doctor finds beside the machine, a section each. Main entries: `Finding`, `FINDERS`.

A section is made once and shown twice, at the terminal and as JSON. A room that has something to tell adds its
function to `FINDERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from atalanta import buffers, config
from atalanta.buffers import TagStatistics
from atalanta.cli.route import routed_analysis, routing_facts, settled
from atalanta.compute.devices import Device, devices

__all__ = ["FINDERS", "Finding", "find_configuration", "find_devices", "find_memory", "find_routing"]


@dataclass(frozen=True)
class Finding:
    """One section: its heading, its name in the JSON document, what is said of each thing, and plain data."""

    heading: str
    key: str
    facts: tuple[tuple[str, str], ...]
    document: Any


def find_devices() -> Finding:
    """Every device: whether it is there, why, how to get it, and what it guarantees."""
    known = devices()
    return Finding(
        "Devices",
        "devices",
        tuple((one.name, _state(one)) for one in known),
        [_document(one) for one in known],
    )


def find_routing() -> Finding:
    """Where what the router knows of this machine is from, and what the user decided."""
    router = settled()
    known = router.as_dict()
    document = {
        name: known[name]
        for name in ("calibration", "pending", "pins", "thresholds", "deterministic", "targets")
    }
    document["analysis"] = routed_analysis(router)
    return Finding("Routing", "routing", tuple(routing_facts(router)), document)


def find_configuration() -> Finding:
    """What somebody set, and who."""
    loaded = config.current()
    said = {key: (value, str(origin)) for key, value, origin in loaded.items() if origin.source != "default"}
    facts = [(key, f"{_said(value)}: {origin}") for key, (value, origin) in said.items()]
    document = {key: {"value": value, "origin": origin} for key, (value, origin) in said.items()}
    return Finding(
        "Configuration", "configuration", tuple(facts) or (("options", "nobody set one"),), document
    )


def _said(value: object) -> str:
    return "null" if value is None else str(value)


def find_memory() -> Finding:
    """What the process's pool holds, what it may, and which operations have memory from it."""
    now = buffers.statistics()
    document = {
        name: getattr(now, name)
        for name in ("held_bytes", "live_bytes", "cached_bytes", "cap_bytes", "limit_bytes", "fallbacks")
    }
    document["tags"] = {name: _use(tag) for name, tag in now.tags.items()}
    limit = "no limit" if now.limit_bytes is None else f"limit {_bytes(now.limit_bytes)}"
    held = f"holds {_bytes(now.held_bytes)}, {_bytes(now.live_bytes)} of it in use; {limit}"
    if now.fallbacks:
        held += f"; at its limit {now.fallbacks:,} times, the system served those"
    served = [f"{name or 'untagged'} {tag.acquires:,}" for name, tag in now.tags.items() if tag.acquires]
    facts = (("pool", held), ("blocks", ", ".join(served) or "none so far in this process"))
    return Finding("Memory", "memory", facts, document)


#: In the order in which they are shown.
FINDERS: tuple[Callable[[], Finding], ...] = (
    find_devices,
    find_routing,
    find_memory,
    find_configuration,
)


def _bytes(count: int) -> str:
    if 0 < count < 1 << 10:
        return f"{count} bytes"
    if 0 < count < 1 << 20:
        return f"{count / (1 << 10):,.1f} KiB"
    return f"{count / (1 << 20):,.1f} MiB"


def _use(tag: TagStatistics) -> dict[str, int]:
    names = ("acquires", "misses", "live_bytes", "high_water_bytes", "fallbacks")
    return {name: getattr(tag, name) for name in names}


def _state(one: Device) -> str:
    state = one.availability()
    if not state.available:
        return f"not available: {state.reason}" + (f" ({state.mend})" if state.mend else "")
    guarantees = ", ".join(
        f"{name} {capability.error:g}"
        for name, capability in one.capabilities().items()
        if name in ("price", "greeks", "implied_vol", "matmul")
    )
    return f"{state.reason}; guaranteed errors: {guarantees}"


def _document(one: Device) -> dict[str, Any]:
    state = one.availability()
    return {
        "name": one.name,
        "available": state.available,
        "reason": state.reason,
        "mend": state.mend,
        "automatic": one.automatic,
        "guarantees": {
            name: {each.name: each.error for each in capability.formats}
            for name, capability in one.capabilities().items()
        },
    }
