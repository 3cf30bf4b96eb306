"""Compare a benchmark run with the saved baseline, both in units of the yardstick of their own run.

    python -m pytest benchmarks --benchmark-enable --benchmark-json=run.json
    python benchmarks/compare.py run.json                  # a table: now / baseline
    python benchmarks/compare.py run.json --save           # makes the run the baseline

Exits with 1 when a benchmark takes over 1.25 times as long as in the baseline; `--limit` changes that.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

BASELINE = Path(__file__).with_name("baseline.json")
YARDSTICK = "test_yardstick"


def condensed(report: dict) -> dict:
    """The machine and the medians, in nanoseconds, of a report of pytest-benchmark."""
    machine, cpu = report["machine_info"], report["machine_info"].get("cpu", {})
    return {
        "machine": {
            "cpu": cpu.get("brand_raw", machine["machine"]),
            "system": machine["system"],
            "python": machine["python_version"],
        },
        "commit": report.get("commit_info", {}).get("id"),
        "date": report["datetime"][:10],
        "median_ns": {item["name"]: round(1e9 * item["stats"]["median"], 1) for item in report["benchmarks"]},
    }


def ratios(now: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    """Time now over time before, for what both have; times in units of each run's yardstick."""
    missing = [label for label, run in (("run", now), ("baseline", before)) if YARDSTICK not in run]
    if missing:
        raise SystemExit(
            f"{YARDSTICK} is missing in the {missing[0]}: run benchmarks/test_pricing.py as well"
        )
    scale = before[YARDSTICK] / now[YARDSTICK]
    return {name: now[name] / before[name] * scale for name in now if name in before and name != YARDSTICK}


def table(now: dict, before: dict, found: dict[str, float], limit: float) -> str:
    """The ratios as text, the slowest first, and what only one of the runs has."""
    lines = [
        f"baseline: {before['machine']['cpu']}, Python {before['machine']['python']}, {before['date']}",
        f"yardstick: {now['median_ns'][YARDSTICK]:,.0f} ns now, {before['median_ns'][YARDSTICK]:,.0f} ns then",
        f"{'benchmark':<48}{'now, ns':>16}{'now / then':>12}",
    ]
    for name, ratio in sorted(found.items(), key=lambda pair: -pair[1]):
        mark = "  slower" if ratio > limit else ""
        lines.append(f"{name:<48}{now['median_ns'][name]:>16,.0f}{ratio:>12.2f}{mark}")
    lone = now["median_ns"].keys() ^ before["median_ns"].keys()
    lines += [f"{name:<48} only in one of the two" for name in sorted(lone)]
    return "\n".join(lines)


def main() -> int:
    """Compare or save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("report", type=Path, help="what --benchmark-json wrote")
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    parser.add_argument("--limit", type=float, default=1.25)
    parser.add_argument("--save", action="store_true", help="make this run the baseline")
    options = parser.parse_args()
    now = condensed(json.loads(options.report.read_text(encoding="utf-8")))
    if options.save:
        options.baseline.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
        print(f"saved {len(now['median_ns'])} medians to {options.baseline.name}")
        return 0
    if not options.baseline.is_file():
        raise SystemExit(f"there is no baseline {options.baseline}: make one with --save")
    before = json.loads(options.baseline.read_text(encoding="utf-8"))
    found = ratios(now["median_ns"], before["median_ns"])
    print(table(now, before, found, options.limit))
    return int(any(ratio > options.limit for ratio in found.values()))


if __name__ == "__main__":
    sys.exit(main())
