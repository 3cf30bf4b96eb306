"""The self-check: the kernels of this machine against embedded reference values. Main entry: `run_selfcheck`.

A value passes when its relative error is within max(1e-13, 16 eps × condition) for prices and Greeks, within
4 eps × max(1, condition) for implied vols; condition numbers stand beside the reference values. American prices and
those with cash dividends are checked at the tolerance `precise`, which is their limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta import pricing
from atalanta.cli.american_references import AMERICAN_REFERENCES, AmericanReference
from atalanta.cli.reference_values import OUTPUTS, REFERENCES, Reference

__all__ = ["SelfCheck", "WorstError", "run_selfcheck"]

_EPS = float(np.finfo(np.float64).eps)
_FLOOR = 1e-13

_YIELD, _CASH = "American", "dividends"
#: Errors relative to the strike that the tolerance `precise` allows.
_PRECISE = {_YIELD: 5e-9, _CASH: 1e-7}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WorstError:
    """The largest error of one output and the contract where it occurred.

    Relative to the reference; that of an American price, or of one with cash dividends, to the strike.
    """

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


def run_selfcheck(
    references: tuple[Reference, ...] = REFERENCES,
    american: tuple[AmericanReference, ...] = AMERICAN_REFERENCES,
) -> SelfCheck:
    """Price, differentiate and invert every reference contract and compare.

    Args:
        references: European contracts and their exact values.
        american: American contracts and contracts with cash dividends, and their exact prices.

    Returns:
        The counts, and the worst value of each output.
    """
    parts = [_check_european(references), *(_check_american(name, american) for name in _PRECISE)]
    return SelfCheck(
        contracts=len(references) + len(american),
        values=sum(part.values for part in parts),
        failures=sum(part.failures for part in parts),
        worst=tuple(worst for part in parts for worst in part.worst),
    )


def _check_european(references: tuple[Reference, ...]) -> SelfCheck:
    exact = np.array([row.values for row in references])
    limits = _limits(np.array([row.conditions for row in references]))
    with np.errstate(invalid="ignore"):
        errors = np.abs(_computed(references) - exact) / np.abs(exact)
    outside = ~(errors <= limits)
    described = [f"{row.kind}: {row.strike:g} {row.right} on {row.spot:g}" for row in references]
    return SelfCheck(
        contracts=len(references),
        values=errors.size,
        failures=int(outside.sum()),
        worst=tuple(
            _worst(name, errors[:, column], limits[:, column], described)
            for column, name in enumerate(OUTPUTS)
        ),
    )


def _check_american(output: str, references: tuple[AmericanReference, ...]) -> SelfCheck:
    """The prices with a yield, or those with cash dividends, each on its own: they share no schedule."""
    own = [row for row in references if bool(row.dividends) == (output == _CASH)]
    error = np.array([abs(_precise_price(row) - row.price) / row.strike for row in own])
    limit = np.full(len(own), _PRECISE[output])
    outside = int((~(error <= limit)).sum())
    worst = (_worst(output, error, limit, [_described(row) for row in own]),) if own else ()
    return SelfCheck(len(own), len(own), outside, worst)


def _precise_price(row: AmericanReference) -> float:
    return float(
        pricing.price(
            row.right,
            row.spot,
            row.strike,
            row.years,
            row.rate,
            row.vol,
            dividend_yield=row.dividend_yield,
            exercise=row.exercise,
            dividends=row.dividends or None,
            tolerance="precise",
        )
    )


def _described(row: AmericanReference) -> str:
    paid = " with dividends" if row.dividends else ""
    return f"{row.exercise}{paid}: {row.strike:g} {row.right} on {row.spot:g}"


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


def _worst(output: str, errors: Floats, limits: Floats, contracts: Sequence[str]) -> WorstError:
    row = int(np.argmax(np.nan_to_num(errors / limits, nan=np.inf)))
    return WorstError(output, float(errors[row]), float(limits[row]), contracts[row])
