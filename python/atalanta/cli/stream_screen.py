"""How a running stream is shown: a live screen, or a line of JSON each time. Main entries: `screen`, `line`."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Group
from rich.text import Text

from atalanta.cli.document import records
from atalanta.cli.heat import money, money_unit
from atalanta.cli.screen import decimals, digits, make_table, plain
from atalanta.cli.stream import Shown
from atalanta.market.table import Table
from atalanta.streaming.records import stream_flag_names
from atalanta.streaming.snapshot import STAGES, Snapshot

__all__ = ["account_line", "latency_table", "line", "screen"]

_ROWS = 8
_OTHER_LINES = 21
_LADDER_LINES = 8  # of the scenarios, which a small terminal shows at the end alone
_DAYS = 365.0
_LEGEND = (
    "us: from when an event was due to the end of a stage (service: of its batch, in the stage alone); late: beyond the "
    "stage's budget; by the system: of those, while it had taken the processor away; /pt: a vol point, /day: a calendar day"
)
_SHOWN = ("bid", "ask", "vol", "delta", "gamma", "vega", "theta")


def line(shown: Shown) -> dict[str, Any]:
    """One document of a stream that is being watched; the last one has its forwards as well."""
    snapshot = shown.stream.snapshot()
    return {
        "command": "stream",
        "feed": shown.feed.name,
        "elapsed": shown.elapsed,
        "final": shown.final,
        "interrupted": shown.interrupted,
        "sent": shown.report.sent,
        "connections": shown.report.connections,
        "failures": list(shown.report.failures),
        "notes": list(shown.told),
        **snapshot.as_dict(raw=shown.final),
        "scenarios": shown.stream.scenarios().as_dict() if shown.stream.has_scenarios else None,
        "underlyings": [
            {"underlying": str(name), "spot": float(spot)}
            for name, spot in zip(
                *(shown.stream.underlyings()[n] for n in ("underlying", "spot")), strict=True
            )
        ],
        **({"forwards": records(shown.stream.forwards())} if shown.final else {}),
    }


def screen(shown: Shown, height: int | None = None) -> Group:
    """What a terminal shows of it; while it changes, so many rows of contracts as leave room for the account below."""
    room = _ROWS + _LADDER_LINES if height is None or shown.final else height - _OTHER_LINES
    scenarios = _scenarios(shown) if room >= _ROWS + _LADDER_LINES else []
    rows = max(2, min(_ROWS, room))
    snapshot = shown.stream.snapshot()
    rate = shown.report.sent / shown.elapsed if shown.elapsed > 0 else 0.0
    of = "" if shown.total is None else f" of {shown.total:,}"
    head = f"{shown.elapsed:.1f} s   {shown.report.sent:,}{of} events, {rate:,.0f}/s   mode {snapshot.mode}"
    parts: list[Any] = [
        Text(plain(shown.feed.name), style="bold cyan", no_wrap=True, overflow="ellipsis"),
        Text(head, style="cyan"),
        *_troubles(shown),
    ]
    chain = _chain(shown, rows)
    if chain is not None:
        parts += [Text(""), chain]
    parts += [
        Text(""),
        _book(snapshot),
        *scenarios,
        Text(""),
        latency_table(snapshot),
        Text(""),
        Text(account_line(snapshot)),
    ]
    if shown.final:
        verdict = "every event is accounted for" if snapshot.exact else "THE ACCOUNT DOES NOT ADD UP"
        parts.append(Text(verdict, style="bold green" if snapshot.exact else "bold red"))
        parts.append(Text(_LEGEND, style="dim"))
        parts += [Text(f"- {plain(note)}", style="dim") for note in shown.told]
    return Group(*parts)


def _troubles(shown: Shown) -> list[Any]:
    """The connection's last failure, and how often it was made; nothing where it never failed."""
    report = shown.report
    if not report.failures:
        return []
    times = "once" if report.connections == 1 else f"{report.connections} times"
    return [Text(f"! connected {times}; last failure: {plain(report.failures[-1])}", style="yellow")]


def _chain(shown: Shown, most: int) -> Any:
    """The nearest expiry of the first underlying, around its price; the underlyings where there are no contracts."""
    contracts, spots = shown.stream.contracts(), shown.stream.underlyings()
    if len(contracts) == 0:
        table = make_table("underlying", "bid", "ask", left=1, gap=2)
        for row in range(min(len(spots), most)):
            sides = (decimals(float(spots[name][row]), 2) for name in ("bid", "ask"))
            table.add_row(plain(spots["underlying"][row]), *sides)
        return table
    rows = _nearest(contracts, spots, most)
    name, expires = str(contracts["underlying"][rows[0]]), contracts["expires_at"][rows[0]].astype("M8[m]")
    spot = float(spots["spot"][list(spots["underlying"]).index(name)])
    headers = ("strike", "", "bid", "ask", "vol %", "delta", "gamma", "vega/pt", "theta/day", "")
    table = make_table(*headers, left=0, gap=0)  # flags want the room
    table.title, table.title_justify = f"{plain(name)} {decimals(spot, 2)}, expires {expires} UTC", "left"
    for row in rows:
        values = {name: float(contracts[name][row]) for name in _SHOWN}
        flags = str(stream_flag_names(contracts["flags"][row])[0]).replace("ok", "").replace("|", ", ")
        table.add_row(
            decimals(float(contracts["strike"][row]), 2),
            "C" if contracts["right"][row] > 0 else "P",
            decimals(values["bid"], 2),
            decimals(values["ask"], 2),
            decimals(100 * values["vol"], 2),
            decimals(values["delta"], 3),
            decimals(values["gamma"], 4),
            decimals(values["vega"] / 100, 3),
            decimals(values["theta"] / _DAYS, 3),
            flags,
        )
    table.columns[-1].justify, table.columns[-1].no_wrap, table.columns[-1].overflow = "left", False, "fold"
    return table


def _nearest(contracts: Table, spots: Table, most: int) -> list[int]:
    quoted = np.isfinite(contracts["price"])
    if not quoted.any():
        quoted[:] = True
    first = contracts["underlying"][np.flatnonzero(quoted)[0]]
    spot = float(spots["spot"][list(spots["underlying"]).index(first)])
    mine = quoted & (contracts["underlying"] == first)
    nearest = contracts["expires_at"][mine].min()
    rows = np.flatnonzero(mine & (contracts["expires_at"] == nearest))
    distance = np.abs(
        contracts["strike"][rows] - (spot if np.isfinite(spot) else contracts["strike"][rows].mean())
    )
    chosen = rows[np.argsort(distance, kind="stable")[:most]]
    return sorted(int(row) for row in chosen)


def _book(snapshot: Snapshot) -> Any:
    book = snapshot.book
    table = make_table(
        "book",
        "value",
        "P&L",
        "delta $",
        "delta",
        "gamma",
        "vega/pt",
        "theta/day",
        "positions",
        left=1,
        gap=2,
    )
    table.add_row(
        "all",
        decimals(book.value, 0),
        decimals(book.pnl, 0),
        decimals(book.delta_cash, 0),
        decimals(book.delta, 1),
        decimals(book.gamma, 2),
        decimals(book.vega / 100, 0),
        decimals(book.theta / _DAYS, 0),
        f"{book.priced} of {book.positions}",
    )
    return table


def _scenarios(shown: Shown) -> list[Any]:
    """P&L over spots at the lowest, the present and the highest volatility; the worst cell of all."""
    if not shown.stream.has_scenarios:
        return []
    grid = shown.stream.scenarios()
    if not np.isfinite(grid.pnl).any():
        return [Text(""), Text("scenarios: no ladders yet", style="dim")]
    unit, name = money_unit(grid.pnl)
    heads = (f"{100 * spot:+g}" for spot in grid.shocks.spots.tolist())
    table = make_table(f"P&L {name}, spot %", *heads, left=1, gap=0)
    still = int(np.argmin(np.abs(grid.shocks.vols)))
    for v in sorted({0, still, len(grid.shocks.vols) - 1}):
        vol = 100 * float(grid.shocks.vols[v])
        cells = (money(float(value), unit) for value in grid.pnl[:, v])
        table.add_row("vols as they are" if vol == 0.0 else f"vols {vol:+g} %", *cells)
    told = f"ladders {grid.age_seconds:.1f} s old"
    if np.isfinite(grid.pnl).all():
        spot, vol, pnl = grid.worst()
        told = f"worst {decimals(pnl, 0)} $ at spot {100 * spot:+g} %, vols {100 * vol:+g} %; {told}"
    parts: list[Any] = [Text(""), table, Text(told, style="dim")]
    return parts + [Text(f"- {plain(note)}", style="dim") for note in grid.notes]


def latency_table(snapshot: Snapshot) -> Any:
    """By stage, from when an event should have come."""
    table = make_table(
        "stage, us", "p50", "p99", "p99.9", "service p99", "late", "by the system", left=1, gap=2
    )
    for stage in STAGES:
        total, service = snapshot.latency.get(f"{stage}.total"), snapshot.latency.get(f"{stage}.service")
        if total is None or service is None:
            continue
        table.add_row(
            stage,
            *(digits(total.quantile_ns(share) / 1e3, 3) for share in (0.5, 0.99, 0.999)),
            digits(service.quantile_ns(0.99) / 1e3, 3),
            f"{snapshot.late[stage]:,}",
            f"{snapshot.late_by_stall[stage]:,}",
        )
    return table


def account_line(snapshot: Snapshot) -> str:
    """Where every event went."""
    dropped = {name: count for name, count in snapshot.dropped.items() if count}
    why = f" ({', '.join(f'{name} {count:,}' for name, count in dropped.items())})" if dropped else ""
    return (
        f"in {snapshot.events_in:,} = out {snapshot.out:,} + conflated {snapshot.conflated:,} + dropped "
        f"{sum(dropped.values()):,}{why} + expired {snapshot.expired:,} + in flight {snapshot.in_flight:,}"
    )
