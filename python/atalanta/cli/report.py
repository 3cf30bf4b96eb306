"""What a report shows of an analysis: its slices, the expiries and contracts picked, the worst rows.

Main entry: `Report`. Nothing here prints; `render`, `document` and `smile_html` show the same picks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.cli.machine import MachineCard
from atalanta.cli.screen import plain
from atalanta.cli.stages import Stage
from atalanta.market.analysis import Analysis
from atalanta.market.analysis.carry import tickers_of
from atalanta.market.analysis.expiries import group_by_expiry
from atalanta.market.flags import QualityFlag
from atalanta.market.table import Table

__all__ = ["Report", "Rows", "Slice", "slices", "worst_rows"]

#: Flags from the gravest to the mildest: the order in which the worst rows are shown.
_GRAVITY = (
    QualityFlag.BAD_CONTRACT,
    QualityFlag.CROSSED,
    QualityFlag.ABOVE_BOUND,
    QualityFlag.BELOW_INTRINSIC,
    QualityFlag.STALE,
    QualityFlag.LOCKED,
    QualityFlag.NO_ASK,
    QualityFlag.WIDE,
    QualityFlag.EXPIRED,
    QualityFlag.NO_BID,
    QualityFlag.NO_IV,
)

#: A smile needs at least this many out-of-the-money vols.
_SMILE_ROWS = 3

#: For so many plots: the days from which on each of them picks its expiry.
_FRONT_DAYS = {2: (1.0, 25.0), 4: (1.0, 7.0, 25.0, 80.0)}

_BIASED = (
    "no share went ex before they expire. Where one does, vols and Greeks in the money are biased and early "
    "assignment is missed"
)
_LISTED = 6

Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Slice:
    """One expiry of one root in one snapshot: `expiry` is its row in the table of expiries, `rows` its contracts."""

    analysis: Analysis
    expiry: int
    rows: Rows

    def get(self, name: str) -> Any:
        """The value of a column of the table of expiries."""
        return self.analysis.expiries[name][self.expiry]

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column of the contracts of this slice."""
        return self.analysis[name][self.rows]

    @cached_property
    def sound(self) -> npt.NDArray[np.bool_]:
        """The contracts with a mid vol and without any flag: those that make the smile."""
        chosen: npt.NDArray[np.bool_] = (self.column("flags") == 0) & np.isfinite(self.column("iv_mid"))
        return chosen

    @cached_property
    def out_of_the_money(self) -> npt.NDArray[np.bool_]:
        """The sound calls at or above the forward and the sound puts below it."""
        above = self.column("strike") >= self.get("forward")
        chosen: npt.NDArray[np.bool_] = (above == (self.column("right") > 0)) & self.sound
        return chosen

    def at_the_money(self) -> Rows:
        """The rows of the sound call and put whose strikes lie nearest the forward."""
        distance = np.where(self.sound, np.abs(self.column("moneyness")), np.inf)
        sides = [np.where(self.column("right") == side, distance, np.inf) for side in (1, -1)]
        return np.array([self.rows[np.argmin(d)] for d in sides if np.isfinite(d).any()], dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Report:
    """An analysis with everything that is said about it; `source` names where the quotes came from.

    `assignments` are the options worth exercising early, as `find_assignments` gives them; `dividends_given` says
    whether there was a calendar of dividends, be it empty.
    """

    command: str
    source: str
    analysis: Analysis
    machine: MachineCard
    stages: tuple[Stage, ...]
    checks: dict[str, Any] = field(default_factory=dict)
    assignments: Table = field(default_factory=lambda: Table({}))
    dividends_given: bool = False

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """Every slice, in the order of the table of expiries."""
        return slices(self.analysis)

    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before any figure; empty where nothing is wrong."""
        american = int(np.count_nonzero(self.analysis["exercise"] == "american"))
        sources = self.analysis.expiries["source"].tolist()
        blind = sum(str(source).endswith("zero rate") for source in sources)
        refuted = sources.count("refuted")
        told = []
        if american and not self.dividends_given:
            told.append(
                f"NO DIVIDENDS GIVEN: {american:,} of {len(self.analysis):,} contracts are American and valued as if "
                f"{_BIASED}. Give them: --dividends FILE"
            )
        told += self._stale_dividends()
        if blind:
            told.append(
                f"NO RATE: {blind:,} of {len(sources):,} expiries are discounted at 0 %, as no rate is known. "
                "Give one: --rate 0.05 means 5 %."
            )
        if refuted:
            told.append(
                f"CONTRADICTORY QUOTES: {refuted:,} of {len(sources):,} expiries have no forward, vols or Greeks, as "
                "strikes, quotes and spot cannot all be right; the notes say which."
            )
        return tuple(told)

    def _stale_dividends(self) -> Iterator[str]:
        """Dividends that were given and say nothing of the time that the American contracts have left."""
        names = self.analysis.outside
        if not names:
            return
        stale = np.isin(tickers_of(self.analysis["underlying"]).astype(str), names)
        american = stale & (self.analysis["exercise"] == "american")
        if american.any():
            yield (
                f"NO DIVIDENDS AHEAD: all that are given for {', '.join(map(plain, names[:_LISTED]))} lie before the "
                f"quotes or after the last expiry (see the notes): {int(np.count_nonzero(american)):,} of "
                f"{len(self.analysis):,} contracts are American and valued as if {_BIASED}. Give those ahead: "
                "--dividends FILE"
            )

    def snapshots(self) -> tuple[np.datetime64, ...]:
        """The distinct quote times, in order; all unknown ones count as one."""
        return tuple(np.unique(self.analysis.expiries["quote_time"]))

    def underlyings(self) -> tuple[str, ...]:
        """Names of the underlyings in the order of the table of expiries."""
        return tuple(dict.fromkeys(self.analysis.expiries["underlying"].tolist()))

    def of(self, underlying: str) -> tuple[Slice, ...]:
        """The slices of one underlying, by snapshot, then by expiry instant."""
        return tuple(smile for smile in self.slices if smile.get("underlying") == underlying)

    def front(self, underlying: str, count: int) -> tuple[Slice, ...]:
        """The smiles to draw: of the last snapshot, spread over the next days, week, month and quarter.

        Args:
            underlying: whose.
            count: 2 or 4, at most.
        """
        smiles = [s for s in self.of(underlying) if np.count_nonzero(s.out_of_the_money) >= _SMILE_ROWS]
        smiles = [s for s in smiles if s.get("quote_time") == smiles[-1].get("quote_time")]
        chosen: dict[int, Slice] = {}
        for days in (*_FRONT_DAYS[count], *([0.0] * len(smiles))):
            later = [s for s in smiles if s.expiry not in chosen and s.get("years") >= days / 365]
            chosen |= {s.expiry: s for s in later[:1] if len(chosen) < count}
        return tuple(sorted(chosen.values(), key=lambda smile: smile.expiry))


def slices(analysis: Analysis) -> tuple[Slice, ...]:
    """Split an analysis into its expiries.

    Args:
        analysis: N rows and a table of M expiries.

    Returns:
        M slices in the order of the table; rows keep their order within each.
    """
    groups = group_by_expiry(analysis)
    order = np.argsort(groups.index, kind="stable")
    parts = np.split(order, np.cumsum(groups.contracts)[:-1])
    return tuple(Slice(analysis, expiry, rows) for expiry, rows in enumerate(parts))


def worst_rows(analysis: Analysis, count: int) -> Rows:
    """The flagged rows most worth a look: one of each flag in turn, nearest the money first.

    Args:
        analysis: N rows.
        count: at most this many.

    Returns:
        Row numbers, at most `count`, ordered from the gravest flag to the mildest.
    """
    flags = np.asarray(analysis["flags"])
    gravity = np.full(len(flags), len(_GRAVITY))
    for rank in reversed(range(len(_GRAVITY))):
        gravity[(flags & _GRAVITY[rank]) != 0] = rank
    distance = np.nan_to_num(np.abs(analysis["moneyness"]), nan=np.inf)
    order = np.lexsort((distance, gravity))
    order = order[gravity[order] < len(_GRAVITY)]
    starts = np.searchsorted(gravity[order], gravity[order], side="left")
    turn = np.arange(len(order)) - starts
    chosen = np.sort(np.lexsort((gravity[order], turn))[:count])
    return order[chosen]
