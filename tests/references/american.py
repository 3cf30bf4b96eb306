"""Writes the reference values for American exercise: two CSV tables, and their rows for the C++ tests.

Run `python tests/references/american.py` (NumPy only, ten minutes). Values are on a strike of 100.

american_yield.csv: `price` by collocation with 64 nodes (`edges`), `error` its distance to 48 nodes, `pde` and
`pde_error` an independent check by finite differences. Greeks are fourth-order differences of the price, per
1.00 of vol and rates and per year of calendar time; `nan` where the edge lies within their reach.
american_dividends.csv: `price` and `error` by finite differences on three grids (`pde`); `dividends` is a list
`years:cash;...`. The spot falls by min(cash, spot) at each ex-date.
tests/cpp/american_reference.hpp: both.
"""

import csv
import math
from pathlib import Path

import edges
import pde

HERE = Path(__file__).parent
FINE, CHECK, GREEKS = edges.Grid(64, 128), edges.Grid(48, 96), edges.Grid(48, 96)
TERMS = ("right", "spot", "strike", "years", "rate", "dividend_yield", "vol")
FLOOR = 2e-6  # of the errors of finite differences: three grids may agree by chance
NAMES = ("delta", "gamma", "vega", "theta", "rho", "phi")


def yield_rows():
    """Groups of (right, spot, strike, years, rate, dividend_yield, vol)."""
    put, call, k = -1, 1, 100.0
    drift = []
    numbers = (0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 20.0)
    for r_number, years in zip(numbers, (1.0, 0.5, 2.0, 1.0, 3.0, 1.0, 1.0, 2.0), strict=True):
        vol = round(0.05 * math.sqrt(years) / r_number, 4)
        away = round(100.0 * math.exp(0.5 * vol * math.sqrt(years)), 2)
        drift += [(put, k, k, years, 0.06, 0.01, vol), (put, away, k, years, 0.06, 0.01, vol)]
    drift += [(call, 99.5, k, 1.0, 0.01, 0.06, 0.03), (put, 101.0, k, 10.0, 0.12, 0.0, 0.1)]
    drift += [(call, 99.99, k, 1.0, 0.01, 0.06, 0.004), (put, 100.01, k, 0.5, 0.03, -0.02, 0.003)]
    yields = [
        (put, 60.0, k, 3.0, 0.02, 0.12, 0.06),
        (put, 20.0, k, 1.0, 0.02, 0.12, 0.06),
        (put, 15.0, k, 0.5, 0.01, 0.08, 0.1),
        (put, 90.0, k, 1.0, 0.03, 0.2, 0.1),
        (call, 500.0, k, 1.0, 0.12, 0.02, 0.1),
        (put, 100.0, k, 2.0, 0.04, 0.04, 0.1),
    ]
    negative = [
        (put, 100.0, k, 1.0, 0.03, -0.02, 0.2),
        (put, 90.0, k, 0.25, 0.01, -0.05, 0.15),
        (put, 100.0, k, 1.0, 0.0, -0.02, 0.2),
        (put, 100.0, k, 1.0, -0.01, 0.01, 0.2),
        (put, 100.0, k, 1.0, 0.0, 0.02, 0.2),
        (call, 100.0, k, 1.0, -0.02, 0.03, 0.2),
        (call, 110.0, k, 2.0, -0.01, 0.0, 0.25),
        (call, 110.0, k, 2.0, -0.01, 0.005, 0.25),
    ]
    wide = [
        (put, 100.0, k, 10.0, 0.05, 0.02, 0.5),
        (put, 100.0, k, 4.0, 0.03, 0.05, 1.0),
        (put, 60.0, k, 9.0, 0.05, 0.0, 1.0),
        (call, 100.0, k, 4.0, 0.03, 0.08, 1.5),
        (call, 150.0, k, 1.0, 0.02, 0.05, 3.0),
        (put, 200.0, k, 1.0, 0.02, 0.0, 2.0),
    ]
    times = [
        (put, 100.0, k, 0.001, 0.05, 0.01, 0.2),
        (put, 99.5, k, 0.003, 0.04, 0.0, 0.3),
        (call, 101.0, k, 0.003, 0.04, 0.08, 0.3),
        (put, 98.0, k, 0.02, 0.05, 0.02, 0.25),
        (call, 104.0, k, 0.1, 0.03, 0.06, 0.3),
        (put, 85.0, k, 0.5, 0.06, 0.0, 0.35),
        (put, 110.0, k, 5.0, 0.04, 0.01, 0.2),
        (call, 100.0, k, 10.0, 0.02, 0.05, 0.25),
        (put, 100.0, k, 10.0, 0.02, 0.03, 0.3),
        (put, 120.0, k, 1.5, 0.07, 0.03, 0.45),
    ]
    double = [
        (put, 95.0, k, 1.0, -0.01, -0.04, 0.1),
        (put, 80.0, k, 1.0, -0.01, -0.04, 0.1),
        (put, 25.0, k, 1.0, -0.01, -0.04, 0.1),
        (put, 24.0, k, 5.0, -0.01, -0.04, 0.2),
        (put, 70.0, k, 3.0, -0.01, -0.04, 0.2),
        (put, 55.0, k, 9.0, -0.005, -0.01, 0.08),
        (put, 60.0, k, 40.0, -0.005, -0.01, 0.08),
        (put, 53.0, k, 7.0, -0.02, -0.05, 0.2),
        (put, 110.0, k, 10.0, -0.02, -0.05, 0.116),
        (put, 100.0, k, 10.0, -0.02, -0.05, 0.02),
        (put, 38.0, k, 3.0, -0.02, -0.05, 0.02),
        (put, 99.0, k, 0.01, -0.005, -0.03, 0.3),
        (call, 105.0, k, 1.0, -0.04, -0.01, 0.1),
        (call, 160.0, k, 2.0, -0.03, -0.02, 0.2),
        (put, 100.0, k, 1.0, -1e-6, -0.05, 0.3),
        (put, 95.0, k, 1.0, -0.02, -0.021, 0.2),
    ]
    return {
        "drift": drift,
        "yield": yields,
        "negative": negative,
        "wide": wide,
        "times": times,
        "double": double,
    }


def dividend_options():
    """Groups of options with cash dividends."""

    def make(right, spot, years, rate, yield_, vol, *dividends):
        return pde.Option(right, spot, 100.0, years, rate, yield_, vol, tuple(dividends))

    quarterly = tuple((0.12 + 0.25 * k, 0.6) for k in range(8))
    irregular = ((0.05, 0.3), (0.11, 2.5), (0.4, 0.8), (0.43, 1.1), (0.9, 3.0))
    return {
        "one": [
            make(-1, 100.0, 1.0, 0.05, 0.0, 0.2, (0.5, 4.0)),
            make(1, 100.0, 1.0, 0.05, 0.0, 0.2, (0.5, 4.0)),
            make(-1, 90.0, 0.5, 0.03, 0.0, 0.35, (0.2, 1.5)),
            make(1, 110.0, 0.5, 0.03, 0.0, 0.35, (0.2, 1.5)),
            make(-1, 100.0, 0.25, 0.05, 0.02, 0.3, (0.1, 1.0)),
            make(1, 100.0, 0.25, 0.02, 0.04, 0.3, (0.1, 1.0)),
        ],
        "quarterly": [
            make(-1, 100.0, 2.0, 0.04, 0.0, 0.25, *quarterly),
            make(1, 100.0, 2.0, 0.04, 0.0, 0.25, *quarterly),
            make(-1, 120.0, 2.0, 0.04, 0.0, 0.25, *quarterly),
            make(1, 85.0, 2.0, 0.04, 0.0, 0.25, *quarterly),
            make(-1, 80.0, 1.0, 0.04, 0.0, 0.25, *quarterly[:4]),
            make(1, 125.0, 1.0, 0.04, 0.0, 0.25, *quarterly[:4]),
        ],
        "irregular": [
            make(-1, 100.0, 1.0, 0.06, 0.0, 0.3, *irregular),
            make(1, 100.0, 1.0, 0.06, 0.0, 0.3, *irregular),
            make(-1, 95.0, 1.0, 0.03, 0.01, 0.15, *irregular),
            make(1, 105.0, 1.0, 0.01, 0.03, 0.15, *irregular),
            make(-1, 110.0, 1.0, 0.0, 0.0, 0.2, *irregular),
        ],
        "close": [
            make(-1, 100.0, 0.5, 0.05, 0.0, 0.25, (0.001, 1.0)),
            make(1, 105.0, 0.5, 0.05, 0.0, 0.25, (0.001, 1.0)),
            make(-1, 100.0, 0.5, 0.05, 0.0, 0.25, (0.499, 1.0)),
            make(1, 105.0, 0.5, 0.05, 0.0, 0.25, (0.499, 1.0)),
            make(-1, 100.0, 0.01, 0.05, 0.0, 0.3, (0.005, 0.7)),
            make(1, 100.0, 0.01, 0.05, 0.0, 0.3, (0.005, 0.7)),
        ],
        "extraordinary": [
            make(-1, 100.0, 1.0, 0.04, 0.0, 0.3, (0.5, 40.0)),
            make(1, 100.0, 1.0, 0.04, 0.0, 0.3, (0.5, 40.0)),
            make(-1, 100.0, 1.0, 0.04, 0.0, 0.3, (0.5, 150.0)),
            make(1, 150.0, 1.0, 0.04, 0.0, 0.3, (0.5, 150.0)),
        ],
        "negative": [
            make(-1, 100.0, 1.0, -0.01, 0.0, 0.2, (0.3, 1.0), (0.8, 1.0)),
            make(1, 100.0, 1.0, -0.01, 0.0, 0.2, (0.3, 1.0), (0.8, 1.0)),
            make(-1, 95.0, 1.0, -0.01, -0.04, 0.1, (0.5, 1.0)),
        ],
    }


def greeks(terms):
    """Fourth-order differences of the price in the order of NAMES."""
    spot, years, rate, dividend_yield, vol = (terms[i] for i in (1, 3, 4, 5, 6))
    room = [abs(x) for x in (rate, dividend_yield, rate - dividend_yield) if x != 0.0]
    rates = 0.001 * min([vol / math.sqrt(years), *room])
    drift = (
        terms[0] * (dividend_yield - rate) - 0.5 * vol * vol
    )  # away from exercise; it shapes the value if high
    ruled = 0.05 * vol * vol / drift if drift > 0.0 else math.inf
    steps = {
        1: spot * min(0.01 * min(vol * math.sqrt(years), 0.5), ruled),
        6: 0.001 * vol,
        3: 0.001 * years,
        4: rates,
        5: rates,
    }
    here = edges.price(*terms, GREEKS)
    values = {}
    for place, step in steps.items():
        at = lambda k, place=place, step=step: edges.price(
            *(x + k * step if i == place else x for i, x in enumerate(terms)), GREEKS
        )
        v = [at(-2), at(-1), here, at(1), at(2)]
        values[place] = (8.0 * (v[3] - v[1]) - (v[4] - v[0])) / (12.0 * step)
        if place == 1:
            gamma = (16.0 * (v[1] + v[3]) - v[0] - v[4] - 30.0 * here) / (12.0 * step**2)
            held = all(
                abs(x - _intrinsic(terms, k * step)) > 1e-9 for k, x in zip(range(-2, 3), v, strict=True)
            )
    if not held:
        exercised = abs(here - _intrinsic(terms, 0.0)) < 1e-9
        return [float(terms[0]), 0.0, 0.0, 0.0, 0.0, 0.0] if exercised else [math.nan] * len(NAMES)
    return [values[1], gamma, values[6], -values[3], values[4], values[5]]


def _intrinsic(terms, shift):
    return terms[0] * (terms[1] + shift - terms[2])


def write_yield():
    """american_yield.csv."""
    rows = [(group, terms) for group, members in yield_rows().items() for terms in members]
    checks, errors = pde.prices([pde.Option(*terms) for _, terms in rows], nodes=800, steps=60)
    with (HERE / "american_yield.csv").open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["group", *TERMS, "price", "error", *NAMES, "pde", "pde_error"])
        for (group, terms), check, check_error in zip(rows, checks, errors, strict=True):
            value = edges.price(*terms, FINE)
            error = abs(value - edges.price(*terms, CHECK)) + 1e-11
            out.writerow(
                [group, *terms, f"{value:.12g}", f"{error:.1e}"]
                + [f"{g:.9g}" for g in greeks(terms)]
                + [f"{check:.9g}", f"{check_error + FLOOR:.1e}"]
            )


def write_dividends():
    """american_dividends.csv."""
    rows = [(group, option) for group, members in dividend_options().items() for option in members]
    values, errors = pde.prices([option for _, option in rows], nodes=800, steps=40)
    with (HERE / "american_dividends.csv").open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["group", *TERMS, "dividends", "price", "error"])
        for (group, option), value, error in zip(rows, values, errors, strict=True):
            cash = ";".join(f"{years}:{amount}" for years, amount in option.dividends)
            terms = [getattr(option, name) for name in TERMS]
            out.writerow([group, *terms, cash, f"{value:.9g}", f"{error + FLOOR:.1e}"])


def write_header():
    """american_reference.hpp, from the two tables."""
    lines = [HEADER]
    for name, fields in (("Yield", ("price", "error", *NAMES)), ("Dividend", ("price", "error"))):
        with (HERE / f"american_{name.lower()}{'s' if name == 'Dividend' else ''}.csv").open() as file:
            rows = list(csv.DictReader(file))
        lines.append(f"inline const {name}Reference k{name}References[] = {{")
        for row in rows:
            terms = ", ".join(row[term] for term in TERMS)
            cash = row.get("dividends", "").replace(":", ", ").replace(";", "}, {")
            values = ", ".join(row[field].replace("nan", "kNoValue") for field in fields)
            lines.append(f"    {{{terms}, {'{{' + cash + '}}, ' if cash else ''}{values}}},")
        lines.append("};\n")
    lines.append("}  // namespace atalanta::testing\n")
    (HERE.parent / "cpp" / "american_reference.hpp").write_text("\n".join(lines))


HEADER = """// Reference values of American options, written by tests/references/american.py; do not edit.
// Greeks per 1.00 of vol and rates, per year of calendar time; NaN where an edge is too close to tell.
#pragma once

#include <vector>

// clang-format off
namespace atalanta::testing {

inline constexpr double kNoValue = __builtin_nan("");

struct YieldReference {
    int right;
    double spot, strike, years, rate, dividend_yield, vol;
    double price, error, delta, gamma, vega, theta, rho, phi;
};

struct CashDividend {
    double years, cash;
};

struct DividendReference {
    int right;
    double spot, strike, years, rate, dividend_yield, vol;
    std::vector<CashDividend> dividends;
    double price, error;
};
"""

if __name__ == "__main__":
    write_yield()
    write_dividends()
    write_header()
