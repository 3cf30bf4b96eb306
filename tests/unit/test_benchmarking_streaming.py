"""The benchmark of the streaming engine: its workloads, figures and targets; no time is asserted."""

import sys

import numpy as np
import pytest

from atalanta import _core
from atalanta.benchmarking.streaming import kills, loads, measures
from atalanta.benchmarking.streaming.figures import TARGETS, Figure, judge_streaming
from atalanta.benchmarking.streaming.peer import nautilus_backtest
from atalanta.benchmarking.streaming.workloads import (
    book_of_eights,
    many_quotes,
    one_expiry,
    ticks,
    unbounded,
)
from atalanta.errors import MissingExtraError
from atalanta.streaming import Stream


def test_targets_are_judged_where_there_are_figures():
    """At most for costs, at least for rates; replays must have no unexplained miss."""
    judged = judge_streaming(
        [
            Figure("histogram record", 2.0, "ns"),
            Figure("push_many", 5.0, "M/s"),
            Figure("replay x, misses without a stall", 0.1, ""),
        ]
    )
    assert [True, False, False] == [verdict.reached for verdict in judged]
    assert [] == judge_streaming([])
    assert {-1, 1} == {sign for sign, _, _ in TARGETS.values()}


def test_workloads_are_what_they_are_called():
    """Eight contracts an underlying, an expiry of 200, quotes with a volatility of 25 %."""
    assert 128 * 8 == len(book_of_eights().contracts)
    assert {"american"} == set(one_expiry().contracts["exercise"])
    universe = book_of_eights(4, 8)
    stream = Stream(universe, settings=unbounded())
    results = stream.results()
    stream.push_many(many_quotes(universe, 500))
    vol = results.take()["vol"]
    assert np.allclose(vol[np.isfinite(vol)], 0.25, atol=0.05)
    assert np.isfinite(vol).mean() > 0.9


def test_native_measures_count_every_event():
    """Each event once, and everything comes out."""
    universe = book_of_eights(4, 8)
    stream = Stream(universe, settings=unbounded())
    events = ticks(universe, 512)
    assert 0.0 < _core.stream_saturated_ns(stream._core, stream._producer, events, 3, 128)
    assert 3 * 512 == stream.snapshot().out
    assert 8 * 3 * 512 == stream.snapshot().seen["repriced"]
    assert 0.0 < _core.stream_market_stage_ns(stream._core, events, 1)
    assert 0.0 < _core.stream_record_ns(np.arange(100, dtype=np.uint64), 10)
    with pytest.raises(ValueError, match="EVENT"):
        _core.stream_market_stage_ns(stream._core, np.zeros(3), 1)


def test_every_measure_gives_figures(monkeypatch):
    """Short ones; accounts are exact under all loads."""
    monkeypatch.setattr(measures, "_three_hops", _quick_hops)
    raw: dict = {}
    figures = [*measures.costs(1), *measures.forwards(1), *measures.saturated(1)]
    figures += measures.delivery(1, 20_000, peer=lambda: 1e-5)
    figures += [
        *loads.open_loop(0.1, raw, 2000.0),
        *loads.american_ticks(0.1, raw),
        *loads.overload(0.1, raw),
    ]
    if kills.installed():
        figures += kills.server_kills(1, 0.1, raw)
    names = {figure.what for figure in figures}
    wanted = {what for what in TARGETS if kills.installed() or not what.startswith("server killed")}
    assert wanted <= names
    assert {"open loop", "american ticks", "overload"} == set(raw) - {"server kills"}
    assert all(np.isfinite(figure.value) for figure in figures)
    assert all(one["exact"] for one in raw.values())


def test_a_peer_is_measured_beside_the_delivery_and_says_so_when_it_is_missing(monkeypatch):
    """Ratios of seconds a tick; without the package a line that says what to install, and the other figures."""
    figures = {figure.what: figure.value for figure in measures.delivery(1, 8192, peer=lambda: 1.0)}
    ratio = figures["delivered to Python in batches: nautilus_trader"]
    assert pytest.approx(1e6 * figures["delivered to Python in batches"]) == ratio
    alone = [figure.what for figure in measures.delivery(1, 8192)]
    assert ["delivered to Python in batches", "delivered to Python, a call for each"] == alone
    monkeypatch.setitem(sys.modules, "nautilus_trader", None)
    with pytest.raises(MissingExtraError, match="python -m pip install nautilus_trader"):
        nautilus_backtest(10)


def test_the_peer_sees_every_tick():
    """Where it is installed."""
    pytest.importorskip("nautilus_trader")
    assert 0.0 < nautilus_backtest(1000)()


async def _quick_hops(count):
    del count
    return 1e-6
