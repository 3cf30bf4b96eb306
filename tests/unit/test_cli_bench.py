import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from atalanta.benchmarking import instruction_sets, isolation, session
from atalanta.benchmarking.clock import Measurement
from atalanta.benchmarking.contender import Contender
from atalanta.benchmarking.instruction_sets import BitComparison
from atalanta.benchmarking.isolation import THREAD_LIMITS, Isolation, one_core
from atalanta.benchmarking.operations import GROUPS, SUITES
from atalanta.benchmarking.session import BASE, Session
from atalanta.cli import selfcheck
from atalanta.cli.app import app
from atalanta.cli.output import write_rows
from atalanta.machine import set_threads
from tests.cli_reports import market

SAME_BITS = BitComparison(("avx512", "avx2"), 300, 0, 128, 0, 3.6e-15)

#: What a run that takes no time finds.
FIGURES = Session(
    (Contender(BASE, {}, packages=("numpy",)), Contender("peer", {}, note="one flag per call")),
    measurements=(
        Measurement("price", 10_000, BASE, (2.0, 4.0)),
        Measurement("price", 10_000, "peer", (8.0, 16.0)),
    ),
    bits=SAME_BITS,
    errors=(),
)


def run(*arguments):
    """The command in this process, through the application."""
    return CliRunner(env={"ATALANTA_DEBUG": None, "COLUMNS": "100"}).invoke(app, ["bench", *arguments])


@pytest.fixture
def asked(monkeypatch):
    """What `run_session` was asked for; it gives `FIGURES`, or what a test puts under `gives`."""
    seen = {"gives": FIGURES}

    def run_session(contenders, plan, chains, step):
        step("measuring")
        seen.update(
            contenders=[made.name for made in contenders],
            plan=plan,
            chains=chains,
            threads=set_threads(1),
            environment={name: os.environ.get(name) for name in THREAD_LIMITS},
        )
        return seen["gives"]

    monkeypatch.setattr(session, "run_session", run_session)
    return seen


def test_the_screen_shows_conditions_figures_and_ratios(asked):
    """Machine, clock, versions; ns per option and the ratio to Atalanta; bits; self-check; remarks."""
    result = run()
    assert 0 == result.exit_code
    shown = result.stdout
    assert "CPU time of the process, 1 thread" in shown
    assert "numpy 2." in shown
    assert ["price", "10k", BASE, "3"] in [line.split() for line in shown.splitlines()]
    assert ["peer", "12", "4"] in [line.split() for line in shown.splitlines()]
    assert "same bits passed: 300 values by avx512, avx2, 0 differ; 128 by single calls" in shown
    assert "self-check passed" in shown
    assert "- peer: one flag per call" in shown
    assert [BASE] == asked["contenders"]


@pytest.mark.usefixtures("asked")
def test_the_document_stands_alone():
    """`--json` prints one document with the conditions beside the figures, and nothing else."""
    result = run("--json")
    document = json.loads(result.stdout)
    assert (0, "bench", True) == (result.exit_code, document["command"], document["selfcheck"]["passed"])
    assert {"clock", "threads", "cpu", "load_average"} == document["conditions"].keys()
    assert 1 == document["conditions"]["threads"]
    assert {"machine", "python", "versions", "measurements", "targets", "missing", "bits"} <= document.keys()
    assert [1.0, 4.0] == [record["times_base"] for record in document["measurements"]]
    assert {"what", "limit", "figure", "reached"} == document["targets"][0].keys()


def test_the_plan_is_the_whole_table_by_default(asked):
    """Every group, up to a million rows, Atalanta alone."""
    run()
    assert (GROUPS, (1, 100, 10_000, 1_000_000)) == (asked["plan"].groups, asked["plan"].sizes)
    assert [] == asked["chains"]


def test_options_make_the_plan(asked):
    """`--ops`, `--sizes` and `--quick` reach the run."""
    assert 0 == run("--ops", "price, isa", "--sizes", "7,9", "--quick").exit_code
    assert (("price", "isa"), (7, 9)) == (asked["plan"].groups, asked["plan"].sizes)
    assert session.Plan.quick().limits == asked["plan"].limits


def test_a_chain_is_read_before_anything_is_measured(asked, tmp_path):
    """`--chain FILE` adds the file under its name."""
    write_rows(market(), tmp_path / "mine.csv")
    assert 0 == run("--chain", str(tmp_path / "mine.csv")).exit_code
    ((source, chain),) = asked["chains"]
    assert ("mine.csv", len(market())) == (source, len(chain))


def test_a_suite_makes_the_plan(asked):
    """`bench american`: American options alone on 10,000 rows; with `--quick` fewer; `--ops` says what of it."""
    assert 0 == run("american").exit_code
    assert (SUITES["american"][0], 10_000) == (asked["plan"].groups, asked["plan"].listed_rows)
    run("american", "--quick", "--ops", "dividends")
    assert (("dividends",), session.Plan.quick().listed_rows) == (
        asked["plan"].groups,
        asked["plan"].listed_rows,
    )


def test_a_suite_is_measured_beside_its_peer(asked, monkeypatch):
    """Without it the run goes on and the remarks say what to install."""
    from atalanta.benchmarking import peers

    loaded = Contender("quantlib", {})
    monkeypatch.setattr(peers, "load_peer", lambda _: loaded)
    run("american")
    assert [BASE, "quantlib"] == asked["contenders"]


def test_a_suite_without_its_peer_says_what_to_install(asked, monkeypatch):
    """A line among the remarks, exit code 0."""
    monkeypatch.setitem(sys.modules, "QuantLib", None)
    result = run("american")
    assert 0 == result.exit_code
    assert [BASE] == asked["contenders"]
    assert "python -m pip install QuantLib" in " ".join(result.stdout.split())


def test_help_lists_every_suite():
    """Those that are commands of their own too."""
    text = " ".join(run("--help").stdout.split())
    assert all(f"{suite}:" in text for suite in ("american", "router", "pool"))


def test_exact_cases_reach_the_run(asked, tmp_path):
    """`--cases FOLDER` with its table."""
    (tmp_path / "american_exact_grid.csv").write_text("type,S,K,T,r,q,sigma,price\n", encoding="utf-8")
    assert 0 == run("american", "--cases", str(tmp_path)).exit_code
    assert tmp_path == asked["plan"].cases


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bermudan",), "[cli.bench] bermudan: no such suite (known: american, router, pool, risk, stream)"),
        (("--quick", "router"), "[cli.bench] router: write it before the options: atalanta bench router"),
        (("--cases", "nowhere"), "[cli.bench] --cases nowhere: there is no american_exact_grid.csv in it"),
        (
            ("--ops", "pricing"),
            "[cli.bench] --ops pricing: no such operation (known: price, greeks, implied_vol,",
        ),
        (("--ops", ""), "[cli.bench] --ops : no such operation"),
        (("--sizes", "10,ten"), "[cli.bench] --sizes ten: give whole numbers from 1 to 10,000,000"),
        (("--sizes", "0"), "[cli.bench] --sizes 0: give whole numbers"),
        (("--sizes", "100000000"), "[cli.bench] --sizes 100000000: give whole numbers"),
        (("--against", "nobody"), "[benchmarking.load_peer] nobody is no peer (known: all, jax,"),
        (("--chain", "absent.csv"), "[market.read_chain]"),
    ],
)
def test_bad_input_is_one_line(asked, arguments, message):
    """Exit code 2, the value and the choices, and nothing is measured."""
    result = run(*arguments)
    assert (2, "") == (result.exit_code, result.stdout)
    assert result.stderr.startswith(message)
    assert 1 == len(result.stderr.splitlines())
    assert "plan" not in asked


def test_a_missing_peer_is_bad_input(asked, monkeypatch):
    """Exit code 2 and what to install, before anything is measured."""
    monkeypatch.setitem(sys.modules, "vollib.black_scholes_merton", None)
    monkeypatch.setitem(sys.modules, "vollib", None)
    result = run("--against", "vollib")
    assert 2 == result.exit_code
    assert "peer vollib needs vollib" in result.stderr
    assert "python -m pip install vollib" in result.stderr
    assert "plan" not in asked


def test_all_reports_who_is_missing(asked, monkeypatch):
    """`--against all` measures whom it finds and says what the others need."""
    from atalanta.benchmarking import peers

    monkeypatch.setattr(peers, "PEERS", {"vollib": ("vollib", "vollib")})
    monkeypatch.setitem(sys.modules, "vollib.black_scholes_merton", None)
    monkeypatch.setitem(sys.modules, "vollib", None)
    result = run("--against", "all")
    assert 0 == result.exit_code
    assert "peer vollib needs vollib" in result.stdout
    assert [BASE] == asked["contenders"]


def test_differing_bits_fail_the_command(asked):
    """Exit code 1, and the screen says how many."""
    asked["gives"] = Session((), bits=BitComparison(("avx512", "avx2"), 300, 2, 128, 0, None))
    result = run()
    assert 1 == result.exit_code
    assert "same bits FAILED" in result.stdout
    assert "2 differ" in result.stdout


@pytest.mark.usefixtures("asked")
def test_a_failed_selfcheck_fails_the_command(monkeypatch):
    """A fast kernel with a wrong value is no good result: exit code 1."""
    real = selfcheck.run_selfcheck()
    failed = selfcheck.SelfCheck(real.contracts, real.values, 1, real.worst)
    monkeypatch.setattr(selfcheck, "run_selfcheck", lambda: failed)
    assert 1 == run("--json").exit_code


def test_missed_targets_do_not_fail_the_command(asked):
    """A slow machine is no failure: the verdict says missed, the exit code 0."""
    asked["gives"] = Session((), measurements=(Measurement("one_price", 1, BASE, (900.0, 900.0)),))
    result = run()
    assert 0 == result.exit_code
    assert "missed" in result.stdout


def test_errors_that_could_not_be_had_are_mentioned(asked):
    """Without mpmath a remark says what would give them; not asked for, nothing is said."""
    asked["gives"] = Session((), errors=None)
    assert "need mpmath: python -m pip install mpmath" in " ".join(run().stdout.split())
    asked["gives"] = Session((), errors=())
    assert "mpmath" not in run("--ops", "price").stdout


def test_one_thread_while_measuring(asked):
    """Libraries and kernels are limited to one thread; afterwards everything is as it was."""
    before = dict(os.environ)
    threads = set_threads(3)
    try:
        run()
        assert 1 == asked["threads"]
        assert 3 == set_threads(3)
    finally:
        set_threads(threads)
    assert {name: value for name, value in THREAD_LIMITS.items() if name != "XLA_FLAGS"} == {
        name: value for name, value in asked["environment"].items() if name != "XLA_FLAGS"
    }
    assert {name: before.get(name) for name in THREAD_LIMITS} == {
        name: os.environ.get(name) for name in THREAD_LIMITS
    }


def test_flags_already_given_are_kept(monkeypatch):
    """XLA_FLAGS of the user stand before the limit, and come back alone."""
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=here")
    with one_core():
        assert "--xla_dump_to=here --xla_cpu_multi_thread_eigen=false" == os.environ["XLA_FLAGS"]
    assert "--xla_dump_to=here" == os.environ["XLA_FLAGS"]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the platform cannot pin a process")
def test_the_process_stays_on_one_processor():
    """The last permitted one inside the block, all of them after it, also after an error."""
    allowed = os.sched_getaffinity(0)

    def fail_inside():
        with one_core() as core:
            assert {core.cpu} == os.sched_getaffinity(0) == {max(allowed)}
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    assert allowed == os.sched_getaffinity(0)


def test_a_platform_that_cannot_pin_says_so(asked, monkeypatch):
    """The run goes on, and the conditions say that the process may move."""
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    with one_core() as core:
        assert core.cpu is None
    assert "not pinned to a processor" in run().stdout
    assert "plan" in asked


def test_a_busy_machine_is_mentioned(asked, monkeypatch):
    """Load above half the processors casts doubt on nanoseconds, and the report says so."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert [True, False, False] == [Isolation(None, load).busy for load in (1.01, 1.0, None)]
    monkeypatch.setattr(os, "getloadavg", lambda: (1.5, 1.0, 1.0), raising=False)
    assert "trust the ratios more than the nanoseconds" in " ".join(run().stdout.split())
    assert "plan" in asked


def test_a_short_run_of_everything(monkeypatch):
    """The real thing on two sizes, with the clock's patience cut: every table is there."""
    monkeypatch.setattr(session, "_QUICK", session.Limits(1e-9, 10.0, 1e-9, (2, 2)))
    monkeypatch.setattr(instruction_sets, "_SCALAR_ROWS", 4)
    result = run("--quick", "--sizes", "1,5")
    assert (0, "") == (result.exit_code, result.stderr)
    for heading in (
        "Benchmark",
        "One core, CPU time",
        "Instruction sets",
        "Chains",
        "Errors against",
        "Targets",
    ):
        assert heading in result.stdout, heading


@pytest.mark.parametrize("module", ["atalanta.cli.bench", "atalanta.benchmarking.isolation"])
def test_limits_come_before_the_libraries(module):
    """Importing the command imports nothing that reads the thread limits."""
    heavy = ["numpy", "polars", "pandas", "scipy", "numba", "jax"]
    code = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    made = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert "[]\n" == made.stdout


def test_limits_name_every_pool():
    """Each limit is one thread, or keeps a library on the processor."""
    assert {"1", "cpu", "--xla_cpu_multi_thread_eigen=false"} == set(isolation.THREAD_LIMITS.values())
