"""The scenario grid of a book on a running stream: its spots and volatilities, read from kept ladders. Main entry: `StreamGrid`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from atalanta.errors import InputError
from atalanta.risk.grid import Grid
from atalanta.risk.live import LiveGrid
from atalanta.risk.portfolio import Portfolio
from atalanta.streaming.stream import Stream

__all__ = ["StreamGrid"]

_ORIGIN = "streaming.StreamGrid"


class StreamGrid:
    """Spot by volatility, by full revaluation, at what the stream knows now.

    A reading takes some hundred microseconds on the caller's thread and costs the engine nothing; ladders are rebuilt
    behind, and every grid tells their age. Contracts that the stream does not have, and those without a volatility so far, keep the portfolio's.

    Args:
        stream: its universe should hold the contracts of the book.
        portfolio: the book and the market at the start.
        **settings: as `LiveGrid` takes them: spots, vols, sticky, horizon, tolerances.

    Attributes:
        missing: symbols of the book that the stream does not have.

    Raises:
        InputError: no stream or no portfolio, or as `LiveGrid`.
    """

    def __init__(self, stream: Stream, portfolio: Portfolio, **settings: Any) -> None:
        if not isinstance(stream, Stream):
            raise InputError(f"[{_ORIGIN}] stream is {stream!r}; it must be a Stream")
        if not isinstance(portfolio, Portfolio):
            raise InputError(
                f"[{_ORIGIN}] portfolio is {portfolio!r}; it must be a Portfolio(book, analysis)"
            )
        self.stream, self.portfolio = stream, portfolio
        self._grid = LiveGrid(portfolio, **settings)
        names, first = portfolio.book.names(), len(stream.universe.tickers)
        self._vol = portfolio.options.vol.copy()
        unknown = (1 << 32) - 1
        options = np.flatnonzero(portfolio.contract >= 0)
        keys = stream.universe.keys(names[options], unknown=unknown).astype(np.int64)
        there = (keys != unknown) & (keys >= first)
        self._option, self._row = portfolio.contract[options[there]], keys[there] - first
        self.missing = tuple(dict.fromkeys(str(name) for name in names[options[~there]]))

    def value(self) -> Grid:
        """The grid now; see `LiveGrid.value`."""
        vol = self.stream.contracts()["vol"][self._row]
        known = np.isfinite(vol) & (vol > 0.0)
        self._vol[self._option[known]] = vol[known]
        spots = self.stream.underlyings()
        of_book = {
            str(name): float(spot)
            for name, spot in zip(spots["underlying"], spots["spot"], strict=True)
            if name in self.portfolio.underlyings and np.isfinite(spot) and spot > 0.0
        }
        return self._grid.value(of_book, self._vol)

    def close(self) -> None:
        """Wait for a build under way."""
        self._grid.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
