"""The calibration file and the environment: what is kept, what is refused, and that it is said once."""

import os
import pathlib
import stat
import subprocess
import sys
import warnings
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

import atalanta
from atalanta import config
from atalanta.compute.devices.cpu import CpuDevice
from atalanta.compute.router import CalibrationWarning, calibration
from atalanta.compute.router import record as records
from atalanta.compute.router.calibration import Stopwatch, calibrate, measure
from atalanta.compute.router.overrides import overrides
from atalanta.compute.router.targets import targets_of
from atalanta.compute.router.workloads import WORKLOADS, work_of
from atalanta.errors import InputError
from tests.fake_devices import FakeClock, FakeDevice, two_devices

#: The router is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")

LARGE = 500_000
CURVES = {("add", "host:float64"): [(64, 350.0), (1024, 1200.25)], ("exp", "host:float64"): [(64, 900.0)]}


def host_fingerprint():
    """Of this moment: tests before may have changed the number of threads."""
    return records.fingerprint("host", "a device called host")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "somewhere" / "calibration.txt"


def routed(file, devices=None):
    clock, host, device = two_devices() if devices is None else devices
    return host, atalanta.Router([host, device], clock=clock, path=file)


def test_what_was_measured_is_kept_and_read(file):
    """The second router runs nothing, and decides alike."""
    _, first = routed(file)
    decisions = [first.decide("add", work) for work in (10, 10_000, LARGE)]
    assert file.exists()
    assert ["calibration.txt"] == os.listdir(file.parent)
    host, second = routed(str(file))
    assert [one.target for one in decisions] == [second.decide("add", w).target for w in (10, 10_000, LARGE)]
    assert 0 == host.calls
    assert {"file"} == {state.source for state in second.calibrations.values()}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text[: len(text) // 2], "cut off|checksum"),
        (lambda text: text.replace("curve add", "curve abd"), "its checksum is wrong"),
        (lambda text: text.replace("atalanta-calibration 1", "atalanta-calibration 7"), "its version is 7"),
        (lambda _: "", "does not begin as a calibration file"),
        (lambda text: text[:9], "does not begin as a calibration file"),
        (lambda text: text[:40] + "\x00\ufffd" * 50, "cut off|checksum|damaged"),
    ],
)
def test_a_damaged_file_is_refused_replaced_and_mentioned_once(file, damage, reason):
    """One warning in a process, a new measurement, a file that is whole again."""
    _, first = routed(file)
    first.begin()
    whole = file.read_text()
    file.write_text(damage(whole))
    host, second = routed(file)
    with pytest.warns(CalibrationWarning, match=rf"refused and is measured anew: .*({reason})") as said:
        second.begin()
    assert 1 == len(said)
    assert host.calls > 0
    assert "refused" in second.calibrations["host"].note
    assert "measured" == second.calibrations["host"].source
    file.write_text(damage(whole))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        routed(file)[1].begin()
    _, third = routed(file)
    third.begin()
    assert "file" == third.calibrations["host"].source


def test_a_file_of_another_machine_is_refused(file):
    """The message says what differs."""
    routed(file)[1].begin()
    foreign = host_fingerprint().replace("processor: ", "processor: another ")
    records.save(file, foreign, CURVES)
    with pytest.warns(CalibrationWarning, match="it was measured elsewhere: processor another "):
        routed(file)[1].begin()
    assert "another " not in file.read_text()


@pytest.mark.parametrize("fact", ["processors", "threads", "instruction set", "numpy", "state", "rules"])
def test_other_settings_of_this_machine_are_measured_quietly_and_kept(file, fact):
    """Threads, instruction set, versions and drivers change without anything being wrong; going back finds the record."""
    other = host_fingerprint().replace(f"{fact}: ", f"{fact}: 9")
    records.save(file, other, CURVES)
    host, router = routed(file)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        router.begin()
    assert host.calls > 0
    assert f"measured with other settings: {fact} 9" in router.calibrations["host"].note
    assert CURVES == records.load(file, other)
    again, second = routed(file)
    second.begin()
    state = second.calibrations["host"]
    assert (0, "file", "") == (again.calls, state.source, state.note)


def test_what_was_measured_by_other_rules_is_measured_again(file):
    """Records say by which; those of the first ones do not."""
    first = host_fingerprint().replace("\nrules: 2", "")
    assert first != host_fingerprint()
    records.save(file, first, CURVES)
    with pytest.raises(records.Refused, match="other settings: rules unknown there, 2 here"):
        records.load(file, host_fingerprint())
    host, router = routed(file)
    router.begin()
    assert host.calls > 0
    assert CURVES != records.load(file, host_fingerprint())


def test_a_device_that_comes_later_joins_the_file(file):
    """Nothing is wrong with a file that knows nothing of it."""
    records.save(file, host_fingerprint().replace("device: host", "device: another"), CURVES)
    assert records.load(file, host_fingerprint()) is None
    routed(file)[1].begin()
    assert 3 == file.read_text().count("atalanta-calibration 1\n")


def test_the_file_stays_small(file):
    """The oldest records make room."""
    settings = [
        host_fingerprint().replace("threads: ", f"threads: {9 + place}")
        for place in range(records.MOST_RECORDS + 3)
    ]
    for one in [*settings, settings[-2]]:
        records.save(file, one, CURVES)
    assert records.MOST_RECORDS == file.read_text().count("atalanta-calibration 1\n")
    assert CURVES == records.load(file, settings[3]) == records.load(file, settings[-1])
    with pytest.raises(records.Refused):
        records.load(file, settings[2])


def test_a_damaged_record_does_not_spoil_the_others(file):
    """Each has a checksum of its own; a new record leaves the damaged one out."""
    other = host_fingerprint().replace("threads: ", "threads: 9")
    records.save(file, other, CURVES)
    records.save(file, host_fingerprint(), CURVES)
    text = file.read_text()
    file.write_text(text.replace("curve add", "curve abd", 1))
    assert CURVES == records.load(file, host_fingerprint())
    with pytest.raises(records.Refused, match="its checksum is wrong"):
        records.load(file, other)
    records.save(file, host_fingerprint(), CURVES)
    assert 1 == file.read_text().count("atalanta-calibration 1\n")


def test_a_file_that_lacks_a_target_is_measured_again(file):
    """A record without curves knows nothing."""
    records.save(file, host_fingerprint(), {})
    host, router = routed(file)
    router.begin()
    assert host.calls > 0


def test_a_file_that_cannot_be_written_is_no_error(tmp_path):
    """The state tells it, and the router works."""
    (tmp_path / "file").write_text("in the way")
    _, router = routed(tmp_path / "file" / "calibration.txt")
    assert "device:float64" == router.decide("add", LARGE).target
    assert "not saved" in router.calibrations["host"].note


@pytest.mark.parametrize(
    "content", [b"my thesis\n", b"\x00\xff" * 50, b"atalanta-calibrations of mine", b"\n"]
)
def test_a_file_of_somebody_else_is_kept(tmp_path, content):
    """A path given by mistake costs no file: one warning, the measurement is used, and nothing is written."""
    path = tmp_path / "thesis.txt"
    path.write_bytes(content)
    host, router = routed(path)
    with pytest.warns(
        CalibrationWarning, match=r"not saved: .*thesis\.txt is not a calibration file; name"
    ) as said:
        router.begin()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        router.calibrate(budget=0.01)
    assert "device:float64" == router.decide("add", LARGE).target
    assert (1, content) == (len(said), path.read_bytes())
    assert host.calls > 0
    assert f"not saved: {path} is not a calibration file" in router.calibrations["host"].note
    assert ["thesis.txt"] == os.listdir(tmp_path)


def test_what_is_no_file_is_kept(tmp_path):
    """A folder, and a device of the system, which a privileged user could replace."""
    for path in (tmp_path, tmp_path / "null"):
        if path.name == "null":
            path.symlink_to(os.devnull)
        _, router = routed(path)
        with pytest.warns(CalibrationWarning, match="is not a file; name another path"):
            router.begin()
    assert (tmp_path / "null").is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_what_is_no_file_is_never_opened(tmp_path, monkeypatch):
    """Opening a pipe would wait for a writer, reading a device of the system would take all memory."""
    plain = pathlib.Path.open

    def watched(path, *given, **named):
        assert path != tmp_path / "pipe"
        assert path != tmp_path / "zero"
        return plain(path, *given, **named)

    monkeypatch.setattr(pathlib.Path, "open", watched)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "zero", tmp_path):
        with pytest.raises(records.Refused, match="it is not a file"):
            records.load(path, host_fingerprint())
        assert f"{path} is not a file; name another path" == records.obstacle(path)
        host, router = routed(path)
        with pytest.warns(CalibrationWarning, match="not saved: .* is not a file; name another path"):
            router.begin()
        assert host.calls > 0
        assert f"not saved: {path} is not a file; name another path" == router.calibrations["host"].note
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_file_that_cannot_be_read_is_kept(file, monkeypatch):
    """Nobody knows what is in it."""
    file.parent.mkdir()
    file.write_text("secret")

    def locked(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(file), "open", locked)
    assert f"{file} cannot be read (Permission denied); name another path" == records.obstacle(file)


def test_records_keep_their_numbers(file):
    """To a picosecond, by operation and target."""
    records.save(file, host_fingerprint(), CURVES)
    assert CURVES == records.load(file, host_fingerprint())
    assert records.load(file.with_name("absent.txt"), host_fingerprint()) is None


def test_the_fingerprint_names_the_machine():
    """A line for each fact, whatever the texts of the system hold."""
    text = records.fingerprint("gpu", "odd\nname  of a device")
    assert {"device: gpu", "state: odd name of a device"} < set(text.splitlines())
    assert f"numpy: {np.__version__}" in text.splitlines()
    assert f"atalanta: {atalanta.__version__}" in text.splitlines()


def test_where_the_file_lies(monkeypatch):
    """The variable first, else the user's cache folder."""
    monkeypatch.setenv("ATALANTA_CALIBRATION", "/some/where.txt")
    assert "/some/where.txt" == str(records.calibration_path())
    monkeypatch.delenv("ATALANTA_CALIBRATION")
    config.forget()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert "/cache/atalanta/calibration.txt" == str(records.calibration_path())
    monkeypatch.setattr(sys, "platform", "darwin")
    assert str(records.calibration_path()).endswith("Library/Caches/atalanta/calibration.txt")


def test_calibrating_again_measures_again(file):
    """With a budget that is one."""
    host, router = routed(file)
    router.begin()
    before = host.calls
    router.calibrate(budget=0.01)
    assert host.calls > before
    for budget in (0.0, -1.0, np.nan, "x", [1], None, True):
        with pytest.raises(
            InputError, match=r"^\[compute\.router\.calibrate\] budget is .*; it must be a number of seconds"
        ):
            router.calibrate(budget=budget)


def test_a_device_that_fails_while_it_is_measured_is_not_chosen(file):
    """It was never measured, so it comes after what was."""
    clock, host, device = two_devices()
    device.failing = True
    router = atalanta.Router([host, device], clock=clock, path=file)
    assert "host:float64" == router.decide("add", LARGE).target
    device.failing = False
    assert "device:float64" == router.decide("add", LARGE, device="device").target


def test_the_environment_decides():
    """Operations and classes, by comma."""
    given = overrides(
        config.load(
            environment={
                "ATALANTA_ROUTE": "price=cpu:one, matrix = gpu:float32",
                "ATALANTA_THRESHOLDS": "vector=20000",
                "ATALANTA_DETERMINISTIC": "1",
            }
        ).value
    )
    assert {"price": "cpu:one", "matmul": "gpu:float32"} == given.pins
    assert {"add": 20_000, "multiply": 20_000, "dot": 20_000} == given.thresholds
    assert given.deterministic
    assert not overrides(config.load(environment={}).value).deterministic


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("ATALANTA_ROUTE", "price", r"router.pins: write operation=value.*\(got 'price'\)"),
        ("ATALANTA_ROUTE", "nonsense=gpu", "router.pins.nonsense: there is no such name"),
        ("ATALANTA_THRESHOLDS", "add=many", "router.thresholds.add: it must be a whole number .got 'many'"),
        ("ATALANTA_THRESHOLDS", "add=0", r"router.thresholds.add: it must be greater .*\(got 0\)"),
        ("ATALANTA_DETERMINISTIC", "perhaps", "router.deterministic: write true or false .got 'perhaps'"),
    ],
)
def test_an_environment_that_cannot_be_followed_is_named(variable, value, message):
    """The variable, the value and what it may be."""
    with pytest.raises(InputError, match=f"{variable}: {message}"):
        config.load(environment={variable: value})


def test_importing_measures_nothing(tmp_path):
    """Import, small calls and plain kernels leave no file; the first large routed call does."""
    code = (
        "import atalanta, atalanta.pricing, atalanta.compute, os, numpy as np\n"
        "atalanta.price('call', 100.0, np.linspace(80.0, 120.0, 8192), 0.5, 0.03, 0.2)\n"
        "atalanta.pricing.price('call', 100.0, np.linspace(80.0, 120.0, 50_000), 0.5, 0.03, 0.2)\n"
        "print(os.path.exists(os.environ['ATALANTA_CALIBRATION']))\n"
        "atalanta.price('call', 100.0, np.linspace(80.0, 120.0, 8193), 0.5, 0.03, 0.2)\n"
        "print(os.path.exists(os.environ['ATALANTA_CALIBRATION']))\n"
    )
    environment = {**os.environ, "ATALANTA_CALIBRATION": str(tmp_path / "calibration.txt")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert ["False", "True"] == done.stdout.split()


def test_the_end_of_the_process_waits_for_a_device_and_begins_no_other(tmp_path):
    """A daemon thread would be caught inside the device's library, which may crash; what is half measured is not kept."""
    code = (
        "import time, numpy as np, atalanta\n"
        "from atalanta.compute.devices import Availability, gpu, neural_engine\n"
        "def looks(name):\n"
        "    def availability(self):\n"
        "        print(name, 'asked', flush=True)\n"
        "        time.sleep(0.5)\n"
        "        print(name, 'answers', flush=True)\n"
        "        return Availability(True, 'pretended')\n"
        "    return availability\n"
        "gpu.GpuDevice.availability = looks('gpu')\n"
        "neural_engine.NeuralEngineDevice.availability = looks('neural_engine')\n"
        "atalanta.price('call', 100.0, np.linspace(80.0, 120.0, 8193), 0.5, 0.03, 0.2)\n"
    )
    path = tmp_path / "calibration.txt"
    environment = {**os.environ, "ATALANTA_CALIBRATION": str(path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert ["gpu asked", "gpu answers"] == done.stdout.splitlines()
    assert "device: gpu" not in path.read_text()


def test_the_first_touch_of_a_result_is_not_the_work(monkeypatch):
    """Of 1500 ns that a call takes here 1000 go into memory that had to be fetched."""
    clock, touching = FakeClock(), [7]

    def call(_):
        clock.now += 1500
        touching[0] += 1000

    monkeypatch.setattr(calibration._core, "touching_ns", lambda: touching[0])
    workload = replace(WORKLOADS["exp"], sizes=(64,))
    assert {"one": [(64, 500)]} == measure({"one": call}, {"one": 0}, workload, 1e4, Stopwatch(clock))


@pytest.mark.parametrize("threads", [1, 2])
def test_only_memory_that_was_fetched_is_touched_first(threads):
    """A result beyond all that is free, another in what it leaves, and one in an array of the caller's."""
    rows = 400_000
    vol = np.full(rows, 0.2)

    def touching(**out):
        before = atalanta._core.touching_ns()
        made = atalanta.greeks("call", 100.0, 105.0, 0.5, 0.03, vol, threads=threads, **out)
        assert np.all(made.price == made.price[0])
        return atalanta._core.touching_ns() - before

    atalanta.buffers.trim()
    assert touching() > 0
    assert 0 == touching(out=np.empty((7, rows)))


def sharing_pool(busy):
    """One thread at 5 ns an element; two, woken in 40 us, at half of it. The second is `busy` in so many calls at first."""
    clock, calls = FakeClock(), {"one": 0, "pool": 0}

    def one(arrays):
        calls["one"] += 1
        clock.now += 5 * len(arrays[0])

    def pool(arrays):
        calls["pool"] += 1
        rows = len(arrays[0])
        clock.now += 5 * rows if rows <= 8192 or calls["pool"] <= busy else 40_000 + 5 * rows // 2

    workload = replace(WORKLOADS["exp"], sizes=(64, 1024, 8193, 16_384, 65_536, 262_144))
    return workload, {"one": one, "pool": pool}, clock


@pytest.mark.parametrize("slow", [10, 1000])
def test_sharing_that_never_shows_is_not_waited_for(slow):
    """A second processor that others have: one reading more than may be, where a call takes milliseconds."""
    workload, calls, clock = sharing_pool(0)

    def pool(arrays):
        clock.now += 5 * len(arrays[0]) * (1 if len(arrays[0]) <= 8192 else slow)

    begin = clock.now
    curves = measure(
        {"one": calls["one"], "pool": pool}, {"one": 0, "pool": 8192}, workload, 0.0, Stopwatch(clock)
    )
    worst = 5 * 8193 * slow
    assert clock.now - begin < 3 * 4e6 + 2 * worst
    assert curves["one"][-1][0] >= 1024


def test_a_slow_kernel_is_shared_once_before_it_is_left():
    """One thread takes a quarter of a millisecond before the pool has anything of its own to show."""
    clock = FakeClock()

    def at(ns):
        def call(arrays):
            clock.now += round(ns * len(arrays[0]))

        return call

    workload = replace(WORKLOADS["exp"], sizes=(64, 1024, 8193, 16_384, 65_536))
    curves = measure(
        {"one": at(400), "pool": at(200)}, {"one": 0, "pool": 8192}, workload, 0.0, Stopwatch(clock)
    )
    assert (8193, 200 * 8193) == curves["pool"][2]


@pytest.mark.parametrize("busy", [0, 12])
def test_sharing_is_measured_where_it_shows_whatever_the_budget(busy):
    """At 16,384 rows waking takes what is won. 12: all readings of smaller sizes, and five of the size that tells."""
    workload, calls, clock = sharing_pool(busy)
    curves = measure(calls, {"one": 0, "pool": 8192}, workload, 0.0, Stopwatch(clock))
    assert [64, 1024, 8193, 16_384, 65_536] == [work for work, _ in curves["one"]]
    assert (65_536, 5.0 * 65_536) == curves["one"][-1]
    assert (65_536, 40_000 + 2.5 * 65_536) == curves["pool"][-1]


def test_without_sharing_the_budget_is_the_limit():
    """A curve of the baseline alone, or of one beside it that does its own work at every size."""
    workload, calls, clock = sharing_pool(0)
    alone = measure({"one": calls["one"]}, {"one": 0}, workload, 0.0, Stopwatch(clock))
    beside = measure(calls, {"one": 0, "pool": 0}, workload, 0.0, Stopwatch(clock))
    assert max(alone["one"][-1][0], beside["one"][-1][0]) < 65_536


ADDS = {"add": 1e-15}


@dataclass
class ColdDevice(FakeDevice):
    """Makes a kernel for each size of each operation."""

    making_ns: float = 3e9
    made: set = field(default_factory=set)

    def run(self, operation, *arrays, tolerance=None):
        kernel = operation, work_of(operation, arrays)
        if kernel not in self.made:
            self.made.add(kernel)
            self.clock.now += round(self.making_ns)
        return super().run(operation, *arrays, tolerance=tolerance)


def curves_of(device, ended=lambda: False):
    """Measured in 25 ms; and the seconds that took."""
    begin = device.clock.now
    curves = calibrate(targets_of([device]), 25e6, device.clock, ended)
    return {name: curve for (name, _), curve in curves.items()}, (device.clock.now - begin) / 1e9


def millisecond(_):
    return 1e6


def test_making_kernels_is_no_reading_and_not_the_budgets():
    """3 s for each size, then a millisecond: measured as if there were no such thing."""
    warm, seconds = curves_of(FakeDevice("gpu", FakeClock(), millisecond, ADDS))
    cold, longer = curves_of(ColdDevice("gpu", FakeClock(), millisecond, ADDS))
    assert [64, 1024, 16_384, 131_072] == [work for work, _ in cold["add"]]
    assert warm == cold
    assert longer == pytest.approx(4 * 3.0 + seconds)


def test_a_device_that_makes_kernels_is_chosen_where_it_is_quicker(file):
    """As the same device is that makes none."""
    clock, host, device = two_devices()
    cold = ColdDevice("device", clock, device.ns)
    router = atalanta.Router([host, cold], clock=clock, path=file)
    assert "host:float64" == router.decide("add", 1_000).target
    assert {"device:float64"} == {router.decide("add", work).target for work in (LARGE, 1 << 24)}
    assert router.predict("add", "device:float64", 1 << 24) < 1.0


def test_making_kernels_is_bounded():
    """Each operation has its share of 20 s; then curves end at two sizes, whose kernels have to be made."""
    device = ColdDevice("gpu", FakeClock(), lambda _: 1e5)
    curves, seconds = curves_of(device)
    assert {"add": 4, "exp": 3} == {name: len(curve) for name, curve in curves.items()}
    assert seconds < 20.0 + 3.0
    device = ColdDevice("gpu", FakeClock(), millisecond, making_ns=15e9)
    curves, seconds = curves_of(device)
    assert {"add": 2, "exp": 2} == {name: len(curve) for name, curve in curves.items()}
    assert seconds < 4 * 15.0 + 0.05


def test_a_size_that_is_slow_in_every_call_ends_the_curve():
    """One call that is no reading and one that is; it is left out, as what was disturbed."""

    def slow(work):
        return 3e9 if work > 1024 else 1e6

    curves, seconds = curves_of(FakeDevice("gpu", FakeClock(), slow, ADDS))
    assert [64, 1024] == [work for work, _ in curves["add"]]
    assert seconds < 2 * 3.0 + 0.05
    curves, seconds = curves_of(FakeDevice("gpu", FakeClock(), lambda _: 3e9, ADDS))
    assert [64, 1024] == [work for work, _ in curves["add"]]
    assert seconds < 2 * 2 * 3.1


def test_the_end_of_the_process_waits_for_one_size():
    """Not for all the kernels of an operation."""
    device = ColdDevice("gpu", FakeClock(), millisecond)
    begin = device.clock.now
    _, seconds = curves_of(device, lambda: device.clock.now > begin + 1)
    assert seconds < 3.1


def test_the_cpus_first_call_of_a_size_is_a_reading_and_the_budgets():
    """Nothing is excused to it, and no call added."""
    clock, sizes = FakeClock(), []

    def run(_, arrays):
        sizes.append(len(arrays[0]))
        clock.now += 10_000 + (8_000_000 if sizes.count(len(arrays[0])) == 1 else 0)

    target = targets_of([CpuDevice()])[0]._replace(errors=ADDS, run=run)
    curves = calibrate([target], 25e6, clock)
    assert [64] * 4 + [1024] * 3 == sizes[:7]
    assert [(64, 10_000.0), (1024, 10_000.0)] == curves["add", "cpu:one"][:2]
    sizes.clear()
    assert {} == calibrate([target], 25e6, clock, lambda: True)
