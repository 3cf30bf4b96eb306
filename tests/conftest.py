"""Shared by all tests: where the reference data lie, and reproducible Hypothesis runs."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from atalanta import config

SHARED = Path(__file__).resolve().parents[1].parent / "shared"

#: A forced instruction set is another look at the same properties.
EXAMPLES = 20 if "ATALANTA_ISA" in os.environ else 60
settings.register_profile("atalanta", deadline=None, derandomize=True, max_examples=EXAMPLES)
settings.load_profile("atalanta")


@pytest.fixture(scope="session", autouse=True)
def _calibration_file(tmp_path_factory):
    """The tests, and the processes they start, keep what they measure of this machine to themselves."""
    folder = tmp_path_factory.mktemp("calibration")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))  # for those that start without any of our variables
        patch.setenv(
            "XDG_CONFIG_HOME", str(folder)
        )  # and what the user has configured is nobody's business here
        patch.setenv("ATALANTA_CALIBRATION", str(folder / "calibration.txt"))
        yield


@pytest.fixture(autouse=True)
def _configuration():
    """Every test reads the configuration anew."""
    config.forget()
    yield
    config.forget()


def _folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no reference data: {name}/ is expected beside the project, in ../shared")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real chains, ticks and histories."""
    return _folder("data")


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of exact reference values."""
    return _folder("cases")
