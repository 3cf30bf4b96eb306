import itertools
import math

import numpy as np
import pytest

from atalanta.benchmarking.clock import Cell, Entry, LeftOut, Limits, Measurement, Work, measure, ratio

#: Two rounds, each sample one call of 1,000 ns.
TWO_ROUNDS = Limits(cell=1.0, call=1.0, sample=1e-6, rounds=(2, 2))


class Simulated:
    """A clock that only the measured calls move on, and the log of who was entered and called when."""

    def __init__(self):
        self.now, self.entered, self.called = 0, [], []

    def __call__(self):
        return self.now

    def entry(self, name, costs=(1000,)):
        """A contender whose calls take these nanoseconds, over and over."""
        cost = itertools.cycle(costs)

        def call():
            self.called.append(name)
            self.now += next(cost)

        return Entry(name, lambda: Work.calling(call), lambda: self.entered.append(name))


@pytest.fixture
def clock():
    return Simulated()


def measured(ns, contender="one"):
    return Measurement("price", 100, contender, tuple(ns))


def rounds_of(clock, names):
    """The log of samples without the preparation, which enters every contender twice."""
    return clock.entered[2 * len(names) :]


def test_contenders_take_turns_and_the_first_rotates(clock):
    """Each round holds every contender once, in the same circular order, begun by the next one."""
    entries = [clock.entry(name) for name in "abc"]
    measure([Cell("price", 1, entries)], Limits(1.0, 1.0, 1e-6, (4, 4)), clock)
    assert "abc" + "bca" + "cab" + "abc" == "".join(rounds_of(clock, "abc"))


def test_a_call_on_some_of_the_rows_is_divided_by_those(clock):
    """A slow library takes 2 of 100 rows: 1,000 ns a call are 500 an option, and the cell keeps its size."""

    def call():
        clock.now += 1000

    entry = Entry("slow", lambda: Work.calling(call, rows=2))
    (made,), _ = measure([Cell("price", 100, [entry])], TWO_ROUNDS, clock)
    assert (100, (500.0, 500.0)) == (made.rows, made.ns)


def test_rounds_of_all_sizes_are_spread(clock):
    """Neither size is finished before the other one begins."""
    cells = [Cell("price", rows, [clock.entry(str(rows))]) for rows in (1, 2)]
    measure(cells, Limits(1.0, 1.0, 1e-6, (3, 3)), clock)
    assert ["1", "2"] * 3 == rounds_of(clock, "12")


def test_every_contender_is_entered_before_its_sample(clock):
    """A contender that needs switching to is switched to each time, outside the measured time."""
    cost = {"wide": 10, "narrow": 30}
    current = []

    def call():
        clock.now += cost[current[-1]]

    def entry(name):
        def enter():
            clock.now += 5000  # never measured
            current.append(name)

        return Entry(name, lambda: Work.calling(call), enter)

    found, _ = measure([Cell("price", 1, [entry("wide"), entry("narrow")])], TWO_ROUNDS, clock)
    assert {"wide": (10.0, 10.0), "narrow": (30.0, 30.0)} == {item.contender: item.ns for item in found}


def test_time_is_told_per_option(clock):
    """A call of 1,000 ns over 100 rows is 10 ns per option."""
    found, left_out = measure([Cell("price", 100, [clock.entry("a")])], TWO_ROUNDS, clock)
    assert ([Measurement("price", 100, "a", (10.0, 10.0))], []) == (found, left_out)


def test_the_first_sample_is_not_counted(clock):
    """Warm-up, calibration and the sample that plans the rounds are slow, and leave no trace in the figures."""
    costs = itertools.chain([9000, 8000, 7000], itertools.repeat(1000))
    found, _ = measure([Cell("price", 1, [clock.entry("a", costs)])], TWO_ROUNDS, clock)
    assert ((1000.0, 1000.0),) == tuple(item.ns for item in found)


def test_a_sample_lasts_as_long_as_asked(clock):
    """Calls of 1,000 ns are repeated 500 times to fill half a millisecond."""
    measure([Cell("price", 1, [clock.entry("a")])], Limits(1.0, 1.0, 5e-4, (1, 1)), clock)
    assert ["a"] * 500 == clock.called[-500:]
    before = len(clock.called) - 2 * (1 + 500)  # the planning sample and the one round
    assert 1 + (1 + 4 + 16 + 64 + 256) == before


def test_a_sample_of_several_calls_begins_with_one_that_is_not_timed(clock):
    """What a contender finds cold, because another one ran before it, is not what its rows cost."""
    cold = iter(())

    def call():
        clock.now += next(cold, 1000)

    def enter():
        nonlocal cold
        cold = iter([50_000])

    entry = Entry("a", lambda: Work.calling(call), enter)
    found, _ = measure([Cell("price", 1, [entry])], Limits(1.0, 1.0, 1e-4, (2, 2)), clock)
    assert ((1000.0, 1000.0),) == tuple(item.ns for item in found)


def test_a_call_longer_than_a_sample_is_made_once(clock):
    """One call per sample when it fills the sample by itself: warm-up, calibration, planning, two rounds."""
    measure([Cell("price", 1, [clock.entry("a", (5_000_000,))])], TWO_ROUNDS, clock)
    assert 5 == len(clock.called)


@pytest.mark.parametrize(("budget", "rounds"), [(1e-9, 3), (10e-6, 5), (1.0, 8)])
def test_the_budget_decides_the_rounds(clock, budget, rounds):
    """As many rounds of two 1,000 ns samples as fit, at least 3 and at most 8."""
    limits = Limits(cell=budget, call=1.0, sample=1e-6, rounds=(3, 8))
    found, _ = measure([Cell("price", 1, [clock.entry("a"), clock.entry("b")])], limits, clock)
    assert [rounds, rounds] == [len(item.ns) for item in found]


def test_a_call_foretold_to_be_long_is_never_made(clock):
    """1 ms for 10 rows foretells 100 s for a million: left out there with the reason, measured at 10."""
    cells = [Cell("price", rows, [clock.entry("slow", (1_000_000,))]) for rows in (10, 1_000_000)]
    found, left_out = measure(cells, TWO_ROUNDS, clock)
    assert [10] == [item.rows for item in found]
    reason = "a call would last about 1e+02 s, over the limit of 1 s"
    assert [LeftOut("price", 1_000_000, "slow", reason)] == left_out


@pytest.mark.parametrize("where", ["bind", "call"])
def test_a_failing_contender_does_not_end_the_run(clock, where):
    """It is left out with its message; the others are measured."""

    def fail():
        raise ValueError("no such rows")

    bind = fail if where == "bind" else lambda: Work.calling(fail)
    found, left_out = measure(
        [Cell("greeks", 1, [Entry("bad", bind), clock.entry("good")])], TWO_ROUNDS, clock
    )
    assert ["good"] == [item.contender for item in found]
    assert [LeftOut("greeks", 1, "bad", "ValueError: no such rows")] == left_out


def test_an_interrupt_ends_the_run(clock):
    """Only failures of a library are survived, not the user's wish to stop."""

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure([Cell("price", 1, [Entry("a", interrupted)])], TWO_ROUNDS, clock)


def test_no_contender_gives_nothing(clock):
    """A cell in which nobody can take part is no error."""
    assert ([], []) == measure([Cell("price", 1, [])], TWO_ROUNDS, clock)


def test_the_ratio_is_taken_within_each_round():
    """Median of quotients 1, 3, 2: a slow first round of both cancels; medians divided would give 2/2 = 1."""
    slower, faster = measured([20.0, 3.0, 2.0]), measured([20.0, 1.0, 1.0])
    assert 2.0 == ratio(slower, faster)
    assert 3.0 == slower.median


def test_ratios_need_the_same_rounds():
    """Figures of different numbers of rounds are not of one run and have no ratio."""
    with pytest.raises(ValueError, match="shorter"):
        ratio(measured([1.0, 2.0]), measured([1.0]))


def test_the_median_lies_between_the_middle_rounds():
    """Of an even number of rounds it is the mean of the two in the middle."""
    assert 2.5 == measured([9.0, 1.0, 2.0, 3.0]).median


def test_a_literal_call_is_written_as_a_user_types_it():
    """Arguments and keywords stand in the statement, NumPy's numbers as plain ones."""
    work = Work.literal("lib.f", {"lib": None}, "call", np.float64(0.1), np.int8(-1), True, rate=0.5)
    assert "lib.f('call', 0.1, -1, True, rate=0.5)" == work.statement


def test_work_gives_its_result():
    """`run` evaluates the statement with its names, so that errors can be measured on the very same call."""
    assert 5.0 == Work.literal("math.hypot", {"math": math}, 3.0, 4.0).run()
    assert "made" == Work.calling(lambda: "made").run()
