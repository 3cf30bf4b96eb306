import json
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from atalanta.benchmarking import accuracy, session
from atalanta.benchmarking.clock import LeftOut, Limits, Measurement, Work
from atalanta.benchmarking.contender import Contender, atalanta_contender
from atalanta.benchmarking.instruction_sets import supported_isas
from atalanta.benchmarking.listed.accuracy import ListedError
from atalanta.benchmarking.operations import GROUPS, OPERATIONS
from atalanta.benchmarking.session import BASE, RATE, SIMULATED, WITH_DIVIDENDS, Plan, Session, run_session
from atalanta.benchmarking.table import (
    chain_table,
    error_table,
    isa_table,
    listed_error_table,
    listed_table,
    operation_table,
    verdict_table,
)
from atalanta.benchmarking.targets import Verdict, judge
from atalanta.machine import cpu_features
from tests.cli_reports import market

#: A run of two short rounds; what it measures is not looked at.
SHORT = Plan(
    sizes=(1, 3), limits=Limits(1e-9, 10.0, 1e-9, (2, 2)), isa_rows=20, accuracy_rows=5, listed_rows=8
)


def measurement(operation, rows, contender, *ns):
    return Measurement(operation, rows, contender, ns)


def contender(name, *operations):
    """A contender that does nothing, in those operations."""
    return Contender(name, {operation: lambda _: Work.calling(lambda: None) for operation in operations})


def test_a_run_measures_what_was_asked():
    """Operations of the groups asked for, for every contender that has them; nothing else."""
    made = run_session(
        [contender(BASE, "price", "one_price"), contender("peer", "price")],
        replace(SHORT, groups=("price", "single")),
    )
    cells = [(item.operation, item.rows, item.contender) for item in made.measurements]
    assert [("price", rows, name) for rows in (1, 3) for name in (BASE, "peer")] == cells[:4]
    assert [("one_price", 1, BASE)] == cells[4:]
    assert ((), (), None, ()) == (made.instruction_sets, made.chains, made.bits, made.errors)


def test_a_run_tells_what_it_does():
    """Every part announces itself once."""
    steps = []
    run_session([contender(BASE, "price")], replace(SHORT, groups=("price", "analyze")), step=steps.append)
    assert ["measuring price", f"analysing {SIMULATED}"] == steps


def test_a_whole_run():
    """All parts with Atalanta alone: every operation, every instruction set, the chains given, errors."""
    before = cpu_features()["isa"]
    made = run_session([atalanta_contender()], SHORT, [("mine.csv", market())])
    assert {operation.name for operation in OPERATIONS} == {item.operation for item in made.measurements}
    assert set(supported_isas()) == {item.contender for item in made.instruction_sets}
    assert [SIMULATED, "mine.csv"] == [item.operation for item in made.chains]
    assert [len(market())] == [item.rows for item in made.chains[1:]]
    assert made.bits.passed
    assert 4 == len(made.errors)
    assert () == made.left_out
    assert before == cpu_features()["isa"]


def test_american_options_are_brief_beside_the_others():
    """In the whole report 320 rows and half a second; alone as many as the others and their time, unless quick."""
    whole, quick = Plan(), Plan.quick()
    assert (320, 0.5) == (whole.listed_rows, whole.listed_limits.cell)
    assert (10_000, whole.limits) == (whole.alone().listed_rows, whole.alone().listed_limits)
    assert (320, quick.limits) == (quick.alone().listed_rows, quick.alone().listed_limits)


def test_each_instruction_set_is_measured_once(monkeypatch):
    """One cell per operation asked for and instruction set; with single calls alone, all operations."""
    monkeypatch.setattr(session, "compare_bits", lambda *_: None)
    made = [contender(BASE, *(operation.binder for operation in OPERATIONS))]
    for groups, expected in (("price", "isa"), {"price"}), (("single", "isa"), None):
        found = run_session(made, replace(SHORT, groups=groups)).instruction_sets
        names = [item.operation for item in found if item.contender == supported_isas()[0]]
        assert len(names) == len(set(names))
        assert set(names) == (
            expected or {operation.name for operation in OPERATIONS if not operation.single}
        )


def test_without_mpmath_errors_are_unknown(monkeypatch):
    """None, not an empty list: they were asked for and could not be had."""
    monkeypatch.setattr(session, "reference_available", lambda: False)
    assert run_session([contender(BASE)], replace(SHORT, groups=("accuracy",))).errors is None


def test_mpmath_is_looked_for(monkeypatch):
    """The tests have it; without it, it is not there."""
    assert accuracy.reference_available()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert not accuracy.reference_available()


def test_a_peers_warnings_are_its_own():
    """A library that warns does not disturb the run, where warnings are errors too."""

    def warns():
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    made = Contender(BASE, {"price": lambda _: Work.calling(warns)})
    assert () == run_session([made], replace(SHORT, groups=("price",))).left_out


def test_a_quick_plan_is_shorter():
    """Without the million rows, with less time and fewer rounds; the same groups."""
    quick, full = Plan.quick(), Plan()
    assert 1_000_000 == max(full.sizes) > max(quick.sizes) == 10_000
    assert quick.limits.cell < full.limits.cell
    assert quick.groups == full.groups == GROUPS


@pytest.fixture
def figures():
    """A session with figures made up: jax takes 4, 3 and 5 times as long, in rounds of different speed."""
    return Session(
        (Contender(BASE, {}, note="as a user calls it"), Contender("jax", {})),
        measurements=(
            measurement("price", 10_000, "jax", 8.0, 12.0, 40.0),
            measurement("price", 10_000, "opengreeks", 30.0, 30.0, 30.0),
            measurement("price", 10_000, BASE, 2.0, 4.0, 8.0),
            measurement("greeks_all", 10_000, BASE, 7.0, 7.0, 9.0),
            measurement("one_price", 1, BASE, 251.0, 252.0, 253.0),
            measurement("one_implied_vol", 1, "opengreeks", 1469.0, 1469.0, 1469.0),
        ),
        instruction_sets=(
            measurement("price", 10_000, "avx512", 2.0, 2.0, 2.0),
            measurement("price", 10_000, "avx2", 4.0, 4.0, 4.0),
            measurement("greeks", 10_000, "avx512", 2.0, 2.0, 2.0),
            measurement("greeks", 10_000, "avx2", 4.8, 4.8, 4.8),
        ),
        chains=(
            measurement(SIMULATED, 5_808, BASE, 700.0, 800.0, 900.0),
            measurement("index.csv", 19_920, BASE, 700.0, 700.0, 700.0),
            measurement("small.csv", 42, BASE, 9000.0, 9000.0, 9000.0),
        ),
        left_out=(LeftOut("price", 1_000_000, "vollib", "too slow"),),
    )


def test_ratios_are_to_atalanta_in_the_same_cell(figures):
    """The median of 4, 3 and 5; an instruction set is compared with the best; no base, no ratio."""
    times = {(item.operation, item.contender): figures.times(item) for item in figures.measurements}
    assert 4.0 == times["price", "jax"]
    assert 1.0 == times["price", BASE]
    assert times["one_implied_vol", "opengreeks"] is None
    assert 2.0 == figures.times(figures.instruction_sets[1], "avx512")


def test_the_document_has_every_figure(figures):
    """Plain values that JSON takes, with a fixed set of keys per record."""
    document = json.loads(json.dumps(figures.as_dict(), allow_nan=False))
    assert {
        "versions",
        "notes",
        "measurements",
        "instruction_sets",
        "chains",
        "left_out",
        "bits",
        "errors",
        "listed_errors",
    } == document.keys()
    assert {
        "operation": "price",
        "rows": 10_000,
        "contender": "jax",
        "ns_per_option": 12.0,
        "quartiles": [10.0, 26.0],
        "rounds": 3,
        "base": BASE,
        "times_base": 4.0,
    } == document["measurements"][0]
    assert 2.4 == pytest.approx(document["instruction_sets"][3]["times_base"])
    assert [None] * 3 == [record["times_base"] for record in document["chains"]]
    assert {"operation": "price", "rows": 1_000_000, "contender": "vollib", "reason": "too slow"} in document[
        "left_out"
    ]
    assert {BASE: "as a user calls it"} == document["notes"]


def test_targets_are_judged_by_the_ratios(figures):
    """Reached, missed, or without a verdict where a peer, an operation or a size was not measured."""
    verdicts = {verdict.what: verdict for verdict in judge(figures)}
    assert Verdict("price 10k: jax", ">= 3.3 x", "4.0 x", True) == verdicts["price 10k: jax"]
    assert Verdict("price 10k: opengreeks", ">= 10 x", "7.5 x", False) == verdicts["price 10k: opengreeks"]
    assert (None, None) == (
        verdicts["implied_vol 10k: iv-engine"].figure,
        verdicts["implied_vol 10k: iv-engine"].reached,
    )
    assert Verdict("greeks_all 10k", "<= 8 ns", "7 ns", True) == verdicts["greeks_all 10k"]
    assert Verdict("one_price", "<= 250 ns", "252 ns", False) == verdicts["one_price"]
    assert verdicts["one_implied_vol"].reached is None


def test_instruction_sets_are_judged_by_the_worst(figures):
    """2.4 times as long in one operation misses a limit of 2.3."""
    (verdict,) = (verdict for verdict in judge(figures) if verdict.what == "avx2 beside avx512")
    assert ("<= 2.3 x", "2.40 x greeks", False) == (verdict.limit, verdict.figure, verdict.reached)


def test_only_large_files_are_judged(figures):
    """The limit is 15 ms for 19,920 rows; the simulated chain and small files have none."""
    chains = [verdict for verdict in judge(figures) if verdict.what.startswith("analyze")]
    assert [Verdict("analyze index.csv", "<= 15.0 ms", "13.9 ms", True)] == chains


def test_nothing_measured_has_no_verdict():
    """An empty session neither reaches nor misses anything."""
    assert {None} == {verdict.reached for verdict in judge(Session(()))}


def test_operations_are_listed_with_atalanta_first(figures):
    """Then the peers by speed; a heading is written once; a base that is missing leaves the ratio empty."""
    rows = operation_table(figures).rows
    assert ("price", "10k", BASE, "4", "") == rows[0]
    assert ("", "", "jax", "12", "4") == rows[1]
    assert ("", "", "opengreeks", "30", "7.5") == rows[2]
    assert ("one implied vol", "1", "opengreeks", "1,469", "") == rows[-1]
    assert ("operation", "rows", "library", "ns/option", "x atalanta") == operation_table(figures).headers


def test_instruction_sets_are_listed_beside_the_best(figures):
    """The ratio of the best itself is left empty."""
    rows = isa_table(figures).rows
    assert ("price", "10k", "avx512", "2", "") == rows[0]
    assert ("", "", "avx2", "4", "2") == rows[1]
    assert "x avx512" == isa_table(figures).headers[-1]


def test_chains_are_listed_in_milliseconds(figures):
    """Per call in ms, per contract in ns."""
    assert (SIMULATED, "5,808", "4.65", "800") == chain_table(figures).rows[0]


def test_errors_are_listed_with_what_is_missing(figures):
    """Zero missing is a dash; without errors the table is empty."""
    error = accuracy.LargestError("implied vol", "quantforge", 400, 2.4e-6, 3)
    made = replace(figures, errors=(error, replace(error, contender="b", wrong=0)))
    assert (("implied vol", "400", "quantforge", "2.4e-06", "3"), ("", "", "b", "2.4e-06", "-")) == (
        error_table(made).rows
    )
    assert () == error_table(figures).rows


def american(*, fast=900.0, peer=27_000.0, error=1e-4, missing=0):
    """A session that priced American options: in nanoseconds, the largest error, rows without a number."""
    return Session(
        (Contender(BASE, {}), Contender("quantlib", {})),
        measurements=(
            measurement("american_fast", 10_000, BASE, fast, fast),
            measurement("american_fast", 10_000, "quantlib", peer, peer),
            measurement("american_greeks", 10_000, BASE, 4000.0, 4000.0),
            measurement("american_greeks", 10_000, "american_standard", 1000.0, 1000.0),
            measurement("price", 100, BASE, 8.0, 8.0),
        ),
        listed_errors=(
            ListedError("american_fast", BASE, "own", 100, 1e-5, 1e-6, 0),
            ListedError("american_fast", BASE, "table", 90, error, 1e-6, missing),
            ListedError("american_fast", "quantlib", "table", 90, 0.1, 0.1, 0),
        ),
    )


def listed_verdicts(session):
    return {verdict.what: verdict for verdict in judge(session) if verdict.reached is not None}


def test_american_options_are_judged_by_time_ratio_and_error():
    """The worst error of all references counts, and only that of Atalanta."""
    verdicts = listed_verdicts(american())
    assert Verdict("american_fast", "<= 1 µs", "0.9 µs", True) == verdicts["american_fast"]
    assert Verdict("american_fast: quantlib", ">= 25 x", "30 x", True) == verdicts["american_fast: quantlib"]
    assert Verdict("american_fast: error", "<= 0.00012", "0.0001", True) == verdicts["american_fast: error"]


def test_american_options_can_miss_their_targets():
    """Too slow, too small a ratio, too large an error."""
    verdicts = listed_verdicts(american(fast=1100.0, error=1.3e-4))
    names = ("american_fast", "american_fast: quantlib", "american_fast: error")
    assert [False] * 3 == [verdicts[name].reached for name in names]


def test_a_chain_with_dividends_is_judged_by_its_own_limit():
    """0.7 s of one core for 7,292 rows; a chain of European options keeps the limit of its own."""
    rows, name = 7_292, f"spy.parquet{WITH_DIVIDENDS}"
    made = Session((), chains=(measurement(name, rows, BASE, 0.35e9 / rows, 0.35e9 / rows),))
    assert [Verdict(f"analyze {name}", "<= 1 x the limit", "0.5 x the limit", True)] == [
        verdict for verdict in judge(made) if verdict.what.startswith("analyze")
    ]


def test_dividends_belong_to_the_chains_given(monkeypatch):
    """The file goes to the analysis of the given chain, the simulated market's own to the simulated one."""
    asked = []
    monkeypatch.setattr(
        session, "analyze", lambda _, dividends, rate, threads: asked.append((dividends, rate, threads))
    )
    plan = replace(SHORT, groups=("analyze",), dividends=Path("mine.csv"))
    made = run_session([contender(BASE)], plan, [("spy.csv", market())])
    assert [SIMULATED, f"spy.csv{WITH_DIVIDENDS}"] == [item.operation for item in made.chains]
    assert (Path("mine.csv"), RATE, 1) == asked[-1]
    assert "cash" in asked[0][0].to_dict()
    assert asked[0][1] is None


def test_a_missing_price_is_no_small_error():
    """A row without a number misses the target however small the other errors are."""
    assert not listed_verdicts(american(missing=1))["american_fast: error"].reached


def test_further_columns_are_told_in_prices():
    """All columns take 4 where price, delta, gamma and theta take 1: 1 for each of vega, rho and phi."""
    verdict = listed_verdicts(american())["american_greeks: one more"]
    assert Verdict(verdict.what, "<= 1 x", "1 x", True) == verdict


def test_american_options_have_tables_of_their_own():
    """Microseconds apart from the nanoseconds of European options, and errors beside their reference."""
    made = american()
    assert [("price", "100", BASE, "8", "")] == list(operation_table(made).rows)
    assert ("American, fast", "10k", BASE, "0.9", "") == listed_table(made).rows[0]
    assert ("", "", "quantlib", "27", "30") == listed_table(made).rows[1]
    assert ("American, fast", "own", BASE, "100", "1.0e-05", "1.0e-06", "-") == listed_error_table(made).rows[
        0
    ]


def test_american_instruction_sets_have_a_limit_of_their_own(figures):
    """2.1 times as long in an American operation is within 2.2, whatever the European ones do."""
    made = replace(
        figures,
        instruction_sets=(
            *figures.instruction_sets,
            measurement("american_fast", 1_000, "avx512", 1000.0, 1000.0),
            measurement("american_fast", 1_000, "avx2", 2100.0, 2100.0),
        ),
    )
    verdicts = {verdict.what: verdict for verdict in judge(made)}
    assert ("2.10 x american_fast", True) == (
        verdicts["avx2 beside avx512, American"].figure,
        verdicts["avx2 beside avx512, American"].reached,
    )
    assert not verdicts["avx2 beside avx512"].reached


def test_only_what_was_asked_for_is_compared():
    """Errors and instruction sets of American options alone need no 40-digit values."""
    groups = ("american", "isa", "accuracy")
    plan = replace(SHORT, groups=groups, listed_rows=4)
    assert {"american"} == {operation.group for operation in plan.covered}
    assert OPERATIONS == replace(plan, groups=("isa",)).covered


def test_only_verdicts_are_listed(figures):
    """A target that was not measured is not shown as missed."""
    rows = verdict_table(judge(figures)).rows
    assert ("price 10k: jax", ">= 3.3 x", "4.0 x", "reached") == rows[0]
    assert {"reached", "missed"} == {row[-1] for row in rows}
    assert len(rows) == sum(verdict.reached is not None for verdict in judge(figures))


@pytest.mark.parametrize(
    ("rows", "text"), [(1, "1"), (100, "100"), (1000, "1k"), (1500, "1500"), (1_000_000, "1M")]
)
def test_sizes_are_written_short(rows, text):
    """Whole thousands and millions by their letter."""
    made = Session((), measurements=(measurement("price", rows, BASE, 1.0, 1.0),))
    assert text == operation_table(made).rows[0][1]
