"""What a caller may ask of the configuration. Main entry: `require_askable`. Light to import."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from atalanta.errors import InputError

__all__ = ["require_askable"]


def require_askable(file: Any = None, profile: Any = None, overrides: Any = None) -> None:
    """Refuse what is of another kind; whether it can be used is seen when it is read.

    Raises:
        InputError: which, and what it must be.
    """
    if file is not None and not isinstance(file, str | os.PathLike):
        raise InputError(f"[config] file is {file!r}; it must be a path, or None")
    if profile is not None and not isinstance(profile, str):
        raise InputError(f"[config] profile is {profile!r}; it must be a name, or None")
    if overrides is not None and not (
        isinstance(overrides, Mapping) and all(isinstance(key, str) for key in overrides)
    ):
        raise InputError(
            f"[config] overrides is {overrides!r}; it must be a mapping by key, as {{'buffers.limit': '64MiB'}}"
        )
