"""Messages of events and announcements: what goes in comes out, and nothing else is taken for one."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalanta.errors import InputError
from atalanta.streaming import EVENT, TRADE, SimulatorFeed, Universe
from atalanta.streaming.feeds import packing
from atalanta.streaming.feeds.announcement import announce, announced
from atalanta.streaming.feeds.packing import Numbers, numbers_of, pack, unpack

SYMBOLS = ("AAA", "BRK.B", "A B  C", "Ünï")


def events_of(keys):
    events = np.zeros(len(keys), dtype=EVENT)
    events["key"], events["bid"], events["tag"] = keys, np.arange(len(keys)) + 0.25, np.arange(len(keys))
    events["kind"], events["sides"], events["time_ns"] = TRADE, 1, 1_700_000_000_000_000_000
    return events


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=50), st.integers(1, 2**32 - 1), st.integers(0, 2**64 - 1)
)
def test_what_goes_in_comes_out(keys, first, epoch):
    """Symbols by event, all fields that belong to the event, and the numbers; a place in the receiver is not sent."""
    events = events_of(keys)
    events["intended_ns"], events["ticket"] = 5, 6
    message = pack(events, SYMBOLS, Numbers(epoch, first, len(keys)))
    packed = unpack(message)
    assert [SYMBOLS[key] for key in keys] == [packed.symbols[place] for place in packed.events["key"]]
    for name in ("bid", "tag", "kind", "sides", "time_ns"):
        np.testing.assert_array_equal(events[name], packed.events[name])
    assert not packed.events["intended_ns"].any()
    assert not packed.events["ticket"].any()
    assert Numbers(epoch, first, len(keys)) == packed.numbers == numbers_of(message)


@given(st.binary(max_size=200))
def test_no_other_bytes_are_taken_for_one(body):
    with pytest.raises(InputError):
        unpack(body)


@given(st.data())
def test_a_damaged_message_is_refused(data):
    """One byte changed anywhere, or the end cut off."""
    message = bytearray(pack(events_of([0, 1, 1]), SYMBOLS, Numbers(7, 1, 3)))
    place = data.draw(st.integers(0, len(message) - 1))
    if data.draw(st.booleans()):
        message[place] ^= data.draw(st.integers(1, 255))
    else:
        del message[place:]
    with pytest.raises(InputError):
        unpack(bytes(message))


def test_a_universe_comes_back_as_it_was():
    """With contracts, volatilities, dividends, and prices that are not known yet."""
    universe = SimulatorFeed(seconds=0.01).universe()
    again = announced(announce(universe))
    assert universe.symbols == again.symbols
    before, after = universe.native(), again.native()
    assert before.keys() == after.keys()
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)
    bare = announced(announce(Universe({"AAA": float("nan")})))
    assert np.isnan(bare.spots[0])


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"version": 2}', b'{"version": 1, "underlyings": 3}', b"\xff"]
)
def test_a_text_that_announces_nothing_is_told(text):
    """As it is, compressed, and cut off."""
    whole = zlib.compress(text)
    for message in (text, whole, whole[:-1]):
        with pytest.raises(InputError, match=r"\[streaming.announced\]"):
            announced(message)


def test_an_announcement_that_would_fill_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr("atalanta.streaming.feeds.announcement._MOST_BYTES", 1000)
    with pytest.raises(InputError, match="cut off, or larger than 1,000 bytes"):
        announced(zlib.compress(bytes(1001)))


@pytest.mark.parametrize(
    ("symbols", "first", "told"),
    [
        (("AAA", "BRK.B"), 0, "numbers go from 1"),
        (("AAA", "BRK.B"), 2**40, "numbers go from 1"),
        (("\udcff", "BRK.B"), 1, "its symbols are no text"),
        (("AAA",), 1, "an event is of its symbol 1, and it names 1"),
    ],
)
def test_a_message_whose_sum_is_right_and_whose_content_is_not(symbols, first, told):
    """Of a publisher with a defect: the checksum says nothing of that."""
    events = events_of([0, 1])
    names = "\n".join(symbols).encode("utf-8", "surrogateescape")
    payload = names + events.tobytes()
    header = packing._HEADER.pack(b"ATLT", 1, EVENT.itemsize, 2, len(names), 7, first)
    with pytest.raises(InputError, match=told):
        unpack(header + packing._SUM.pack(zlib.crc32(payload, zlib.crc32(header))) + payload)
