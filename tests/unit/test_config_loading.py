"""The configuration: where it is looked for, who outweighs whom, and what each value knows of its origin."""

import copy
import os
import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from atalanta import config
from atalanta.config.sources import default_layer

#: The configuration is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The folders of the search, beneath a temporary one, and the environment that leads there."""
    for name in ("system", "user/atalanta", "here"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr("atalanta.config.search._SYSTEM", tmp_path / "system")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "user")}


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def threads(environment, **given):
    return config.load(environment=environment, **given).value.machine.threads


def test_no_file_at_all_is_fine(places):
    """The package's defaults, every one of them with that origin."""
    loaded = config.load(environment=places[1])
    assert () == loaded.sources
    assert {"default"} == {str(origin) for _, _, origin in loaded.items()}
    assert loaded.value.machine.threads is None


def test_the_order_of_the_sources(places):
    """Each outweighs all before it: system, user, here, profile, environment, command line."""
    folder, environment = places
    assert threads(environment) is None
    write(folder / "system/atalanta.yaml", "machine: {threads: 2}")
    assert 2 == threads(environment)
    write(folder / "user/atalanta/atalanta.yaml", "machine: {threads: 3}")
    assert 3 == threads(environment)
    write(folder / "here/atalanta.yaml", "machine: {threads: 4}")
    assert 4 == threads(environment)
    write(folder / "system/atalanta.prod.yaml", "machine: {threads: 5}")
    assert 4 == threads(environment)
    assert 5 == threads(environment | {"ATALANTA_PROFILE": "prod"})
    write(folder / "here/atalanta.prod.yaml", "machine: {threads: 6}")
    assert 6 == threads(environment, profile="prod")
    assert 7 == threads(environment | {"ATALANTA_MACHINE__THREADS": "7"}, profile="prod")
    both = environment | {"ATALANTA_MACHINE__THREADS": "7"}
    assert 8 == threads(both, profile="prod", overrides={"machine.threads": 8})


def test_one_variable_stands_in_place_of_the_search(places):
    """ATALANTA_CONFIG names one file; its profile lies beside it."""
    folder, environment = places
    write(folder / "here/atalanta.yaml", "machine: {threads: 4}")
    write(folder / "desk.yaml", "buffers: {limit: 64MiB}")
    write(folder / "desk.prod.yaml", "buffers: {limit: 1GiB}")
    environment = environment | {"ATALANTA_CONFIG": str(folder / "desk.yaml")}
    loaded = config.load(environment=environment)
    assert (64 << 20, None) == (loaded.value.buffers.limit, loaded.value.machine.threads)
    assert 1 << 30 == config.load(environment=environment, profile="prod").value.buffers.limit


def test_a_file_of_the_call_outweighs_the_variable(places):
    """The command line is stronger than the environment here too."""
    folder, environment = places
    given = write(folder / "given.yaml", "machine: {threads: 9}")
    assert 9 == threads(environment | {"ATALANTA_CONFIG": "/no/such.yaml"}, file=given)


def test_what_a_profile_does_not_name_stays(places):
    """Sections are merged in depth; a block in which one key is set keeps its others."""
    folder, environment = places
    write(
        folder / "here/atalanta.yaml", "market: {rate: 0.04, borrow: 0.01}\nrouter: {pins: {price: cpu:one}}"
    )
    write(folder / "here/atalanta.prod.yaml", "market: {rate: 0.05}\nrouter: {pins: {matmul: cpu}}")
    value = config.load(environment=environment, profile="prod").value
    assert (0.05, 0.01) == (value.market.rate, value.market.borrow)
    assert {"price": "cpu:one", "matmul": "cpu"} == value.router.pins


def test_one_field_of_a_preset(places):
    """A breaker's preset keeps what is not named; a breaker of one's own is filled up."""
    folder, environment = places
    write(
        folder / "here/atalanta.yaml",
        "reliability:\n  breakers:\n    database: {failures: 7}\n    feed: {window: 2s}\n",
    )
    breakers = config.load(environment=environment).value.reliability.breakers
    assert (7, 60.0, 60.0) == (
        breakers["database"].failures,
        breakers["database"].window,
        breakers["database"].open_for,
    )
    assert (5, 2.0, 30.0) == (breakers["feed"].failures, breakers["feed"].window, breakers["feed"].open_for)


@pytest.mark.parametrize(
    ("name", "failures", "time"), [("gpu_compute", 5, 30.0), ("database", 3, 60.0), ("market_data", 10, 5.0)]
)
def test_the_presets(name, failures, time):
    """Both numbers as documented: the second is the window and the time it stays open."""
    breaker = config.load(environment={}).value.reliability.breakers[name]
    assert (failures, time, time) == (breaker.failures, breaker.window, breaker.open_for)


def test_null_lifts_what_another_file_set(places):
    """A profile takes a pin back."""
    folder, environment = places
    write(folder / "here/atalanta.yaml", "router: {pins: {price: cpu:one}, thresholds: {add: 9}}")
    write(folder / "here/atalanta.prod.yaml", "router: {pins: {price: null}, thresholds: {add: ~}}")
    router = config.load(environment=environment, profile="prod").value.router
    assert ({}, {}) == (dict(router.pins), dict(router.thresholds))


def test_a_section_without_anything_beneath_it_sets_nothing(places):
    """As a file looks in which all options are comments."""
    folder, environment = places
    write(folder / "here/atalanta.yaml", "machine:\nmarket:\n  # rate: 0.04\n")
    assert config.load(environment={}).value == config.load(environment=environment).value


def test_where_everything_came_from(places):
    """File with line and column, variable, option, default."""
    folder, environment = places
    write(folder / "here/atalanta.yaml", "market:\n  rate: 0.04\nbench:\n  sizes: [1, 10]\n")
    loaded = config.load(
        environment=environment | {"ATALANTA_THREADS": "2", "ATALANTA_ROUTE": "price=cpu:one"},
        overrides={"buffers.limit": "1GiB"},
    )
    assert {
        "market.rate": "atalanta.yaml:2:3",
        "bench.sizes": "atalanta.yaml:4:3",
        "machine.threads": "ATALANTA_THREADS",
        "router.pins.price": "ATALANTA_ROUTE",
        "buffers.limit": "--set buffers.limit",
    } == {key: str(origin) for key, _, origin in loaded.items() if origin.source != "default"}
    assert "atalanta.yaml:4:3" == str(loaded.origin("bench.sizes"))
    assert ("atalanta.yaml", "environment", "command line") == loaded.sources


def test_values_of_variables_are_yaml():
    """Lists and nested keys too."""
    value = config.load(
        environment={
            "ATALANTA_BENCH__SIZES": "[1, 50]",
            "ATALANTA_MARKET__TOLERANCE": "1e-4",
            "ATALANTA_RELIABILITY__BREAKERS__DATABASE__SLOW": "20ms",
            "ATALANTA_ROUTER__DETERMINISTIC": "on",
            "ATALANTA_MACHINE__ISA": "",  # set to nothing is not set
            "ATALANTA_ROUTER__PINS": "{price: cpu:one}",
        }
    ).value
    assert ((1, 50), 1e-4, 0.02, True, None, {"price": "cpu:one"}) == (
        value.bench.sizes,
        value.market.tolerance,
        value.reliability.breakers["database"].slow,
        value.router.deterministic,
        value.machine.isa,
        value.router.pins,
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("off", "off"), ('"off"', "off"), ("full", "full"), ("1000", 1000)],
)
def test_off_is_a_word(places, text, value):
    """YAML 1.1 would make it false."""
    path = write(places[0] / "off.yaml", f"buffers: {{guard: {text}}}")
    assert value == config.load(file=path, environment={}).value.buffers.guard


@pytest.mark.parametrize("text", ["1e-4", "1.0e-4", "0.0001", ".0001"])
def test_a_number_without_a_point_is_one(places, text):
    """YAML 1.1 would make 1e-4 text."""
    path = write(places[0] / "number.yaml", f"market: {{tolerance: {text}}}")
    assert 1e-4 == config.load(file=path, environment={}).value.market.tolerance


def test_paths_are_relative_to_their_file(places, monkeypatch):
    """Wherever the process runs; one of a variable is relative to that place."""
    folder, environment = places
    write(folder / "user/atalanta/atalanta.yaml", "router: {calibration: cal.txt}")
    value = config.load(environment=environment).value
    assert str(folder / "user/atalanta/cal.txt") == value.router.calibration
    value = config.load(environment=environment | {"ATALANTA_CALIBRATION": "cal.txt"}).value
    assert "cal.txt" == value.router.calibration
    monkeypatch.setenv("HOME", str(folder))
    home = write(folder / "home.yaml", "router: {calibration: ~/cal.txt}")
    assert str(folder / "cal.txt") == config.load(file=home, environment={}).value.router.calibration


def test_a_byte_order_mark_and_windows_lines(places):
    """As some editors write them."""
    path = places[0] / "mark.yaml"
    path.write_bytes("\ufeffmachine:\r\n  threads: 3\r\n".encode())
    assert 3 == config.load(file=path, environment={}).value.machine.threads


def test_without_a_home(monkeypatch):
    """A user without one has no file there."""
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert Path("atalanta.yaml") == config.search.search_files({})[-1]
    assert 2 == len(config.search.search_files({}))
    assert 2 == len(config.search.search_files({"XDG_CONFIG_HOME": "not/absolute"}))


def test_the_value_cannot_be_changed():
    """Neither a field nor an entry."""
    value = config.load(environment={"ATALANTA_ROUTE": "price=cpu:one"}).value
    with pytest.raises(ValidationError, match="frozen"):
        value.machine.threads = 3
    with pytest.raises(TypeError):
        value.router.pins["price"] = "cpu"
    with pytest.raises(AttributeError):
        value.bench.sizes.append(3)
    assert 3 == len({value, value.machine, value.reliability.breakers["database"]})


def test_the_value_travels():
    """To other processes, and by copies that are equal."""
    loaded = config.load(environment={"ATALANTA_ROUTE": "price=cpu:one"})
    assert loaded == pickle.loads(pickle.dumps(loaded))
    assert loaded.value == copy.deepcopy(loaded.value)
    assert hash(loaded.value) == hash(pickle.loads(pickle.dumps(loaded.value)))


def test_a_load_leaves_the_defaults_alone():
    """They are read once per process and shared."""
    before = copy.deepcopy(default_layer().values)
    config.load(environment={"ATALANTA_ROUTE": "price=cpu:one", "ATALANTA_MACHINE__THREADS": "3"})
    assert before == default_layer().values
