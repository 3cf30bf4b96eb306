import os

import numpy as np
import pytest

from atalanta.buffers import BufferPool, Trace
from atalanta.errors import InputError


@pytest.fixture
def pool():
    return BufferPool(reserve=1 << 30)


def columns(trace):
    return trace.blocks.tolist(), trace.nbytes.tolist()


def test_a_recording_holds_acquires_and_releases_in_order(pool):
    """What was acquired before it is left out; the trace is there after the block."""
    before = pool.acquire(3)
    with pool.record() as recording:
        first, second = pool.acquire(10, tag="a"), pool.acquire(20, tag="b")
        del before, first
        with pytest.raises(InputError, match="the recording goes on"):
            _ = recording.trace
    trace = recording.trace
    assert ([0, 1, 0], [80, 160, 0]) == columns(trace)
    assert [160] == trace.sizes("b").tolist()
    with pytest.raises(InputError, match=r"'c': no such tag"):
        trace.sizes("c")
    del second
    assert 3 == len(trace)


def test_a_trace_survives_a_file_and_is_replayed(pool, tmp_path):
    """Saved, loaded, carried out again: the same operations."""
    with pool.record() as recording:
        held = [pool.acquire(1000 * n, tag="t") for n in range(1, 20)]
        del held
    recording.trace.save(tmp_path / "trace.npz")
    trace = Trace.load(tmp_path / "trace.npz")
    assert columns(trace) == columns(recording.trace)
    assert recording.trace.tag_names == trace.tag_names
    figures = trace.replay(BufferPool(reserve=1 << 30), sample_every=1)
    assert (38, 8000 * 190) == (figures.operations, figures.peak_live_bytes)
    with pytest.raises(MemoryError, match="raise its limit"):
        trace.replay(BufferPool(reserve=1 << 30, limit=1000))


@pytest.mark.parametrize("name", ["t.trace", "t", "t.npz"])
def test_a_trace_lies_where_it_was_saved(pool, tmp_path, name):
    """Under the name given, whatever it ends in, and nothing else beside it; text or path."""
    with pool.record() as recording:
        pool.acquire(1000, tag="t")
    recording.trace.save(str(tmp_path / name))
    assert [tmp_path / name] == list(tmp_path.iterdir())
    assert columns(recording.trace) == columns(Trace.load(str(tmp_path / name)))


def test_a_trace_that_cannot_be_written_says_so(pool, tmp_path):
    """No such folder; a folder itself."""
    with pool.record() as recording:
        pass
    for place in (tmp_path / "nowhere" / "t.npz", tmp_path):
        with pytest.raises(
            InputError, match=r"^\[buffers\.Trace\] .* cannot be written: .*; give a file in a folder"
        ):
            recording.trace.save(place)


@pytest.mark.parametrize(
    ("blocks", "nbytes", "tags", "message"),
    [
        ([0, 1], [8], [0], "differ in length"),
        ([0, 2], [8, 8], [0, 0], "not numbered in order"),
        ([0, 0, 0], [8, 0, 0], [0, 0, 0], "releases a block twice"),
        ([0, 0], [0, 8], [0, 0], "before acquiring it"),
        ([0], [8], [5], "a tag without a name"),
        (0, [8], [0], r"its blocks are of shape \(\) and type int64, not a column of whole numbers"),
        ([0], [[8]], [0], r"its nbytes are of shape \(1, 1\)"),
        ([0], [8.0], [0], "its nbytes are of .* float64, not a column"),
        ([0], [8], ["a"], "its tags are of .* not a column"),
        ([0], [-8], [0], "its nbytes are not all from 0 to 18446744073709551615"),
        ([1 << 32], [8], [0], "its blocks are not all from 0 to 4294967295"),
    ],
)
def test_a_damaged_trace_is_refused(tmp_path, blocks, nbytes, tags, message):
    """A replay of it would release what is not there."""
    path = tmp_path / "bad.npz"
    np.savez_compressed(path, blocks=blocks, nbytes=nbytes, tags=tags, tag_names=np.array([""]))
    with pytest.raises(InputError, match=message):
        Trace.load(path)


def test_what_is_no_trace_is_refused(tmp_path):
    """No file, no archive, other columns."""
    with pytest.raises(InputError, match="there is no file"):
        Trace.load(tmp_path / "nowhere.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(InputError, match="is no trace"):
        Trace.load(tmp_path / "text.npz")
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(InputError, match=r"pipe\.npz is no trace: it is not a file"):  # and is not waited for
        Trace.load(tmp_path / "pipe.npz")
    with pytest.raises(InputError, match="is no trace"):
        Trace.load("x" * 5000)
    np.savez(tmp_path / "other.npz", something=[1])
    with pytest.raises(InputError, match="is no trace"):
        Trace.load(tmp_path / "other.npz")


@pytest.mark.parametrize("names", ["a", 7, [7], [["a"]]])
def test_tags_need_a_column_of_names(tmp_path, names):
    """A number has no letters, and a single text no rows."""
    path = tmp_path / "bad.npz"
    np.savez_compressed(path, blocks=[0], nbytes=[8], tags=[0], tag_names=np.array(names))
    with pytest.raises(InputError, match=r"is no trace: its tag_names are of shape .*not a column of texts"):
        Trace.load(path)


def test_one_array_is_no_trace(tmp_path):
    """As `np.save` writes it."""
    np.save(tmp_path / "array.npy", [0, 1])
    with pytest.raises(
        InputError, match=r"array\.npy is no trace: it is one array, not an archive of columns; give a file"
    ):
        Trace.load(tmp_path / "array.npy")


def test_a_file_damaged_anywhere_is_refused_or_read_as_it_was(pool, tmp_path):
    """Cut off, or with bytes of any place changed: whatever the archive's reader makes of it, the path is told."""
    with pool.record() as recording:
        for n in range(1, 30):
            pool.acquire(1000 * n, tag="t")
    path = tmp_path / "trace.npz"
    recording.trace.save(path)
    whole = path.read_bytes()
    cut = [whole[:length] for length in range(0, len(whole), 61)]
    changed = [
        whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :] for place in range(0, len(whole), 5)
    ]
    told = []
    for content in cut + changed:
        path.write_bytes(content)
        try:
            trace = Trace.load(path)
        except InputError as error:
            told.append(str(error))
        else:  # in what nobody reads, such as the time of the archive
            assert columns(trace) == columns(recording.trace)
    assert all(text.startswith(f"[buffers.Trace] {path} is no trace: ") for text in told)
    assert len(told) >= len(cut) + len(changed) // 2


@pytest.mark.parametrize("every", [0, -1, 1.5, "x", None, 1 << 64])
def test_a_replay_looks_every_so_many_operations(pool, every):
    """A whole number of them."""
    with pool.record() as recording:
        pool.acquire(1000)
    with pytest.raises(
        InputError, match=rf"^\[buffers\.Trace\] sample_every={every!r}: give a whole number from 1"
    ):
        recording.trace.replay(pool, every)
