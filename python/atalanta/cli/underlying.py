"""One underlying on the terminal: its smiles, its expiries, its options at the money. Main entry: `print_underlying`.

Screens show vol in per cent, vega per vol point, theta per day and rho per 1 % of the rate; every header says so.
"""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.text import Text

from atalanta.cli.report import Report, Slice
from atalanta.cli.screen import decimals, digits, moment, plain, print_heading, print_table
from atalanta.cli.smile_plot import NARROWEST, smile_plot

__all__ = ["print_underlying"]

_PLOTS = 4
_EXPIRIES = 12
_GAP = "  "
_DAYS = 365.0
_GREEK_COLUMNS = ("right", "strike", "bid", "ask", "iv_mid", "delta", "gamma", "vega", "theta", "rho")

#: What stands after the stroke in the column `from`, or alone, and what it means.
_SOURCES = {
    "given": "given: by --rate or market.rate",
    "curve": "curve: the rate of the other expiries",
    "zero": "zero: no rate known, 0 taken",
    "refuted": "refuted: strikes, quotes and spot cannot all be right",
}


def print_underlying(
    console: Console, report: Report, underlying: str, *, everything: bool = False, legend: bool = True
) -> None:
    """Print the smiles of the last snapshot, the table of expiries and the options at the money.

    Args:
        console: where to print.
        report: what was analysed.
        underlying: whose part of it.
        everything: every expiry in place of the first ones.
        legend: say below each table what its columns mean.
    """
    print_heading(console, underlying)
    front = report.front(underlying, _PLOTS if len(report.underlyings()) == 1 else 2)
    _print_smiles(console, front)
    _print_expiries(console, report.of(underlying), everything, legend)
    _print_at_the_money(console, front, legend)


def _print_smiles(console: Console, smiles: tuple[Slice, ...]) -> None:
    if not smiles:
        return
    ascii_only = not console.encoding.lower().startswith("utf")
    side_by_side = 2 if console.width >= 76 else 1
    width = min((console.width - len(_GAP) * (side_by_side - 1)) // side_by_side, 60)
    width = max(width, NARROWEST)
    for start in range(0, len(smiles), side_by_side):
        drawn = [
            [_smile_title(smile, width), *smile_plot(smile, width=width, ascii_only=ascii_only)]
            for smile in smiles[start : start + side_by_side]
        ]
        for line in zip(*drawn, strict=True):
            console.print(Text(_GAP).join(line), no_wrap=True, overflow="crop")
    quoted = f"; quoted {moment(smiles[-1].get('quote_time'))} UTC{_spot_of(smiles[-1])}"
    _print_legend(
        console,
        f"implied vol by strike, out of the money: bars bid to ask, line through the mids{quoted}",
    )


def _spot_of(smile: Slice) -> str:
    """The spot that the file gives, where it gives one."""
    spots = smile.column("spot")
    known = spots[np.isfinite(spots)]
    return f", at a spot of {float(np.median(known)):,.2f} by the file" if len(known) else ""


def _smile_title(smile: Slice, width: int) -> Text:
    days = decimals(_DAYS * float(smile.get("years")), 1)
    title = f"{_date(smile)} {plain(smile.get('root'))} {plain(smile.get('settlement'))}, {days} days"
    return Text(f"{title:<{width}.{width}}", style="bold")


def _print_expiries(console: Console, ordered: tuple[Slice, ...], everything: bool, legend: bool) -> None:
    snapshots = _by_snapshot(ordered)
    limit = len(ordered) if everything else max(1, _EXPIRIES // len(snapshots))
    shown = [smile for group in snapshots.values() for smile in _first(group, limit)]
    several, american = len(snapshots) > 1, "american" in {smile.get("exercise") for smile in shown}
    cells = _expiry_cells(shown)
    hidden = {"spot" if not american else "rows", "rows" if several else "quoted UTC"}
    headers = [name for name in cells if name not in hidden]
    print_table(
        console,
        headers,
        list(zip(*(cells[name] for name in headers), strict=True)),
        left=3 if several else 2,
        gap=0 if several else 1,
        spare=("rows", "from", "± s.e.", "spot", "rate %", "days", "", "forward", "quoted UTC"),
    )
    if len(shown) < len(ordered):
        _print_legend(console, f"and {len(ordered) - len(shown):,} more expiries: --all shows them")
    if legend:
        _print_legend(console, _expiry_legend(cells["from"], spot="spot" in headers))


def _by_snapshot(ordered: tuple[Slice, ...]) -> dict[str, list[Slice]]:
    groups: dict[str, list[Slice]] = {}
    for smile in ordered:
        groups.setdefault(str(smile.get("quote_time")), []).append(smile)
    return groups


def _first(group: list[Slice], limit: int) -> list[Slice]:
    """The first so many in order of expiry; those already past only where there is room."""
    alive_first = sorted(group, key=lambda smile: not smile.get("years") > 0)
    return sorted(alive_first[:limit], key=lambda smile: smile.expiry)


def _expiry_cells(shown: list[Slice]) -> dict[str, list[str]]:
    """The columns of the table of expiries by header; forwards share one number of decimals, to be compared."""
    value = {
        name: [float(s.get(name)) for s in shown] for name in ("forward", "forward_se", "rate", "atm_vol")
    }
    count = _forward_decimals(value["forward"], value["forward_se"])
    return {
        "quoted UTC": [moment(smile.get("quote_time")) for smile in shown],
        "expiry": [_date(smile) for smile in shown],
        "": [plain(smile.get("settlement")) for smile in shown],
        "days": [decimals(_DAYS * float(smile.get("years")), 1) for smile in shown],
        "forward": [decimals(forward, count) for forward in value["forward"]],
        "± s.e.": [f"± {error:.{count}f}" if np.isfinite(error) else "" for error in value["forward_se"]],
        "spot": [decimals(float(smile.get("implied_spot")), min(count, 3)) for smile in shown],
        "rate %": [decimals(100 * rate, 2) for rate in value["rate"]],
        "vol %": [decimals(100 * vol, 1) for vol in value["atm_vol"]],
        "from": [_origin(str(smile.get("source"))) for smile in shown],
        "rows": [f"{int(smile.get('contracts')):,}" for smile in shown],
    }


def _forward_decimals(forwards: list[float], errors: list[float]) -> int:
    """Two digits of the smallest standard error: two decimals to four, seven digits of the largest forward in all."""
    known = [error for error in errors if np.isfinite(error)]
    if not known:
        return 2
    whole = max(len(str(int(abs(forward)))) for forward in forwards if np.isfinite(forward))
    wanted = 1 - int(np.floor(np.log10(max(min(known), 1e-9))))
    return min(max(wanted, 2), max(7 - whole, 2), 4)


def _origin(source: str) -> str:
    """Where the forward is from, a stroke, and where the rate is from; one word where they are the same."""
    return source.replace(" discount", "").replace(" rate", "").replace(", ", "/")


def _expiry_legend(origins: list[str], *, spot: bool) -> str:
    words = {word for origin in origins for word in origin.split("/")}
    parts = ["vol: at the forward", "rate: continuously compounded"]
    if spot:
        parts.append("spot: the one that gives the forward, with the dividends and borrow cost given")
    if any("/" in origin for origin in origins):
        parts.append("from: forward/rate")
    return "; ".join([*parts, *(text for name, text in _SOURCES.items() if name in words)])


def _print_at_the_money(console: Console, smiles: tuple[Slice, ...], legend: bool) -> None:
    rows = [
        (_date(smile), *_greek_cells(smile, int(row))) for smile in smiles for row in smile.at_the_money()
    ]
    if not rows:
        return
    headers = ("expiry", "C/P", "strike", "mid", "vol %", "delta", "gamma", "vega/pt", "theta/day", "rho/1%")
    spare = ("rho/1%", "gamma", "theta/day", "vega/pt", "delta", "mid", "strike")
    print_table(console, headers, rows, left=2, gap=0, spare=spare)
    if legend:
        _print_legend(
            console,
            "the call and the put nearest the forward; per share: vega for one vol point, theta for one "
            "calendar day, rho for 1 % of the rate",
        )


def _greek_cells(smile: Slice, row: int) -> list[str]:
    value = {name: float(smile.analysis[name][row]) for name in _GREEK_COLUMNS}
    shown = (value["gamma"], value["vega"] / 100, value["theta"] / _DAYS, value["rho"] / 100)
    return [
        "C" if value["right"] > 0 else "P",
        digits(value["strike"], 8),
        decimals((value["bid"] + value["ask"]) / 2, 3),
        decimals(100 * value["iv_mid"], 1),
        decimals(value["delta"], 3),
        *(digits(amount, 3, padded=True) for amount in shown),
    ]


def _print_legend(console: Console, text: str) -> None:
    console.print(text, style="dim")


def _date(smile: Slice) -> str:
    return str(np.datetime64(smile.get("expiry"), "D"))
