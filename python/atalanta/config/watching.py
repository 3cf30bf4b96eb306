"""Reloads the configuration when a file of it changes. Main entry: `Watcher`."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from atalanta.config.problems import ConfigError
from atalanta.config.process import asked, catch_up, reload
from atalanta.config.sources import Request, paths
from atalanta.config.units import seconds
from atalanta.errors import InputError

__all__ = ["ConfigWarning", "Watcher"]

Stamps = dict[Path, tuple[int, int, int]]
#: A file that two looks this far apart find the same is no longer being written; how often it is looked again.
_SETTLE_SECONDS, _MOST_SETTLING = 0.05, 40


class ConfigWarning(UserWarning):
    """A changed file cannot be used; the configuration before stays in force."""


class Watcher:
    """Looks at the files every so often, on a thread of its own, and reloads when one appeared, changed or went.

    A file is read when it has stopped changing for a twentieth of a second, and one that cannot be used is read twice
    before it is told: whoever writes slowly is not taken at half a word. It is told once for each change of the file.
    A change that a listener refuses is told once and tried again at each look, until it is taken or the file changes.

        with config.Watcher(every="1s"):
            serve()

    Args:
        every: time between two looks, as `"1s"`, or seconds.
        on_error: told what went wrong; without it a `ConfigWarning`.

    Raises:
        InputError: `every` is no time above 0.
    """

    def __init__(self, every: float | str = 1.0, on_error: Callable[[Exception], None] | None = None) -> None:
        if on_error is not None and not callable(on_error):
            raise InputError(f"[config.Watcher] on_error is {on_error!r}; it must be a function, or None")
        self._every, self._on_error = _interval(every), on_error or _warn
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen = _stamps()  # before they are read: what changes meanwhile is seen at the next look
        self._refused = ""  # what a listener said of the files as they are
        try:
            catch_up()
        except ExceptionGroup as error:
            self._refused = _words(error)
            self._on_error(error)

    def __enter__(self) -> Self:
        if self._thread is not None:
            raise InputError("[config.Watcher] it is watching already; make another one")
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="atalanta-config", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def look(self) -> bool:
        """Look now; whether a file had changed."""
        seen = _stamps()
        if seen == self._seen:
            if self._refused:
                self._reload()
            return False
        self._seen, self._refused = self._settled(seen), ""
        self._reload()
        return True

    def _settled(self, seen: Stamps) -> Stamps:
        """What the files are once they have stopped changing."""
        for _ in range(_MOST_SETTLING):
            if self._stop.wait(_SETTLE_SECONDS) or (again := _stamps()) == seen:
                break
            seen = again
        return seen

    def _reload(self, again: bool = True) -> None:
        try:
            reload()
        except ConfigError as error:
            if again:  # perhaps the second half is still to come
                self._stop.wait(_SETTLE_SECONDS)
                self._seen = self._settled(_stamps())
                self._reload(again=False)
            else:
                self._on_error(error)
        except ExceptionGroup as error:
            if _words(error) != self._refused:
                self._refused = _words(error)
                self._on_error(error)
        else:
            self._refused = ""

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - told as any thread's, and it goes on looking
                kind, trace = type(error), error.__traceback__
                threading.excepthook(threading.ExceptHookArgs((kind, error, trace, self._thread)))


def _interval(every: Any) -> float:
    try:
        wanted = seconds(every) if isinstance(every, str) else every
        if not isinstance(wanted, bool) and 0 < wanted < threading.TIMEOUT_MAX:
            return float(wanted)
        told = ""
    except (TypeError, ValueError) as error:
        told = f" ({error})" if isinstance(every, str) else ""
    raise InputError(
        f"[config.Watcher] every={every!r}: give a time above 0, such as '1s', or a number of seconds{told}"
    )


def _words(error: ExceptionGroup[Exception]) -> str:
    return "; ".join(map(str, error.exceptions))


def _stamps() -> Stamps:
    found = {}
    plain, of_profile = paths(_request(), os.environ)
    for path in (*plain, *of_profile):
        try:
            state = os.stat(path)
        except OSError:
            continue
        found[path] = (state.st_mtime_ns, state.st_size, state.st_ino)
    return found


def _request() -> Request:
    given = asked()
    file = given.pop("file", None)
    return Request(Path(file) if file else None, **given)


def _warn(error: Exception) -> None:
    told = _words(error) if isinstance(error, ExceptionGroup) else str(error)
    warnings.warn(told, ConfigWarning, stacklevel=2)
