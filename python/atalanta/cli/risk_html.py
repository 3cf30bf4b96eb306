"""The risk report as one HTML file that needs no network and no script. Main entry: `risk_page`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from importlib import resources

import numpy as np

from atalanta.cli.heat import money, money_unit, shade
from atalanta.cli.risk import RiskReport
from atalanta.cli.screen import decimals
from atalanta.cli.version import package_version
from atalanta.market.table import Table
from atalanta.risk import Grid, in_dollars, position_flag_names
from atalanta.risk.margin import MARGIN_WORDING

__all__ = ["risk_page"]

_PLACE = re.compile(r"\{\{(\w+)\}\}")


def risk_page(report: RiskReport) -> str:
    """Everything the terminal shows, the grid of each underlying beside that of the book.

    Args:
        report: of a book.

    Returns:
        The text of the page.
    """
    template = resources.files("atalanta.cli").joinpath("risk_page.html").read_text(encoding="utf-8")
    portfolio = report.portfolio
    parts = {
        "title": html.escape(f"Risk: {report.book}"),
        "market": html.escape(report.market),
        "counts": html.escape(
            f"{len(portfolio):,} positions, {len(portfolio.options):,} contracts, {len(portfolio.underlyings):,} "
            f"underlyings, worth ${decimals(portfolio.value, 2)} by the model"
        ),
        "version": html.escape(package_version()),
        "warnings": "\n".join(f'<p class="warning">{html.escape(text)}</p>' for text in report.warnings()),
        "grids": _grids(report.grid),
        "exposures": _exposures(report),
        "tails": _tails(report),
        "stresses": _stresses(report.stresses),
        "margin": _margin(report),
        "positions": _positions(report),
        "notes": "\n".join(f"<li>{html.escape(note)}</li>" for note in report.notes()) or "<li>none</li>",
    }
    return _PLACE.sub(lambda place: parts[place[1]], template)


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """A table of plain texts, which are escaped here."""
    head = "".join(f'<th scope="col">{html.escape(header)}</th>' for header in headers)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _grids(grid: Grid) -> str:
    shocks = grid.shocks
    when = "at expiry" if np.isinf(shocks.days) else f"in {shocks.days:g} days" if shocks.days else "at once"
    spot, vol, pnl = grid.worst()
    told = (
        f"<p>Worst cell of the book: {decimals(pnl, 0)} $ at spot {100 * spot:+g} %, volatility {100 * vol:+g} "
        f"{'%' if shocks.vol_unit == 'relative' else 'points'}; {when}, sticky {shocks.sticky}.</p>"
    )
    named = {"The book": grid.pnl}
    if len(grid.by_underlying) > 1:
        named.update(grid.by_underlying)
    return told + "\n".join(_grid(name, pnl, grid) for name, pnl in named.items())


def _grid(name: str, pnl: np.ndarray, grid: Grid) -> str:
    shocks = grid.shocks
    unit, unit_name = money_unit(pnl)
    largest = float(np.nanmax(np.abs(pnl))) if np.isfinite(pnl).any() else 0.0
    mark = "%" if shocks.vol_unit == "relative" else "pt"
    head = "".join(f'<th scope="col">{100 * vol:+g} {mark}</th>' for vol in shocks.vols.tolist())
    rows = []
    for s, spot in enumerate(shocks.spots.tolist()):
        cells = "".join(_cell(float(value), largest, unit) for value in pnl[s])
        rows.append(f'<tr><th scope="row">{100 * spot:+g} %</th>{cells}</tr>')
    caption = f"{name}: P&L in {unit_name}, spot by volatility"
    return (
        f'<table class="heat"><caption>{html.escape(caption)}</caption><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _cell(value: float, largest: float, unit: float) -> str:
    ground, ink = shade(value, largest)
    style = f"background:rgb{ground};color:rgb{ink}".replace(" ", "")
    return f'<td style="{style}" title="${value:,.2f}">{money(value, unit)}</td>'


def _exposures(report: RiskReport) -> str:
    parts, totals = in_dollars(report.by_expiry), in_dollars(report.by_underlying)
    rows = []
    for u, name in enumerate(totals["underlying"].tolist()):
        own = parts.take(parts["underlying"] == name)
        for row, day in enumerate(own["expiry"]):
            rows.append((str(name), "shares" if np.isnat(day) else str(day), *_greeks(own, row)))
        rows.append((str(name), "all", *_greeks(totals, u)))
    headers = (
        *(
            "underlying",
            "expiry",
            "value $",
            "delta $ (shares × spot)",
            "gamma $ per 1 %",
            "vega $ per vol point",
        ),
        *("theta $ per day", "rho $ per 1 %"),
    )
    return _table(headers, rows)


def _greeks(table: Table, row: int) -> tuple[str, ...]:
    names = (
        "value",
        "delta_dollars",
        "gamma_dollars_1pct",
        "vega_dollars_point",
        "theta_dollars_day",
        "rho_dollars_1pct",
    )
    return tuple(decimals(float(table[name][row]), 0) for name in names)


def _tails(report: RiskReport) -> str:
    rows = [
        (
            f"{tail.days} days",
            f"{len(tail.pnl):,}",
            decimals(tail.var, 0),
            decimals(tail.es, 0),
            ", ".join(f"{day}: {decimals(pnl, 0)}" for day, pnl in tail.worst(3)),
        )
        for tail in report.tails
    ]
    first = report.tails[0]
    headers = (
        "move over",
        "scenarios",
        f"VaR {100 * first.var_level:g} %, $",
        f"ES {100 * first.es_level:g} %, $",
        "worst dates",
    )
    return _table(headers, rows, first.label)


def _stresses(stresses: Table) -> str:
    rows = [
        (name, f"{100 * spot:+.1f} %", f"{100 * vol:+.0f} %", decimals(pnl, 0), source)
        for name, spot, vol, pnl, source in zip(
            *(stresses[column].tolist() for column in ("name", "spot_shock", "vol_shock", "pnl", "source")),
            strict=True,
        )
    ]
    return _table(("stress", "spot", "30-day volatility", "P&L $", "from"), rows)


def _margin(report: RiskReport) -> str:
    parts = [f"<p>{html.escape(MARGIN_WORDING)}</p>"]
    for one in report.margins:
        parts.append(
            f"<h3>{html.escape(one.method)}: ${decimals(one.total, 0)}</h3><p>{html.escape(one.rule)}.</p>"
        )
        rows = [(line.underlying, line.what, decimals(line.amount, 0), line.rule) for line in one.lines]
        parts.append(_table(("underlying", "of", "$", "rule"), rows))
        parts += [f"<p>{html.escape(note)}.</p>" for note in one.notes]
    return "\n".join(parts)


def _positions(report: RiskReport) -> str:
    table = report.portfolio.positions()
    names = ("symbol", "quantity", "mid", "price", "vol", "delta", "value")
    flags: Iterable[object] = position_flag_names(table["flags"]) if len(table) else ()
    rows = [
        (
            symbol,
            f"{quantity:,g}",
            *(decimals(number, 2) for number in (mid, price)),
            decimals(100 * vol, 1),
            decimals(delta, 3),
            decimals(value, 0),
            str(flag).replace("|", " "),
        )
        for symbol, quantity, mid, price, vol, delta, value, flag in zip(
            *(table[name].tolist() for name in names), flags, strict=True
        )
    ]
    return _table(
        ("symbol", "quantity", "mid per share", "model per share", "vol %", "delta", "value $", "flags"), rows
    )
