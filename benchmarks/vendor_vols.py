"""Our American volatilities beside a vendor's, on SPY's real chain of 14 September 2023, as a table in Markdown.

    python benchmarks/vendor_vols.py CHAIN, which is the vendor's file with its column of volatilities (iv_vendor)

Of the two-sided rows of a range of expiries: how many, the share of the vendor's volatilities, as printed (four
decimals), between ours of bid and ask, and the median of ours of the mid less the vendor's.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import atalanta

#: Ex-date and cash as SPY paid them; the first was known that evening.
DIVIDENDS = [
    ("2023-09-15", 1.583),
    ("2023-12-15", 1.906),
    ("2024-03-15", 1.595),
    ("2024-06-21", 1.759),
    ("2024-09-20", 1.746),
    ("2024-12-20", 1.966),
    ("2025-03-21", 1.696),
    ("2025-06-20", 1.761),
    ("2025-09-19", 1.831),
    ("2025-12-19", 1.993),
]
RATE = 0.053
LATER_YIELD = 0.0155
PRINTED = 5e-5

#: Title, years from and to, side (1 out of the money, -1 in it), whether later dividends are a yield.
RANGES = (
    ("7 days to 8 weeks, out of the money", 7 / 365, 0.15, 1, False),
    ("the same, in the money", 7 / 365, 0.15, -1, False),
    ("7 days to a year, out of the money", 7 / 365, 1.0, 1, False),
    ("the same, in the money", 7 / 365, 1.0, -1, False),
    ("7 to 28 months, out of the money; later dividends as a yield of 1.55 %", 0.6, 3.0, 1, True),
)


def compared(analysis: atalanta.Analysis, shortest: float, longest: float, side: int) -> atalanta.Analysis:
    """Two-sided rows with a vendor's volatility on one side of the forward."""
    years, two_sided = analysis["years"], (analysis["bid"] > 0) & (analysis["ask"] > analysis["bid"])
    there = two_sided & (years >= shortest) & (years <= longest) & (analysis["iv_vendor"] > 0)
    return analysis.take(there & (side * analysis["right"] * analysis["moneyness"] > 0))


def cell(rows: atalanta.Analysis) -> str:
    """The share inside and the median difference."""
    vendor = rows["iv_vendor"]
    inside = (vendor >= np.nan_to_num(rows["iv_bid"]) - PRINTED) & (vendor <= rows["iv_ask"] + PRINTED)
    return f"{inside.mean():.1%}, {np.nanmedian(rows['iv_mid'] - vendor):+.4f}"


def main(path: Path) -> None:
    """Print the table, and what is said of early exercise."""
    chain = atalanta.read_chain(path)
    european = chain.with_columns(exercise=np.full(len(chain), "european", dtype=object))
    kept = {"american": chain, "european": european}
    in_cash = {
        name: atalanta.analyze(one, rate=RATE, dividends={"SPY": DIVIDENDS} if name == "american" else None)
        for name, one in kept.items()
    }
    as_yield = {
        name: atalanta.analyze(
            one,
            rate=RATE,
            dividends={"SPY": DIVIDENDS[:1]} if name == "american" else None,
            borrow=LATER_YIELD if name == "american" else None,
        )
        for name, one in kept.items()
    }
    print("| two-sided rows | n | valued as American | valued as European |", "|---|---|---|---|", sep="\n")
    for title, shortest, longest, side, with_yield in RANGES:
        made = as_yield if with_yield else in_cash
        american, other = (compared(made[name], shortest, longest, side) for name in ("american", "european"))
        print(f"| {title} | {len(american):,} | {cell(american)} | {cell(other)} |")
    found = atalanta.market.analysis.find_assignments(in_cash["american"])
    before = ~found["now"]
    print(
        f"\n{before.sum():,} calls worth exercising that evening, by up to ${found['cost'][before].max():.2f} a share."
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
