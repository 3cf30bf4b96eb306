"""Loading the configuration: one file, every kind of source, and a file in which all is wrong."""

from __future__ import annotations

import pytest
from start import loads


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """What is loaded, by its name."""
    return loads(tmp_path_factory.mktemp("config"))


@pytest.mark.benchmark(group="config")
@pytest.mark.parametrize("name", ["a file of 18 lines", "the same, profile, variables, an override"])
def test_load(benchmark, kinds, name):
    assert benchmark(kinds[name]).value.router.deterministic


@pytest.mark.benchmark(group="config")
def test_all_errors(benchmark, kinds):
    assert len(benchmark(kinds["a file with 6 errors"]).problems) == 6
