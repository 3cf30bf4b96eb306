"""The instruments of a stream: underlyings and contracts, each with a key. Main entry: `Universe`."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.analysis import Analysis, analyze
from atalanta.market.chain import Chain
from atalanta.market.flags import QualityFlag
from atalanta.market.table import Table
from atalanta.streaming.contract_columns import (
    CONTRACT_COLUMNS,
    GROUPED_BY,
    dividend_schedules,
    nanoseconds,
    ordered_contracts,
    spot_of,
)
from atalanta.streaming.records import EVENT

__all__ = ["Universe"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ORIGIN = "streaming.Universe"


class Universe:
    """Underlyings and contracts in the order of their keys: underlyings first, then contracts by expiry and strike.

    Args:
        underlyings: ticker to price before its first tick (NaN where unknown), per share.
        contracts: N rows with `symbol, underlying, expires_at` (instant, UTC), `exercise` ('european' or 'american'),
            `right` (+1 or -1), `strike` (per share), `multiplier`; and, where they are known, `vol` (to begin with;
            decimal), `rate`, `dividend_yield` (continuously compounded, to the expiry), `scale` (what is priced on, by
            the price that ticks, to begin with; 1 without it) and `root`. Those of an expiry must agree on rate, yield and scale.
        dividends: ticker to [(ex-date as an instant, cash per share), ...]; for American contracts.

    Raises:
        InputError: a column is missing, a symbol comes twice or is blank, or a value cannot be used.
    """

    def __init__(
        self,
        underlyings: Mapping[str, float],
        contracts: Table | Mapping[str, npt.ArrayLike] | None = None,
        dividends: Mapping[str, Sequence[tuple[Any, float]]] | None = None,
    ) -> None:
        if not underlyings:
            raise InputError(f"[{_ORIGIN}] there is no underlying: give at least one, with its price or NaN")
        if not isinstance(underlyings, Mapping):
            raise InputError(
                f"[{_ORIGIN}] underlyings is {reprlib.repr(underlyings)}; it must be a mapping, {{ticker: price or NaN}}"
            )
        self.tickers = tuple(str(name) for name in underlyings)
        self.spots = np.array([spot_of(str(name), value) for name, value in underlyings.items()])
        self.contracts = ordered_contracts(contracts, self.tickers)
        self.symbols = (*self.tickers, *(str(name) for name in self.contracts["symbol"]))
        self._keys = {name: key for key, name in enumerate(self.symbols)}
        if len(self._keys) < len(self.symbols):
            seen: set[str] = set()
            twice = next(name for name in self.symbols if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise InputError(f"[{_ORIGIN}] the symbol {twice!r} comes twice; keep one of them")
        bad = [name for name in self.symbols if not name.strip() or len(name.splitlines()) > 1]
        if bad:
            raise InputError(f"[{_ORIGIN}] a symbol is {bad[0]!r}; give every instrument a name of one line")
        self._dividends = dividend_schedules(dividends or {}, self.tickers)

    @classmethod
    def from_chain(
        cls,
        chain: Chain,
        *,
        spots: Mapping[str, float] | None = None,
        analysis: Analysis | None = None,
        **terms: Any,
    ) -> Self:
        """The contracts of a chain, with the forwards, carry and volatilities that its quotes imply.

        Args:
            chain: N quotes; expired, unusable and repeated ones are left out, as are expiries without a forward.
            spots: price of each underlying, where those that will tick differ from the chain's own.
            analysis: of this chain, where it is there already.
            **terms: as `analyze` takes them: rate, dividends, borrow, tolerance.

        Raises:
            InputError: as `analyze`; or nothing is left.
        """
        found = analyze(chain, **terms) if analysis is None else analysis
        usable = (found["years"] > 0) & np.isfinite(found["forward"]) & (found["forward"] > 0)
        usable &= (found["flags"] & (QualityFlag.BAD_CONTRACT | QualityFlag.EXPIRED)) == 0
        _, first = np.unique(found["symbol"].astype(str), return_index=True)
        once = np.zeros(len(found), dtype=bool)
        once[first] = True
        rows = found.take(usable & once)
        if len(rows) == 0:
            raise InputError(
                f"[{_ORIGIN}] no contract of the chain can be used: all are expired or without a forward"
            )
        names = list(dict.fromkeys(str(name) for name in rows["underlying"]))
        known = {name: _first_finite(rows["spot"][rows["underlying"] == name]) for name in names}
        known.update({name: float(value) for name, value in (spots or {}).items() if name in known})
        american = rows["exercise"] == "american"
        discount, years = rows["discount"], rows["years"]
        spot = np.array([known[str(name)] for name in rows["underlying"]])
        with np.errstate(all="ignore"):
            rate = -np.log(discount) / years
            on = np.where(american, rows["implied_spot"], rows["forward"] * discount)
            scale = on / spot
        sound = np.isfinite(scale) & (scale > 0.0)
        columns = {name: rows[name] for name in (*CONTRACT_COLUMNS, "root")}
        columns |= {
            "vol": _vols_to_begin_with(rows),
            "rate": np.where(
                np.abs(rate) <= 1.0, rate, 0.0
            ),  # minutes before the expiry a discount tells no rate
            "dividend_yield": np.where(american & (np.abs(rows["borrow"]) <= 1.0), rows["borrow"], 0.0),
            "scale": np.where(sound, scale, 1.0),
        }
        return cls(known, Table(columns), _dividends_of(found))

    def __len__(self) -> int:
        return len(self.symbols)

    def __repr__(self) -> str:
        return f"<Universe: {len(self.tickers)} underlyings, {len(self.contracts):,} contracts>"

    def key(self, symbol: str) -> int:
        """The key of an underlying or a contract.

        Raises:
            InputError: there is none of that symbol.
        """
        try:
            return self._keys[symbol]
        except KeyError:
            raise InputError(
                f"[{_ORIGIN}] {symbol!r} is no symbol of this universe of {len(self):,}"
            ) from None

    def keys(self, symbols: Iterable[object], unknown: int | None = None) -> npt.NDArray[np.uint32]:
        """(N,) keys of N symbols; `unknown` in the place of those that are not there, which are errors without it."""
        if unknown is None:
            return np.array([self.key(str(name)) for name in symbols], dtype=np.uint32)
        return np.array([self._keys.get(str(name), unknown) for name in symbols], dtype=np.uint32)

    def events(
        self, key: npt.ArrayLike, bid: npt.ArrayLike, ask: npt.ArrayLike, **columns: npt.ArrayLike
    ) -> Any:
        """Events as `Stream.push_many` takes them; all broadcast together.

        Args:
            key: (N,) keys, or symbols.
            bid: (N,) per share; of a trade its price.
            ask: (N,) per share.
            **columns: others of `EVENT`; `sides` is 3 and all else 0 without them.

        Raises:
            InputError: a column that EVENT does not have, a value that its field cannot hold, or shapes that do not fit.
        """
        keys = np.asarray(key)
        if keys.dtype.kind in "OU":
            keys = self.keys(keys.ravel()).reshape(keys.shape)
        elif keys.size == 0:
            keys = keys.astype(np.uint32)  # an empty list is no list of floats here
        given = {"key": keys, "bid": bid, "ask": ask, "sides": 3, **columns}
        for name in given:
            if name not in (EVENT.names or ()):
                raise InputError(
                    f"[{_ORIGIN}.events] there is no column {name!r}; EVENT has {', '.join(EVENT.names or ())}"
                )
        try:
            shape = np.broadcast_shapes(*(np.shape(column) for column in given.values()))
            made = np.zeros(shape if shape else (1,), dtype=EVENT)
            for name, column in given.items():
                _require_whole(name, column)
                made[name] = column
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"[{_ORIGIN}.events] the columns do not fit together: {error}") from error
        return made.ravel()

    def expiries(self) -> Table:
        """G rows with `underlying, root, expires_at, exercise`: the groups of contracts that share a forward."""
        starts = self._group_starts()
        names = ("underlying", "root", "expires_at", "exercise")
        return Table({name: self.contracts[name][starts] for name in names})

    def native(self) -> dict[str, Any]:
        """What the engine is given."""
        table, offsets = self.contracts, [0]
        ex: list[int] = []
        cash: list[float] = []
        for name in self.tickers:
            for instant, amount in self._dividends.get(name, ()):
                ex.append(instant)
                cash.append(amount)
            offsets.append(len(ex))
        starts = self._group_starts()
        counts = np.diff(np.append(starts, len(table)))
        place = {name: index for index, name in enumerate(self.tickers)}
        return {
            "right": table["right"],
            "strike": table["strike"],
            "multiplier": table["multiplier"],
            "vol": table["vol"],
            "group_underlying": np.array(
                [place[str(n)] for n in table["underlying"][starts]], dtype=np.uint32
            ),
            "group_count": counts.astype(np.uint32),
            "group_expires_ns": nanoseconds(table["expires_at"][starts]),
            "group_rate": table["rate"][starts],
            "group_yield": table["dividend_yield"][starts],
            "group_scale": table["scale"][starts],
            "group_american": (table["exercise"][starts] == "american").astype(np.uint8),
            "spot": self.spots,
            "dividend_offsets": np.array(offsets, dtype=np.uint64),
            "dividend_ex_ns": np.array(ex, dtype=np.int64),
            "dividend_cash": np.array(cash, dtype=np.float64),
        }

    def _group_starts(self) -> Ints:
        table = self.contracts
        if len(table) == 0:
            return np.zeros(0, dtype=np.int64)
        changes = np.zeros(len(table) - 1, dtype=bool)
        for name in GROUPED_BY:
            changes |= table[name][1:] != table[name][:-1]
        return np.concatenate([[0], np.flatnonzero(changes) + 1])


def _require_whole(name: str, column: npt.ArrayLike) -> None:
    """NumPy would cut fractions off, and let numbers beyond the field's begin anew."""
    values, field = np.asarray(column), EVENT[name]
    if field.kind not in "iu" or values.size == 0 or values.dtype.kind not in "iufb":
        return
    limits = np.iinfo(field)
    if values.dtype.kind == "f":
        sound = np.isfinite(values) & (values == np.floor(values))
        sound &= (values >= float(limits.min)) & (values < float(limits.max) + 1.0)
    else:
        sound = (values >= limits.min) & (values <= limits.max)
    if not sound.all():
        bad = values[~sound].ravel()[0].item()
        raise InputError(
            f"[{_ORIGIN}.events] {name} holds {bad!r}; it must be a whole number from {limits.min} to {limits.max}"
        )


def _vols_to_begin_with(rows: Table) -> Floats:
    """The mid volatility of a sound quote, else that at the strike between the sound ones of the expiry."""
    sound = (rows["flags"] == 0) & np.isfinite(rows["iv_mid"])
    vol = np.where(sound, rows["iv_mid"], np.nan)
    _, group = np.unique(
        np.array(
            [
                f"{u}|{e}|{r}"
                for u, e, r in zip(rows["underlying"], rows["expires_at"], rows["root"], strict=True)
            ]
        ),
        return_inverse=True,
    )
    # Out of the money options tell the volatility of a strike best.
    trusted = sound & (rows["right"] * (rows["strike"] - rows["forward"]) >= 0)
    for each in range(int(group.max()) + 1):
        mine, known = (group == each) & ~sound, (group == each) & trusted
        if mine.any() and known.any():
            order = np.argsort(rows["strike"][known], kind="stable")
            vol[mine] = np.interp(
                rows["strike"][mine], rows["strike"][known][order], rows["iv_mid"][known][order]
            )
    return vol


def _first_finite(values: Floats) -> float:
    found = values[np.isfinite(values)]
    return float(found[0]) if len(found) else float("nan")


def _dividends_of(analysis: Analysis) -> dict[str, list[tuple[Any, float]]]:
    """Ex-dates as the instants at which the market opens."""
    from atalanta.market.contracts.sessions import opens

    used = analysis.dividends
    found: dict[str, list[tuple[Any, float]]] = {}
    for name, day, cash in zip(used["underlying"], used["ex_date"], used["cash"], strict=True):
        instant = opens(np.array([day], dtype="M8[D]"))[0]
        schedule = found.setdefault(str(name), [])
        if all(instant != known for known, _ in schedule):
            schedule.append((instant, float(cash)))
    return found
