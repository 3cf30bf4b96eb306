"""The command line as a user meets it: exit codes, streams, documents, messages."""

import json
import os
import subprocess
import sys
import types

import numpy as np
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from atalanta.cli.app import app
from atalanta.cli.output import write_rows
from atalanta.errors import InputError
from tests.cli_reports import MONTH, market
from tests.parity_market import changed

COMMAND = "from atalanta.cli.app import main; main()"


def run(*arguments, **environment):
    """The command in this process."""
    return CliRunner(env={"ATALANTA_DEBUG": None, **environment}).invoke(
        app, [str(word) for word in arguments]
    )


def spawn(*arguments, code=COMMAND, **environment):
    """The command in a process of its own, as the installed script runs it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATALANTA_")}
    paths = os.pathsep.join(sys.path)
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**kept, "PYTHONPATH": paths, **environment},
        timeout=120,
        check=False,
    )


@pytest.fixture
def quotes(tmp_path):
    write_rows(market(), tmp_path / "quotes.csv")
    return tmp_path / "quotes.csv"


def document(result):
    """The JSON document a command printed: the whole of its output."""
    assert 0 == result.exit_code, result.output
    return json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_help_names_every_command():
    """Every command, each with a line."""
    result = run("--help")
    assert 0 == result.exit_code
    assert all(name in result.stdout for name in ("demo", "chain", "doctor", "route", "bench"))


@pytest.mark.parametrize("command", ["demo", "chain", "doctor", "route"])
def test_every_command_has_help(command):
    """Help ends well and names the options."""
    result = run(command, "--help")
    assert 0 == result.exit_code
    assert "--json" in result.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["chain", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments):
    """No numerical package is imported before a command runs."""
    code = (
        "import sys\nfrom atalanta.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'polars', 'pandas', 'pyarrow', 'narwhals', 'atalanta._core'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    assert "HEAVY []" == spawn(*arguments, code=code).stdout.splitlines()[-1]


def test_the_version_is_printed():
    """One line: the name and the version."""
    result = run("--version")
    assert (0, "atalanta ") == (result.exit_code, result.stdout[:9])


def test_no_command_shows_the_help():
    """Without a command the user sees what there is."""
    assert "demo" in run().output


def test_demo_passes():
    """The demo ends well, shows machine, timing, smiles, forwards, flags and both verdicts."""
    result = run("demo", "--replay", 0.2)
    assert 0 == result.exit_code, result.output
    for part in (
        "synthetic",
        "± s.e.",
        "vega/pt",
        "Flagged rows",
        "ns each",
        "processor",
        "not used",
    ):
        assert part in result.stdout
    assert "self-check passed" in result.stdout
    assert "recovery passed" in result.stdout


def test_demo_needs_no_file_and_no_network(tmp_path):
    """It runs in an empty folder, leaves it empty, and with every address refused."""
    code = (
        "import socket\n"
        "def refuse(*_, **__):\n    raise OSError('no network here')\n"
        "for name in ('connect', 'connect_ex', 'bind', 'sendto'):\n    setattr(socket.socket, name, refuse)\n"
        "socket.create_connection = socket.getaddrinfo = refuse\n"
        f"import os\nos.chdir({str(tmp_path)!r})\n{COMMAND}"
    )
    result = spawn("demo", "--replay", "0.2", code=code)
    assert 0 == result.returncode, result.stderr
    assert [] == list(tmp_path.iterdir())


def test_demo_json_is_one_document():
    """Nothing but JSON on stdout, nothing on stderr; the same seed gives the same figures."""
    first, second = (document(run("demo", "--replay", 0.2, "--json", "--seed", 11)) for _ in range(2))
    assert first["passed"] is True
    assert first["expiries"] == second["expiries"]
    assert "" == run("demo", "--replay", 0.2, "--json").stderr


def test_demo_fails_when_a_kernel_is_wrong(monkeypatch):
    """A kernel off by one in a million million is found: the exit code is 1 and the verdict says so."""
    from atalanta import pricing

    exact = pricing.price
    monkeypatch.setattr(pricing, "price", lambda *a, **k: exact(*a, **k) * (1 + 1e-10))
    result = run("demo", "--replay", 0.2)
    assert 1 == result.exit_code
    assert "self-check FAILED" in result.stdout
    assert document_passed(run("demo", "--replay", 0.2, "--json")) is False


def document_passed(result):
    assert 1 == result.exit_code
    return json.loads(result.stdout)["passed"]


def test_demo_refuses_a_bad_seed():
    """A seed the simulator refuses is one line and exit code 2."""
    result = run("demo", "--seed", -1)
    assert (2, "") == (result.exit_code, result.stdout)
    assert 1 == len(result.stderr.splitlines())


def test_chain_reports(quotes):
    """A file in, its forwards and Greeks out."""
    result = run("chain", quotes)
    assert 0 == result.exit_code, result.output
    assert "126 contracts" in result.stdout
    assert f"{MONTH.forward:,.2f}" in result.stdout


def test_chain_json_is_one_document(quotes):
    """Nothing but JSON on stdout, with the forwards the market was made from."""
    made = document(run("chain", quotes, "--json"))
    assert [4505.0, 4515.0, 4550.0] == pytest.approx([row["forward"] for row in made["expiries"]])
    assert {"read", "whole analysis"} <= {stage["name"] for stage in made["stages"]}


def test_missing_dividends_cannot_be_missed(quotes):
    """It is told before the first figure of an expiry and again in the last lines, with the number of contracts."""
    result = run("chain", quotes, "--exercise", "american", "--rate", "0.04")
    place, last = (
        find("! NO DIVIDENDS GIVEN: 126 of 126") for find in (result.stdout.find, result.stdout.rfind)
    )
    assert 0 < place < result.stdout.index("rate %") < result.stdout.index("ns each") < last
    assert "NO RATE" not in result.stdout


def test_library_errors_of_many_lines_are_one_line(quotes, monkeypatch):
    """Whatever the library objects to on the way, the user gets one line and the code of bad input."""

    def refuse(*_, **__):
        raise InputError("[pricing.greeks] vol 35 looks like per cent\n  at row 7\n")

    monkeypatch.setattr("atalanta.cli.chain.analyze", refuse)
    result = run("chain", quotes)
    assert (2, "") == (result.exit_code, result.stdout)
    assert "[pricing.greeks] vol 35 looks like per cent   at row 7 \n" == result.stderr


def test_chain_filters(quotes):
    """Underlying and expiry narrow the analysis down."""
    made = document(run("chain", quotes, "--underlying", "spx", "--expiry", "2026-04-01", "--json"))
    assert ["2026-04-01"] == [row["expiry"] for row in made["expiries"]]


def test_chain_takes_a_rate(quotes):
    """The discount follows the rate given."""
    made = document(run("chain", quotes, "--rate", "0.04", "--json"))
    assert [0.04] * 3 == pytest.approx([row["rate"] for row in made["expiries"]])


def test_chain_writes_files(quotes, tmp_path):
    """Rows and page are written and named on stderr, so that stdout stays the document."""
    rows, page = tmp_path / "rows.parquet", tmp_path / "smile.html"
    result = run("chain", quotes, "--output", rows, "--html", page, "--json")
    assert 126 == document(result)["summary"]["contracts"]
    assert [f"wrote {rows}", f"wrote {page}"] == result.stderr.splitlines()
    assert 126 == len(pl.read_parquet(rows))
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--underlying", "ZZZ"], "--underlying ZZZ matches no row (found: SPX)"),
        (["--expiry", "2030-01-18"], "found: 2026-03-09, 2026-04-01, 2026-06-01"),
        (["--expiry", "soon"], "write YYYY-MM-DD"),
        (["--rate", "5"], "per cent"),
        (["--output", "rows.xlsx"], ".parquet or .csv"),
        (["--layout", "nonsense"], "nonsense"),
        (["--exercise", "bermudan"], "bermudan"),
        (["--settlement", "noon"], "settlement='noon' is unknown: give 'PM' or 'AM'"),
        (["--quote-time", "noon"], "noon"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_bad_options_are_one_line(quotes, extra, message):
    """Each bad option gives exit code 2, one line that shows the value, no traceback and no output."""
    result = run("chain", quotes, *extra)
    assert (2, "") == (result.exit_code, result.stdout)
    assert message in result.stderr
    assert 1 == len(result.stderr.splitlines())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("absent.csv", None),
        ("empty.csv", b""),
        ("binary.parquet", b"PAR1 not really"),
        ("columns.csv", b"a,b\n1,2\n"),
        ("header.csv", b"underlying,expiry,right,strike,bid,ask\n"),
        ("broken.csv.gz", b"\x1f\x8b\x08broken"),
        ("quotes.txt", b"1"),
    ],
)
def test_bad_files_are_one_line(tmp_path, name, content):
    """Each bad file gives exit code 2 and one line that names it."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = run("chain", tmp_path / name)
    assert (2, "") == (result.exit_code, result.stdout)
    assert name in result.stderr
    assert 1 == len(result.stderr.splitlines())


def test_a_folder_is_no_file(tmp_path):
    """A folder in the place of a file is one line, too."""
    result = run("chain", tmp_path)
    assert 2 == result.exit_code
    assert 1 == len(result.stderr.splitlines())


def test_a_file_that_cannot_be_written_is_one_line(quotes, tmp_path):
    """A folder in the place of the page: the system's message, exit code 2, no traceback."""
    result = run("chain", quotes, "--html", tmp_path)
    assert 2 == result.exit_code
    assert "Traceback" not in result.output


def test_debug_shows_the_traceback(tmp_path):
    """With --debug, or ATALANTA_DEBUG in the environment, the same error comes with its traceback."""
    for result in (
        run("chain", tmp_path / "absent.csv", "--debug"),
        run("chain", tmp_path / "absent.csv", ATALANTA_DEBUG="1"),
    ):
        assert 2 == result.exit_code
        assert "Traceback" in result.stderr


def test_a_defect_is_one_line(quotes):
    """An error nobody foresaw ends in one line and exit code 1; with --debug the traceback comes first."""
    code = (
        "import atalanta.cli.chain as c\n"
        "def broken(*_):\n    raise ZeroDivisionError('deep inside')\n"
        f"c.run_chain = broken\n{COMMAND}"
    )
    result = spawn("chain", quotes, code=code)
    assert (1, "") == (result.returncode, result.stdout)
    assert ["[cli] defect in the program: ZeroDivisionError: deep inside; --debug shows where"] == (
        result.stderr.splitlines()
    )
    assert "Traceback" in spawn("chain", quotes, "--debug", code=code).stderr


def test_messages_cannot_steer_the_terminal(tmp_path):
    """Control characters of a file's name do not reach the terminal."""
    assert "\x1b" not in run("chain", tmp_path / "a\x1b[31mb.csv").stderr


def test_output_to_a_file_has_no_colour(quotes):
    """What is not a terminal gets no escape sequences, and no progress line on stderr."""
    result = spawn("chain", quotes)
    assert (0, "") == (result.returncode, result.stderr)
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_no_color_is_respected(quotes):
    """NO_COLOR takes the colours away even where they are forced on."""
    coloured = spawn("chain", quotes, FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b[36m" in coloured.stdout
    plain = spawn("chain", quotes, FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="1")
    assert "\x1b[36m" not in plain.stdout


def test_a_terminal_without_unicode_is_served(quotes):
    """Where only ASCII can be printed, the report is ASCII and ends well."""
    result = spawn("chain", quotes, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert 0 == result.returncode, result.stderr
    assert result.stdout.isascii()


def test_doctor_reports():
    """Machine, instruction sets, devices, packages and the verdict."""
    result = run("doctor")
    assert 0 == result.exit_code, result.output
    for part in ("processor", "Instruction sets of this build", "Devices", "numpy", "self-check passed"):
        assert part in result.stdout


def test_only_others_point_to_the_doctor():
    """The report of a chain says where the devices are listed; the doctor lists them."""
    pointer = "`atalanta doctor`"
    assert pointer not in " ".join(run("doctor").stdout.split())
    assert pointer not in run("doctor", "--json").stdout
    assert pointer in " ".join(run("demo", "--replay", 0.2).stdout.split())


def test_a_warning_is_one_plain_line(tmp_path):
    """No line of the source, on the screen and beside a document."""
    path = tmp_path / "thesis.txt"
    path.write_text("my thesis", encoding="utf-8")
    for words in (["route"], ["route", "--json"]):
        result = spawn(*words, ATALANTA_CALIBRATION=str(path))
        assert 0 == result.returncode, result.stderr
        (line,) = result.stderr.splitlines()
        assert line.startswith("[compute.router] the calibration is used, and not saved: ")
        assert line.endswith("thesis.txt is not a calibration file; name another path, or remove it")
    assert "my thesis" == path.read_text(encoding="utf-8")


def test_warnings_of_others_keep_their_place():
    """They tell a developer where."""
    code = (
        "from atalanta.cli.endings import prepare_streams\nprepare_streams()\n"
        "import warnings\nwarnings.warn('odd', UserWarning)"
    )
    assert "UserWarning: odd" in spawn(code=code).stderr


def test_doctor_json_is_one_document():
    """The same facts in plain types."""
    made = document(run("doctor", "--json"))
    assert made["passed"] is True
    assert made["machine"]["isa"] in {row["name"] for row in made["machine"]["instruction_sets"]}
    assert np.__version__ == made["packages"]["numpy"]
    found = {row["name"]: row for row in made["devices"]}
    assert {"cpu", "gpu", "neural_engine", "emulated"} < set(found)
    assert found["cpu"]["available"] is found["cpu"]["automatic"] is True
    assert {"float32", "double_single"} == set(found["gpu"]["guarantees"]["price"])
    assert found["neural_engine"]["reason"]


def test_doctor_fails_when_a_kernel_is_wrong(monkeypatch):
    """Wrong kernels are the doctor's business: exit code 1."""
    from atalanta import pricing

    exact = pricing.price
    monkeypatch.setattr(pricing, "price", lambda *a, **k: exact(*a, **k) * (1 + 1e-10))
    assert 1 == run("doctor").exit_code


def test_a_forced_instruction_set_is_shown():
    """With ATALANTA_ISA the doctor says what was forced."""
    made = json.loads(spawn("doctor", "--json", ATALANTA_ISA="baseline").stdout)
    assert ("baseline", "forced by ATALANTA_ISA=baseline") == (
        made["machine"]["isa"],
        made["machine"]["isa_reason"],
    )


@pytest.mark.parametrize("command", [["doctor"], ["demo", "--replay", "0.2"]])
def test_an_unknown_instruction_set_is_one_line(command):
    """A name that does not exist is an input error, told in one line."""
    result = spawn(*command, ATALANTA_ISA="nonsense")
    assert (2, "") == (result.returncode, result.stdout)
    assert "nonsense" in result.stderr
    assert 1 == len(result.stderr.splitlines())


def test_threads_are_shown():
    """ATALANTA_THREADS sets the count and is named as the reason."""
    made = json.loads(spawn("doctor", "--json", ATALANTA_THREADS="1").stdout)
    assert (1, "set by ATALANTA_THREADS=1") == (made["machine"]["threads"], made["machine"]["threads_reason"])


@pytest.fixture
def bench(monkeypatch):
    """A `bench` command of two options in the place of the real one."""
    module = types.ModuleType("atalanta.cli.bench")

    def command(against: str = "nobody", rows: int = 10):
        """Measure something."""
        if rows < 0:
            raise InputError(f"[cli.bench] rows is {rows}; it must be positive")
        typer.echo(f"{rows} rows against {against}")

    module.bench = command
    monkeypatch.setitem(sys.modules, "atalanta.cli.bench", module)


@pytest.mark.usefixtures("bench")
def test_bench_gets_its_own_options():
    """Options reach the command in its own module, which is imported only then."""
    result = run("bench", "--against", "peer", "--rows", 5)
    assert (0, "5 rows against peer\n") == (result.exit_code, result.stdout)


@pytest.mark.usefixtures("bench")
def test_bench_has_its_own_help():
    """Help comes from the command itself."""
    result = run("bench", "--help")
    assert 0 == result.exit_code
    assert "--against" in result.stdout
    assert "Measure something." in result.stdout


@pytest.mark.usefixtures("bench")
def test_bench_errors_are_one_line():
    """Bad input and unknown options end as they do everywhere else, with exit code 2."""
    result = run("bench", "--rows", -1)
    assert (2, "[cli.bench] rows is -1; it must be positive\n") == (result.exit_code, result.stderr)
    assert "Traceback" in run("bench", "--rows", -1, "--debug").stderr
    assert 2 == run("bench", "--nonsense").exit_code


def test_chain_keeps_snapshots_apart(tmp_path):
    """Two snapshots in a file give each expiry twice."""
    first = market()
    later = first.with_columns(quote_time=first["quote_time"] + np.timedelta64(1, "h"))
    rows = pl.concat([first.to_polars(), later.to_polars()])
    rows.write_parquet(tmp_path / "quotes.parquet")
    made = document(run("chain", tmp_path / "quotes.parquet", "--json"))
    assert 6 == len(made["expiries"])
    assert {"2026-03-02T15:00:00Z", "2026-03-02T16:00:00Z"} == {row["quote_time"] for row in made["expiries"]}


def test_a_hopeless_chain_is_reported(tmp_path):
    """Quotes without one usable price: no vol, every row flagged, no error, null in the document."""
    write_rows(changed(market(), "bid", slice(None), np.nan), tmp_path / "quotes.csv")
    made = document(run("chain", tmp_path / "quotes.csv", "--json"))
    assert (0, 126) == (made["summary"]["with_iv"], made["summary"]["flags"]["no_iv"])
    assert [None] * 3 == [row["atm_vol"] for row in made["expiries"]]
    assert 0 == run("chain", tmp_path / "quotes.csv").exit_code


# Rows, two-sided quotes, expiry dates, snapshots and crossed quotes, as the data catalogue counts them.
REAL_CHAINS = {
    "cboe_spx_20230914": (19_920, 18_439, 53, 1, 1),
    "cboe_spy_20230914": (7_292, 6_504, 31, 1, 0),
    "cboe_tsla_20231110": (680, 464, 3, 1, 0),
    "hod_spxw_201801": (7_588, 6_445, 1, 21, 0),
    "hod_vxx_20161201_15": (14_242, 12_559, 13, 10, 0),
    "lean_aapl_20140606_09_split": (4_532, 4_177, 13, 2, 0),
    "lean_goog_20151223": (2_058, 1_773, 11, 1, 0),
    "yf_aapl_tsla_spy_20260212_2snaps": (34_410, 32_546, None, 2, 23),
    "yf_spy_qqq_iwm_20260813_0817": (26_025, 23_853, None, 2, 0),
}


@pytest.mark.parametrize("name", REAL_CHAINS)
def test_real_chains_are_analysed(shared_data, name):
    """Every real chain: all rows, expiries, snapshots and crossed quotes accounted for, a forward for each expiry."""
    contracts, two_sided, expiries, snapshots, crossed = REAL_CHAINS[name]
    made = document(run("chain", shared_data / f"{name}.parquet", "--json"))
    summary = made["summary"]
    assert contracts == summary["contracts"]
    assert crossed == summary["flags"].get("crossed", 0)
    assert contracts == summary["with_iv"] + summary["flags"]["no_iv"]
    assert contracts == sum(row["contracts"] for row in made["expiries"])
    assert expiries in {None, len({row["expiry"] for row in made["expiries"]})}
    moments = {(row["underlying"], row["quote_time"]) for row in made["expiries"]}
    assert snapshots * len(summary["underlyings"]) == len(moments)
    alive = [row for row in made["expiries"] if row["years"] > 0]
    assert all(row["forward"] > 0 for row in alive)
    assert 0.6 * two_sided < summary["with_iv"] <= two_sided


@pytest.mark.parametrize("name", ["cboe_spx_20230914", "yf_aapl_tsla_spy_20260212_2snaps", "hod_spxw_201801"])
def test_real_chains_fit_the_terminal(shared_data, name):
    """Index, stocks and many snapshots: the report fits 80 columns and nothing is cut."""
    result = run("chain", shared_data / f"{name}.parquet")
    assert 0 == result.exit_code, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "…" not in result.stdout
