"""How commands end when streams or disks fail, and that what stood in a target stays: exit codes as a shell sees them."""

import json
import os
import signal
import subprocess
import sys

import pytest

from atalanta.cli.output import write_rows
from tests.cli_reports import market

ATALANTA = f'"{sys.executable}" -c "from atalanta.cli.app import main; main()"'

pytestmark = pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="needs the device that is always full"
)


def shell(words, **environment):
    """A shell line in which `atalanta` is the command; its exit code is the shell's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATALANTA_")}
    return subprocess.run(
        ["bash", "-c", f'atalanta() {{ {ATALANTA} "$@"; }}; {words}'],
        capture_output=True,
        env={**kept, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        timeout=120,
        check=False,
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder the commands run in; it holds quotes.csv and nothing else."""
    monkeypatch.chdir(tmp_path)
    write_rows(market(), tmp_path / "quotes.csv")
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "words", ["--version", "--help", "doctor", "chain quotes.csv", "chain quotes.csv --json"]
)
def test_a_full_stdout_is_an_error(words):
    """What cannot be printed is told in one line, with the code of bad input: no check failed, no defect."""
    result = shell(f"atalanta {words} >/dev/full")
    assert (2, b"[cli] cannot write to stdout: No space left on device\n") == (
        result.returncode,
        result.stderr,
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("words", ["--version", "chain quotes.csv --output rows.csv"])
def test_a_closed_stdout_is_an_error(words, folder):
    """A report that nobody can see is no success; nothing is written either."""
    result = shell(f"atalanta {words} >&-")
    assert 2 == result.returncode
    assert result.stderr.startswith(b"[cli] stdout is closed")
    assert ["quotes.csv"] == os.listdir(folder)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("file", "code"), [("quotes.csv", 0), ("absent.csv", 2)])
@pytest.mark.parametrize("closed", ["2>&-", "2>&- <&-", "2>/dev/full"])
def test_a_stderr_that_takes_nothing_changes_no_exit_code(closed, file, code):
    """Good stays good and bad stays bad where no error line can be shown."""
    result = shell(f"atalanta chain {file} --json --output rows.csv {closed}")
    assert code == result.returncode
    assert (126 if code == 0 else None) == (
        json.loads(result.stdout)["summary"]["contracts"] if result.stdout else None
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("words", ["--help", "demo --replay 0.2", "chain quotes.csv --json"])
def test_a_reader_that_leaves_ends_it_by_sigpipe(words):
    """A pipe without a reader ends it quietly, 141 in a shell: never with 1, the code of a failed check."""
    result = shell(f"atalanta {words} | exec 0<&-; exit ${{PIPESTATUS[0]}}")
    assert (128 + signal.SIGPIPE, b"") == (result.returncode, result.stderr)


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_a_full_disk_is_an_error(folder, name):
    """Rows that find no room are one line with code 2, and the report is not shown as if they had been written."""
    (folder / name).symlink_to("/dev/full")
    result = shell(f"atalanta chain quotes.csv --output {name}")
    assert f"[cli.chain] cannot write {name}: No space left on device\n".encode() == result.stderr
    assert (2, b"") == (result.returncode, result.stdout)


def test_a_file_name_that_is_no_text_is_served(folder):
    """A byte that is no UTF-8 in the name of the quotes: screen, document, rows and page all come."""
    (folder / "quotes.csv").rename(os.fsdecode(bytes(folder) + b"/bad\xff.csv"))
    result = shell("atalanta chain $'bad\\xff.csv' --json --output rows.csv --html smile.html")
    assert 0 == result.returncode, result.stderr
    assert "bad?.csv" == json.loads(result.stdout)["source"]
    assert "<p>bad?.csv</p>" in (folder / "smile.html").read_text(encoding="utf-8")
    assert 0 == shell("atalanta chain $'bad\\xff.csv'").returncode


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("columns", ["1", "5", "20", "38"])
def test_a_narrow_terminal_is_served(columns):
    """However narrow: the report comes, no cell is cut, and from 20 columns up no line is too long."""
    result = shell("atalanta chain quotes.csv", COLUMNS=columns)
    text = result.stdout.decode()
    assert (0, b"") == (result.returncode, result.stderr)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= max(int(columns), 20)


@pytest.mark.usefixtures("folder")
def test_a_system_error_names_the_file():
    """A path the system refuses to look at is one line that shows it."""
    result = shell(f"atalanta chain quotes.csv --html {'x' * 300}")
    assert (2, f"[cli] File name too long: {'x' * 300}\n".encode()) == (result.returncode, result.stderr)
