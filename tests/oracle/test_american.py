"""American options with a yield against converged prices and Greeks, published approximations and limits."""

from pathlib import Path

import numpy as np
import pytest

import atalanta
from tests.oracle.test_european import read
from tests.references import edges

INPUTS = ("type", "S", "K", "T", "r", "sigma")

#: Largest error of a price for a strike of 100, by class.
CLASSES = {"fast": 1e-4, "standard": 3e-5, "precise": 5e-7}

#: right, spot, years, rate, yield, vol and price for a strike of 100: spots at the edge of exercise, high drift at low
#: vol, long lives, high vols, both signs. By two programs that share no code, an equation of the boundary (FP-B of
#: Andersen, Lake and Offengenden 2016) by Newton's method at 40 nodes, and tests/references/edges.py at 48: within 2e-8.
CONVERGED = (
    ("call", 154.8, 0.586, 0.0385, 0.1151, 0.468, 54.83559967),
    ("call", 285.2, 1.975, 0.0975, 0.0808, 0.623, 185.82788812),
    ("call", 347.2, 1.23, 0.0505, 0.0713, 0.778, 247.20030025),
    ("call", 155.0, 1.652, 0.005, 0.0678, 0.3342, 55.00001833),
    ("put", 99.454, 1.5, 0.1374, 0.0185, 0.04, 0.55650018),
    ("put", 98.94, 3.12, 0.1967, 0.0301, 0.0603, 1.06014141),
    ("put", 94.02, 1.67, 0.194, 0.014, 0.1534, 5.98029840),
    ("put", 92.3, 2.18, 0.2058, 0.0258, 0.195, 7.83967421),
    ("call", 111.7, 2.986, 0.0373, 0.2173, 0.21, 11.70106155),
    ("call", 467.0, 7.37, 0.19, 0.051, 0.921, 392.29433351),
    ("put", 1061.0, 7.2, 0.0926, 0.1851, 0.932, 34.53044656),
    ("put", 96.65, 5.64, 0.1438, -0.0016, 0.2052, 6.26123991),
    ("call", 104.8, 8.0, 0.0791, 0.1343, 0.132, 6.84684676),
    ("put", 46.07, 1.255, 0.0768, 0.038, 0.5374, 53.93742661),
    ("put", 100.0, 10.0, 0.05, 0.0, 0.2, 11.21141994),
    ("call", 100.0, 10.0, 0.02, 0.06, 0.25, 16.28621250),
    ("put", 100.0, 0.003, 0.05, 0.0, 0.3, 0.64869054),
    ("call", 98.0, 0.01, 0.01, 0.09, 0.15, 0.05470034),
    ("put", 100.0, 1.0, 0.05, 0.05, 0.3, 11.47042802),
    ("put", 90.0, 0.5, 0.08, 0.0, 0.2, 10.29148847),
    ("put", 100.0, 1.0, 0.001, 0.0, 0.2, 7.91648590),
    ("put", 100.0, 2.0, 0.03, -0.02, 0.2, 7.87737475),
    ("call", 110.0, 2.0, -0.02, 0.03, 0.2, 13.45036025),
    ("put", 130.0, 1.0, 0.02, 0.12, 0.4, 9.61988505),
    ("put", 100.0, 0.25, 0.2, 0.0, 0.05, 0.22787514),
)


def american(rows, **keywords):
    columns = (rows[name] for name in INPUTS)
    return atalanta.price(*columns, dividend_yield=rows["q"], exercise="american", **keywords)


@pytest.mark.parametrize(("tolerance", "limit"), CLASSES.items())
def test_every_row_of_the_exact_grid_is_within_its_class(shared_cases, tolerance, limit):
    """90 options of the grid of Andersen, Lake and Offengenden, converged to 1e-9."""
    rows = read(shared_cases / "american_exact_grid.csv")
    error = np.abs(american(rows, tolerance=tolerance) - rows["price"])
    assert 90 == len(error)
    assert [] == list(np.flatnonzero(~(error <= limit + rows["tol_abs"])))


@pytest.mark.parametrize(("tolerance", "limit"), CLASSES.items())
@pytest.mark.parametrize("name", ["american_baw_haug.csv", "american_ju1999_calls.csv"])
def test_the_options_of_published_tables_have_their_exact_price(shared_cases, name, tolerance, limit):
    """Converged values, not what the approximations of those papers print, which are up to 0.07 off."""
    rows = read(shared_cases / name)
    exact = np.array([float(value or "nan") for value in rows["exact_value"].astype(str)])
    known = np.isfinite(exact)
    error = np.abs(american(rows, tolerance=tolerance) - exact)
    assert known.sum() >= len(exact) - 1
    assert [] == list(np.flatnonzero(known & ~(error <= limit * rows["K"] / 100 + 1e-8)))


def test_an_option_without_rate_and_yield_is_european(shared_cases):
    """The one row of Haug's table whose exact value is the European price."""
    rows = read(shared_cases / "american_baw_haug.csv")
    (row,) = np.flatnonzero((rows["r"] == 0) & (rows["q"] == 0))
    columns = [rows[name][row] for name in INPUTS]
    european = atalanta.price(str(columns[0]), *map(float, columns[1:]))
    assert european == pytest.approx(american(rows)[row], abs=1e-12)


@pytest.mark.parametrize(
    ("name", "limit"),
    [("delta", 1e-6), ("gamma", 1e-6), ("vega", 2e-4), ("theta", 2e-4), ("rho", 2e-4), ("phi", 2e-4)],
)
def test_greeks_of_the_exact_rows(shared_cases, name, limit):
    """15 options, Greeks by fourth-order differences of converged prices; phi is not given without a yield."""
    rows = read(shared_cases / "american_greeks.csv")
    columns = (rows[name] for name in INPUTS)
    greeks = atalanta.greeks(*columns, dividend_yield=rows["q"], exercise="american", tolerance="precise")
    expected = rows[name]
    known = np.isfinite(expected)
    assert known.sum() >= 11
    assert np.max(np.abs(greeks[name] - expected)[known]) <= limit


@pytest.mark.parametrize(("tolerance", "limit"), CLASSES.items())
def test_converged_prices_where_methods_fail(tolerance, limit):
    """Within the class on every row, for the larger of spot and strike at 100."""
    right, spot, years, rate, dividend_yield, vol, exact = zip(*CONVERGED, strict=True)
    price = atalanta.price(
        right,
        spot,
        100.0,
        years,
        rate,
        vol,
        dividend_yield=dividend_yield,
        exercise="american",
        tolerance=tolerance,
    )
    error = np.abs(price - exact) * 100 / np.maximum(spot, 100)
    assert [] == [(row, float(off)) for row, off in zip(CONVERGED, error, strict=True) if not off <= limit]


def test_random_options_against_an_independent_program():
    """40 seeded options, puts and calls, a week to three years, vol 8 to 60 %, rates and yields to 10 %."""
    random, grid = np.random.default_rng(11), edges.Grid(24, 48)
    for _ in range(40):
        right, years, vol = int(random.choice([-1, 1])), random.uniform(0.02, 3), random.uniform(0.08, 0.6)
        rate, dividend_yield = random.uniform(0.0, 0.1, 2)
        option = right, 100 * np.exp(random.uniform(-1.5, 1.5) * vol * np.sqrt(years)), 100.0, years, rate
        exact = edges.price(*option, dividend_yield, vol, grid)
        price = atalanta.price(
            *option, vol, dividend_yield=dividend_yield, exercise="american", tolerance="precise"
        )
        limit = CLASSES["precise"] * max(1.0, option[1] / 100)
        assert exact == pytest.approx(price, abs=limit), (*option, dividend_yield, vol)


#: Rates below zero, where exercise may end twice, high drift and more: prices to 1e-10, checked by a PDE.
TABLE = Path(edges.__file__).with_name("american_yield.csv")


@pytest.fixture(scope="module")
def table():
    """The committed reference values; how they were made is told in tests/references/american.py."""
    return read(TABLE)


@pytest.mark.parametrize(("tolerance", "limit"), CLASSES.items())
def test_every_row_of_the_committed_table_is_within_its_class(table, tolerance, limit):
    """66 options of every regime, two boundaries among them; for the larger of spot and strike at 100."""
    error = (
        np.abs(table_greeks(table, tolerance).price - table["price"]) * 100 / np.maximum(table["spot"], 100)
    )
    assert 66 == len(error)
    assert [] == list(np.flatnonzero(~(error <= limit + table["error"])))


@pytest.mark.parametrize(
    ("name", "limit"),
    [("delta", 2e-5), ("gamma", 2e-5), ("vega", 1e-5), ("theta", 1e-5), ("rho", 5e-5), ("phi", 1e-5)],
)
def test_greeks_of_the_committed_table(table, name, limit):
    """The finest class against differences of converged prices: of the value, or of 1 where it is less."""
    known = np.isfinite(table[name])
    error = np.abs(table_greeks(table, "precise")[name] - table[name]) / np.maximum(1, np.abs(table[name]))
    assert known.sum() >= 50
    assert np.max(error[known]) <= limit


def table_greeks(table, tolerance):
    columns = (table[name] for name in ("right", "spot", "strike", "years", "rate", "vol"))
    right, *numbers = columns
    return atalanta.greeks(
        right.astype(int),
        *numbers,
        dividend_yield=table["dividend_yield"],
        exercise="american",
        tolerance=tolerance,
    )


def test_limits(shared_cases):
    """No volatility, spot, strike or time, and a negative rate: the closed-form limits."""
    rows = read(shared_cases / "american_edge.csv")
    price = american(rows)
    assert 10 == len(price)
    assert [] == list(np.flatnonzero(~(np.abs(price - rows["value"]) <= rows["tol_abs"])))
