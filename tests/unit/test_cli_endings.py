import io
import sys

import pytest
import typer

from atalanta.cli.endings import (
    complain,
    drop_unwritten,
    errors_reported,
    report_defect,
    tell,
    writing_stdout,
)
from atalanta.errors import InputError


class FullFile(io.StringIO):
    """A stream on a full disk, which stands for no file of the system."""

    def flush(self):
        """Nothing can be put down."""
        raise OSError(28, "No space left on device")


def ended(error, *, debug=False):
    """The exit code of a command that raises so."""
    with pytest.raises(typer.Exit) as ending, errors_reported(debug):
        raise error
    return ending.value.exit_code


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            InputError("[market.analyze] rate 5 looks like per cent"),
            "[market.analyze] rate 5 looks like per cent",
        ),
        (InputError("two\nlines\r\x1b[2J"), "two lines  [2J"),
        (
            FileNotFoundError(2, "No such file or directory", "a.csv"),
            "[cli] No such file or directory: a.csv",
        ),
        (OSError("odd"), "[cli] odd"),
        (PermissionError(13, "Permission denied", b"b.csv"), "[cli] Permission denied: b.csv"),
    ],
)
def test_bad_input_is_one_line_and_code_2(capsys, error, line):
    """Whatever the library says, even in several lines or with control signs, ends as one plain line."""
    assert 2 == ended(error)
    assert ("", f"{line}\n") == capsys.readouterr()


def test_debug_shows_where_it_came_from(capsys):
    """The traceback comes before the line."""
    assert 2 == ended(InputError("[x] bad"), debug=True)
    error = capsys.readouterr().err
    assert error.startswith("Traceback")
    assert error.endswith("\n[x] bad\n")


@pytest.mark.parametrize("error", [typer.Exit(1), typer.Abort(), KeyboardInterrupt(), ZeroDivisionError()])
def test_other_endings_pass(error):
    """Verdicts, interrupts and defects are not bad input."""
    with pytest.raises(type(error)) as ending, errors_reported(False):
        raise error
    assert error is ending.value


def test_a_failure_to_print_is_told_as_such():
    """The message names stdout and the system's reason; its cause is kept for the traceback."""
    with (
        pytest.raises(
            InputError, match=r"^\[cli\] cannot write to stdout: No space left on device$"
        ) as ending,
        writing_stdout(),
    ):
        raise OSError(28, "No space left on device")
    assert isinstance(ending.value.__cause__, OSError)


def test_a_defect_with_many_lines_is_one(capsys, monkeypatch):
    """The message of a strange exception is put into one line."""
    monkeypatch.delenv("ATALANTA_DEBUG", raising=False)
    monkeypatch.setattr(sys, "argv", ["atalanta"])
    report_defect(ValueError, ValueError("first\nsecond"), None)
    assert (
        "[cli] defect in the program: ValueError: first second; --debug shows where\n"
        == capsys.readouterr().err
    )


@pytest.mark.parametrize("say", [tell, complain])
def test_nobody_left_to_tell_is_no_error(monkeypatch, say):
    """A stderr that takes nothing does not raise: the exit code has to do."""
    monkeypatch.setattr(sys, "stderr", FullFile())
    say("[cli] lost")


def test_what_is_told_cannot_steer_the_terminal(capsys):
    """The name of a file that was written is shown without its control signs."""
    tell("wrote a\x1b]0;b\x07.csv")
    assert "wrote a ]0;b .csv\n" == capsys.readouterr().err


def test_output_that_found_no_room_is_let_go(monkeypatch):
    """At the end nothing is left to fail once more, not even where stdout is no file of the system."""
    monkeypatch.setattr(sys, "stdout", FullFile())
    drop_unwritten()
