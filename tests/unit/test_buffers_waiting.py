import asyncio
import threading

import pytest

from atalanta.buffers import BufferPool
from atalanta.errors import BufferLimitError, DeadlineError, InputError

ROWS = 100_000  # more than half of the limit


@pytest.fixture
def pool():
    return BufferPool(limit=1_200_000, reserve=1 << 30)


def test_below_the_limit_nobody_waits(pool):
    """The array is there at once."""
    array = asyncio.run(pool.acquire_async(ROWS, tag="async", deadline=0.0))
    assert (ROWS,) == array.shape


def test_a_release_on_the_loop_wakes_a_waiter(pool):
    """The waiter gets the memory that another task let go of."""

    async def scene():
        held = [pool.acquire(ROWS)]
        waiter = asyncio.create_task(pool.acquire_async(ROWS, deadline=30.0))
        await asyncio.sleep(0)
        assert not waiter.done()
        held.clear()
        return await waiter

    assert (ROWS,) == asyncio.run(scene()).shape


def test_a_release_in_another_thread_wakes_a_waiter(pool):
    """Without a deadline too."""

    async def scene():
        held = [pool.acquire(ROWS)]
        waiter = asyncio.create_task(pool.acquire_async(ROWS))
        await asyncio.sleep(0.01)
        thread = threading.Thread(target=held.clear)
        thread.start()
        array = await waiter
        thread.join()
        return array

    assert (ROWS,) == asyncio.run(scene()).shape


def test_many_waiters_are_all_served(pool):
    """One after the other, as memory comes free."""

    async def use():
        array = await pool.acquire_async(ROWS, deadline=30.0)
        await asyncio.sleep(0)
        return array.size

    async def scene():
        return await asyncio.gather(*(use() for _ in range(20)))

    assert [ROWS] * 20 == asyncio.run(scene())
    assert 0 == pool.statistics().live_bytes


def test_a_deadline_ends_the_wait(pool):
    """The error says how long was waited, for how much, and what is in the way; nothing is left behind."""
    held = pool.acquire(ROWS)
    with pytest.raises(DeadlineError) as caught:
        asyncio.run(pool.acquire_async(ROWS, deadline=0.01))
    figures = pool.statistics()
    assert str(caught.value).startswith(
        f"[buffers.acquire_async] no memory came free within 0.01 s for a block of {figures.live_bytes:,} bytes: of the "
        f"limit of {figures.limit_bytes:,}, {figures.live_bytes:,} are live; release arrays"
    )
    with pytest.raises(InputError, match=r"^\[buffers\.acquire_async\] deadline 'soon' is not a number"):
        asyncio.run(pool.acquire_async(ROWS, deadline="soon"))
    assert issubclass(DeadlineError, TimeoutError)
    del held
    assert 0 == pool.statistics().live_bytes


def test_a_cancelled_waiter_leaves_the_loop_clean(pool):
    """Cancelling is not a deadline."""

    async def scene():
        held = pool.acquire(ROWS)
        waiter = asyncio.create_task(pool.acquire_async(ROWS))
        await asyncio.sleep(0.01)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        return held

    asyncio.run(scene())
    assert 0 == pool.statistics().live_bytes


def test_a_hopeless_request_is_told_at_once(pool):
    """It is beyond the limit by itself, so that no release helps."""
    with pytest.raises(BufferLimitError, match="beyond its limit of 1,200,000"):
        asyncio.run(pool.acquire_async((2, ROWS)))


@pytest.mark.parametrize("deadline", [-1.0, float("nan"), float("inf")])
def test_a_bad_deadline_is_told(pool, deadline):
    """A number of seconds from 0 on."""
    with pytest.raises(InputError, match=r"^\[buffers\.acquire_async\] deadline "):
        asyncio.run(pool.acquire_async(3, deadline=deadline))
