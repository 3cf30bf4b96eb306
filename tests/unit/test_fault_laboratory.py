"""The laboratory itself: virtual time, the clock, and the simulator, whose figures the policies are held to."""

import asyncio
import statistics

import pytest

from atalanta.errors import InputError
from atalanta.reliability import Breaker, Policy, Retry
from atalanta.testing import FakeClock, Outage, Scenario, VirtualTimeLoop, run_in_virtual_time, simulate

_SEEDS = range(1, 4)


def bare(clock, chance):
    return Policy("bare", clock=clock, random=chance).acall


def guarded(deadline=None):
    def make(clock, chance):
        breaker = Breaker(
            "feed",
            failures=10,
            window=5.0,
            open_for=2.0,
            max_open=4.0,
            ratio=0.6,
            clock=clock,
            random=chance,
        )
        retry = Retry(3, base=0.01, cap=0.1, budget=0.5)
        return Policy(
            "feed",
            deadline=deadline,
            breaker=breaker,
            retry=retry,
            fallback=lambda: "kept",
            clock=clock,
            random=chance,
        ).acall

    return make


def mean(make, what, scenario=None):
    return statistics.mean(getattr(simulate(scenario or Scenario(), make, seed), what) for seed in _SEEDS)


def test_time_passes_by_timers_alone_and_in_their_order():
    async def main():
        loop, woken = asyncio.get_running_loop(), []

        async def sleeper(seconds):
            await asyncio.sleep(seconds)
            woken.append((seconds, loop.time() - begin))

        begin = loop.time()
        await asyncio.gather(*(sleeper(seconds) for seconds in (3600.0, 0.001, 60.0, 60.0)))
        return woken

    woken = run_in_virtual_time(main())
    assert [seconds for seconds, _ in woken] == [0.001, 60.0, 60.0, 3600.0]
    assert [at for _, at in woken] == pytest.approx([0.001, 60.0, 60.0, 3600.0])


def test_threads_still_wake_a_virtual_loop():
    async def main():
        return await asyncio.to_thread(lambda: 5)

    assert run_in_virtual_time(main()) == 5
    loop = VirtualTimeLoop()
    assert loop.time() == 0.0
    loop.close()


def test_a_fake_clock_keeps_what_was_slept():
    clock = FakeClock(1.0)
    clock.sleep(0.5)
    asyncio.run(clock.asleep(0.25))
    assert (clock(), clock.slept) == (1.75, [0.5, 0.25])


def test_a_simulation_is_repeatable_and_another_seed_is_another_one():
    scenario = Scenario(duration=2.0, outages=())
    assert simulate(scenario, bare, 1) == simulate(scenario, bare, 1)
    assert simulate(scenario, bare, 1) != simulate(scenario, bare, 2)


def test_without_faults_everything_is_answered_live():
    report = simulate(Scenario(duration=5.0, faults=0.0, outages=()), bare)
    assert (report.in_slo, report.live) == (1.0, 1.0)
    assert report.quantile(0.5) == pytest.approx(1e-3)
    assert len(report.requests) == pytest.approx(500, abs=90)  # 4 standard deviations of a Poisson count


def test_an_outage_without_a_policy_answers_those_at_its_end_alone():
    report = simulate(Scenario(duration=4.0, faults=0.0, outages=(Outage(1.0, 3.0),)), bare)
    assert report.in_outage < 0.1
    early = [one for one in report.requests if 1.0 <= one.arrival < 2.5]
    assert not any(one.source and one.latency <= 0.25 for one in early)
    assert report.quantile(0.99) > 1.0  # they wait in the queue


def test_without_a_policy_thirty_percent_faults_and_an_outage_leave_less_than_half():
    """The model's anchor: 46.8 % over ten starts of chance; two thirds of the time, of which 70 %."""
    assert 0.45 < mean(bare, "in_slo") < 0.49


def test_with_a_policy_nearly_all_are_answered_and_more_of_them_live():
    assert mean(guarded(), "in_slo") >= 0.985
    assert mean(guarded(), "live") >= 0.58


def test_a_deadline_below_the_objective_answers_those_too_that_found_the_outage():
    assert mean(guarded(deadline=0.2), "in_slo") >= 0.995


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"rate": 0.0}, "rate is 0.0"),
        ({"duration": float("inf")}, "duration is inf"),
        ({"slots": 0}, "slots is 0"),
        ({"faults": 1.5}, "faults is 1.5; it must be a number above 0 and at most 1"),
        ({"outages": (Outage(2.0, 1.0),)}, "must end after it starts"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(given, says):
    with pytest.raises(InputError, match=says):
        Scenario(**given)
