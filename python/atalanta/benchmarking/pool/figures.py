"""One measured number of the pool's benchmark, and where the targets stand. Main entries: `Figure`, `judge_pool`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from atalanta.benchmarking.pool.allocators import GLIBC, GLIBC_ALIGNED, LIBRARIES, POOL
from atalanta.benchmarking.verdict import Verdict

__all__ = ["Figure", "judge_pool"]

_MIB = 1 << 20
_REGULAR, _MIXED = ("stable", "cyclic", "regime switch"), ("workflow", "bimodal")


@dataclass(frozen=True)
class Figure:
    """`value` of `what`, in one case, for one contender."""

    what: str
    case: str
    contender: str
    value: float
    unit: str

    def as_dict(self) -> dict[str, Any]:
        """For the document."""
        return asdict(self)


class _Measured:
    """Figures by what, case and contender."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        self._values = {(f.what, f.case, f.contender): f.value for f in figures}

    def cases(self, what: str) -> list[str]:
        return list(dict.fromkeys(case for of, case, _ in self._values if of == what))

    def value(self, what: str, case: str, contender: str = POOL) -> float | None:
        return self._values.get((what, case, contender))

    def values(self, what: str, cases: Sequence[str] | None = None) -> list[float]:
        """The pool's values."""
        values = (self.value(what, case) for case in (self.cases(what) if cases is None else cases))
        return [value for value in values if value is not None]

    def ratios(self, what: str, contender: str, cases: Sequence[str] | None = None) -> list[float]:
        """The contender's value over the pool's in each case that has both."""
        found = []
        for case in self.cases(what) if cases is None else cases:
            own, other = self.value(what, case), self.value(what, case, contender)
            if own and other is not None:
                found.append(other / own)
        return found


def judge_pool(figures: Iterable[Figure]) -> list[Verdict]:
    """The targets of the pool whose figures were measured."""
    seen = _Measured(figures)
    large = [case for case in seen.cases("pair") if int(case.replace(",", "")) >= _MIB]
    others = [GLIBC, *LIBRARIES]
    best = [
        min(ratios)
        for case in large
        if (ratios := [r for name in others for r in seen.ratios("pair", name, [case])])
    ]
    judged = [
        Verdict.at_most("pair, 64 B to 16 MiB", _most(seen.values("pair")), 6.0, "ns"),
        Verdict.at_least("pair: malloc aligned", _least(seen.ratios("pair", GLIBC_ALIGNED)), 8.0, "x"),
        Verdict.at_least("pair from 1 MiB: best other", _least(best), 2.0, "x"),
        Verdict.at_least(
            "64, 256 MiB acquire + touch: np.empty", _least(seen.ratios("touch", "np.empty")), 15.0, "x"
        ),
        Verdict.at_least("x + x: NumPy's handler", _least(seen.ratios("x + x", "numpy")), 1.7, "x"),
        Verdict.at_most("acquire from Python", _most(seen.values("from Python")), 150.0, "ns"),
        *(
            Verdict.at_least(
                f"trace, live/resident: {name}", _least(_inverse(seen, "live/resident", name)), 1.3, "x"
            )
            for name in (GLIBC, "jemalloc")
        ),
        Verdict.at_most("trace, time: malloc", _most(_inverse(seen, "trace time", GLIBC)), 0.8, "x"),
        Verdict.at_most("kept after 100 ms idle", _most(seen.values("kept")), 10.0, "%"),
        Verdict.at_most("growing sizes: free of live peak", _most(seen.values("growing")), 25.0, "%"),
        Verdict.at_least(
            "predicted: stable, cyclic, regimes", _least(seen.values("predicted", _REGULAR)), 99.0, "%"
        ),
        Verdict.at_least("predicted: workflow, bimodal", _least(seen.values("predicted", _MIXED)), 88.0, "%"),
    ]
    return [verdict for verdict in judged if verdict.reached is not None]


def _inverse(seen: _Measured, what: str, contender: str) -> list[float]:
    return [1.0 / ratio for ratio in seen.ratios(what, contender) if ratio]


def _most(values: Sequence[float]) -> float | None:
    return max(values, default=None)


def _least(values: Sequence[float]) -> float | None:
    return min(values, default=None)
