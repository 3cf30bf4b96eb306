"""The book that is measured: 200 American positions on a payer of quarterly dividends. Main entry: `dividend_book`."""

from __future__ import annotations

from typing import Any

import numpy as np

from atalanta.market.analysis import analyze
from atalanta.market.reading.readers import read_chain
from atalanta.market.table import Table
from atalanta.pricing import price
from atalanta.risk import Book, Portfolio

__all__ = ["DIVIDENDS", "RATE", "SPOT", "dividend_book"]

SPOT, RATE = 100.0, 0.04
QUOTE_TIME = "2026-01-14T20:45:00Z"

#: (ex-date, cash) of the underlying: four a year.
DIVIDENDS = tuple(
    (day, 0.6)
    for day in (
        "2026-02-17",
        "2026-05-18",
        "2026-08-17",
        "2026-11-16",
        "2027-02-16",
        "2027-05-17",
        "2027-08-16",
    )
)

_EXPIRIES = ("2026-02-20", "2026-04-17", "2026-07-17", "2026-12-18", "2027-06-17")


def dividend_book(seed: int = 7, strikes: int = 20) -> Portfolio:
    """A call and a put at every strike of five expiries, long and short, valued in a market that quotes them all.

    Args:
        seed: of the quantities.
        strikes: of each expiry, from 80 % to 125 % of the spot; 20 make 200 positions.
    """
    strike = np.round(np.linspace(80.0, 125.0, strikes) * 2) / 2
    grid = [(day, right, k) for day in _EXPIRIES for k in strike.tolist() for right in ("call", "put")]
    columns = {
        "underlying": ["PAYER"] * len(grid),
        "expiry": [day for day, _, _ in grid],
        "right": [right for _, right, _ in grid],
        "strike": [k for _, _, k in grid],
    }
    wide = {**columns, "bid": np.full(len(grid), 1.0), "ask": np.full(len(grid), 1.1)}
    given: dict[str, Any] = {"spot": SPOT, "quote_time": QUOTE_TIME, "exercise": "american"}
    years = read_chain(wide, **given)["years"]
    vol = 0.25 - 0.10 * np.log(np.array(columns["strike"]) / SPOT)
    payer = {"PAYER": list(DIVIDENDS)}
    schedule = list(
        zip(*(_paid(wide, given, payer)[name].tolist() for name in ("years", "cash")), strict=True)
    )
    mid = price(
        columns["right"], SPOT, columns["strike"], years, RATE, vol, exercise="american", dividends=schedule,
        tolerance="precise",
    )  # fmt: skip
    quoted = {**columns, "bid": np.maximum(mid - 0.005, 1e-4), "ask": mid + 0.005}
    analysis = analyze(read_chain(quoted, **given), rate=RATE, dividends=payer, tolerance="precise")
    quantity = np.random.default_rng(seed).integers(-10, 10, len(grid))
    book = Book.read(
        {"symbol": analysis["symbol"], "quantity": np.where(quantity >= 0, quantity + 1, quantity)}
    )
    return Portfolio(book, analysis)


def _paid(columns: dict[str, Any], given: dict[str, Any], payer: dict[str, Any]) -> Table:
    """The dividends ahead, as the analysis counts their years."""
    return analyze(read_chain(columns, **given), rate=RATE, dividends=payer).dividends
