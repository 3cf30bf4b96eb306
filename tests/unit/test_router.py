"""The router on devices of known costs and a virtual clock: deciding, running, learning, failing, explaining."""

import asyncio
import json
import math
import os
import threading
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import atalanta
from atalanta.compute import default_router, route_computation, route_computation_sync
from atalanta.compute.router.workloads import CLASSES, WORKLOADS, work_of
from atalanta.errors import DeviceError, InputError
from tests.fake_devices import FakeDevice, two_devices

#: The router is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")

HOST, DEVICE = "host:float64", "device:float64"
SMALL, LARGE = 10_000, 500_000


@pytest.fixture
def fakes():
    return two_devices()


@pytest.fixture
def router(fakes):
    clock, host, device = fakes
    return atalanta.Router([host, device], clock=clock)


def arrays(work):
    return np.ones(work), np.ones(work)


def test_the_first_decision_calibrates(fakes, router):
    """Nothing is run before, and no more than the budget's time passes."""
    clock, host, device = fakes
    assert 0 == host.calls == device.calls
    begin = clock.now
    assert HOST == router.decide("add", SMALL).target
    assert host.calls > 0
    assert device.calls > 0
    assert clock.now - begin <= 2 * 50_000_000  # a budget for each device


def test_size_decides_and_time_is_predicted(router):
    """Small work stays, large work goes; the prediction is the truth within 10 %."""
    small, large = router.decide("add", SMALL), router.decide("add", 131_072)
    assert (HOST, "fastest") == (small.target, small.reason)
    assert (DEVICE, "fastest") == (large.target, large.reason)
    assert small.seconds == pytest.approx(9.3e-6, rel=0.1)
    assert large.seconds == pytest.approx(62.6e-6, rel=0.1)
    assert ("host", "device") == (small.device, large.device)


def test_a_class_stands_for_its_first_operation(router):
    """The names of classes are understood where operations are."""
    assert router.decide("vector", LARGE) == router.decide("add", LARGE)
    assert WORKLOADS.keys() >= set(CLASSES.values())


def test_accuracy_comes_first(fakes):
    """A device that does not meet the tolerance is not chosen, and the reason says so."""
    clock, host, device = fakes
    device.errors = {"add": 1e-6}
    router = atalanta.Router([host, device], clock=clock)
    strict = router.decide("add", LARGE)
    assert (HOST, "accuracy") == (strict.target, strict.reason)
    assert DEVICE == router.decide("add", LARGE, tolerance=1e-5).target


def test_a_tolerance_that_no_device_meets_lists_what_each_guarantees(router):
    """The error names every guarantee."""
    with pytest.raises(
        InputError, match=r"tolerance of 1e-18; guaranteed are: host:float64 1e-15; device:float64"
    ):
        router.decide("add", SMALL, tolerance=1e-18)


@pytest.mark.parametrize(
    ("arguments", "words", "message"),
    [
        (("add", -1), {}, r"work is -1; it must be a whole number"),
        (("add", 1.5), {}, r"work is 1\.5; it must be a whole number"),
        (("add", True), {}, r"work is True"),
        (("add", 2**64), {}, r"work is 18446744073709551616"),
        (("subtract", 1), {}, r"operation is 'subtract'; it must be one of .*add"),
        ((None, 1), {}, r"operation is None"),
        (("matmul", 1), {}, r"no device here does 'matmul'"),
        (("add", 1), {"tolerance": 0.0}, r"tolerance is 0\.0; it must be a number above 0"),
        (("add", 1), {"tolerance": math.nan}, r"tolerance is nan"),
        (("add", 1), {"tolerance": "fast"}, r"tolerance is 'fast'"),
        (("add", 1), {"deadline": -1.0}, r"deadline is -1\.0"),
        (("add", 1), {"residency": "disk"}, r"residency is 'disk'; it must be 'host', 'device' or None"),
        (("add", 1), {"device": "gpu"}, r"device is 'gpu'; it must be one of auto, host, device"),
    ],
)
def test_bad_input_is_named(router, arguments, words, message):
    """Value, limit and what is known."""
    for _ in range(2):  # at the first use, and natively
        with pytest.raises(InputError, match=rf"^\[compute\.router.*\] .*{message}"):
            router.decide(*arguments, **words)
        router.begin()


@pytest.mark.parametrize("name", ["tolerance", "deadline"])
@pytest.mark.parametrize(
    "value",
    [
        "fast",
        "0.5",
        b"1",
        [1],
        True,
        0,
        -1.0,
        math.nan,
        1j,
        pytest.param(10**400, id="huge"),
        np.array([1.0, 2.0]),
    ],
)
def test_what_is_no_limit_is_refused_alike_wherever_it_is_given(router, name, value):
    """In the words of `decide`, before and after the first use; by the shared router too."""
    words, call = {name: value}, ("add", *arrays(10))
    with pytest.raises(InputError) as said:
        router.decide("add", 10, **words)
    clock, *devices = two_devices()
    fresh = atalanta.Router(devices, clock=clock)
    entries = [
        lambda: router.run(*call, **words),
        lambda: router.answer(*call, **words),
        lambda: asyncio.run(router.run_async(*call, **words)),
        lambda: asyncio.run(fresh.run_async(*call, **words)),
        lambda: route_computation_sync(*call, **words),
        lambda: asyncio.run(route_computation(*call, **words)),
    ]
    for entry in entries:
        with pytest.raises(InputError) as again:
            entry()
        assert str(said.value) == str(again.value)


@pytest.mark.parametrize(
    "value", [1, 0.5, math.inf, np.float32(0.5), np.array(0.5), Fraction(1, 2), Decimal("0.5")]
)
def test_what_is_a_limit_is_taken_alike_wherever_it_is_given(router, value):
    """Any number above 0; infinity asks for nothing."""
    words = {"tolerance": value, "deadline": value}
    assert HOST == router.decide("add", 10, **words).target
    for result in (
        router.run("add", *arrays(10), **words),
        asyncio.run(router.run_async("add", *arrays(10), **words)),
    ):
        np.testing.assert_array_equal(2.0 * np.ones(10), result)


def test_the_extremes_of_work_are_decided(router):
    """Nothing to do, and more than any machine holds."""
    assert HOST == router.decide("add", 0).target
    assert DEVICE == router.decide("add", 2**63).target
    assert router.decide("add", np.int64(SMALL)) == router.decide("add", SMALL)


def test_run_gives_the_result_and_the_device_gets_a_tolerance(fakes, router):
    """The arithmetic is the device's, asked for what it guarantees."""
    _, _, device = fakes
    np.testing.assert_array_equal(2.0 * np.ones(LARGE), router.run("add", *arrays(LARGE)))
    assert {1e-15} == set(device.tolerances)


def test_a_device_can_be_asked_for(fakes, router):
    """By its own name or its target's; it is then not replaced when it fails."""
    _, host, device = fakes
    router.begin()
    before = host.calls
    router.run("add", *arrays(10), device="device")
    router.run("add", *arrays(10), device=DEVICE)
    assert before == host.calls
    device.failing = True
    with pytest.raises(DeviceError, match="failed"):
        router.run("add", *arrays(10), device="device")


def test_a_device_that_is_not_there_is_not_chosen_and_says_why(fakes):
    """Its reason and what would mend it."""
    clock, host, device = fakes
    device.available = False
    router = atalanta.Router([host, device], clock=clock)
    assert (HOST, "only") == router.decide("add", LARGE)[::2]
    with pytest.raises(DeviceError, match="device is not available: it was unplugged: plug it in"):
        router.run("add", *arrays(10), device="device")


def test_a_failing_device_is_left_at_once_and_comes_back(fakes, router):
    """The call that meets the failure still gives its result; a second after the mend the device is back."""
    clock, _, device = fakes
    work = arrays(LARGE)
    router.run("add", *work)
    device.failing = True
    before = device.calls
    np.testing.assert_array_equal(2.0 * np.ones(LARGE), router.run("add", *work))
    assert before + 1 == device.calls
    assert (HOST, "health") == router.decide("add", LARGE)[::2]
    for _ in range(20):
        router.run("add", *work)
    assert device.calls <= before + 3
    device.failing = False
    mended = clock.now
    while HOST == router.decide("add", LARGE).target:
        router.run("add", *work)
        assert clock.now - mended <= 1_000_000_000
    assert 1 <= router.as_dict()["targets"][1]["failures"] <= 3


def test_what_the_caller_did_wrong_is_no_failure_of_the_device(router):
    """Arrays that do not fit raise, and the device stays healthy."""
    with pytest.raises(ValueError, match="broadcast"):
        router.run("add", np.ones(LARGE), np.ones(LARGE + 1), device="device")
    assert DEVICE == router.decide("add", LARGE).target


def test_when_all_fail_the_last_error_is_raised(fakes, router):
    """There is nothing left to fall back on."""
    _, host, device = fakes
    router.begin()
    host.failing = device.failing = True
    with pytest.raises(DeviceError, match="failed"):
        router.run("add", *arrays(LARGE))


def test_a_slowed_device_is_left_and_taken_up_again(fakes, router):
    """Within 64 timed calls, and within a second of its recovery."""
    clock, _, device = fakes
    work = arrays(100_000)  # 90 us on the host, 62 on the device
    for _ in range(50):
        router.run("add", *work)
    assert DEVICE == router.decide("add", 100_000).target
    device.factor = 2.0
    for _ in range(64):
        router.run("add", *work)
    assert HOST == router.decide("add", 100_000).target
    device.factor = 1.0
    mended = clock.now
    while HOST == router.decide("add", 100_000).target:
        router.run("add", *work)
        assert clock.now - mended <= 1_000_000_000


def test_trying_costs_little(fakes, router):
    """At most one per cent of the time."""
    clock, _, _ = fakes
    router.begin()
    begin = clock.now
    work = arrays(70_000)
    for _ in range(3_000):
        router.run("add", *work)
    assert 0.0 < router.exploration_seconds <= 0.011e-9 * (clock.now - begin)


def test_deterministic_routers_neither_learn_nor_try(fakes):
    """Calibration alone decides."""
    clock, host, device = fakes
    router = atalanta.Router([host, device], clock=clock, deterministic=True)
    router.begin()
    device.factor = 50.0
    before = host.calls
    for _ in range(200):
        router.run("add", *arrays(LARGE))
    assert before == host.calls
    assert DEVICE == router.decide("add", LARGE).target
    assert 0.0 == router.exploration_seconds


def test_without_calibration_the_thresholds_stand(fakes):
    """Vector work leaves the host from 10,000 elements on, at an unknown time."""
    clock, host, device = fakes
    router = atalanta.Router([host, device], clock=clock, calibrate=False)
    assert (HOST, "prior") == router.decide("add", 8_000)[::2]
    assert (DEVICE, "prior") == router.decide("add", 12_000)[::2]
    assert math.isnan(router.decide("add", 8_000).seconds)
    assert 0 == host.calls == device.calls


def test_pins_are_followed_and_put_back(router):
    """Whatever was measured; by target, device or class."""
    assert router.pin("add", DEVICE) is None
    assert (DEVICE, "pinned") == router.decide("add", 1)[::2]
    assert DEVICE == router.pin("vector", "host")
    assert HOST == router.decide("add", LARGE).target
    assert {"add": HOST} == {k: v for k, v in router.as_dict()["pins"].items() if k == "add"}
    assert HOST == router.pin("add", None)
    assert HOST == router.decide("add", 1).target


def test_pins_that_cannot_be_followed_are_refused(router):
    """The error lists the targets that do the operation."""
    with pytest.raises(
        InputError, match="target of add is 'gpu', which is none of device:float64, host:float64"
    ):
        router.pin("add", "gpu")
    with pytest.raises(InputError, match="operation is 'nonsense'"):
        router.pin("nonsense", HOST)


def test_thresholds_are_followed_and_put_back(router):
    """Below it the host, from it on the device."""
    assert router.set_threshold("add", 500) is None
    assert (HOST, "threshold") == router.decide("add", 400)[::2]
    assert (DEVICE, "threshold") == router.decide("add", 700)[::2]
    assert 500 == router.set_threshold("add", None)
    assert HOST == router.decide("add", 700).target
    for work in (0, -1, 1.5, True, "many", 2**64, 2**70):
        with pytest.raises(
            InputError, match=rf"work is {work!r}; it must be a whole number from 1 up to \d+, or None"
        ):
            router.set_threshold("add", work)
    assert router.set_threshold("add", 2**64 - 1) is None
    assert HOST == router.decide("add", LARGE).target


def test_explain_tells_everything(router):
    """Each target with its time, and the crossover near the true one of 67,800 elements."""
    told = router.explain("add", LARGE)
    assert ("add", "vector", LARGE) == (told.operation, told.kind, told.work)
    assert [DEVICE, HOST] == [one.target for one in told.predictions]
    assert all(one.seconds <= one.seconds_p99 for one in told.predictions)
    (crossover,) = told.crossovers
    assert (HOST, DEVICE) == crossover[1:]
    assert 67_800 / math.sqrt(2) <= crossover.work <= 67_800 * math.sqrt(2)
    text = str(told)
    assert "add, 500,000 elements: device:float64 (fastest)" in text
    assert json.dumps(told.as_dict())


def test_predictions_are_asked_for_by_name(router):
    """Or refused by name."""
    assert router.predict("add", HOST, 100_000) == pytest.approx(90e-6, rel=0.1)
    with pytest.raises(
        InputError, match="target is 'nowhere'; it must be one of host:float64, device:float64"
    ):
        router.predict("add", "nowhere", 1)
    for work in ("x", True, 1.5, -1, 2**64, None, np.array([5])):
        with pytest.raises(InputError, match="whole number of elements"):
            router.predict("add", HOST, work)
    assert router.predict("add", HOST, np.int64(7)) == router.predict("add", HOST, 7)


def test_the_state_is_a_document(router):
    """What was not measured is null; nothing in it is no JSON."""
    router.begin()
    made = json.loads(router.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert {HOST, DEVICE} == set(made["operations"]["add"])
    assert {} == made["operations"]["matmul"]
    assert made["calibration"]["host"]["source"] == "measured"


def test_a_deadline_takes_the_likeliest(fakes, router):
    """The decision depends on the quantile, not the mean; a wide one changes nothing."""
    del fakes
    assert router.decide("add", LARGE, deadline=1.0) == router.decide("add", LARGE)
    hurried = router.decide("add", LARGE, deadline=1e-9)
    assert DEVICE == hurried.target


def test_many_threads_share_a_router(fakes, router):
    """Calls from all sides give right results."""
    wrong = []
    columns = arrays(1_000)

    def work():
        for _ in range(200):
            if not np.array_equal(router.run("add", *columns), 2.0 * np.ones(1_000)):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == wrong
    del fakes


def test_a_coroutine_runs_what_it_awaits(router):
    """Large work beside the event loop, small work in it; the results are those of the sync twin."""

    async def both():
        return await router.run_async("add", *arrays(LARGE)), await router.run_async("add", *arrays(10))

    large, small = asyncio.run(both())
    np.testing.assert_array_equal(2.0 * np.ones(LARGE), large)
    np.testing.assert_array_equal(2.0 * np.ones(10), small)


def test_a_coroutine_that_is_cancelled_lets_go_at_once(fakes, router):
    """The call that is under way ends by itself; nothing is raised, and the router goes on."""
    _, _, device = fakes
    router.begin()
    running, go_on = threading.Event(), threading.Event()
    plain = device.run

    def blocked(*given, **named):
        running.set()
        assert go_on.wait(10.0)
        return plain(*given, **named)

    async def cancelled():
        device.run = blocked
        task = asyncio.create_task(router.run_async("add", *arrays(LARGE), device="device"))
        await asyncio.to_thread(running.wait, 10.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        device.run = plain
        assert not go_on.is_set()
        go_on.set()
        return await router.run_async("add", *arrays(LARGE))

    before = device.calls
    np.testing.assert_array_equal(2.0 * np.ones(LARGE), asyncio.run(cancelled()))  # joins the helper threads
    assert before + 2 == device.calls
    assert 0 == router.as_dict()["targets"][1]["failures"]


def test_the_shared_router_computes():
    """The functions of the package, sync and async, with this machine's devices."""
    a = np.linspace(0.0, 1.0, 1_000)
    np.testing.assert_array_equal(a + a, route_computation_sync("add", a, a))
    np.testing.assert_array_equal(a + a, asyncio.run(route_computation("add", a, a)))
    with pytest.raises(InputError, match="operation is 'subtract'"):
        route_computation_sync("subtract", a, a)
    with pytest.raises(InputError, match="operation is 'subtract'"):
        asyncio.run(route_computation("subtract", a, a))
    assert default_router() is default_router()


@pytest.mark.parametrize(
    ("operation", "shapes", "work"),
    [
        ("price", [(3, 1), (1, 4), (), (), (), (), ()], 12),
        ("add", [(5,), (5,)], 5),
        ("matmul", [(100, 100), (100, 100)], 10_000),
        ("matmul", [(10, 1000), (1000, 100)], 10_000),
        ("similarity", [(2, 128), (1_000, 128), ()], 2_000),
        ("similarity", [(1, 64), (1_000, 64), ()], 500),
        ("inference", [(32, 7)], 32),
        ("add", [(3,), (4,)], 0),
    ],
)
def test_work_is_counted(operation, shapes, work):
    """Elements; of products those of a square one of equal effort; nothing where the shapes do not fit."""
    assert work == work_of(operation, [np.zeros(shape) for shape in shapes])


def test_two_formats_of_a_device_are_two_targets(fakes):
    """The quicker one where the tolerance lets it."""
    from atalanta.compute.devices import Capability, Format

    clock, host, _ = fakes

    class Both(FakeDevice):
        def capabilities(self):
            return {"add": Capability((Format("float32", 1e-6), Format("float64", 1e-15)))}

        def run(self, operation, *given, tolerance=None):
            self.factor = 0.5 if tolerance >= 1e-6 else 1.0
            return super().run(operation, *given, tolerance=tolerance)

    router = atalanta.Router([host, Both("both", clock, lambda work: 60e3 + 0.02 * work)], clock=clock)
    assert "both:float64" == router.decide("add", LARGE).target
    assert "both:float32" == router.decide("add", LARGE, tolerance=1e-5).target
    assert ("host:float64", "both:float32", "both:float64") == router.targets
    with pytest.raises(InputError, match="which has several: give one of both:float32, both:float64"):
        router.pin("add", "both")
