"""Configurations that cannot be used: all that is wrong, in one go, with file, line and column."""

import os
import pickle

import pytest
import yaml

from atalanta import config
from atalanta.config import ConfigError, reading
from atalanta.config.units import SIZE_UNITS
from atalanta.errors import AtalantaError, InputError

#: The configuration is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")


@pytest.fixture
def lines(tmp_path):
    """What is said of a file with that text, a line for each error, the folder left out."""

    def load(text, *, name="a.yaml", environment=None, **given):
        path = tmp_path / name
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            config.load(file=path, environment=environment or {}, **given)
        return [str(problem).replace(f"{tmp_path}{os.sep}", "") for problem in caught.value.problems]

    return load


MANY = """\
machine:
  threads: five
  thread: 3
buffers:
  limit: 64
  guard: maybe
market:
  rate: 4.5
  tolerance: exact
devices:
  allowed: [cpu, gpux]
router:
  pins: {prise: cpu:one}
bench: 3
reliability:
  breakers:
    database:
      window: 5 minutes
makret: {}
"""


_GUARD = "it must be off, full, or one block in n: a whole number from 1 to 1000000"
_TOLERANCE = "it must be one of fast, standard, precise, or the error for a strike of 100, 1e-7 to 1e-2"


def test_every_error_of_a_file_in_one_go(lines):
    """A line for each, in the order of the file: file:line:column: key: what (got value)."""
    told = lines(MANY)
    assert [
        "a.yaml:2:3: machine.threads: it must be a whole number (got 'five')",
        "a.yaml:3:3: machine.thread: there is no such option; did you mean threads? (known: threads, isa)",
        f"a.yaml:5:3: buffers.limit: a size needs a unit, such as 64MiB: {', '.join(SIZE_UNITS)} (got 64)",
        f"a.yaml:6:3: buffers.guard: {_GUARD} (got 'maybe')",
        "a.yaml:8:3: market.rate: it must be less than or equal to 1 (got 4.5)",
        f"a.yaml:9:3: market.tolerance: {_TOLERANCE} (got 'exact')",
        "a.yaml:11:18: devices.allowed[1]: it must be 'cpu', 'gpu' or 'neural_engine' (got 'gpux')",
    ] == told[:7]
    assert told[7].startswith("a.yaml:13:10: router.pins.prise: there is no such name; it must be 'price',")
    assert "did you mean price?" in told[7]
    assert "a.yaml:14:1: bench: it is a section: write its options beneath it (got 3)" == told[8]
    assert "a.yaml:18:7: reliability.breakers.database.window: 'minutes' is no unit of a duration" in told[9]
    assert told[10].startswith("a.yaml:19:1: makret: there is no such section; did you mean market?")
    assert 11 == len(told)


def test_every_error_of_every_file(tmp_path, monkeypatch):
    """Also those that a later file hides: they would come out when that is removed."""
    monkeypatch.setattr("atalanta.config.search._SYSTEM", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user/atalanta").mkdir(parents=True)
    (tmp_path / "user/atalanta/atalanta.yaml").write_text("machine: {threads: 0}\nmarket: [1\n")
    (tmp_path / "atalanta.yaml").write_text("machine: {threads: zero}\nbuffers: {limit: 1}\n")
    (tmp_path / "atalanta.prod.yaml").write_text("machine: {threads: 2}\nbuffers: {limit: 1GiB}\n")
    with pytest.raises(ConfigError) as caught:
        config.load(
            profile="prod",
            environment={"XDG_CONFIG_HOME": str(tmp_path / "user"), "ATALANTA_MARKET__RATE": "much"},
        )
    places = [problem.place.replace(str(tmp_path), "") for problem in caught.value.problems]
    assert "/atalanta.yaml:1:11" in places  # hidden by the profile
    assert "/atalanta.yaml:2:11" in places
    assert "ATALANTA_MARKET__RATE" == places[-1]
    assert any(place.startswith("/user/atalanta/atalanta.yaml:") for place in places)
    assert f"[config] {len(places)} errors\n" == str(caught.value).partition("errors")[0] + "errors\n"


@pytest.fixture(params=["libyaml", "python"])
def _parser(request, monkeypatch):
    """PyYAML with and without its C library."""
    if request.param == "python":
        pure = type("_Pure", (yaml.SafeLoader,), {"resolve": reading._Loader.resolve})
        monkeypatch.setattr(reading, "_Loader", pure)


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("market: [1, 2\n", "a.yaml:2:1: it is not YAML: "),
        ("market:\n\trate: 1\n", "a.yaml:2:1: it is not YAML: found character"),
        ("a: b: c\n", "a.yaml:1:5: it is not YAML: mapping values are not allowed"),
        ("market: {}\n---\nmarket: {}\n", "a.yaml:2:1: it is not YAML: a second document begins; keep one"),
        ("market: 'x\n", "it is not YAML: found unexpected end of stream"),
        ("market: *rate\n", "a.yaml:1:9: it is not YAML: found undefined alias"),
        ("market: {}\n\x00\n", "a.yaml:2:1: it is not YAML:"),
    ],
)
def test_what_is_no_yaml(lines, text, told):
    """The place where the parser gave up."""
    (line,) = lines(text)
    assert told in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a.yaml: it is empty; remove it, or write what it is to set (atalanta config init shows how)"),
        (" \n\n", "a.yaml: it is empty; remove it"),
        (b"market:\n  rate: \xff\n", "a.yaml:2:9: it is not UTF-8 (byte 0xff); save it as UTF-8"),
        ("market: {}".encode("utf-16"), "it is not UTF-8"),
        (b"#" * ((1 << 20) + 1), "a.yaml: it is larger than 1MiB"),
        ("- market\n", "a.yaml:1:1: a file holds sections such as buffers:, not a list (got ['market'])"),
        ("words\n", "a.yaml:1:1: a file holds sections such as buffers:, not text (got 'words')"),
        (
            "market: {rate: 1, rate: 0}\n",
            "a.yaml:1:19: market.rate: it is given twice, first in line 1; keep one",
        ),
        ("bench: {}\nmarket: {}\nbench: {}\n", "a.yaml:3:1: bench: it is given twice, first in line 1"),
        ("1: 2\n", "a.yaml:1:1: a key is text; put it in quotes if it is meant (got '1')"),
        ("[a]: 2\n", "a.yaml:1:1: a key is text"),
        (
            "market: &m {}\nbench: *m\n",
            "bench: aliases and nesting this deep are not taken; write the value out",
        ),
        ("market: &m\n  rate: *m\n", "market.rate: aliases and nesting this deep are not taken"),
        (
            "market: {rate: !!python/name:os.system }\n",
            "market.rate: the tag python/name:os.system does not fit; write the value",
        ),
        ("market: !custom {}\n", "market: tags such as !custom are not taken; write plain values"),
        ("market: {rate: !!int many}\n", "market.rate: the tag int does not fit"),
    ],
)
def test_what_is_no_file_of_ours(lines, text, told):
    """Whatever it is, it is told, with its place."""
    assert any(told in line for line in lines(text)), lines(text)


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize("depth", [50, 500, 5000, 200_000])
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused(lines, opening, depth):
    """No depth of a file exhausts the stack."""
    told = "".join(lines(opening * depth))
    assert any(
        reason in told for reason in ("nesting this deep", "nested deeper", "not YAML", "a key is text")
    )


def test_a_directory(tmp_path):
    """In the place of a file."""
    with pytest.raises(ConfigError, match="it is a directory; name a YAML file, or move it away"):
        config.load(file=tmp_path, environment={})
    (tmp_path / "atalanta").mkdir()
    (tmp_path / "atalanta/atalanta.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"atalanta/atalanta.yaml: it is a directory"):
        config.load(environment={"XDG_CONFIG_HOME": str(tmp_path)})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    """It is there, so it is not passed over."""
    path = tmp_path / "a.yaml"
    path.write_text("market: {}")
    path.chmod(0)
    with pytest.raises(ConfigError, match="it cannot be read: Permission denied"):
        config.load(file=path, environment={})


def test_a_file_that_the_system_refuses(tmp_path, monkeypatch):
    """Whatever it says is told: as root too."""
    path = tmp_path / "a.yaml"
    path.write_text("market: {}")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("atalanta.config.reading.os.open", refuse)
    with pytest.raises(ConfigError, match=r"a.yaml: it cannot be read: Permission denied"):
        config.load(file=path, environment={})


def test_a_file_that_is_named_and_not_there(tmp_path):
    """By the variable, or by the call; a folder that is none is no other case."""
    missing = tmp_path / "no.yaml"
    with pytest.raises(ConfigError, match="there is no such file, which ATALANTA_CONFIG names"):
        config.load(environment={"ATALANTA_CONFIG": str(missing)})
    with pytest.raises(ConfigError, match=r"no.yaml: there is no such file$"):
        config.load(file=missing, environment={})
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="there is no such file"):
        config.load(file=tmp_path / "file/no.yaml", environment={})


def test_a_profile_without_a_file(tmp_path, monkeypatch):
    """It is not taken for none; the message says where it was looked for."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"'prdo' has no file \(looked for: .*atalanta.prdo.yaml\)"):
        config.load(environment={"ATALANTA_PROFILE": "prdo"})
    with pytest.raises(ConfigError, match=r"a name has letters, digits, - and _ \(got '../prod'\)"):
        config.load(environment={"ATALANTA_PROFILE": "../prod"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "router: {pins: {price: gpu}}\ndevices: {allowed: [cpu]}\n",
            "a.yaml:1:17: router.pins.price: devices.allowed has no gpu (it has cpu) (got 'gpu')",
        ),
        (
            "devices: {allowed: [gpu]}\n",
            "a.yaml:1:11: devices.allowed: cpu must be one of them: it finishes what others cannot",
        ),
        (
            "reliability:\n  breakers:\n    database:\n      max_open: 10s\n",
            "a.yaml:4:7: reliability.breakers.database.max_open: it is shorter than open_for, 1m",
        ),
    ],
)
def test_settings_that_contradict_each_other(lines, text, told):
    """Each right by itself, not both at once."""
    (line,) = lines(text)
    assert line.startswith(told)


def test_two_variables_for_one_option():
    """Whoever sets both to different values cannot mean it; the same value twice is none."""
    both = {"ATALANTA_THREADS": "2", "ATALANTA_MACHINE__THREADS": "3"}
    with pytest.raises(
        ConfigError,
        match=r"ATALANTA_THREADS: machine.threads: ATALANTA_MACHINE__THREADS says 3; keep one of the two \(got 2\)",
    ):
        config.load(environment=both)
    assert 2 == config.load(environment=both | {"ATALANTA_MACHINE__THREADS": "2"}).value.machine.threads


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (
            "ATALANTA_ROUTE",
            "price=cpu,add=cpu,price=gpu",
            r"router.pins.price: it is given twice; .*'price=gpu'",
        ),
        ("ATALANTA_BUFFERS__LIMIT", "64", "buffers.limit: a size needs a unit"),
        ("ATALANTA_BUFFRES__LIMIT", "64MiB", "buffres: there is no such section; did you mean buffers?"),
        ("ATALANTA_MACHINE__THREADS", "[1", "machine.threads: it is not YAML"),
        ("ATALANTA_MACHINE__THREADS", "true", r"machine.threads: it must be a whole number \(got true\)"),
        (
            "ATALANTA_MACHINE__THREADS__MORE",
            "1",
            r"machine.threads: it must be a whole number \(got {'more': 1}\)",
        ),
        ("ATALANTA_MARKET__RATE", "nan", "market.rate: it must be a number"),
        ("ATALANTA_MARKET__RATE", ".nan", "market.rate: it must be a finite number"),
        ("ATALANTA_MACHINE__THREADS", "1025", "it must be less than or equal to 1024"),
        ("ATALANTA_ROUTER__THRESHOLDS__ADD", str(2**70), f"it must be less than or equal to {2**64 - 1}"),
        ("ATALANTA_MACHINE__THREADS", "2.0", "it must be a whole number"),
        ("ATALANTA_MACHINE__ISA", "2", "it must be text"),
        ("ATALANTA_BENCH__SIZES", "[]", "it must have at least one item"),
        ("ATALANTA_BENCH__SIZES", "10", "it must be a list"),
        ("ATALANTA_RELIABILITY__BREAKERS__DATABASE__WINDOW", "90d", "it must be from 1ms to 1d"),
        ("ATALANTA_ROUTER__TOLERANCES__PRICE", "0.1", "there is no such name"),
    ],
)
def test_a_variable_that_cannot_be_followed(variable, value, told):
    """The variable is the place."""
    with pytest.raises(ConfigError, match=f"{variable}: .*{told}"):
        config.load(environment={variable: value})


@pytest.mark.parametrize("key", ["buffers.limt", "limit", "buffers", ""])
def test_an_override_of_nothing(key):
    """A key that there is not, or that is a section."""
    with pytest.raises(ConfigError, match=f"--set {key}"):
        config.load(environment={}, overrides={key: "64MiB"})


def test_a_long_value_is_not_told_whole(lines):
    """A message stays readable."""
    (line,) = lines(f"machine: {{threads: {'x' * 500}}}")
    assert 130 > len(line)
    assert "…" in line


def test_the_error_is_one_of_the_packages(tmp_path):
    """It can be caught as such, and comes whole out of another process."""
    with pytest.raises(AtalantaError) as caught:
        config.load(file=tmp_path, environment={"ATALANTA_MACHINE__THREADS": "x"})
    error = caught.value
    assert isinstance(error, InputError)
    assert 2 == len(error.problems)
    assert error.problems == pickle.loads(pickle.dumps(error)).problems
