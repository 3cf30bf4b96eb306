"""The configuration of this process: read at its first use, then the same until it is read again.

Main entries: `configured`, `current`, `reload`, `on_change`. Light to import: what validates is imported when there
is something to validate.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atalanta.config.search import files_present
from atalanta.config.variables import set_by_environment

if TYPE_CHECKING:
    from atalanta.config.loading import Loaded
    from atalanta.config.model import Config

__all__ = ["Change", "asked", "configured", "current", "forget", "on_change", "reload", "request", "using"]


@dataclass(frozen=True)
class Change:
    """What a reload brought.

    Attributes:
        keys: options that have another value now, as `machine.threads`.
        pending: options that were changed and are not reloadable: they keep their value until the next start.
        before: the configuration before.
        after: the one in force now.
    """

    keys: tuple[str, ...]
    pending: tuple[str, ...]
    before: Loaded
    after: Loaded

    def touches(self, key: str) -> bool:
        """Whether an option, or one beneath that key, has another value now."""
        return any(one == key or one.startswith(f"{key}.") for one in self.keys)


Listener = Callable[[Change], None]


@dataclass
class _Process:
    lock: threading.RLock = field(default_factory=threading.RLock)
    # held by a reload until its listeners were told: none of them hears of two in the wrong order
    turn: threading.RLock = field(default_factory=threading.RLock)
    loaded: Loaded | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    files: bool | None = None
    listeners: list[tuple[str, Listener]] = field(default_factory=list)


_process = _Process()


def _renew_locks() -> None:
    """In a forked process: who held them is not here."""
    _process.lock, _process.turn = threading.RLock(), threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


def configured() -> Config | None:
    """The configuration where anything sets one; None where all is as the package has it.

    Rooms ask this: without a file and without a variable, nothing is imported and little is looked at.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    loaded = _process.loaded
    if loaded is not None:
        return loaded.value
    return current().value if _anything_set() else None


def _anything_set() -> bool:
    if _process.asked or set_by_environment():
        return True
    if _process.files is None:
        _process.files = files_present()
    return _process.files


def current() -> Loaded:
    """The configuration of this process with the origin of every value; read at the first call.

    Raises:
        ConfigError: with all that is wrong with it.
    """
    with _process.lock:
        if _process.loaded is None:
            from atalanta.config.loading import load

            _process.loaded = load(**_process.asked)
        return _process.loaded


def request(
    *, file: Path | str | None = None, profile: str | None = None, overrides: Mapping[str, Any] | None = None
) -> None:
    """Say what the command line asks for, as `load` takes it; read at the next use."""
    wanted = {"file": file, "profile": profile, "overrides": overrides}
    with _process.lock:
        _process.asked = {name: value for name, value in wanted.items() if value}
        _process.loaded = None


def asked() -> dict[str, Any]:
    """What `request` was told last."""
    with _process.lock:
        return dict(_process.asked)


def forget() -> None:
    """Read everything anew at the next use, as a new process would; what `request` asked for is forgotten too.

    Rooms that have read the configuration keep what they read.
    """
    with _process.lock:
        _process.loaded = _process.files = None
        _process.asked = {}


def reload() -> Change | None:
    """Read everything again and put what may change in a running process into force, all of it at once.

    Options that are not reloadable keep their value and are named in `Change.pending`. Listeners are told after
    the new configuration is in force.

    Returns:
        What changed; None where nothing did.

    Raises:
        ConfigError: the new configuration cannot be used; the one in force stays.
        ExceptionGroup: what listeners raised, after all were told.
    """
    from atalanta.config.reloading import compared, load, unset

    with _process.turn:
        with _process.lock:
            before = unset() if _told_nothing() else current()
            change = compared(before, load(**_process.asked))
            if change is None:
                return None
            _process.loaded = change.after
            listeners = list(_process.listeners)
        _tell(change, listeners)
    return change


def _told_nothing() -> bool:
    """Whether rooms heard that nothing is set: a file of today is then a change."""
    return _process.loaded is None and _process.files is False and not _process.asked


def catch_up() -> None:
    """Have a configuration in force, and the rooms know it.

    Raises:
        ConfigError: it cannot be used.
        ExceptionGroup: what listeners raised.
    """
    with _process.turn:
        if _told_nothing():
            reload()
        current()


def _tell(change: Change, listeners: list[tuple[str, Listener]]) -> None:
    errors = []
    for key, listener in listeners:
        if key and not change.touches(key):
            continue
        try:
            listener(change)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are told, and it is raised
            errors.append(error)
    if errors:
        raise ExceptionGroup("[config.reload] listeners failed; the new configuration is in force", errors)


def on_change(listener: Listener, key: str = "") -> Callable[[], None]:
    """Call a function after every reload that changes an option, or one beneath that key.

    Returns:
        A function that ends it.
    """
    entry = (key, listener)
    with _process.lock:
        _process.listeners.append(entry)

    def end() -> None:
        with _process.lock:
            if entry in _process.listeners:
                _process.listeners.remove(entry)

    return end


@contextmanager
def using(overrides: Mapping[str, Any]) -> Iterator[Loaded]:
    """Let other values hold in this process within the block, for tests and experiments.

    Rooms that read the configuration once, as the buffer pool at its import, keep what they have.

    Args:
        overrides: values by key, as `{"buffers.limit": "64MiB"}`, stronger than all else.

    Raises:
        ConfigError: they cannot be used; nothing changes.
    """
    from atalanta.config.loading import load

    with _process.lock:
        before, asked_before = _process.loaded, _process.asked
        stronger = {**asked_before, "overrides": {**asked_before.get("overrides", {}), **overrides}}
        loaded = _process.loaded = load(**stronger)
        _process.asked = stronger
    try:
        yield loaded
    finally:
        with _process.lock:
            _process.loaded, _process.asked = before, asked_before
