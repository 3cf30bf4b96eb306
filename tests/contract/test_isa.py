"""One contract, every instruction set: same bits with fused multiply-add, forceable, listable, visible."""

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
