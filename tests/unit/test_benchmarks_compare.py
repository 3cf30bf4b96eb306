import importlib.util
import json
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "compare.py"


@pytest.fixture(scope="module")
def compare():
    if not SCRIPT.is_file():
        pytest.skip("the suites are not beside the tests")
    spec = importlib.util.spec_from_file_location("compare", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(**medians):
    """What pytest-benchmark writes, as far as it is read; medians in nanoseconds."""
    return {
        "machine_info": {"machine": "x86_64", "system": "Linux", "python_version": "3.11.7", "cpu": {}},
        "commit_info": {"id": "abc"},
        "datetime": "2026-01-14T20:45:00",
        "benchmarks": [{"name": name, "stats": {"median": ns * 1e-9}} for name, ns in medians.items()],
    }


@pytest.fixture
def run(compare, monkeypatch, tmp_path):
    """The script on a report, with a baseline of its own; gives its exit code."""

    def made(document, *options):
        (tmp_path / "run.json").write_text(json.dumps(document), encoding="utf-8")
        arguments = [str(tmp_path / "run.json"), "--baseline", str(tmp_path / "baseline.json"), *options]
        monkeypatch.setattr(sys, "argv", ["compare.py", *arguments])
        return compare.main()

    return made


def test_times_are_told_in_yardsticks(compare):
    """On a machine at half its speed twice the nanoseconds are no loss: 80/40 over 100/25 is 0.5 of the time."""
    now, before = {"test_yardstick": 40.0, "test_price": 80.0}, {"test_yardstick": 25.0, "test_price": 100.0}
    assert {"test_price": 0.5} == pytest.approx(compare.ratios(now, before))


def test_only_what_both_have_is_compared(compare):
    """A benchmark that is new, or gone, has no ratio."""
    now, before = {"test_yardstick": 1.0, "new": 5.0}, {"test_yardstick": 1.0, "gone": 5.0}
    assert {} == compare.ratios(now, before)


def test_without_a_yardstick_nothing_is_compared(compare):
    """The message says in which of the two it is missing."""
    with pytest.raises(SystemExit, match="test_yardstick is missing in the baseline"):
        compare.ratios({"test_yardstick": 1.0}, {})


def test_a_saved_run_is_the_baseline(run, capsys, tmp_path):
    """It keeps machine, commit, date and medians; compared with itself every ratio is 1."""
    made = report(test_yardstick=40.0, test_price=80.0)
    assert 0 == run(made, "--save")
    assert {
        "machine": {"cpu": "x86_64", "system": "Linux", "python": "3.11.7"},
        "commit": "abc",
        "date": "2026-01-14",
        "median_ns": {"test_yardstick": 40.0, "test_price": 80.0},
    } == json.loads((tmp_path / "baseline.json").read_text())
    capsys.readouterr()
    assert 0 == run(made)
    assert ["test_price", "80", "1.00"] == capsys.readouterr().out.splitlines()[-1].split()


@pytest.mark.parametrize(("price", "code"), [(100.0, 0), (101.0, 1)])
def test_slower_than_the_limit_fails(run, capsys, price, code):
    """1.25 times as long passes, more is marked and ends with exit code 1."""
    run(report(test_yardstick=40.0, test_price=80.0), "--save")
    assert code == run(report(test_yardstick=40.0, test_price=price))
    assert code == capsys.readouterr().out.count("slower")


def test_what_only_one_has_is_named(run, capsys):
    """Neither a new benchmark nor a missing one is passed over in silence."""
    run(report(test_yardstick=40.0, gone=80.0), "--save")
    run(report(test_yardstick=40.0, new=80.0))
    shown = capsys.readouterr().out
    assert 2 == shown.count("only in one of the two")


def test_a_missing_baseline_says_how_to_make_one(run):
    """Not a traceback."""
    with pytest.raises(SystemExit, match="make one with --save"):
        run(report(test_yardstick=40.0))
