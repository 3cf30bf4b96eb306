"""Whether numbers fit into float32: what is said of them one by one, in whatever place they stand."""

import tracemalloc

import numpy as np
import pytest

from atalanta.compute.devices import arrays
from atalanta.compute.devices.arrays import fits_float32

LEAST, MOST = 1e-15, 1e15
MANY = 2 * arrays._PIECE + 5


def placed(value, place, dtype=np.float64):
    column = np.ones(MANY, dtype)
    column[place] = value
    return column


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("place", [0, arrays._PIECE - 1, arrays._PIECE, MANY - 1])
@pytest.mark.parametrize(
    ("value", "fits"),
    [
        (0.0, True),
        (-0.0, True),
        (LEAST, True),
        (-MOST, True),
        (2 * MOST, False),
        (-LEAST / 2, False),
        (1e-30, False),
        (np.nan, False),
        (np.inf, False),
        (-np.inf, False),
    ],
)
def test_one_number_that_does_not_fit_is_enough(value, fits, place, dtype):
    """In the first piece, the last, and where two meet; as the second array too."""
    column = placed(value, place, dtype)
    assert fits is fits_float32("add", (column, np.ones(3)))
    assert fits is fits_float32("add", (np.ones(3), column))
    assert fits is fits_float32("add", (column[:1], column.reshape(1, -1)[:, ::-1]))


@pytest.mark.parametrize("place", [0, MANY - 1])
@pytest.mark.parametrize(("value", "fits"), [(-80.0, True), (80.5, False), (np.nan, False), (1e-300, True)])
def test_exponents_have_a_limit_of_their_own(value, fits, place):
    """Of either sign; what vanishes beside 1 may."""
    assert fits is fits_float32("exp", (placed(value, place),))


def test_zeros_beside_numbers_that_vanish():
    """Zeros do not hide them."""
    column = placed(0.0, slice(0, MANY, 2))
    assert fits_float32("add", (column, column))
    column[MANY // 2] = 1e-20
    assert not fits_float32("add", (column, column))


def test_nothing_fits():
    """And a number alone."""
    assert fits_float32("add", (np.zeros((0, 3)), np.array(2.0)))
    assert not fits_float32("add", (np.zeros((0, 3)), np.array(1e20)))


def test_looking_takes_no_memory():
    """Beyond a piece: large columns would pay for fresh pages."""
    column = np.ones(1 << 20)
    tracemalloc.start()
    try:
        assert fits_float32("add", (column, column))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
