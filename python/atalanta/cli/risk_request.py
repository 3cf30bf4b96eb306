"""What `atalanta risk` is asked, from the words of its options. Main entry: `RiskRequest`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from atalanta.errors import InputError

__all__ = ["RiskRequest", "horizon_of", "numbers"]


@dataclass(frozen=True)
class RiskRequest:
    """What to assess, and in which market; None takes what is usual.

    | field | meaning |
    |---|---|
    | `book` | positions; None for the example book |
    | `chain` | option quotes; None for the simulated market |
    | `rate`, `dividends`, `borrow`, `tolerance` | handed to `analyze` |
    | `history` | closes for the historical simulation; None for a simulated history |
    | `spots`, `vols`, `sticky`, `horizon` | of the scenario grid |
    """

    book: Path | None = None
    chain: Path | None = None
    rate: float | None = None
    dividends: Path | None = None
    borrow: float | None = None
    tolerance: str | None = None
    history: Path | None = None
    spots: tuple[float, ...] | None = None
    vols: tuple[float, ...] | None = None
    sticky: str = "strike"
    horizon: str | float = 0.0


def numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    """Numbers by comma, as an option gives them.

    Raises:
        InputError: a word that is no number.
    """
    if text is None:
        return None
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise InputError(
            f"[cli.risk] {option} {text!r}: give decimals by comma, such as -0.1,0,0.1"
        ) from None


def horizon_of(text: str) -> str | float:
    """A horizon as `scenario_grid` takes it: a number of days where it is one."""
    try:
        return float(text)
    except ValueError:
        return text
