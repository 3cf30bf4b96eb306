"""What answers in the place of a call that failed. Main entries: `Fallback`, `Cache`."""

from __future__ import annotations

import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from atalanta.errors import InputError
from atalanta.reliability.checks import number, text, whole

__all__ = ["Cache", "Fallback", "can_be_awaited", "is_awaited", "named_steps"]


def is_awaited(function: Callable[..., Any]) -> bool:
    """Whether it is a coroutine function, or an object whose `__call__` is one."""
    kind: Any = type(function)
    return any(
        inspect.iscoroutinefunction(one) or _is_generator_based(one) for one in (function, kind.__call__)
    )


def _is_generator_based(function: Any) -> bool:
    """Whether it is a generator function that `types.coroutine` has made awaitable."""
    while isinstance(function, partial):
        function = function.func
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def can_be_awaited(value: object) -> bool:
    """Whether `await` takes it."""
    return inspect.isawaitable(value)


@dataclass(frozen=True, slots=True)
class Fallback:
    """A function that takes the call's arguments and answers in its place.

    Args:
        name: as the answer's source says it: `fallback:NAME`.
        function: a function, or a coroutine function where the policy is awaited.
    """

    name: str
    function: Callable[..., Any]

    def __post_init__(self) -> None:
        """Check."""
        text("reliability.Fallback", "name", self.name)
        if not callable(self.function):
            raise InputError(
                f"[reliability.Fallback] {self.name} is {self.function!r}; it must be a function"
            )

    @property
    def asynchronous(self) -> bool:
        """Whether it must be awaited."""
        return is_awaited(self.function)


class Cache:
    """The last live answer of the same function to the same arguments, while it is not too old. Its answers say their age.

    Args:
        max_age: seconds, beyond which it is no answer.
        size: answers kept; the one that was used longest ago goes first.
        key: what two calls must have in common to have the same answer, out of their arguments; None for the
            function and the arguments themselves, which must then be hashable. A key of one's own is all that counts:
            functions that answer different things are told apart by it, or have policies of their own.

    Raises:
        InputError: a value out of range.
    """

    name = "cached"

    def __init__(
        self, max_age: float = 60.0, *, size: int = 1024, key: Callable[..., Hashable] | None = None
    ) -> None:
        self.max_age = number("reliability.Cache", "max_age", max_age)
        self._size = whole("reliability.Cache", "size", size)
        self._key = key
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(
        self,
        now: float,
        value: Any,
        function: Callable[..., Any] | None,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
    ) -> None:
        """Keep a live answer.

        Raises:
            InputError: arguments that cannot be told apart, and no key.
        """
        key = self._key_of(function, arguments, keywords)
        with self._lock:
            self._kept[key] = (now, value)
            self._kept.move_to_end(key)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def find(
        self,
        now: float,
        function: Callable[..., Any] | None,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
    ) -> tuple[Any, float] | None:
        """The answer that was kept, and its age in seconds; None where there is none, or it is too old."""
        key = self._key_of(function, arguments, keywords)
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            since, value = kept
            if now - since > self.max_age:
                del self._kept[key]
                return None
            self._kept.move_to_end(key)
        return value, max(0.0, now - since)

    def _key_of(
        self, function: Callable[..., Any] | None, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Hashable:
        if self._key is not None:
            return self._key(*arguments, **keywords)
        key = (function, arguments, tuple(sorted(keywords.items())) if keywords else ())
        try:
            hash(key)
        except TypeError as error:
            raise InputError(
                f"[reliability.Cache] the arguments cannot be told apart ({error}); give Cache a key, "
                "a function of the arguments whose result can be hashed"
            ) from None
        return key


def named_steps(origin: str, given: Any) -> tuple[Fallback | Cache, ...]:
    """Fallbacks in order, each with a name of its own.

    Args:
        origin: who asks.
        given: one of, or a tuple of: a function, a `Fallback`, a `Cache`.

    Raises:
        InputError: something else, or two of one name.
    """
    steps = []
    for one in given if isinstance(given, tuple | list) else (given,):
        if isinstance(one, Fallback | Cache):
            steps.append(one)
        elif callable(one) and not hasattr(one, "acall"):
            steps.append(Fallback(getattr(one, "__name__", type(one).__name__), one))
        else:
            raise InputError(
                f"[{origin}] fallback holds {one!r}; it must be functions, Fallback(name, function) or Cache(). "
                "A policy is no function: decorate the function with it"
            )
    names = [step.name for step in steps]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"[{origin}] two fallbacks are called {name!r}; name them with Fallback(name, function)"
            )
    return tuple(steps)
