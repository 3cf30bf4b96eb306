"""On what pybreaker does too, ours does the same: failures in a row, a fixed open time, one call at a time."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atalanta.reliability import Breaker
from atalanta.testing import FakeClock

pybreaker = pytest.importorskip("pybreaker", reason="pybreaker is in the extra 'test'")

_STATES = {"closed": "closed", "open": "open", "half-open": "half_open"}


class Peer:
    """pybreaker on a fake clock. It opens at a failed call's end, as ours does; what it raises then is its own."""

    def __init__(self, clock, failures, open_for, close_after):
        class Datetime(datetime.datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.datetime.fromtimestamp(clock.now, tz)

        self.patched = Datetime
        self.breaker = pybreaker.CircuitBreaker(
            fail_max=failures, reset_timeout=open_for, success_threshold=close_after
        )

    def call(self, good, monkeypatch):
        made = []

        def work():
            made.append(True)
            if not good:
                raise OSError

        monkeypatch.setattr(pybreaker, "datetime", self.patched)
        try:
            self.breaker.call(work)
        except (OSError, pybreaker.CircuitBreakerError):
            pass
        finally:
            monkeypatch.undo()
        return bool(made), _STATES[self.breaker.current_state]


@given(
    failures=st.integers(1, 4),
    close_after=st.integers(1, 3),
    steps=st.lists(st.one_of(st.booleans(), st.sampled_from([0.5, 1.0, 4.0, 4.5])), max_size=60),
)
@settings(max_examples=200, deadline=None)
def test_it_agrees_with_pybreaker(failures, close_after, steps):
    clock = FakeClock()
    ours = Breaker(
        "ours",
        failures=failures,
        window=1e6,
        open_for=4.0,
        max_open=4.0,
        ratio=None,
        close_after=close_after,
        clock=clock,
        random=lambda: 0.0,
    )
    peer = Peer(clock, failures, 4.0, close_after)
    with pytest.MonkeyPatch.context() as monkeypatch:
        for step in steps:
            if not isinstance(step, bool):
                clock.advance(step)
                continue
            permit = ours.enter()
            if permit is not None:
                (ours.succeed if step else ours.fail)(permit)
            assert peer.call(step, monkeypatch) == (permit is not None, ours.state)
