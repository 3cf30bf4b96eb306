"""Words of the command line that cannot be followed: one line each, in place of typer's box. Main entry: `Commands`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from atalanta.cli.endings import BAD_INPUT, complain

__all__ = ["Commands", "usage_error"]

_UsageError: Any = typer.BadParameter.__bases__[0]  # typer's own class, or click's where it brings none
_LONGEST = 60


class Commands(typer.Typer):
    """Commands whose usage errors are one line on stderr that names origin, value and mend; exit code 2."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=_Group, add_completion=False, pretty_exceptions_enable=False, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """As typer's."""
        return super().command(name, cls=_Command, **settings)


def usage_error(error: Any, path: str, given: Sequence[str]) -> str:
    """The line.

    Args:
        error: typer's.
        path: the command, from the program's name on.
        given: the words after it.
    """
    origin = ".".join(["cli", *path.split()[1:2]])
    return f"[{origin}] {_reason(error, given)}; {path} --help says what there is"


def _reason(error: Any, given: Sequence[str]) -> str:
    text = _plain(error.format_message())
    option = getattr(error, "option_name", None) or _option_of(error, given)
    words = _words_of(option, given, getattr(getattr(error, "param", None), "nargs", 2))
    if isinstance(error, typer.BadParameter) and words:
        return f"{option} {words}: {_plain(error.message)}"
    if words and "requires" in text:
        return f"{text}, not: {words}"
    return text


def _option_of(error: Any, given: Sequence[str]) -> str | None:
    """The option that a bad value belongs to, as it was written."""
    param = getattr(error, "param", None)
    names = [name for name in getattr(param, "opts", ()) if name.startswith("-")]
    return next((name for name in names if _words_of(name, given)), None)


def _words_of(option: str | None, given: Sequence[str], count: int = 1) -> str:
    """The `count` words at most that were written for an option; empty where it was not."""
    if option is None:
        return ""
    for place, word in enumerate(given):
        if word.startswith(f"{option}="):
            return _short(word.partition("=")[2]) or "''"
        if word == option:
            following = given[place + 1 : place + 1 + count]
            ends = next((at for at, one in enumerate(following) if at > 0 and one.startswith("--")), count)
            return _short(" ".join(following[:ends])) or "''"
    return ""


def _short(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else "?" for letter in text)
    return printable if len(printable) <= _LONGEST else f"{printable[:_LONGEST]}..."


def _plain(message: str) -> str:
    text = " ".join(message.split()).rstrip(".")
    return text[:1].lower() + text[1:]


def _refuse(error: Any, path: str, given: Sequence[str]) -> None:
    """Say the error and end; what only asks for the help goes on."""
    if type(error).__name__ == "NoArgsIsHelpError":
        raise error
    complain(usage_error(error, path, given))
    raise typer.Exit(BAD_INPUT) from None


class _Command(TyperCommand):
    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        given, path = list(args), " ".join(filter(None, (getattr(parent, "command_path", None), info_name)))
        try:
            return super().make_context(info_name, args, parent, **extra)
        except _UsageError as error:
            _refuse(error, path, given)


class _Group(TyperGroup):
    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        given = list(args)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except _UsageError as error:
            _refuse(error, info_name or "atalanta", given)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        given = list(args)
        try:
            return super().resolve_command(ctx, args)
        except _UsageError as error:
            _refuse(error, ctx.command_path, given)
