"""`atalanta stream` and `atalanta bench stream`: what they print, how they end."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from rich.console import Console

from atalanta.cli.publish import PublishRequest, Told, run_publish
from atalanta.cli.stream import Shown, StreamRequest, run_stream
from atalanta.cli.stream_screen import line, screen
from atalanta.cli.stream_source import Source, parse_speed
from atalanta.errors import InputError
from atalanta.streaming import FeedReport, Stream
from tests.streaming_market import START, universe


def start(*words, command="stream", columns=100, **options):
    command = [sys.executable, "-m", "atalanta", command, *map(str, words)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATALANTA_")}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, "COLUMNS": str(columns)},
        **options,
    )


def run(*words):
    process = start(*words)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture
def ticks(tmp_path):
    lines = [f"XYZ,{START + 100_000 * i},{99 + i % 3},{101 + i % 3}" for i in range(500)]
    path = tmp_path / "ticks_xyz.csv"
    path.write_text("symbol,time_ns,bid,ask\n" + "\n".join(lines) + "\n")
    return path


def test_lines_of_json_and_a_final_account(ticks, tmp_path):
    """Each look a line; the last one is the whole account, with the histograms."""
    book = tmp_path / "book.csv"
    book.write_text("symbol,quantity\nXYZ,100\n")
    code, out, err = run("--feed", ticks, "--book", book, "--json", "--every", "0.05", "--speed", "0.5")
    assert (0, "") == (code, err)
    lines = [json.loads(line) for line in out.splitlines()]
    last = lines[-1]
    assert [False] * (len(lines) - 1) + [True] == [line["final"] for line in lines]
    assert last["exact"]
    assert 500 == last["in"] == last["sent"] == last["out"] + last["conflated"]
    assert 100.0 == last["book"]["delta"]
    assert last["scenarios"]["pnl"][0][0] == pytest.approx(-0.2 * 100 * last["underlyings"][0]["spot"])
    assert last["latency"]["risk.total"]["buckets"]
    assert [] == last["forwards"]  # no contracts


def test_a_screen_for_readers(ticks):
    """The same, as tables."""
    code, out, _ = run("--feed", ticks, "--speed", "max")
    assert 0 == code
    for word in ("XYZ", "market_data", "p99.9", "in 500 = out", "every event is accounted for"):
        assert word in out


def test_the_scenario_ladder_is_on_the_screen():
    """Of the positions, by the risk stage, with its worst cell and the age of its ladders."""
    code, out, err = run("--feed", "sim", "--seconds", "2", "--ticks", "500")
    assert (0, "") == (code, err)
    assert "P&L $" in out
    assert "vols as they are" in out
    assert "worst -" in out
    assert "s old" in out


def test_the_screen_fits_eighty_columns_and_ends_its_last_line(tmp_path):
    """However long the names of the files are; flags go on at a comma."""
    name = "ticks_" + "of_a_long_name_" * 6
    lines = "".join(f"XYZ,{START + i},99,{98 + 5 * (i % 2)}\n" for i in range(50))
    (tmp_path / f"{name}.csv").write_text("symbol,time_ns,bid,ask\n" + lines)
    process = start("--feed", tmp_path / f"{name}.csv", "--speed", "max", columns=80)
    out, err = process.communicate(timeout=60)
    assert (0, "") == (process.returncode, err)
    assert out.endswith("\n")
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "50 of 50 events" in out
    assert "- 50 events over 0 s" in out


def shown(**changes):
    """A state of a stream whose feed has failed and has something to say."""
    stream = Stream(universe())
    feed = SimpleNamespace(name="nats://h/x", notes=("a message was left out",))
    report = FeedReport(connections=2, failures=["FeedError: the server is gone"])
    return Shown(stream, feed, report, 1.0, ("assumed",), final=True, **changes)


def test_a_lost_connection_is_on_the_screen():
    """A server that has gone looks like a calm market otherwise."""
    console = Console(width=80, file=io.StringIO())
    console.print(screen(shown()))
    text = console.file.getvalue()
    for told in ("connected 2 times; last failure: FeedError: the server is gone", "- assumed", "left out"):
        assert told in text
    assert ["assumed", "a message was left out"] == line(shown())["notes"]


def test_the_account_is_in_sight_while_it_runs():
    """On a terminal of 24 lines a changing screen would be cut off below."""
    stream = Stream(universe(contracts=20))
    for key in range(1, 21):
        stream.push(key, 4.0, 4.2, time_ns=START)
    feed = SimpleNamespace(name="feed")
    for final, height, most in ((False, 24, 24), (False, 10, 24), (True, 24, 40)):
        console = Console(width=80, file=io.StringIO())
        state = Shown(stream, feed, FeedReport(), 1.0, (), final=final)
        console.print(screen(state, height))
        lines = console.file.getvalue().splitlines()
        assert len(lines) <= most
        assert any(one.startswith("in 20 = out 20") for one in lines)
        assert (8 if final else max(2, min(8, height - 21))) == sum(" C " in o or " P " in o for o in lines)


def test_publishing_to_nobody_ends_with_what_to_do(ticks):
    """Code 2 and one line, each failure told once; the interrupt of a user is no failure."""
    pytest.importorskip("nats", reason="nats-py is not installed (extra 'nats')")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"nats://127.0.0.1:{free.getsockname()[1]}/x"
    words = ("--feed", ticks, "--speed", "0.001", "--to", address)
    process = start(*words, "--seconds", "1.2", command="publish")
    out, err = process.communicate(timeout=60)
    assert 2 == process.returncode
    assert f"cannot connect to {address}: start nats-server -js there" in err
    assert 1 == len(err.strip().splitlines())
    lines = out.splitlines()
    assert f"ticks_xyz.csv to {address}" == lines[0]
    assert 1 == sum(one.startswith("!") for one in lines)
    assert all(len(one) <= 80 for one in lines if not one.startswith("!"))
    process = start(*words, "--json", command="publish")
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (0, "", True) == (process.returncode, err, json.loads(out.splitlines()[-1])["interrupted"])


def test_lines_of_a_publisher_tell_each_failure_once():
    """And count in words that fit one and many."""
    told, state = Told(), {"feed": "F", "to": "T", "elapsed": 0.5, "events": 1234, "messages": 2}
    first = told.lines({**state, "failure": "gone", "connections": 0})
    assert ["F to T", "! gone", "    0.5 s   1,234 events, 2 messages; not connected"] == first.splitlines()
    again = told.lines({**state, "failure": "gone", "connections": 1})
    assert ["    0.5 s   1,234 events, 2 messages; connected once"] == again.splitlines()
    assert told.lines({**state, "failure": "gone", "connections": 3}).endswith("connected 3 times")


def test_an_interrupt_ends_it_with_the_account(tmp_path):
    """Ctrl-C is how a stream usually ends: code 0."""
    path = tmp_path / "ticks_xyz.csv"
    hour = 3_600_000_000_000
    path.write_text(f"symbol,time_ns,bid,ask\nXYZ,{START},99,101\nXYZ,{START + hour},99,101\n")
    process = start("--feed", path, "--json", "--every", "0.1")
    process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    last = json.loads(out.splitlines()[-1])
    assert (0, "") == (process.returncode, err)
    assert last["final"]
    assert last["interrupted"]
    assert 1 == last["out"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"names": ("none.csv",)}, "none.csv"),
        ({"names": ("sim", "other.csv")}, "sim goes with no other feed"),
        ({"names": ("other.csv", "nats://h")}, "nats://h goes with no other feed"),
        ({"names": ("nats://h/a b",)}, "is no address"),
        ({"executor": "gpu"}, "--executor gpu"),
        ({"every": 0.0}, "--every 0"),
        ({"seconds": -1.0}, "--seconds -1"),
        ({"ticks": 0.0}, "rate is 0"),
        ({"rate": 20_000.0}, "--rate 20000: give a decimal from -1 to 1"),
        ({"rate": float("nan")}, "--rate nan"),
        ({"names": ("nats:/127.0.0.1",)}, "is no address"),
        ({"names": ("http://127.0.0.1/x",)}, "is no address"),
    ],
)
def test_what_cannot_be_followed_is_refused(changes, told):
    """Before anything runs."""
    with pytest.raises(InputError, match=told):
        run_stream(request_of(**changes), lambda _: None)


def request_of(**changes):
    """What is not of the source is of the request."""
    of_source = {name: value for name, value in changes.items() if name in Source.__dataclass_fields__}
    others = {name: value for name, value in changes.items() if name not in of_source}
    return StreamRequest(Source(**{"names": ("sim",), **of_source}), **others)


def test_a_server_is_published_to_and_not_from():
    with pytest.raises(InputError, match="--feed is a server already"):
        run_publish(PublishRequest(Source(("nats://127.0.0.1",)), "nats://127.0.0.1/other"), lambda _: None)


@pytest.mark.parametrize("text", ["fast", "0", "1e-9", "-1", "nan", "inf", ""])
def test_a_speed_is_a_number_or_max(text):
    """As the option takes it."""
    with pytest.raises(InputError, match=r"give a number from 0\.001 to 1e\+09, or max"):
        parse_speed(text)
    assert (None, 2.5) == (parse_speed("max"), parse_speed("2.5"))


def test_a_mistake_is_one_line():
    """With code 2."""
    code, out, err = run("--feed", "sim", "--speed", "fast")
    assert (2, "") == (code, out)
    assert 1 == len(err.strip().splitlines())


def test_a_book_with_unknown_symbols_is_refused(ticks, tmp_path):
    """The position and the universe are named."""
    book = tmp_path / "book.csv"
    book.write_text("symbol,quantity\nABC,1\n")
    code, _, err = run("--feed", ticks, "--book", book)
    assert 2 == code
    assert "1 of 1 positions are of no instrument of this stream: 'ABC'" in err
