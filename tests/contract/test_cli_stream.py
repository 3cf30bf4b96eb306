"""`atalanta stream` and `atalanta bench stream`: what they print, how they end."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from atalanta.cli.publish import PublishRequest, run_publish
from atalanta.cli.stream import StreamRequest, run_stream
from atalanta.cli.stream_source import Source, parse_speed
from atalanta.errors import InputError
from tests.streaming_market import START


def start(*words, **options):
    command = [sys.executable, "-m", "atalanta", "stream", *map(str, words)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATALANTA_")}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, "COLUMNS": "100"},
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
    code, out, err = run("--feed", "sim", "--seconds", "2", "--rate", "500")
    assert (0, "") == (code, err)
    assert "P&L $" in out
    assert "vols as they are" in out
    assert "worst -" in out
    assert "s old" in out


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
