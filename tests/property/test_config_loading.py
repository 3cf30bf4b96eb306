"""The loader on anything: a value or all its errors, never another exception; the strongest source wins."""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atalanta import config
from atalanta.config.reading import Layer, read_text
from atalanta.config.writing import as_yaml, texts

#: The configuration is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")

VALUES = {
    "machine.threads": st.one_of(st.none(), st.integers(1, 1024)),
    "buffers.limit": st.one_of(st.none(), st.integers(1, 1 << 20).map(lambda count: f"{count}kB")),
    "buffers.guard": st.one_of(st.sampled_from(["off", "full"]), st.integers(1, 1_000_000)),
    "router.deterministic": st.booleans(),
    "router.pins.price": st.sampled_from(["cpu:one", "cpu:pool", "gpu"]),
    "market.rate": st.one_of(st.none(), st.floats(-1, 1)),
    "market.tolerance": st.one_of(st.sampled_from(["fast", "precise"]), st.floats(1e-7, 1e-2)),
    "bench.sizes": st.lists(st.integers(1, 10_000_000), min_size=1, max_size=4),
    "reliability.breakers.database.slow": st.integers(1, 9999).map(lambda count: f"{count}ms"),
    "reliability.breakers.mine.failures": st.integers(1, 50),
}
SOMETHING = st.fixed_dictionaries({}, optional=VALUES)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=6,
)


def variables(values):
    """The same as the environment would say it."""
    return {"ATALANTA_" + key.replace(".", "__").upper(): json.dumps(value) for key, value in values.items()}


def nested(values):
    """The same as a file would."""
    found = {}
    for key, value in values.items():
        place = found
        *sections, option = key.split(".")
        for section in sections:
            place = place.setdefault(section, {})
        place[option] = value
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("config")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SOMETHING, SOMETHING, SOMETHING, SOMETHING)
def test_the_strongest_source_wins(folder, plain, profile, environment, line):
    """Of each option by itself, and the origin says which it was."""
    for name, values in (("a.yaml", plain), ("a.prod.yaml", profile)):
        (folder / name).write_text(json.dumps(nested(values)), encoding="utf-8")
    loaded = config.load(
        file=folder / "a.yaml", profile="prod", environment=variables(environment), overrides=line
    )
    said = dict.fromkeys(plain, "a.yaml:") | dict.fromkeys(profile, "a.prod.yaml:")
    said |= dict(zip(environment, variables(environment), strict=True))
    said |= {key: f"--set {key}" for key in line}
    expected = config.load(environment={}, overrides=plain | profile | environment | line)
    assert expected.value == loaded.value
    assert set(said) == set(loaded.origins)
    assert all(name in str(loaded.origin(key)) for key, name in said.items())


@given(SOMETHING)
def test_what_is_written_is_read(values):
    """As YAML, and back to the same value."""
    loaded = config.load(environment={}, overrides=values)
    layer = read_text(as_yaml(texts(loaded.value)), Layer("text"))
    assert [] == layer.problems
    assert loaded.value == config.load(environment={}, overrides=layer.values).value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=80)
    | st.text(alphabet=":-{}[]&*!|>'\"%@`#, \n\tab1", max_size=80)
    | st.binary(max_size=40)
)
def test_any_text_is_read_or_refused(folder, text):
    """Each mistake with the file's name."""
    path = folder / "any.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        config.load(file=path, environment={})
    except config.ConfigError as error:
        assert all(problem.place.startswith(str(path)) for problem in error.problems)  # noqa: PT017 - of each


@given(st.sampled_from(sorted(VALUES)), ANYTHING)
def test_any_value_is_taken_or_refused(key, value):
    """The error names the option and who said so; what is taken is what was said."""
    try:
        loaded = config.load(environment={}, overrides={key: value})
    except config.ConfigError as error:
        assert {f"--set {key}"} == {problem.place for problem in error.problems}  # noqa: PT017 - of each
    else:
        assert hash(loaded.value) == hash(loaded.value)


@given(st.dictionaries(st.text(max_size=12), ANYTHING, max_size=3))
def test_any_sections_are_taken_or_refused(values):
    """Whatever keys there are."""
    try:
        config.load(environment={}, overrides=values)
    except config.ConfigError as error:
        assert error.problems  # noqa: PT017 - of each


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_variable_is_followed_or_refused(name, text):
    """Whatever stands behind our prefix."""
    variable = f"ATALANTA_{name}"
    try:
        config.load(environment={variable: text, "ATALANTA_CONFIG": ""})
    except config.ConfigError as error:
        assert error.problems  # noqa: PT017 - of each
