"""Implied forwards and discounts: one of each per expiry, with standard errors and the source of both.

Main entry: `fit_forwards`. Where parity cannot tell (too few pairs, an implausible or uncertain rate, American
contracts), the discount comes from elsewhere and `source` says from where; what contradicts itself has no forward.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from atalanta.market.analysis.american_forwards import AMERICAN_WIDTH, refit_american
from atalanta.market.analysis.assumed import assumed
from atalanta.market.analysis.carry import Borrow, Carry
from atalanta.market.analysis.contradictions import contradictions
from atalanta.market.analysis.discounts import (
    ORDINARY_RATES,
    RATE_SE,
    believable,
    other_discounts,
    over_time,
)
from atalanta.market.analysis.expiries import ExpiryGroups, group_by_expiry
from atalanta.market.analysis.parity import Pairs, ParityFit, fit_parity, match_pairs
from atalanta.market.analysis.spot_drift import drift_notes
from atalanta.market.analysis.spot_model import SpotModel
from atalanta.market.chain import Chain
from atalanta.market.curves import RateCurve
from atalanta.market.table import Table
from atalanta.pricing.valuation import Tolerance, require_tolerance

__all__ = ["ForwardFit", "fit_forwards"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Scale of the nearness weights in log moneyness of European contracts.
_EUROPEAN_WIDTH = 0.15

_IDENTITY = ("underlying", "root", "quote_time", "expiry", "expires_at", "settlement", "exercise", "years")


@dataclass(frozen=True, slots=True)
class ForwardFit:
    """The forwards of G expiries.

    Attributes:
        expiries: (G,) rows with `underlying, root, quote_time, expiry, expires_at, settlement, exercise, years,
            forward, forward_se, discount, discount_se, rate, pairs, contracts, source, implied_spot, borrow,
            dividend_value`; its notes tell what was assumed.
        group: (N,) row of `expiries` that each contract belongs to.
        model: dividends, borrow cost and rate under which the spot gives the forward.
        early: (G,) expiries whose contracts can be worth exercising early.
    """

    expiries: Table
    group: npt.NDArray[np.int64]
    model: SpotModel
    early: Mask

    def per_contract(self, name: str) -> npt.NDArray[np.float64]:
        """(N,) a column of `expiries`, repeated for every contract."""
        column: Floats = self.expiries[name][self.group]
        return column


def fit_forwards(
    chain: Chain,
    rate: float | RateCurve | None = None,
    *,
    dividends: Any = None,
    borrow: Borrow = None,
    tolerance: Tolerance | None = None,
    threads: int | None = None,
) -> ForwardFit:
    """The implied forward and discount factor of every expiry, by put-call parity.

    Args:
        chain: N option quotes; only two-sided rows without any flag take part.
        rate: continuously compounded rate (decimal) or curve; None takes `market.rate` of the configuration, and
            the discount from parity as well where there is none.
        dividends: cash dividends by ex-date, as `analyze` takes them.
        borrow: continuous cost of borrowing the share, as `analyze` takes it.
        tolerance: of American prices, as `price` takes it; None for that of the configuration.
        threads: of the kernels; None takes the package's setting.

    Returns:
        G expiries. `source` is `parity`, or names the forward's source and the discount's: `parity` or `spot`, then
        `given rate`, `curve discount` (other expiries of the snapshot) or `zero rate`; `none` where nothing is known,
        `refuted` where strikes and quotes, or quotes and spot, cannot both be right: every number is NaN there.
        `discount_se` is NaN where the discount is not from parity, `forward_se` where the forward is not.

    Raises:
        InputError: the rate is not a number or looks like per cent, or dividends, borrow cost or tolerance cannot be used.
    """
    rate, borrow, tolerance, told = assumed(rate, borrow, tolerance)
    require_tolerance(tolerance, "market.analyze")  # chains without an American row would never ask
    curve = _curve(rate)
    groups = group_by_expiry(chain)
    carry = Carry.of(chain, groups, dividends, borrow)
    american = groups.column(chain, "exercise") == "american"
    pairs = match_pairs(chain, groups)
    lines = _fit_lines(pairs, groups, carry.years, american, curve)
    model = SpotModel(carry, 0.0 - over_time(np.log(lines.best.discount), carry.years), tolerance, threads)
    spot = _spots(chain, groups)
    carried = _carried(spot, lines.best.discount, model)
    forward = np.where(lines.best.forward > 0, lines.best.forward, carried)
    unsure = ~american & (lines.origin == "zero rate") & ~lines.believed
    found = contradictions(lines.free, forward, spot, carry.years, unsure)
    early = model.early(american) & ~found.refuted
    best = _refitted(chain, pairs, lines.best, early, model)
    fitted = _numbers(best, carried, lines.believed) | {"rate": model.rate}
    fitted = {name: np.where(found.refuted, np.nan, column) for name, column in fitted.items()}
    columns = {
        **{name: groups.column(chain, name) for name in _IDENTITY},
        **fitted,
        "pairs": np.bincount(pairs.group, minlength=len(groups)),
        "contracts": groups.contracts,
        "source": _sources(lines, best.forward > 0, np.isfinite(carried), found.refuted),
        **_spot_columns(fitted, carry),
    }
    still = american & (carry.years > 0)
    drifts = drift_notes(columns, early)
    notes = (
        *told,
        *carry.notes,
        *_notes(columns["source"], still, early, fitted["rate"]),
        *drifts,
        *found.notes,
    )
    return ForwardFit(Table(columns, notes=notes), groups.index, model, early)


class _Lines(NamedTuple):
    """The parity lines of G expiries: `free` with their own discounts, `best` with the ones to use."""

    free: ParityFit
    best: ParityFit
    believed: Mask
    origin: npt.NDArray[np.object_]


def _fit_lines(
    pairs: Pairs, groups: ExpiryGroups, years: Floats, american: Mask, curve: RateCurve | None
) -> _Lines:
    """Every expiry's line, with its own discount where that is believed and with one from elsewhere where not."""
    width = np.where(american, AMERICAN_WIDTH, _EUROPEAN_WIDTH)
    free = fit_parity(pairs, len(groups), width)
    believed = believable(free, years, groups.snapshot, ~american & (curve is None))
    discount, origin = other_discounts(free, believed, groups.snapshot, years, curve)
    fixed = fit_parity(pairs.of(~believed), len(groups), width, discount)
    best = replace(_either(believed, free, fixed), discount=np.where(believed, free.discount, discount))
    return _Lines(free, best, believed, origin)


def _refitted(chain: Chain, pairs: Pairs, line: ParityFit, early: Mask, model: SpotModel) -> ParityFit:
    """The lines, those of American expiries through European values."""
    telling = early & (line.forward > 0)
    return (
        _either(telling, refit_american(chain, pairs, line, telling, model), line) if telling.any() else line
    )


def _either(first: Mask, one: ParityFit, other: ParityFit) -> ParityFit:
    columns = (field.name for field in fields(ParityFit))
    return ParityFit(*(np.where(first, getattr(one, name), getattr(other, name)) for name in columns))


def _curve(rate: float | RateCurve | None) -> RateCurve | None:
    return rate if rate is None or isinstance(rate, RateCurve) else RateCurve.flat(rate)


def _spots(chain: Chain, groups: ExpiryGroups) -> Floats:
    """(G,) mean of the known positive spots of a group's rows; NaN where none is known."""
    spot = chain["spot"]
    known = (spot > 0) & (spot < np.inf)
    count = np.bincount(groups.index[known], minlength=len(groups))
    total = np.bincount(groups.index[known], spot[known], minlength=len(groups))
    mean: Floats = np.divide(total, count, out=np.full(len(groups), np.nan), where=count > 0)
    return mean


@np.errstate(over="ignore")  # an absurd spot
def _carried(spot: Floats, discount: Floats, model: SpotModel) -> Floats:
    """(G,) the forwards that the spot alone tells."""
    return model.carry.forward_of(spot, model.rate) if model.carry.given else spot / discount


@np.errstate(over="ignore")
def _spot_columns(fitted: dict[str, Floats], carry: Carry) -> dict[str, Floats]:
    return {
        "implied_spot": carry.spot_of(fitted["forward"], fitted["rate"]),
        "borrow": carry.borrow,
        "dividend_value": carry.dividend_value(fitted["rate"]),
    }


def _numbers(best: ParityFit, carried: Floats, believed: Mask) -> dict[str, Floats]:
    """Forwards, discounts and their errors; the carried forward where there is no line."""
    paired = best.forward > 0
    return {
        "forward": np.where(paired, best.forward, carried),
        "forward_se": np.where(paired, best.forward_se, np.nan),
        "discount": best.discount,
        "discount_se": np.where(believed, best.discount_se, np.nan),
    }


def _sources(lines: _Lines, paired: Mask, carried: Mask, refuted: Mask) -> npt.NDArray[np.object_]:
    source = np.full(len(paired), "none", dtype=object)
    source[carried] = "spot, " + lines.origin[carried]
    source[paired] = "parity, " + lines.origin[paired]
    source[lines.believed] = "parity"
    source[refuted] = "refuted"
    return source


def _notes(source: npt.NDArray[np.object_], american: Mask, early: Mask, rate: Floats) -> tuple[str, ...]:
    kinds = np.array([str(text) for text in source], dtype="U")
    lowest, highest = ORDINARY_RATES
    counted = (
        (early, "American, valued on the implied spot; their parity is that of European values"),
        (american & ~early, "American without rate, dividend or borrow cost: worth what European ones are"),
        (
            (kinds == "parity") & ((rate < lowest) | (rate > highest)),
            f"the rate by parity is outside {lowest:.0%} to {highest:.0%}, yet certain to ±{RATE_SE:.1%}: believed",
        ),
        (
            np.char.endswith(kinds, "curve discount"),
            f"discount from other expiries (the rate by parity is missing or less certain than ±{RATE_SE:.1%})",
        ),
        (
            np.char.endswith(kinds, "zero rate"),
            "discount 1, as no European expiry implies a rate: give rate=",
        ),
        (
            np.char.startswith(kinds, "spot"),
            "forward from spot, rate and the dividends given, as no pair is usable",
        ),
        (kinds == "none", "no forward: past expiry, or neither pair nor spot"),
    )
    return tuple(
        f"{int(mask.sum())} of {len(kinds)} expiries: {text}" for mask, text in counted if mask.any()
    )
