"""What this machine has, what is used and why. Main entry: `machine_card`.

Nothing is probed twice and nothing is started: processor facts come from the operating system, the instruction
set and the thread count from the compiled core.
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from dataclasses import asdict, dataclass
from typing import Any

from atalanta import config
from atalanta.cli.version import installed_version
from atalanta.errors import how_to_install
from atalanta.machine import cpu_features, processor_name

__all__ = [
    "InstructionSet",
    "MachineCard",
    "installed_packages",
    "machine_card",
    "python_description",
]

#: Third-party packages the command line reports on, and the extra of this package that brings each.
#: Ends what is said of the GPU, everywhere but in the doctor itself.
POINTER = "; `atalanta doctor` lists the devices"

_PACKAGES = {
    "numpy": None,
    "narwhals": None,
    "polars": "files",
    "pandas": "frames",
    "pyarrow": "frames",
    "mlx": "mlx" if sys.platform == "darwin" else "cuda",
}


@dataclass(frozen=True)
class InstructionSet:
    """One compiled variant of the kernels; `supported` says whether this processor can run it."""

    name: str
    description: str
    supported: bool
    chosen: bool


@dataclass(frozen=True)
class MachineCard:
    """The facts that decide how fast the kernels run here.

    `cores` counts the processors this process may use, `cores_total` those of the machine; `unused` names what
    the kernels leave idle, each with its reason.
    """

    cpu: str
    architecture: str
    system: str
    cores: int
    cores_total: int
    isa: str
    isa_reason: str
    instruction_sets: tuple[InstructionSet, ...]
    features: dict[str, bool]
    threads: int
    threads_reason: str
    unused: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """The card in plain types, for JSON."""
        unused = [{"what": what, "why": why} for what, why in self.unused]
        return {
            **asdict(self),
            "instruction_sets": [asdict(row) for row in self.instruction_sets],
            "unused": unused,
        }


def machine_card() -> MachineCard:
    """Describe this machine as the kernels see it.

    Raises:
        InputError: ATALANTA_ISA or ATALANTA_THREADS cannot be followed.
    """
    info = cpu_features()
    variants = tuple(
        InstructionSet(*(row[key] for key in ("name", "description", "supported", "chosen")))
        for row in info["available"]
    )
    cores = _usable_cores()
    return MachineCard(
        cpu=processor_name(),
        architecture=platform.machine(),
        system=f"{platform.system()} {platform.release()}",
        cores=cores,
        cores_total=os.cpu_count() or cores,
        isa=info["isa"],
        isa_reason=_isa_reason(),
        instruction_sets=variants,
        features=dict(info["features"]),
        threads=int(info["threads"]),
        threads_reason=_threads_reason(),
        unused=_unused(variants, int(info["threads"]), cores),
    )


def installed_packages() -> dict[str, str]:
    """Version of each third-party package, or how to install it."""
    return {
        name: installed_version(name) or f"not installed: {how_to_install(name, extra)}"
        for name, extra in _PACKAGES.items()
    }


def python_description() -> str:
    """Interpreter, version and whether it runs without the global lock."""
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    lock = "free-threaded" if free_threaded and not _gil_enabled() else "with the global interpreter lock"
    return f"{platform.python_implementation()} {platform.python_version()}, {lock}"


def _gil_enabled() -> bool:
    probe = getattr(sys, "_is_gil_enabled", None)  # from Python 3.13 on
    return True if probe is None else bool(probe())


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _isa_reason() -> str:
    who = _who_set("machine.isa", "ATALANTA_ISA")
    return f"forced by {who}" if who else "the widest this processor runs"


def _threads_reason() -> str:
    who = _who_set("machine.threads", "ATALANTA_THREADS")
    return f"set by {who}" if who else "one per usable core; ATALANTA_THREADS changes it"


def _who_set(option: str, variable: str) -> str:
    """The variable with its value, or the option with its place in a file; empty where nobody did."""
    if config.configured() is not None:
        origin = str(config.current().origin(option))
        if origin != variable:
            return "" if origin == "default" else f"{option}, {origin}"
    value = os.environ.get(variable)
    return f"{variable}={value}" if value else ""


def _unused(variants: tuple[InstructionSet, ...], threads: int, cores: int) -> tuple[tuple[str, str], ...]:
    names = [row.name for row in variants if row.supported]
    chosen = next((row.name for row in variants if row.chosen), "")
    wider = names[: names.index(chosen)] if chosen in names else []
    who = _who_set("machine.isa", "ATALANTA_ISA") or "the program"
    unused = [(name, f"this processor runs it, but {who} chose another") for name in wider]
    if threads < cores:
        unused.append((f"{cores - threads} of {cores} cores", f"the kernels were given {threads} threads"))
    unused.append(("GPU", f"the report is computed on the processor{POINTER}"))
    if sys.platform == "darwin" and platform.machine() == "arm64":
        unused.append(("Neural Engine", "half precision cannot price to a cent"))
    return tuple(unused)
