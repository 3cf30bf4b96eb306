"""Devices by name, formats by tolerance, and the accuracy gate."""

import math

import numpy as np
import pytest

from atalanta.compute.devices import (
    DEVICE_NAMES,
    OPERATIONS,
    Capability,
    Format,
    device,
    devices_within,
)
from atalanta.errors import AtalantaError, DeviceError, InputError
from atalanta.pricing import GREEK_NAMES

QUICK, EXACT = Format("float32", 1e-6), Format("float64", 1e-15)


@pytest.mark.parametrize("name", ["tpu", "CPU", "", None, 3])
def test_an_unknown_device_is_named_beside_those_there_are(name):
    with pytest.raises(
        InputError, match=r"\[compute\.device\] device is .*; it must be one of 'cpu', 'gpu', "
    ) as caught:
        device(name)
    assert repr(name) in str(caught.value)


def test_the_names_and_their_order():
    assert ("cpu", "gpu", "neural_engine", "emulated", "mlx_cpu") == DEVICE_NAMES


@pytest.mark.parametrize(
    ("tolerance", "chosen"),
    [(None, EXACT), (1.0, QUICK), (1e-6, QUICK), (9e-7, EXACT), (1e-15, EXACT), (1e-16, None)],
)
def test_the_quickest_format_within_the_tolerance_is_taken(tolerance, chosen):
    """And without a tolerance the most accurate."""
    capability = Capability((QUICK, EXACT))
    assert capability.format_for(tolerance) == chosen
    assert 1e-15 == capability.error


def test_formats_are_listed_quickest_and_least_exact_first():
    for name in DEVICE_NAMES:
        for capability in device(name).capabilities().values():
            errors = [each.error for each in capability.formats]
            assert errors == sorted(errors, reverse=True)
            assert all(0.0 < error < 1e-4 for error in errors)


def test_the_gate_lets_through_who_is_there_and_exact_enough():
    """The emulation and MLX on the processor are never among them; the CPU always is where it is exact enough."""
    for operation in OPERATIONS.keys() - {"inference"}:
        for tolerance in (None, 1e-3, device("cpu").capabilities()[operation].error):
            names = [one.name for one in devices_within(operation, tolerance)]
            assert "cpu" == names[0]
            assert {"cpu", "gpu"} >= set(names)


def test_a_tolerance_that_nobody_meets_lists_what_each_guarantees():
    with pytest.raises(
        InputError, match=r"tolerance is 1e-20, and no device meets it for price \(error per unit"
    ) as caught:
        devices_within("price", 1e-20)
    assert "Guaranteed: cpu 4e-15; gpu 1e-13" in str(caught.value)
    assert "emulated" not in str(caught.value)


def test_an_operation_that_nobody_does_says_so():
    with pytest.raises(InputError, match=r"no device meets it for inference .*no device does inference"):
        devices_within("inference", None)


@pytest.mark.parametrize("operation", ["sort", "", None, ["price"]])
def test_an_unknown_operation_is_named_beside_those_there_are(operation):
    with pytest.raises(
        InputError, match=r"\[compute\.devices\] operation is .*; it must be one of price, greeks, "
    ):
        devices_within(operation, None)


@pytest.mark.parametrize("tolerance", [0.0, -1e-9, math.nan, "1e-6", True])
def test_a_tolerance_must_be_a_positive_number(tolerance):
    with pytest.raises(InputError, match=r"it must be a number above 0, or None"):
        devices_within("price", tolerance)


def test_any_real_number_is_a_tolerance():
    for tolerance in (1, 0.5, np.float32(1e-3), np.int64(1), math.inf):
        assert devices_within("price", tolerance)


def test_the_greeks_come_in_the_order_of_their_names():
    found = device("emulated").run("greeks", 1, 100.0, 105.0, 0.5, 0.03, 0.2, 0.01)
    exact = device("cpu").run("greeks", 1, 100.0, 105.0, 0.5, 0.03, 0.2, 0.01)
    assert (7,) == found.shape == exact.shape
    assert ("price", "delta", "gamma", "vega", "theta", "rho", "phi") == GREEK_NAMES[:7]
    assert found == pytest.approx(exact, rel=1e-11)


def test_a_device_error_is_one_of_ours():
    assert issubclass(DeviceError, AtalantaError)
    assert issubclass(DeviceError, RuntimeError)
