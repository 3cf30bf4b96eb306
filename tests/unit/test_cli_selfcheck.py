import csv

import numpy as np
import pytest
from mpmath import diff, exp, log, mp, mpf, ncdf, npdf, sqrt

from atalanta import pricing
from atalanta.cli import selfcheck
from atalanta.cli.american_references import AMERICAN_REFERENCES
from atalanta.cli.reference_values import OUTPUTS, REFERENCES
from atalanta.cli.selfcheck import run_selfcheck

DIGITS = 60


def exact_functions(sign):
    """Price and Greeks of (spot, strike, years, rate, dividend_yield, vol) in closed form."""

    def d1(s, k, t, r, q, v):
        return (log(s / k) + (r - q) * t) / (v * sqrt(t)) + v * sqrt(t) / 2

    def d2(s, k, t, r, q, v):
        return d1(s, k, t, r, q, v) - v * sqrt(t)

    def price(s, k, t, r, q, v):
        x = s, k, t, r, q, v
        return sign * (s * exp(-q * t) * ncdf(sign * d1(*x)) - k * exp(-r * t) * ncdf(sign * d2(*x)))

    def theta(s, k, t, r, q, v):
        x = s, k, t, r, q, v
        carry = q * s * exp(-q * t) * ncdf(sign * d1(*x)) - r * k * exp(-r * t) * ncdf(sign * d2(*x))
        return -s * exp(-q * t) * npdf(d1(*x)) * v / (2 * sqrt(t)) + sign * carry

    return {
        "price": price,
        "delta": lambda s, k, t, r, q, v: sign * exp(-q * t) * ncdf(sign * d1(s, k, t, r, q, v)),
        "gamma": lambda s, k, t, r, q, v: exp(-q * t) * npdf(d1(s, k, t, r, q, v)) / (s * v * sqrt(t)),
        "vega": lambda s, k, t, r, q, v: s * exp(-q * t) * npdf(d1(s, k, t, r, q, v)) * sqrt(t),
        "theta": theta,
        "rho": lambda s, k, t, r, q, v: sign * k * t * exp(-r * t) * ncdf(sign * d2(s, k, t, r, q, v)),
    }


@pytest.fixture(params=range(len(REFERENCES)), ids=lambda i: f"{i}-{REFERENCES[i].kind}")
def reference(request):
    return REFERENCES[request.param]


@pytest.fixture
def exact(reference):
    """The functions and the inputs of one reference row at 60 digits."""
    with mp.workdps(DIGITS):
        yield exact_functions(1 if reference.right == "call" else -1), [mpf(x) for x in reference[2:8]]


def condition(function, inputs):
    """The sum of |x df/dx| / |f|, by differences in 60 digits."""
    total = mpf(0)
    for place, x in enumerate(inputs):
        if x:
            moved = [*inputs]
            slope = diff(
                lambda y, p=place, m=moved: function(*m[:p], y, *m[p + 1 :]), x, h=x * mpf(10) ** -25
            )
            total += abs(x * slope)
    return total / abs(function(*inputs))


def test_reference_values_are_those_of_mpmath(reference, exact):
    """Every typed price and Greek is the double nearest the 60-digit value: the source line tells the truth."""
    functions, inputs = exact
    assert tuple(float(functions[name](*inputs)) for name in OUTPUTS[:-1]) == reference.values[:-1]


def test_reference_vol_gives_the_typed_price(reference, exact):
    """The typed vol is the double nearest the exact solution for the typed price."""
    functions, inputs = exact
    price, vega, vol = functions["price"], functions["vega"], inputs[-1]
    for _ in range(8):
        point = *inputs[:-1], vol
        vol -= (price(*point) - mpf(reference.values[0])) / vega(*point)
    assert float(vol) == reference.values[-1]


def test_reference_conditions_are_those_of_mpmath(reference, exact):
    """Every typed condition number is right to its three digits: no limit is wider than stated."""
    functions, inputs = exact
    for name, typed in zip(OUTPUTS[:-1], reference.conditions, strict=False):
        assert float(condition(functions[name], inputs)) == pytest.approx(typed, rel=6e-3)
    price, vega = functions["price"](*inputs), functions["vega"](*inputs)
    sigma_share = abs(inputs[-1] * vega / price)
    of_vol = (condition(functions["price"], inputs) - sigma_share + 1) / sigma_share
    assert float(of_vol) == pytest.approx(reference.conditions[-1], rel=6e-3)


def test_the_kinds_cover_the_hard_regions():
    """Market, deep out of the money, in the money, tiny time, tiny vol and high vol; calls and puts in each."""
    kinds = {"market", "high vol", "deep out of the money", "tiny time", "tiny vol", "in the money"}
    assert {(kind, right) for kind in kinds for right in ("call", "put")} == {
        (row.kind, row.right) for row in REFERENCES
    }


def test_the_kernels_pass():
    """The kernels of this machine meet every limit."""
    check = run_selfcheck()
    assert check.passed, check.worst
    assert (36, 180, 0) == (check.contracts, check.values, check.failures)


def test_a_wrong_reference_fails():
    """A value off by a millionth is found, counted once and named."""
    first = REFERENCES[0]
    wrong = first._replace(values=(first.values[0], first.values[1] * (1 + 1e-6), *first.values[2:]))
    check = run_selfcheck((wrong, *REFERENCES[1:]))
    assert (False, 1) == (check.passed, check.failures)
    worst = check.worst[OUTPUTS.index("delta")]
    assert "market: 4850 call on 4800" == worst.contract
    assert worst.error == pytest.approx(1e-6, rel=1e-5)


def test_nan_counts_as_a_failure(monkeypatch):
    """A kernel that gives NaN fails every value; NaN is never within a limit."""
    monkeypatch.setattr(pricing, "implied_vol", lambda price, *_, **__: np.full(len(price), np.nan))
    check = run_selfcheck()
    assert 24 <= check.failures
    assert np.isnan(check.worst[OUTPUTS.index("implied vol")].error)


def test_limits_follow_the_condition():
    """1e-13 where the value is well conditioned, 16 eps x condition beyond; 4 eps x condition for vols."""
    eps = 2.0**-52
    limits = selfcheck._limits(np.array([[1.0, 1e6, 1.0], [1.0, 1.0, 100.0]]))
    assert [[1e-13, 16e6 * eps, 4 * eps], [1e-13, 1e-13, 400 * eps]] == limits.tolist()


def test_as_dict_says_whether_it_passed():
    """The JSON form holds the verdict and one entry per output."""
    document = run_selfcheck().as_dict()
    assert run_selfcheck().passed == document["passed"]
    assert [*OUTPUTS, "American", "dividends"] == [worst["output"] for worst in document["worst"]]


def test_american_references_are_the_exact_cases(shared_cases):
    """Every typed price stands in the files of exact values, with a stated error of at most 1e-9."""
    known = {}
    for name, price in (("american_exact_grid.csv", "price"), ("discrete_dividends.csv", "value")):
        with (shared_cases / name).open(newline="") as file:
            for row in csv.DictReader(file):
                paid = row.get("dividends(t:amount)", "")
                pairs = tuple(tuple(map(float, each.split(":"))) for each in paid.split(";") if each)
                inputs = [float(row[key]) for key in ("S", "K", "T", "r", "q", "sigma")]
                key = (row.get("style", "american"), row["type"], *np.round(inputs, 12), pairs)
                known[key] = float(row[price]), float(row["tol_abs"])
    for case in AMERICAN_REFERENCES:
        inputs = (case.spot, case.strike, case.years, case.rate, case.dividend_yield, case.vol)
        price, error = known[(case.exercise, case.right, *np.round(inputs, 12), case.dividends)]
        assert (case.price, True) == (price, error <= 1e-9)


@pytest.mark.parametrize("place", range(len(AMERICAN_REFERENCES)))
def test_a_wrong_american_reference_fails(place):
    """A price off by a hundredth of a cent is found and named, with a yield or with dividends."""
    case = AMERICAN_REFERENCES[place]
    wrong = (
        *AMERICAN_REFERENCES[:place],
        case._replace(price=case.price + 1e-4),
        *AMERICAN_REFERENCES[place + 1 :],
    )
    check = run_selfcheck(american=wrong)
    assert (False, 1) == (check.passed, check.failures)
    worst = check.worst[-1 if case.dividends else -2]
    assert f"{case.strike:g} {case.right} on {case.spot:g}" in worst.contract


def test_the_american_references_cover_what_is_priced():
    """Both rights with a yield; calls with one and two dividends; both rights of European options with dividends."""
    kinds = {(case.exercise, case.right, len(case.dividends)) for case in AMERICAN_REFERENCES}
    assert {
        ("american", "put", 0),
        ("american", "call", 0),
        ("american", "call", 1),
        ("american", "call", 2),
    } <= kinds
    assert {("european", "call", 1), ("european", "put", 1), ("european", "put", 2)} <= kinds
