"""A report as one JSON document. Main entries: `report_document`, `dumps`.

Numbers keep the library's raw units, which the document states; NaN and infinity become null.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.cli.assignments import picked, reason
from atalanta.cli.report import Report, worst_rows
from atalanta.cli.version import package_version
from atalanta.market.flags import flag_names
from atalanta.market.table import Table

__all__ = ["dumps", "plain_column", "records", "report_document"]

UNITS = {
    "strike, bid, ask, mid, spot, forward, implied_spot, dividend_value, cash, cost": "currency per share",
    "borrow": "continuous cost of borrowing the share, decimal per year",
    "years": "ACT/365 to the expiry instant",
    "days": "calendar days to the expiry instant, 365 times the years",
    "rate": "continuously compounded, decimal",
    "iv_bid, iv_mid, iv_ask, atm_vol": "decimal per square root of a year",
    "moneyness": "ln(strike / forward)",
    "delta, gamma": "per 1.00 of the spot",
    "vega": "per 1.00 vol",
    "theta": "per year",
    "rho": "per 1.00 of the rate",
}

_WORST = 50
_ROW_COLUMNS = (
    *(
        "underlying",
        "symbol",
        "quote_time",
        "expiry",
        "settlement",
        "days",
        "right",
        "strike",
        "bid",
        "mid",
        "ask",
        "forward",
    ),
    *("moneyness", "iv_bid", "iv_mid", "iv_ask", "delta", "gamma", "vega", "theta", "rho", "flags"),
)


def report_document(report: Report) -> dict[str, Any]:
    """Everything the report knows, in plain types.

    Args:
        report: what was analysed.

    Returns:
        A document that `dumps` writes; the names and units are described in docs/rooms/cli.md.
    """
    analysis = report.analysis
    at_the_money = [row for smile in report.slices for row in smile.at_the_money()]
    return {
        "atalanta": package_version(),
        "command": report.command,
        "source": report.source,
        "warnings": list(report.warnings()),
        "notes": list(analysis.notes),
        "units": UNITS,
        "summary": analysis.summary(),
        "stages": [stage.as_dict() for stage in report.stages],
        "expiries": records(analysis.expiries),
        "dividends": records(analysis.dividends),
        "assignments": _assignments(report.assignments),
        "at_the_money": _rows(analysis, np.array(at_the_money, dtype=np.intp)),
        "worst": _rows(analysis, worst_rows(analysis, _WORST)),
        "machine": report.machine.as_dict(),
        **report.checks,
    }


def _assignments(found: Table) -> list[dict[str, Any]]:
    """The options worth exercising that the screen would show, each with its reason."""
    rows = picked(found, _WORST)
    return [
        {**record, "reason": reason(found, int(row))}
        for row, record in zip(rows, records(found.take(rows)), strict=True)
    ]


def dumps(document: dict[str, Any], *, indent: int | None = 1) -> str:
    """The document as JSON text; NaN and infinity become null. Without an indent it is one line."""
    return json.dumps(_plain(document), indent=indent, ensure_ascii=False, allow_nan=False)


def records(table: Table) -> list[dict[str, Any]]:
    """The rows of a table as dictionaries of plain values; instants as ISO 8601 in UTC."""
    columns = [plain_column(table[name]) for name in table.columns]
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _rows(table: Table, rows: npt.NDArray[np.intp]) -> list[dict[str, Any]]:
    chosen = Table({name: table[name][rows] for name in _ROW_COLUMNS})
    names = flag_names(chosen["flags"]).tolist() if len(rows) else []
    return [
        {**record, "flags": flags.split("|")} for record, flags in zip(records(chosen), names, strict=True)
    ]


def plain_column(column: npt.NDArray[Any]) -> list[Any]:
    """A column in plain values: None for NaN and unknown instants, dates and instants as ISO 8601 in UTC."""
    values: list[Any] = column.tolist()
    if column.dtype.kind == "f":
        return [None if math.isnan(value) else value for value in values]
    if column.dtype.kind != "M":
        return values
    zone = "" if np.datetime_data(column.dtype)[0] == "D" else "Z"
    seconds = column.astype("M8[s]")
    exact = seconds if zone and bool(np.all((seconds == column) | np.isnat(column))) else column
    return [None if text == "NaT" else text + zone for text in np.datetime_as_string(exact).tolist()]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
