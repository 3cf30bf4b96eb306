"""What a new configuration may change in a running process. Main entry: `compared`."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from atalanta.config.contradictions import contradictions
from atalanta.config.listening import Change
from atalanta.config.loading import Loaded, assembled, load
from atalanta.config.model import Config
from atalanta.config.options import field_at, flattened, is_marked
from atalanta.config.problems import ConfigError, Problem
from atalanta.config.sources import Request, said
from atalanta.config.variables import NATIVE

__all__ = ["compared", "load", "unset"]

Key = tuple[str, ...]
_GONE = object()


def compared(before: Loaded, fresh: Loaded) -> Change | None:
    """The change from one to the other, with what is not reloadable left as it was; None where nothing differs.

    Raises:
        ConfigError: what may change contradicts what may not.
    """
    old, new = flattened(before.value), flattened(fresh.value)
    differing = [key for key in dict.fromkeys([*old, *new]) if old.get(key, _GONE) != new.get(key, _GONE)]
    if not differing:
        return None
    pending = [key for key in differing if not _reloadable(key)]
    after = fresh if not pending else _mixed(before, fresh, pending)
    taken = tuple(".".join(key) for key in differing if key not in pending)
    return Change(taken, tuple(".".join(key) for key in pending), before, after)


def unset() -> Loaded:
    """What holds where nothing is set: the defaults, and the variables that the kernels follow by themselves."""
    native = {name: text for name in NATIVE if (text := os.environ.get(name))}
    return assembled(list(said(Request(), native)), None)


def _reloadable(key: Key) -> bool:
    field = field_at(key)
    return field is not None and is_marked(field, "reloadable")


def _mixed(before: Loaded, fresh: Loaded, pending: list[Key]) -> Loaded:
    """The new configuration with some options as they were, checked again."""
    value = fresh.value
    for key in pending:
        value = _with(value, before.value, key)
    clashes = [
        Problem(str(fresh.origin(".".join(key))), ".".join(key), f"{what}, until the next start", got)
        for key, what, got in contradictions(value)
    ]
    if clashes:
        raise ConfigError(clashes)
    held = {".".join(key) for key in pending}
    origins = {key: origin for key, origin in fresh.origins.items() if key not in held}
    origins |= {key: origin for key, origin in before.origins.items() if key in held}
    return replace(fresh, value=value, origins=origins)


def _with(into: Config, source: Config, key: Key) -> Config:
    """`into` with the first option or mapping on the way to `key` that is no section taken from `source`."""
    section, option = key[0], key[1]
    changed: Any = getattr(into, section).model_copy(
        update={option: getattr(getattr(source, section), option)}
    )
    return into.model_copy(update={section: changed})
