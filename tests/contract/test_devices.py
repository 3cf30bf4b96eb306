"""One contract, every device: exact within its guarantee, evaluated arrays, every row answered, clear refusals."""

import itertools

import numpy as np
import pytest

from atalanta import pricing
from atalanta.compute.devices import DEVICE_NAMES, OPERATIONS, Device, device, devices
from atalanta.errors import DeviceError, InputError

AVAILABLE = [one.name for one in devices() if one.availability().available]
OPTIONS = ("price", "greeks", "implied_vol")
ARRAYS = ("matmul", "add", "multiply", "exp", "dot", "similarity")


def able(operations):
    """(device, operation, format) of everything that can run here."""
    return [
        pytest.param(name, operation, one, id=f"{name}-{operation}-{one.name}")
        for name, operation in itertools.product(AVAILABLE, operations)
        if operation in device(name).capabilities()
        for one in device(name).capabilities()[operation].formats
    ]


def options(rows=3000, seed=8):
    """Rows of every kind: a market's, extreme ones, and some that have no value at all."""
    random = np.random.default_rng(seed)
    spot = random.choice([1.0, 100.0, 5000.0], rows) * random.uniform(0.5, 2.0, rows)
    years = np.exp(random.uniform(np.log(1e-6), np.log(30.0), rows))
    vol = np.exp(random.uniform(np.log(1e-3), np.log(3.0), rows))
    strike = spot * np.exp(random.normal(0.0, 2.0, rows) * np.minimum(vol * np.sqrt(years), 1.0))
    rate, dividend_yield = random.uniform(-0.02, 0.08, rows), random.uniform(0.0, 0.05, rows)
    right = random.choice([-1, 1], rows).astype(np.int8)
    for column in (spot, strike, years, vol):
        column[random.integers(0, rows, 20)] = random.choice([0.0, -1.0, np.nan, np.inf, 1e-300, 1e300], 20)
    return right, spot, strike, years, rate, vol, dividend_yield


def scales(rows, price):
    """What errors of the seven columns are counted in."""
    _, spot, strike, years, rate, vol, dividend_yield = rows
    root = np.sqrt(years)
    carry = np.abs(rate) * strike + np.abs(dividend_yield) * spot
    scale = [np.maximum(spot, price), np.ones_like(spot), 1.0 / (spot * vol * root), spot * root]
    return np.array([*scale, spot * vol / root + carry, strike * years, spot * years])


@pytest.fixture(scope="module")
def truth():
    """The CPU's results, which other tests hold against exact values."""
    rows = options()
    right, *numbers, dividend_yield = rows
    found = pricing.greeks(right, *numbers, dividend_yield=dividend_yield)
    return rows, np.array(list(found.values()))


def test_every_device_is_one():
    assert DEVICE_NAMES == tuple(one.name for one in devices())
    for one in devices():
        assert isinstance(one, Device)
        assert device(one.name) is one
        assert set(one.capabilities()) <= set(OPERATIONS)
        assert one.availability().reason


@pytest.mark.parametrize(("name", "operation", "chosen"), able(["price", "greeks"]))
@np.errstate(all="ignore")
def test_options(truth, name, operation, chosen):
    """Each row within the guarantee, or NaN exactly where the CPU has NaN; degenerate limits and all."""
    rows, exact = truth
    found = device(name).run(operation, *rows, tolerance=chosen.error)
    expected = exact if operation == "greeks" else exact[0]
    scale = scales(rows, exact[0])
    error = np.abs(found - expected) / (scale if operation == "greeks" else scale[0])
    plain = np.isfinite(expected) & (scale[0] < 1e200)
    assert (found.dtype, found.shape) == (np.dtype(np.float64), expected.shape)
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    assert np.array_equal(found[~plain], expected[~plain], equal_nan=True)
    worst = error[plain & (error > 0.0)]
    assert worst.size == 0 or worst.max() <= chosen.error


@pytest.mark.parametrize(("name", "operation", "chosen"), able(["implied_vol"]))
@np.errstate(all="ignore")
def test_implied_vols(truth, name, operation, chosen):
    """Within the guarantee and what the quote's rounding leaves open; the CPU's status for every row."""
    (right, spot, strike, years, rate, vol, dividend_yield), exact = truth
    quotes = exact[0].copy()
    quotes[::50] = -1.0
    quotes[1::50] = 1e9
    expected, reasons = pricing.implied_vol(
        quotes, right, spot, strike, years, rate, dividend_yield=dividend_yield, full_output=True
    )
    found, status = device(name).run(
        operation, quotes, right, spot, strike, years, rate, dividend_yield, tolerance=chosen.error
    )
    assert (np.dtype(np.float64), np.dtype(np.uint8)) == (found.dtype, status.dtype)
    assert np.array_equal(status, reasons)
    assert {0, 1, 2, 3} == set(status)
    known = status == 0
    condition = np.maximum(1.0, exact[0] / (exact[3] * vol))[known]
    error = np.abs(found[known] / expected[known] - 1.0)
    assert np.isnan(found[~known]).all()
    assert (~(error > chosen.error + 16 * 2.2e-16 * condition)).all()


@pytest.mark.parametrize(("name", "operation", "chosen"), able(OPTIONS))
def test_shapes_and_shared_columns(name, operation, chosen):
    """Columns broadcast; a shared one gives what a repeated one gives; spellings of a right; numbers; no rows."""
    run = lambda *arrays: device(name).run(operation, *arrays, tolerance=chosen.error)
    first = lambda result: result[0] if operation == "implied_vol" else result
    strikes = np.array([[90.0], [100.0], [115.0]])

    def call(right, spot, strike, last):
        if operation == "implied_vol":
            return first(run(last, right, spot, strike, 0.5, 0.03, 0.01))
        return first(run(right, spot, strike, 0.5, 0.03, last, 0.01))

    last = np.array([9.0, 12.0]) if operation == "implied_vol" else np.array([0.2, 0.4])
    lead = (7,) if operation == "greeks" else ()
    shared = call(-1, 100.0, strikes, last)
    repeated = call(np.full((3, 2), -1.0), np.full((3, 2), 100.0), np.tile(strikes, 2), np.tile(last, (3, 1)))
    assert (*lead, 3, 2) == shared.shape
    assert np.array_equal(shared, repeated, equal_nan=True)
    assert np.array_equal(shared, call("put", 100, strikes, last), equal_nan=True)
    assert np.array_equal(call(["C", "p"], 100.0, 100.0, last)[..., 1], shared[..., 1, 1])
    assert lead == call(-1, 100.0, 100.0, last[0]).shape
    assert (*lead, 0) == call(-1, [], [], last[0]).shape


def array_arguments(operation, seed=0):
    random = np.random.default_rng(seed)
    a, b = random.standard_normal((37, 300)), random.standard_normal((300, 23))
    corpus = random.standard_normal((500, 300))
    return {
        "matmul": (a, b),
        "add": (a, a[:1]),
        "multiply": (a, 3.0),
        "exp": (a * 10,),
        "dot": (a[0], a[1]),
        "similarity": (a, corpus, 7),
    }[operation]


def extended(operation, arrays):
    """The result, and what its error is counted in, in extended precision where the machine has one."""
    a, *rest = (np.asarray(array, np.longdouble) for array in arrays)
    if operation == "exp":
        return np.exp(a), np.exp(a) * np.maximum(1.0, np.abs(a))
    b = rest[0].T if operation == "similarity" else rest[0]
    if operation == "add":
        return a + b, np.abs(a) + np.abs(b)
    if operation == "multiply":
        return a * b, np.abs(a * b)
    return a @ b, (np.abs(a) @ np.abs(b)) * a.shape[-1]


@pytest.mark.parametrize(("name", "operation", "chosen"), able(ARRAYS))
def test_arrays(name, operation, chosen):
    """Within the guarantee, as float64; for float32 and integers too."""
    for convert in (np.float64, np.float32):
        arrays = [np.asarray(array).astype(convert) for array in array_arguments(operation)]
        if operation == "similarity":
            arrays[2] = 7
        found = device(name).run(operation, *arrays, tolerance=chosen.error)
        exact, scale = extended(operation, arrays)
        if operation == "similarity":
            values, rows = found
            assert ((37, 7), np.dtype(np.int64)) == (rows.shape, rows.dtype)
            exact, scale = (np.take_along_axis(one, rows, axis=1) for one in (exact, scale))
            assert (np.diff(values, axis=1) <= 0.0).all()
        else:
            values = found
        slack = np.finfo(np.longdouble).eps if np.finfo(np.longdouble).eps < 1e-18 else 4e-16
        assert np.dtype(np.float64) == values.dtype
        assert (np.abs(values - exact) <= (chosen.error + slack) * scale).all()
    assert (
        device(name).run("add", [1, 2], 3).tolist() == [4.0, 5.0]
        if "add" in device(name).capabilities()
        else True
    )


@pytest.mark.parametrize("name", [name for name in AVAILABLE if "similarity" in device(name).capabilities()])
def test_the_most_similar_are_found(name):
    """The k largest in order, of equal ones the first; all rows; a single one."""
    corpus = np.eye(9)[[3, 0, 3, 1, 3]]
    for k, rows in ((1, [0]), (2, [0, 2]), (5, [0, 2, 4, 1, 3])):
        values, found = device(name).run("similarity", np.eye(9)[[3]], corpus, k)
        assert [rows] == found.tolist()
        assert [1.0] * min(k, 3) == values[0, :3].tolist()


def layouts():
    """The same numbers as they may lie in memory: reversed, sliced, shared, fixed, between others, at odd addresses."""
    a = np.random.default_rng(3).normal(size=(8, 9))
    record, odd = np.zeros(a.shape, [("n", "i4"), ("a", "f8")]), np.zeros(a.nbytes + 1, np.uint8)
    record["a"], fixed = a, a.copy()
    misplaced = odd[1:].view(np.float64).reshape(a.shape)
    misplaced[:], fixed.flags.writeable = a, False
    wide = np.repeat(a, 2, axis=1)
    return {
        "transposed": np.asfortranarray(a),
        "reversed": a[::-1, ::-1].copy()[::-1, ::-1],
        "sliced": wide[:, ::2],
        "shared": np.broadcast_to(a[0], a.shape),
        "fixed": fixed,
        "a field": record["a"],
        "misplaced": misplaced,
        "swapped": a.astype(">f8"),
    }


@pytest.mark.parametrize("convert", [np.float64, np.float32])
@pytest.mark.parametrize("layout", layouts())
@pytest.mark.parametrize("name", [name for name in AVAILABLE if "add" in device(name).capabilities()])
def test_a_layout_changes_nothing(name, layout, convert):
    """To the last bit what the same numbers side by side give."""
    given = layouts()[layout]
    given = (
        given.astype(convert, copy=False) if layout == "swapped" else given.astype(convert, "K", copy=False)
    )
    plain = np.ascontiguousarray(given.astype(convert))
    one = device(name)
    assert one.run("add", given, 0.25).tobytes() == one.run("add", plain, 0.25).tobytes()
    if name != "cpu":  # NumPy takes another routine for a product with its own transpose
        product = one.run("matmul", plain, plain.T.copy())
        assert one.run("matmul", given, given.T).tobytes() == product.tobytes()


@pytest.mark.parametrize("name", [name for name in AVAILABLE if "add" in device(name).capabilities()])
def test_numbers_give_numbers(name):
    """Of no dimensions, as they broadcast."""
    assert () == device(name).run("add", 1.0, 2.0).shape
    assert (1,) == device(name).run("add", [1.0], 2.0).shape


@pytest.mark.parametrize("name", [name for name in ("gpu", "mlx_cpu") if name in AVAILABLE])
def test_numbers_are_rounded_to_float32_as_numpy_rounds_them(name):
    """To the nearest, of two as near to the even one; in memory of any size."""
    numbers = np.concatenate(
        [
            1.0 + np.arange(64) * 2.0**-25,
            -(2.0**24) - np.arange(64) / 4,
            [0.0, 1e-15, -1e15, 1 + 2**-24 + 2**-50],
        ]
    )
    for repeats in (1, 1_000):
        many = np.tile(numbers, repeats)
        assert np.array_equal(device(name).run("add", many, 0.0), many.astype(np.float32))


@pytest.mark.parametrize(("name", "operation", "chosen"), able(["matmul", "multiply", "exp", "dot"]))
@np.errstate(all="ignore")
def test_numbers_too_large_or_small_for_float32(name, operation, chosen):
    """They neither overflow nor vanish."""
    big, small = np.array([[1e30, 1e30]]), np.array([[1e-30], [2e-30]])
    arguments, expected = {
        "matmul": ((big, big.T), [[2e60]]),
        "multiply": ((small, small), [[1e-60], [4e-60]]),
        "exp": ((np.array([200.0, -200.0]),), np.exp([200.0, -200.0])),
        "dot": ((small[:, 0], small[:, 0]), [5e-60]),
    }[operation]
    found = device(name).run(operation, *arguments, tolerance=chosen.error)
    assert np.allclose(found, expected, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("name", AVAILABLE)
def test_results_are_the_callers_own(name):
    """NumPy arrays that may be written to and share no memory with the arguments or with another result."""
    one = device(name)
    arguments = (
        (1, np.array([100.0, 90.0]), 100.0, 1.0, 0.0, 0.2, 0.0)
        if "price" in one.capabilities()
        else ([1.0, 2.0], 3.0)
    )
    operation = "price" if "price" in one.capabilities() else "add"
    first, second = (one.run(operation, *arguments) for _ in range(2))
    assert type(first) is np.ndarray
    assert not any(np.shares_memory(first, other) for other in (second, np.asarray(arguments[1])))
    first[:] = 0.0
    assert second.all()


@pytest.mark.parametrize("name", DEVICE_NAMES)
def test_refusals(name):
    """Each opens with the device and says value, limit and mend; none depends on the device being there."""
    one = device(name)
    with pytest.raises(
        InputError, match=rf"\[compute\.{name}\] operation is 'sort'; it must be one of price, "
    ):
        one.run("sort", [1.0])
    with pytest.raises(
        InputError, match=rf"\[compute\.{name}\] does not do 'inference'; it does .*Choose another"
    ):
        one.run("inference", [1.0])
    for operation, capability in one.capabilities().items():
        count = len(OPERATIONS[operation].arrays)
        arguments = [1.0] * count
        with pytest.raises(InputError, match=rf"{operation} got {count + 1} arrays; it takes {count}: "):
            one.run(operation, *arguments, 1.0)
        with pytest.raises(
            InputError, match=rf"tolerance is 1e-30; for {operation} .* guarantees {capability.error:g}"
        ):
            one.run(operation, *arguments, tolerance=1e-30)
        for tolerance in (0.0, -1.0, np.nan, "fast", True):
            with pytest.raises(InputError, match=r"tolerance is .*; it must be a number above 0, or None"):
                one.run(operation, *arguments, tolerance=tolerance)


@pytest.mark.parametrize("name", AVAILABLE)
def test_what_lies_under_a_mask_is_not_read(name):
    one, masked = device(name), np.ma.array([100.0, 90.0], mask=[False, True])
    if "price" in one.capabilities():
        found = one.run("price", 1, masked, 100.0, 1.0, 0.0, 0.2, 0.0)
        assert [False, True] == np.isnan(found).tolist()
    if "add" in one.capabilities():
        assert [False, True] == np.isnan(one.run("add", masked, 1.0)).tolist()


@pytest.mark.parametrize("name", AVAILABLE)
def test_arrays_that_do_not_fit(name):
    one = device(name)
    if "price" in one.capabilities():
        with pytest.raises(InputError, match=r"do not broadcast"):
            one.run("price", 1, [1.0, 2.0], [1.0, 2.0, 3.0], 1.0, 0.0, 0.2, 0.0)
        with pytest.raises(InputError, match=r"looks like per cent"):
            one.run("price", 1, 100.0, 100.0, 1.0, 0.0, 20.0, 0.0)
        with pytest.raises(InputError, match=r"right"):
            one.run("price", "cal", 100.0, 100.0, 1.0, 0.0, 0.2, 0.0)
        for spot in (["x"], [None], [1j], [[1.0], [1.0, 2.0]], [True]):
            with pytest.raises(
                InputError, match=r"spot (has dtype .*; it must hold real numbers|cannot be converted)"
            ):
                one.run("price", 1, spot, 100.0, 1.0, 0.0, 0.2, 0.0)
    if "matmul" in one.capabilities():
        with pytest.raises(
            InputError, match=r"matmul got shapes \(2,\) and \(2,\); it needs \(m, k\) and \(k, n\)"
        ):
            one.run("matmul", [1.0, 2.0], [1.0, 2.0])
        with pytest.raises(InputError, match=r"add got shapes \(2,\) and \(3,\); they must broadcast"):
            one.run("add", [1.0, 2.0], [1.0, 2.0, 3.0])
        with pytest.raises(InputError, match=r"dot got shapes"):
            one.run("dot", [1.0, 2.0], [1.0])
        for a in (["x"], [None], [1j], [[1.0], [1.0, 2.0]], [True]):
            with pytest.raises(
                InputError, match=r"a (has dtype .*; it must hold real numbers|cannot be converted)"
            ):
                one.run("exp", a)
        for k, told in (
            (0, "0"),
            (4, "4"),
            (4.0, "4"),
            (1.5, r"1\.5"),
            (np.inf, "inf"),
            (np.nan, "nan"),
            ([1, 2], r"an array of shape \(2,\)"),
        ):
            with pytest.raises(
                InputError, match=rf"k is {told}; it must be a whole number from 1 to the 3 rows"
            ):
                one.run("similarity", np.ones((1, 2)), np.ones((3, 2)), k)
        with pytest.raises(InputError, match=r"corpus \(3, 2\); it needs \(m, d\) and \(n, d\)"):
            one.run("similarity", np.ones((1, 3)), np.ones((3, 2)), 1)
        with pytest.raises(InputError, match=r"NaN or infinity"):
            one.run("similarity", [[np.nan, 1.0]], np.ones((3, 2)), 1)


@pytest.mark.parametrize("name", [name for name in DEVICE_NAMES if name not in AVAILABLE])
def test_an_absent_device_says_why(name):
    one = device(name)
    for operation in one.capabilities():
        if operation in OPTIONS:
            with pytest.raises(DeviceError, match=rf"\[compute\.{name}\] this device is not available: "):
                one.run(operation, *[1.0] * 7)
