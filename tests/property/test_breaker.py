"""The breaker against a plain model of its states, in virtual time, under any sequence of calls."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from atalanta.reliability import Breaker, set_hooks
from atalanta.testing import FakeClock

_BUCKETS = 10
_LEGAL = {
    ("closed", "opened"): "open",
    ("open", "half_opened"): "half_open",
    ("half_open", "opened"): "open",
    ("half_open", "closed"): "closed",
    ("open", "closed"): "closed",  # by hand
}


class Model:
    """Lists where the breaker has rings and buckets; integers of nanoseconds as it has."""

    def __init__(
        self, failures, window, open_for, max_open, ratio, min_calls, slow, probes, close_after, lost
    ):
        self.n, self.window, self.open_for, self.max_open = failures, window, open_for, max_open
        self.ratio, self.min_calls, self.slow = ratio, min_calls, slow
        self.probes, self.close_after, self.lost = probes, close_after, lost
        self.state, self.generation = "closed", 1
        self.closing()

    def closing(self):
        self.row, self.ended, self.failed_probes = [], [], 0

    def change(self, state):
        self.state, self.generation, self.probing, self.passed = state, self.generation + 1, 0, 0

    def enter(self, now):
        if self.state == "closed":
            return self.generation
        if self.state == "open":
            if now < self.until:
                return None
            self.change("half_open")
        if self.probing == self.probes:
            if now < self.until:
                return None
            passed = self.passed
            self.change("half_open")  # those are lost
            self.passed = passed
        self.probing += 1
        self.until = now + self.lost
        return self.generation

    def open(self, now, chance):
        wait = min(self.open_for * 2**self.failed_probes, self.max_open)
        self.change("open")
        self.until = now + int(wait * (1.0 + 0.1 * chance))
        self.row, self.ended = [], []

    def close(self):
        self.change("closed")
        self.closing()

    def tell(self, permit, now, good, slow, chance):
        if permit != self.generation:
            return
        if self.state == "half_open":
            if not good or slow:
                self.failed_probes += 1
                self.open(now, chance)
                return
            self.probing -= 1
            self.passed += 1
            if self.passed >= self.close_after:
                self.close()
            return
        self.row = [] if good else [*self.row, now][-self.n :]
        self.ended.append((now * _BUCKETS // self.window, not good, slow))
        if good and not slow:
            return
        in_a_row = len(self.row) == self.n and now - self.row[0] <= self.window
        if (not good and in_a_row) or self.reached(now):
            self.open(now, chance)

    def reached(self, now):
        if self.ratio is None and self.slow is None:
            return False
        epoch = now * _BUCKETS // self.window
        inside = [one for one in self.ended if epoch - one[0] < _BUCKETS]
        if len(inside) < self.min_calls:
            return False
        failed, slow = (sum(one[place] for one in inside) for place in (1, 2))
        too_many = self.ratio is not None and failed > 0 and failed >= self.ratio * len(inside)
        return too_many or (self.slow is not None and slow > 0 and slow >= 0.5 * len(inside))

    def cancel(self, permit):
        if permit == self.generation and self.state == "half_open":
            self.probing -= 1


class BreakerMachine(RuleBasedStateMachine):
    permits = Bundle("permits")

    @initialize(
        failures=st.integers(1, 5),
        window=st.sampled_from([1.0, 5.0, 30.0]),
        open_for=st.sampled_from([0.5, 2.0]),
        growth=st.sampled_from([1, 2, 8]),
        ratio=st.sampled_from([None, 0.3, 0.5, 1.0]),
        min_calls=st.integers(1, 8),
        slow=st.sampled_from([None, 0.25]),
        probes=st.integers(1, 3),
        close_after=st.integers(1, 3),
        lost=st.sampled_from([0.25, 4.0]),
    )
    def make(self, failures, window, open_for, growth, ratio, min_calls, slow, probes, close_after, lost):
        self.clock, self.chance, self.events = FakeClock(64.0), 0.0, []
        self.before = set_hooks(self.events.append)
        self.breaker = Breaker(
            "model",
            failures=failures,
            window=window,
            open_for=open_for,
            max_open=growth * open_for,
            ratio=ratio,
            min_calls=min_calls,
            slow=slow,
            probes=probes,
            close_after=close_after,
            probe_timeout=lost,
            clock=self.clock,
            random=lambda: self.chance,
        )
        ns = int(1e9)
        self.model = Model(
            failures, int(window * ns), int(open_for * ns), int(growth * open_for * ns), ratio, min_calls, slow,
            probes, close_after, int(lost * ns),
        )  # fmt: skip
        self.most_open = 1.1 * growth * open_for

    @property
    def now(self):
        return int(self.clock.now * 1e9)

    @rule(target=permits)
    def enter(self):
        permit = self.breaker.enter()
        assert permit == self.model.enter(self.now)
        return 0 if permit is None else permit

    @rule(
        permit=consumes(permits),
        took=st.sampled_from([0.0, 0.125, 0.25, 1.0]),
        chance=st.sampled_from([0.0, 0.5]),
    )
    def succeed(self, permit, took, chance):
        self.chance = chance
        self.breaker.succeed(permit, took)
        self.model.tell(permit, self.now, True, self.slow(took), chance)

    @rule(permit=consumes(permits), took=st.sampled_from([0.0, 0.25]), chance=st.sampled_from([0.0, 0.5]))
    def fail(self, permit, took, chance):
        self.chance = chance
        self.breaker.fail(permit, took)
        self.model.tell(permit, self.now, False, self.slow(took), chance)

    @rule(permit=consumes(permits))
    def cancel(self, permit):
        self.breaker.cancel(permit)
        self.model.cancel(permit)

    @rule(times=st.integers(1, 8), good=st.booleans())
    def several(self, times, good):
        for _ in range(times):
            permit = self.breaker.enter()
            assert permit == self.model.enter(self.now)
            if permit is not None:
                (self.breaker.succeed if good else self.breaker.fail)(permit)
                self.model.tell(permit, self.now, good, False, self.chance)

    @rule(seconds=st.sampled_from([0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 8.0, 40.0]))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @rule()
    def reset(self):
        self.breaker.reset()
        self.model.close()

    def slow(self, took):
        return self.model.slow is not None and took >= self.model.slow

    @invariant()
    def they_agree(self):
        assert (self.breaker.state, self.breaker.generation) == (self.model.state, self.model.generation)
        assert self.breaker.retry_after <= max(self.most_open, self.model.lost * 1e-9)

    @invariant()
    def transitions_are_legal(self):
        state, generation = "closed", 1
        for event in self.events:
            state = _LEGAL[state, event.change]
            assert event.generation > generation
            generation = event.generation
        assert state == self.breaker.state

    def teardown(self):
        set_hooks(*self.before)


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=400, stateful_step_count=60, deadline=None)
