"""Columns as the kernels take them: exact parts, shared columns once, chunks, padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalanta.compute.devices import columns
from atalanta.compute.devices.columns import Batch, joined
from atalanta.errors import InputError

NAMES = ("right", "spot")


@given(st.lists(st.floats(1e-10, 1e10) | st.floats(-1e10, -1e-10) | st.just(0.0), min_size=1, max_size=20))
def test_three_floats_hold_a_double(values):
    """Exactly; two hold all but 2^-48 of it."""
    column = np.array(values)
    three = columns._parts(column, 3)[: 3 * column.size].reshape(-1, 3)
    two = columns._parts(column, 2)[: 2 * column.size]
    assert np.array_equal(three.astype(np.float64).sum(axis=1), column)
    assert (np.abs(joined(two, 2) - column) <= 2.0**-48 * np.abs(column)).all()


def test_what_float32_cannot_hold_becomes_infinite_without_a_warning():
    """The kernels leave such rows to the host."""
    assert np.isinf(columns._parts(np.array([1e300, -1e300]), 1)[:2]).all()
    assert np.isnan(columns._parts(np.array([np.nan]), 3)[0])


def test_chunks_cover_every_row_once():
    """In order; a shared column is packed once and has step 0."""
    batch = Batch.of([np.ones(10), 5.0], NAMES, "test")
    launches = list(batch.packed((1, 2), chunk=4))
    assert [(0, 4), (4, 8), (8, 10)] == [(place.start, place.stop) for place, _ in launches]
    assert [[4, 1, 0], [4, 1, 0], [2, 1, 0]] == [packed.layout.tolist() for _, packed in launches]
    assert launches[0][1].columns[1] is launches[2][1].columns[1]


@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9])
def test_no_array_has_fewer_than_eight_elements(rows):
    """MLX passes shorter ones with another qualifier, which would be another kernel."""
    for width in (1, 2, 3):
        ((_, packed),) = Batch.of([np.ones(rows), 5.0], NAMES, "test").packed((1, width))
        assert all(column.size >= 8 for column in packed.columns)
        assert all(column.dtype == np.float32 and column.flags.c_contiguous for column in packed.columns)


def test_long_columns_are_split_and_joined_as_short_ones_are():
    """On several threads too: the same bits, and the padding of a short one is 0."""
    column = np.random.default_rng(5).standard_normal(200_000)
    for width in (1, 2, 3):
        whole = columns._parts(column, width).reshape(-1, width)
        assert np.array_equal(
            whole[70_001:70_009], columns._parts(column[70_001:70_009], width).reshape(-1, width)
        )
    assert np.array_equal(
        joined(columns._parts(column, 2), 2)[:3], joined(columns._parts(column[:3], 2), 2)[:3]
    )
    assert [0.0] * 5 == columns._parts(column[:3], 1)[3:].tolist()


@pytest.mark.parametrize("width", [0, 4, -1])
def test_other_widths_are_refused(width):
    with pytest.raises(InputError, match=f"width is {width}; it must be 1, 2 or 3"):
        columns._parts(np.ones(3), width)


def test_no_rows_make_no_launch():
    assert [] == list(Batch.of([np.ones(0), 5.0], NAMES, "test").packed((1, 2)))


def test_spellings_of_a_right():
    batch = Batch.of([np.array(["C", "put", "call", "P"]), 1.0], NAMES, "test")
    assert [1.0, -1.0, 1.0, -1.0] == batch.columns[0].tolist()


def test_one_row_is_not_shared():
    """A batch of numbers has one row of its own."""
    ((_, packed),) = Batch.of([1.0, 5.0], NAMES, "test").packed((1, 2))
    assert [1, 1, 1] == packed.layout.tolist()


@pytest.mark.parametrize(
    ("spot", "message"), [(np.array([1j]), "spot has dtype complex128"), (True, "dtype bool")]
)
def test_columns_must_hold_real_numbers(spot, message):
    with pytest.raises(InputError, match=message):
        Batch.of([1.0, spot], NAMES, "test")


def test_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(InputError, match=r"\[test\] the shapes do not broadcast: right \(2,\), spot \(3,\)"):
        Batch.of([np.ones(2), np.ones(3)], NAMES, "test")
