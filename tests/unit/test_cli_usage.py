"""Words of the command line that cannot be followed: one line with origin, value and mend, exit code 2."""

import pytest
from typer.testing import CliRunner

from atalanta.cli.app import app


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["route", "--tolerance", "abc"], r"[cli.route] --tolerance abc: "),
        (["route", "--tolerance=abc", "--json"], r"[cli.route] --tolerance abc: "),
        (["route", "--tolerance="], r"[cli.route] --tolerance '': "),
        (["route", "--explain", "price", "many"], r"[cli.route] --explain price many: "),
        (
            ["route", "--explain", "price"],
            r"[cli.route] option '--explain' requires 2 arguments, not: price; ",
        ),
        (["demo", "--seed", "1.5", "--json"], r"[cli.demo] --seed 1.5: "),
        (["bench", "router", "--largest", "many"], r"[cli.bench] --largest many: "),
        (["demo", "--seed", "\x1b[1m"], r"[cli.demo] --seed ?[1m: "),
        (["demo", "--seed", "7" + 200 * "x"], f"[cli.demo] --seed 7{59 * 'x'}...: "),
        (["chain"], r"[cli.chain] missing argument"),
        (["chain", "--nonsense", "x"], r"[cli.chain] no such option: --nonsense"),
        (["routee"], r"[cli] no such command 'routee'"),
        (["--bogus"], r"[cli] no such option: --bogus"),
        (["demo", "extra"], r"[cli.demo] got unexpected extra argument"),
    ],
)
def test_a_usage_error_is_one_line(words, line):
    """No box, and nothing on stdout."""
    result = CliRunner().invoke(app, words)
    assert 2 == result.exit_code
    assert result.stderr.startswith(line)
    assert 1 == result.stderr.count("\n")
    assert result.stderr.endswith(" --help says what there is\n")
    assert "" == result.stdout


def test_the_mend_names_the_command():
    """Of a suite too."""
    result = CliRunner().invoke(app, ["bench", "router", "--largest", "many"])
    assert "; atalanta bench router --help says what there is" in result.stderr


def test_no_words_show_the_help():
    """Which is no error of the user's."""
    result = CliRunner().invoke(app, [])
    assert "Usage" in result.output
    assert "says what there is" not in result.output
