"""The quarantine of a router's targets as Python sees it: the breakers that deciding reads. Main entry: `target_breaker`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from atalanta import _core
from atalanta.reliability.breaker import Breaker
from atalanta.reliability.events import BreakerChanged, emit
from atalanta.reliability.settings import BreakerSettings

__all__ = ["TargetBreaker", "target_breaker", "tell_change"]

#: What `csrc/routing/health.hpp` sets: a target is left at its first failure, for there are others.
_SETTINGS = BreakerSettings(
    failures=1, window=30.0, open_for=0.05, max_open=0.5, ratio=None, probe_timeout=0.5
)

_Mode = Literal["automatic", "forced_open", "disabled", "metrics_only"]


class TargetBreaker(Breaker):
    """The breaker of one target. Whatever changes it, the router's decisions follow."""

    _core: _core.RouterCore

    def set_mode(self, mode: _Mode, /) -> _Mode:
        """As `Breaker.set_mode`: `forced_open` takes a target out of the router's choice until it is lifted."""
        before = super().set_mode(mode)
        self._core.refresh_health()
        return before

    def _changed(self, change: str, cause: str, generation: int, open_for: float) -> None:
        self._core.refresh_health()
        super()._changed(change, cause, generation, open_for)


def target_breaker(core: _core.RouterCore, place: int, name: str, clock: Callable[[], int]) -> TargetBreaker:
    """The breaker of the target at that place; the router's clock gives nanoseconds."""
    made = TargetBreaker.sharing(core.breaker(place), name, _SETTINGS, lambda: clock() * 1e-9)
    made._core = core
    return made


def tell_change(core: _core.RouterCore, place: int, name: str, open_ns: int) -> None:
    """A target went into quarantine for so long, or, with 0, came out of it."""
    change, cause = ("opened", "consecutive") if open_ns > 0 else ("closed", "probe")
    emit(BreakerChanged(name, change, cause, core.permit(place), open_ns * 1e-9))
