"""What pydantic found, in the words of a file's author. Main entry: `problems_of`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from atalanta.config.options import section_at
from atalanta.config.problems import Problem
from atalanta.config.reading import Key

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["did_you_mean", "problems_of"]

_WORDS = {
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number",
    "finite_number": "it must be a finite number",
    "string_type": "it must be text; put it in quotes if it is",
    "tuple_type": "it must be a list: [first, second]",
    "too_short": "it must have at least one item",
    "string_too_short": "it must not be empty",
}
_SECTIONS = {"model_type", "model_attributes_type", "dict_type", "mapping_type"}


def problems_of(error: ValidationError, place: Callable[[Key], str]) -> list[Problem]:
    """A problem for each error.

    Args:
        error: of the whole configuration.
        place: where a key was set.
    """
    return [_problem(details, place) for details in error.errors(include_url=False)]


def _problem(details: ErrorDetails, place: Callable[[Key], str]) -> Problem:
    key = tuple(word for word in details["loc"] if word != "[key]")
    kind = details["type"]
    got: Any = details["input"]
    if kind == "extra_forbidden":
        return Problem(place(key), _dotted(key), _unknown(key), ...)
    if kind in _SECTIONS:
        what = "it is a section: write its options beneath it"
    else:
        what = _WORDS.get(kind) or details["msg"].replace("Input should be", "it must be", 1)
    if kind == "literal_error" and "[key]" in details["loc"]:
        what = what.replace("it must be", "there is no such name; it must be", 1) + did_you_mean(
            str(key[-1]), _named_in(what)
        )
    return Problem(place(key), _dotted(key), what, got)


def _dotted(key: Key) -> str:
    text = ""
    for word in key:
        text += f"[{word}]" if isinstance(word, int) else f".{word}" if text else str(word)
    return text


def _unknown(key: Key) -> str:
    section = section_at(key[:-1])
    known = [] if section is None else list(section.model_fields)
    kind = "section" if len(key) == 1 else "option"
    return f"there is no such {kind}{did_you_mean(str(key[-1]), known)} (known: {', '.join(known)})"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A proposal, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _named_in(text: str) -> list[str]:
    return text.split("'")[1::2]
