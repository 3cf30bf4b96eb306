"""A report on the terminal: 80 columns, no colour where there is none. Main entries: the `print_*` functions.

Screens show vol in per cent, vega per vol point, theta per day and rho per 1 % of the rate; every header says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atalanta.cli.machine import MachineCard
from atalanta.cli.report import Report, Slice, worst_rows
from atalanta.cli.selfcheck import SelfCheck
from atalanta.cli.smile_plot import smile_plot
from atalanta.cli.stages import Stage
from atalanta.market.flags import flag_names

__all__ = [
    "plain",
    "print_facts",
    "print_machine",
    "print_report",
    "print_run",
    "print_selfcheck",
    "print_stages",
    "print_verdict",
]

_PLOTS = 4
_EXPIRIES = 12
_WORST = 10
_GAP = "  "
_DAYS = 365.0
_GREEK_COLUMNS = ("right", "strike", "bid", "ask", "iv_mid", "delta", "gamma", "vega", "theta", "rho")


def plain(text: object) -> str:
    """A text from outside with nothing in it that could steer a terminal."""
    return "".join(sign if sign.isprintable() else "�" for sign in str(text))


def print_report(console: Console, report: Report, *, everything: bool = False) -> None:
    """Print what was found, underlying by underlying, then the rows to look at and what was assumed.

    Args:
        console: where to print.
        report: what was analysed.
        everything: every expiry in place of the first ones.
    """
    summary, whole = report.analysis.summary(), report.stages[-1]
    _heading(console, report.source)
    console.print(
        f"{summary['contracts']:,} contracts, {summary['expiries']:,} expiries, "
        f"{len(summary['underlyings']):,} underlyings; {summary['with_iv']:,} with an implied vol, "
        f"{summary['ok']:,} without any flag; "
        f"analysed in {1e3 * whole.seconds:,.1f} ms, {whole.ns_per_item:,.0f} ns per contract"
    )
    for underlying in report.underlyings():
        _print_underlying(console, report, underlying, everything)
    _print_flagged(console, report)
    _print_notes(console, report.analysis.notes)


def print_run(console: Console, report: Report) -> None:
    """Print how long each stage took, and on what."""
    _heading(console, "This run")
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
    table = _table("stage", "time, ms", "items", "ns each", left=1)
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
    table = _table("output", "rel. error", "limit", "nearest its limit in", left=1)
    table.columns[-1].justify = "left"
    for worst in check.worst:
        style = "" if worst.error <= worst.limit else "bold red"
        error, limit = f"{worst.error:.1e}", f"{worst.limit:.1e}"
        table.add_row(worst.output, error, limit, worst.contract, style=style)
    console.print(table)
    compared = f"{check.values} values of {check.contracts} contracts against 60-digit references"
    print_verdict(console, "self-check", check.passed, f"{compared}, {check.failures} outside their limit")


def print_verdict(console: Console, name: str, passed: bool, text: str) -> None:
    """Print one line that says whether a check passed."""
    word = Text("passed", style="bold green") if passed else Text("FAILED", style="bold red")
    console.print(Text(f"{name} ").append_text(word).append(f": {text}"))


def _print_underlying(console: Console, report: Report, underlying: str, everything: bool) -> None:
    ordered = report.of(underlying)
    _heading(console, underlying)
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
    days = _number(_DAYS * float(smile.get("years")), 1)
    title = f"{_date(smile)} {plain(smile.get('root'))} {plain(smile.get('settlement'))}, {days} days"
    return Text(f"{title:<{width}.{width}}", style="bold")


def _print_expiries(console: Console, ordered: tuple[Slice, ...], everything: bool) -> None:
    headers = ("expiry", "", "days", "forward ± s.e.", "rate %", "vol %", "rows", "from")
    table = _table(*headers, left=2)
    table.columns[-1].justify = "left"
    shown = 0
    for moment, group in _by_snapshot(ordered):
        if len(ordered) > len(group):
            table.add_row(Text(moment, style="bold"))
        limit = len(group) if everything else max(1, _EXPIRIES * len(group) // len(ordered))
        for smile in group[:limit]:
            table.add_row(*_expiry_cells(smile))
        shown += len(group[:limit])
    console.print(table)
    if shown < len(ordered):
        console.print(f"and {len(ordered) - shown:,} later expiries: --all shows them", style="dim")


def _by_snapshot(ordered: tuple[Slice, ...]) -> Iterator[tuple[str, list[Slice]]]:
    groups: dict[str, list[Slice]] = {}
    for smile in ordered:
        groups.setdefault(_moment(smile.get("quote_time")), []).append(smile)
    yield from groups.items()


def _expiry_cells(smile: Slice) -> list[str]:
    forward, error = float(smile.get("forward")), float(smile.get("forward_se"))
    return [
        _date(smile),
        plain(smile.get("settlement")),
        _number(_DAYS * float(smile.get("years")), 1),
        _with_error(forward, error),
        _number(100 * float(smile.get("rate")), 2),
        _number(100 * float(smile.get("atm_vol")), 1),
        f"{int(smile.get('contracts')):,}",
        str(smile.get("source")).replace(" discount", "").replace(" rate", "").replace(", ", "/"),
    ]


def _with_error(value: float, error: float) -> str:
    """The value with as many decimals as its error has, from two to four."""
    if not np.isfinite(error):
        return _number(value, 2)
    decimals = int(np.clip(1 - np.floor(np.log10(max(error, 1e-9))), 2, 4))
    return f"{_number(value, decimals)} ± {error:.{decimals}f}"


def _print_at_the_money(console: Console, smiles: tuple[Slice, ...]) -> None:
    if not smiles:
        return
    headers = ("expiry", "at F", "strike", "mid", "vol %", "delta", "gamma", "vega/pt", "theta/day", "rho/1%")
    table = _table(*headers, left=2, gap=0)
    for smile in smiles:
        for row in smile.at_the_money():
            table.add_row(_date(smile), *_greek_cells(smile, int(row)))
    console.print(table)


def _greek_cells(smile: Slice, row: int) -> list[str]:
    value = {name: float(smile.analysis[name][row]) for name in _GREEK_COLUMNS}
    return [
        "C" if value["right"] > 0 else "P",
        _digits(value["strike"], 8),
        _number((value["bid"] + value["ask"]) / 2, 3),
        _number(100 * value["iv_mid"], 1),
        _number(value["delta"], 3),
        *(_digits(amount, 3) for amount in (value["gamma"], value["vega"] / 100)),
        *(_digits(amount, 3) for amount in (value["theta"] / _DAYS, value["rho"] / 100)),
    ]


def _print_flagged(console: Console, report: Report) -> None:
    analysis = report.analysis
    counts = analysis.summary()["flags"]
    if not counts:
        return
    _heading(console, "Flagged rows")
    console.print(", ".join(f"{name} {count:,}" for name, count in counts.items()))
    rows = worst_rows(analysis, _WORST)
    table = _table("worst of each kind", "forward", "bid", "ask", "vol %", "flags", left=1)
    table.columns[-1].justify = "left"
    table.columns[-1].no_wrap = False
    names = flag_names(analysis["flags"][rows])
    for row, flags in zip(rows.tolist(), names.tolist(), strict=True):
        prices = (_number(float(analysis[name][row]), 2) for name in ("forward", "bid", "ask"))
        vol = _number(100 * float(analysis["iv_mid"][row]), 1)
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
    _heading(console, "What was read and assumed")
    _bullets(console, notes)


def _bullets(console: Console, texts: Iterable[str]) -> None:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for text in texts:
        grid.add_row("-", Text(plain(text)))
    console.print(grid)


def print_facts(console: Console, facts: Iterable[tuple[str, str]]) -> None:
    """Print names beside what is said about each."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, fact in facts:
        grid.add_row(name, Text(plain(fact)))
    console.print(grid)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(plain(text), style="bold cyan"))


def _table(*headers: str, left: int, gap: int = 1) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold"
    )
    for place, header in enumerate(headers):
        table.add_column(header, justify="left" if place < left else "right", no_wrap=True)
    return table


def _number(value: float, digits: int) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:,.{digits}f}"


def _digits(value: float, digits: int) -> str:
    return f"{value:,.{digits}g}" if np.isfinite(value) else "-"


def _date(smile: Slice) -> str:
    return str(np.datetime64(smile.get("expiry"), "D"))


def _moment(instant: np.datetime64) -> str:
    return "time unknown" if np.isnat(instant) else str(instant.astype("M8[m]")).replace("T", " ") + " UTC"
