"""A clock that only the test moves, and waiting switched off. Main entries: `FakeClock`, `no_waiting`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from atalanta.errors import InputError
from atalanta.reliability import timing

__all__ = ["FakeClock", "no_waiting"]


class FakeClock:
    """Seconds that pass when somebody says so; its `sleep` and `asleep` say so.

    Args:
        now: seconds at the start.

    Example:
        >>> from atalanta.reliability import Breaker
        >>> from atalanta.testing import FakeClock
        >>> clock = FakeClock()
        >>> breaker = Breaker("feed", failures=1, open_for=30.0, clock=clock, random=lambda: 0.0)
        >>> breaker.fail(breaker.enter())
        >>> clock.advance(30.0)
        >>> breaker.enter() is None, breaker.state
        (False, 'half_open')
    """

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = float(now)
        #: every wait, in order
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Now."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            InputError: it would run backwards.
        """
        if not seconds >= 0.0:
            raise InputError(f"[testing.FakeClock] seconds is {seconds!r}; time passes forwards, from 0 up")
        self.now += seconds

    def sleep(self, seconds: float) -> None:
        """For `Policy(sleep=)`."""
        self.slept.append(seconds)
        self.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        """For `Policy(asleep=)`."""
        self.sleep(seconds)


@contextmanager
def no_waiting() -> Iterator[None]:
    """Within it, policies of this process do not wait between attempts. Clocks and deadlines run on."""
    before = timing.set_waiting(False)
    try:
        yield
    finally:
        timing.set_waiting(before)
