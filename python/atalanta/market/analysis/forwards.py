"""Implied forwards and discounts: one of each per expiry, with standard errors and the source of both.

Main entry: `fit_forwards`. Where parity cannot tell (too few pairs, an implausible or uncertain rate, American
contracts), the discount comes from elsewhere and `source` says from where; what contradicts itself has no forward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atalanta.market.analysis.contradictions import contradictions
from atalanta.market.analysis.discounts import (
    ORDINARY_RATES,
    RATE_SE,
    believable,
    other_discounts,
    over_time,
)
from atalanta.market.analysis.expiries import ExpiryGroups, group_by_expiry
from atalanta.market.analysis.parity import fit_parity, match_pairs
from atalanta.market.chain import Chain
from atalanta.market.curves import RateCurve
from atalanta.market.table import Table

__all__ = ["ForwardFit", "fit_forwards"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Scale of the nearness weights in log moneyness. American contracts obey parity only about at the money.
_EUROPEAN_WIDTH, _AMERICAN_WIDTH = 0.15, 0.05

_IDENTITY = ("underlying", "root", "quote_time", "expiry", "expires_at", "settlement", "exercise", "years")


@dataclass(frozen=True, slots=True)
class ForwardFit:
    """The forwards of G expiries.

    Attributes:
        expiries: (G,) rows with `underlying, root, quote_time, expiry, expires_at, settlement, exercise, years,
            forward, forward_se, discount, discount_se, rate, pairs, contracts, source`; its notes tell what was assumed.
        group: (N,) row of `expiries` that each contract belongs to.
    """

    expiries: Table
    group: npt.NDArray[np.int64]

    def per_contract(self, name: str) -> npt.NDArray[np.float64]:
        """(N,) a column of `expiries`, repeated for every contract."""
        column: Floats = self.expiries[name][self.group]
        return column


def fit_forwards(chain: Chain, rate: float | RateCurve | None = None) -> ForwardFit:
    """The implied forward and discount factor of every expiry, by put-call parity.

    Args:
        chain: N option quotes; only two-sided rows without any flag take part.
        rate: continuously compounded rate (decimal) or curve; None takes the discount from parity as well.

    Returns:
        G expiries. `source` is `parity`, or names the forward's source and the discount's: `parity` or `spot`, then
        `given rate`, `curve discount` (other expiries of the snapshot) or `zero rate`; `none` where nothing is known,
        `refuted` where strikes and quotes, or quotes and spot, cannot both be right: every number is NaN there.
        `discount_se` is NaN where the discount is not from parity, `forward_se` where the forward is not.

    Raises:
        InputError: the rate is not a number or looks like per cent.
    """
    curve = _curve(rate)
    groups = group_by_expiry(chain)
    years, spot = groups.column(chain, "years"), _spots(chain, groups)
    american = groups.column(chain, "exercise") == "american"
    free_to_tell = ~american & (curve is None)
    pairs = match_pairs(chain, groups)
    width = np.where(american, _AMERICAN_WIDTH, _EUROPEAN_WIDTH)
    free = fit_parity(pairs, len(groups), width)
    believed = believable(free, years, groups.snapshot, free_to_tell)
    discount, origin = other_discounts(free, believed, groups.snapshot, years, curve)
    fixed = fit_parity(pairs.of(~believed), len(groups), width, discount)
    paired = believed | (fixed.forward > 0)
    with np.errstate(over="ignore"):  # an absurd spot
        carried = spot / discount
    fitted = {
        "forward": np.select([believed, paired], [free.forward, fixed.forward], carried),
        "forward_se": np.select([believed, paired], [free.forward_se, fixed.forward_se], np.nan),
        "discount": np.where(believed, free.discount, discount),
        "discount_se": np.where(believed, free.discount_se, np.nan),
    }
    found = contradictions(
        free, fitted["forward"], spot, years, free_to_tell & (origin == "zero rate") & ~believed
    )
    fitted = {name: np.where(found.refuted, np.nan, column) for name, column in fitted.items()}
    source = _sources(believed, paired, np.isfinite(carried), origin)
    source[found.refuted] = "refuted"
    columns = {name: groups.column(chain, name) for name in _IDENTITY} | fitted
    columns["rate"] = 0.0 - over_time(np.log(fitted["discount"]), years)
    columns["pairs"] = np.bincount(pairs.group, minlength=len(groups))
    columns["contracts"] = groups.contracts
    columns["source"] = source
    notes = (*_notes(source, american, columns["rate"]), *found.notes)
    return ForwardFit(Table(columns, notes=notes), groups.index)


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


def _sources(
    believed: Mask, paired: Mask, carried: Mask, origin: npt.NDArray[np.object_]
) -> npt.NDArray[np.object_]:
    source = np.full(len(origin), "none", dtype=object)
    source[carried] = "spot, " + origin[carried]
    source[paired] = "parity, " + origin[paired]
    source[believed] = "parity"
    return source


def _notes(source: npt.NDArray[np.object_], american: Mask, rate: Floats) -> tuple[str, ...]:
    kinds = np.array([str(text) for text in source], dtype="U")
    lowest, highest = ORDINARY_RATES
    counted = (
        (american, "American contracts are valued as European (no early-exercise premium)"),
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
            "forward from spot and rate without dividends, as no pair is usable",
        ),
        (kinds == "none", "no forward: past expiry, or neither pair nor spot"),
    )
    return tuple(
        f"{int(mask.sum())} of {len(kinds)} expiries: {text}" for mask, text in counted if mask.any()
    )
