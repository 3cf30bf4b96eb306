"""Edges of the configuration at which something was silent, late or lost. Each test names its own."""

import math
import os
import subprocess
import sys
import threading
import types

import pytest

from atalanta import config
from atalanta.config import ConfigError, Watcher
from atalanta.errors import InputError
from atalanta.reliability import Breaker
from atalanta.testing import Outage, Scenario

#: The configuration is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")


@pytest.fixture
def lines(tmp_path):
    """What is said of a file with that text, a line for each error, the folder left out."""

    def load(text):
        path = tmp_path / "a.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            config.load(file=path, environment={})
        return [str(problem).replace(f"{tmp_path}{os.sep}", "") for problem in caught.value.problems]

    return load


@pytest.fixture
def nothing_set(tmp_path, monkeypatch):
    """A process in a folder without a file, whose rooms were told so; gives the path of the file to write."""
    for name in [name for name in os.environ if name.startswith("ATALANTA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    config.forget()
    if config.configured() is not None:
        pytest.skip("this system has a configuration of its own")
    yield tmp_path / "atalanta.yaml"
    config.forget()


def replaced(path, text):
    """In one step: half a file is another error."""
    beside = path.with_name("new.yaml")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


# Files


def test_an_alias_of_a_single_value_is_refused_where_it_stands(lines):
    told = "aliases and nesting this deep are not taken; write the value out"
    assert f"a.yaml:4:3: market.rate: {told}" in lines("machine:\n  threads: &n 2\nmarket:\n  rate: *n\n")


def test_an_alias_in_a_list_is_refused_in_the_line_of_the_list(lines):
    found = lines("machine: {threads: &n 2}\n\nbench:\n  sizes: [1, *n]\n")
    assert found[0].startswith("a.yaml:4:10: bench.sizes.1: aliases")


def test_a_merge_key_is_refused_where_it_stands_and_not_at_its_anchor(lines):
    found = lines("machine: &m {threads: 2}\nbuffers:\n  <<: *m\n")
    assert any(line.startswith("a.yaml:3:3: buffers.<<: aliases") for line in found)


@pytest.mark.parametrize(
    ("option", "most"),
    [("failures", 1024), ("min_calls", 1_000_000), ("probes", 1_000_000), ("close_after", 1_000_000)],
)
def test_a_breakers_count_that_no_breaker_takes_is_an_error_of_the_file(lines, option, most):
    found = lines(f"reliability:\n  breakers:\n    feed:\n      {option}: {most + 1}\n")
    key = f"reliability.breakers.feed.{option}"
    assert found == [f"a.yaml:4:7: {key}: it must be less than or equal to {most} (got {most + 1})"]
    taken = config.load(overrides={key: most}, environment={}).value.reliability.breakers["feed"]
    assert Breaker("feed", taken).state == "closed"


def test_an_empty_path_is_not_the_folder_of_its_file(lines):
    found = lines("router:\n  calibration: ''\n")
    assert found == ["a.yaml:2:3: router.calibration: it must not be empty (got '')"]


def test_the_home_of_a_user_who_is_not_there_is_an_error_of_its_line(lines):
    found = lines("router:\n  calibration: ~no-such-user-of-atalanta/x.json\n")
    assert found[0].startswith("a.yaml:2:3: router.calibration: there is no home folder of that name")


def test_a_name_that_no_file_can_have_is_a_problem_like_any_other():
    with pytest.raises(ConfigError, match="it cannot be read: embedded null"):
        config.load(file="a\0b", environment={})


# Overrides and variables


def test_overrides_of_any_mapping_are_merged_and_not_changed():
    given = types.MappingProxyType({"limit": "1MiB"})
    own = {"window": "7s"}
    loaded = config.load(
        overrides={
            "buffers": given,
            "buffers.guard": "full",
            "reliability.breakers.feed": own,
            "reliability.breakers.feed.probes": 2,
        },
        environment={},
    )
    assert (loaded.value.buffers.limit, loaded.value.buffers.guard) == (1 << 20, "full")
    assert own == {"window": "7s"}


def test_a_variable_that_another_ones_section_would_hide_is_told():
    environment = {"ATALANTA_ROUTER__PINS": "5", "ATALANTA_ROUTER__PINS__PRICE": "cpu:one"}
    with pytest.raises(ConfigError, match=r"ATALANTA_ROUTER__PINS__PRICE: .*ATALANTA_ROUTER__PINS says 5"):
        config.load(environment=environment)


# Reloads


def test_a_file_that_appears_after_rooms_heard_of_none_is_a_change(nothing_set):
    heard = []
    end = config.on_change(heard.append, "market")
    try:
        assert config.reload() is None
        nothing_set.write_text("market: {rate: 0.02}\nbuffers: {guard: full}\n")
        change = config.reload()
        assert (change.keys, change.pending, heard) == (("market.rate",), ("buffers.guard",), [change])
        assert config.configured().market.rate == 0.02
        assert config.current().value.buffers.guard == "off"
    finally:
        end()


def test_what_the_kernels_follow_by_themselves_is_no_change(nothing_set, monkeypatch):
    monkeypatch.setenv("ATALANTA_THREADS", "2")
    nothing_set.write_text("market: {rate: 0.02}\n")
    assert config.reload().keys == ("market.rate",)


def test_a_watcher_tells_rooms_of_a_file_that_came_before_it(nothing_set):
    heard = []
    end = config.on_change(heard.append, "market")
    try:
        nothing_set.write_text("market: {rate: 0.03}\n")
        Watcher(every=3600)
        assert [change.keys for change in heard] == [("market.rate",)]
    finally:
        end()


def test_listeners_hear_of_reloads_in_the_order_in_which_they_came_into_force(nothing_set):
    nothing_set.write_text("market: {rate: 0.01}\n")
    config.current()
    heard, entered, going = [], threading.Event(), threading.Event()

    def listen(change):
        rate = change.after.value.market.rate
        if rate == 0.02:
            entered.set()
            going.wait(0.2)  # until the other reload would have overtaken it
        heard.append(rate)

    end = config.on_change(listen, "market")
    try:
        nothing_set.write_text("market: {rate: 0.02}\n")
        first = threading.Thread(target=config.reload)
        first.start()
        assert entered.wait(10)
        nothing_set.write_text("market: {rate: 0.030}\n")
        config.reload()
        first.join()
        assert heard == [0.02, 0.03]
    finally:
        end()


def test_a_watcher_whose_listener_for_errors_fails_goes_on_looking(nothing_set, monkeypatch):
    nothing_set.write_text("market: {rate: 0.01}\n")
    told, seen = [], threading.Event()

    def hook(arguments):
        told.append(arguments.exc_type)
        seen.set()

    def on_error(_):
        raise RuntimeError("cannot tell")

    monkeypatch.setattr(threading, "excepthook", hook)
    heard = threading.Event()
    end = config.on_change(lambda _: heard.set(), "market")
    try:
        with Watcher(every=0.01, on_error=on_error):
            replaced(nothing_set, "market: {rate: often}\n")
            assert seen.wait(10)
            replaced(nothing_set, "market: {rate: 0.0125}\n")
            assert heard.wait(10)
        assert told == [RuntimeError]
    finally:
        end()


@pytest.mark.parametrize("every", ["1", None, math.nan, 10**400])
def test_a_watcher_that_is_told_no_number_says_so(every):
    with pytest.raises(InputError, match=r"\[config.Watcher\] every="):
        Watcher(every=every)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_amid_a_reload_leaves_no_lock_behind():
    code = (
        "import os, signal, threading\n"
        "from atalanta.config import current, process\n"
        "held, going = threading.Event(), threading.Event()\n"
        "def hold():\n"
        "    with process._process.turn, process._process.lock:\n"
        "        held.set(); going.wait()\n"
        "thread = threading.Thread(target=hold); thread.start(); held.wait()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(10); current(); os._exit(0)\n"
        "going.set(); thread.join()\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# The laboratory


@pytest.mark.parametrize(
    "given",
    [
        {"takes": -1.0},
        {"takes": math.nan},
        {"fault_takes": "fast"},
        {"faults": "many"},
        {"outages": (Outage(0.0, 1.0, math.nan),)},
    ],
    ids=str,
)
def test_a_scenario_in_which_time_would_stand_still_is_refused(given):
    with pytest.raises(InputError, match=r"\[testing.Scenario\]"):
        Scenario(**given)
