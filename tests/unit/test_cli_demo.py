import io
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from atalanta.cli.demo import Demo, Recovery, measure_recovery, print_demo, run_demo
from atalanta.cli.selfcheck import SelfCheck
from atalanta.market.table import Table
from tests.cli_reports import report


@pytest.fixture(scope="module")
def result():
    return run_demo(seed=3)


def rows(**changes):
    """An analysis of four sound out-of-the-money puts whose vol is 20 %, and the truth behind it."""
    columns = {
        "right": np.full(4, -1),
        "strike": np.full(4, 90.0),
        "years": np.full(4, 0.1),
        "bid": np.full(4, 1.0),
        "ask": np.full(4, 1.2),
        "iv_bid": np.full(4, 0.19),
        "iv_mid": np.full(4, 0.201),
        "iv_ask": np.full(4, 0.21),
        **changes,
    }
    truth = {"vol": np.full(4, 0.2), "forward": np.full(4, 100.0), "defect": np.full(4, "", dtype=object)}
    return Table(columns), Table(truth)


def test_the_demo_recovers_the_truth(result):
    """On the simulated market nearly every true vol lies between bid and ask vol, on thousands of rows."""
    assert result.recovery.passed
    assert result.recovery.rows > 1500
    assert result.recovery.inside >= 0.99
    assert result.recovery.median_error < 0.002


def test_the_demo_flags_the_bad_quotes(result):
    """The defects put into the market show up as flags."""
    flags = result.report.analysis.summary()["flags"]
    assert {"crossed", "locked", "no_bid", "wide", "stale", "bad_contract", "expired"} <= set(flags)


def test_the_demo_times_its_stages(result):
    """Simulation and quote flags stand before the stages of the analysis."""
    names = [stage.name for stage in result.report.stages]
    assert ["simulate", "flag quotes", "forwards", "implied vols", "Greeks", "whole analysis"] == names


def test_the_seed_is_named_and_the_market_called_synthetic(result):
    """Nobody can take the demo for market data."""
    assert "Simulated market, seed 3: synthetic, not market data" == result.report.source


def test_verdicts_are_part_of_the_checks(result):
    """The document says what passed."""
    checks = result.report.checks
    assert (
        checks["passed"] == (checks["selfcheck"]["passed"] and checks["recovery"]["passed"]) == result.passed
    )


def test_recovery_of_a_sound_analysis():
    """All inside, the error in the middle of the spread."""
    recovery = measure_recovery(*rows())
    assert (4, 1.0, True) == (recovery.rows, recovery.inside, recovery.passed)
    assert recovery.median_error == pytest.approx(0.001)


@pytest.mark.parametrize(
    "changes", [{"iv_ask": np.array([0.21, 0.21, 0.21, 0.195])}, {"iv_bid": np.full(4, np.nan)}]
)
def test_a_vol_outside_or_missing_counts_against_it(changes):
    """One true vol of four above the ask vol, or no bid vol at all, is not recovered."""
    assert not measure_recovery(*rows(**changes)).passed


@pytest.mark.parametrize(
    "changes",
    [
        {"bid": np.zeros(4)},
        {"ask": np.full(4, np.nan)},
        {"years": np.zeros(4)},
        {"right": np.ones(4, dtype=int)},
    ],
    ids=["no bid", "no ask", "expired", "in the money"],
)
def test_rows_that_prove_nothing_are_not_judged(changes):
    """One-sided, expired and in-the-money rows are left out; nothing judged is no success."""
    recovery = measure_recovery(*rows(**changes))
    assert (0, False) == (recovery.rows, recovery.passed)


def test_defective_rows_are_not_judged():
    """A row with a defect put in on purpose does not count."""
    analysis, truth = rows()
    defect = np.array(["", "", "crossed", ""], dtype=object)
    assert 3 == measure_recovery(analysis, truth.with_columns(defect=defect)).rows


@pytest.mark.parametrize(("inside", "passed"), [(0.99, True), (0.9899, False), (float("nan"), False)])
def test_the_limit_is_inclusive(inside, passed):
    """99 % pass, less does not, NaN never."""
    assert passed == Recovery(1000, inside, 0.001).passed


@pytest.mark.parametrize(
    ("kernels", "recovery", "passed"), [(0, 1.0, True), (1, 1.0, False), (0, 0.5, False)]
)
def test_both_checks_must_pass(kernels, recovery, passed):
    """Either failure fails the demo."""
    demo = Demo(SimpleNamespace(), SelfCheck(24, 168, kernels, ()), Recovery(10, recovery, 0.0))
    assert passed == demo.passed


def test_the_screen_ends_with_the_verdicts():
    """Report, run, self-check and recovery, in this order."""
    stream = io.StringIO()
    demo = Demo(report(source="a simulated market"), SelfCheck(24, 168, 0, ()), Recovery(4, 0.995, 0.0005))
    print_demo(Console(file=stream, width=80), demo)
    text = stream.getvalue()
    places = [
        text.index(part)
        for part in ("a simulated market", "This run", "self-check passed", "recovery passed")
    ]
    assert sorted(places) == places
    assert "99.50 % of 4 true vols" in text
    assert "0.050 vol points" in text
