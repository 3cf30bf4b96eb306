"""Value at risk and expected shortfall by historical simulation, every scenario fully revalued.

Main entries: `value_at_risk` for a portfolio, `tail_of` for losses that are already known. The past's joint moves of spot
and volatility are applied to the book of today, all at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.errors import InputError
from atalanta.risk.history import History, JointMoves, Scaling
from atalanta.risk.revaluation import LEAST_VOL, Revaluation, spread_levels

if TYPE_CHECKING:
    from atalanta.risk.portfolio import Portfolio

__all__ = ["Tail", "TailRisk", "revalue", "tail_of", "value_at_risk"]

Floats = npt.NDArray[np.float64]

_LEVELS = 16
_LISTED = 5
_ORIGIN = "[risk.value_at_risk]"


@dataclass(frozen=True, slots=True)
class Tail:
    """Value at risk and expected shortfall of a sample, as losses: positive where money is lost."""

    var: float
    es: float


@dataclass(frozen=True, eq=False)
class TailRisk:
    """What history would have done to the book of today.

    Attributes:
        var, es: losses at `var_level` and `es_level`.
        days: sessions of a move.
        pnl: (M,) of every scenario.
        dates: (M,) on which each move ended.
        label: of the history.
        notes: of the history and the portfolio.
        seconds: wall time.
    """

    var: float
    es: float
    var_level: float
    es_level: float
    days: int
    pnl: Floats
    dates: npt.NDArray[np.datetime64]
    label: str
    notes: tuple[str, ...]
    seconds: float

    def worst(self, count: int = _LISTED) -> list[tuple[str, float]]:
        """The dates of the largest losses with their P&L, the largest first."""
        order = np.argsort(self.pnl, kind="stable")[:count]
        return [(str(self.dates[row]), float(self.pnl[row])) for row in order]

    def as_dict(self) -> dict[str, Any]:
        """In plain types, for JSON."""
        return {
            "var": self.var,
            "var_level": self.var_level,
            "es": self.es,
            "es_level": self.es_level,
            "days": self.days,
            "scenarios": len(self.pnl),
            "from": str(self.dates.min()),
            "to": str(self.dates.max()),
            "history": self.label,
            "worst": [{"date": day, "pnl": pnl} for day, pnl in self.worst()],
            "seconds": self.seconds,
            "notes": list(self.notes),
        }


def tail_of(pnl: npt.ArrayLike, var_level: float = 0.99, es_level: float = 0.975) -> Tail:
    """VaR and ES of a sample of P&L.

    VaR is the smallest loss that is not exceeded in a share `var_level` of the sample; ES the mean loss of its worst
    1 − `es_level`, the scenario at the edge counting in part (Rockafellar and Uryasev 2002), so that it is coherent.

    Args:
        pnl: (M,) gains and losses.
        var_level: between 0 and 1.
        es_level: likewise.

    Raises:
        InputError: no scenario, one without a number, or a level that is none.
    """
    losses = -np.sort(np.asarray(pnl, dtype=np.float64).ravel())[::-1]
    losses = np.sort(losses)
    for name, level in (("var_level", var_level), ("es_level", es_level)):
        if not 0.0 < level < 1.0:
            raise InputError(f"{_ORIGIN} {name} is {level!r}; it must lie between 0 and 1 (0.99 is 99 %)")
    if not losses.size or not np.isfinite(losses).all():
        raise InputError(
            f"{_ORIGIN} {losses.size} scenarios, of which {int((~np.isfinite(losses)).sum())} have no P&L"
        )
    tail = (1 - es_level) * losses.size
    edge = _quantile(losses, es_level)
    es = edge + np.maximum(losses - edge, 0.0).sum() / tail
    return Tail(float(_quantile(losses, var_level)), float(es))


def _quantile(ascending: Floats, level: float) -> float:
    place = int(np.ceil(level * ascending.size - 1e-9)) - 1
    return float(ascending[max(place, 0)])


def value_at_risk(
    portfolio: Portfolio,
    history: Any,
    *,
    days: int = 1,
    window: int | None = 500,
    var_level: float = 0.99,
    es_level: float = 0.975,
    scaling: Scaling = "none",
    threads: int | None = None,
) -> TailRisk:
    """Historical-simulation VaR and ES of the book of today.

    Args:
        portfolio: the book in its market.
        history: a `History`, or what `History.read` takes.
        days: sessions of a move; 1 and 10 are usual. Moves overlap; time does not pass in the scenarios.
        window: the last so many moves; None for all.
        var_level: 0.99 is 99 %.
        es_level: 0.975, as in the Basel framework for market risk.
        scaling: 'volatility' brings past moves of spots to today's volatility, as `History.moves` tells.
        threads: None for the package's setting.

    Raises:
        InputError: a history, level or number of days that cannot be used.
    """
    started = time.perf_counter()
    past = History.read(history)
    moves = past.moves(portfolio.underlyings, days, window, scaling)
    pnl = revalue(portfolio, moves, threads).sum(axis=0)
    tail = tail_of(pnl, var_level, es_level)
    return TailRisk(
        tail.var,
        tail.es,
        var_level,
        es_level,
        days,
        pnl,
        moves.dates,
        past.label,
        (
            *past.notes,
            *past.stand_ins(portfolio.underlyings),
            *_told(past, len(pnl), days, window, max(var_level, es_level)),
            *portfolio.notes,
        ),
        time.perf_counter() - started,
    )


def _told(past: History, found: int, days: int, window: int | None, level: float) -> list[str]:
    """What a short history leaves open."""
    told = []
    if window is not None and len(past) < window:
        told.append(
            f"{past.label} holds {found:,} moves over {days} sessions, not the {window:,} of the window"
        )
    if found * (1 - level) < 1 - 1e-9:
        told.append(
            f"{found:,} scenarios hold no tail beyond {100 * level:g} %: its figure is the worst of them"
        )
    return told


def revalue(portfolio: Portfolio, moves: JointMoves, threads: int | None = None) -> Floats:
    """(U, M) P&L of every underlying in joint scenarios, each option valued at its own spot and volatility.

    Args:
        portfolio: of U underlyings.
        moves: M scenarios for them.
        threads: None for the package's setting.
    """
    options = portfolio.options
    spots = np.nan_to_num(portfolio.market.spots)
    stock = (portfolio.shares * spots)[:, None] * moves.spot
    if not len(options):
        return stock
    spot = options.spot[:, None] * (1 + moves.spot[options.underlying])
    vol = np.maximum(options.vol[:, None] * (1 + moves.vol[options.underlying]), LEAST_VOL)
    asked = np.concatenate([vol, options.vol[:, None]], axis=1)
    levels = spread_levels(asked.min(axis=1), asked.max(axis=1), _LEVELS)
    ratio = spot / options.spot[:, None]
    reach = (min(float(ratio.min()), 1.0), max(float(ratio.max()), 1.0))
    ladders = Revaluation(options, levels, reach, threads)
    values = ladders.values(spot, vol[:, :, None], threads)[:, :, 0]
    base = ladders.values(options.spot[:, None], options.vol[:, None])[:, 0]
    return _core.add_up(values - base, options.weight, options.underlying, len(spots)) + stock
