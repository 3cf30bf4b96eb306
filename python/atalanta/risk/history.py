"""Joint moves of spots and volatilities in the past, for historical simulation. Main entry: `History`.

A row is a day: what every series had gained since so many sessions before. Nothing is scaled by the root of time: ten-day
moves are taken over ten days, overlapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from atalanta.errors import InputError
from atalanta.market.reading.cells import numbers
from atalanta.market.reading.files import open_columns
from atalanta.market.reading.instants import dates

__all__ = ["MARKET", "History", "JointMoves", "Scaling"]

_ORIGIN = "[risk.History]"
Floats = npt.NDArray[np.float64]

#: The series that underlyings without one of their own follow, share for share.
MARKET = "MARKET"

_DATE_HEADERS = ("date", "day", "timestamp", "time")
_VOL_ENDINGS = ("_vol", "_iv", "_vix")
_MARKET_NAMES = ("market", "close", "adjclose", "spx", "gspc", "spy")
_MARKET_VOLS = ("vix", "vol", "iv", "vxo")
#: Of a file of daily bars the closes are the series: its highs and lows are no underlyings.
_CLOSES = {"close", "adjclose"}
_BARS = {"open", "high", "low", "volume"}
_LARGEST_MOVE = 20.0
_LISTED = 5
_DECAY = 0.94  # of variances, a day

Scaling = Literal["none", "volatility"]


@dataclass(frozen=True, slots=True)
class JointMoves:
    """M dated scenarios for U underlyings.

    Attributes:
        dates: (M,) datetime64[D] on which each move ended.
        spot: (U, M) changes as decimals.
        vol: (U, M) changes of volatilities, as shares of themselves.
    """

    dates: npt.NDArray[np.datetime64]
    spot: Floats
    vol: Floats


@dataclass(frozen=True, eq=False)
class History:
    """Daily closes of spots and volatilities.

    Attributes:
        dates: (T,) datetime64[D], ascending.
        spots: ticker to (T,) closes; `MARKET` is what all others follow.
        vols: ticker to (T,) volatility levels in any unit; `MARKET` likewise; may be empty: then volatilities stay.
        label: what reports call it.
        notes: what was mapped and left out.
    """

    dates: npt.NDArray[np.datetime64]
    spots: Mapping[str, Floats]
    vols: Mapping[str, Floats]
    label: str = "history"
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.dates)

    @classmethod
    def read(cls, source: Any) -> Self:
        """Read closes.

        Args:
            source: a `.csv` or `.parquet` file, data frame or mapping of columns with a `date`; a column of closes per
                ticker, or one called `close`, `SPX` or `market` for all; volatility levels in `TICKER_vol` or, for
                all, `VIX` or `vol`. Rows in which a series is missing are left out.

        Raises:
            InputError: unreadable, no date, no closes, dates twice, closes that are not positive, or fewer than three rows.
        """
        if isinstance(source, cls):
            return source
        try:
            table = open_columns(source)
        except InputError as error:
            text = str(error).removeprefix("[market.read_chain] ")
            raise InputError(f"{_ORIGIN} {text}") from error.__cause__
        by_key = {_key(column.name): column for column in table.columns}
        day = next((by_key[name] for name in _DATE_HEADERS if name in by_key), None)
        if day is None:
            raise InputError(
                f"{_ORIGIN} {table.label} has no column for the date (looked for: {', '.join(_DATE_HEADERS)}; found: "
                f"{', '.join(table.names)})"
            )
        when = dates(day.values)
        if when.bad.any() or np.isnat(when.values).any():
            row = int(np.flatnonzero(when.bad | np.isnat(when.values))[0])
            raise InputError(
                f"{_ORIGIN} {table.label}, row {row + 1:,}: the date cannot be read: write YYYY-MM-DD"
            )
        spots: dict[str, Floats] = {}
        vols: dict[str, Floats] = {}
        closes = not _CLOSES.isdisjoint(by_key)
        for column in table.columns:
            if column is day or (closes and _key(column.name) in _BARS):
                continue
            parsed = numbers(column.values)
            name, is_vol = _series(column.name)
            if np.isfinite(parsed.values).any() and not parsed.bad.all():
                (vols if is_vol else spots).setdefault(name, parsed.values)
        return cls._checked(when.values, spots, vols, table.label, table.notes)

    @classmethod
    def _checked(
        cls,
        days: npt.NDArray[np.datetime64],
        spots: dict[str, Floats],
        vols: dict[str, Floats],
        label: str,
        notes: tuple[str, ...],
    ) -> Self:
        if not spots:
            raise InputError(
                f"{_ORIGIN} {label} holds no closes: give a column named after the ticker, or 'close'"
            )
        whole = np.ones(len(days), dtype=bool)
        for name, series in {**vols, **spots}.items():
            if (series <= 0).any():
                raise InputError(
                    f"{_ORIGIN} {label}: {name} holds {series[series <= 0][0]:g}; closes and volatilities are above 0"
                )
            whole &= np.isfinite(series)
        order = np.argsort(days[whole], kind="stable")
        kept = days[whole][order]
        if len(kept) < 3:
            raise InputError(f"{_ORIGIN} {label} holds {len(kept)} whole rows; give at least 3")
        if (np.diff(kept) == np.timedelta64(0, "D")).any():
            twice = kept[1:][np.diff(kept) == np.timedelta64(0, "D")][0]
            raise InputError(f"{_ORIGIN} {label} holds {twice} twice: give one close a day")
        missing = int((~whole).sum())
        told = (f"{missing:,} days without a value in every series left out",) if missing else ()
        return cls(
            kept,
            {name: series[whole][order] for name, series in spots.items()},
            {name: series[whole][order] for name, series in vols.items()},
            label,
            (*notes, *told),
        )

    def moves(
        self,
        underlyings: tuple[str, ...],
        days: int = 1,
        window: int | None = None,
        scaling: Scaling = "none",
    ) -> JointMoves:
        """The moves over so many sessions, for every underlying.

        Args:
            underlyings: U tickers; one without a series follows `MARKET`, or the only series there is.
            days: sessions of a move; they overlap.
            window: the last so many moves; None for all.
            scaling: 'none', or 'volatility': each spot's moves in units of its volatility before them, brought to that
                of today (Hull and White 1998), by exponentially weighted variances.

        Raises:
            InputError: an underlying that nothing stands for, a history too short, or another word for the scaling.
        """
        if scaling not in ("none", "volatility"):
            raise InputError(f"{_ORIGIN} scaling is {scaling!r}; it must be 'none' or 'volatility'")
        counts: dict[str, Any] = {"days": days, "window": window}
        for what, count in counts.items():
            if count is not None and (
                not isinstance(count, int | np.integer) or isinstance(count, bool) or count < 1
            ):
                raise InputError(f"{_ORIGIN} {what} is {count!r}; it must be a whole number from 1 on")
        if len(self) <= days:
            raise InputError(f"{_ORIGIN} {len(self):,} days hold no move over {days:,} sessions")
        closes = [self._of(name, self.spots, "closes") for name in underlyings]
        spot = np.array([_changes(series, days) for series in closes])
        if scaling == "volatility":
            spot = np.maximum(spot * [_to_today(series, days) for series in closes], -0.9999)
        flat = np.ones(len(self))
        vol = np.array(
            [_changes(self._of(name, self.vols, "") if self.vols else flat, days) for name in underlyings]
        )
        last = slice(None) if window is None else slice(-window, None)
        shape = (len(underlyings), -1)
        return JointMoves(self.dates[days:][last], spot.reshape(shape)[:, last], vol.reshape(shape)[:, last])

    def stand_ins(self, underlyings: tuple[str, ...]) -> list[str]:
        """Which of U tickers follow another series than their own, and whose volatilities stay, in words."""
        told = []
        if not self.vols:
            told.append(f"{self.label} holds no volatilities: they stay as they are")
        for what, series in (("closes", self.spots), ("volatilities", self.vols)):
            others = [name for name in underlyings if name not in series]
            if not others or not series:
                continue
            known = MARKET if MARKET in series else next(iter(series)) if len(series) == 1 else ""
            more = f" and {len(others) - _LISTED:,} more" if len(others) > _LISTED else ""
            named = ", ".join(others[:_LISTED]) + more
            told.append(
                f"{named}: {what} follow those of {known}" if known else f"{named}: {what} stay as they are"
            )
        return told

    def _of(self, name: str, series: Mapping[str, Floats], what: str) -> Floats:
        for known in (name, MARKET):
            if known in series:
                return series[known]
        if len(series) == 1:
            return next(iter(series.values()))
        if not what:
            return np.ones(len(self))  # no volatility series of this one: its volatilities stay
        raise InputError(
            f"{_ORIGIN} {self.label} holds no {what} of {name} (found: {', '.join(series)}): add a column {name}, or one "
            "called market that stands for all others"
        )


def _key(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _series(header: str) -> tuple[str, bool]:
    """The ticker that a column is of, and whether it holds volatilities."""
    name = header.strip().removeprefix("^")
    for ending in _VOL_ENDINGS:
        if name.lower().endswith(ending):
            stem = name[: -len(ending)].upper()
            return (MARKET if _key(stem) in _MARKET_NAMES else stem), True
    if _key(name) in _MARKET_VOLS:
        return MARKET, True
    if _key(name) in _MARKET_NAMES[:3]:
        return MARKET, False
    return name.upper(), False


def _to_today(series: Floats, days: int) -> Floats:
    """By how much more volatile a series is now than it was before each of its moves."""
    daily = series[1:] / series[:-1] - 1
    variance = np.empty(len(series))  # before each day, and before the next one
    variance[0] = np.mean(daily * daily)
    for day, move in enumerate(daily.tolist()):
        variance[day + 1] = _DECAY * variance[day] + (1 - _DECAY) * move * move
    return np.asarray(np.sqrt(variance[-1] / np.maximum(variance[: len(series) - days], 1e-300)))


def _changes(series: Floats, days: int) -> Floats:
    moved = series[days:] / series[:-days] - 1
    return np.clip(moved, -0.9999, _LARGEST_MOVE)
