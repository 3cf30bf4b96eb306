"""What the environment says, without reading a file or importing a validator. Main entries: `set_by_environment`, `PREFIX`.

`ATALANTA_BUFFERS__LIMIT=64MiB` sets buffers.limit; the variables in `NAMED` are older names of some options.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "CONFIG",
    "NAMED",
    "NATIVE",
    "OTHERS",
    "PREFIX",
    "PROFILE",
    "set_by_environment",
    "unknown_variables",
]

PREFIX = "ATALANTA_"
#: One file in place of the search; the profile.
CONFIG, PROFILE = "ATALANTA_CONFIG", "ATALANTA_PROFILE"

#: Options with a variable of their own.
NAMED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ATALANTA_THREADS": ("machine", "threads"),
        "ATALANTA_ISA": ("machine", "isa"),
        "ATALANTA_CALIBRATION": ("router", "calibration"),
        "ATALANTA_DETERMINISTIC": ("router", "deterministic"),
        "ATALANTA_ROUTE": ("router", "pins"),
        "ATALANTA_THRESHOLDS": ("router", "thresholds"),
    }
)

#: Variables that are no options.
OTHERS = frozenset({CONFIG, PROFILE, "ATALANTA_DEBUG", "ATALANTA_EAGER_IMPORT"})

#: The kernels follow these by themselves, and a file cannot outvote them: alone they are no reason to load anything.
NATIVE = frozenset({"ATALANTA_THREADS", "ATALANTA_ISA"})
_NO_REASON = NATIVE | OTHERS - {CONFIG, PROFILE}


def set_by_environment(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a variable sets an option, names a file or a profile."""
    return any(
        name.startswith(PREFIX)
        and name not in _NO_REASON
        and ("__" in name or name in NAMED or name in OTHERS)
        and environment[name] != ""
        for name in environment
    )


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Variables with our prefix that nothing reads."""
    known = {*NAMED, *OTHERS}
    return sorted(
        name for name in environment if name.startswith(PREFIX) and "__" not in name and name not in known
    )
