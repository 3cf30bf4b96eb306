"""`atalanta doctor`: what this machine has, what is used and why. Main entry: `examine`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console
from rich.text import Text

from atalanta.cli.findings import FINDERS, Finding
from atalanta.cli.machine import (
    POINTER,
    MachineCard,
    installed_packages,
    machine_card,
    python_description,
)
from atalanta.cli.render import print_machine, print_selfcheck
from atalanta.cli.screen import print_facts, print_heading
from atalanta.cli.selfcheck import SelfCheck, run_selfcheck
from atalanta.cli.version import package_version

__all__ = ["Diagnosis", "examine", "print_diagnosis"]


@dataclass(frozen=True)
class Diagnosis:
    """The machine, its devices, the interpreter, the packages and whether the kernels compute what they should."""

    version: str
    python: str
    packages: dict[str, str]
    machine: MachineCard
    findings: tuple[Finding, ...]
    selfcheck: SelfCheck

    def as_dict(self) -> dict[str, Any]:
        """The diagnosis in plain types, for JSON."""
        return {
            "atalanta": self.version,
            "command": "doctor",
            "python": self.python,
            "packages": self.packages,
            "machine": self.machine.as_dict(),
            **{finding.key: finding.document for finding in self.findings},
            "selfcheck": self.selfcheck.as_dict(),
            "passed": self.selfcheck.passed,
        }


def examine() -> Diagnosis:
    """Look at this machine and run the self-check.

    Raises:
        InputError: ATALANTA_ISA, ATALANTA_THREADS or a variable of the router cannot be followed.
    """
    return Diagnosis(
        version=package_version(),
        python=python_description(),
        packages=installed_packages(),
        machine=_without_pointer(machine_card()),
        findings=tuple(find() for find in FINDERS),
        selfcheck=run_selfcheck(),
    )


def _without_pointer(card: MachineCard) -> MachineCard:
    """The card with what points here turned to the section below."""
    return replace(
        card,
        unused=tuple((what, why.replace(POINTER, "; the devices are below")) for what, why in card.unused),
    )


def print_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    """Print the diagnosis for a reader at the terminal."""
    console.print(Text(f"Atalanta {diagnosis.version}", style="bold cyan"))
    console.print(f"{diagnosis.python}; {diagnosis.machine.system} {diagnosis.machine.architecture}")
    print_heading(console, "Machine")
    print_machine(console, diagnosis.machine)
    print_heading(console, "Instruction sets of this build")
    print_facts(console, _instruction_sets(diagnosis.machine))
    for finding in diagnosis.findings:
        print_heading(console, finding.heading)
        print_facts(console, finding.facts)
    print_heading(console, "Packages")
    print_facts(console, diagnosis.packages.items())
    print_heading(console, "Self-check")
    print_selfcheck(console, diagnosis.selfcheck)


def _instruction_sets(card: MachineCard) -> list[tuple[str, str]]:
    states = {
        row.name: "used" if row.chosen else "possible" if row.supported else "not on this processor"
        for row in card.instruction_sets
    }
    rows = [(row.name, f"{row.description}: {states[row.name]}") for row in card.instruction_sets]
    found = ", ".join(name for name, there in card.features.items() if there) or "none that matters here"
    return [*rows, ("processor", found)]
