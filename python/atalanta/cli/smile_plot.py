"""A smile as a few lines of text: bid-to-ask vols as bars, mids joined by a line. Main entry: `smile_plot`.

Braille cells hold 2 × 4 dots; where the terminal cannot show them, plain ASCII characters stand in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.text import Text

from atalanta.cli.report import Slice

__all__ = ["MID_STYLE", "NARROWEST", "RANGE_STYLE", "Frame", "smile_plot"]

#: Characters a plot needs, labels included.
NARROWEST = 20

RANGE_STYLE = "cyan"
MID_STYLE = "bold yellow"

#: Dot values of a braille cell, by row and column.
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BLANK = 0x2800
_LABEL = 5
#: The plot spans this many standard deviations of the forward at most, so that far wings do not flatten it.
_WIDTH_DEVIATIONS = 6.0

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Frame:
    """The window a plot shows: strikes and vols (decimals)."""

    left: float
    right: float
    low: float
    high: float


def smile_plot(smile: Slice, *, width: int = 38, height: int = 9, ascii_only: bool = False) -> list[Text]:
    """Draw the out-of-the-money side of one expiry.

    Args:
        smile: the slice; flagged rows and rows without a mid vol are left out.
        width: characters per line, labels included; less than `NARROWEST` counts as that.
        height: lines of the plot itself; one more line holds the strikes.
        ascii_only: draw with `|` and `o` in place of braille.

    Returns:
        `height` + 1 lines, all of the width.
    """
    strike, bid, mid, ask = _points(smile)
    frame = _frame(strike, bid, mid, ask)
    columns = max(width, NARROWEST) - _LABEL - 1
    cell = (1, 1) if ascii_only else (4, 2)
    shape = (height * cell[0], columns * cell[1])
    ranges, mids = _paint(shape, frame, strike, bid, mid, ask)
    drawn = _ascii_rows(ranges, mids) if ascii_only else _braille_rows(ranges, mids)
    labels = [""] * height
    labels[0], labels[-1] = _percent(frame.high), _percent(frame.low)
    wall = "|" if ascii_only else "│"
    lines = [
        Text(f"{label:>{_LABEL}}{wall}").append_text(row) for label, row in zip(labels, drawn, strict=True)
    ]
    return [*lines, _axis(frame, float(smile.get("forward")), columns)]


def _points(smile: Slice) -> tuple[Floats, Floats, Floats, Floats]:
    keep = smile.out_of_the_money
    strike, moneyness = smile.column("strike")[keep], smile.column("moneyness")[keep]
    bid, mid, ask = (smile.column(name)[keep] for name in ("iv_bid", "iv_mid", "iv_ask"))
    deviation = float(np.median(mid)) * np.sqrt(max(float(smile.get("years")), 0.0)) if len(mid) else 0.0
    near = np.abs(moneyness) <= _WIDTH_DEVIATIONS * deviation
    chosen = near if np.count_nonzero(near) >= 3 else np.ones(len(mid), dtype=bool)
    strike, bid, mid, ask = strike[chosen], bid[chosen], mid[chosen], ask[chosen]
    return strike, np.where(np.isfinite(bid), bid, mid), mid, np.where(np.isfinite(ask), ask, mid)


def _frame(strike: Floats, bid: Floats, mid: Floats, ask: Floats) -> Frame:
    if not len(strike):
        return Frame(0.0, 1.0, 0.0, 1.0)
    # One absurd quote must not flatten the smile: bars may leave the frame, mids only beyond the 98th percentile.
    low = min(float(np.quantile(bid, 0.05)), float(np.quantile(mid, 0.02)))
    high = max(float(np.quantile(ask, 0.95)), float(np.quantile(mid, 0.98)))
    room = max(0.04 * (high - low), 0.0005)
    left, right = float(strike.min()), float(strike.max())
    return Frame(left, max(right, left * (1 + 1e-9) + 1e-9), max(low - room, 0.0), high + room)


def _paint(
    shape: tuple[int, int], frame: Frame, strike: Floats, bid: Floats, mid: Floats, ask: Floats
) -> tuple[Mask, Mask]:
    rows, columns = shape
    place = np.clip(
        np.rint((strike - frame.left) / (frame.right - frame.left) * (columns - 1)), 0, columns - 1
    )
    top, centre, bottom = (_row(vol, frame, rows) for vol in (ask, mid, bid))
    dots = np.arange(rows)[:, None]
    ranges = np.zeros(shape, dtype=bool)
    for column in np.unique(place).astype(int):
        here = place == column
        ranges[:, column] = ((dots >= top[here]) & (dots <= bottom[here])).any(axis=1)
    return ranges, _joined(shape, place, centre)


def _joined(shape: tuple[int, int], place: Floats, centre: Floats) -> Mask:
    """The line through the mids: in every column the dots from its height to half way to its neighbours'."""
    if not len(place):
        return np.zeros(shape, dtype=bool)
    distinct, inverse = np.unique(place, return_inverse=True)
    heights = np.bincount(inverse, centre) / np.bincount(inverse)
    columns = np.arange(shape[1], dtype=np.float64)
    line = np.interp(columns, distinct, heights)
    ends = np.interp([columns - 0.5, columns + 0.5], distinct, heights)
    low, high = np.minimum(ends.min(axis=0), line), np.maximum(ends.max(axis=0), line)
    dots = np.arange(shape[0])[:, None]
    drawn = (columns >= distinct[0]) & (columns <= distinct[-1])
    mask: Mask = (dots >= np.rint(low)) & (dots <= np.rint(high)) & drawn
    return mask


def _row(vol: Floats, frame: Frame, rows: int) -> Floats:
    row: Floats = np.rint((frame.high - vol) / (frame.high - frame.low) * (rows - 1))
    return row


def _braille_rows(ranges: Mask, mids: Mask) -> list[Text]:
    codes, marked = _cells(ranges | mids), _cells(mids)
    return [
        _styled([chr(_BLANK + int(c)) for c in row], here > 0)
        for row, here in zip(codes, marked, strict=True)
    ]


def _cells(dots: Mask) -> npt.NDArray[np.int64]:
    rows, columns = dots.shape
    blocks = dots.reshape(rows // 4, 4, columns // 2, 2)
    cells: npt.NDArray[np.int64] = np.einsum("rict,it->rc", blocks.astype(np.int64), _DOTS)
    return cells


def _ascii_rows(ranges: Mask, mids: Mask) -> list[Text]:
    signs = np.where(mids, "o", np.where(ranges, "|", " "))
    return [_styled(row.tolist(), here) for row, here in zip(signs, mids, strict=True)]


def _styled(signs: list[str], marked: Mask) -> Text:
    line = Text()
    for sign, here in zip(signs, marked.tolist(), strict=True):
        line.append(sign, style=MID_STYLE if here else RANGE_STYLE)
    return line


def _percent(vol: float) -> str:
    return f"{100 * vol:.1f}%" if vol < 1 else f"{100 * vol:.0f}%"


def _ends(frame: Frame, columns: int) -> tuple[str, str]:
    """The strikes at both ends; with fewer digits, or the first one alone, where both do not fit."""
    exact, short = ((f"{frame.left:.{count}g}", f"{frame.right:.{count}g}") for count in (6, 4))
    for ends in (exact, short):
        if len("".join(ends)) < columns:
            return ends
    return exact[0][:columns], ""


def _axis(frame: Frame, forward: float, columns: int) -> Text:
    left, right = _ends(frame, columns)
    share = (forward - frame.left) / (frame.right - frame.left)
    place = round(share * (columns - 1)) if np.isfinite(share) else columns // 2
    middle = f"F {forward:,.6g}" if 2 * place < columns else f"{forward:,.6g} F"
    start = place if 2 * place < columns else place + 1 - len(middle)  # the F stands at the forward
    line = left.ljust(columns - len(right)) + right
    first, last = len(left) + 1, columns - len(right) - len(middle) - 1
    if first <= last:
        start = min(max(start, first), last)
        line = line[:start] + middle + line[start + len(middle) :]
    return Text(" " * (_LABEL + 1) + line, style="dim")
