"""The configuration of a process: read once, reloaded as a whole or not at all, and watched."""

import os
import re
import subprocess
import sys
import threading
import time

import pytest

from atalanta import config
from atalanta.config import ConfigError, ConfigWarning, Watcher
from atalanta.config.options import options
from atalanta.errors import InputError

#: The configuration is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The one file of this process; replaced as editors and deployments do, in one step."""
    monkeypatch.delenv("ATALANTA_CALIBRATION", raising=False)
    path = tmp_path / "atalanta.yaml"
    monkeypatch.setenv("ATALANTA_CONFIG", str(path))

    def write(text):
        beside = tmp_path / "new.yaml"
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)

    write("market: {rate: 0.01}")
    return write


def test_nothing_set_is_none(monkeypatch, tmp_path):
    """Rooms then do what they do by themselves, and nothing is imported to know it."""
    monkeypatch.delenv("ATALANTA_CALIBRATION", raising=False)
    monkeypatch.chdir(tmp_path)
    assert config.configured() is None
    monkeypatch.setenv("ATALANTA_THREADS", "2")  # which the kernels follow by themselves
    assert config.configured() is None
    monkeypatch.setenv("ATALANTA_DETERMINISTIC", "1")
    assert config.configured().router.deterministic


def test_nothing_set_imports_nothing(tmp_path):
    """Neither pydantic nor YAML, whatever is priced."""
    code = (
        "import sys, atalanta, numpy as np\n"
        "atalanta.price('call', 1.0, 1.0, 1.0, 0.0, 0.2); atalanta.set_threads(None); atalanta.buffers\n"
        "from atalanta.market import analysis\n"
        "print(*{'pydantic', 'yaml'} & set(sys.modules), sep=',')"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATALANTA_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert "" == done.stdout.strip()


def test_it_is_read_once(file):
    """What is read first holds, whatever happens to the file."""
    before = config.current()
    file("market: {rate: 0.02}")
    assert before is config.current()
    assert before.value is config.configured()


def test_a_reload_takes_what_may_change(file):
    """All of it at once, with the keys that changed."""
    before = config.current()
    file("market: {rate: 0.02, tolerance: fast}\nmachine: {isa: null}")
    change = config.reload()
    assert ("market.rate", "market.tolerance") == change.keys
    assert () == change.pending
    assert (before, config.current()) == (change.before, change.after)
    assert (0.02, "fast") == (config.configured().market.rate, config.configured().market.tolerance)
    assert [True, True, False] == [change.touches(key) for key in ("market", "market.rate", "market.rat")]


def test_a_reload_without_a_change_is_none(file):
    """Another text of the same values is none."""
    before = config.current()
    file("# nothing new\nmarket:\n  rate: 0.01\n")
    assert config.reload() is None
    assert before is config.current()


def test_what_may_not_change_waits(file):
    """It keeps its value and its origin, and is named; the rest is taken."""
    file("bench: {sizes: [7]}\nmarket: {rate: 0.01}")
    config.current()
    file("market: {rate: 0.02}\nbench: {sizes: [8]}\nrouter: {deterministic: true}")
    change = config.reload()
    assert (("market.rate",), ("router.deterministic", "bench.sizes")) == (change.keys, change.pending)
    value = config.configured()
    assert ((7,), False, 0.02) == (value.bench.sizes, value.router.deterministic, value.market.rate)
    assert str(config.current().origin("bench.sizes")).endswith("atalanta.yaml:1:9")
    assert change.pending == config.reload().pending  # and is still pending the next time


def test_a_change_that_contradicts_what_waits_is_refused(file):
    """A pin to a device that would be allowed only after the next start."""
    file("devices: {allowed: [cpu]}")
    before = config.current()
    file("devices: {allowed: [cpu, gpu]}\nrouter: {pins: {price: gpu}}")
    with pytest.raises(
        ConfigError, match=r"router.pins.price: devices.allowed has no gpu .*, until the next start"
    ):
        config.reload()
    assert before is config.current()


def test_a_broken_file_changes_nothing(file):
    """The configuration in force stays, and no listener is told."""
    before, told = config.current(), []
    end = config.on_change(told.append)
    file("market: {rate: much}")
    with pytest.raises(ConfigError, match=r"market\.rate"):
        config.reload()
    end()
    assert before is config.current()
    assert [] == told


def test_listeners_hear_of_their_key(file):
    """Those of other keys do not; one that has ended hears nothing."""
    told = []
    ends = [
        config.on_change(lambda change: told.append(("rate", change.keys)), "market.rate"),
        config.on_change(lambda change: told.append(("market", change.keys)), "market"),
        config.on_change(lambda _: told.append("threads"), "machine.threads"),
        config.on_change(lambda _: told.append("all")),
    ]
    config.current()
    file("market: {rate: 0.02}")
    config.reload()
    assert [("rate", ("market.rate",)), ("market", ("market.rate",)), "all"] == told
    for end in ends:
        end()
        end()  # twice is once
    file("market: {rate: 0.03}")
    config.reload()
    assert 3 == len(told)


@pytest.fixture
def listening():
    """Registers listeners, and ends them."""
    ends = []
    yield lambda listener, key="": ends.append(config.on_change(listener, key))
    for end in ends:
        end()


def rates(change):
    """What a change of the rate leads from and to."""
    return change.before.value.market.rate, change.after.value.market.rate


def test_a_listener_that_refuses_keeps_the_change_from_happening(file, listening):
    """The configuration before is in force again, whoever was told hears of the way back, and others of nothing."""
    first, second, third = [], [], []

    def refuse(change):
        second.append(rates(change))
        if change.after.value.market.rate == 0.02:
            raise InputError("no")

    for listener in (lambda change: first.append(rates(change)), refuse, lambda change: third.append(change)):
        listening(listener)
    before = config.current()
    file("market: {rate: 0.02}")
    with pytest.raises(ExceptionGroup, match="the configuration before stays in force") as caught:
        config.reload()
    assert ["no"] == [str(error) for error in caught.value.exceptions]
    assert before is config.current()
    assert [(0.01, 0.02), (0.02, 0.01)] == first == second
    assert [] == third


def test_a_refused_change_is_tried_again(file, listening):
    """By the next reload, whether the file is the same or not: nothing of it was taken."""
    refuses, told = [True], []

    def listen(change):
        told.append(rates(change))
        if refuses and change.after.value.market.rate == 0.02:
            raise InputError("not now")

    listening(listen, "market.rate")
    config.current()
    file("market: {rate: 0.02}")
    for _ in range(2):
        with pytest.raises(ExceptionGroup):
            config.reload()
    refuses.clear()
    assert ("market.rate",) == config.reload().keys
    assert [(0.01, 0.02), (0.02, 0.01)] * 2 + [(0.01, 0.02)] == told


def test_what_fails_on_the_way_back_is_told_too(file, listening):
    """With the refusal, and it keeps nobody from hearing of the way back."""
    told = []

    def fail(change):
        raise InputError(f"to {change.after.value.market.rate}")

    listening(told.append)
    listening(fail)
    config.current()
    file("market: {rate: 0.02}")
    with pytest.raises(ExceptionGroup) as caught:
        config.reload()
    assert ["to 0.02", "to 0.01"] == [str(error) for error in caught.value.exceptions]
    assert 2 == len(told)


def test_an_interrupted_reload_leaves_the_configuration_before(file, listening):
    """Ctrl-C while listeners are told."""

    def interrupt(change):
        if change.after.value.market.rate == 0.02:
            raise KeyboardInterrupt

    listening(interrupt)
    before = config.current()
    file("market: {rate: 0.02}")
    with pytest.raises(KeyboardInterrupt):
        config.reload()
    assert before is config.current()


def test_a_reload_within_using_holds_after_the_block(file, listening):
    """What the block covers stays covered in it, and listeners hear of it at its end."""
    told = []
    listening(lambda change: told.append((change.keys, rates(change))))
    config.current()
    with config.using({"market.rate": 0.05}):
        file("market: {rate: 0.02, borrow: 0.01}")
        assert ("market.borrow",) == config.reload().keys
        assert (0.05, 0.01) == (config.configured().market.rate, config.configured().market.borrow)
        assert config.reload() is None
    assert (0.02, 0.01) == (config.configured().market.rate, config.configured().market.borrow)
    assert [(("market.borrow",), (0.05, 0.05)), (("market.rate", "market.borrow"), (0.01, 0.02))] == told
    assert config.reload() is None


def test_a_refused_reload_within_using_leaves_nothing_behind(file, listening):
    """Neither in the block nor after it."""

    def refuse(change):
        if change.after.value.market.borrow == 0.01:
            raise InputError("no")

    listening(refuse)
    config.current()
    with config.using({"market.rate": 0.05}):
        file("market: {rate: 0.02, borrow: 0.01}")
        with pytest.raises(ExceptionGroup):
            config.reload()
        assert (0.05, None) == (config.configured().market.rate, config.configured().market.borrow)
    assert (0.01, None) == (config.configured().market.rate, config.configured().market.borrow)


def test_a_broken_file_within_using_changes_nothing(file):
    """In the block as outside."""
    before = config.current()
    with config.using({"market.rate": 0.05}) as loaded:
        file("market: {rate: much}")
        with pytest.raises(ConfigError):
            config.reload()
        assert loaded is config.current()
    assert before is config.current()


def test_reloads_blocks_and_readers_at_once(file, listening):
    """From many threads: readers see whole configurations, and in the end the file's is in force, as listeners heard."""
    heard, wrong, stop = [0.01], [], threading.Event()
    listening(lambda change: heard.append(change.after.value.market.rate), "market.rate")
    config.current()

    def read():
        while not stop.is_set():
            market = config.configured().market
            if market.borrow is not None and (market.rate, market.borrow) != (0.05, 0.05):
                wrong.append((market.rate, market.borrow))

    def cover():
        while not stop.is_set():
            with config.using({"market.rate": 0.05, "market.borrow": 0.05}):
                pass

    def reload():
        while not stop.is_set():
            config.reload()

    threads = [threading.Thread(target=work) for work in (read, read, cover, cover, reload, reload)]
    for thread in threads:
        thread.start()
    for step in range(30):
        file(f"market: {{rate: {0.02 + step / 1000}}}")
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join(60)
    config.reload()
    assert ([], 1) == (wrong, len(config.process._process.frames))
    assert 0.02 + 29 / 1000 == config.configured().market.rate == heard[-1]


@pytest.mark.usefixtures("file")
def test_blocks_that_end_in_another_order():
    """Of two threads, for example: each takes away what it brought."""
    config.current()
    first, second = config.using({"market.rate": 0.05}), config.using({"market.borrow": 0.02})
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert 0.02 == config.configured().market.borrow
    second.__exit__(None, None, None)
    assert (0.01, None) == (config.configured().market.rate, config.configured().market.borrow)


@pytest.mark.usefixtures("file")
def test_forgetting_within_using():
    """A new process knows nothing of the block."""
    with config.using({"market.rate": 0.05}):
        config.forget()
        assert 0.01 == config.configured().market.rate
    assert 0.01 == config.configured().market.rate


def test_readers_see_one_configuration_or_the_other(file):
    """Never a mixture, whoever reads while it is exchanged."""
    file("market: {rate: 0.01, borrow: 0.01}")
    config.current()
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            market = config.configured().market
            seen.add((market.rate, market.borrow))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for step in range(20):
        both = (step % 2 + 1) / 100
        file(f"market: {{rate: {both}, borrow: {both}}}")
        config.reload()
    stop.set()
    for reader in readers:
        reader.join()
    assert seen <= {(0.01, 0.01), (0.02, 0.02)}


@pytest.mark.usefixtures("file")
def test_using_holds_within_its_block():
    """And one within another; what cannot be used changes nothing."""
    with config.using({"market.rate": 0.05}):
        assert 0.05 == config.configured().market.rate
        with config.using({"market.borrow": 0.02}) as loaded:
            assert (0.05, 0.02) == (loaded.value.market.rate, config.configured().market.borrow)
        with pytest.raises(ConfigError), config.using({"market.rate": 5}):
            pass
        assert (0.05, None) == (config.configured().market.rate, config.configured().market.borrow)
    assert 0.01 == config.configured().market.rate


def test_what_the_command_line_asks_for(file):
    """It holds from the next use on, also over a reload."""
    config.request(overrides={"market.rate": 0.07})
    assert 0.07 == config.configured().market.rate
    file("market: {rate: 0.02, borrow: 0.01}")
    assert ("market.borrow",) == config.reload().keys
    assert 0.07 == config.configured().market.rate


def test_a_watcher_reloads(file, tmp_path):
    """When the file changes, when it goes, and when it comes back; a broken one is told once."""
    errors = []
    watcher = Watcher(every=3600, on_error=errors.append)
    assert not watcher.look()
    file("market: {rate: 0.03}")
    assert watcher.look()
    assert 0.03 == config.configured().market.rate
    file("market: {rate: much}")
    assert watcher.look()
    assert not watcher.look()
    (tmp_path / "atalanta.yaml").unlink()
    assert watcher.look()
    assert 2 == len(errors)
    assert "there is no such file" in str(errors[1])
    assert 0.03 == config.configured().market.rate
    file("market: {rate: 0.04}")
    assert watcher.look()
    assert 0.04 == config.configured().market.rate


def test_a_watcher_watches_from_a_thread(file):
    """Between entering and leaving the block."""
    heard = threading.Event()
    end = config.on_change(lambda _: heard.set(), "market.rate")
    with Watcher(every=0.01):
        file("market: {rate: 0.03}")
        assert heard.wait(30)
    end()
    heard.clear()
    file("market: {rate: 0.04}")
    time.sleep(0.05)
    assert 0.03 == config.configured().market.rate


def test_a_watcher_without_a_listener_warns(file):
    """Nobody misses that a file cannot be used."""
    watcher = Watcher(every=3600)
    file("market: {rate: much}")
    with pytest.warns(ConfigWarning, match="market.rate: it must be a number"):
        watcher.look()


@pytest.mark.parametrize("every", [0, -1, float("nan"), float("inf"), True, None, "1", "0s", "soon", "1s 2"])
def test_a_watcher_needs_a_time(every):
    """As text with its unit, or a number of seconds above 0."""
    with pytest.raises(InputError, match=r"\[config.Watcher\] every=.*: give a time above 0, such as '1s'"):
        Watcher(every=every)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: config.using(5).__enter__(), "overrides is 5; it must be a mapping by key"),
        (lambda: config.using({1: 2}).__enter__(), "overrides is {1: 2}; it must be a mapping"),
        (lambda: config.using({"": 2}).__enter__(), "there is no such section"),
        (lambda: config.load(file=5), "file is 5; it must be a path, or None"),
        (lambda: config.load(profile=5), "profile is 5; it must be a name, or None"),
        (lambda: config.request(overrides=5), "overrides is 5"),
        (lambda: config.on_change(5), "5 is no function"),
        (lambda: config.on_change(print, 5), "key is 5"),
        (lambda: Watcher(on_error=5), "on_error is 5"),
        (lambda: config.current().origin("market.rat"), "no option 'market.rat'; did you mean market.rate?"),
        (lambda: config.current().origin(5), "no option 5"),
    ],
)
@pytest.mark.usefixtures("file")
def test_what_is_of_another_kind_is_refused(wrong, told):
    """When it is said, and not when it is needed."""
    with pytest.raises(InputError, match=re.escape(told)):
        wrong()


@pytest.mark.usefixtures("file")
def test_a_watcher_takes_a_duration():
    """As everything else does."""
    with Watcher(every="1h30m") as watcher:
        assert 5400.0 == watcher._every
        with pytest.raises(InputError, match="watching already"):
            watcher.__enter__()
    with watcher:  # once it has ended it may begin again
        pass


@pytest.mark.usefixtures("file")
def test_a_watcher_waits_for_a_file_that_is_being_written(tmp_path):
    """Half of one can be read, and says something else."""
    path, errors = tmp_path / "atalanta.yaml", []
    watcher = Watcher(every=3600, on_error=errors.append)
    told = []
    end = config.on_change(told.append)
    with path.open("w", encoding="utf-8") as stream:
        stream.write("market:\n  rate: 0.02\n")
        stream.flush()
        writer = threading.Timer(0.02, lambda: (stream.write("  borrow: 0.01\n"), stream.flush()))
        writer.start()
        assert watcher.look()
        writer.join()
    end()
    assert [("market.rate", "market.borrow")] == [change.keys for change in told]
    assert [] == errors


def test_a_watcher_reads_a_broken_file_twice(file, monkeypatch):
    """The second half may still come."""
    errors = []
    watcher = Watcher(every=3600, on_error=errors.append)
    waits = []

    def mended_after_two_waits(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            file("market: {rate: 0.02}")
        return False

    monkeypatch.setattr(watcher._stop, "wait", mended_after_two_waits)
    file("market: {rate: ")
    assert watcher.look()
    assert ([], 0.02) == (errors, config.configured().market.rate)
    assert not watcher.look()


def test_a_watcher_tries_a_refused_change_again(file, listening):
    """At each look until it is taken; it is told once."""
    refusals, errors = [3], []

    def refuse(change):
        if change.after.value.market.rate == 0.02 and refusals[0]:
            refusals[0] -= 1
            raise InputError("not now")

    watcher = Watcher(every=3600, on_error=errors.append)
    listening(refuse)
    file("market: {rate: 0.02}")
    assert watcher.look()
    for _ in range(2):
        assert not watcher.look()
        assert 0.01 == config.configured().market.rate
    assert not watcher.look()
    assert (0.02, 1) == (config.configured().market.rate, len(errors))


def test_what_is_reloadable():
    """The list is short, and each of it is followed by its room or read at each use."""
    assert {
        "machine.threads",
        "buffers.limit",
        "router.pins",
        "router.thresholds",
        "market.rate",
        "market.borrow",
        "market.tolerance",
    } == {option.key for option in options() if option.reloadable}


def test_the_public_names_of_the_room():
    """Each resolves, and a mistyped one is an error."""
    assert sorted(config.__all__) == config.__all__ == dir(config)
    assert all(getattr(config, name) is not None for name in config.__all__)
    with pytest.raises(AttributeError, match=r"module 'atalanta.config' has no attribute 'laod'"):
        _ = config.laod


def test_results_keep_the_limit_before_buffers_is_imported(tmp_path):
    """Large results come from the pool of the process, whose limit counts from the first of them."""
    (tmp_path / "atalanta.yaml").write_text("buffers: {limit: 2MiB}", encoding="utf-8")
    code = (
        "import sys, numpy, atalanta\n"
        "held = [atalanta.price('call', numpy.full(100_000, 100.0), 100.0, 0.5, 0.02, 0.2) for _ in range(4)]\n"
        "assert 'atalanta.buffers' not in sys.modules\n"
        "from atalanta import buffers\n"
        "now = buffers.statistics()\n"
        "print(now.limit_bytes, now.live_bytes <= now.limit_bytes, now.fallbacks > 0)\n"
    )
    environment = {**os.environ, "ATALANTA_CONFIG": str(tmp_path / "atalanta.yaml")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (0, f"{2 << 20} True True") == (done.returncode, done.stdout.strip()), done.stderr
