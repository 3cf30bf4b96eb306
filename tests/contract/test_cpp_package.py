"""The C++ package as an embedding program sees it: installed, found by CMake, compiled against, run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

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
    """The package installed to a folder of its own, built without Python."""
    if shutil.which("cmake") is None or shutil.which("ninja") is None:
        pytest.skip("cmake and ninja are not installed")
    if shutil.which(os.environ.get("CXX", "c++")) is None:
        pytest.skip("no C++ compiler")
    folder = tmp_path_factory.mktemp("cpp")
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


def test_the_example_finds_the_package_compiles_and_runs(installed):
    """`find_package(atalanta)` gives a target; the example recovers the volatilities it priced with."""
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
    lines = run(example / "smile").splitlines()
    assert lines[0].startswith("instruction set ")
    assert ["0.310000", "0.280000", "0.250000", "0.230000", "0.210000", "0.200000", "0.200000"] == [
        line.split()[-1] for line in lines[1:]
    ]


def test_the_core_links_nothing_but_the_standard_library(installed):
    """The static library's undefined symbols belong to the C and C++ runtime: no Python, no other library."""
    if shutil.which("nm") is None:
        pytest.skip("nm is not installed")
    library = next((installed / "prefix").rglob("libatalanta_core.a"))
    symbols = {line.split()[-1] for line in run("nm", "-u", library).splitlines() if " U " in f" {line}"}
    assert not [name for name in symbols if "Py" in name or "python" in name.lower()]
