"""`atalanta demo`: a simulated market, analysed and checked against the truth behind it. Main entry: `run_demo`."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console

from atalanta import config
from atalanta.cli.demo_replay import check_of, print_replay, replay
from atalanta.cli.machine import machine_card
from atalanta.cli.render import print_report, print_run, print_selfcheck
from atalanta.cli.report import Report
from atalanta.cli.screen import print_verdict
from atalanta.cli.selfcheck import SelfCheck, run_selfcheck
from atalanta.cli.stages import Stage, time_stages
from atalanta.market.analysis import Analysis, analyze
from atalanta.market.analysis.assignment import find_assignments
from atalanta.market.reading.hygiene import quote_flags
from atalanta.market.simulator import simulate_chain
from atalanta.market.table import Table
from atalanta.streaming.snapshot import Snapshot

__all__ = ["RECOVERY_LIMIT", "Demo", "Recovery", "measure_recovery", "print_demo", "run_demo"]

#: At least this share of the true vols must lie between the bid and the ask vol.
RECOVERY_LIMIT = 0.99


@dataclass(frozen=True)
class Recovery:
    """How the analysis compares with the truth, on the two-sided out-of-the-money rows without a defect.

    `inside` is the share of true vols between bid and ask vol, `median_error` the median |mid − true| (decimal).
    A row without a vol counts as outside.
    """

    rows: int
    inside: float
    median_error: float
    limit: float = RECOVERY_LIMIT

    @property
    def passed(self) -> bool:
        """True when there were rows to judge and enough of them hold the truth."""
        return self.rows > 0 and self.inside >= self.limit


@dataclass(frozen=True, eq=False)
class Demo:
    """The report on the simulated market, the two checks, and the account of the stream where there was one."""

    report: Report
    selfcheck: SelfCheck
    recovery: Recovery
    streamed: Snapshot | None = None

    @property
    def passed(self) -> bool:
        """True when all checks passed."""
        streamed = self.streamed is None or self.streamed.exact
        return self.selfcheck.passed and self.recovery.passed and streamed


def run_demo(seed: int = 7, seconds: float = 0.0) -> Demo:
    """Simulate, analyse, check, stream.

    Args:
        seed: of the simulated market.
        seconds: of its ticks to stream.

    Raises:
        InputError: the seed, or the configuration, cannot be used.
    """
    with _nothing_assumed():
        return _demonstrated(seed, seconds)


def _nothing_assumed() -> AbstractContextManager[object]:
    """The market's truth is known, so that no rate or borrow cost of a configuration may stand in for it."""
    if config.configured() is None:
        return nullcontext()
    return config.using({"market.rate": None, "market.borrow": None, "market.tolerance": "standard"})


def _demonstrated(seed: int, seconds: float) -> Demo:
    start = time.perf_counter()
    market = simulate_chain(seed=seed)
    quotes, truth = market.chain, market.truth
    simulated = time.perf_counter()
    chain = quotes.with_columns(flags=quote_flags(quotes.to_dict()))
    flagged = time.perf_counter()
    borrow = dict(zip(market.underlyings["underlying"], market.underlyings["borrow"].tolist(), strict=True))
    terms: dict[str, Any] = {"dividends": market.dividends, "borrow": borrow}
    analysis = analyze(chain, **terms)
    selfcheck, recovery = run_selfcheck(), measure_recovery(analysis, truth)
    checks: dict[str, Any] = {
        "selfcheck": selfcheck.as_dict(),
        "recovery": {**asdict(recovery), "passed": recovery.passed},
        "passed": selfcheck.passed and recovery.passed,
    }
    streamed = replay(seconds, seed)
    if streamed is not None:
        checks["replay"] = check_of(streamed)
        checks["passed"] = checks["passed"] and streamed.exact
    before = (
        Stage("simulate", simulated - start, len(chain), "contract"),
        Stage("flag quotes", flagged - simulated, len(chain), "contract"),
    )
    report = Report(
        command="demo",
        source=f"Simulated market, seed {seed}: synthetic, not market data",
        analysis=analysis,
        machine=machine_card(),
        stages=time_stages(chain, before, terms),
        checks=checks,
        assignments=find_assignments(analysis),
        dividends_given=True,
    )
    return Demo(report, selfcheck, recovery, streamed)


def measure_recovery(analysis: Analysis, truth: Table) -> Recovery:
    """Compare the implied vols with the true ones.

    Args:
        analysis: N rows.
        truth: the same N rows, with `vol`, `forward` and `defect` ("" for none).
    """
    bid, mid, ask, true = analysis["iv_bid"], analysis["iv_mid"], analysis["iv_ask"], truth["vol"]
    quoted = (analysis["bid"] > 0) & (analysis["ask"] > 0) & (analysis["years"] > 0)
    out_of_the_money = analysis["right"] * (analysis["strike"] - truth["forward"]) >= 0
    judged = (truth["defect"] == "") & quoted & out_of_the_money
    if not judged.any():
        return Recovery(0, 0.0, float("nan"))
    inside = (bid <= true) & (true <= ask)  # a missing vol is outside
    error = np.abs(mid - true)[judged & np.isfinite(mid)]
    return Recovery(
        int(judged.sum()),
        float(inside[judged].mean()),
        float(np.median(error)) if len(error) else float("nan"),
    )


def print_demo(console: Console, demo: Demo, *, everything: bool = False) -> None:
    """Print the report, the run and the verdicts for a reader at the terminal."""
    print_report(console, demo.report, everything=everything)
    print_run(console, demo.report)
    console.print()
    print_selfcheck(console, demo.selfcheck)
    recovery = demo.recovery
    print_verdict(
        console,
        "recovery",
        recovery.passed,
        f"{100 * recovery.inside:.2f} % of {recovery.rows:,} true vols between bid and ask (limit "
        f"{100 * recovery.limit:.0f} %), median |mid - true| {100 * recovery.median_error:.3f} vol points",
    )
    if demo.streamed is not None:
        print_replay(console, demo.streamed)
