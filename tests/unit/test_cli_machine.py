import os
import sys
from dataclasses import replace

import pytest

from atalanta import machine as facts
from atalanta.cli import findings, machine, version
from atalanta.cli.machine import InstructionSet, installed_packages, machine_card, python_description

WIDEST = InstructionSet("avx512", "512-bit vectors", True, True)
NARROW = InstructionSet("avx2", "256-bit vectors", True, False)


def info(chosen="avx512", threads=2):
    """What the core says of a machine with two instruction sets."""
    rows = [("avx512", "512-bit vectors"), ("avx2", "256-bit vectors")]
    return {
        "isa": chosen,
        "available": [
            {"name": name, "description": text, "supported": True, "chosen": name == chosen}
            for name, text in rows
        ],
        "features": {"avx2": True},
        "threads": threads,
    }


@pytest.fixture
def core(monkeypatch):
    """Puts an imagined machine in the place of this one."""

    def imagine(cores=2, **facts):
        monkeypatch.setattr(machine, "cpu_features", lambda: info(**facts))
        monkeypatch.setattr(machine, "_usable_cores", lambda: cores)

    for name in ("ATALANTA_ISA", "ATALANTA_THREADS"):
        monkeypatch.delenv(name, raising=False)
    return imagine


def reasons(card):
    return dict(card.unused)


def test_the_card_of_this_machine_is_complete():
    """Every field of the real card is filled, and the chosen instruction set is the one in use."""
    card = machine_card()
    assert card.cpu.strip()
    assert 1 <= card.cores <= card.cores_total
    assert [card.isa] == [row.name for row in card.instruction_sets if row.chosen]


def test_the_gpu_is_named_as_unused(core):
    """The card says that a GPU is not used and why."""
    core()
    assert (
        "the report is computed on the processor; `atalanta doctor` lists the devices"
        == reasons(machine_card())["GPU"]
    )


def test_nothing_else_is_unused_by_default(core):
    """The widest instruction set on every core leaves nothing to explain but the GPU."""
    core()
    assert {"GPU"} <= set(reasons(machine_card())) <= {"GPU", "Neural Engine"}


def test_a_forced_instruction_set_is_explained(core, monkeypatch):
    """With ATALANTA_ISA the card says so, and names the wider set that lies idle."""
    core(chosen="avx2")
    monkeypatch.setenv("ATALANTA_ISA", "avx2")
    card = machine_card()
    assert "forced by ATALANTA_ISA=avx2" == card.isa_reason
    assert "ATALANTA_ISA" in reasons(card)["avx512"]


def test_fewer_threads_than_cores_are_explained(core, monkeypatch):
    """With fewer threads than cores the idle cores are named, and what set the count."""
    core(cores=8, threads=3)
    monkeypatch.setenv("ATALANTA_THREADS", "3")
    card = machine_card()
    assert "set by ATALANTA_THREADS=3" == card.threads_reason
    assert "the kernels were given 3 threads" == reasons(card)["5 of 8 cores"]


def test_an_instruction_set_the_processor_lacks_is_not_called_unused():
    """What the processor cannot run is not idle."""
    lacking = InstructionSet("avx512", "512-bit vectors", False, False)
    chosen = InstructionSet("avx2", "256-bit vectors", True, True)
    assert "avx512" not in dict(machine._unused((lacking, chosen), 2, 2))


def test_as_dict_is_plain(core):
    """The JSON form holds dictionaries and lists only."""
    core()
    document = machine_card().as_dict()
    assert {
        "name": "avx512",
        "description": "512-bit vectors",
        "supported": True,
        "chosen": True,
    } == document["instruction_sets"][0]
    assert {
        "what": "GPU",
        "why": "the report is computed on the processor; `atalanta doctor` lists the devices",
    } in document["unused"]


def test_missing_packages_say_how_to_install_them(monkeypatch):
    """A package that is not there is named with the extra that brings it."""
    monkeypatch.setattr(machine, "installed_version", lambda name: "2.0" if name == "numpy" else None)
    packages = installed_packages()
    assert "2.0" == packages["numpy"]
    assert (
        "not installed: install atalanta with its extra 'files', or: python -m pip install polars"
        == packages["polars"]
    )
    assert (
        "not installed: install atalanta with its extra 'frames', or: python -m pip install pandas"
        == packages["pandas"]
    )
    assert "not installed: python -m pip install narwhals" == packages["narwhals"]


def test_an_uninstalled_package_has_no_version():
    """Asking for a distribution that does not exist is no error."""
    assert version.installed_version("no-such-distribution-of-atalanta") is None


def test_the_version_of_a_bare_source_tree_is_unknown(monkeypatch):
    """Without an installed distribution the version is unknown, not a traceback."""
    monkeypatch.setattr(version, "installed_version", lambda _: None)
    assert "unknown" == version.package_version()


def test_python_is_described():
    """Implementation, version and the state of the global lock."""
    text = python_description()
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in text
    assert text.endswith(("with the global interpreter lock", "free-threaded"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\nmodel name\t: other\n", "Some CPU @ 3 GHz"),
        ("processor : 0\nModel : Raspberry Pi 5\n", "Raspberry Pi 5"),
        ("processor : 0\nBogoMIPS : 50\n", ""),
    ],
)
def test_processor_names_are_found(tmp_path, monkeypatch, text, name):
    """The first model name of the processor list, nothing where there is none."""
    (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
    monkeypatch.setattr(facts, "Path", lambda _: tmp_path / "cpuinfo")
    assert name == facts._cpuinfo_name()


def test_a_missing_processor_list_is_no_error(tmp_path, monkeypatch):
    """Without the list the name comes from elsewhere."""
    monkeypatch.setattr(facts, "Path", lambda _: tmp_path / "absent")
    assert "" == facts._cpuinfo_name()
    assert facts.processor_name().strip()


def test_sysctl_that_is_not_there_is_no_error(monkeypatch):
    """Where the program is missing the answer is empty."""
    monkeypatch.setenv("PATH", "")
    assert "" == facts._sysctl("machdep.cpu.brand_string")


def test_usable_cores_are_those_of_the_process():
    """The count respects the processors this process may run on."""
    expected = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert expected == machine._usable_cores()


@pytest.mark.parametrize(
    ("limit", "said"),
    [(10, "10 bytes"), (1536, "1.5 KiB"), (64 << 20, "64.0 MiB"), (2 << 30, "2,048.0 MiB")],
)
def test_small_limits_are_not_rounded_away(monkeypatch, limit, said):
    """A limit of ten bytes is not one of 0.0 MiB."""
    now = replace(findings.buffers.statistics(), limit_bytes=limit)
    monkeypatch.setattr(findings.buffers, "statistics", lambda: now)
    assert f"limit {said}" in dict(findings.find_memory().facts)["pool"]
