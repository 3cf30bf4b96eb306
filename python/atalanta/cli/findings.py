"""What the doctor finds beside the machine, a section each. Main entries: `Finding`, `find_devices`, `FINDERS`.

A section is made once and shown twice, at the terminal and as JSON. A room that has something to tell adds its
function to `FINDERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from atalanta import config
from atalanta.cli.route import routing_facts
from atalanta.compute.devices import Device, devices
from atalanta.compute.router import default_router

__all__ = ["FINDERS", "Finding", "find_configuration", "find_devices", "find_routing"]


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
    router = default_router()
    known = router.as_dict()
    document = {
        name: known[name] for name in ("calibration", "pins", "thresholds", "deterministic", "targets")
    }
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


#: In the order in which they are shown.
FINDERS: tuple[Callable[[], Finding], ...] = (find_devices, find_routing, find_configuration)


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
