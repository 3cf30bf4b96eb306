"""The self-check: the kernels of this machine against embedded reference values. Main entry: `run_selfcheck`.

A value passes when its relative error is within max(1e-13, 16 eps × condition) for prices and Greeks, within
4 eps × max(1, condition) for implied vols; condition numbers stand beside the reference values.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import pricing
from atalanta.cli.reference_values import OUTPUTS, REFERENCES, Reference

__all__ = ["SelfCheck", "WorstError", "run_selfcheck"]

_EPS = float(np.finfo(np.float64).eps)
_FLOOR = 1e-13

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WorstError:
    """The largest error of one output, relative to the reference, and the contract where it occurred."""

    output: str
    error: float
    limit: float
    contract: str


@dataclass(frozen=True)
class SelfCheck:
    """How the kernels compare with the reference values.

    `worst` has one entry per output: the value that comes closest to its limit, or goes furthest beyond it.
    `failures` counts the values outside their limit; NaN and infinity are outside.
    """

    contracts: int
    values: int
    failures: int
    worst: tuple[WorstError, ...]

    @property
    def passed(self) -> bool:
        """True when every value is within its limit."""
        return self.failures == 0

    def as_dict(self) -> dict[str, Any]:
        """The result in plain types, for JSON."""
        return {**asdict(self), "worst": [asdict(worst) for worst in self.worst], "passed": self.passed}


def run_selfcheck(references: tuple[Reference, ...] = REFERENCES) -> SelfCheck:
    """Price, differentiate and invert every reference contract and compare.

    Args:
        references: the contracts and their exact values.

    Returns:
        The counts, and the worst value of each output.
    """
    exact = np.array([row.values for row in references])
    limits = _limits(np.array([row.conditions for row in references]))
    with np.errstate(invalid="ignore"):
        errors = np.abs(_computed(references) - exact) / np.abs(exact)
    outside = ~(errors <= limits)
    return SelfCheck(
        contracts=len(references),
        values=errors.size,
        failures=int(outside.sum()),
        worst=tuple(
            _worst(name, errors[:, column], limits[:, column], references)
            for column, name in enumerate(OUTPUTS)
        ),
    )


def _limits(conditions: Floats) -> Floats:
    limits = np.maximum(_FLOOR, 16 * _EPS * conditions)
    limits[:, -1] = 4 * _EPS * np.maximum(1.0, conditions[:, -1])
    return limits


def _computed(references: tuple[Reference, ...]) -> Floats:
    right = np.array([1 if row.right == "call" else -1 for row in references], dtype=np.int8)
    spot, strike, years, rate, dividend_yield, vol = np.array([row[2:8] for row in references]).T.copy()
    contract = (right, spot, strike, years, rate)
    greeks = pricing.greeks(*contract, vol, dividend_yield=dividend_yield, order=1)
    price = pricing.price(*contract, vol, dividend_yield=dividend_yield)
    quoted = np.array([row.values[0] for row in references])
    implied = pricing.implied_vol(quoted, *contract, dividend_yield=dividend_yield)
    return np.column_stack([price, *(getattr(greeks, name) for name in OUTPUTS[1:-1]), implied])


def _worst(output: str, errors: Floats, limits: Floats, references: tuple[Reference, ...]) -> WorstError:
    row = int(np.argmax(np.nan_to_num(errors / limits, nan=np.inf)))
    reference = references[row]
    contract = f"{reference.kind}: {reference.strike:g} {reference.right} on {reference.spot:g}"
    return WorstError(output, float(errors[row]), float(limits[row]), contract)
