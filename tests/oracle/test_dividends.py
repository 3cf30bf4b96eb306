"""Options with cash dividends under the spot model against quadrature, closed forms and an independent PDE."""

import math
from pathlib import Path

import numpy as np
import pytest

import atalanta
from tests.oracle.test_european import read

#: Largest error of a price for a strike of 100, by class.
CLASSES = {"fast": 2e-3, "standard": 5e-4, "precise": 1e-5}

#: right, exercise, spot, strike, years, rate, yield, vol, dividends, price, delta, gamma, theta. By a PDE in the spot:
#: sinh grid of 4,000 and 8,000 points, TR-BDF2, policy iteration, extrapolated; prices to 2e-6. Another program of the
#: kind, tests/references/pde.py at 800 to 3,200 points, agrees within its estimate of 1e-9 to 9e-6.
PDE = (
    ("put", "american", 100, 100, 0.5, 0.04, 0, 0.25, ((0.1, 0.6), (0.35, 0.6)), 6.727189, -0.458377, 0.0232058, -5.14920),
    ("call", "american", 100, 100, 0.5, 0.04, 0, 0.25, ((0.1, 0.6), (0.35, 0.6)), 7.371730, 0.553067, 0.0225164, -8.95377),
    ("put", "american", 100, 110, 1.0, 0.05, 0, 0.3, ((0.25, 2), (0.75, 2)), 17.537285, -0.573155, 0.0141274, -2.61471),
    ("put", "american", 100, 90, 1.0, 0.05, 0, 0.3, ((0.25, 2), (0.75, 2)), 6.804070, -0.310135, 0.0122584, -3.62538),
    ("call", "american", 100, 95, 1.0, 0.03, 0.01, 0.2, ((0.3, 1.5), (0.8, 1.5)), 10.107091, 0.639645, 0.0201752, -5.01112),
    ("put", "american", 100, 100, 2.0, 0.03, 0.02, 0.35, ((0.4, 1), (0.9, 1), (1.4, 1), (1.9, 1)), 19.702441, -0.404139, 0.0077656, -3.76121),
    ("put", "american", 100, 105, 0.05, 0.05, 0, 0.4, ((0.02, 1.2),), 7.401249, -0.733390, 0.0379986, -26.36190),
    ("call", "american", 100, 92, 45 / 365, 0.0425, 0, 0.25, ((5 / 365, 1.2),), 8.315629, 0.877922, 0.0415505, -16.36229),
    ("put", "american", 100, 100, 1.0, -0.01, 0, 0.2, ((0.5, 3),), 10.176754, -0.540119, 0.0201430, -4.67048),
    ("call", "american", 100, 100, 1.0, -0.01, 0, 0.2, ((0.5, 3),), 6.613585, 0.509381, 0.0234058, -4.23791),
    ("put", "american", 100, 100, 1.0, 0.05, 0, 0.3, ((0.5, 60),), 56.351844, -0.956639, 0.0030897, 6.21040),
    ("put", "european", 100, 100, 1.0, 0.05, 0, 0.3, ((0.25, 2), (0.75, 2)), 11.150733, -0.427718, 0.0133430, -3.30825),
    ("call", "american", 100, 80, 3.0, 0.06, 0, 0.4, ((0.5, 2), (1.5, 2), (2.5, 2)), 38.856065, 0.795886, 0.0042298, -5.82782),
    ("put", "american", 100, 80, 3.0, 0.06, 0, 0.4, ((0.5, 2), (1.5, 2), (2.5, 2)), 11.969255, -0.223510, 0.0048103, -1.78901),
)  # fmt: skip


TABLE = Path(__file__).parents[1] / "references" / "american_dividends.csv"


def schedule(text):
    """The (years, cash) pairs of a reference file's `t:amount;t:amount`."""
    return [tuple(map(float, entry.split(":"))) for entry in text.split(";")]


def rows_of(path):
    """Each row as keywords; `kind` is the file's style."""
    table = read(path)
    for row in range(len(table["K"])):
        numbers = {
            name: float(table[name][row]) for name in ("S", "K", "T", "r", "q", "sigma", "value", "tol_abs")
        }
        text = {"kind": str(table["style"][row]), "right": str(table["type"][row])}
        yield {**numbers, **text, "dividends": schedule(str(table["dividends(t:amount)"][row]))}


@pytest.fixture(scope="module")
def quadrature(shared_cases):
    """The 12 rows of the spot model: nested Gauss quadrature, to 1e-9."""
    rows = [
        row for row in rows_of(shared_cases / "discrete_dividends.csv") if row["kind"] != "european_escrowed"
    ]
    assert 12 == len(rows)
    return rows


@pytest.mark.parametrize(("tolerance", "limit"), CLASSES.items())
def test_every_row_of_the_spot_model_is_within_its_class(quadrature, tolerance, limit):
    """European and American, one and two dividends, one of them an hour before expiry."""
    for row in quadrature:
        price = atalanta.price(
            row["right"],
            row["S"],
            row["K"],
            row["T"],
            row["r"],
            row["sigma"],
            exercise=row["kind"],
            dividends=row["dividends"],
            tolerance=tolerance,
        )
        assert row["value"] == pytest.approx(price, abs=limit * row["K"] / 100), row


@pytest.mark.parametrize("name", ["discrete_dividends.csv", "discrete_dividends_hull.csv"])
def test_the_escrowed_model_is_the_european_price_of_less_spot(shared_cases, name):
    """Spot less the present value of the dividends gives the other model's values, Hull's example among them."""
    rows = [row for row in rows_of(shared_cases / name) if row["kind"] == "european_escrowed"]
    assert len(rows) in (1, 8)
    for row in rows:
        present = sum(cash * math.exp(-row["r"] * years) for years, cash in row["dividends"])
        price = atalanta.price(row["right"], row["S"] - present, row["K"], row["T"], row["r"], row["sigma"])
        assert row["value"] == pytest.approx(price, abs=max(row["tol_abs"], 1e-11)), row


def test_the_models_differ():
    """Spot 11.106 and escrowed 10.693 for the same option; American 11.656: quadrature, see discrete_dividends.csv."""
    option = ("call", 100.0, 100.0, 1.0, 0.06, 0.3)
    given = {"dividends": [(0.5, 7.0)], "tolerance": "precise"}
    escrowed = atalanta.price("call", 100.0 - 7.0 * math.exp(-0.03), *option[2:])
    assert 11.106242463 == pytest.approx(atalanta.price(*option, **given), abs=1e-5)
    assert 11.656448948 == pytest.approx(atalanta.price(*option, exercise="american", **given), abs=1e-5)
    assert 10.693172126 == pytest.approx(escrowed, abs=1e-9)


def pde_greeks(row, tolerance):
    right, exercise, *numbers = row[:8]
    dividend_yield = numbers.pop(4)
    return atalanta.greeks(
        right,
        *numbers,
        dividend_yield=dividend_yield,
        exercise=exercise,
        dividends=row[8],
        tolerance=tolerance,
    )


@pytest.mark.parametrize("place", range(len(PDE)))
@pytest.mark.parametrize("tolerance", CLASSES)
def test_prices_of_an_independent_pde(tolerance, place):
    """Puts too, which are exercised between the dates; negative rates, a dividend of most of the spot."""
    row = PDE[place]
    limit = CLASSES[tolerance] * max(1.0, row[3] / 100) + 2e-6
    assert row[9] == pytest.approx(pde_greeks(row, tolerance).price, abs=limit)


@pytest.mark.parametrize("row", PDE, ids=lambda row: f"{row[0]}-{row[3]}-{len(row[8])}")
def test_greeks_of_an_independent_pde(row):
    """Delta, gamma and theta per year at the finest class."""
    greeks = pde_greeks(row, "precise")
    assert row[10] == pytest.approx(greeks.delta, abs=1e-5)
    assert row[11] == pytest.approx(greeks.gamma, abs=1e-5)
    assert row[12] == pytest.approx(greeks.theta, abs=1e-3)


@pytest.mark.parametrize("row", range(30))
@pytest.mark.parametrize("tolerance", CLASSES)
def test_every_row_of_the_committed_table_is_within_its_class(tolerance, row):
    """30 American options, one to many dividends; tests/references/american.py tells how the table was made."""
    table = {name: column[row] for name, column in read(TABLE).items()}
    price = atalanta.price(
        int(table["right"]),
        *(float(table[name]) for name in ("spot", "strike", "years", "rate", "vol")),
        dividend_yield=float(table["dividend_yield"]),
        exercise="american",
        dividends=schedule(str(table["dividends"])),
        tolerance=tolerance,
    )
    limit = CLASSES[tolerance] * max(1.0, table["spot"] / 100) + table["error"]
    assert table["price"] == pytest.approx(price, abs=limit)


def test_no_dividend_is_the_other_engine():
    """A dividend after expiry changes nothing: the boundary equation's price, within both classes."""
    with_later = atalanta.price(
        "put", 100.0, 100.0, 1.0, 0.05, 0.2, exercise="american", dividends=[(1.5, 3.0)], tolerance="precise"
    )
    without = atalanta.price("put", 100.0, 100.0, 1.0, 0.05, 0.2, exercise="american", tolerance="precise")
    assert without == with_later


@pytest.mark.parametrize("right", ["call", "put"])
def test_a_tiny_dividend_changes_little(right):
    """A thousandth of a cent moves the ladder's price from the boundary equation's by less than both classes."""
    option = (right, 100.0, 100.0, 1.0, 0.05, 0.2)
    tiny = atalanta.price(*option, exercise="american", dividends=[(0.5, 1e-5)], tolerance="precise")
    without = atalanta.price(*option, exercise="american", tolerance="precise")
    assert without == pytest.approx(tiny, abs=2e-5)


def test_rows_of_a_batch_are_independent():
    """All the rows in one call, each with its schedule, give the bits of one call each."""
    rows = [row for row in PDE if row[1] == "american"]
    columns = list(zip(*rows, strict=True))
    right, _, spot, strike, years, rate, dividend_yield, vol, schedules = columns[:9]
    dividends = atalanta.Dividends(schedules, of=np.arange(len(rows)))
    batch = atalanta.price(
        right,
        spot,
        strike,
        years,
        rate,
        vol,
        dividend_yield=dividend_yield,
        exercise="american",
        dividends=dividends,
    )
    assert [float(pde_greeks(row, "standard").price) for row in rows] == batch.tolist()
