"""Durations and sizes: what is written is read back to the last bit, and nothing else is taken for one."""

import contextlib
import math
import os
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalanta.config.units import DURATION_UNITS, SIZE_UNITS, duration_text, nbytes, seconds, size_text

#: The configuration is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")


@given(st.floats(min_value=1e-9, max_value=1e9))
def test_a_duration_written_is_the_one_read(value):
    """Every double from a nanosecond to thirty years."""
    assert value == seconds(duration_text(value))


@given(st.integers(min_value=0, max_value=1 << 60))
def test_a_size_written_is_the_one_read(value):
    """Every number of bytes."""
    assert value == nbytes(size_text(value))


@given(st.integers(min_value=0, max_value=10_000), st.sampled_from(sorted(DURATION_UNITS)))
def test_a_whole_number_of_a_unit_is_that_many(count, unit):
    """The number times the unit's seconds, rounded once."""
    assert math.isclose(count * float(DURATION_UNITS[unit]), seconds(f"{count}{unit}"), rel_tol=4e-16)


@given(st.integers(min_value=0, max_value=10_000), st.sampled_from(sorted(SIZE_UNITS)))
def test_a_whole_number_of_a_size_is_exact(count, unit):
    """Integers have no rounding."""
    assert count * int(SIZE_UNITS[unit]) == nbytes(f"{count} {unit}")


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_parts_of_a_duration_add_up(hours, minutes, secs, millis):
    """1h30m is ninety minutes."""
    whole = 3600 * hours + 60 * minutes + secs + millis / 1000
    assert math.isclose(whole, seconds(f"{hours}h{minutes}m{secs}s{millis}ms"), abs_tol=1e-9)


@given(st.text(alphabet=string.printable, max_size=12))
def test_any_text_is_read_or_refused(text):
    """Never another exception, never a negative or infinite result."""
    for read in (seconds, nbytes):
        with contextlib.suppress(ValueError):
            assert 0 <= read(text) < math.inf


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30s", 30.0),
        ("5ms", 0.005),
        ("250us", 0.00025),
        ("250µs", 0.00025),  # the micro sign
        ("250μs", 0.00025),  # the Greek letter
        ("1.5h", 5400.0),
        ("1h30m", 5400.0),
        ("2d", 172_800.0),
        ("0s", 0.0),
        (0, 0.0),
    ],
)
def test_durations(text, value):
    """As people write them."""
    assert value == seconds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("64MiB", 67_108_864), ("64MB", 64_000_000), ("1.5GiB", 1_610_612_736), ("12 kB", 12_000), ("7B", 7)],
)
def test_sizes(text, value):
    """Binary and decimal units are told apart."""
    assert value == nbytes(text)


@pytest.mark.parametrize("text", [30, 0.5, "30", "1.5"])
def test_a_bare_number_is_no_duration(text):
    """Seconds and milliseconds are not guessed."""
    with pytest.raises(ValueError, match="a duration needs a unit, such as 30s"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30S", "'S' is no unit of a duration"),
        ("30 sec", "'sec' is no unit of a duration"),
        ("30m1h", "from large to small"),
        ("1s1s", "each once"),
        ("-5s", "a number from 0 up"),
        ("5s later", "a number from 0 up"),
        ("s", "a number from 0 up"),
        ("", "a number from 0 up"),
        (True, "give a duration such as 30s"),
        (None, "give a duration such as 30s"),
        (["5s"], "give a duration such as 30s"),
        ("٣s", "a number from 0 up"),  # digits of another script
    ],
)
def test_what_is_no_duration(text, message):
    """The message says what is wrong."""
    with pytest.raises(ValueError, match=message):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (1024, "a size needs a unit, such as 64MiB"),
        ("64mb", "'mb' is no unit of a size"),
        ("64M", "'M' is no unit of a size"),
        ("0.3B", "no whole number of bytes"),
        ("1GiB5MiB", "one size with one unit"),
        ("64MiBs", "'MiBs' is no unit"),
    ],
)
def test_what_is_no_size(text, message):
    """A bit is no byte, and half a byte is none."""
    with pytest.raises(ValueError, match=message):
        nbytes(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(30.0, "30s"), (0.005, "5ms"), (5400.0, "90m"), (86_400.0, "1d"), (1.5e-7, "150ns"), (0.0, "0s")],
)
def test_how_a_duration_is_written(value, text):
    """In the unit that shows it shortest."""
    assert text == duration_text(value)


@pytest.mark.parametrize(
    ("value", "text"), [(67_108_864, "64MiB"), (64_000_000, "64MB"), (1000, "1kB"), (0, "0B")]
)
def test_how_a_size_is_written(value, text):
    """In the largest unit that divides it."""
    assert text == size_text(value)
