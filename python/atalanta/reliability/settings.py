"""How breakers, retries and hedges are set: frozen values, checked when they are made. Main entries: `BreakerSettings`, `Retry`, `Hedge`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from atalanta.config import configured
from atalanta.errors import InputError
from atalanta.reliability.checks import MOST_CALLS, SHORTEST, exceptions, number, whole

__all__ = ["PRESETS", "BreakerSettings", "Hedge", "Retry", "preset", "settings_of"]

_MOST_FAILURES = 1024
_GROWTH = 8.0


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a breaker opens, and how it closes again. Times in seconds.

    Args:
        failures: in a row, all within `window`, that open it.
        window: within which they must fall; the window of the ratios too, in ten steps.
        open_for: open before the first probe; doubled by each probe that fails, and up to a tenth longer by chance.
        max_open: to which that grows; None for eight times `open_for`.
        ratio: share of failed calls in the window that opens it as well; None for failures in a row alone.
        min_calls: fewer calls in the window have no ratio.
        slow: a call that takes so long is slow, and a slow probe failed; None for never.
        slow_ratio: share of slow calls that opens it, where `slow` is given.
        probes: calls let through at a time while half-open.
        close_after: successful probes that close it.
        probe_timeout: after which a probe that told nothing is lost; None for `open_for`, and a second at least.

    Raises:
        InputError: a value out of range, or two that contradict each other.
    """

    failures: int = 5
    window: float = 30.0
    open_for: float = 30.0
    max_open: float | None = None
    ratio: float | None = 0.5
    min_calls: int = 20
    slow: float | None = None
    slow_ratio: float = 0.5
    probes: int = 1
    close_after: int = 1
    probe_timeout: float | None = None

    def __post_init__(self) -> None:
        """Check."""
        origin = "reliability.Breaker"
        whole(origin, "failures", self.failures, most=_MOST_FAILURES)
        for name in ("window", "open_for"):
            number(origin, name, getattr(self, name), above=SHORTEST)
        for name in ("max_open", "slow", "probe_timeout"):
            if getattr(self, name) is not None:
                number(origin, name, getattr(self, name), above=SHORTEST)
        for name in ("ratio", "slow_ratio"):
            if getattr(self, name) is not None:
                number(origin, name, getattr(self, name), most=1.0)
        for name in ("min_calls", "probes", "close_after"):
            whole(origin, name, getattr(self, name), most=MOST_CALLS)
        if self.max_open is not None and self.max_open < self.open_for:
            raise InputError(
                f"[{origin}] max_open is {self.max_open!r} and open_for {self.open_for!r}; the longest time cannot be "
                "below the first: raise max_open or lower open_for"
            )

    @property
    def longest_open(self) -> float:
        """`max_open`, or what stands for it."""
        return _GROWTH * self.open_for if self.max_open is None else self.max_open

    @property
    def lost_after(self) -> float:
        """`probe_timeout`, or what stands for it."""
        return max(self.open_for, 1.0) if self.probe_timeout is None else self.probe_timeout


#: The numbers of the names that the package uses. "5 / 30 s" is said of failures and seconds; as neither the window nor
#: the open time is meant by itself, both are set to it.
PRESETS: Mapping[str, BreakerSettings] = MappingProxyType(
    {
        "gpu_compute": BreakerSettings(failures=5, window=30.0, open_for=30.0),
        "database": BreakerSettings(failures=3, window=60.0, open_for=60.0),
        "market_data": BreakerSettings(failures=10, window=5.0, open_for=5.0),
    }
)


def preset(name: str) -> BreakerSettings:
    """The settings of that name: the configuration's `reliability.breakers`, or those above where nothing sets any.

    Raises:
        InputError: there are none; or a configuration that cannot be used.
    """
    configuration = configured()
    known: Mapping[str, Any] = PRESETS if configuration is None else configuration.reliability.breakers
    try:
        return settings_of(known[name])
    except (KeyError, TypeError):
        raise InputError(
            f"[reliability.preset] there are no settings called {name!r} (known: {', '.join(known)}); "
            "use one of them, add them to reliability.breakers, or give a Breaker"
        ) from None


def settings_of(model: Any, **changed: Any) -> BreakerSettings:
    """Those of another model with the same names, as the configuration's; what it leaves out is as it is here."""
    had = {name: getattr(model, name) for name in BreakerSettings.__slots__ if hasattr(model, name)}
    return BreakerSettings(**{**had, **changed})


@dataclass(frozen=True, slots=True)
class Retry:
    """Make a failed call again, after a wait drawn between 0 and min(`cap`, `base` * 2 ** retries before).

    Args:
        times: at most, beside the first attempt.
        base: seconds.
        cap: seconds.
        budget: retries and hedges earned by a success, so that a dead dependency does not get its load multiplied;
            None for any number.
        reserve: of them that are kept at most; half of it is there at the start.
        on: the exceptions that are worth it.

    Raises:
        InputError: a value out of range, or a cap below the base.
    """

    times: int = 2
    base: float = 5e-3
    cap: float = 0.1
    budget: float | None = 0.1
    reserve: float = 20.0
    on: tuple[type[BaseException], ...] = (Exception,)

    def __post_init__(self) -> None:
        """Check."""
        origin = "reliability.Retry"
        whole(origin, "times", self.times)
        number(origin, "base", self.base)
        number(origin, "cap", self.cap)
        number(origin, "reserve", self.reserve, above=1.0, most=1e9)
        exceptions(origin, "on", self.on)
        if self.budget is not None:
            number(origin, "budget", self.budget, above=1e-3, most=1e6)
        if self.cap < self.base:
            raise InputError(
                f"[{origin}] cap is {self.cap!r} and base {self.base!r}; the cap must not be below it"
            )

    def wait(self, retries: int, chance: float) -> float:
        """Seconds before the next attempt, after so many retries."""
        return chance * min(self.cap, self.base * 2.0 ** min(retries, 60))


@dataclass(frozen=True, slots=True)
class Hedge:
    """Ask a second time when the first is slow, and take what comes first. For calls that may be made twice.

    Args:
        after: seconds, or "p95" for the time within which 95 of 100 of the last calls answered (any from p50 to p99).
        most: calls beside the first one.

    Raises:
        InputError: a value out of range.
    """

    after: float | str = "p95"
    most: int = 1

    def __post_init__(self) -> None:
        """Check."""
        whole("reliability.Hedge", "most", self.most, most=8)
        if self.quantile is None:
            number("reliability.Hedge", "after", self.after)

    @property
    def quantile(self) -> float | None:
        """Of the times that the last calls took; None where seconds are given."""
        if not isinstance(self.after, str):
            return None
        percent: Any = self.after[1:]
        if self.after[:1] != "p" or not percent.isdecimal() or not 50 <= int(percent) <= 99:
            raise InputError(
                f"[reliability.Hedge] after is {self.after!r}; it must be seconds, or p50 to p99 as in 'p95'"
            )
        return int(percent) / 100.0
