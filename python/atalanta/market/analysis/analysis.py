"""Analysis: a chain turned into forwards, implied volatilities and Greeks, one row per contract.

Main entry: `analyze`. European rows are valued on the fitted forward, American ones on the spot that it implies; a
row without a volatility at the mid always carries a flag that says so.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atalanta.buffers import default_pool
from atalanta.compute.valuation import quarantine
from atalanta.errors import InputError
from atalanta.market.analysis.carry import Borrow
from atalanta.market.analysis.devices import device_notes
from atalanta.market.analysis.forwards import ForwardFit, fit_forwards
from atalanta.market.analysis.parity import quote_flags_only
from atalanta.market.analysis.row_values import batches, joined, quoted, values
from atalanta.market.chain import Chain
from atalanta.market.curves import RateCurve
from atalanta.market.flags import QualityFlag
from atalanta.market.table import Table
from atalanta.pricing import ImpliedVolStatus
from atalanta.pricing.valuation import Tolerance
from atalanta.reliability.events import collecting

__all__ = ["Analysis", "analyze"]

Floats = npt.NDArray[np.float64]

#: Flags by the status that `implied_vol` gives.
_STATUS_FLAGS = np.zeros(len(ImpliedVolStatus), dtype=np.uint32)
_STATUS_FLAGS[ImpliedVolStatus.BELOW_INTRINSIC] = QualityFlag.BELOW_INTRINSIC | QualityFlag.NO_IV
_STATUS_FLAGS[ImpliedVolStatus.ABOVE_BOUND] = QualityFlag.ABOVE_BOUND | QualityFlag.NO_IV
_STATUS_FLAGS[ImpliedVolStatus.BAD_INPUT] = QualityFlag.NO_IV


class Analysis(Table):
    """A chain's columns and what was computed from them; see `analyze`.

    Attributes:
        expiries: one row per expiry, as in `ForwardFit`, and `atm_vol`, the volatility at the
            forward between the nearest rows without a flag; NaN where there is none.
        dividends: those that were taken into account: `underlying, quote_time, ex_date, years, cash`.
        outside: underlyings of which all dividends given lie before the quotes or after the last expiry.
        seconds: wall time of the analysis.
    """

    __slots__ = ("dividends", "expiries", "outside", "seconds")

    expiries: Table
    dividends: Table
    outside: tuple[str, ...]
    seconds: float

    def __init__(
        self,
        columns: Mapping[str, npt.ArrayLike],
        *,
        expiries: Table,
        dividends: Table,
        outside: tuple[str, ...] = (),
        seconds: float = 0.0,
        notes: tuple[str, ...] = (),
        origin: str = "polars",
    ) -> None:
        super().__init__(columns, notes=notes, origin=origin)
        self.expiries, self.dividends, self.outside = expiries, dividends, outside
        self.seconds = seconds

    def _replace(self, columns: Mapping[str, npt.ArrayLike]) -> Self:
        table = super()._replace(columns)
        table.expiries, table.dividends, table.outside = self.expiries, self.dividends, self.outside
        table.seconds = self.seconds
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


def analyze(
    chain: Chain,
    *,
    rate: float | RateCurve | None = None,
    dividends: Any = None,
    borrow: Borrow = None,
    tolerance: Tolerance | None = None,
    threads: int | None = None,
) -> Analysis:
    """Forwards, implied volatilities and Greeks of every contract in a chain.

    European contracts are valued on the forward F and discount D of their expiry: the spot handed to the kernels
    is the prepaid forward F·D, the yield 0, the rate −ln(D)/years; their deltas are with respect to the spot with
    the dividends until expiry held as cash. American contracts are valued on the spot that F implies, which falls by
    each dividend at its ex-date; their deltas are with respect to that spot.

    Args:
        chain: N rows, as `read_chain` and `simulate_chain` give.
        rate: continuously compounded rate (decimal) or curve; None takes `market.rate` of the configuration, and the
            discount from put-call parity where there is none.
        dividends: cash per share by ex-date: a CSV or Parquet file or a data frame with the columns `ex_date`, `cash`
            and, where the chain holds several underlyings, `underlying`; or {ticker: [(ex_date, cash), ...]}.
        borrow: continuous cost of borrowing the share (decimal), for all underlyings or {ticker: cost}; None takes
            `market.borrow` of the configuration.
        tolerance: of American prices: 'fast', 'standard', 'precise' or a number, as `price` takes it; None takes
            `market.tolerance` of the configuration, 'standard' without one.
        threads: threads of the kernels; None takes the package's setting.

    Returns:
        the chain's columns in order, with `flags` updated (those of an earlier analysis are found anew), and: `days`
        (365 × `years`), `forward`, `discount`, `forward_se`, `moneyness` (ln(strike/forward)), `mid` (per share, NaN
        where a side is missing or the row cannot be trusted), `iv_bid`, `iv_mid`, `iv_ask` (decimals, NaN where the
        side is missing or the price implies none), at `iv_mid` `delta`, `gamma`, `vega` (per 1.00 of vol), `theta`
        (per year), `rho` (per 1.00 of rate, at fixed spot), and what leads from spot to forward: `implied_spot` (per
        share), `borrow` (a yield), `dividend_value` (per share, of the dividends before the expiry).

    Raises:
        InputError: not a chain, or a rate, dividends, a borrow cost or a tolerance that cannot be used.
    """
    started = time.perf_counter()
    if not isinstance(chain, Chain):
        raise InputError(
            f"[market.analyze] needs a Chain, got {type(chain).__name__}: make one with read_chain"
        )
    with default_pool.numpy(tag="analysis", fall_back=True), collecting() as events:
        fit = fit_forwards(
            chain, rate, dividends=dividends, borrow=borrow, tolerance=tolerance, threads=threads
        )
        columns = _columns(chain, fit)
        trusted = np.where(columns["flags"] == 0, columns["iv_mid"], np.nan)
        atm_vol = _atm_vols(fit.group, len(fit.expiries), columns["moneyness"], trusted, chain["right"])
        return Analysis(
            {**chain.to_dict(), **columns},
            expiries=fit.expiries.with_columns(atm_vol=atm_vol),
            dividends=fit.model.carry.used,
            outside=fit.model.carry.outside,
            seconds=time.perf_counter() - started,
            notes=(*chain.notes, *fit.expiries.notes, *device_notes(events, quarantine())),
            origin=chain.origin,
        )


@np.errstate(all="ignore")  # absurd strikes and spots overflow or divide to NaN, which is the answer
def _columns(chain: Chain, fit: ForwardFit) -> dict[str, npt.NDArray[Any]]:
    """The columns that `analyze` adds or replaces."""
    quotes = quoted(chain)
    parts = [(batch, values(batch, quotes.take(batch.rows))) for batch in batches(chain, fit)]
    found = joined(len(chain), parts)
    flags = quote_flags_only(chain["flags"]) | _STATUS_FLAGS[found.status]
    named = found._asdict()
    del named["status"], named["absurd"]
    forward = fit.per_contract("forward")
    return {
        "flags": flags | np.where(found.absurd, np.uint32(QualityFlag.NO_IV), np.uint32(0)),
        "days": 365 * chain["years"],
        "forward": forward,
        "discount": fit.per_contract("discount"),
        "forward_se": fit.per_contract("forward_se"),
        "moneyness": np.log(chain["strike"] / forward),
        "mid": quotes.mid,
        **named,
        **{name: fit.per_contract(name) for name in ("implied_spot", "borrow", "dividend_value")},
    }


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
