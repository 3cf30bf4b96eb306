"""The package surface: few names, lazy, typed, and cheap to import."""

import importlib.metadata
import subprocess
import sys

import pytest

import atalanta


def test_at_most_25_public_names():
    """The top level stays small, and every name resolves."""
    assert len(atalanta.__all__) <= 25
    assert sorted(atalanta.__all__) == list(atalanta.__all__)
    for name in atalanta.__all__:
        assert getattr(atalanta, name) is not None
    assert {*atalanta.__all__, "__version__"} == set(dir(atalanta))


def test_an_unknown_name_is_an_attribute_error():
    """Lazy names do not hide a typing mistake."""
    with pytest.raises(AttributeError, match="module 'atalanta' has no attribute 'pirce'"):
        _ = atalanta.pirce


def test_version_is_that_of_the_distribution():
    """One truth for the version."""
    assert importlib.metadata.version("atalanta") == atalanta.__version__


def test_import_loads_nothing_heavy():
    """`import atalanta` brings none of NumPy, data frames, the command line or the extension."""
    code = "import sys; before = set(sys.modules); import atalanta; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()} - set(sys.stdlib_module_names)
    assert {"atalanta"} == loaded
    assert {"atalanta"} == {name for name in done.stdout.split() if name.startswith("atalanta")}


def test_pricing_loads_no_data_frames():
    """The pricing functions need NumPy alone."""
    code = "import sys, atalanta; atalanta.price('call', 1.0, 1.0, 1.0, 0.0, 0.2); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"polars", "pandas", "pyarrow", "narwhals", "rich", "typer"}
    assert set() == heavy & set(done.stdout.split())


@pytest.mark.parametrize(
    "name",
    ["errors", "pricing", "buffers", "machine", "market.reading.readers", "market.analysis", "cli.app"],
)
def test_every_module_has_a_docstring_and_public_names(name):
    """Modules say what lives in them and what is public."""
    module = importlib.import_module(f"atalanta.{name}")
    assert module.__doc__
    assert module.__all__
