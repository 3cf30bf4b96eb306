"""Who hears of a change: all of them take it, or it does not happen. Main entries: `Change`, `Listeners`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atalanta.config.loading import Loaded

__all__ = ["Change", "Listener", "Listeners", "told_back"]


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

    def reversed(self) -> Change:
        """The way back."""
        return replace(self, pending=(), before=self.after, after=self.before)


Listener = Callable[[Change], None]


class Listeners:
    """Functions by the key of what they follow, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: tuple[tuple[str, Listener], ...] = ()

    def add(self, listener: Listener, key: str) -> Callable[[], None]:
        """Call it after changes of that key; returns a function that ends it."""
        entry = (key, listener)
        with self._lock:
            self._entries = (*self._entries, entry)

        def end() -> None:
            with self._lock:
                self._entries = tuple(one for one in self._entries if one is not entry)

        return end

    def renew_lock(self) -> None:
        """In a forked process: who held it is not here."""
        self._lock = threading.Lock()

    def tell(self, change: Change) -> tuple[BaseException | None, list[Listener]]:
        """Each in turn, up to one that refuses: what that raised, and who was told, the one that refused among them."""
        told: list[Listener] = []
        for key, listener in self._entries:
            if key and not change.touches(key):
                continue
            told.append(listener)
            try:
                listener(change)
            except BaseException as error:  # noqa: BLE001 - given back, and raised by who told them
                return error, told
        return None, told


def told_back(change: Change, told: Iterable[Listener]) -> list[Exception]:
    """Tell them the way back, the last one first; what they raised."""
    back, errors = change.reversed(), list[Exception]()
    for listener in reversed(list(told)):
        try:
            listener(back)
        except Exception as error:  # noqa: BLE001 - nobody is left out for another's mistake
            errors.append(error)
    return errors
