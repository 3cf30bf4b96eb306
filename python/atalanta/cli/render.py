"""A report on the terminal: 80 columns, no colour where there is none. Main entries: the `print_*` functions.

Screens show vol in per cent, vega per vol point, theta per day and rho per 1 % of the rate; every header says so.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from rich.console import Console
from rich.text import Text

from atalanta.cli.machine import MachineCard
from atalanta.cli.report import Report, Slice, worst_rows
from atalanta.cli.screen import (
    decimals,
    digits,
    make_table,
    plain,
    print_bullets,
    print_facts,
    print_heading,
    print_verdict,
)
from atalanta.cli.selfcheck import SelfCheck
from atalanta.cli.smile_plot import smile_plot
from atalanta.cli.stages import Stage
from atalanta.market.flags import flag_names

__all__ = [
    "print_machine",
    "print_report",
    "print_run",
    "print_selfcheck",
    "print_stages",
]

_PLOTS = 4
_EXPIRIES = 12
_WORST = 10
_GAP = "  "
_DAYS = 365.0
_GREEK_COLUMNS = ("right", "strike", "bid", "ask", "iv_mid", "delta", "gamma", "vega", "theta", "rho")


def print_report(console: Console, report: Report, *, everything: bool = False) -> None:
    """Print what was found, underlying by underlying, then the rows to look at and what was assumed.

    Args:
        console: where to print.
        report: what was analysed.
        everything: every expiry in place of the first ones.
    """
    summary, whole = report.analysis.summary(), report.stages[-1]
    print_heading(console, report.source)
    console.print(
        f"{summary['contracts']:,} contracts, expiries: {summary['expiries']:,}, "
        f"underlyings: {len(summary['underlyings']):,}; {summary['with_iv']:,} with an implied vol, "
        f"{summary['ok']:,} without any flag; "
        f"analysed in {1e3 * whole.seconds:,.1f} ms, {whole.ns_per_item:,.0f} ns per contract"
    )
    for underlying in report.underlyings():
        _print_underlying(console, report, underlying, everything)
    _print_flagged(console, report)
    _print_notes(console, report.analysis.notes)


def print_run(console: Console, report: Report) -> None:
    """Print how long each stage took, and on what."""
    print_heading(console, "This run")
    print_stages(console, report.stages)
    print_machine(console, report.machine)


def print_machine(console: Console, card: MachineCard) -> None:
    """Print what this machine has, what is used, and what is not and why."""
    used = next((row.description for row in card.instruction_sets if row.chosen), "")
    print_facts(
        console,
        [
            ("processor", f"{card.cpu}, {card.cores} of {card.cores_total} cores usable"),
            ("kernels", f"{card.isa} ({used}): {card.isa_reason}"),
            ("threads", f"{card.threads}: {card.threads_reason}"),
            *(("not used", f"{what}: {why}") for what, why in card.unused),
        ],
    )


def print_stages(console: Console, stages: Iterable[Stage]) -> None:
    """Print the time of every stage."""
    table = make_table("stage", "time, ms", "items", "ns each", left=1)
    for stage in stages:
        count = f"{stage.count:,} {stage.item}s"
        table.add_row(stage.name, f"{1e3 * stage.seconds:,.2f}", count, f"{stage.ns_per_item:,.0f}")
    console.print(table)
    console.print(
        "medians of up to 7 runs, here and now; what comes before the forwards ran once",
        style="dim",
    )


def print_selfcheck(console: Console, check: SelfCheck) -> None:
    """Print the error of each output that comes nearest its limit, and whether all are within."""
    table = make_table("output", "rel. error", "limit", "nearest its limit in", left=1)
    table.columns[-1].justify = "left"
    for worst in check.worst:
        style = "" if worst.error <= worst.limit else "bold red"
        error, limit = f"{worst.error:.1e}", f"{worst.limit:.1e}"
        table.add_row(worst.output, error, limit, worst.contract, style=style)
    console.print(table)
    compared = f"{check.values} values of {check.contracts} contracts against 60-digit references"
    print_verdict(console, "self-check", check.passed, f"{compared}, {check.failures} outside their limit")


def _print_underlying(console: Console, report: Report, underlying: str, everything: bool) -> None:
    ordered = report.of(underlying)
    print_heading(console, underlying)
    front = report.front(underlying, _PLOTS if len(report.underlyings()) == 1 else 2)
    _print_smiles(console, front)
    _print_expiries(console, ordered, everything)
    _print_at_the_money(console, front)


def _print_smiles(console: Console, smiles: tuple[Slice, ...]) -> None:
    if not smiles:
        return
    ascii_only = not console.encoding.lower().startswith("utf")
    side_by_side = 2 if console.width >= 76 else 1
    width = min((console.width - len(_GAP) * (side_by_side - 1)) // side_by_side, 60)
    for start in range(0, len(smiles), side_by_side):
        drawn = [
            [_smile_title(smile, width), *smile_plot(smile, width=width, ascii_only=ascii_only)]
            for smile in smiles[start : start + side_by_side]
        ]
        for line in zip(*drawn, strict=True):
            console.print(Text(_GAP).join(line), no_wrap=True, overflow="crop")
    console.print(
        "implied vol by strike, out of the money: bars bid to ask, line through the mids",
        style="dim",
    )


def _smile_title(smile: Slice, width: int) -> Text:
    days = decimals(_DAYS * float(smile.get("years")), 1)
    title = f"{_date(smile)} {plain(smile.get('root'))} {plain(smile.get('settlement'))}, {days} days"
    return Text(f"{title:<{width}.{width}}", style="bold")


def _print_expiries(console: Console, ordered: tuple[Slice, ...], everything: bool) -> None:
    snapshots = _by_snapshot(ordered)
    headers = ("expiry", "", "days", "forward ± s.e.", "rate %", "vol %", "from")
    if len(snapshots) > 1:
        table = make_table("quoted UTC", *headers, left=3, gap=0)
    else:
        table = make_table(*headers, "rows", left=2)
    shown = 0
    for moment, group in snapshots.items():
        limit = len(group) if everything else max(1, _EXPIRIES // len(snapshots))
        for smile in group[:limit]:
            cells, rows = _expiry_cells(smile), f"{int(smile.get('contracts')):,}"
            table.add_row(*((moment, *cells) if len(snapshots) > 1 else (*cells, rows)))
        shown += len(group[:limit])
    console.print(table)
    if shown < len(ordered):
        console.print(f"and {len(ordered) - shown:,} later expiries: --all shows them", style="dim")


def _by_snapshot(ordered: tuple[Slice, ...]) -> dict[str, list[Slice]]:
    groups: dict[str, list[Slice]] = {}
    for smile in ordered:
        groups.setdefault(_moment(smile.get("quote_time")), []).append(smile)
    return groups


def _expiry_cells(smile: Slice) -> tuple[str, ...]:
    return (
        _date(smile),
        plain(smile.get("settlement")),
        decimals(_DAYS * float(smile.get("years")), 1),
        _with_error(float(smile.get("forward")), float(smile.get("forward_se"))),
        decimals(100 * float(smile.get("rate")), 2),
        decimals(100 * float(smile.get("atm_vol")), 1),
        str(smile.get("source")).replace(" discount", "").replace(" rate", "").replace(", ", "/"),
    )


def _with_error(value: float, error: float) -> str:
    """The value with as many decimals as its error has, from two to four, seven digits in all."""
    if not np.isfinite(error):
        return decimals(value, 2)
    most = max(7 - len(str(int(abs(value)))), 2)
    count = int(np.clip(1 - np.floor(np.log10(max(error, 1e-9))), 2, min(most, 4)))
    return f"{decimals(value, count)} ± {error:.{count}f}"


def _print_at_the_money(console: Console, smiles: tuple[Slice, ...]) -> None:
    if not smiles:
        return
    headers = ("expiry", "at F", "strike", "mid", "vol %", "delta", "gamma", "vega/pt", "theta/day", "rho/1%")
    table = make_table(*headers, left=2, gap=0)
    for smile in smiles:
        for row in smile.at_the_money():
            table.add_row(_date(smile), *_greek_cells(smile, int(row)))
    console.print(table)


def _greek_cells(smile: Slice, row: int) -> list[str]:
    value = {name: float(smile.analysis[name][row]) for name in _GREEK_COLUMNS}
    return [
        "C" if value["right"] > 0 else "P",
        digits(value["strike"], 8),
        decimals((value["bid"] + value["ask"]) / 2, 3),
        decimals(100 * value["iv_mid"], 1),
        decimals(value["delta"], 3),
        *(digits(amount, 3) for amount in (value["gamma"], value["vega"] / 100)),
        *(digits(amount, 3) for amount in (value["theta"] / _DAYS, value["rho"] / 100)),
    ]


def _print_flagged(console: Console, report: Report) -> None:
    analysis = report.analysis
    counts = analysis.summary()["flags"]
    if not counts:
        return
    print_heading(console, "Flagged rows")
    console.print(", ".join(f"{name} {count:,}" for name, count in counts.items()))
    rows = worst_rows(analysis, _WORST)
    table = make_table("worst of each kind", "forward", "bid", "ask", "vol %", "flags", left=1)
    table.columns[-1].justify = "left"
    table.columns[-1].no_wrap = False
    names = flag_names(analysis["flags"][rows])
    for row, flags in zip(rows.tolist(), names.tolist(), strict=True):
        prices = (decimals(float(analysis[name][row]), 2) for name in ("forward", "bid", "ask"))
        vol = decimals(100 * float(analysis["iv_mid"][row]), 1)
        table.add_row(_contract(report, row), *prices, vol, flags.replace("|", ", "))
    console.print(table)


def _contract(report: Report, row: int) -> str:
    value = {
        name: report.analysis[name][row] for name in ("symbol", "underlying", "expiry", "right", "strike")
    }
    if value["symbol"]:
        return plain(value["symbol"])
    side = "C" if value["right"] > 0 else "P"
    return plain(f"{value['underlying']} {value['expiry']} {side} {value['strike']:g}")


def _print_notes(console: Console, notes: tuple[str, ...]) -> None:
    if not notes:
        return
    print_heading(console, "What was read and assumed")
    print_bullets(console, notes)


def _date(smile: Slice) -> str:
    return str(np.datetime64(smile.get("expiry"), "D"))


def _moment(instant: np.datetime64) -> str:
    """Month, day and time; the year stands in the expiry beside it."""
    return "unknown" if np.isnat(instant) else str(instant.astype("M8[m]")).replace("T", " ")[5:]
