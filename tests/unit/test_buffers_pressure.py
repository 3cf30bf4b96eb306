"""What a pool does when memory is short, and what it tells at the end."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest

from atalanta.buffers import BufferPool
from atalanta.buffers.pressure import SOURCE, PressureWatch
from atalanta.errors import InputError

MIB = 1 << 20

needs_pressure_files = pytest.mark.skipif(
    not os.path.exists(SOURCE), reason="this system has no pressure stall information"
)
needs_priority_data = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="urgent data stand for the trigger on Linux only"
)


@pytest.fixture
def pool():
    return BufferPool(reserve=4 << 30, idle_seconds=3600)


def some_free(pool):
    arrays = [pool.acquire(2 * MIB, np.uint8) for _ in range(6)]
    for array in arrays:
        array[:] = 1
    del array
    arrays.clear()
    return pool.statistics().cached_bytes


# --- relieve ---


def test_relief_gives_back_and_ends_after_its_time(pool):
    """Nothing stays free, the cap is 0; a relief of 0 s ends the one before."""
    some_free(pool)
    before = pool.statistics().held_bytes
    assert pool.relieve(3600) == before
    assert (0, 0) == (pool.statistics().held_bytes, pool.statistics().cap_bytes)
    assert pool.relieve(0.0) == 0
    assert pool.statistics().cap_bytes >= MIB


@pytest.mark.parametrize("seconds", [-1, 3601, float("nan"), "long", None])
def test_relief_is_for_a_time(pool, seconds):
    """Of 0 to 3600 s."""
    with pytest.raises(InputError, match=r"^\[buffers\.relieve\] seconds=.*: give 0 to 3600"):
        pool.relieve(seconds)
    with pytest.raises(InputError, match=r"^\[buffers\.watch_pressure\] seconds="):
        pool.watch_pressure(seconds=seconds)


# --- the watch ---


@pytest.fixture
def urgent():
    """Two ends; urgent data sent on the first make the second ready as a trigger is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = socket.create_connection(server.getsockname())
        receiver, _ = server.accept()
        with sender, receiver:
            yield sender, receiver


@needs_priority_data
def test_the_watch_relieves_and_calls(pool, urgent):
    """Each time; what the function raises is logged, and the watch goes on."""
    sender, receiver = urgent
    free = some_free(pool)
    told, seen = [], threading.Semaphore(0)

    def then(freed):
        receiver.recv(1, socket.MSG_OOB)
        told.append(freed)
        seen.release()
        if len(told) == 1:
            raise RuntimeError("once")

    with PressureWatch(os.dup(receiver.fileno()), lambda: pool.relieve(10.0), then) as watch:
        for count in (1, 2):
            sender.send(b"!", socket.MSG_OOB)
            assert seen.acquire(timeout=60)
            assert count == len(told)
    assert 2 == watch.events
    assert told[0] >= free >= MIB
    assert 0 == pool.statistics().cap_bytes
    watch.stop()


@needs_priority_data
def test_a_failing_function_is_logged(pool, urgent, caplog):
    """With its traceback."""
    sender, receiver = urgent
    seen = threading.Event()

    def then(_):
        receiver.recv(1, socket.MSG_OOB)
        seen.set()
        raise RuntimeError("the function's own")

    with caplog.at_level(logging.ERROR), PressureWatch(os.dup(receiver.fileno()), pool.trim, then):
        sender.send(b"!", socket.MSG_OOB)
        assert seen.wait(60)
    assert "the function called under pressure failed" in caplog.text
    assert "the function's own" in caplog.text


@needs_priority_data
def test_the_watch_may_be_stopped_from_its_own_function(pool, urgent):
    """It does not wait for itself."""
    sender, receiver = urgent
    stopped = threading.Event()
    watches = []

    def then(_):
        receiver.recv(1, socket.MSG_OOB)
        watches[0].stop()
        stopped.set()

    watches.append(PressureWatch(os.dup(receiver.fileno()), pool.trim, then))
    sender.send(b"!", socket.MSG_OOB)
    assert stopped.wait(60)


@needs_pressure_files
def test_the_systems_own_trigger_is_accepted(pool):
    """A watch of this machine begins and ends; nobody need be short of memory for that."""
    try:
        watch = pool.watch_pressure(stall=1.9, window=2.0)
    except InputError as error:
        pytest.skip(str(error))
    watch.stop()
    watch.stop()


@pytest.mark.parametrize(("stall", "window"), [(0.0, 2.0), (3.0, 2.0), (0.1, 0.1), (0.1, 11.0)])
def test_times_that_cannot_be_are_told(pool, stall, window):
    """Both values, and what to give."""
    with pytest.raises(InputError, match=r"^\[buffers\.watch_pressure\] stall=.*window of 0.5 to 10 s"):
        pool.watch_pressure(stall, window)


def test_a_system_that_does_not_tell_is_told(pool, tmp_path):
    """And what to call instead; a file that is no trigger is refused or never ready."""
    with pytest.raises(InputError, match=r"does not tell of memory pressure; call the pool's relieve\(\)"):
        pool.watch_pressure(source=str(tmp_path / "none"))


# --- at the end ---


def test_the_report_sums_by_tag(pool):
    """The most bytes first; nothing held, nothing said."""
    assert "" == pool.leak_report()
    small, large = [pool.acquire(100, tag="small") for _ in range(3)], pool.acquire(100_000, tag="large")
    untagged = pool.acquire(8)
    first, *tags = pool.leak_report().splitlines()
    assert "[buffers.leaks] 5 blocks of" in first
    assert ["large", "small", "untagged"] == [line.split(":")[0].strip() for line in tags]
    assert "3 of 2,496 bytes, the oldest for" in tags[1]
    assert "" == pool.leak_report(older_than=3600.0)
    with pytest.raises(InputError, match=r"^\[buffers\.leaks\] older_than=-1"):
        pool.report_leaks_at_exit(-1)
    del small, large, untagged


def test_leaks_are_reported_at_exit_where_that_was_asked_for():
    """On standard error, unless it was called off or nothing is held."""
    script = (
        "from atalanta import buffers\n"
        "off = buffers.default_pool.report_leaks_at_exit()\n"
        "kept = buffers.acquire(1000, tag='kept')\n"
    )
    assert "kept: 1 of 8,192 bytes" in _run(script).stderr
    assert "" == _run(script + "off()\n").stderr
    assert "" == _run(script + "del kept\n").stderr


# --- fences ---


@pytest.mark.skipif(sys.platform == "win32", reason="no signals end a program there")
@pytest.mark.parametrize("what", ["array.base and beyond[131072 + 16400]", "stale[0]"])
def test_a_fence_stops_the_culprit(what):
    """Beyond the end of a large guarded array, and in one that was released."""
    script = (
        "import ctypes\n"
        "import numpy as np\n"
        "from atalanta.buffers import BufferPool\n"
        "pool = BufferPool(guard='full', reserve=1 << 30)\n"
        "array = pool.acquire(131072, np.uint8)\n"
        "array[:] = 1\n"
        "beyond = (ctypes.c_ubyte * 200000).from_address(array.ctypes.data)\n"
        "other = pool.acquire(131072, np.uint8)\n"
        "stale = (ctypes.c_ubyte * 10).from_address(other.ctypes.data)\n"
        "del other\n"
    )
    assert 0 == _run(script).returncode
    assert _run(script + what).returncode in (-signal.SIGSEGV, -signal.SIGBUS)


def _run(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
