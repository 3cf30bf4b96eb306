"""The configuration of this process: read at its first use, then the same until it is read again.

Main entries: `configured`, `current`, `reload`, `using`. Light to import: what validates is imported when there is
something to validate.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atalanta.config.asking import require_askable
from atalanta.config.listening import Change, Listener, Listeners, told_back
from atalanta.config.search import files_present
from atalanta.config.variables import set_by_environment
from atalanta.errors import InputError

if TYPE_CHECKING:
    from atalanta.config.loading import Loaded
    from atalanta.config.model import Config

__all__ = ["Change", "asked", "configured", "current", "forget", "on_change", "reload", "request", "using"]


@dataclass(eq=False)
class _Frame:
    """What holds, unless a `using` lies above it."""

    asked: dict[str, Any] = field(default_factory=dict)
    loaded: Loaded | None = None
    # of one that was reloaded beneath a `using`: what listeners were told of it last
    heard: Loaded | None = None


@dataclass
class _Process:
    lock: threading.RLock = field(default_factory=threading.RLock)
    # held by a reload until its listeners were told: none of them hears of two in the wrong order
    turn: threading.RLock = field(default_factory=threading.RLock)
    frames: list[_Frame] = field(default_factory=lambda: [_Frame()])  # the last one holds
    files: bool | None = None


_process, _listeners = _Process(), Listeners()


def _renew_locks() -> None:
    """In a forked process: who held them is not here."""
    _process.lock, _process.turn = threading.RLock(), threading.RLock()
    _listeners.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


def configured() -> Config | None:
    """The configuration where anything sets one; None where all is as the package has it.

    Rooms ask this: without a file and without a variable, nothing is imported and little is looked at.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    loaded = _process.frames[-1].loaded
    if loaded is not None:
        return loaded.value
    return current().value if _anything_set() else None


def _anything_set() -> bool:
    if _process.frames[-1].asked or set_by_environment():
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
        frame = _process.frames[-1]
        if frame.loaded is None:
            from atalanta.config.loading import load

            frame.loaded = load(**frame.asked)
        return frame.loaded


def request(
    *, file: Path | str | None = None, profile: str | None = None, overrides: Mapping[str, Any] | None = None
) -> None:
    """Say what the command line asks for, as `load` takes it; read at the next use.

    Raises:
        InputError: an argument of another kind.
    """
    require_askable(file, profile, overrides)
    wanted = {"file": file, "profile": profile, "overrides": overrides}
    with _process.lock:
        frame = _process.frames[-1]
        frame.asked = {name: value for name, value in wanted.items() if value}
        frame.loaded = None


def asked() -> dict[str, Any]:
    """What `request` was told last."""
    with _process.lock:
        return dict(_process.frames[-1].asked)


def forget() -> None:
    """Read everything anew at the next use, as a new process would; what `request` asked for is forgotten too.

    Rooms that have read the configuration keep what they read. The values of a `using` around it are gone.
    """
    with _process.lock:
        _process.frames, _process.files = [_Frame()], None


def reload() -> Change | None:
    """Read everything again and put what may change in a running process into force, all of it at once.

    Options that are not reloadable keep their value and are named in `Change.pending`. Listeners are told after
    the new configuration is in force. One that raises refuses it: the configuration before is in force again, and
    whoever was told hears of the way back. Within `using` the values given there stay the strongest, and what else
    was reloaded holds after the block too.

    Returns:
        What changed; None where nothing did.

    Raises:
        ConfigError: the new configuration cannot be used; the one in force stays.
        ExceptionGroup: a listener refused it; the one in force stays.
    """
    with _process.turn:
        with _process.lock:
            # All of them are read before one is put into force.
            found = [(frame, change) for frame in _process.frames if (change := _reread(frame)) is not None]
            top = _process.frames[-1]
            for frame, change in found:
                if frame is not top:
                    frame.loaded, frame.heard = change.after, frame.heard or change.before
        change = next((one for frame, one in found if frame is top), None)
        if change is not None:
            _put_into_force(top, change, found)
    return change


def _reread(frame: _Frame) -> Change | None:
    from atalanta.config.reloading import compared, load, unset

    if frame.loaded is not None:
        return compared(frame.loaded, load(**frame.asked))
    if frame is _process.frames[0] and _told_nothing():
        return compared(unset(), load(**frame.asked))
    if frame is _process.frames[-1]:
        current()
    return None  # nobody has read it: it is not old


def _told_nothing() -> bool:
    """Whether rooms heard that nothing is set: a file of today is then a change."""
    first = _process.frames[0]
    return first.loaded is None and _process.files is False and not first.asked


def _put_into_force(frame: _Frame, change: Change, with_it: list[tuple[_Frame, Change]]) -> None:
    """Let a change hold and tell of it; where a listener refuses, neither it nor what was read with it holds."""
    frame.loaded = change.after
    refusal, told = _listeners.tell(change)
    if refusal is None:
        return
    with _process.lock:
        for other, one in with_it:
            if other.loaded is one.after:
                other.loaded = one.before
    errors = told_back(change, told)
    if not isinstance(refusal, Exception):
        raise refusal
    words = "[config.reload] a listener refused the change; the configuration before stays in force"
    raise ExceptionGroup(words, [refusal, *errors])


def catch_up() -> None:
    """Have a configuration in force, and the rooms know it.

    Raises:
        ConfigError: it cannot be used.
        ExceptionGroup: what a listener raised.
    """
    with _process.turn:
        if _told_nothing():
            reload()
        current()


def on_change(listener: Listener, key: str = "") -> Callable[[], None]:
    """Call a function after every reload that changes an option, or one beneath that key.

    It takes what `Change.after` says, or raises, which refuses the change: it and those before it are then told the
    way back, a `Change` with `before` and `after` exchanged.

    Returns:
        A function that ends it.

    Raises:
        InputError: no function, or a key that is no text.
    """
    if not callable(listener):
        raise InputError(f"[config.on_change] {listener!r} is no function; give one that takes a Change")
    if not isinstance(key, str):
        raise InputError(f"[config.on_change] key is {key!r}; it must be an option's, or '' for all")
    return _listeners.add(listener, key)


@contextmanager
def using(overrides: Mapping[str, Any]) -> Iterator[Loaded]:
    """Let other values hold in this process within the block, for tests and experiments.

    Rooms that read the configuration once, as the buffer pool at its import, keep what they have. After a reload
    within the block listeners hear, at its end, of what the files now say of the options that it had covered.

    Args:
        overrides: values by key, as `{"buffers.limit": "64MiB"}`, stronger than all else.

    Raises:
        ConfigError: they cannot be used; nothing changes.
        InputError: no mapping by key.
        ExceptionGroup: at the end, after a reload: a listener refused it.
    """
    from atalanta.config.loading import load

    require_askable(overrides=overrides)
    with _process.lock:
        beneath = _process.frames[-1].asked
        stronger = {**beneath, "overrides": {**beneath.get("overrides", {}), **overrides}}
        frame = _Frame(stronger, load(**stronger))
        _process.frames.append(frame)
    assert frame.loaded is not None
    try:
        yield frame.loaded
    finally:
        _end(frame)


def _end(frame: _Frame) -> None:
    """Of a `using`: what lies beneath it holds again."""
    with _process.lock:
        if frame in _process.frames:  # else everything was forgotten meanwhile
            _process.frames.remove(frame)
        if _process.frames[-1].heard is None:
            return
    from atalanta.config.reloading import compared

    with _process.turn:
        with _process.lock:
            top = _process.frames[-1]
            heard, top.heard = top.heard, None
        change = None if heard is None or top.loaded is None else compared(heard, top.loaded)
        if change is not None:
            _put_into_force(top, change, [(top, change)])
