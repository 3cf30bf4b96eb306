"""`atalanta route` and the doctor's routing: what is told, drawn and refused."""

import io
import json
import threading

import pytest
from rich.console import Console
from typer.testing import CliRunner

import atalanta
from atalanta.cli import route
from atalanta.cli.app import app
from atalanta.cli.route import curve_plot, explain, print_explanation, print_overview, routing_facts
from atalanta.compute.devices import device
from atalanta.compute.router import table
from atalanta.errors import InputError
from tests.fake_devices import FakeClock, FakeDevice, two_devices


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def router():
    clock, host, device = two_devices()
    return atalanta.Router([host, device], clock=clock)


def test_route_explains_an_operation():
    """Decision, targets with predicted times, the drawing."""
    result = run("route", "--explain", "price", 100_000)
    assert 0 == result.exit_code, result.output
    for part in (
        "price, 100,000 elements",
        "runs on",
        "cpu:one",
        "cpu:pool",
        "predicted",
        "2^16",
        "capitals are",
    ):
        assert part in result.stdout


def test_route_says_what_is_not_routed():
    """Rows of options that the CPU does alone; sums have no such rows."""
    unrouted = "rows with American exercise, cash dividends or Greeks of order 2 and 3: the CPU, not routed"
    assert unrouted in " ".join(run("route", "--explain", "greeks", 5_000).stdout.split())
    assert "American" not in run("route", "--explain", "add", 5_000).stdout


def test_route_lists_every_operation():
    """Where each runs, by size."""
    result = run("route")
    assert 0 == result.exit_code, result.output
    for part in ("calibration of cpu", "price", "matmul", "similarity", "pinned", "no device here does it"):
        assert part in result.stdout


def test_route_calibrates_again():
    """And says that it measured."""
    result = run("route", "--calibrate")
    assert 0 == result.exit_code, result.output
    assert "measured in" in result.stdout


def test_documents():
    """One document each."""
    told = json.loads(run("route", "--explain", "add", 1_000, "--json").stdout)
    assert ("route", "add", 1_000) == (told["command"], told["operation"], told["work"])
    assert told["curves"]["seconds"]
    assert "price" in json.loads(run("route", "--json").stdout)["operations"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--explain", "nonsense", "5"], "operation is 'nonsense'; it must be one of"),
        (["--explain", "price", "-5"], "give a whole number from 0 to"),
        (["--explain", "price", "5", "--tolerance", "-1"], "--tolerance -1: give a number above 0"),
        (["--explain", "price", "5", "--tolerance", "1e-20"], "guaranteed are: cpu:one"),
        (
            ["--tolerance", "1e-6"],
            "--tolerance 1e-06 is of one operation: add --explain OP N, or leave it out",
        ),
        (["--tolerance", "1e-6", "--json"], "add --explain OP N"),
    ],
)
def test_what_cannot_be_explained_is_one_line(words, message):
    """Exit code 2 and the reason."""
    result = run("route", *words)
    assert 2 == result.exit_code
    assert message in " ".join(result.stderr.split())


def test_the_doctor_tells_the_routing():
    """On the screen and in the document."""
    screen = run("doctor").stdout
    assert "calibration of cpu" in screen
    assert "analyze, 20,000 rows" in screen
    told = json.loads(run("doctor", "--json").stdout)["routing"]
    assert told["calibration"]["cpu"]["source"] in {"file", "measured"}
    assert {} == told["pins"]
    assert {"implied_vol", "greeks"} == told["analysis"].keys()
    assert set(told["analysis"].values()) <= {"cpu:one", "cpu:pool"}


def test_the_drawing_changes_letters_at_the_crossover(router):
    """The choice stands in capitals: one target's on the left, the other's on the right."""
    lines = [line.plain for line in curve_plot(explain("add", 1 << 16, None, router), width=80)]
    plot = [line[10:] for line in lines[:-2]]
    letters = [
        next(sign for row in plot if (sign := row[column]).isupper()) for column in range(len(plot[0]))
    ]
    host, device = [name for name in ("A", "B") if name in letters]
    assert {host, device} == set(letters)
    first = letters.index("".join(letters).replace(letters[0], "")[0])
    assert letters == [letters[0]] * first + [letters[-1]] * (len(letters) - first)
    assert {len(line) for line in lines[:-1]} == {80}


def shown(route):
    return text_of(print_explanation, route)


def listed(router):
    return text_of(print_overview, router)


def text_of(print_it, told):
    console = Console(width=200, file=io.StringIO(), highlight=False, markup=False)
    print_it(console, told)
    return " ".join(console.file.getvalue().split())


def test_the_least_time_is_claimed_only_of_the_least(router):
    """Near the crossover the choice stays though the other is a little quicker, and the reason says so."""
    told = {size: explain("add", size, None, router) for size in range(50_000, 90_000, 250)}
    fastest = {size: one for size, one in told.items() if one.explanation.decision.reason == "fastest"}
    least = {size: one.explanation.predictions[0].target for size, one in fastest.items()}
    kept = [size for size, one in fastest.items() if least[size] != one.explanation.decision.target]
    taken = [size for size in fastest if size not in kept]
    assert kept
    assert taken
    text = shown(told[kept[0]])
    assert f"{least[kept[0]]} is not clearly quicker" in text
    assert "the least predicted time" not in text
    assert "nothing clearly quicker" in str(told[kept[0]].explanation)
    assert "the least predicted time" in shown(told[taken[0]])


def test_a_pin_that_is_not_followed_says_why(router):
    """Not there, not accurate enough, in quarantine; a pin that is followed says nothing of the kind."""
    host, device = router.devices
    router.pin("add", "device")
    assert "pinned by you" in shown(explain("add", 10, None, router))
    router._core.fail(1, 10)
    refused = "pinned to device:float64, not followed: "
    assert f"{refused}it failed and is in quarantine" in shown(explain("add", 10, None, router))
    assert f"{refused}it failed" in str(explain("add", 10, None, router).explanation)
    clock, host, device = two_devices()
    device.errors = {"add": 1e-7}
    coarse = atalanta.Router([host, device], clock=clock)
    coarse.pin("add", "device")
    wanted = f"{refused}its error 1e-07 is beyond the tolerance 1e-15"
    assert wanted in shown(explain("add", 10, None, coarse))
    assert "pinned by you" in shown(explain("add", 10, 1e-6, coarse))
    clock, host, device = two_devices()
    device.available = False
    without = atalanta.Router([host, device], clock=clock)
    without.pin("add", "device")
    told = explain("add", 10, None, without)
    assert f"{refused}it was unplugged (plug it in)" in shown(told)
    assert ("device:float64", "it was unplugged (plug it in)") == (
        told.as_dict()["pinned"],
        told.as_dict()["not_followed"],
    )
    assert f"{refused}it was unplugged" in listed(without)
    assert "not followed" not in listed(atalanta.Router([host, two_devices()[1]], clock=clock))


def test_nothing_measured_draws_nothing():
    """The plot says so."""
    clock, host, device = two_devices()
    router = atalanta.Router([host, device], clock=clock, calibrate=False)
    assert ["nothing was measured"] == [line.plain for line in curve_plot(explain("add", 100, None, router))]


def test_the_facts_name_pins_thresholds_and_failures(router):
    """Whatever the user decided, and what went wrong."""
    router.pin("add", "host")
    router.set_threshold("exp", 500)
    router._core.fail(1, 10)
    facts = dict(routing_facts(router))
    assert "add=host:float64" == facts["pinned"]
    assert "exp=500" == facts["thresholds"]
    assert "device:float64 1 times" == facts["failures"]
    assert not any(name.startswith("analyze") for name in facts)  # these devices do no options


def test_a_size_beyond_any_machine_is_refused(router):
    """With the limit."""
    with pytest.raises(InputError, match="give a whole number from 0 to"):
        explain("add", 1 << 50, None, router)


class LateDevice(FakeDevice):
    """A GPU that is looked for and measured as long as somebody holds it up."""

    def availability(self):
        self.ready.wait(10.0)
        return super().availability()


@pytest.fixture
def late(monkeypatch, tmp_path):
    """A router of this machine as if it had a GPU, not measured yet; the commands' own."""
    gpu = LateDevice("gpu", FakeClock(), lambda work: 1e3 + work, errors={"add": 1e-6})
    gpu.ready = threading.Event()
    monkeypatch.setattr(table, "devices", lambda: (device("cpu"), gpu))
    made = atalanta.Router(path=tmp_path / "calibration.txt")
    monkeypatch.setattr(route, "default_router", lambda: made)
    yield made
    gpu.ready.set()
    made.wait(10.0)


def soon(router):
    threading.Timer(0.2, router.devices[1].ready.set).start()


def test_commands_wait_for_what_is_being_measured(late):
    """Calls do not: they have the CPU until then."""
    assert "cpu:one" == late.decide("add", 1 << 20, tolerance=1e-5).target
    assert {"cpu:one"} == {one.target for one in late.explain("add", 1 << 20, tolerance=1e-5).predictions}
    assert ("gpu",) == late.pending == late.wait(0.0)
    soon(late)
    told = explain("add", 1 << 20, 1e-5, late)
    assert () == told.pending == late.pending
    assert "gpu:float64" in {one.target for one in told.explanation.predictions}
    assert "gpu:float64" in shown(told)


@pytest.mark.parametrize(
    ("words", "shows"),
    [
        (("route", "--explain", "add", 1 << 20, "--tolerance", 1e-5), "gpu:float64"),
        (("route",), "calibration of gpu"),
        (("doctor",), "calibration of gpu"),
    ],
)
def test_the_commands_show_a_device_that_is_there(late, words, shows):
    """In the process that measures it."""
    soon(late)
    result = run(*words)
    assert 0 == result.exit_code, result.output
    assert shows in result.stdout
    assert "still being measured" not in result.stdout


def test_patience_ends(late, monkeypatch):
    """And the reader is told, on the screen and in the document."""
    monkeypatch.setattr(route, "_QUIET_S", 0.01)
    monkeypatch.setattr(route, "_PATIENCE_S", 0.02)
    assert "gpu: still being measured" in run("route", "--explain", "add", 1_000).stdout
    assert ["gpu"] == json.loads(run("route", "--explain", "add", 1_000, "--json").stdout)["pending"]
    assert "calibration of gpu still being measured" in listed(late)
    assert ["gpu"] == json.loads(run("doctor", "--json").stdout)["routing"]["pending"]


def test_a_device_that_cannot_even_be_asked_is_not_waited_for(late, monkeypatch):
    """What its thread raises ends the waiting too."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    late.devices[1].availability = lambda: 1 // 0
    assert () == late.wait(5.0)
    assert "gpu" not in late.calibrations


@pytest.mark.parametrize("seconds", [-1, float("nan"), "5", None, True])
def test_waiting_takes_a_number_of_seconds(router, seconds):
    """From 0 on."""
    with pytest.raises(InputError, match=r"seconds is .*; it must be a number of seconds from 0 on"):
        router.wait(seconds)
