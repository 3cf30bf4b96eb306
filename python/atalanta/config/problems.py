"""What is wrong with a configuration, a line for each. Main entries: `Problem`, `ConfigError`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atalanta.errors import InputError

__all__ = ["ConfigError", "Problem"]

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        place: `file:line:column`, or the variable or option that said it.
        key: the option, its sections before it, by dots; empty where no option is meant.
        what: what is wrong and what to write.
        got: the value; `...` for none.
    """

    place: str
    key: str
    what: str
    got: object = ...

    def __str__(self) -> str:
        told = f"{self.key}: {self.what}" if self.key else self.what
        return f"{self.place}: {told}" + ("" if self.got is ... else f" (got {_shown(self.got)})")


class ConfigError(InputError):
    """A configuration that cannot be used; `problems` has all that is wrong with it, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("[config] " + "\n".join(self.lines))

    @property
    def lines(self) -> list[str]:
        """A line for each problem, below their number where there are several."""
        lines = [str(problem) for problem in self.problems]
        return lines if len(lines) == 1 else [f"{len(lines)} errors", *lines]

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


def _shown(value: object) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
