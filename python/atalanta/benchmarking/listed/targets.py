"""The figures set for American options, beside those just measured. Main entry: `judge_listed`.

They hold for one core with AVX-512; a target whose operation or peer was not measured has no verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from atalanta.benchmarking.listed.accuracy import ListedError
from atalanta.benchmarking.listed.rows import chain_rows
from atalanta.benchmarking.session import BASE, WITH_DIVIDENDS, Session
from atalanta.benchmarking.verdict import Verdict

__all__ = ["judge_listed"]

_PEER = "quantlib"
_US = 1e3


@dataclass(frozen=True)
class _Target:
    """Microseconds at most, how many times as long the peer must take, the largest error for a strike of 100."""

    operation: str
    most_us: float
    least_times: float | None
    most_error: float


_TARGETS = (
    _Target("american_fast", 1.0, 25.0, 1.2e-4),
    _Target("american_standard", 2.2, 70.0, 3e-5),
    _Target("american_precise", 25.0, 200.0, 5e-7),
    _Target("american_iv", 7.0, None, 2e-3),
    _Target("dividend_chain", 3.5, 500.0, 5e-4),
    _Target("dividend_irregular", 9.0, None, 1e-3),
    _Target("dividend_iv", 16.0, None, 2e-3),
)

#: 0.35 s on two cores for a chain of 7,292 rows, from which size on a chain is judged by it.
_CHAIN_NS, _CHAIN_ROWS = 2 * 0.35e9 / 7_292, 5_000

#: All columns, and the price measured beside them.
_FURTHER = (("american_greeks", "american_standard"), ("dividend_greeks", "dividend_chain"))
_RATE_AND_VOL = 3  # vega, rho, phi


def judge_listed(session: Session) -> list[Verdict]:
    """Every target with its verdict."""
    verdicts = [verdict for target in _TARGETS for verdict in _judged(session, target)]
    return [*verdicts, *(_further(session, *pair) for pair in _FURTHER), *_chains(session)]


def _judged(session: Session, target: _Target) -> Iterator[Verdict]:
    mine = session.find_listed(target.operation)
    microseconds = None if mine is None else mine.median / _US
    yield Verdict.at_most(target.operation, microseconds, target.most_us, "µs")
    if target.least_times is not None:
        peer = session.find_listed(target.operation, _PEER)
        times = None if peer is None else session.times(peer)
        yield Verdict.at_least(f"{target.operation}: {_PEER}", times, target.least_times, "x")
    yield Verdict.at_most(
        f"{target.operation}: error", _largest(session, target.operation), target.most_error, ""
    )


def _largest(session: Session, operation: str) -> float | None:
    """The largest error of all references finer than the target; infinite where a row has no number."""
    errors = [
        error
        for error in session.listed_errors
        if (error.operation, error.contender) == (operation, BASE) and not _too_coarse(error)
    ]
    return max((np.inf if error.missing else error.largest for error in errors), default=None)


def _too_coarse(error: ListedError) -> bool:
    """Finite differences of a peer are off by as much as the targets with cash dividends allow."""
    return error.operation.startswith("dividend") and error.reference.startswith(_PEER)


def _further(session: Session, all_columns: str, price: str) -> Verdict:
    """What each column beyond price, delta, gamma and theta takes, in times of these four."""
    first = session.find_listed(all_columns, price)
    times = None if first is None else session.times(first)
    further = _RATE_AND_VOL + (_dividends() if all_columns.startswith("dividend") else 0)
    figure = None if times is None else (1 / times - 1) / further
    return Verdict.at_most(f"{all_columns}: one more", figure, 1.0, "x")


def _chains(session: Session) -> list[Verdict]:
    """Analyses of American chains with dividends that are large enough to be judged."""
    return [
        Verdict.at_most(f"analyze {item.operation}", item.median / _CHAIN_NS, 1.0, "x the limit")
        for item in session.chains
        if item.operation.endswith(WITH_DIVIDENDS) and item.rows >= _CHAIN_ROWS
    ]


def _dividends() -> float:
    """Dividends of a row of the chain, on average."""
    rows = chain_rows(160)
    return float(np.mean([len(rows.schedule(row)) for row in range(len(rows))]))
