import contextvars
import gc
import itertools
import re
import subprocess
import sys
import threading
import weakref
from contextlib import ExitStack

import numpy as np
import pytest

import atalanta
from atalanta import _core, buffers
from atalanta.buffers import BufferPool
from atalanta.errors import AtalantaError, BufferLimitError, InputError

MIB = 1 << 20


@pytest.fixture
def pool():
    return BufferPool(reserve=4 << 30)


def live(pool):
    return pool.statistics().live_bytes


def address(array):
    return array.__array_interface__["data"][0]


# --- arrays ---


def test_an_array_is_what_numpy_would_make(pool):
    """Shape, dtype, order and flags; aligned to 64 bytes; writable."""
    for shape, dtype in [
        (5, None),
        ((3, 4), np.float32),
        ([2, 3, 4], "i8"),
        (np.int64(7), np.dtype("M8[ns]")),
    ]:
        array = pool.acquire(shape) if dtype is None else pool.acquire(shape, dtype)
        like = np.empty(shape, np.float64 if dtype is None else dtype)
        assert (like.shape, like.dtype, like.strides) == (array.shape, array.dtype, array.strides)
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.flags.aligned
        assert not array.flags.owndata
        assert 0 == address(array) % 64
        array[...] = 1
    assert pool.acquire(3, dtype=bool, tag="flags").dtype == bool
    assert 0 == live(pool) or gc.collect() >= 0


def test_the_memory_returns_with_the_last_view(pool):
    """Views, reshapes and memoryviews each keep it; the next array of the size has the same address."""
    array = pool.acquire(1000)
    first = address(array)
    view = array[10:20]
    shown = memoryview(view)
    del array
    assert live(pool) > 0
    del view
    assert live(pool) > 0
    shown.release()
    assert 0 == live(pool)
    assert first == address(pool.acquire(1000))


def test_a_dlpack_consumer_keeps_the_memory(pool):
    """What took the array through DLPack is one more view."""
    array = pool.acquire(1000)
    array[:] = 7.0
    taken = np.from_dlpack(array)
    del array
    assert live(pool) > 0
    assert 7.0 == taken[999]
    del taken
    assert 0 == live(pool)


def test_an_array_may_die_in_another_thread(pool):
    """Its memory is in the pool all the same."""
    box = [pool.acquire(3 * MIB // 8)]
    thread = threading.Thread(target=box.clear)
    thread.start()
    thread.join()
    assert 0 == live(pool)


def test_an_array_outlives_its_pool():
    """It keeps the pool alive, which goes with it."""
    pool = BufferPool(reserve=1 << 30)
    gone = weakref.ref(pool)
    array = pool.acquire(1000)
    array[:] = 3.0
    del pool
    gc.collect()
    assert gone() is not None
    assert 3.0 == array[999]
    del array
    gc.collect()
    assert gone() is None


def test_pages_of_an_accelerator_are_filled():
    """With `page_bytes` large blocks begin on such pages and fill them."""
    pool = BufferPool(reserve=1 << 30, page_bytes=16384)
    for rows in (2048, 2049, 5000, 300_000):
        array = pool.acquire(rows)
        assert 0 == address(array) % 16384
        assert 0 == pool.leaks()[0].block_bytes % 16384
        del array


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (0, "extent of 0; ask for at least one"),
        ((3, 0), "extent of 0"),
        (-1, "extent of -1"),
        ((2, -5), "extent of -5"),
        ((), "has 0 dimensions; give 1 to 64"),
        ((1,) * 65, "has 65 dimensions"),
        (1.5, "neither a whole number nor several"),
        ("12", "neither a whole number nor several"),
        ((2, "x"), "neither a whole number nor several"),
        (None, "neither a whole number nor several"),
        (1 << 62, "is more than the 1 TiB"),
        (1 << 70, "is more than the 1 TiB"),
        ((1 << 40, 1 << 40), "is more than the 1 TiB"),
    ],
)
def test_a_bad_shape_is_told(pool, shape, message):
    """Zero, negative and overflowing extents, and what is no shape."""
    with pytest.raises(InputError, match=r"^\[buffers\.acquire\] shape .*" + message):
        pool.acquire(shape)
    assert 0 == live(pool)


@pytest.mark.parametrize("dtype", [object, "U", np.dtype([("a", object)]), "no such type"])
def test_a_bad_dtype_is_told(pool, dtype):
    """Objects cannot live in uninitialised memory; texts without a length have no size."""
    with pytest.raises(InputError, match=r"^\[buffers\.acquire\] dtype "):
        pool.acquire(3, dtype)


def test_bad_arguments_are_type_errors_or_told(pool):
    """As Python itself says it; a tag is text."""
    with pytest.raises(TypeError, match="missing the argument 'shape'"):
        pool.acquire()
    with pytest.raises(TypeError, match="unexpected keyword argument 'size'"):
        pool.acquire(3, size=1)
    with pytest.raises(InputError, match="tag 5 is no text"):
        pool.acquire(3, tag=5)


# --- buffers ---


def test_a_buffer_is_released_by_hand_once(pool):
    """Twice is told, and views keep it."""
    buffer = pool.buffer(100, tag="bytes")
    assert (100, False, pool) == (buffer.nbytes, buffer.released, buffer.pool)
    view = np.frombuffer(buffer, np.uint8)
    with pytest.raises(InputError, match=r"^\[buffers\.Buffer\] 1 views of it are alive"):
        buffer.release()
    del view
    buffer.release()
    assert (True, 0, 0) == (buffer.released, buffer.address, live(pool))
    with pytest.raises(InputError, match="it was released before"):
        buffer.release()
    with pytest.raises(BufferError, match="the buffer was released"):
        memoryview(buffer)


def test_a_buffer_says_how_large_it_is_and_whether_it_lives(pool):
    buffer = pool.buffer(1000)
    assert re.fullmatch(r"<Buffer of 1000 bytes at 0x[0-9a-f]+>", repr(buffer))
    buffer.release()
    assert "<Buffer of 1000 bytes, released>" == repr(buffer)


def test_the_buffer_beneath_an_array_cannot_be_released(pool):
    """The array would be left without memory."""
    array = pool.acquire(10)
    with pytest.raises(InputError, match="an array lives in it"):
        array.base.release()


def test_a_buffer_speaks_dlpack(pool):
    """As bytes in host memory."""
    buffer = pool.buffer(64)
    assert (1, 0) == buffer.__dlpack_device__()
    taken = np.from_dlpack(buffer)
    assert (64, np.uint8) == (taken.size, taken.dtype)
    assert buffer.address == address(taken)


def test_buffers_come_from_a_pool_alone():
    """The type makes none by itself."""
    with pytest.raises(TypeError):
        buffers.Buffer()


@pytest.mark.parametrize("nbytes", [0, -3])
def test_a_buffer_has_at_least_a_byte(pool, nbytes):
    """Else it is told."""
    with pytest.raises(InputError, match=rf"^\[buffers\.buffer\] nbytes {nbytes} is below 1"):
        pool.buffer(nbytes)
    with pytest.raises(InputError, match="more than the 1 TiB"):
        pool.buffer(1 << 60)


def test_who_owns_an_array(pool):
    """A pool knows its live blocks from those of others."""
    array, buffer = pool.acquire(10), pool.buffer(10)
    assert pool.owns(array)
    assert pool.owns(buffer)
    assert not pool.owns(array[1:])
    assert not pool.owns(np.empty(10))
    assert not BufferPool(reserve=1 << 30).owns(array)
    buffer.release()
    assert not pool.owns(buffer)


# --- limits ---


def test_the_limit_is_hard_and_told():
    """To the byte of the blocks; the error says limit, live bytes and what to do."""
    pool = BufferPool(limit=MIB, reserve=1 << 30)
    half = pool.acquire(MIB // 16)
    other = pool.acquire(MIB // 16)
    with pytest.raises(
        BufferLimitError, match=r"^\[buffers\.acquire\] 8 bytes .* limit of 1,048,576, of which 1,048,576"
    ):
        pool.acquire(1)
    assert issubclass(BufferLimitError, (AtalantaError, MemoryError))
    del half
    again = pool.acquire(MIB // 16)
    assert MIB == live(pool)
    assert 1 == pool.statistics().refused
    del again, other


def test_a_limit_below_what_is_live_is_refused(pool):
    """The limit before stays."""
    array = pool.acquire(MIB)
    with pytest.raises(InputError, match=r"limit 1,048,576 is below the 8,388,608 bytes that are live"):
        pool.set_limit(MIB)
    assert pool.statistics().limit_bytes is None
    assert pool.set_limit(8 * MIB) is None
    assert 8 * MIB == pool.set_limit(None)
    del array


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": 0}, "limit=0: give a whole number of bytes"),
        ({"limit": -1}, "limit=-1"),
        ({"limit": 1.5}, "limit=1.5"),
        ({"cache": 1 << 50}, "cache="),
        ({"reserve": 100}, "reserve=100: give a whole number of bytes from 67,108,864"),
        ({"idle_seconds": 0.0}, "idle_seconds=0.0: give 0.001 to 3600"),
        ({"guard": "some"}, "guard='some': give 'off', 'full' or one in n"),
        ({"guard": 0}, "guard=0"),
        ({"idle_seconds": "x"}, "idle_seconds='x': give 0.001 to 3600"),
        ({"page_bytes": 1000}, "page_bytes=1000: give a power of two"),
        ({"page_bytes": 1.5}, r"page_bytes=1\.5: give a power of two from 64 to 2097152"),
        ({"page_bytes": "x"}, "page_bytes='x'"),
        ({"page_bytes": 32}, "page_bytes=32"),
        ({"page_bytes": 4 << 20}, "page_bytes=4194304"),
        ({"page_bytes": -64}, "page_bytes=-64"),
        ({"page_bytes": 0}, "page_bytes=0"),
    ],
)
def test_a_bad_setting_is_told(settings, message):
    """Value, limits and what to give."""
    with pytest.raises(InputError, match=r"^\[buffers\.BufferPool\] " + message):
        BufferPool(**settings)


# --- statistics ---


def test_statistics_count_by_tag(pool):
    """Acquires, bytes asked for and given, live and most live; what has no tag is the rest."""
    first, second = pool.acquire(125, tag="a"), pool.acquire(125, tag="a")
    del first
    untagged = pool.acquire(8)
    seen = pool.statistics()
    tag = seen.tags["a"]
    assert (2, 2000, 2048) == (tag.acquires, tag.requested_bytes, tag.block_bytes)
    assert (1024, 2048, 1024) == (tag.live_bytes, tag.high_water_bytes, tag.cached_bytes)
    assert pytest.approx(48 / 2048) == tag.waste
    assert (1, 64) == (seen.tags[""].acquires, seen.tags[""].live_bytes)
    assert (3, 1088) == (seen.acquires, seen.live_bytes)
    assert seen.hits == seen.acquires - seen.misses
    assert seen.held_bytes >= seen.live_bytes
    del second, untagged


def test_leaks_are_listed_the_oldest_first(pool):
    """Tag, size, age; untagged ones have no age."""
    old = pool.acquire(10, tag="old")
    untagged = pool.acquire(10)
    report = pool.leaks()
    assert ["old", ""] == [block.tag for block in report]
    assert (80, 128) == (report[0].nbytes, report[0].block_bytes)
    assert report[0].age_seconds >= 0
    assert report[1].age_seconds is None
    assert address(old) == report[0].address
    assert [] == pool.leaks(older_than=3600.0)
    del old, untagged
    assert [] == pool.leaks()


def test_a_guard_finds_an_overrun():
    """A write beyond the end is told at the release, one after the release at the next acquire."""
    pool = BufferPool(guard="full", reserve=1 << 30)
    buffer = pool.buffer(1000, tag="guarded")
    beyond = np.ctypeslib.as_array((np.ctypeslib.ctypes.c_ubyte * 1001).from_address(buffer.address))
    beyond[1000] = 1
    with pytest.raises(InputError, match="something wrote beyond its end"):
        buffer.release()
    second = pool.buffer(1000)
    second.release()
    beyond[5] = 1
    third = pool.buffer(1000)
    assert ["overrun", "written after release"] == [fault.kind for fault in pool.faults()]
    assert [] == pool.faults()
    assert 2 == pool.statistics().faults
    third.release()
    assert 1 == pool.set_guard("off")
    assert 0 == pool.set_guard(100)


def test_released_memory_reads_as_nan_under_a_guard():
    """Whoever still reads it sees no plausible number."""
    pool = BufferPool(guard="full", reserve=1 << 30)
    array = pool.acquire(10)
    array[:] = 1.0
    stale = np.ctypeslib.as_array((np.ctypeslib.ctypes.c_double * 10).from_address(address(array)))
    del array
    assert np.isnan(stale).all()


# --- NumPy's own arrays ---


def test_numpy_takes_large_arrays_from_the_pool(pool):
    """Within the block, above the size; arrays outlive it; realloc keeps the contents, zeros are zero."""
    with pool.numpy():
        large = np.full(100_000, 2.0)
        small = np.empty(10)
        zeros = np.zeros(100_000)
    assert pool.owns(large)
    assert not pool.owns(small)
    assert not zeros.any()
    assert not pool.owns(np.empty(100_000))
    assert 2 == pool.statistics().tags["numpy"].acquires
    large.resize(300_000, refcheck=False)
    assert pool.owns(large)
    assert (2.0, 0.0) == (large[99_999], large[299_999])
    large.resize(5, refcheck=False)
    assert (large == 2.0).all()
    del large, zeros
    assert 0 == pool.statistics().tags["numpy"].live_bytes
    with pool.numpy():
        reused = np.zeros(100_000)
    assert not reused.any()


def test_the_handler_is_of_this_context(pool):
    """Other threads start without it; blocks nest; odd shapes whose sizes differ at the release are fine."""
    seen = []
    with pool.numpy(least_bytes=1):
        thread = threading.Thread(target=lambda: seen.append(pool.owns(np.empty(100_000))))
        thread.start()
        thread.join()
        with BufferPool(reserve=1 << 30).numpy(least_bytes=1):
            assert not pool.owns(np.empty(1000))
        assert pool.owns(np.empty(1000))
        np.empty((2, 0, 2))
    assert [False] == seen
    assert 0 == pool.statistics().tags["numpy"].live_bytes


def handler_in_force():
    handler = _core.set_numpy_handler(None)
    _core.set_numpy_handler(handler)
    return handler


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_blocks_end_in_any_order(order):
    """Those that go on stay in force, on what is left beneath them; after the last, what was before the first."""
    before = handler_in_force()
    least = [1, 100_000, 1_000_000]  # the smaller arrays of each come from the one beneath
    pools = [BufferPool(reserve=1 << 30) for _ in least]
    blocks = [pool.numpy(size) for pool, size in zip(pools, least, strict=True)]
    for block in blocks:
        block.__enter__()
    going_on = [0, 1, 2]
    for ending in order:
        blocks[ending].__exit__(None, None, None)
        going_on.remove(ending)
        for size in (1000, 200_000, 2_000_000):
            array = np.empty(size, np.uint8)
            takers = [place for place in going_on if size >= least[place]]
            assert takers[-1:] == [place for place in range(3) if pools[place].owns(array)]
    assert handler_in_force() is before


def test_a_generator_and_a_stack_may_hold_a_block(pool):
    """They end when they are closed, before or after what began later."""
    before = handler_in_force()

    def rows():
        with pool.numpy(1):
            yield pool.owns(np.empty(1000))

    generator, other = rows(), BufferPool(reserve=1 << 30)
    assert next(generator)
    with ExitStack() as stack:
        stack.enter_context(other.numpy(1))
        generator.close()
        assert other.owns(np.empty(1000))
        with pool.numpy(1):
            later = stack.pop_all()
            later.close()
            assert pool.owns(np.empty(1000))
    assert handler_in_force() is before


def test_somebody_elses_handler_between_blocks_is_left_alone(pool):
    """The block above it goes on, and puts it back."""
    before, other = handler_in_force(), BufferPool(reserve=1 << 30)
    foreign = _core.numpy_handler(other, 1, "foreign", False)
    first, second = pool.numpy(1), pool.numpy(1)
    first.__enter__()
    _core.set_numpy_handler(foreign)
    second.__enter__()
    own = handler_in_force()
    first.__exit__(None, None, None)
    assert handler_in_force() is own
    second.__exit__(None, None, None)
    assert handler_in_force() is foreign
    _core.set_numpy_handler(before)


def test_a_block_ends_in_the_context_that_began_it(pool):
    """Elsewhere it says so and changes nothing; the error of the block is not lost."""
    elsewhere, before = contextvars.copy_context(), handler_in_force()
    block = pool.numpy(1)
    elsewhere.run(block.__enter__)
    failure = KeyError("of the block")
    with pytest.raises(InputError, match=r"^\[buffers\.numpy\] the block ends in another context") as said:
        block.__exit__(KeyError, failure, None)
    assert said.value.__context__ is failure
    assert handler_in_force() is before
    assert elsewhere.run(lambda: pool.owns(np.empty(1000)))


def test_numpy_raises_at_the_limit(pool):
    """NumPy's own MemoryError."""
    pool.set_limit(MIB)
    with pool.numpy(), pytest.raises(MemoryError):
        np.empty(MIB)


# --- prediction ---


def test_the_best_size_follows_the_tag(pool):
    """A cycle is learnt; `expected` is a floor; who never acquired is unknown."""
    for _ in range(60):
        for rows in (1000, 5000, 9000):
            pool.acquire(rows, tag="cycle")
    assert 8192 == pool.predict_optimal_size("cycle")
    assert 8192 == pool.predict_optimal_size("cycle", 100)
    assert 81920 == pool.predict_optimal_size("cycle", 80_000)
    tag = pool.statistics().tags["cycle"]
    assert "markov2" == tag.predictor
    assert tag.prediction_hits / tag.predictions > 0.9
    with pytest.raises(InputError, match=r"'other': no such tag \(known: cycle\)"):
        pool.predict_optimal_size("other")
    with pytest.raises(InputError, match=r"^\[buffers\.predict_optimal_size\] expected=-1"):
        pool.predict_optimal_size("cycle", -1)
    with pytest.raises(InputError, match=r"^\[buffers\.predict_optimal_size\] tag=7"):
        pool.predict_optimal_size(7)


@pytest.mark.parametrize("older_than", ["x", None, -1, float("nan")])
def test_an_age_that_is_none_is_refused(pool, older_than):
    """Seconds from 0 on."""
    with pytest.raises(InputError, match=r"^\[buffers\.leaks\] older_than=.* give a number of seconds"):
        pool.leaks(older_than)


@pytest.mark.parametrize("limit", [-5, 0, "x", 1.5, 1 << 50])
def test_a_limit_that_is_none_names_who_was_asked(pool, limit):
    """The function called, not the class."""
    with pytest.raises(InputError, match=r"^\[buffers\.set_limit\] limit=.* give a whole number of bytes"):
        pool.set_limit(limit)
    with (
        pytest.raises(InputError, match=r"^\[buffers\.numpy\] least_bytes=-5"),
        pool.numpy(least_bytes=-5),
    ):
        pass


# --- the public names ---


def test_the_default_pool_serves_the_module():
    """`atalanta.buffers` is one pool for the process; `atalanta.BufferPool` makes others."""
    array = buffers.acquire(10, dtype=np.float64, tag="test.default")
    assert buffers.default_pool.owns(array)
    assert "test.default" in buffers.statistics().tags
    assert atalanta.BufferPool is BufferPool
    assert atalanta.buffers is buffers


def test_importing_the_package_makes_no_pool():
    """It is made with the first use of `atalanta.buffers`."""
    code = "import sys, atalanta; print('atalanta.buffers' in sys.modules); atalanta.buffers.acquire(3)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" == done.stdout.strip()
