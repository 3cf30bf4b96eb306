"""How a command ends: exit codes, error lines, and streams that are closed, full or left by their reader.

Main entries: `prepare_streams` before the command, `errors_reported` around its body, `report_defect` as the last
resort. Whatever ends badly says so in one line on stderr.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

import typer

from atalanta.errors import AtalantaError, InputError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = [
    "BAD_INPUT",
    "FAILED",
    "complain",
    "drop_unwritten",
    "errors_reported",
    "prepare_streams",
    "report_defect",
    "stdout_error",
    "tell",
    "writing_stdout",
]

FAILED, BAD_INPUT = 1, 2


def prepare_streams() -> None:
    """Make stdout and stderr fit for use; ends the process with code 2 where stdout is closed.

    A reader that leaves ends the process by SIGPIPE, as it ends other Unix programs: quietly, and never with the
    code of a failed check. A closed stderr becomes the null device.
    """
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if sys.stderr is None:  # closed by the caller (2>&-)
        sys.stderr = _null_stream()
    if sys.stdout is None:
        complain("[cli] stdout is closed, so nothing can be printed: redirect it to a file or to /dev/null")
        sys.exit(BAD_INPUT)
    warnings.showwarning = _show_warning
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign must not end the report


_show_any = warnings.showwarning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """One plain line for a warning of our own: where in the source it was raised tells the user nothing."""
    if category.__module__.partition(".")[0] == "atalanta" and file is None:
        tell(str(message))
    else:
        _show_any(message, category, filename, lineno, file, line)


def _null_stream() -> TextIO:
    """The null device; descriptors up to 2 that are free are taken, lest a data file gets one of them."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 2:
        pass
    return open(descriptor, "w", encoding="utf-8", errors="replace")


@contextmanager
def errors_reported(debug: bool) -> Iterator[None]:
    """Turn what a command raises into one line and an exit code; with `debug` show the traceback too."""
    try:
        yield
    except (AtalantaError, OSError) as error:
        if debug:
            import traceback

            traceback.print_exc()
        for line in _lines(error):
            complain(line)
        raise typer.Exit(BAD_INPUT) from None


def _lines(error: AtalantaError | OSError) -> list[str]:
    """What is said of an error: one line, or one for each mistake of a configuration."""
    if isinstance(error, OSError) and not isinstance(error, AtalantaError):
        return [_system_error(error)]
    lines: list[str] = list(getattr(error, "lines", ()))
    return [f"[config] {lines[0]}", *lines[1:]] if lines else [str(error)]


def _system_error(error: OSError) -> str:
    of_what = "" if error.filename is None else f": {os.fsdecode(error.filename)}"
    return f"[cli] {error.strerror or error}{of_what}"


@contextmanager
def writing_stdout() -> Iterator[None]:
    """Say of a failure to print that it was stdout, and why.

    Raises:
        InputError: stdout cannot take what is printed.
    """
    try:
        yield
    except AtalantaError:  # some are of the kind of OSError as well
        raise
    except OSError as error:
        raise InputError(stdout_error(error)) from error


def stdout_error(error: OSError) -> str:
    """What is said when stdout cannot take the output."""
    return f"[cli] cannot write to stdout: {error.strerror or error}"


def drop_unwritten() -> None:
    """Let go of what stdout could not take: it has been reported, and must not change the exit code."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last resort: an exception nobody foresaw is a defect, and ends in one line as well."""
    if os.environ.get("ATALANTA_DEBUG") or "--debug" in sys.argv:
        sys.__excepthook__(kind, error, trace)
    complain(f"[cli] defect in the program: {kind.__name__}: {error}; --debug shows where")


def complain(message: str) -> None:
    """Print an error line in red."""
    tell(message, fg=typer.colors.RED)


def tell(message: str, *, fg: str | None = None) -> None:
    """Print one line on stderr, with nothing in it that could steer a terminal.

    Where stderr cannot take it there is nobody left to tell.
    """
    line = "".join(sign if sign.isprintable() else " " for sign in message)
    with suppress(OSError):
        typer.secho(line, err=True, fg=fg)
