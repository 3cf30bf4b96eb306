"""The circuit breaker as Python holds it: the native one, with a name and events. Main entries: `Breaker`, `Alternatives`."""

from __future__ import annotations

from typing import Any, Self

from atalanta import _core
from atalanta.errors import BreakerOpenError, InputError
from atalanta.reliability.checks import text
from atalanta.reliability.events import BreakerChanged, emit
from atalanta.reliability.settings import BreakerSettings, preset, settings_of
from atalanta.reliability.timing import Clock, Random

__all__ = ["Alternatives", "Breaker"]


class Alternatives:
    """Several that can do the same: the breaker of the last one that is available never opens.

    Example:
        >>> from atalanta.reliability import Alternatives, Breaker
        >>> feeds = Alternatives()
        >>> first, second = (Breaker(name, alternatives=feeds) for name in ("first", "second"))
        >>> feeds.available
        2
    """

    def __init__(self) -> None:
        self._native = _core.new_alternatives()

    @property
    def available(self) -> int:
        """How many are not open."""
        return _core.available_alternatives(self._native)

    def always(self) -> None:
        """One of them has no breaker."""
        _core.join_alternatives(self._native)


class Breaker(_core.Breaker):
    """Leaves alone what fails, until it may have recovered.

    It opens on so many failures in a row within the window, or on a share of failed or slow calls in it. Open, it
    refuses; after `open_for` it is half-open and lets `probes` calls through, whose results close it or open it again
    for longer. Safe from any number of threads; native code that shares it sees the same state.

    Results are told with the permit that `enter` gave. A result of before the last change of state changes nothing.

    Args:
        name: for events and messages.
        settings: a `BreakerSettings` or the configuration's, the name of a preset, or None for what the keywords say.
        clock: seconds, only ever growing; None for the system's.
        random: a number in [0, 1), for the open time; None for the process's own.
        alternatives: what else can do the same, so that the last one is never given up.
        keywords: of `BreakerSettings`; they stand above `settings`.

    Raises:
        InputError: settings that are out of range or contradict each other.

    Example:
        >>> from atalanta.reliability import Breaker
        >>> breaker = Breaker("feed", failures=2)
        >>> for _ in range(2):
        ...     breaker.fail(breaker.enter())
        >>> breaker.state, breaker.enter()
        ('open', None)
    """

    name: str
    settings: BreakerSettings
    clock: Clock | None

    def __new__(
        cls,
        name: str = "breaker",
        settings: BreakerSettings | str | None = None,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        alternatives: Alternatives | None = None,
        **keywords: Any,
    ) -> Self:
        """See the class."""
        origin = "reliability.Breaker"
        text(origin, "name", name)
        chosen = _settings(settings, keywords)
        for what, given in (("clock", clock), ("random", random)):
            if given is not None and not callable(given):
                raise InputError(
                    f"[{origin}] {what} is {given!r}; it must be a function without arguments, or None"
                )
        self = super().__new__(
            cls,
            consecutive=chosen.failures,
            window=chosen.window,
            failure_ratio=chosen.ratio or 0.0,
            slow_ratio=chosen.slow_ratio if chosen.slow is not None else 0.0,
            slow=chosen.slow or 0.0,
            min_calls=chosen.min_calls,
            open_for=chosen.open_for,
            max_open=chosen.longest_open,
            probes=chosen.probes,
            close_after=chosen.close_after,
            probe_timeout=chosen.lost_after,
            clock=clock,
            random=random,
            alternatives=None if alternatives is None else alternatives._native,
        )
        self.name, self.settings, self.clock = name, chosen, clock
        return self

    @classmethod
    def sharing(
        cls, native: _core.Breaker, name: str, settings: BreakerSettings, clock: Clock | None = None
    ) -> Self:
        """A breaker over the state of a native one, for example that of a router's device.

        Args:
            native: whose state it is.
            name: as for any breaker.
            settings: what the native one was made with.
            clock: what its times are told by.
        """
        self = super().__new__(cls, shared_with=native, clock=clock)
        self.name, self.settings, self.clock = name, settings, clock
        return self

    def refusal(self) -> BreakerOpenError:
        """The error of a call that it refuses now."""
        wait = self.retry_after
        why = "was opened by hand" if self.mode == "forced_open" else f"is {self.state.replace('_', '-')}"
        after = "" if wait == float("inf") else f"; it may be tried again in {wait:.3g} s"
        return BreakerOpenError(
            f"[reliability.{self.name}] the breaker {why}: the call was not made{after}", wait
        )

    def _changed(self, change: str, cause: str, generation: int, open_for: float) -> None:
        emit(BreakerChanged(self.name, change, cause, generation, open_for))

    def __repr__(self) -> str:
        mode = "" if self.mode == "automatic" else f", {self.mode}"
        return f"Breaker({self.name!r}, {self.state}{mode})"


def _settings(given: BreakerSettings | str | None, keywords: dict[str, Any]) -> BreakerSettings:
    origin = "reliability.Breaker"
    known = BreakerSettings.__slots__
    for word in keywords:
        if word not in known:
            raise InputError(f"[{origin}] there is no setting {word!r} (known: {', '.join(known)})")
    if given is None:
        return BreakerSettings(**keywords)
    base = preset(given) if isinstance(given, str) else given
    if not hasattr(base, "failures"):
        raise InputError(
            f"[{origin}] settings is {given!r}; it must be a BreakerSettings or the name of a preset"
        )
    return settings_of(base, **keywords)
