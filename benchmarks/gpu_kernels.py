"""Errors of the GPU kernels against 40-digit values, and their time, as tables in Markdown.

    python benchmarks/gpu_kernels.py [rows, 4000 by default]

Of the host build always; of the GPU too where there is one, named. Market: spot 50 to 150, strikes e^-0.6 to e^0.6 of it,
0.02 to 2 years, vols 8 to 80 %, rate 3 %, yields 0 and 2 %. Domain: all that the float kernels take, near the money and
far, vol sqrt(years) 0.004 to 2. Times: CPU time of the columns' preparation and of the host
build, wall time of a GPU with the way there and back from NumPy.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from atalanta import pricing
from atalanta.compute.devices import OPERATIONS, Device, device
from atalanta.compute.devices.columns import Batch
from atalanta.compute.devices.options import kernels
from atalanta.pricing import GREEK_NAMES

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.references.european import domain, errors, exact_columns, market

#: (format, tolerance that chooses it, of prices and Greeks; of implied vols)
FORMATS = (("float32", 1e-5, 1e-4), ("double_single", None, None))
SIZES = (10_000, 100_000, 1_000_000)


def price_rows(one: Device, options: tuple, exact: list) -> Iterator[tuple[str, str, float, float]]:
    """(what, format, largest, median)."""
    spot, price = options[1], np.array([float(row[0]) for row in exact])
    for name, tolerance, _ in FORMATS:
        error = np.abs(errors(one.run("price", *options, tolerance=tolerance), exact, 0))
        yield "price, of the spot", name, *summary(error / spot)
        for least in (1e-4, 1e-10):
            worth = price > least * spot
            yield f"price, relative, above {least:g} of the spot", name, *summary(error[worth] / price[worth])


def greek_rows(one: Device, options: tuple, exact: list, scale: np.ndarray) -> Iterator[tuple]:
    """The six Greeks, each in units of its scale: the worst of them."""
    for name, tolerance, _ in FORMATS:
        found = one.run("greeks", *options, tolerance=tolerance)
        error = np.array(
            [np.abs(errors(found[c], exact, c)) / scale[c] for c in range(1, len(GREEK_NAMES[:7]))]
        )
        yield "Greeks, of their scales", name, *summary(error.max(axis=0))


def vol_rows(one: Device, options: tuple, exact: list) -> Iterator[tuple]:
    """Where the option that is out of the money is worth 1e-6 of the spot: elsewhere the host solves."""
    right, spot, strike, years, rate, vol, dividend_yield = options
    price = np.array([float(row[0]) for row in exact])
    gain = right * (spot * np.exp(-dividend_yield * years) - strike * np.exp(-rate * years))
    worth = price - np.maximum(gain, 0.0) > 1e-6 * spot
    for name, _, tolerance in FORMATS:
        quotes = (price, right, spot, strike, years, rate, dividend_yield)
        found, _ = one.run("implied_vol", *quotes, tolerance=tolerance)
        yield "implied vol, relative", name, *summary(np.abs(found / vol - 1.0)[worth])


def summary(error: np.ndarray) -> tuple[float, float]:
    """Largest and median."""
    return float(error.max()), float(np.median(error))


def seconds(one: Device, operation: str, arguments: tuple, tolerance: float | None) -> float:
    """The least of five."""
    clock = time.process_time if one.name == "emulated" else time.perf_counter
    times = []
    for _ in range(6):  # the first makes the kernel
        start = clock()
        one.run(operation, *arguments, tolerance=tolerance)
        times.append(clock() - start)
    return min(times[1:])


def packing_rows(size: int = 1_000_000) -> Iterator[tuple[str, float]]:
    """(format, ns of CPU time per row) of making the kernels' columns out of NumPy's."""
    batch = Batch.of(market(size, seed=1), OPERATIONS["price"].arrays, "benchmark")
    for name, kernel in (("float32", "price_single"), ("double_single", "price_double_single")):
        widths, times = kernels()[kernel].widths, []
        for _ in range(5):
            start = time.process_time()
            for _ in batch.packed(widths):
                pass
            times.append(time.process_time() - start)
        yield name, min(times) / size * 1e9


def own_price(size: int = 1_000_000) -> float:
    """Time per row of the CPU's own kernel on one thread, in ns of CPU time."""
    right, *numbers, dividend_yield = market(size, seed=1)
    sides, times = right.astype(np.int8), []
    for _ in range(5):
        start = time.process_time()
        pricing.price(sides, *numbers, dividend_yield=dividend_yield, threads=1)
        times.append(time.process_time() - start)
    return min(times) / size * 1e9


def time_rows(one: Device) -> Iterator[tuple[str, str, int, float]]:
    """(operation, format, rows, ns per row)."""
    for size in SIZES if one.name == "gpu" else SIZES[:1]:
        options = market(size, seed=1)
        for operation in ("price", "greeks"):
            for name, tolerance, _ in FORMATS:
                yield operation, name, size, seconds(one, operation, options, tolerance) / size * 1e9


def main() -> None:
    """Print the tables of every device that runs the kernels here."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    kinds = {
        name: (options, *exact_columns(options))
        for name, options in (("market", market(rows, seed=2026)), ("domain", domain(rows, seed=2026)))
    }
    print("| columns of seven numbers, 1,000,000 rows | ns a row |\n|---|---|")
    for name, ns in packing_rows():
        print(f"| {name} | {ns:.1f} |")
    print(f"| beside them: a price by the CPU's kernel | {own_price():.1f} |")
    for one in (device("emulated"), device("gpu")):
        state = one.availability()
        print(f"\n{one.name}: {state.reason}\n")
        if not state.available:
            continue
        print("| rows | what | format | largest | median |\n|---|---|---|---|---|")
        for kind, (options, exact, scale) in kinds.items():
            found = (price_rows(one, options, exact), greek_rows(one, options, exact, scale))
            for what, name, largest, median in chain(*found, vol_rows(one, options, exact)):
                print(f"| {kind} | {what} | {name} | {largest:.2g} | {median:.2g} |")
        print("\n| operation | format | rows | ns a row |\n|---|---|---|---|")
        for operation, name, size, ns in time_rows(one):
            print(f"| {operation} | {name} | {size:,} | {ns:.0f} |")


if __name__ == "__main__":
    main()
