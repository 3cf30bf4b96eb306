"""The kernels on the GPU of this machine, named: what the emulation promises, kept by the device."""

import numpy as np
import pytest

from atalanta import pricing
from atalanta.compute.devices import device

GPU = device("gpu")
STATE = GPU.availability()
pytestmark = pytest.mark.skipif(not STATE.available, reason=f"needs a GPU: {STATE.reason}")


@pytest.fixture(autouse=True)
def named(capsys):
    with capsys.disabled():
        print(f"\n[{STATE.reason}] ", end="")


def market(rows):
    """right, spot, strike, years, rate, vol, dividend_yield of a market's options."""
    random = np.random.default_rng(6)
    spot = random.uniform(50.0, 150.0, rows)
    strike = spot * np.exp(random.uniform(-0.6, 0.6, rows))
    years, vol = random.uniform(0.02, 2.0, rows), random.uniform(0.08, 0.8, rows)
    return random.choice([-1, 1], rows), spot, strike, years, 0.03, vol, 0.01


@pytest.mark.parametrize("rows", [1, 7, 300_000, 1_200_000])
@pytest.mark.parametrize(("tolerance", "limit"), [(1e-6, 2.5e-7), (None, 1e-13)])
def test_prices(rows, tolerance, limit):
    """Below eight rows, and beyond one launch."""
    options = market(rows)
    *numbers, dividend_yield = options
    exact = pricing.price(*numbers, dividend_yield=dividend_yield)
    error = np.abs(GPU.run("price", *options, tolerance=tolerance) - exact) / options[1]
    assert error.max() <= limit


@pytest.mark.parametrize("tolerance", [1e-5, None])
def test_the_device_computes_what_the_emulation_computes(tolerance):
    """No built-in function but root, quotient and logarithm differs: both within the guarantee of each other."""
    options, emulated = market(50_000), device("emulated")
    limit = 2 * GPU.capabilities()["price"].format_for(tolerance).error
    found, expected = (one.run("price", *options, tolerance=tolerance) for one in (GPU, emulated))
    assert (np.abs(found - expected) / options[1]).max() <= limit
    same = np.mean(found == expected)
    assert same > 0.5
