"""A target beside the figure just measured. Main entry: `Verdict`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Verdict"]


@dataclass(frozen=True)
class Verdict:
    """One target: the limit, the figure and whether it was reached; None where it was not measured."""

    what: str
    limit: str
    figure: str | None
    reached: bool | None

    @classmethod
    def at_most(cls, what: str, figure: float | None, limit: float, unit: str) -> Verdict:
        """Reached by a figure no larger than the limit."""
        told = f"<= {limit:g} {unit}".rstrip()
        return cls._of(what, told, figure, unit, figure is not None and figure <= limit)

    @classmethod
    def at_least(cls, what: str, figure: float | None, limit: float, unit: str) -> Verdict:
        """Reached by a figure no smaller than the limit."""
        told = f">= {limit:g} {unit}".rstrip()
        return cls._of(what, told, figure, unit, figure is not None and figure >= limit)

    @classmethod
    def _of(cls, what: str, limit: str, figure: float | None, unit: str, reached: bool) -> Verdict:
        if figure is None:
            return cls(what, limit, None, None)
        return cls(what, limit, f"{figure:.3g} {unit}".rstrip(), reached)

    def as_dict(self) -> dict[str, Any]:
        """The verdict in plain types, for JSON."""
        return dict(self.__dict__)
