"""The smiles as one HTML file that needs no network. Main entry: `smile_page`.

Numbers and texts travel as JSON inside the page and are put on screen as text only; the page's own policy
forbids it to load anything.
"""

from __future__ import annotations

import html
import json
import re
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from atalanta.cli.assignments import headlines, picked, reason
from atalanta.cli.document import dumps, records
from atalanta.cli.report import Report, Slice
from atalanta.cli.version import package_version
from atalanta.market.flags import flag_names

__all__ = ["smile_page"]

_CONTRACT_COLUMNS = ("symbol", "right", "strike", "bid", "ask", "moneyness", "iv_bid", "iv_mid", "iv_ask")
_REASONS = 20
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def smile_page(report: Report) -> str:
    """Draw every expiry of the report.

    Args:
        report: what was analysed.

    Returns:
        The text of the page.
    """
    template = resources.files("atalanta.cli").joinpath("smile_page.html").read_text(encoding="utf-8")
    summary = report.analysis.summary()
    parts = {
        "title": html.escape(f"Implied volatility: {', '.join(report.underlyings()) or 'no contracts'}"),
        "source": html.escape(report.source),
        "counts": html.escape(
            f"{summary['contracts']:,} contracts, {summary['expiries']:,} expiries, "
            f"{summary['with_iv']:,} with an implied vol, {summary['ok']:,} without any flag"
        ),
        "warnings": "\n".join(f'<p class="warning">{html.escape(text)}</p>' for text in report.warnings()),
        "version": html.escape(package_version()),
        "assignments": _items(_assignments(report)),
        "dividends": _items(_dividends(report)),
        "notes": _items(report.analysis.notes),
        "flags": _items(f"{name}: {count:,}" for name, count in summary["flags"].items()),
        "data": _script_json({"slices": _slices(report)}),
    }
    return _PLACE.sub(lambda place: parts[place[1]], template)


def _slices(report: Report) -> list[dict[str, Any]]:
    ordered = [smile for name in report.underlyings() for smile in report.of(name)]
    expiries = records(report.analysis.expiries)
    return [{**expiries[smile.expiry], "contracts": _contracts(smile)} for smile in ordered]


def _contracts(smile: Slice) -> dict[str, list[Any]]:
    order = np.lexsort((-smile.column("right"), smile.column("strike")))
    columns = {name: _short(smile.column(name)[order]) for name in _CONTRACT_COLUMNS}
    flags = flag_names(smile.column("flags")[order]).tolist() if len(order) else []
    return {**columns, "flags": flags}


def _short(column: npt.NDArray[Any]) -> list[Any]:
    """Seven digits are enough for a screen and halve the file."""
    values: list[Any] = column.tolist()
    return [float(f"{value:.7g}") for value in values] if column.dtype.kind == "f" else values


def _assignments(report: Report) -> list[str]:
    """How many options are worth exercising early, then the reasons of some."""
    found = report.assignments
    return [*headlines(found), *(reason(found, int(row)) for row in picked(found, _REASONS))]


def _dividends(report: Report) -> list[str]:
    """Each dividend once, whatever the number of snapshots."""
    paid = report.analysis.dividends
    rows = zip(paid["underlying"], paid["ex_date"], paid["cash"], strict=True)
    return list(dict.fromkeys(f"{name} {day}: {cash:g}" for name, day, cash in rows))


def _items(texts: Any) -> str:
    return "\n".join(f"<li>{html.escape(str(text))}</li>" for text in texts) or "<li>none</li>"


def _script_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in, nor open a comment or a tag."""
    text = json.dumps(json.loads(dumps(value)), separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
