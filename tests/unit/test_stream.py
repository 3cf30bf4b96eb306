"""Streams: what goes in, what comes out, and what is refused."""

import asyncio
import logging
import threading
import time

import numpy as np
import pytest

import atalanta
from atalanta.errors import InputError
from atalanta.risk import Book
from atalanta.streaming import (
    EVENT,
    RESULT,
    TRADE,
    Budget,
    EventLostError,
    Stream,
    StreamFlag,
    StreamHaltedError,
    StreamSettings,
    Universe,
    Watermarks,
    stream_flag_names,
)
from atalanta.streaming.positions import quantities_of
from tests.streaming_market import START, YEARS, key_row, universe

NAN = float("nan")
#: However busy the machine is, nothing is late.
PATIENT = StreamSettings(market_data=Budget(60.0), pricing=Budget(60.0), risk=Budget(60.0))


def worth(spot, strike, right, vol):
    return float(atalanta.price(right, spot, strike, YEARS, 0.03, vol, dividend_yield=0.01))


def test_a_quote_comes_back_with_its_volatility_and_greeks():
    """The results are those of the package's own functions."""
    stream = Stream(universe(), settings=PATIENT)
    results = stream.results()
    stream.push("XYZ", 100.9, 101.1, time_ns=START)
    row = key_row(stream.universe, "XYZ3")
    strike, right = (float(stream.universe.contracts[name][row]) for name in ("strike", "right"))
    price = worth(101.0, strike, int(right), 0.31)
    stream.push("XYZ3", price - 0.01, price + 0.01, time_ns=START)
    first, second = results.take()
    assert RESULT == first.dtype
    assert 0 == first["flags"] == second["flags"]
    assert pytest.approx(101.0) == first["spot"]
    assert pytest.approx(0.31, abs=1e-9) == second["vol"]
    greeks = atalanta.greeks(int(right), 101.0, strike, YEARS, 0.03, 0.31, dividend_yield=0.01)
    for name in ("price", "delta", "gamma", "vega", "theta"):
        assert pytest.approx(float(getattr(greeks, name)), abs=1e-8) == second[name]


def test_contracts_move_with_their_underlying():
    """A tick re-prices the whole expiry, and `refreshed` results tell so."""
    stream = Stream(universe())
    results = stream.results(refreshed=True)
    stream.push("XYZ", 103.9, 104.1, time_ns=START)
    table = stream.contracts()
    expected = [worth(104.0, k, int(r), 0.2) for k, r in zip(table["strike"], table["right"], strict=True)]
    assert np.allclose(expected, table["price"], atol=1e-9)
    batch = results.take()
    assert 7 == len(batch)
    assert 6 == ((batch["flags"] & StreamFlag.REFRESHED) != 0).sum()
    assert np.allclose(sorted(expected), sorted(batch["price"][1:]), atol=1e-9)


def test_push_many_takes_what_universe_events_makes():
    """Whole columns, by symbol; an inline stream always has room."""
    stream = Stream(universe(), settings=StreamSettings(ring=64, watermarks=Watermarks(40, 8, 60, 20)))
    symbols = ["XYZ", "XYZ0", "XYZ1"] * 200
    events = stream.universe.events(symbols, 4.0, 4.2, time_ns=START)
    assert 600 == stream.push_many(events)
    snapshot = stream.snapshot()
    assert 600 == snapshot.events_in
    assert snapshot.exact
    assert 0 == snapshot.in_flight
    assert 0 == stream.push_many(events[:0])


def test_bad_events_are_refused_with_what_to_do():
    """Other dtypes, unknown columns, unknown symbols, values that no record holds."""
    stream = Stream(universe())
    with pytest.raises(InputError, match=r"dtype atalanta\.streaming\.EVENT"):
        stream.push_many(np.zeros(3))
    with pytest.raises(InputError, match="no column 'price'"):
        stream.universe.events("XYZ", 1.0, 2.0, price=3.0)
    with pytest.raises(InputError, match="do not fit together"):
        stream.universe.events(["XYZ", "XYZ1"], [1.0, 2.0, 3.0], 2.0)
    with pytest.raises(InputError, match="'ABC' is no symbol"):
        stream.push("ABC", 1.0, 2.0, time_ns=START)
    with pytest.raises(InputError, match="no event can be made"):
        stream.push("XYZ", 1.0, 2.0, time_ns=START, sequence=-1)
    with pytest.raises(InputError, match="no event can be made"):
        stream.push("XYZ", "a", 2.0, time_ns=START)
    assert 0 == stream.snapshot().events_in


def test_what_cannot_be_believed_is_counted():
    """Unknown keys, duplicates, old numbers, gaps, clocks that go backwards, missing and crossed quotes."""
    stream = Stream(universe(), settings=PATIENT)
    results = stream.results()
    events = stream.universe.events(
        [0, 99, 0, 0, 0, 0, 1, 1, 1],
        [99.0, 1.0, 99.0, 99.0, 99.0, 99.0, 5.0, NAN, 4.0],
        [101.0, 2.0, 101.0, 101.0, 101.0, 101.0, 4.0, 4.0, NAN],
        time_ns=START + np.array([0, 1, 2, 2, 3, 1, 4, 5, 6]),
        sequence=[5, 0, 5, 9, 7, 0, 0, 0, 0],
    )
    stream.push_many(events)
    snapshot = stream.snapshot()
    assert {"unknown_key": 1, "duplicate": 1, "out_of_order": 1} == {
        k: v for k, v in snapshot.dropped.items() if v
    }
    assert 1 == snapshot.seen["gaps"]
    assert 3 == snapshot.seen["missing"]
    assert [[0, 6, 8, START + 2]] == [
        [int(stream.gaps()[n][0]) for n in ("source", "first", "last", "time_ns")]
    ]
    assert snapshot.exact
    names = list(stream_flag_names(results.take()["flags"]))
    assert ["ok", "after_gap", "clock_backwards"] == names[:3]
    assert all("carried_vol" in name for name in names[3:])
    assert ["crossed", "no_bid", "no_ask"] == [name.split("|")[0] for name in names[3:]]


def test_profit_is_against_the_first_value_of_each_position():
    """Before a price there is none; it goes on when other quantities change, and begins anew for those that do."""
    stream = Stream(universe(), positions={"XYZ": 50, "XYZ2": -3})
    assert 0.0 == stream.book().pnl
    stream.push("XYZ", 99.9, 100.1, time_ns=START)
    first = stream.book().value
    assert 0.0 == stream.book().pnl
    stream.push("XYZ", 101.9, 102.1, time_ns=START + 1)
    gained = stream.book().value - first
    assert abs(gained) > 1.0
    assert pytest.approx(gained) == stream.book().pnl == stream.books()["pnl"][0]
    option = -300 * stream.contracts()["price"][key_row(stream.universe, "XYZ2")]
    stream.set_positions({"XYZ": 50, "XYZ2": -2})
    assert pytest.approx(50 * 2.0) == stream.book().pnl
    stream.set_positions({"XYZ": 20, "XYZ2": -2})
    assert 0.0 == stream.book().pnl
    stream.push("XYZ", 99.9, 100.1, time_ns=START + 2)
    back = -200 * stream.contracts()["price"][key_row(stream.universe, "XYZ2")] - option * 2 / 3
    assert pytest.approx(20 * -2.0 + back) == stream.book().pnl


def test_expired_contracts_are_counted_as_such():
    """An event at or after the expiry changes nothing."""
    stream = Stream(universe())
    stream.push("XYZ1", 4.0, 4.2, time_ns=START + 30 * 86_400_000_000_000)
    snapshot = stream.snapshot()
    assert 1 == snapshot.expired
    assert snapshot.exact


def test_a_book_follows_the_prices():
    """Quantity times multiplier times Greeks, shares included; unknown symbols are refused."""
    stream = Stream(universe(), positions={"XYZ": 50, "XYZ2": -3})
    stream.push("XYZ", 99.9, 100.1, time_ns=START)
    row = key_row(stream.universe, "XYZ2")
    book, table = stream.book(), stream.contracts()
    assert pytest.approx(50 - 300 * table["delta"][row]) == book.delta
    assert pytest.approx(-300 * table["vega"][row]) == book.vega
    assert pytest.approx(100.0 * book.delta) == book.delta_cash
    assert (2, 2) == (book.positions, book.priced)
    assert pytest.approx(book.delta) == stream.books()["delta"][0]
    with pytest.raises(InputError, match="1 of 1 positions are of no instrument of this stream: 'QQQ'"):
        stream.set_positions({"QQQ": 1})
    stream.set_positions({})
    assert 0.0 == stream.book().delta


def test_positions_come_from_a_file(tmp_path):
    """Symbol and quantity; mistakes say file and line."""
    path = tmp_path / "book.csv"
    path.write_text('Symbol,Qty\nXYZ0,2\nXYZ0,"1,000"\nXYZ,-5\n')
    stream = Stream(universe(), positions=path)
    assert 2 == stream.book().positions
    stream.push("XYZ", 99.9, 100.1, time_ns=START)
    row = key_row(stream.universe, "XYZ0")
    assert pytest.approx(-5 + 100_200 * stream.contracts()["delta"][row]) == stream.book().delta
    path.write_text("symbol,price\nXYZ,1\n")
    with pytest.raises(InputError, match="quantity"):
        stream.set_positions(path)
    path.write_text("symbol,quantity\nXYZ,many\n")
    with pytest.raises(InputError, match="quantity"):
        stream.set_positions(path)
    with pytest.raises(InputError, match="there is no file"):
        stream.set_positions(tmp_path / "none.csv")
    with pytest.raises(InputError, match="float"):
        stream.set_positions(3.0)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (StreamSettings(pricing=Budget(0.0)), "pricing.seconds is 0.0"),
        (StreamSettings(risk=Budget(NAN)), "risk.seconds is nan"),
        (StreamSettings(risk=Budget(1.0, "explode")), "on_miss is 'explode'"),
        (StreamSettings(risk=0.1), "must be a Budget"),
        (StreamSettings(market_data=Budget(1e-4, "degrade")), "market_data cannot degrade"),
        (StreamSettings(risk=Budget(1e-3, "degrade")), "risk cannot degrade"),
        (StreamSettings(risk=Budget(1e-3, "drop")), "risk cannot drop"),
        (StreamSettings(ring=0), "ring is 0"),
        (StreamSettings(stages=4), "stages is 4"),
        (StreamSettings(batch=True), "batch is True"),
        (StreamSettings(conflation="always"), "conflation is 'always'"),
        (StreamSettings(watermarks=Watermarks(10, 20, 30, 25)), "watermarks must be"),
        (StreamSettings(stale_after=-1.0), "stale_after is -1.0"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, told):
    """With the value and what is allowed."""
    with pytest.raises(InputError, match=told.replace(".", r"\.")):
        Stream(universe(), settings=settings)


def test_universes_that_cannot_be_used_are_refused():
    """Empty, with a symbol twice, on another underlying, or with a strike of 0."""
    table = universe().contracts
    for change, told in (
        ({"symbol": ["A"] * 6}, "'A' comes twice"),
        ({"underlying": ["ABC"] * 6}, "contracts on 'ABC'"),
        ({"strike": [0.0] * 6}, "strike of"),
        ({"exercise": ["asian"] * 6}, "exercise is 'asian'"),
        ({"rate": np.linspace(0.0, 0.1, 6)}, "rate of"),
    ):
        with pytest.raises(InputError, match=told):
            Universe({"XYZ": 100.0}, table.with_columns(**{n: np.array(v) for n, v in change.items()}))
    with pytest.raises(InputError, match="no underlying"):
        Universe({})
    with pytest.raises(InputError, match="have no column"):
        Universe({"XYZ": 1.0}, {"symbol": np.array(["A"], dtype=object)})
    with pytest.raises(InputError, match="executor is 'magic'"):
        Stream(universe(), executor="magic")


def test_late_events_say_so_or_go():
    """An event from long ago is late at every stage; with the policy drop it is left out."""
    long_ago = atalanta._core.monotonic_ns() - 50_000_000
    stream = Stream(universe())
    results = stream.results()
    stream.push("XYZ", 99.0, 101.0, time_ns=START, intended_ns=long_ago)
    (row,) = results.take()
    assert "late_market_data|late_pricing|late_risk" == stream_flag_names(row["flags"])[0]
    assert row["lateness_ns"] > 40_000_000
    assert {"market_data": 1, "pricing": 1, "risk": 1} == dict(stream.snapshot().late)
    dropping = Stream(universe(), settings=StreamSettings(market_data=Budget(1e-3, "drop")))
    dropping.push("XYZ", 99.0, 101.0, time_ns=START, intended_ns=long_ago)
    assert 1 == dropping.snapshot().dropped["late"]


def test_a_stream_that_halts_says_where():
    """Nothing more is taken, consumers get what there was and then the error."""
    stream = Stream(universe(), settings=StreamSettings(risk=Budget(1e-3, "halt")))
    results = stream.results()
    stream.push("XYZ", 99.0, 101.0, time_ns=START, intended_ns=1)
    with pytest.raises(StreamHaltedError, match="budget of risk"):
        stream.push("XYZ", 99.0, 101.0, time_ns=START)

    async def read():
        return [len(batch) async for batch in results]

    with pytest.raises(StreamHaltedError, match="budget of risk"):
        asyncio.run(read())
    snapshot = stream.snapshot()
    assert "risk" == snapshot.halted
    assert 1 == snapshot.dropped["halted"]
    assert snapshot.exact


def test_latencies_are_always_there():
    """One histogram for the wait and two for each stage, which count every result."""
    stream = Stream(universe())
    for _ in range(100):
        stream.push("XYZ", 99.0, 101.0, time_ns=START)
    latency = stream.snapshot().latency
    assert 100 == latency["risk.total"].count == latency["pricing.service"].count
    assert 0 < latency["risk.total"].quantile_ns(0.5) <= latency["risk.total"].quantile_ns(0.99)
    assert latency["risk.total"].quantile_ns(1.0) == latency["risk.total"].most_ns
    stream.clear_latencies()
    assert 0 == stream.snapshot().latency["risk.total"].count
    assert np.isnan(stream.snapshot().latency["risk.total"].quantile_ns(0.5))


def test_american_contracts_are_solved_behind():
    """First they wait for an exact solve; then a tick is a read of ladders."""
    stream = Stream(universe("american"))
    results = stream.results()
    stream.push("XYZ", 99.9, 100.1, time_ns=START)
    stream.push("XYZ1", 4.0, 4.2, time_ns=START)
    assert results.take()["flags"][1] & StreamFlag.AWAITS_EXACT
    assert stream.refresh()
    table = stream.contracts()
    assert np.isfinite(table["delta"]).all()
    row = key_row(stream.universe, "XYZ1")
    expected = atalanta.implied_vol(
        4.1,
        int(table["right"][row]),
        100.0,
        table["strike"][row],
        YEARS,
        0.03,
        dividend_yield=0.01,
        exercise="american",
    )
    assert pytest.approx(float(expected), abs=1e-4) == table["vol"][row]
    stream.push("XYZ", 100.4, 100.6, time_ns=START)
    moved = stream.contracts()
    exact = atalanta.price(
        moved["right"],
        100.5,
        moved["strike"],
        YEARS,
        0.03,
        moved["vol"],
        dividend_yield=0.01,
        exercise="american",
    )
    assert np.allclose(exact, moved["price"], atol=2e-3)


@pytest.mark.parametrize("executor", ["hybrid", "pinned"])
def test_a_thread_of_its_own(executor):
    """Everything pushed comes out, in order, and a stopped stream starts again."""
    with Stream(universe(), executor=executor, settings=StreamSettings(conflation="never")) as stream:
        results = stream.results(capacity=4096)
        events = stream.universe.events(np.arange(3000) % 7, 4.0, 4.2, time_ns=START, tag=np.arange(3000))
        assert 3000 == stream.push_many(events)
        assert stream.stop().exact
        tags = np.concatenate([results.take() for _ in range(3)])["tag"]
        assert np.arange(3000).tolist() == tags.tolist()
        stream.start()
        stream.push("XYZ", 99.0, 101.0, time_ns=START)
    assert 3001 == stream.snapshot().out


def test_a_full_ring_refuses_and_counts():
    """Nobody takes: the engine is stopped. What has no room is dropped, and counted."""
    stream = Stream(
        universe(), executor="hybrid", settings=StreamSettings(ring=64, watermarks=Watermarks(8, 4, 60, 20))
    )
    stream.stop()
    stream._require_going = lambda: None  # as if it had stopped right after that look
    events = stream.universe.events(np.zeros(100, dtype=int), 99.0, 101.0, time_ns=START)
    assert 64 == stream.push_many(events)
    snapshot = stream.snapshot()
    assert (100, 64, 36) == (snapshot.events_in, snapshot.in_flight, snapshot.dropped["full"])
    assert snapshot.exact
    with pytest.raises(EventLostError, match="ring is full"):
        asyncio.run(stream.process("XYZ", 99.0, 101.0, time_ns=START))


def test_results_arrive_by_async_for():
    """One wake-up for all that is there; the iteration ends when the stream stops."""

    async def main():
        stream = Stream(universe(), executor="hybrid", settings=StreamSettings(conflation="never"))
        results = stream.results(max_batch=256)
        seen = []

        async def read():
            async for batch in results:
                seen.append(len(batch))

        reading = asyncio.ensure_future(read())
        for _ in range(20):
            stream.push_many(stream.universe.events(np.zeros(50, dtype=int), 99.0, 101.0, time_ns=START))
            await asyncio.sleep(0.001)
        await asyncio.to_thread(stream.stop)
        await asyncio.wait_for(reading, 10)
        return seen, results

    seen, results = asyncio.run(main())
    assert 1000 == sum(seen)
    assert max(seen) <= 256
    assert 0 == results.missed


@pytest.mark.parametrize("executor", ["inline", "hybrid"])
def test_one_event_is_awaited(executor):
    """`process` gives the event's own result; what is dropped raises."""

    async def main():
        async with Stream(universe(), executor=executor) as stream:
            rows = [await stream.process("XYZ", 99.0 + i, 101.0 + i, time_ns=START) for i in range(5)]
            assert [100.0, 101.0, 102.0, 103.0, 104.0] == [float(row["spot"]) for row in rows]
            many = await asyncio.gather(
                *(stream.process("XYZ", 99.0, 101.0, time_ns=START) for _ in range(50))
            )
            assert 50 == len(many)
            with pytest.raises(EventLostError, match="dropped or conflated"):
                await stream.process(77, 1.0, 2.0, time_ns=START)

    asyncio.run(main())


def test_process_sync_is_for_inline_streams():
    """The twin without a loop."""
    assert 100.0 == Stream(universe()).process_sync("XYZ", 99.0, 101.0, time_ns=START)["spot"]
    with Stream(universe(), executor="hybrid") as stream, pytest.raises(InputError, match="await process"):
        stream.process_sync("XYZ", 99.0, 101.0, time_ns=START)


def test_waiters_hear_that_a_stream_has_stopped():
    """Whoever awaits a result that will not come gets an error."""

    async def main():
        stream = Stream(universe(), executor="hybrid")
        stream.stop()
        stream._require_going = lambda: None  # as if it had stopped right after that look
        waiting = asyncio.ensure_future(stream.process("XYZ", 99.0, 101.0, time_ns=START))
        await asyncio.sleep(0.01)
        await asyncio.to_thread(stream.stop, False)
        with pytest.raises(StreamHaltedError, match="stopped before"):
            await asyncio.wait_for(waiting, 5)

    asyncio.run(main())


def wait_for(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen within 10 s"
        time.sleep(0.002)


def test_processors_see_what_they_ask_for():
    """By name, with a test of what is theirs, counted."""
    stream = Stream(universe())
    seen = []

    @stream.processor("contracts", should_process=lambda batch: batch["key"] > 0, latency_target=60.0)
    def contracts(batch):
        seen.extend(batch["key"].tolist())

    with pytest.raises(InputError, match="'contracts' already"):
        stream.processor("contracts")
    with pytest.raises(InputError, match="latency_target"):
        stream.processor("other", latency_target=0.0)
    with pytest.raises(InputError, match="plain function"):

        @stream.processor("awaited")
        async def awaited(batch):
            del batch

    for key in (0, 1, 2, 0, 3):
        stream.push(key, 4.0, 4.2, time_ns=START)
    stream.stop()
    assert [1, 2, 3] == seen
    (report,) = stream.snapshot().processors
    assert ("contracts", 3, 2, 0, 0, 0) == (
        report.name, report.handled, report.skipped, report.missed, report.late, report.failures,
    )  # fmt: skip
    stream.remove_processor("contracts")
    with pytest.raises(InputError, match="no processor 'contracts'"):
        stream.remove_processor("contracts")


def test_a_processor_that_raises_is_counted_and_goes_on(caplog):
    """The engine and the other processors notice nothing."""
    stream, calls = Stream(universe()), []

    @stream.processor("fragile", latency_target=1e-9, max_batch=1)
    def fragile(batch):
        calls.append(len(batch))
        if len(calls) == 1:
            raise ValueError("no")

    with caplog.at_level(logging.WARNING, "atalanta.streaming"):
        for _ in range(3):
            stream.push("XYZ", 99.0, 101.0, time_ns=START)
        wait_for(lambda: 3 == len(calls))
        stream.stop()
    report = stream.snapshot().processors[0]
    assert (1, "ValueError: no", 2) == (report.failures, report.last_error, report.late)
    assert "fragile" in caplog.text
    assert 3 == stream.snapshot().out


def test_a_slow_processor_stalls_nobody():
    """It misses results, which are counted; everything else goes on."""
    stream, gate = Stream(universe()), threading.Event()

    @stream.processor("slow", capacity=16)
    def slow(batch):
        del batch
        gate.wait(10)

    for _ in range(500):
        stream.push("XYZ", 99.0, 101.0, time_ns=START)
    assert 500 == stream.snapshot().out
    gate.set()
    stream.stop()
    report = stream.snapshot().processors[0]
    assert report.missed > 400
    assert 500 == report.handled + report.missed


def test_many_consumers_may_come_and_go():
    """Places of closed consumers are taken by new ones; too many at once is an error."""
    stream = Stream(universe())
    for _ in range(40):
        with stream.results():
            stream.push("XYZ", 99.0, 101.0, time_ns=START)
    kept = [stream.results() for _ in range(15)]
    with pytest.raises(InputError, match="16 consumers"):
        stream.results()
    stream.push("XYZ", 99.0, 101.0, time_ns=START)
    assert [1] * 15 == [each.waiting for each in kept]


def test_trades_never_give_way_to_later_ones():
    """Quotes do, where that is asked for."""
    stream = Stream(universe(), settings=StreamSettings(always_conflate=True))
    results = stream.results()
    events = stream.universe.events(
        np.zeros(20, dtype=int), 99.0, 101.0, time_ns=START, kind=np.arange(20) % 2 * TRADE
    )
    stream.push_many(events)
    batch = results.take()
    assert 11 == len(batch)
    assert 9 == batch["merged"].max() == stream.snapshot().conflated


def test_records_are_what_the_documentation_says():
    """64 and 128 bytes, without padding that nobody knows of."""
    assert (64, 128) == (EVENT.itemsize, RESULT.itemsize)
    assert 64 == sum(EVENT.fields[name][0].itemsize for name in EVENT.names)
    assert 128 == sum(RESULT.fields[name][0].itemsize for name in RESULT.names)


def test_a_sequence_may_begin_anew():
    """After `restart_source` lower numbers are no duplicates."""
    stream = Stream(universe())
    stream.push("XYZ", 99.0, 101.0, time_ns=START, sequence=1000)
    stream.restart_source(0)
    stream.push("XYZ", 99.0, 101.0, time_ns=START, sequence=1)
    assert 2 == stream.snapshot().out
    with pytest.raises(InputError, match="source is 64"):
        stream.restart_source(64)


def test_a_multiplier_of_the_book_counts():
    """Shares, and contracts that deliver another number of them: as many as the book says, not as the universe."""
    stream = Stream(universe(), positions=[{"symbol": "XYZ", "quantity": 10, "multiplier": 3}])
    stream.push("XYZ", 99.0, 101.0, time_ns=START)
    assert 30.0 == stream.book().delta
    book = Book.read({"symbol": ["AAPL240920C00270000"] * 2, "quantity": [10, 1], "multiplier": [10, None]})
    name = book.names()[0]
    assert {name: 2.0} == quantities_of(book, {name: 100.0})  # ten of ten shares are one of a hundred
    assert {name: 11.0} == quantities_of(book)
