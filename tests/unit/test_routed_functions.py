"""The exported price, greeks and implied_vol: the plain kernels' results, wherever they ran, and who was asked."""

import inspect
import pickle

import numpy as np
import pytest

import atalanta
from atalanta import _core, pricing
from atalanta.compute import default_router
from atalanta.errors import DeviceError, InputError

N = 40_000


@pytest.fixture(scope="module")
def columns():
    """Options at random, enough of them for the pool."""
    rng = np.random.default_rng(4)
    return (
        rng.choice(np.array([1, -1], np.int8), N),
        rng.uniform(80, 120, N),
        rng.uniform(80, 120, N),
        rng.uniform(0.05, 2, N),
        0.03,
        rng.uniform(0.1, 0.6, N),
    )


@pytest.fixture
def pinned():
    """Pins of the shared router, lifted at the end."""
    router = default_router()
    yield router
    for name in router.operations:
        router.pin(name, None)


@pytest.mark.parametrize("target", ["cpu:one", "cpu:pool"])
@pytest.mark.parametrize("rows", [3, 1_025, 8_192, 8_193, N])
def test_every_target_of_the_cpu_gives_the_kernels_bits(columns, pinned, target, rows):
    """One thread or the pool: no bit differs."""
    given = [column[:rows] if np.ndim(column) else column for column in columns]
    pinned.pin("pricing", target)
    np.testing.assert_array_equal(pricing.price(*given), atalanta.price(*given))
    for order in (1, 2, 3):
        plain, routed = pricing.greeks(*given, order=order), atalanta.greeks(*given, order=order)
        for name in plain:
            np.testing.assert_array_equal(plain[name], routed[name])
    prices = pricing.price(*given)
    for plain, routed in zip(
        pricing.implied_vol(prices, *given[:5], full_output=True),
        atalanta.implied_vol(prices, *given[:5], full_output=True),
        strict=True,
    ):
        np.testing.assert_array_equal(plain, routed)


@pytest.mark.parametrize("device", ["auto", "cpu", None, "cpu:one", "cpu:pool"])
def test_devices_of_the_cpu_are_taken_by_every_function(columns, device):
    """For numbers and for columns, with and without threads."""
    price = atalanta.price("call", 100.0, 95.0, 0.5, 0.03, 0.2, device=device)
    assert pricing.price("call", 100.0, 95.0, 0.5, 0.03, 0.2) == price
    assert isinstance(price, float)
    vol = atalanta.implied_vol(price, "call", 100.0, 95.0, 0.5, 0.03, device=device)
    assert pricing.implied_vol(price, "call", 100.0, 95.0, 0.5, 0.03) == vol
    one = atalanta.greeks("call", 100.0, 95.0, 0.5, 0.03, 0.2, device=device)
    assert pricing.greeks("call", 100.0, 95.0, 0.5, 0.03, 0.2).delta == one.delta
    for threads in (None, 1, 2):
        np.testing.assert_array_equal(
            pricing.price(*columns), atalanta.price(*columns, device=device, threads=threads)
        )


def test_out_and_empty_columns_are_as_ever(columns):
    """The caller's array is filled and returned; nothing gives nothing."""
    out = np.empty(N)
    assert out is atalanta.price(*columns, out=out, device="cpu:pool")
    np.testing.assert_array_equal(pricing.price(*columns), out)
    assert (0,) == atalanta.price("call", 100.0, np.empty(0), 0.5, 0.03, 0.2, device="auto").shape
    assert (0,) == atalanta.price("call", 100.0, np.empty(0), 0.5, 0.03, 0.2, device="cpu").shape


@pytest.mark.parametrize(
    "call",
    [
        lambda device: atalanta.price("call", 100.0, 95.0, 0.5, 0.03, 0.2, device=device),
        lambda device: atalanta.greeks("call", 100.0, [95.0], 0.5, 0.03, 0.2, device=device),
        lambda device: atalanta.implied_vol(9.0, "call", 100.0, 95.0, 0.5, 0.03, device=device),
        lambda device: atalanta.price(
            "call", 100.0, 95.0, 0.5, 0.03, 0.2, exercise="american", device=device
        ),
        lambda device: atalanta.greeks("call", 100.0, 95.0, 0.5, 0.03, 0.2, order=2, device=device),
    ],
)
@pytest.mark.parametrize("device", ["tpu", 5, ""])
def test_an_unknown_device_is_refused_by_name(call, device):
    """The message lists those there are."""
    with pytest.raises(InputError, match=r"^\[pricing\.\w+\] device is .*it must be one of auto, cpu, gpu"):
        call(device)


def test_a_target_that_does_not_do_it_names_those_that_do(columns):
    """With what each guarantees; no tolerance was asked for, and none is told."""
    with pytest.raises(
        InputError, match="device is cpu:float32, which does not do 'price'; others do: cpu:one"
    ) as told:
        atalanta.price(*columns, device="cpu:float32")
    assert "cpu:pool 4e-15" in str(told.value)
    assert "inf" not in str(told.value)


def test_a_device_that_is_not_here_says_why():
    """And what would mend it."""
    with pytest.raises(DeviceError, match=r"^\[compute\.router\] neural_engine is not available: "):
        atalanta.price("call", 100.0, 95.0, 0.5, 0.03, 0.2, device="neural_engine")


def test_rows_that_only_the_cpu_does_refuse_other_devices():
    """American exercise, cash dividends and higher Greeks."""
    for words in ({"exercise": "american"}, {"dividends": [(0.1, 1.0)]}):
        with pytest.raises(
            InputError, match="done by the CPU alone: leave device out, or give 'auto' or 'cpu'"
        ):
            atalanta.price("call", 100.0, 95.0, 0.5, 0.03, 0.2, device="gpu", **words)
        atalanta.price("call", 100.0, 95.0, 0.5, 0.03, 0.2, device="cpu", **words)
    with pytest.raises(InputError, match="done by the CPU alone"):
        atalanta.greeks("call", 100.0, [95.0], 0.5, 0.03, 0.2, order=3, device="gpu")


def test_plain_functions_know_no_device():
    """`atalanta.pricing` stays what it was."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'device'"):
        pricing.price("call", 100.0, 95.0, 0.5, 0.03, 0.2, device="cpu")
    for routed, plain in ((atalanta.price, pricing.price), (atalanta.implied_vol, pricing.implied_vol)):
        routed_names, plain_names = (list(inspect.signature(one).parameters) for one in (routed, plain))
        assert [*plain_names, "device"] == routed_names
        for function in (routed, plain):
            assert function is pickle.loads(pickle.dumps(function))
        assert "device:" in routed.__doc__
        assert "device:" not in plain.__doc__


class Elsewhere:
    """Stands for another device in a router that is installed for the time of a test."""

    def __init__(self):
        self.answer, self.calls, self.core = None, [], None

    def __call__(self, operation, target, work, columns, tolerance, probe, strict):
        assert not probe  # this router has no clock to know that it should try
        self.calls.append((operation, target, work, tolerance, strict))
        if isinstance(self.answer, Exception):
            raise self.answer
        return None if self.answer is None else self.answer(operation, columns)


def exact(operation, columns):
    """The kernels, as a device would call them."""
    *option, dividend_yield = columns
    if operation == "price":
        return np.asarray(pricing.price(*option, dividend_yield=dividend_yield)) + 1.0
    if operation == "greeks":
        return np.asarray(_core.greeks(*option, dividend_yield=dividend_yield)) + 1.0
    vol, status = pricing.implied_vol(*option, dividend_yield=dividend_yield, full_output=True)
    return np.asarray(vol) + 1.0, np.asarray(status, np.uint8)


@pytest.fixture
def elsewhere(monkeypatch):
    """A third target, very quick, less accurate, reached by the hook."""
    from atalanta.compute.router import Decision, shared

    router, hook = default_router(), Elsewhere()
    core = _core.RouterCore(Decision, 1)
    for name, tier in (("cpu:one", "baseline"), ("cpu:pool", "wide"), ("far:float32", "accelerator")):
        core.add_target(name, tier, False, 0.0)
    core.name_device("auto", 0b111)
    core.name_device("cpu", 0b011)
    core.name_device("far", 0b100)
    for name in ("price", "greeks", "implied_vol"):
        place = core.add_operation(name, "pricing", 40.0)
        core.set_default_tolerance(place, 1e-14)
        for target, (error, ns) in enumerate(((1e-14, 5.0), (1e-14, 3.0), (2.5e-7, 0.01))):
            core.allow(place, target, error)
            core.calibrate(place, target, [(64, 64 * ns), (1 << 20, (1 << 20) * ns)])
    monkeypatch.setattr("atalanta.compute.router.prepare", lambda _: None)
    _core.install_router(core, 0, 1, hook)
    hook.core = core
    yield hook
    _core.install_router(
        router._core, router.targets.index("cpu:one"), router.targets.index("cpu:pool"), shared._run_elsewhere
    )


def test_the_analysis_of_a_chain_asks_the_router(elsewhere):
    """Its European rows, three times for the vols and once for the Greeks; every bit is that of one thread."""
    chain = atalanta.simulate_chain().chain
    plain = atalanta.analyze(chain, threads=1)
    assert [] == elsewhere.calls  # a call that names its threads is not routed
    for place in range(3):
        elsewhere.core.set_default_tolerance(place, 1e-6)  # so that the quick device will do
    routed = atalanta.analyze(chain)  # it gives no answer, and the kernels do it
    rows = int((chain["exercise"] == "european").sum())
    asked = [(call[0], call[2]) for call in elsewhere.calls]
    (valued,) = [count for name, count in asked if name == "greeks"]
    assert valued >= rows  # and American ones that nobody would exercise early
    assert 3 == asked.count(("implied_vol", valued))
    for name in ("iv_bid", "iv_mid", "iv_ask", "delta", "gamma", "vega", "theta", "rho"):
        np.testing.assert_array_equal(plain[name], routed[name], strict=True)


def test_a_tolerance_opens_the_gate(columns, elsewhere):
    """Without one the CPU computes; with one the quick device does, row for row."""
    elsewhere.answer = exact
    np.testing.assert_array_equal(pricing.price(*columns), atalanta.price(*columns))
    np.testing.assert_array_equal(pricing.price(*columns), atalanta.price(*columns, tolerance="precise"))
    np.testing.assert_array_equal(pricing.price(*columns), atalanta.price(*columns, tolerance=1e-7))
    assert [] == elsewhere.calls
    np.testing.assert_array_equal(pricing.price(*columns) + 1.0, atalanta.price(*columns, tolerance=1e-4))
    np.testing.assert_array_equal(pricing.price(*columns) + 1.0, atalanta.price(*columns, tolerance="fast"))
    least = float(np.min(columns[2] / columns[1]))
    assert [("price", 2, N, pytest.approx(1e-6 * least), False)] * 2 == elsewhere.calls


def test_the_tolerance_is_that_of_the_tightest_row(columns, elsewhere):
    """The error of a price for a strike of 100: far below the spot it is small per unit of spot."""
    elsewhere.answer = exact
    strikes = columns[2].copy()
    strikes[7] = 1.0
    atalanta.price(*columns[:2], strikes, *columns[3:], tolerance=1e-4)
    assert [] == elsewhere.calls


def test_results_from_elsewhere_have_the_kernels_shapes(columns, elsewhere):
    """Columns, the caller's array, numbers, Greeks and statuses."""
    elsewhere.answer = exact
    square = [np.reshape(column, (200, 200)) if np.ndim(column) else column for column in columns]
    assert (200, 200) == atalanta.price(*square, device="far").shape
    out = np.empty(N)
    assert out is atalanta.price(*columns, out=out, device="far")
    np.testing.assert_array_equal(pricing.price(*columns) + 1.0, out)
    one = atalanta.price("call", 100.0, 95.0, 0.5, 0.03, 0.2, device="far")
    assert pricing.price("call", 100.0, 95.0, 0.5, 0.03, 0.2) + 1.0 == one
    assert isinstance(one, float)
    g, plain = atalanta.greeks(*columns, device="far"), pricing.greeks(*columns)
    np.testing.assert_array_equal(plain.vega + 1.0, g.vega)
    single = atalanta.greeks("put", 100.0, 95.0, 0.5, 0.03, 0.2, device="far")
    assert isinstance(single.delta, float)
    prices = pricing.price(*columns)
    vol, status = atalanta.implied_vol(prices, *columns[:5], full_output=True, device="far")
    np.testing.assert_array_equal(pricing.implied_vol(prices, *columns[:5]) + 1.0, vol)
    assert status.dtype == np.uint8
    vol, status = atalanta.implied_vol(10.0, "call", 100.0, 95.0, 0.5, 0.03, full_output=True, device="far")
    assert isinstance(vol, float)
    assert 0 == status
    assert all(call[-1] for call in elsewhere.calls)  # strict: asked for by name


def test_words_and_strings_arrive_as_signs(elsewhere):
    """The device is given what the kernels are given."""
    elsewhere.answer = exact
    rights = np.array(["call", "P", "c"])
    given = (rights, 100.0, [95.0, 100.0, 105.0], 0.5, 0.03, 0.2)
    np.testing.assert_array_equal(
        pricing.price(*given, dividend_yield=0.01) + 1.0,
        atalanta.price(*given, dividend_yield=0.01, device="far"),
    )


def test_what_fails_elsewhere_is_done_here(columns, elsewhere):
    """Unless it was asked for by name: then the failure is the answer."""
    elsewhere.answer = None
    np.testing.assert_array_equal(pricing.price(*columns), atalanta.price(*columns, tolerance="fast"))
    np.testing.assert_array_equal(
        pricing.greeks(*columns).gamma, atalanta.greeks(*columns, tolerance="fast").gamma
    )
    assert [False, False] == [call[-1] for call in elsewhere.calls]
    elsewhere.answer = DeviceError("[compute.far] failed")
    with pytest.raises(DeviceError, match="failed"):
        atalanta.price(*columns, device="far")


def test_bad_rows_are_refused_before_any_device(columns, elsewhere):
    """Input errors do not depend on the device."""
    elsewhere.answer = exact
    with pytest.raises(InputError, match="looks like per cent"):
        atalanta.price(*columns[:4], 3.0, columns[5], device="far")
    with pytest.raises(InputError, match="do not broadcast"):
        atalanta.price("call", 100.0, np.ones(3), np.ones(4), 0.03, 0.2, device="far")
    assert [] == elsewhere.calls
