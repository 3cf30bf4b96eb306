"""`atalanta route` and the doctor's routing: what is told, drawn and refused."""

import json

import pytest
from typer.testing import CliRunner

import atalanta
from atalanta.cli.app import app
from atalanta.cli.route import curve_plot, explain, routing_facts
from atalanta.errors import InputError
from tests.fake_devices import two_devices


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
    ],
)
def test_what_cannot_be_explained_is_one_line(words, message):
    """Exit code 2 and the reason."""
    result = run("route", *words)
    assert 2 == result.exit_code
    assert message in " ".join(result.stderr.split())


def test_the_doctor_tells_the_routing():
    """On the screen and in the document."""
    assert "calibration of cpu" in run("doctor").stdout
    told = json.loads(run("doctor", "--json").stdout)["routing"]
    assert told["calibration"]["cpu"]["source"] in {"file", "measured"}
    assert {} == told["pins"]


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


def test_a_size_beyond_any_machine_is_refused(router):
    """With the limit."""
    with pytest.raises(InputError, match="give a whole number from 0 to"):
        explain("add", 1 << 50, None, router)
