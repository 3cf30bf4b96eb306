"""The example about European pricing of American options against finite differences at 2000 x 800."""

import importlib.util
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "european_shortcut.py"

#: American price, the shortcut's price, its error in cents, both deltas, bias of its implied vol in points. By finite
#: differences at 2000 x 800 in QuantLib, printed to these digits.
MEASURED = (
    (1.0943, 1.0850, -0.9, -0.212, -0.209, 0.09),
    (12.158, 11.902, -25.6, -0.915, -0.883, 3.37),
    (1.3042, 1.2921, -1.2, 0.259, 0.255, 0.11),
    (8.720, 8.494, -22.6, 0.864, 0.825, 2.48),
    (10.053, 9.089, -96.4, 1.000, 0.956, 22.8),
    (8.226, 7.800, -42.6, -0.414, -0.384, 1.12),
)


@pytest.fixture(scope="module")
def example():
    """The example as a module."""
    if not EXAMPLE.is_file():
        pytest.skip("no examples/ beside these tests")
    spec = importlib.util.spec_from_file_location("european_shortcut", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("place", "measured"), list(enumerate(MEASURED)))
def test_every_case_has_the_measured_figures(example, place, measured):
    """Prices, error, deltas and bias to the printed digit."""
    row = example.compare(example.CASES[place])
    american, european, cents, american_delta, european_delta, bias = measured
    assert american == pytest.approx(row.american, abs=6e-4)
    assert european == pytest.approx(row.european, abs=6e-4)
    assert cents == pytest.approx(row.cents, abs=0.06)
    assert (american_delta, european_delta) == pytest.approx(
        (row.american_delta, row.european_delta), abs=6e-4
    )
    assert bias == pytest.approx(100 * row.vol_bias, abs=0.06)


def test_the_table_is_markdown(example):
    """A header, a rule, and a row for each case."""
    lines = list(example.table([example.compare(case) for case in example.CASES]))
    assert 2 + len(example.CASES) == len(lines)
    assert {7} == {line.count("|") for line in lines}
