import json

import pytest
from typer.testing import CliRunner

from atalanta.benchmarking.pool import session
from atalanta.benchmarking.pool.figures import Figure, judge_pool
from atalanta.benchmarking.pool.session import PoolSession
from atalanta.cli.app import app

FIGURES = (
    Figure("pair", "64", "atalanta", 4.0, "ns"),
    Figure("pair", "64", "malloc aligned", 40.0, "ns"),
    Figure("pair", "1,048,576", "atalanta", 5.0, "ns"),
    Figure("pair", "1,048,576", "malloc", 9.0, "ns"),
    Figure("live/resident", "chains", "atalanta", 0.6, ""),
    Figure("live/resident", "chains", "malloc", 0.8, ""),
    Figure("kept", "chains", "atalanta", 6.0, "%"),
)


def run(*arguments):
    return CliRunner(env={"ATALANTA_DEBUG": None, "COLUMNS": "120"}).invoke(
        app, ["bench", "pool", *arguments]
    )


@pytest.fixture
def asked(monkeypatch):
    """How `run_pool_session` was called; it takes no time."""
    seen = {}

    def run_pool_session(quick, step):
        step("nothing")
        seen["quick"] = quick
        return PoolSession(FIGURES, ("tcmalloc is not measured: not found",))

    monkeypatch.setattr(session, "run_pool_session", run_pool_session)
    return seen


def test_the_screen_shows_figures_targets_and_remarks(asked):
    """One table per measure, contenders side by side."""
    result = run("--quick")
    assert 0 == result.exit_code
    assert {"quick": True} == asked
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["64", "4", "ns", "40", "ns"] in lines
    assert "- tcmalloc is not measured: not found" in result.stdout
    assert "reached" in result.stdout
    assert "missed" in result.stdout


@pytest.mark.usefixtures("asked")
def test_the_document_stands_alone():
    """`--json` prints one document and nothing else."""
    document = json.loads(run("--json").stdout)
    assert "bench pool" == document["command"]
    assert {"figures", "targets", "missing", "machine", "conditions"} <= document.keys()
    assert 4.0 == document["figures"][0]["value"]


def test_other_options_are_refused():
    """They belong to the kernels."""
    result = run("--ops", "price")
    assert 2 == result.exit_code
    assert "its only options are --quick and --json" in result.stderr


def test_targets_are_judged_by_the_worst_case():
    """Times by the largest, ratios by the smallest; what was not measured has no verdict."""
    verdicts = {verdict.what: verdict for verdict in judge_pool(FIGURES)}
    assert ("5 ns", True) == (
        verdicts["pair, 64 B to 16 MiB"].figure,
        verdicts["pair, 64 B to 16 MiB"].reached,
    )
    assert verdicts["pair: malloc aligned"].reached
    assert ("1.8 x", False) == (
        verdicts["pair from 1 MiB: best other"].figure,
        verdicts["pair from 1 MiB: best other"].reached,
    )
    assert ("0.75 x", False) == (
        verdicts["trace, live/resident: malloc"].figure,
        verdicts["trace, live/resident: malloc"].reached,
    )
    assert "growing sizes: free of live peak" not in verdicts
