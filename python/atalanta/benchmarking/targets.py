"""The figures this version set out to reach, beside those just measured. Main entry: `judge`.

They hold for one core with AVX-512 at 64 bits; a target whose cell or peer was not measured has no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from atalanta.benchmarking.listed.targets import judge_listed
from atalanta.benchmarking.operations import OPERATIONS
from atalanta.benchmarking.session import SIMULATED, WITH_DIVIDENDS, Session
from atalanta.benchmarking.verdict import Verdict

__all__ = ["Verdict", "judge"]

_BATCH = 10_000

#: Operation and peer: how many times as long the peer must take.
_RATIOS = (
    ("price", "jax", 3.3),
    ("price", "opengreeks", 10.0),
    ("price", "quantforge", 10.0),
    ("greeks", "jax", 3.8),
    ("greeks", "pyvolr", 28.0),
    ("implied_vol", "fast-vollib-jackel", 25.0),
    ("implied_vol", "iv-engine", 25.0),
    ("implied_vol_tails", "fast-vollib-jackel", 15.0),
    ("implied_vol_tails", "iv-engine", 15.0),
)

#: Operation and rows: nanoseconds per option at most.
_TIMES = (("greeks_all", _BATCH, 8.0), ("one_price", 1, 250.0), ("one_implied_vol", 1, 350.0))

#: Two instruction sets: the second may take so many times as long as the first, in every operation on European
#: options, and in every one on American options.
_WIDE, _NARROW = "avx512", "avx2"
_ISA = (("", False, 2.3), (", American", True, 2.2))

#: 15 ms for a chain of 19,920 rows, from which on a chain is large enough to be judged by it.
_ANALYZE_NS, _ANALYZE_ROWS = 15e6 / 19_920, 10_000


def judge(session: Session) -> list[Verdict]:
    """Every target with its verdict."""
    return [
        *(_ratio_verdict(session, *target) for target in _RATIOS),
        *(_time_verdict(session, *target) for target in _TIMES),
        *_isa_verdicts(session),
        *_chain_verdicts(session),
        *judge_listed(session),
    ]


def _ratio_verdict(session: Session, operation: str, peer: str, least: float) -> Verdict:
    what, limit = f"{operation} 10k: {peer}", f">= {least:g} x"
    measured = session.find(operation, _BATCH, peer)
    times = None if measured is None else session.times(measured)
    if times is None:
        return Verdict(what, limit, None, None)
    return Verdict(what, limit, f"{times:.1f} x", times >= least)


def _time_verdict(session: Session, operation: str, rows: int, most: float) -> Verdict:
    what, limit = f"{operation} 10k" if rows > 1 else operation, f"<= {most:g} ns"
    measured = session.find(operation, rows)
    if measured is None:
        return Verdict(what, limit, None, None)
    return Verdict(what, limit, f"{measured.median:.3g} ns", measured.median <= most)


def _isa_verdicts(session: Session) -> Sequence[Verdict]:
    measured = [item for item in session.instruction_sets if item.contender == _NARROW]
    ratios = {item.operation: session.times(item, _WIDE) for item in measured}
    return [_isa_verdict(ratios, *target) for target in _ISA]


def _isa_verdict(ratios: Mapping[str, float | None], kind: str, listed: bool, most: float) -> Verdict:
    names = [operation.name for operation in OPERATIONS if operation.listed == listed]
    known = {name: times for name in names if (times := ratios.get(name)) is not None}
    what, limit = f"{_NARROW} beside {_WIDE}{kind}", f"<= {most:g} x"
    if not known:
        return Verdict(what, limit, None, None)
    worst = max(known, key=lambda name: known[name])
    return Verdict(what, limit, f"{known[worst]:.2f} x {worst}", known[worst] <= most)


def _chain_verdicts(session: Session) -> Sequence[Verdict]:
    return [
        Verdict(
            f"analyze {item.operation}",
            f"<= {_ANALYZE_NS * item.rows / 1e6:.1f} ms",
            f"{item.median * item.rows / 1e6:.1f} ms",
            item.median <= _ANALYZE_NS,
        )
        for item in session.chains
        if item.operation != SIMULATED
        and not item.operation.endswith(WITH_DIVIDENDS)
        and item.rows >= _ANALYZE_ROWS
    ]
