"""The configuration: one value, checked as a whole, of which every part knows where it was set.

    from atalanta import config

    loaded = config.current()              # files, environment and command line; read once
    loaded.value.buffers.limit             # bytes, or None
    loaded.origin("buffers.limit")         # atalanta.yaml:4:3
    with config.using({"machine.threads": 2}):
        ...                                # for this process, until the block ends

Rooms ask `configured()`, which is None, and imports nothing, where no file and no variable says anything.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from atalanta.config.process import (
    Change,
    configured,
    current,
    forget,
    on_change,
    reload,
    request,
    using,
)

if TYPE_CHECKING:
    from atalanta.config.loading import Loaded, Origin, load
    from atalanta.config.model import Config
    from atalanta.config.problems import ConfigError, Problem
    from atalanta.config.watching import ConfigWarning, Watcher

__all__ = [
    "Change",
    "Config",
    "ConfigError",
    "ConfigWarning",
    "Loaded",
    "Origin",
    "Problem",
    "Watcher",
    "configured",
    "current",
    "forget",
    "load",
    "on_change",
    "reload",
    "request",
    "using",
]

_HOME_OF = {
    "Config": "model",
    "ConfigError": "problems",
    "ConfigWarning": "watching",
    "Loaded": "loading",
    "Origin": "loading",
    "Problem": "problems",
    "Watcher": "watching",
    "load": "loading",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'atalanta.config' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"atalanta.config.{_HOME_OF[name]}"), name)
    globals()[name] = value  # the next use finds it without coming here
    return value


def __dir__() -> list[str]:
    return list(__all__)
