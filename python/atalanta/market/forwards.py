"""Implied forwards and discounts: one of each per expiry, with standard errors and the source of both.

Main entry: `fit_forwards`. Where parity cannot tell (too few pairs, an implausible or uncertain rate, American
contracts), the discount comes from elsewhere and `source` says from where.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atalanta.market.chain import Chain
from atalanta.market.curves import RateCurve
from atalanta.market.expiries import ExpiryGroups, group_by_expiry
from atalanta.market.parity import ParityFit, fit_parity, match_pairs
from atalanta.market.table import Table

__all__ = ["ForwardFit", "fit_forwards"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Scale of the nearness weights in log moneyness. American contracts obey parity only about at the money.
_EUROPEAN_WIDTH, _AMERICAN_WIDTH = 0.15, 0.05

# A parity discount is believed where its rate is plausible and known to ±0.1 %, which short expiries rarely are;
# to ±1 % where no expiry of the snapshot does better. Zero would be further off, and matters less the shorter.
_LOWEST_RATE, _HIGHEST_RATE, _RATE_SE, _LONE_RATE_SE = -0.05, 0.20, 0.001, 0.01
_LEAST_PAIRS = 2.5  # effective: the line has two parameters

_IDENTITY = ("underlying", "root", "quote_time", "expiry", "expires_at", "settlement", "years")


@dataclass(frozen=True, slots=True)
class ForwardFit:
    """The forwards of G expiries.

    Attributes:
        expiries: (G,) rows with `underlying, root, quote_time, expiry, expires_at, settlement, years, forward,
            forward_se, discount, discount_se, rate, pairs, contracts, source`; its notes tell what was assumed.
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
        `given rate`, `curve discount` (other expiries of the snapshot) or `zero rate`; `none` where nothing is known.
        `discount_se` is NaN where the discount is not from parity, `forward_se` where the forward is not.

    Raises:
        InputError: the rate is not a number or looks like per cent.
    """
    curve = _curve(rate)
    groups = group_by_expiry(chain)
    years = groups.column(chain, "years")
    american = groups.column(chain, "exercise") == "american"
    pairs = match_pairs(chain, groups)
    width = np.where(american, _AMERICAN_WIDTH, _EUROPEAN_WIDTH)
    free = fit_parity(pairs.of(~american & (curve is None)), len(groups), width)
    believed = _believable(free, years, groups.snapshot)
    discount, origin = _other_discounts(free, believed, groups.snapshot, years, curve)
    fixed = fit_parity(pairs.of(~believed), len(groups), width, discount)
    paired = believed | (fixed.forward > 0)
    carried = _spots(chain, groups) / discount
    expiries = {name: groups.column(chain, name) for name in _IDENTITY} | {
        "forward": np.select([believed, paired], [free.forward, fixed.forward], carried),
        "forward_se": np.select([believed, paired], [free.forward_se, fixed.forward_se], np.nan),
        "discount": np.where(believed, free.discount, discount),
        "discount_se": np.where(believed, free.discount_se, np.nan),
    }
    expiries["rate"] = 0.0 - _over_time(np.log(expiries["discount"]), years)
    expiries["pairs"] = np.bincount(pairs.group, minlength=len(groups))
    expiries["contracts"] = groups.contracts
    expiries["source"] = _sources(believed, paired, np.isfinite(carried), origin)
    return ForwardFit(Table(expiries, notes=_notes(expiries["source"], american)), groups.index)


def _curve(rate: float | RateCurve | None) -> RateCurve | None:
    return rate if rate is None or isinstance(rate, RateCurve) else RateCurve.flat(rate)


def _over_time(amount: Floats, years: Floats) -> Floats:
    """Amount per year; NaN for expiries that are past."""
    per_year: Floats = np.divide(amount, years, out=np.full(len(years), np.nan), where=years > 0)
    return per_year


def _rate_and_error(fit: ParityFit, years: Floats) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return -_over_time(np.log(fit.discount), years), _over_time(fit.discount_se / fit.discount, years)


def _believable(fit: ParityFit, years: Floats, snapshot: npt.NDArray[np.int64]) -> Mask:
    """Groups whose forward and discount can both be taken from parity."""
    rate, error = _rate_and_error(fit, years)
    plausible = (rate >= _LOWEST_RATE) & (rate <= _HIGHEST_RATE) & (fit.forward > 0)
    plausible &= fit.effective >= _LEAST_PAIRS
    certain = plausible & (error <= _RATE_SE)
    alone = ~np.isin(snapshot, snapshot[certain])
    return certain | (alone & plausible & (error <= _LONE_RATE_SE))


def _other_discounts(
    fit: ParityFit, believed: Mask, snapshot: npt.NDArray[np.int64], years: Floats, curve: RateCurve | None
) -> tuple[Floats, npt.NDArray[np.object_]]:
    """Discounts that do not come from a group's own pairs, and where each comes from."""
    times = np.where(years > 0, years, np.nan)
    if curve is not None:
        return curve.discount(times), np.full(len(years), "given rate", dtype=object)
    discount, origin = np.where(years > 0, 1.0, np.nan), np.full(len(years), "zero rate", dtype=object)
    rate, error = _rate_and_error(fit, years)
    for moment in np.unique(snapshot[believed]):
        there = snapshot == moment
        nodes = there & believed
        discount[there] = _pooled_curve(years[nodes], rate[nodes], error[nodes]).discount(times[there])
        origin[there] = "curve discount"
    return discount, origin


def _pooled_curve(years: Floats, rate: Floats, error: Floats) -> RateCurve:
    """The term structure of the believed expiries; those of one instant are averaged by certainty."""
    nodes, which = np.unique(years, return_inverse=True)
    weight = 1 / (error**2 + _RATE_SE**2 * 1e-6)  # the floor keeps an exact fit from dividing by zero
    return RateCurve(nodes, np.bincount(which, weight * rate) / np.bincount(which, weight))


def _spots(chain: Chain, groups: ExpiryGroups) -> Floats:
    """(G,) mean of the known positive spots of a group's rows; NaN where none is known."""
    spot = chain["spot"]
    known = spot > 0
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


def _notes(source: npt.NDArray[np.object_], american: Mask) -> tuple[str, ...]:
    kinds = np.array([str(text) for text in source], dtype="U")
    limits = (
        f"missing, less certain than ±{_RATE_SE:.1%} or outside {_LOWEST_RATE:.0%} to {_HIGHEST_RATE:.0%}"
    )
    counted = (
        (american, "American contracts are valued as European (no early-exercise premium)"),
        (
            np.char.endswith(kinds, "curve discount"),
            f"discount from other expiries (the rate by parity is {limits})",
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
