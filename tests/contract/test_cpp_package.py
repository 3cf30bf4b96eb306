"""The C++ package as an embedding program sees it: installed, found by CMake, compiled against, run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import atalanta

ROOT = Path(__file__).resolve().parents[2]


def run(*command, **options):
    """Run a command; its output is in the failure message."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package installed to a folder of its own, built without Python; CPP_RELEASE_BUILD names a build to take."""
    if os.environ.get("ATALANTA_ISA"):
        pytest.skip("the same for every instruction set: built by the run that forces none")
    if shutil.which("cmake") is None or shutil.which("ninja") is None:
        pytest.skip("cmake and ninja are not installed")
    if shutil.which(os.environ.get("CXX", "c++")) is None:
        pytest.skip("no C++ compiler")
    folder = tmp_path_factory.mktemp("cpp")
    if built := os.environ.get("CPP_RELEASE_BUILD"):
        run("cmake", "--install", built, "--prefix", folder / "prefix")
        return folder
    run(
        "cmake",
        "-S",
        ROOT,
        "-B",
        folder / "build",
        "-G",
        "Ninja",
        f"-DCMAKE_INSTALL_PREFIX={folder / 'prefix'}",
    )
    run("cmake", "--build", folder / "build")
    run("cmake", "--install", folder / "build")
    return folder


@pytest.fixture(scope="module")
def examples(installed):
    """The example programs, built against the installed package by `find_package(atalanta)`."""
    example = installed / "example"
    run(
        "cmake",
        "-S",
        ROOT / "examples/cpp",
        "-B",
        example,
        "-G",
        "Ninja",
        f"-DCMAKE_PREFIX_PATH={installed / 'prefix'}",
    )
    run("cmake", "--build", example)
    return example


def test_the_example_recovers_the_volatilities_it_priced_with(examples):
    """European prices and their implied volatilities, embedded."""
    lines = run(examples / "smile").splitlines()
    assert lines[0].startswith("instruction set ")
    assert ["0.310000", "0.280000", "0.250000", "0.230000", "0.210000", "0.200000", "0.200000"] == [
        line.split()[-1] for line in lines[1:]
    ]


def test_the_example_of_assignment_agrees_with_python(examples):
    """American options with cash dividends, embedded: the numbers that the Python package gives."""
    lines = run(examples / "assignment").splitlines()
    dividends = [(5 / 365, 1.2), (96 / 365, 1.2)]
    for line, strike in zip(lines, (85.0, 90.0, 95.0, 100.0, 105.0), strict=True):
        row = ("call", 100.0, strike, 45 / 365, 0.0425, 0.25)
        greeks = atalanta.greeks(*row, exercise="american", dividends=dividends)
        early = atalanta.early_exercise(*row, dividends=dividends)
        expected = f"strike {strike:5.1f}  price {greeks.price:7.4f}  delta {greeks.delta:6.3f}"
        assert line.startswith(expected)
        assert f"assigned {100 * early.probability:3.0f} %" in line
        assert early.ex_dividend_exercise == line.endswith("before the ex-date")


def test_the_core_links_nothing_but_the_standard_library(installed):
    """The static library's undefined symbols belong to the C and C++ runtime: no Python, no other library."""
    if shutil.which("nm") is None:
        pytest.skip("nm is not installed")
    library = next((installed / "prefix").rglob("libatalanta_core.a"))
    symbols = {line.split()[-1] for line in run("nm", "-u", library).splitlines() if " U " in f" {line}"}
    assert not [name for name in symbols if "Py" in name or "python" in name.lower()]
