"""Early assignment on the screen: the options worth exercising, one of each expiry, with the reason in dollars.

Main entries: `print_assignments`, `picked`, `reason`. Facts only: what exercise is worth more than holding, to whoever
holds the option; whoever is short it may be assigned.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console

from atalanta.cli.report import Report
from atalanta.cli.screen import decimals, moment, plain, print_bullets, print_heading, print_table
from atalanta.market.table import Table

__all__ = ["headlines", "picked", "print_assignments", "reason"]

_SHOWN = 10
_REASONS = 3


def print_assignments(console: Console, report: Report) -> None:
    """Print how many options are worth exercising early, the worst of each expiry, and the reasons of the first."""
    found = report.assignments
    if not len(found):
        return
    print_heading(console, "Early assignment")
    print_bullets(console, headlines(found))
    rows = picked(found, _SHOWN)
    several = len(np.unique(found["quote_time"])) > 1
    first = "one of each expiry and quote time" if several else "one of each expiry"
    headers = (first, "time value", "dividend", "lost $", "per contract")
    cells = [_cells(found, int(row), several) for row in rows]
    print_table(console, headers, cells, left=1, spare=("time value", "per contract"))
    console.print(
        "time value: of the mid; lost, to whoever is long: per share by holding through the dividend instead of "
        "exercising in the last session before it (where that lies ahead: at its close, at today's spot), or (now) by a "
        "day of waiting. Of each expiry the option nearest the money that loses at "
        "least half of the most",
        style="dim",
    )
    print_bullets(console, [reason(found, int(row)) for row in rows[:_REASONS]])


def headlines(found: Table) -> list[str]:
    """How many options of each underlying are worth exercising, and why."""
    told: list[str] = []
    if not len(found):
        return told
    for name in dict.fromkeys(found["underlying"].tolist()):
        own = found.take(found["underlying"] == name)
        before = own.take(~own["now"])
        for day in np.unique(before["ex_date"]):
            there = before.take(before["ex_date"] == day)
            spot = "" if there["tonight"].all() else ", were the spot then as it is now"
            told.append(
                f"{plain(name)}: {len(there):,} calls are worth more exercised than held through the "
                f"${there['dividend'][0]:.2f} dividend of {day}; the last session to exercise in is {there['last_day'][0]}{spot}"
            )
        for right, kind in ((1, "calls"), (-1, "puts")):
            count = int(np.count_nonzero(own["now"] & (own["right"] == right)))
            if count:
                told.append(
                    f"{plain(name)}: {count:,} {kind} are at or beyond the boundary: worth exercising now"
                )
        if (own["rate"] == 0).any():
            told.append(
                f"{plain(name)}: these amounts are at a rate of 0 %; a higher one makes waiting dearer for puts and "
                "cheaper for calls. Give one: --rate 0.05 means 5 %"
            )
    return told


def picked(found: Table, count: int) -> npt.NDArray[np.intp]:
    """The rows to show: of each expiry, side and snapshot the one nearest the money that costs half of the most.

    Args:
        found: as `find_assignments` gives.
        count: at most this many.

    Returns:
        Row numbers by falling cost, those before a dividend first.
    """
    if not len(found):
        return np.array([], dtype=np.intp)
    keys = list(
        zip(*(found[name].tolist() for name in ("root", "quote_time", "expiry", "right", "now")), strict=True)
    )
    best: dict[Any, int] = {}
    most: dict[Any, float] = {}
    for key, cost in zip(keys, found["cost"].tolist(), strict=True):
        most[key] = max(cost, most.get(key, 0.0))
    distance = np.abs(found["strike"] / found["spot"] - 1).tolist()
    for row, key in enumerate(keys):
        worth_telling = found["cost"][row] >= most[key] / 2
        if worth_telling and (key not in best or distance[row] < distance[best[key]]):
            best[key] = row
    rows = np.array(list(best.values()), dtype=np.intp)
    order = np.lexsort((-found["cost"][rows], found["now"][rows]))
    return rows[order][:count]


def reason(found: Table, row: int) -> str:
    """One option's reason in words and dollars."""
    value = {name: found[name][row] for name in found.columns}
    name = f"{_contract(value)} on a spot of {value['spot']:,.2f}"
    per_contract = f"${value['cost_per_contract']:,.2f} a contract"
    if value["rate"] == 0:
        per_contract += ", at a rate of 0 %"
    if value["now"]:
        side = "below" if value["right"] < 0 else "above"
        return (
            f"{name}: at or {side} the exercise boundary of {value['boundary']:,.2f}; each day of waiting costs its "
            f"holder ${value['cost']:,.3f} a share, {per_contract}"
        )
    more = f"worth ${value['cost']:,.2f} a share ({per_contract}) more than holding through the ${value['dividend']:,.2f} dividend"
    amounts = f"worth {value['intrinsic']:,.2f} exercised, {value['held']:,.2f} held"
    if value["tonight"]:
        return f"{name}: {amounts}; exercising tonight is {more}"
    return f"{name}: were the spot the same at the close of {value['last_day']}, {amounts}; exercising then is {more}"


def _contract(value: dict[str, Any]) -> str:
    side = "call" if value["right"] > 0 else "put"
    return plain(f"{value['underlying']} {side} {value['strike']:g} {value['expiry']}")


def _cells(found: Table, row: int, several: bool) -> tuple[str, ...]:
    value = {name: found[name][row] for name in found.columns}
    return (
        _contract(value) + (f", quoted {moment(value['quote_time'])}" if several else ""),
        decimals(float(value["time_value"]), 2),
        "now" if value["now"] else decimals(float(value["dividend"]), 2),
        decimals(float(value["cost"]), 3),
        decimals(float(value["cost_per_contract"]), 2),
    )
