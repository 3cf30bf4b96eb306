"""What keeps answering while parts fail: `Policy`, `Breaker`, and what they are made of.

Names are imported when first used: a breaker needs none of the policies.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atalanta._core import Answer
    from atalanta.reliability.breaker import Alternatives, Breaker
    from atalanta.reliability.chains import Plan, chain
    from atalanta.reliability.events import (
        BreakerChanged,
        Event,
        Failed,
        FellBack,
        Hedged,
        Hook,
        Refused,
        Retried,
        collecting,
        set_hooks,
    )
    from atalanta.reliability.fallbacks import Cache, Fallback
    from atalanta.reliability.policy import Policy
    from atalanta.reliability.settings import PRESETS, BreakerSettings, Hedge, Retry, preset
    from atalanta.reliability.timing import remaining

_MODULE_OF = {
    "Alternatives": "reliability.breaker",
    "Answer": "_core",
    "Breaker": "reliability.breaker",
    "BreakerChanged": "reliability.events",
    "BreakerSettings": "reliability.settings",
    "Cache": "reliability.fallbacks",
    "Event": "reliability.events",
    "Failed": "reliability.events",
    "Fallback": "reliability.fallbacks",
    "FellBack": "reliability.events",
    "Hedge": "reliability.settings",
    "Hedged": "reliability.events",
    "Hook": "reliability.events",
    "PRESETS": "reliability.settings",
    "Plan": "reliability.chains",
    "Policy": "reliability.policy",
    "Refused": "reliability.events",
    "Retried": "reliability.events",
    "Retry": "reliability.settings",
    "chain": "reliability.chains",
    "collecting": "reliability.events",
    "preset": "reliability.settings",
    "remaining": "reliability.timing",
    "set_hooks": "reliability.events",
}

__all__ = [
    "PRESETS",
    "Alternatives",
    "Answer",
    "Breaker",
    "BreakerChanged",
    "BreakerSettings",
    "Cache",
    "Event",
    "Failed",
    "Fallback",
    "FellBack",
    "Hedge",
    "Hedged",
    "Hook",
    "Plan",
    "Policy",
    "Refused",
    "Retried",
    "Retry",
    "chain",
    "collecting",
    "preset",
    "remaining",
    "set_hooks",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'atalanta.reliability' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"atalanta.{_MODULE_OF[name]}"), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return list(__all__)
