"""One contract, every instruction set: same bits with fused multiply-add, forceable, listable, visible."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

import atalanta
from atalanta import _core

ROWS = [row for row in atalanta.cpu_features()["available"] if row["supported"]]
NAMES = [row["name"] for row in ROWS]
FUSED = [name for name in NAMES if name != "baseline"]


@pytest.fixture
def select():
    """Puts an instruction set to use and the one before back afterwards."""
    before = atalanta.cpu_features()["isa"]
    yield _core.select_isa
    _core.select_isa(before)


def rows(n=20_011, seed=3):
    """Options of every kind: market, far out of and in the money, minutes to expiry, tiny and huge volatility."""
    rng = np.random.default_rng(seed)
    right = rng.choice(np.array([1, -1], np.int8), n)
    spot = 10 ** rng.uniform(-2, 5, n)
    years = 10 ** rng.uniform(-6, 1.5, n)
    vol = 10 ** rng.uniform(-4, 0.9, n)
    strike = spot * np.exp(np.clip(rng.normal(0, 4, n) * vol * np.sqrt(years), -20, 20))
    rate, dividend_yield = rng.uniform(-0.05, 0.12, n), rng.uniform(-0.03, 0.1, n)
    for column in (spot, strike, years, rate, vol, dividend_yield):
        column[rng.integers(0, n, 12)] = rng.choice([0.0, -1.0, np.nan, np.inf, 1e-310, 1e300], 12)
    return right, spot, strike, years, rate, vol, dividend_yield


def listed_rows(n=300, seed=7):
    """Options with and without dividends before expiry, of both rights, at market and odd rates."""
    rng = np.random.default_rng(seed)
    right = rng.choice(np.array([1, -1], np.int8), n)
    years, vol = 10 ** rng.uniform(-2.5, 0.7, n), rng.uniform(0.05, 1.2, n)
    spot = rng.uniform(20, 300, n)
    strike = spot * np.exp(rng.uniform(-2, 2, n) * vol * np.sqrt(years))
    rate, dividend_yield = rng.uniform(-0.03, 0.1, n), rng.uniform(-0.03, 0.1, n)
    for column in (spot, strike, years, rate, vol, dividend_yield):
        column[rng.integers(0, n, 4)] = rng.choice([0.0, -1.0, np.nan, np.inf], 4)
    schedules = [[(0.02, 0.4), (0.27, 0.4), (0.52, 0.5), (1.1, 3.0)], [(0.3, 12.0)], [(0.004, 1.0)]]
    dividends = atalanta.Dividends(schedules, of=rng.integers(-1, 3, n))
    return (right, spot, strike, years, rate, vol), {"dividend_yield": dividend_yield, "dividends": dividends}


def listed_results(exercise):
    """Greeks, dividend deltas, implied volatilities and early exercise of those rows."""
    inputs, terms = listed_rows()
    greeks = atalanta.greeks(*inputs, **terms, exercise=exercise)
    vol, status = atalanta.implied_vol(
        greeks.price, *inputs[:5], **terms, exercise=exercise, full_output=True
    )
    early = atalanta.early_exercise(*inputs, **terms)
    columns = [getattr(early, field.name) for field in dataclasses.fields(early)]
    return [*greeks.values(), *greeks.dividend_delta, vol, status, *columns]


def results():
    """All outputs of all kernels on those rows, as bit patterns; NaN equal to NaN."""
    *inputs, dividend_yield = rows()
    greeks = atalanta.greeks(*inputs, dividend_yield=dividend_yield, order=3)
    right, spot, strike, years, rate, _ = inputs
    vol, status = atalanta.implied_vol(
        greeks.price, right, spot, strike, years, rate, dividend_yield=dividend_yield, full_output=True
    )
    return [*greeks.values(), vol, status.astype(float)]


@pytest.mark.parametrize("name", FUSED[1:])
def test_fused_instruction_sets_agree_to_the_bit(select, name):
    """Every instruction set with fused multiply-add gives the same bits."""
    select(FUSED[0])
    expected = results()
    select(name)
    for want, got in zip(expected, results(), strict=True):
        np.testing.assert_array_equal(want, got)


@pytest.mark.parametrize("exercise", ["european", "american"])
@pytest.mark.parametrize("name", FUSED[1:])
def test_fused_instruction_sets_agree_on_listed_options(select, name, exercise):
    """American exercise and cash dividends too have the same bits with fused multiply-add."""
    select(FUSED[0])
    expected = listed_results(exercise)
    select(name)
    for want, got in zip(expected, listed_results(exercise), strict=True):
        np.testing.assert_array_equal(want, got)


@pytest.mark.parametrize("exercise", ["european", "american"])
def test_the_baseline_prices_listed_options_alike(select, exercise):
    """Without fused multiply-add only the rounding differs."""
    if "baseline" not in NAMES or not FUSED:
        pytest.skip("one instruction set only")
    inputs, terms = listed_rows()
    select(FUSED[0])
    expected = atalanta.price(*inputs, **terms, exercise=exercise)
    select("baseline")
    got = atalanta.price(*inputs, **terms, exercise=exercise)
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_a_listed_batch_has_the_bits_of_scalar_calls(select, name):
    """Lanes and neighbours do not show: each row of a batch has the bits of its own call."""
    select(name)
    inputs, terms = listed_rows()
    dividends = terms["dividends"]
    batch = atalanta.greeks(*inputs, **terms, exercise="american")
    for i in range(0, len(inputs[0]), 3):
        right, *numbers = (column[i].item() for column in inputs)
        alone = atalanta.greeks(
            right,
            *numbers,
            dividend_yield=terms["dividend_yield"][i].item(),
            dividends=atalanta.Dividends(dividends.schedules, of=dividends.of[i]),
            exercise="american",
        )
        np.testing.assert_array_equal([batch[k][i] for k in batch], [alone[k] for k in alone], err_msg=str(i))
        np.testing.assert_array_equal(batch.dividend_delta[:, i], alone.dividend_delta)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_has_the_bits_of_scalar_calls(select, name):
    """Vector code and the path for one option agree to the bit."""
    select(name)
    *inputs, dividend_yield = (column[:400] for column in rows())
    batch = atalanta.greeks(*inputs, dividend_yield=dividend_yield, order=3)
    for i in range(400):
        right, *numbers = (column[i].item() for column in inputs)
        alone = atalanta.greeks(right, *numbers, dividend_yield=dividend_yield[i].item(), order=3)
        np.testing.assert_array_equal([batch[k][i] for k in batch], [alone[k] for k in alone], err_msg=str(i))


@pytest.mark.parametrize("name", NAMES)
def test_the_chosen_instruction_set_is_visible(select, name):
    """What was selected is what is reported, and marked in the list."""
    select(name)
    features = atalanta.cpu_features()
    assert name == features["isa"]
    assert [name] == [row["name"] for row in features["available"] if row["chosen"]]


def test_an_unknown_name_is_a_clear_error(select):
    """Selecting an instruction set that does not exist lists those that do, and changes nothing."""
    before = atalanta.cpu_features()["isa"]
    with pytest.raises(
        atalanta.InputError, match=r"'altivec' is not an instruction set.*choose one of: .*" + NAMES[-1]
    ):
        select("altivec")
    assert before == atalanta.cpu_features()["isa"]


def run(code, **environment):
    """Run code in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_environment_forces_an_instruction_set(name):
    """ATALANTA_ISA decides."""
    done = run("import atalanta; print(atalanta.cpu_features()['isa'])", ATALANTA_ISA=name)
    assert (name, 0) == (done.stdout.strip(), done.returncode)


def test_a_wrong_environment_is_a_clear_error():
    """A name that this machine cannot run is an InputError at first use, not a crash or a silent default."""
    done = run("import atalanta; atalanta.price('call', 1, 1, 1, 0, 0.2)", ATALANTA_ISA="avx1024")
    assert 1 == done.returncode
    assert "InputError: [isa] ATALANTA_ISA='avx1024' is not an instruction set" in done.stderr
    assert "choose one of" in done.stderr


@pytest.mark.parametrize("threads", ["0", "many", "-2", "9999"])
def test_a_wrong_thread_variable_is_a_clear_error(threads):
    """ATALANTA_THREADS is a whole number from 1 to 1024."""
    done = run("import atalanta; atalanta.price('call', 1, 1, 1, 0, 0.2)", ATALANTA_THREADS=threads)
    assert 1 == done.returncode
    assert f"InputError: [threads] ATALANTA_THREADS='{threads}' is not a whole number" in done.stderr


def test_the_thread_variable_sets_the_default():
    """ATALANTA_THREADS is the default count."""
    done = run("import atalanta; print(atalanta.cpu_features()['threads'])", ATALANTA_THREADS="3")
    assert "3" == done.stdout.strip()
