"""For tests of what must keep working while parts fail: a clock, virtual time, a simulator, a fault proxy.

Names are imported when first used. Nothing of the package imports this.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atalanta.testing.clock import FakeClock, no_waiting
    from atalanta.testing.proxy import FaultProxy
    from atalanta.testing.simulator import (
        InjectedFault,
        Outage,
        Report,
        Scenario,
        simulate,
    )
    from atalanta.testing.virtual_time import VirtualTimeLoop, run_in_virtual_time

_MODULE_OF = {
    "FakeClock": "clock",
    "FaultProxy": "proxy",
    "InjectedFault": "simulator",
    "Outage": "simulator",
    "Report": "simulator",
    "Scenario": "simulator",
    "VirtualTimeLoop": "virtual_time",
    "no_waiting": "clock",
    "run_in_virtual_time": "virtual_time",
    "simulate": "simulator",
}

__all__ = [
    "FakeClock",
    "FaultProxy",
    "InjectedFault",
    "Outage",
    "Report",
    "Scenario",
    "VirtualTimeLoop",
    "no_waiting",
    "run_in_virtual_time",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'atalanta.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"atalanta.testing.{_MODULE_OF[name]}"), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return list(__all__)
