"""Analysis: a chain turned into forwards, implied volatilities and Greeks, one row per contract.

Main entry: `analyze`. European valuation on the fitted forward; a row without a volatility at the mid always
carries a flag that says so.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.analysis.forwards import ForwardFit, fit_forwards
from atalanta.market.analysis.parity import quote_flags_only
from atalanta.market.chain import Chain
from atalanta.market.curves import RateCurve
from atalanta.market.flags import QualityFlag
from atalanta.market.table import Table
from atalanta.pricing import ImpliedVolStatus, greeks, implied_vol

__all__ = ["Analysis", "analyze"]

Floats = npt.NDArray[np.float64]

_GREEKS = ("delta", "gamma", "vega", "theta", "rho")

#: Rows on which no number may be made from the quotes.
_UNUSABLE = QualityFlag.CROSSED | QualityFlag.EXPIRED | QualityFlag.BAD_CONTRACT

#: Flags by the status that `implied_vol` gives.
_STATUS_FLAGS = np.zeros(len(ImpliedVolStatus), dtype=np.uint32)
_STATUS_FLAGS[ImpliedVolStatus.BELOW_INTRINSIC] = QualityFlag.BELOW_INTRINSIC | QualityFlag.NO_IV
_STATUS_FLAGS[ImpliedVolStatus.ABOVE_BOUND] = QualityFlag.ABOVE_BOUND | QualityFlag.NO_IV
_STATUS_FLAGS[ImpliedVolStatus.BAD_INPUT] = QualityFlag.NO_IV

#: No market implies 1200 % over a time in which that moves the price to its bound: the quote is no price.
_LARGEST_VOL, _LARGEST_DEVIATION = 12.0, 1.0


class Analysis(Table):
    """A chain's columns and what was computed from them; see `analyze`.

    Attributes:
        expiries: one row per expiry, as in `ForwardFit`, and `atm_vol`, the volatility at the
            forward between the nearest rows without a flag; NaN where there is none.
        seconds: wall time of the analysis.
    """

    __slots__ = ("expiries", "seconds")

    expiries: Table
    seconds: float

    def __init__(
        self,
        columns: Mapping[str, npt.ArrayLike],
        *,
        expiries: Table,
        seconds: float = 0.0,
        notes: tuple[str, ...] = (),
        origin: str = "polars",
    ) -> None:
        super().__init__(columns, notes=notes, origin=origin)
        self.expiries = expiries
        self.seconds = seconds

    def _replace(self, columns: Mapping[str, npt.ArrayLike]) -> Self:
        table = super()._replace(columns)
        table.expiries, table.seconds = self.expiries, self.seconds
        return table

    def summary(self) -> dict[str, Any]:
        """The analysis in a few figures, ready for JSON.

        Returns:
            `contracts`, `with_iv`, `ok` (rows without any flag), `flags` (rows by flag name), `expiries`, `underlyings`,
            `sources` (expiries by source), `median_half_spread_vol` (half of iv_ask − iv_bid over the rows that have
            both, None where there is none), `seconds`.
        """
        flags, half_spread = self["flags"], (self["iv_ask"] - self["iv_bid"]) / 2
        half_spread = half_spread[np.isfinite(half_spread)]
        sources = self.expiries["source"].tolist()
        return {
            "contracts": len(self),
            "with_iv": int(np.isfinite(self["iv_mid"]).sum()),
            "ok": int((flags == 0).sum()),
            "flags": _flag_counts(flags),
            "expiries": len(self.expiries),
            "underlyings": sorted({str(name) for name in self.expiries["underlying"]}),
            "sources": {source: sources.count(source) for source in sorted(set(sources))},
            "median_half_spread_vol": float(np.median(half_spread)) if len(half_spread) else None,
            "seconds": self.seconds,
        }


def analyze(chain: Chain, *, rate: float | RateCurve | None = None, threads: int | None = None) -> Analysis:
    """Forwards, implied volatilities and Greeks of every contract in a chain.

    Contracts are valued as European on the forward F and discount D of their expiry: the spot handed to the kernels
    is the prepaid forward F·D, the yield 0, the rate −ln(D)/years. Deltas are therefore with respect to the spot
    with the dividends until expiry held as cash.

    Args:
        chain: N rows, as `read_chain` and `simulate_chain` give.
        rate: continuously compounded rate (decimal) or curve; None takes the discount from put-call parity.
        threads: threads of the kernels; None takes the package's setting.

    Returns:
        the chain's columns in order, with `flags` updated (those of an earlier analysis are found anew), and: `days`
        (365 × `years`), `forward`, `discount`, `forward_se`, `moneyness` (ln(strike/forward)), `mid` (per share, NaN
        where a side is missing or the row cannot be trusted), `iv_bid`, `iv_mid`, `iv_ask` (decimals, NaN where the
        side is missing or the price implies none), and at `iv_mid` `delta`, `gamma`, `vega` (per 1.00 of vol), `theta` (per year),
        `rho` (per 1.00 of rate, at fixed spot).

    Raises:
        InputError: not a chain, or a rate that cannot be used.
    """
    started = time.perf_counter()
    if not isinstance(chain, Chain):
        raise InputError(
            f"[market.analyze] needs a Chain, got {type(chain).__name__}: make one with read_chain"
        )
    fit = fit_forwards(chain, rate)
    columns = _values(chain, fit, threads)
    trusted = np.where(columns["flags"] == 0, columns["iv_mid"], np.nan)
    atm_vol = _atm_vols(fit.group, len(fit.expiries), columns["moneyness"], trusted, chain["right"])
    return Analysis(
        {**chain.to_dict(), **columns},
        expiries=fit.expiries.with_columns(atm_vol=atm_vol),
        seconds=time.perf_counter() - started,
        notes=(*chain.notes, *fit.expiries.notes),
        origin=chain.origin,
    )


@np.errstate(all="ignore")  # absurd strikes and spots overflow or divide to NaN, which is the answer
def _values(chain: Chain, fit: ForwardFit, threads: int | None) -> dict[str, npt.NDArray[Any]]:
    """The columns that `analyze` adds or replaces."""
    forward, discount, rate = (fit.per_contract(name) for name in ("forward", "discount", "rate"))
    years, strike = fit.per_contract("years"), chain["strike"]
    right = np.where(chain["right"] < 0, np.int8(-1), np.int8(1))  # a wrong one is priced NaN below
    contract = right, forward * discount, strike, years, rate
    bid, mid, ask = _prices(chain)
    iv_mid, status = implied_vol(mid, *contract, full_output=True, threads=threads)
    iv_mid, absurd = _without_absurd(iv_mid, years)
    first_order = greeks(*contract, iv_mid, order=1, threads=threads)
    flags = quote_flags_only(chain["flags"]) | _STATUS_FLAGS[status]
    return {
        "flags": flags | np.where(absurd, np.uint32(QualityFlag.NO_IV), np.uint32(0)),
        "days": 365 * chain["years"],
        "forward": forward,
        "discount": discount,
        "forward_se": fit.per_contract("forward_se"),
        "moneyness": np.log(strike / forward),
        "mid": mid,
        "iv_bid": _without_absurd(implied_vol(bid, *contract, threads=threads), years)[0],
        "iv_mid": iv_mid,
        "iv_ask": _without_absurd(implied_vol(ask, *contract, threads=threads), years)[0],
        **{name: first_order[name] for name in _GREEKS},
    }


def _without_absurd(vol: Floats, years: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Volatilities with NaN in the place of those that no market implies, and where those are."""
    absurd = (vol > _LARGEST_VOL) & (vol * np.sqrt(years) > _LARGEST_DEVIATION)
    return np.where(absurd, np.nan, vol), absurd


def _prices(chain: Chain) -> tuple[Floats, Floats, Floats]:
    """Bid, mid and ask; NaN where a side is missing, and on rows that cannot be trusted."""
    bid, ask = chain["bid"], chain["ask"]
    usable = ((chain["flags"] & np.uint32(_UNUSABLE)) == 0) & ~(bid > ask) & (np.abs(chain["right"]) == 1)
    bid = np.where(usable & (bid > 0), bid, np.nan)
    ask = np.where(usable & (ask > 0), ask, np.nan)
    return bid, bid / 2 + ask / 2, ask  # so that two huge quotes do not overflow


def _atm_vols(
    group: npt.NDArray[np.int64], size: int, moneyness: Floats, vol: Floats, right: Floats
) -> Floats:
    """(G,) volatility at the forward, linear in log moneyness between the nearest out-of-the-money rows."""
    rows = np.flatnonzero(np.isfinite(vol))
    rows = rows[moneyness[rows] * right[rows] >= 0]
    rows = rows[np.lexsort((moneyness[rows], group[rows]))]
    ends = np.cumsum(np.bincount(group[rows], minlength=size))
    starts = ends - np.bincount(group[rows], minlength=size)
    above = starts + np.bincount(group[rows], moneyness[rows] < 0, minlength=size).astype(np.int64)
    some = ends > starts
    lower, upper = (rows[np.clip(at, starts, ends - 1)[some]] for at in (above - 1, above))
    gap = moneyness[upper] - moneyness[lower]
    share = np.clip(np.divide(-moneyness[lower], gap, out=np.zeros(len(gap)), where=gap > 0), 0, 1)
    vols = np.full(size, np.nan)
    vols[some] = vol[lower] + share * (vol[upper] - vol[lower])
    return vols


def _flag_counts(flags: npt.NDArray[np.uint32]) -> dict[str, int]:
    counts = {str(flag.name).lower(): int(((flags & flag.value) != 0).sum()) for flag in QualityFlag if flag}
    return {name: count for name, count in counts.items() if count}
