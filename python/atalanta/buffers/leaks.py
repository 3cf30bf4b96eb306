"""What is still held, as text. Main entries: `leak_report`, `report_at_exit`."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, Sequence

from atalanta.buffers.statistics import LiveBlock

__all__ = ["leak_report", "report_at_exit"]


def leak_report(blocks: Sequence[LiveBlock]) -> str:
    """Blocks and bytes by tag, the most bytes first; empty when nothing is held."""
    if not blocks:
        return ""
    by_tag: dict[str, list[LiveBlock]] = {}
    for block in blocks:
        by_tag.setdefault(block.tag, []).append(block)
    total = sum(block.block_bytes for block in blocks)
    lines = [f"[buffers.leaks] {len(blocks):,} blocks of {total:,} bytes are held:"]
    for tag, held in sorted(by_tag.items(), key=lambda item: -sum(b.block_bytes for b in item[1])):
        ages = [block.age_seconds for block in held if block.age_seconds is not None]
        oldest = f", the oldest for {max(ages):.1f} s" if ages else ""
        held_bytes = sum(block.block_bytes for block in held)
        lines.append(f"  {tag or 'untagged'}: {len(held):,} of {held_bytes:,} bytes{oldest}")
    return "\n".join(lines)


def report_at_exit(report: Callable[[], str]) -> Callable[[], None]:
    """Write what `report` gives to standard error when the interpreter ends; what is returned calls that off."""

    def write() -> None:
        text = report()
        if text:
            print(text, file=sys.stderr)

    atexit.register(write)
    return lambda: atexit.unregister(write)
