"""Databento's files: a market by order against a plain count, a recorded market, and what cannot be read."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalanta.errors import InputError
from atalanta.streaming import TRADE, read_ticks
from atalanta.streaming.feeds.order_book import OrderBook

dbn = pytest.importorskip("databento_dbn", reason="databento-dbn is not installed (extra 'databento')")

CHANGES = st.tuples(
    st.sampled_from("ACMR" + "A" * 4),
    st.integers(1, 6),
    st.sampled_from("BAN"),
    st.integers(95, 105),
    st.integers(0, 5),
)


@given(st.lists(CHANGES, max_size=60))
def test_the_best_prices_are_those_of_a_plain_count(changes):
    """After every change; orders that nobody knows change nothing."""
    book, orders = OrderBook(), {}
    for action, order, side, price, size in changes:
        if action == "R":
            book.clear()
            orders.clear()
        elif action == "C":
            book.cancel(order, size)
            if order in orders and (left := orders[order][2] - size) > 0:
                orders[order] = (*orders[order][:2], left)
            else:
                orders.pop(order, None)
        else:
            (book.add if action == "A" else book.modify)(order, side, price, size)
            orders.pop(order, None)
            if side in "BA" and size > 0:
                orders[order] = (side, price, size)
        sizes = {side: Counter() for side in "BA"}
        for side, price, size in orders.values():
            sizes[side][price] += size
        bid, ask = sizes["B"], sizes["A"]
        assert (
            (max(bid), bid[max(bid)]) if bid else None,
            (min(ask), ask[min(ask)]) if ask else None,
        ) == book.best()


def test_a_recorded_market_by_order(shared_data):
    """An index future for two seconds: a snapshot of 13,600 orders first, then never crossed, trades at the quotes."""
    recording = read_ticks(shared_data / "databento_es_mbo_20240508.dbn.zst")
    events = recording.events
    quotes, trades = events[events["kind"] != TRADE], events[events["kind"] == TRADE]
    assert (("ESM4",), (136, 5)) == (recording.symbols, (len(quotes), len(trades)))
    assert (quotes["bid"] < quotes["ask"]).all()
    assert {0.25} == set((quotes["ask"] - quotes["bid"]).tolist())
    before = np.searchsorted(quotes["time_ns"], trades["time_ns"]) - 1
    assert np.isin(trades["bid"], [quotes["bid"][before], quotes["ask"][before]]).all()
    assert (np.diff(recording.arrival_ns) >= 0).all()


@pytest.mark.parametrize("content", [b"", b"no such file", b"DBN\x02" + bytes(40)])
@pytest.mark.parametrize("ending", [".dbn", ".dbn.zst"])
def test_a_file_that_is_none_is_told(tmp_path, content, ending):
    path = tmp_path / f"x{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"\[streaming.read_ticks\] x.dbn"):
        read_ticks(path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be opened"):
        read_ticks(tmp_path / "absent.dbn")
