"""The GPU kernels, compiled for the host, against exact values: of mpmath, and of the files in ../shared/cases."""

import csv

import numpy as np
import pytest

from atalanta.compute.devices import device
from atalanta.pricing import GREEK_NAMES

pytest.importorskip("mpmath")
from tests.references.european import domain, errors, exact_columns, market, scales

EMULATED = device("emulated")
TEXTS = ("type", "regime", "source")
FLOAT, DOUBLE_SINGLE = 1e-5, None  # tolerances that choose the format


@pytest.fixture(scope="module")
def options():
    return market(1500, seed=4)


@pytest.fixture(scope="module")
def domain_rows():
    rows = domain(1500, seed=9)
    return rows, *exact_columns(rows)


@pytest.fixture(scope="module")
def exact(options):
    return exact_columns(options)[0]


@pytest.mark.parametrize(
    ("tolerance", "prices", "greeks"), [(FLOAT, 2.5e-7, 2e-6), (DOUBLE_SINGLE, 1e-13, 1e-12)]
)
def test_the_whole_domain(domain_rows, tolerance, prices, greeks):
    """The guarantees do not rest on a market's rows."""
    rows, exact, scale = domain_rows
    found = EMULATED.run("greeks", *rows, tolerance=tolerance)
    worst = [np.abs(errors(found[column], exact, column) / scale[column]).max() for column in range(7)]
    assert worst[0] <= prices
    assert max(worst[1:]) <= greeks


def test_float_prices(options, exact):
    """2.5e-7 of the spot."""
    found = EMULATED.run("price", *options, tolerance=FLOAT)
    assert np.abs(errors(found, exact, 0) / options[1]).max() <= 2.5e-7


def test_double_single_prices(options, exact):
    """1e-12 of the price where it is above 1e-10 of the spot; 1e-13 of the spot everywhere."""
    error = np.abs(errors(EMULATED.run("price", *options), exact, 0))
    price, spot = np.array([float(row[0]) for row in exact]), options[1]
    worth = price > 1e-10 * spot
    assert 1400 < worth.sum() < 1500
    assert (error[worth] / price[worth]).max() <= 1e-12
    assert (error / spot).max() <= 1e-13


@pytest.mark.parametrize(("tolerance", "limit"), [(FLOAT, 2e-6), (DOUBLE_SINGLE, 1e-12)])
def test_greeks(options, exact, tolerance, limit):
    """Each column in units of its scale."""
    found, scale = EMULATED.run("greeks", *options, tolerance=tolerance), scales(*options)
    assert (7, 1500) == found.shape
    worst = {
        name: np.abs(errors(found[column], exact, column) / scale[column]).max()
        for column, name in enumerate(GREEK_NAMES[:7])
    }
    assert {} == {name: error for name, error in worst.items() if not error <= limit}


@pytest.mark.parametrize(("tolerance", "limit"), [(1e-4, 1e-5), (DOUBLE_SINGLE, 1e-9)])
def test_implied_vols(options, exact, tolerance, limit):
    """What the rounded price determines; a vol is relative, and the price's own rounding is allowed for."""
    right, spot, strike, years, rate, vol, dividend_yield = options
    price, vega = (np.array([float(row[column]) for row in exact]) for column in (0, 3))
    found, status = EMULATED.run(
        "implied_vol", price, right, spot, strike, years, rate, dividend_yield, tolerance=tolerance
    )
    with np.errstate(divide="ignore", over="ignore"):
        condition = np.maximum(1.0, price / (vega * vol))
    known = status == 0
    allowed = limit + 8 * 2.2e-16 * condition[known]
    assert known.sum() > 1400
    assert (np.abs(found[known] / vol[known] - 1.0) <= allowed).all()


@pytest.fixture(scope="module")
def case_rows(shared_cases):
    def read(name):
        with (shared_cases / name).open(newline="") as file:
            return list(csv.DictReader(file))

    return read


def guaranteed(operation):
    """(device, error) of every format of the CPU and of the kernels: what this file holds against exact values."""
    return [
        pytest.param(name, each.error, id=f"{name}-{each.name}")
        for name in ("cpu", "emulated")
        for each in device(name).capabilities()[operation].formats
    ]


@pytest.mark.parametrize(("name", "error"), guaranteed("price"))
def test_reference_prices(case_rows, name, error):
    """180 rows, minutes to forty years, vols of 1e-5 to 10: what a kernel leaves the host finishes."""
    rows = case_rows("european_mpmath.csv")
    column = {
        each: np.array([float(row[each]) for row in rows]) for each in ("S", "K", "T", "r", "q", "sigma")
    }
    right = np.array([1.0 if row["type"] == "call" else -1.0 for row in rows])
    terms = (column[each] for each in ("S", "K", "T", "r", "sigma", "q"))
    found = device(name).run("price", right, *terms, tolerance=error)
    exact = np.array([float(row["price"]) for row in rows])
    assert 180 == len(exact)
    assert (np.abs(found - exact) / np.maximum(column["S"], exact)).max() <= error


@pytest.mark.parametrize(("name", "error"), guaranteed("greeks"))
def test_reference_greeks(case_rows, name, error):
    """The same rows; where a vol is tiny the inputs' last places matter more, and are allowed for by their share."""
    rows = case_rows("european_mpmath.csv")
    column = {each: np.array([float(row[each]) for row in rows]) for each in rows[0] if each not in TEXTS}
    right = np.array([1.0 if row["type"] == "call" else -1.0 for row in rows])
    options = (right, *(column[each] for each in ("S", "K", "T", "r", "sigma", "q")))
    found, scale = device(name).run("greeks", *options, tolerance=error), scales(*options)
    # ln(S/K) + (r - q) T, moved by 4 units in the last place of its terms, in total volatilities
    moved = (
        np.abs(np.log(column["S"] / column["K"])) + (np.abs(column["r"]) + np.abs(column["q"])) * column["T"]
    )
    allowed = error + 4 * 2.2e-16 * (1.0 + moved) / (column["sigma"] * np.sqrt(column["T"]))
    for place, greek in enumerate(GREEK_NAMES[1:7], start=1):
        worst = np.abs(found[place] - column[greek]) / scale[place] / allowed
        assert worst.max() <= 1.0, greek


@pytest.mark.parametrize(("name", "error"), guaranteed("implied_vol"))
def test_reference_vols(case_rows, name, error):
    """179 quotes to 36 standard deviations; within the guarantee and what the quote's rounding leaves open."""
    rows = case_rows("implied_vol_mpmath.csv")
    column = {
        each: np.array([float(row[each]) for row in rows])
        for each in ("price", "S_or_F", "K", "T", "r", "q", "sigma", "cond")
    }
    right = np.array([1.0 if row["type"] == "call" else -1.0 for row in rows])
    terms = (column[each] for each in ("S_or_F", "K", "T", "r", "q"))
    vol, status = device(name).run("implied_vol", column["price"], right, *terms, tolerance=error)
    assert not status.any()
    assert (
        np.abs(vol / column["sigma"] - 1.0) <= error + 4 * 2.2e-16 * np.maximum(1.0, column["cond"])
    ).all()
