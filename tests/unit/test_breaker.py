"""The breaker as Python holds it: rules, permits, modes, alternatives, events, settings."""

import threading
from dataclasses import replace

import pytest

from atalanta import config
from atalanta.errors import InputError
from atalanta.reliability import PRESETS, Alternatives, Breaker, BreakerSettings, preset, set_hooks
from atalanta.testing import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


def a_breaker(clock, **settings):
    return Breaker("feed", clock=clock, random=lambda: 0.0, **{"failures": 3, "open_for": 10.0, **settings})


def fail(breaker, times=1):
    for _ in range(times):
        breaker.fail(breaker.enter())


def test_it_opens_after_so_many_failures_in_a_row(clock):
    breaker = a_breaker(clock)
    fail(breaker, 2)
    breaker.succeed(breaker.enter())
    assert breaker.failures_in_a_row == 0
    fail(breaker, 3)
    assert breaker.state == "open"
    assert breaker.enter() is None
    assert breaker.retry_after == 10.0
    assert breaker.figures() == {
        "refused": 1,
        "failed": 5,
        "opened": 1,
        "spared": 0,
        "would_open": 0,
        "stale": 0,
    }


def test_half_open_it_lets_its_probes_through_and_closes(clock):
    breaker = a_breaker(clock, probes=2, close_after=2)
    fail(breaker, 3)
    clock.advance(10.0)
    permits = [breaker.enter() for _ in range(4)]
    assert [permit is None for permit in permits] == [False, False, True, True]
    breaker.succeed(permits[0])
    assert breaker.state == "half_open"
    breaker.succeed(permits[1])
    assert breaker.state == "closed"


def test_a_cancelled_probe_gives_its_place_back(clock):
    breaker = a_breaker(clock)
    fail(breaker, 3)
    clock.advance(10.0)
    permit = breaker.enter()
    assert breaker.enter() is None
    breaker.cancel(permit)
    assert breaker.enter() is not None


def test_a_probe_that_never_reports_is_lost(clock):
    breaker = a_breaker(clock, probe_timeout=4.0)
    fail(breaker, 3)
    clock.advance(10.0)
    lost = breaker.enter()
    clock.advance(4.0)
    found = breaker.enter()
    breaker.succeed(lost)
    assert breaker.state == "half_open"
    breaker.succeed(found)
    assert breaker.state == "closed"


def test_the_open_time_doubles_to_its_limit_and_chance_adds_up_to_a_tenth(clock):
    drawn = iter([0.0, 0.5, 0.999, 0.0])
    breaker = Breaker("feed", failures=1, open_for=1.0, max_open=2.0, clock=clock, random=lambda: next(drawn))
    waits = []
    for _ in range(4):
        fail(breaker)
        waits.append(breaker.retry_after)
        clock.advance(breaker.retry_after)
    assert waits == pytest.approx([1.0, 2.1, 2.1998, 2.0])


def test_slow_calls_open_it(clock):
    breaker = a_breaker(clock, slow=0.1, slow_ratio=0.5, min_calls=4)
    for took in (0.01, 0.2, 0.01):
        breaker.succeed(breaker.enter(), took)
    assert breaker.state == "closed"
    breaker.succeed(breaker.enter(), 0.1)
    assert breaker.state == "open"


def test_a_ratio_of_failures_opens_it_without_a_run(clock):
    breaker = a_breaker(clock, ratio=0.5, min_calls=10)
    for _ in range(4):
        fail(breaker)
        breaker.succeed(breaker.enter())
    assert breaker.state == "closed"
    fail(breaker)
    breaker.succeed(breaker.enter())
    fail(breaker)  # 6 of 11
    assert breaker.state == "open"


def test_modes_are_set_by_hand_and_give_back_what_was_there(clock):
    breaker = a_breaker(clock)
    assert breaker.set_mode("forced_open") == "automatic"
    assert (breaker.enter(), breaker.retry_after) == (None, float("inf"))
    assert "opened by hand" in str(breaker.refusal())
    assert breaker.set_mode("disabled") == "forced_open"
    fail(breaker, 50)
    assert breaker.state == "closed"
    assert breaker.set_mode("metrics_only") == "disabled"
    fail(breaker, 7)
    assert (breaker.state, breaker.figures()["would_open"]) == ("closed", 2)
    assert breaker.set_mode("automatic") == "metrics_only"
    with pytest.raises(InputError, match="mode is 'of'; it must be automatic, forced_open"):
        breaker.set_mode("of")


def test_the_last_alternative_is_never_given_up(clock):
    feeds = Alternatives()
    first, second = (a_breaker(clock, failures=1, alternatives=feeds) for _ in range(2))
    fail(first)
    fail(second, 100)
    assert (first.state, second.state, feeds.available) == ("open", "closed", 1)
    assert second.figures()["spared"] == 100


def test_changes_are_told_as_frozen_values_and_a_failing_hook_harms_nobody(clock, monkeypatch):
    told, reported = [], []
    monkeypatch.setattr("sys.unraisablehook", lambda what: reported.append(what.exc_value))

    def breaks(event):
        raise ValueError(event.name)

    before = set_hooks(breaks, told.append)
    try:
        breaker = a_breaker(clock)
        fail(breaker, 3)
        clock.advance(10.0)
        breaker.succeed(breaker.enter())
    finally:
        assert set_hooks(*before) == (breaks, told.append)
    assert [(event.change, event.cause, event.open_for) for event in told] == [
        ("opened", "consecutive", 10.0),
        ("half_opened", "waited", 0.0),
        ("closed", "probe", 0.0),
    ]
    assert [str(error) for error in reported] == ["feed"] * 3
    with pytest.raises(AttributeError):
        told[0].change = "closed"


def test_a_clock_that_fails_is_the_callers_error_and_leaves_the_breaker_usable():
    readings = iter([1.0, 2.0])

    def clock():
        return next(readings)

    breaker = Breaker("feed", failures=2, clock=clock)
    fail(breaker, 2)
    with pytest.raises(StopIteration):
        breaker.enter()
    assert breaker.state == "open"


def test_reset_closes_it_but_not_what_was_set_by_hand(clock):
    breaker = a_breaker(clock)
    fail(breaker, 3)
    breaker.reset()
    assert breaker.state == "closed"
    breaker.set_mode("forced_open")
    breaker.reset()
    assert breaker.enter() is None


def test_two_python_breakers_may_share_one_native_state(clock):
    first = a_breaker(clock)
    second = Breaker.sharing(first, "same", first.settings)
    fail(first, 3)
    assert second.state == "open"
    second.reset()
    assert first.state == "closed"


def test_the_presets_have_the_documented_numbers():
    numbers = {name: (one.failures, one.window, one.open_for) for name, one in PRESETS.items()}
    assert numbers == {
        "gpu_compute": (5, 30.0, 30.0),
        "database": (3, 60.0, 60.0),
        "market_data": (10, 5.0, 5.0),
    }
    assert Breaker("db", "database", probes=2).settings == replace(preset("database"), probes=2)


def test_the_presets_come_from_the_configuration():
    """Its defaults are those of the room, so that it need not be loaded while nothing sets any."""
    with config.using({"reliability.breakers.cache.window": "9s"}):
        assert {name: preset(name) for name in PRESETS} == dict(PRESETS)
        assert preset("cache") == BreakerSettings(window=9.0)
    with config.using({"reliability.breakers.database.failures": 2}):
        assert Breaker("db", "database").settings == replace(PRESETS["database"], failures=2)
    assert preset("database") == PRESETS["database"]


def test_settings_of_another_kind_with_the_same_names_are_taken():
    """The configuration has a model of its own."""

    class Model:
        failures, window, open_for, max_open, ratio, min_calls = 7, 8.0, 9.0, None, None, 10
        slow, slow_ratio, probes, close_after = None, 0.5, 1, 2

    settings = Breaker("x", Model()).settings
    assert settings == BreakerSettings(7, 8.0, 9.0, None, None, 10, None, 0.5, 1, 2)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"failures": 0}, r"failures is 0; it must be a whole number from 1 to 1024"),
        ({"failures": 1025}, "failures is 1025"),
        ({"failures": 2.0}, "failures is 2.0"),
        ({"failures": True}, "failures is True"),
        ({"window": 0.0}, "window is 0.0; it must be a number above 1e-09"),
        ({"window": float("nan")}, "window is nan"),
        ({"open_for": float("inf")}, "open_for is inf"),
        ({"open_for": "30s"}, "open_for is '30s'"),
        ({"ratio": 1.5}, "ratio is 1.5; it must be a number above 0 and at most 1"),
        ({"slow": -1.0}, "slow is -1.0"),
        ({"slow_ratio": 0.0}, "slow_ratio is 0.0"),
        ({"probes": 0}, "probes is 0"),
        ({"probe_timeout": 0}, "probe_timeout is 0"),
        ({"max_open": 1.0, "open_for": 2.0}, "the longest time cannot be below the first"),
        ({"failure": 3}, "there is no setting 'failure' "),
        ({"clock": 3}, "clock is 3; it must be a function"),
        ({"settings": "gpu"}, "no settings called 'gpu' .known: gpu_compute, database, market_data"),
        ({"settings": 5}, "settings is 5; it must be a BreakerSettings"),
        ({"name": ""}, "name is ''; it must be a name"),
    ],
)
def test_bad_settings_are_refused_at_once(settings, says):
    with pytest.raises(InputError, match=says):
        Breaker(**settings)


@pytest.mark.parametrize("took", [-1.0, "1", float("nan")])
def test_a_duration_that_is_none_is_refused(clock, took):
    breaker = a_breaker(clock, slow=1.0)
    with pytest.raises(InputError, match=r"took is .* it must be seconds from 0 up"):
        breaker.succeed(breaker.enter(), took)


def test_a_permit_that_is_none_is_refused(clock):
    with pytest.raises(TypeError):
        a_breaker(clock).succeed(None)


def test_threads_that_come_at_once_share_out_exactly_the_probes(clock):
    breaker = a_breaker(clock, probes=2)
    for _ in range(50):
        breaker.reset()
        fail(breaker, 3)
        clock.advance(10.0)
        admitted, gate = [], threading.Barrier(8)

        def call(admitted=admitted, gate=gate):
            gate.wait()
            admitted.append(breaker.enter() is not None)

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(admitted) == 2
