"""A device that breaks: every answer still comes, from the CPU, and says that it is a fallback.

The device is the GPU's emulation, made to fail, in a router of its own that stands in for the process's.
"""

import asyncio

import numpy as np
import pytest

import atalanta
from atalanta import _core, pricing
from atalanta.compute import Router
from atalanta.compute.devices import Capability, Format, device
from atalanta.compute.devices.emulated import EmulatedDevice
from atalanta.compute.router import shared
from atalanta.errors import DeviceError
from atalanta.reliability import BreakerChanged, FellBack, Policy, Retry, set_hooks
from atalanta.testing import FakeClock

N = 40_000
OPERATIONS = ("price", "greeks", "implied_vol")


class Breakable(EmulatedDevice):
    """The emulation as an automatic device; it claims an error within the CPU's, so that it may be chosen."""

    name = "emulated"
    automatic = True

    def __init__(self):
        super().__init__()
        self.broken, self.calls = False, 0

    def capabilities(self):
        return {name: Capability((Format("double_single", 1e-16),)) for name in OPERATIONS}

    def run(self, operation, *arrays, tolerance=None):
        del tolerance  # it claims to meet every one
        self.calls += 1
        if self.broken:
            raise DeviceError("[compute.emulated] the device was lost")
        return EmulatedDevice().run(operation, *arrays)


class Times:
    """Nanoseconds for the router: a clock of its own, which a test moves."""

    def __init__(self):
        self.seconds = FakeClock(1e9)  # far beyond the system's: nothing is due by itself

    def __call__(self):
        self.seconds.advance(1e-6)
        return int(self.seconds() * 1e9)


@pytest.fixture
def broken_later(monkeypatch):
    """The router of the process, over the CPU and the breakable device, to which options are pinned."""
    before, gpu, clock = shared.default_router(), Breakable(), Times()
    router = Router([device("cpu"), gpu], calibrate=False, clock=clock)
    for name in OPERATIONS:
        router.pin(name, "emulated:double_single")
    monkeypatch.setattr(shared, "_router", router)
    places = [router.targets.index(name) for name in ("cpu:one", "cpu:pool")]
    _core.install_router(router._core, *places, shared._run_elsewhere)
    yield router, gpu, clock
    places = [before.targets.index(name) for name in ("cpu:one", "cpu:pool")]
    _core.install_router(before._core, *places, shared._run_elsewhere)


@pytest.fixture
def events():
    told = []
    before = set_hooks(told.append)
    yield told
    set_hooks(*before)


@pytest.fixture(scope="module")
def options():
    rng = np.random.default_rng(8)
    return (
        rng.choice(np.array([1, -1], np.int8), N),
        rng.uniform(80, 120, N),
        rng.uniform(80, 120, N),
        rng.uniform(0.05, 2, N),
        np.full(N, 0.03),
        rng.uniform(0.1, 0.6, N),
        np.zeros(N),
    )


def test_the_router_answers_and_says_from_where(broken_later, options, events):
    router, gpu, _ = broken_later
    live = router.answer("price", *options)
    assert (live.source, gpu.calls) == ("live", 1)
    gpu.broken = True
    answer = router.answer("price", *options)
    assert answer.source in ("fallback:cpu:one", "fallback:cpu:pool")
    assert isinstance(answer.cause, DeviceError)
    np.testing.assert_array_equal(answer.value, pricing.price(*options[:6]))
    np.testing.assert_allclose(answer.value, live.value, rtol=0, atol=1e-9)
    assert [type(event) for event in events] == [BreakerChanged, FellBack]
    assert (events[0].name, events[0].change) == ("emulated:double_single", "opened")
    assert events[0].open_for == pytest.approx(0.05)
    assert router.quarantine == ("emulated:double_single",)
    later = router.answer("price", *options)  # in quarantine: it is not even asked
    assert (later.source, later.cause, gpu.calls) == (answer.source, None, 2)


def test_it_is_tried_again_and_trusted_again(broken_later, options, events):
    router, gpu, clock = broken_later
    gpu.broken = True
    router.run("price", *options)
    gpu.broken = False
    for _ in range(100):
        clock.seconds.advance(0.1)
        if router.answer("price", *options).source == "live":
            break
    assert router.quarantine == ()
    assert [event.change for event in events if isinstance(event, BreakerChanged)][-1] == "closed"


def test_the_exported_functions_get_every_answer(broken_later, options, events):
    _, gpu, _ = broken_later
    gpu.broken = True
    np.testing.assert_array_equal(atalanta.price(*options[:6]), pricing.price(*options[:6]))
    np.testing.assert_array_equal(atalanta.greeks(*options[:6]).vega, pricing.greeks(*options[:6]).vega)
    assert gpu.calls == 1  # by the second one it is in quarantine
    assert [event.fallback for event in events if isinstance(event, FellBack)] == ["cpu"]


def test_the_analysis_of_a_chain_gets_every_answer_and_marks_it(broken_later):
    router, gpu, _ = broken_later
    chain = atalanta.simulate_chain(seed=5).chain
    assert (chain["exercise"] == "european").sum() > 1_024  # from there on the router is asked
    on_device = atalanta.analyze(chain)
    assert gpu.calls > 0
    assert not any("emulated" in note for note in on_device.notes)
    gpu.broken = True
    analysis = atalanta.analyze(chain)
    assert any(
        note.startswith("fallback:cpu computed what emulated:double_single could not")
        and "the device was lost" in note
        for note in analysis.notes
    )
    assert any("emulated:double_single is in quarantine" in note for note in atalanta.analyze(chain).notes)
    for name in OPERATIONS:
        router.pin(name, "cpu:one")
    by_cpu = atalanta.analyze(chain)
    for column in ("iv_bid", "iv_mid", "iv_ask", "delta", "gamma", "vega", "theta", "rho", "flags"):
        np.testing.assert_array_equal(analysis[column], by_cpu[column])
    assert np.isfinite(analysis["iv_mid"]).sum() == np.isfinite(on_device["iv_mid"]).sum()


def test_a_device_asked_for_by_name_fails_by_name_and_behind_a_policy_is_replaced(broken_later, options):
    router, gpu, _ = broken_later
    gpu.broken = True
    with pytest.raises(DeviceError, match="the device was lost"):
        router.run("price", *options, device="emulated")
    with pytest.raises(DeviceError, match="emulated:double_single failed and is in quarantine"):
        router.run("price", *options, device="emulated")

    def on_gpu(*columns):
        return router.run("price", *columns, device="emulated")

    def on_cpu(*columns):
        return pricing.price(*columns[:6])

    policy = Policy("gpu", breaker="gpu_compute", retry=Retry(1, base=1e-5), fallback=on_cpu)
    answers = [policy.call(on_gpu, *options) for _ in range(10)]
    assert {answer.source for answer in answers} == {"fallback:on_cpu"}
    assert policy.breaker.state == "open"
    for answer in answers:
        np.testing.assert_array_equal(answer.value, pricing.price(*options[:6]))


def test_a_device_asked_for_by_name_alone_is_tried_again(broken_later, options):
    """No other call has to find out that it is back."""
    router, gpu, clock = broken_later
    gpu.broken = True
    with pytest.raises(DeviceError):
        router.run("price", *options, device="emulated")
    gpu.broken = False
    clock.seconds.advance(0.05)
    assert router.answer("price", *options, device="emulated").source == "live"
    assert router.quarantine == ()


def test_a_coroutine_tries_a_device_again_as_well(broken_later, options):
    router, gpu, clock = broken_later
    gpu.broken = True
    with pytest.raises(DeviceError):
        router.run("price", *options, device="emulated")
    gpu.broken = False
    clock.seconds.advance(0.05)
    np.testing.assert_allclose(
        asyncio.run(router.run_async("price", *options, device="emulated")),
        pricing.price(*options[:6]),
        rtol=1e-9,
    )
    assert router.quarantine == ()


def test_a_target_can_be_taken_out_by_hand(broken_later, options):
    router, gpu, _ = broken_later
    breaker = router.breaker("emulated:double_single")
    assert breaker.set_mode("forced_open") == "automatic"
    assert router.answer("price", *options).source.startswith("fallback:cpu")
    assert (gpu.calls, router.quarantine) == (0, ("emulated:double_single",))
    assert breaker.set_mode("automatic") == "forced_open"
    assert router.answer("price", *options).source == "live"


def test_a_policy_may_share_the_routers_breaker(broken_later, options):
    """What the policy finds out, the router's decisions follow."""
    router, gpu, _ = broken_later
    policy = Policy("gpu", breaker=router.breaker("emulated:double_single"), fallback=lambda: None)

    def fail():
        raise DeviceError("[x] lost")

    policy.call(fail)
    assert router.answer("price", *options).source.startswith("fallback:cpu")
    assert gpu.calls == 0
