"""Reloads the configuration when a file of it changes. Main entry: `Watcher`."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from atalanta.config.problems import ConfigError
from atalanta.config.process import asked, catch_up, reload
from atalanta.config.sources import Request, paths
from atalanta.errors import InputError

__all__ = ["ConfigWarning", "Watcher"]

Stamps = dict[Path, tuple[int, int, int]]


class ConfigWarning(UserWarning):
    """A changed file cannot be used; the configuration before stays in force."""


class Watcher:
    """Looks at the files every so often, on a thread of its own, and reloads when one appeared, changed or went.

    A file that cannot be used leaves the configuration as it is; it is told once for each change of the file.

        with config.Watcher(every=1.0):
            serve()

    Args:
        every: seconds between two looks.
        on_error: told what went wrong; without it a `ConfigWarning`.

    Raises:
        InputError: `every` is no number of seconds above 0.
    """

    def __init__(self, every: float = 1.0, on_error: Callable[[Exception], None] | None = None) -> None:
        try:
            usable = 0 < every < threading.TIMEOUT_MAX
        except TypeError:
            usable = False
        if not usable:
            raise InputError(f"[config.Watcher] every={every!r}: give a number of seconds above 0")
        self._every, self._on_error = every, on_error or _warn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="atalanta-config", daemon=True)
        self._seen = _stamps()  # before they are read: what changes meanwhile is seen at the next look
        try:
            catch_up()
        except ExceptionGroup as error:
            self._on_error(error)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> bool:
        """Look now; whether a file had changed."""
        seen = _stamps()
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            reload()
        except (ConfigError, ExceptionGroup) as error:
            self._on_error(error)
        return True

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - told as any thread's, and it goes on looking
                kind, trace = type(error), error.__traceback__
                threading.excepthook(threading.ExceptHookArgs((kind, error, trace, self._thread)))


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
    warnings.warn(str(error), ConfigWarning, stacklevel=2)
