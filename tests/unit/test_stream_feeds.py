"""Feeds: recordings in their layouts, pacing, the simulator, and sessions that outlive failures."""

import asyncio
import time

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.reliability import Policy
from atalanta.streaming import (
    EVENT,
    Budget,
    Feed,
    FeedError,
    ReplayFeed,
    SimulatorFeed,
    Stream,
    StreamSettings,
    Watermarks,
    read_ticks,
    run_feed,
)
from atalanta.streaming.feeds.pacing import paced
from tests.streaming_market import START, universe

PATIENT = StreamSettings(
    market_data=Budget(60.0), pricing=Budget(60.0), risk=Budget(60.0), conflation="never"
)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def plain_file(folder, rows=200):
    lines = ["symbol,time_ns,bid,ask,sequence"]
    for i in range(rows):
        symbol = ("XYZ", "XYZ0", "XYZ3")[i % 3]
        lines.append(f"{symbol},{START + 1_000_000 * (i // 10)},{4 + i % 5},{4.5 + i % 5},{i + 1}")
    return write(folder / "plain.csv", "\n".join(lines) + "\n")


def test_plain_files_are_read_in_order_of_time(tmp_path):
    """By symbol and time, whatever the order of the lines."""
    path = write(
        tmp_path / "t.csv",
        "symbol,time,bid,ask,kind\nB,2026-01-14T15:00:01,1,2,quote\nA,2026-01-14T15:00:00,3,,trade\n",
    )
    recording = read_ticks(path)
    assert ("A", "B") == recording.symbols
    assert [0, 1] == recording.events["key"].tolist()
    assert [1, 0] == recording.events["kind"].tolist()
    assert 1.0 == recording.seconds
    assert "2 events of 2 instruments" in repr(recording)


def test_files_that_cannot_be_read_say_why(tmp_path):
    """No file, no layout, no day, no number."""
    with pytest.raises(InputError, match="there is no file"):
        read_ticks()
    with pytest.raises(InputError, match=r"no layout fits: a, b; .*\(plain: ask, bid"):
        read_ticks(write(tmp_path / "x.csv", "a,b\n1,2\n"))
    with pytest.raises(InputError, match="no day: put it into the name"):
        read_ticks(write(tmp_path / "ticks_ibm.csv", "ms,price,size\n1,2,3\n"))
    with pytest.raises(InputError, match="holds what is no number"):
        read_ticks(write(tmp_path / "y.csv", "symbol,time_ns,bid,ask\nA,1,x,2\n"))
    with pytest.raises(InputError, match="speed is 0"):
        ReplayFeed(read_ticks(plain_file(tmp_path)), speed=0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", r"\[streaming\.read_ticks\] x\.csv is empty"),
        ("symbol,time_ns,bid,ask\n", "holds no rows"),
        (
            "symbol,time_ns,bid,ask\nA,1,1,2\nA,soon,1,2\n",
            "time_ns in row 2 is 'soon'; it must be a whole number",
        ),
        ("symbol,time_ns,bid,ask\nA,,1,2\n", "time_ns in row 1 is ''"),
        ("symbol,time_ns,bid,ask\nA,-1,1,2\n", "time_ns in row 1 is '-1'"),
        (
            "symbol,time,bid,ask\nA,2026-01-14T15:00,1,2\nA,,1,2\n",
            "time in row 2 is ''; it must be an instant",
        ),
        ("symbol,time_ns,bid,ask\n ,1,1,2\n", "symbol in row 1 is ' '|symbol in row 1 is ''"),
        ("symbol,time_ns,bid,ask,sequence\nA,1,1,2,-5\n", "sequence in row 1 is '-5'"),
        ("symbol,time_ns,bid,ask,sequence\nA,1,1,2,1.5\n", "sequence in row 1 is '1.5'"),
        ("symbol,time_ns,bid,ask,sequence\nA,1,1,2,99999999999\n", "sequence in row 1 is"),
        (
            "symbol,time_ns,bid,ask,kind\nA,1,1,2,rumour\n",
            "kind in row 1 is 'rumour'; it must be quote or trade",
        ),
        ("local_ts_ns,price,qty\nx,1,2\n", "local_ts_ns in row 1 is 'x'"),
    ],
)
def test_cells_that_cannot_be_used_are_told_with_their_row(tmp_path, text, told):
    """No number begins anew at the other end, and nothing is said of it in a warning alone."""
    with pytest.raises(InputError, match=told):
        read_ticks(write(tmp_path / "x.csv", text))


def test_cells_that_are_empty_where_they_may_be(tmp_path):
    """A side, a sequence number, a kind; times with a zone are turned to UTC."""
    path = write(
        tmp_path / "x.csv",
        "symbol,time,bid,ask,sequence,kind\n"
        "A,2026-01-14T10:00:00-05:00,,2,,\nA,2026-01-14T15:00:00.5Z,1,2,7,Trade\nA,2026-01-14T15:00:01,1,2,8,quote\n",
    )
    events = read_ticks(path).events
    assert [START, START + 500_000_000, START + 1_000_000_000] == events["time_ns"].tolist()
    assert [0, 7, 8] == events["sequence"].tolist()
    assert [0, 1, 0] == events["kind"].tolist()
    assert np.isnan(events["bid"][0])


def test_one_sided_quotes_of_ibm(shared_data):
    """0 is the side that a row does not tell: together they make a market."""
    recording = read_ticks(shared_data / "ticks_ibm_quotes_20131007.parquet")
    assert ("IBM",) == recording.symbols
    assert {1, 2} == set(np.unique(recording.events["sides"]).tolist())
    assert 107_998 == len(recording)
    stream = Stream(recording.universe(), settings=PATIENT)
    results = stream.results(capacity=1 << 17, max_batch=1 << 17)
    asyncio.run(run_feed(stream, ReplayFeed(recording, speed=None)))
    spot = results.take()["spot"]
    assert 181.0 < np.nanmin(spot) < np.nanmax(spot) < 184.0
    snapshot = stream.snapshot()
    assert 107_998 == snapshot.out
    assert snapshot.exact
    assert snapshot.seen["crossed"] > 0  # sides of different venues


def test_books_and_trades_are_merged_by_arrival(shared_data):
    """Two files, two sources, one order; trades do not move a quoted price."""
    names = ("bbo", "trades")
    recording = read_ticks(*(shared_data / f"ticks_btcusdt_usdm_20240808_{name}.parquet" for name in names))
    assert ("BTCUSDT",) == recording.symbols
    assert 66_089 + 21_313 == len(recording)
    assert (np.diff(recording.arrival_ns) >= 0).all()
    stream = Stream(recording.universe(), settings=PATIENT)
    asyncio.run(run_feed(stream, ReplayFeed(recording, speed=None, limit=5000)))
    assert 5000 == stream.snapshot().out
    assert 55_000 < stream.underlyings()["spot"][0] < 65_000


def test_minute_quotes_of_american_options(shared_data):
    """Expiry at the close of a short day; absent sides are flagged; exact solves give volatilities."""
    files = [shared_data / f"{kind}_goog_20151223.parquet" for kind in ("optmin", "eqmin")]
    recording = read_ticks(*files)
    market = recording.universe(rate=0.005)
    assert ("GOOG",) == market.tickers
    assert 118 == len(market.contracts)
    assert np.datetime64("2015-12-24T18:00") == market.contracts["expires_at"][0]
    stream = Stream(market, settings=PATIENT)
    asyncio.run(run_feed(stream, ReplayFeed(recording, speed=None, limit=3000)))
    stream.refresh()
    snapshot = stream.snapshot()
    assert snapshot.exact
    assert snapshot.seen["one_sided"] > 100
    vol = stream.contracts()["vol"]
    assert np.isfinite(vol).sum() > 20
    assert 0.1 < np.nanmedian(vol) < 1.0


def test_files_of_several_days_may_name_the_same_contracts(tmp_path):
    """A universe has each once; events of both files are of it."""
    rows = "expiry,strike,right,ms,bid,bid_size,ask,ask_size\n2026-02-20,100,C,34200000,50000,1,51000,1\n"
    days = [write(tmp_path / f"options_xyz_2026011{day}.csv", rows) for day in (4, 5)]
    recording = read_ticks(*days)
    market = recording.universe(rate=0.03)
    assert 1 == len(market.contracts)
    assert [0.03] == market.contracts["rate"].tolist()
    stream = Stream(market, settings=PATIENT)
    asyncio.run(run_feed(stream, ReplayFeed(recording, speed=None)))
    assert (2, 0) == (stream.snapshot().out, sum(stream.snapshot().dropped.values()))


def test_replay_keeps_bursts_together():
    """Events that came together are due together, in batches that are whole slices of time."""
    events = np.zeros(1000, dtype=EVENT)
    arrival = START + np.repeat(np.arange(10) * 1_000_000_000, 100)
    batches = list(paced(events, arrival, 10.0))
    due = np.concatenate([batch["intended_ns"] for batch in batches]).astype(np.int64)
    assert np.allclose(due - due[0], (arrival - arrival[0]) / 10.0, atol=1)
    assert all(0 == len(batch) % 100 for batch in batches)  # no burst is cut
    assert 1000 == sum(len(batch) for batch in batches)
    assert 0 == np.concatenate(list(paced(events, arrival, None)))["intended_ns"].max()
    assert [] == list(paced(events[:0], arrival[:0], 1.0))


def test_a_replay_takes_as_long_as_it_should(tmp_path):
    """0.02 s of market at a tenth of the speed; nothing comes before its time."""
    recording = read_ticks(plain_file(tmp_path))
    with Stream(universe(), executor="hybrid", settings=PATIENT) as stream:
        results = stream.results()
        begin = time.monotonic()
        report = asyncio.run(run_feed(stream, ReplayFeed(recording, speed=0.1)))
        assert time.monotonic() - begin >= 0.9 * recording.seconds / 0.1
        stream.stop()
        assert 200 == report.sent == stream.snapshot().out
        assert 0 == stream.snapshot().seen["early"]
        assert {0: 200} == report.highest
        assert 200 == len(results.take())


def test_instruments_that_a_universe_lacks_are_counted(tmp_path):
    """A recording may hold more than the stream wants."""
    path = write(tmp_path / "t.csv", f"symbol,time_ns,bid,ask\nXYZ,{START},99,101\nABC,{START},1,2\n")
    stream = Stream(universe(), settings=PATIENT)
    asyncio.run(run_feed(stream, ReplayFeed(read_ticks(path), speed=None)))
    assert 1 == stream.snapshot().dropped["unknown_key"]


def test_the_simulator_is_a_feed():
    """Same seed, same results; most quotes imply the volatility that the market was made with."""
    feed = SimulatorFeed(seconds=0.2, rate=10_000.0, speed=None)
    assert isinstance(feed, Feed)
    market = feed.universe()
    stream = Stream(market, settings=PATIENT)
    results = stream.results(capacity=1 << 16, max_batch=1 << 16)
    report = asyncio.run(run_feed(stream, feed))
    batch = results.take()
    assert report.sent == len(batch) > 1000
    european = market.contracts["exercise"] == "european"
    keys = np.flatnonzero(european) + len(market.tickers)
    rows = batch[np.isin(batch["key"], keys) & (batch["flags"] == 0)]
    seeds = market.contracts["vol"][rows["key"] - len(market.tickers)]
    assert len(rows) > 300
    assert np.nanmedian(np.abs(rows["vol"] - seeds)) < 0.01
    assert (rows["bid"] <= rows["price"] + 1e-9).all()
    assert (rows["price"] <= rows["ask"] + 1e-9).all()
    with pytest.raises(InputError, match="speed is -1"):
        SimulatorFeed(speed=-1)


class Flaky:
    """Numbered events; loses the connection after each `each`, remembers what it was asked to resume after."""

    def __init__(self, total, each, *, repeat=0, skip=0, dead=False):
        self.total, self.each, self.repeat, self.skip, self.dead = total, each, repeat, skip, dead
        self.next, self.resumed, self.closed = 1, [], 0

    @property
    def name(self):
        return "flaky"

    async def connect(self):
        if self.dead:
            raise ConnectionRefusedError("nobody there")

    async def subscribe(self, market):
        self.market = market

    async def resume(self, after):
        self.resumed.append(dict(after))
        self.next = max(1, after[0] + 1 - self.repeat + self.skip)

    async def __aiter__(self):
        last = min(self.next + self.each, self.total + 1)
        numbers = np.arange(self.next, last)
        yield self.market.events(0, 99.0, 101.0, time_ns=START, sequence=numbers)
        if last <= self.total:
            raise ConnectionResetError("cut off")

    async def close(self):
        self.closed += 1


QUICK = {"sleep": lambda _: None}


def policy():
    return Policy("feed")


def test_a_lost_connection_is_made_again_and_resumed():
    """What comes twice is dropped, what never comes is a gap; nothing is counted twice."""
    stream = Stream(universe(), settings=PATIENT)
    feed = Flaky(100, 10, repeat=3)
    report = asyncio.run(run_feed(stream, feed, policy=policy()))
    snapshot = stream.snapshot()
    assert 100 == snapshot.out
    assert 3 * (report.connections - 1) == snapshot.dropped["duplicate"]
    assert 0 == snapshot.seen["gaps"]
    assert {0: 10} == feed.resumed[0]
    assert 1 == feed.closed
    assert "ConnectionResetError: cut off" == report.failures[0]
    lossy = Stream(universe(), settings=PATIENT)
    asyncio.run(run_feed(lossy, Flaky(100, 10, skip=2), policy=policy()))
    seen = lossy.snapshot()
    assert seen.seen["missing"] == 2 * seen.seen["gaps"] > 0
    assert 100 == seen.out + seen.seen["missing"]


def test_a_feed_that_never_comes_is_given_up():
    """With the last reason; the breaker of the preset keeps the tries apart."""
    feed = Flaky(10, 5, dead=True)
    with pytest.raises(FeedError, match=r"flaky: 3 failures in a row.*nobody there"):
        asyncio.run(run_feed(Stream(universe()), feed, policy=policy(), give_up_after=3))
    assert 1 == feed.closed
    with pytest.raises(InputError, match="give_up_after is 0"):
        asyncio.run(run_feed(Stream(universe()), feed, give_up_after=0))


def test_defects_of_a_feed_go_to_the_caller():
    """Only lost connections are borne."""

    class Defective(Flaky):
        async def __aiter__(self):
            raise KeyError("symbol")
            yield

    with pytest.raises(KeyError):
        asyncio.run(run_feed(Stream(universe()), Defective(10, 5), policy=policy()))


def test_a_cancelled_feed_stops_at_once(tmp_path):
    """Even while it waits for events that are due much later."""
    path = write(
        tmp_path / "t.csv", f"symbol,time_ns,bid,ask\nXYZ,{START},99,101\nXYZ,{START + 40_000_000},99,101\n"
    )

    async def main(stream):
        feed = asyncio.ensure_future(run_feed(stream, ReplayFeed(read_ticks(path), speed=0.001)))
        await asyncio.sleep(0.1)
        begin = time.monotonic()
        feed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await feed
        return time.monotonic() - begin

    with Stream(universe(), executor="hybrid", settings=PATIENT) as stream:
        assert asyncio.run(main(stream)) < 5.0
        assert 1 == stream.snapshot().out


def test_as_fast_as_possible_conflates_nothing(tmp_path):
    """The session waits for the engine, and not the other way round."""
    settings = StreamSettings(
        market_data=Budget(60.0),
        pricing=Budget(60.0),
        risk=Budget(60.0),
        watermarks=Watermarks(8192, 64, 49_152, 16_384),
    )
    lines = [f"XYZ,{START + i},{99 + i % 3},{101 + i % 3}" for i in range(20_000)]
    path = write(tmp_path / "t.csv", "symbol,time_ns,bid,ask\n" + "\n".join(lines) + "\n")
    with Stream(universe(), executor="hybrid", settings=settings) as stream:
        asyncio.run(run_feed(stream, ReplayFeed(read_ticks(path), speed=None)))
        snapshot = stream.stop()
    assert (20_000, 0) == (snapshot.out, snapshot.conflated)
