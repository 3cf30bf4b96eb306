"""The buffer pool. Main entry: `BufferPool`; `acquire` and `buffer` are native and inherited."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

import numpy as np
import numpy.typing as npt

from atalanta import _core
from atalanta.buffers.checks import Guard, bytes_of, guard_every, is_seconds, page_of
from atalanta.buffers.handlers import handling
from atalanta.buffers.leaks import leak_report, report_at_exit
from atalanta.buffers.statistics import GuardFault, LiveBlock, PoolStatistics, read_statistics
from atalanta.buffers.traces import Trace
from atalanta.errors import InputError

if TYPE_CHECKING:
    from atalanta.buffers.pressure import PressureWatch

__all__ = ["BufferPool"]

#: Below this size NumPy's own allocator is as quick, so that the handler leaves it alone.
_LEAST_BYTES = 128 << 10
_LEAST_RESERVE = 64 << 20
_IDLE_BYTES = 1 << 20


class BufferPool(_core.Pool):
    """Memory for arrays that stays warm while it is used and goes back to the system when it is not.

    `acquire(shape, dtype=float64, tag=None)` gives an uninitialised, C-contiguous array whose memory returns to
    the pool when its last view dies, in whatever thread. `buffer(nbytes, tag=None)` gives the same memory as a
    `Buffer` (buffer protocol, DLPack), which can also be released by hand.

    | setting | what | default |
    |---|---|---|
    | `limit` | bytes of live blocks; beyond it `acquire` raises and `acquire_async` waits | none |
    | `cache` | free bytes that may stay while the pool is busy | 8 % of the live peak of late, 0.4 of what is live at releases, more of what repeats; at least 1 MiB |
    | `idle_seconds` | after which free memory goes back | 0.04 |
    | `idle_bytes` | free bytes that stay nevertheless, for the next call | 1 MiB |
    | `guard` | `"full"`, or one block in n: finds writes beyond the end and after release | `"off"` |
    | `prefault` | fetch the memory that a tag's predictor expects, on another thread | True |
    | `page_bytes` | blocks of this size or more fill whole pages of it | what the accelerator needs, else none |
    | `reserve` | bytes of addresses, not of memory | twice the machine's memory, at least 64 GiB |

    Block sizes go up in eight steps per doubling and are aligned to 64 bytes; from 2 MiB on, to 2 MiB.
    All methods may be called from any thread.

    Raises:
        InputError: a setting out of its range.
        MemoryError: the system refuses the addresses.
    """

    def __new__(
        cls,
        *,
        limit: int | None = None,
        cache: int | None = None,
        idle_seconds: float = 0.04,
        idle_bytes: int = _IDLE_BYTES,
        guard: Guard = "off",
        prefault: bool = True,
        page_bytes: int | None = None,
        reserve: int | None = None,
    ) -> Self:
        """Make a pool; see the class."""
        if not is_seconds(idle_seconds) or not 0.001 <= idle_seconds <= 3600:
            raise InputError(f"[buffers.BufferPool] idle_seconds={idle_seconds!r}: give 0.001 to 3600")
        return super().__new__(
            cls,
            limit=bytes_of("limit", limit),
            cache=bytes_of("cache", cache),
            reserve=bytes_of("reserve", reserve, least=_LEAST_RESERVE),
            idle_ms=max(1, round(1000 * idle_seconds)),
            idle_bytes=bytes_of("idle_bytes", idle_bytes, least=0),
            guard_every=guard_every(guard),
            page=page_of(page_bytes),
            prefault=bool(prefault),
        )

    @classmethod
    def _of_process(cls) -> Self:
        """The pool that the process has anyway: it never ends, and large results come from it."""
        return super().__new__(cls, shared=True)

    async def acquire_async(
        self,
        shape: SupportsIndex | Sequence[SupportsIndex],
        dtype: npt.DTypeLike = np.float64,
        tag: str | None = None,
        *,
        deadline: float | None = None,
    ) -> npt.NDArray[Any]:
        """As `acquire`, but at the limit wait for a release, in whatever thread it happens.

        Args:
            shape: as of `acquire`.
            dtype: as of `acquire`.
            tag: as of `acquire`.
            deadline: seconds from now; None waits without end. Waiters are served in no particular order.

        Raises:
            DeadlineError: no memory came free in time.
            BufferLimitError: the request alone is beyond the limit.
            InputError: a bad shape, dtype, tag or deadline.
        """
        from atalanta.buffers.waiting import acquire_async  # it needs asyncio, which whoever awaits has

        return await acquire_async(
            self,
            lambda: self.acquire(shape, dtype, tag),
            lambda: self._block_bytes(shape, dtype),
            deadline,
        )

    def _block_bytes(self, shape: SupportsIndex | Sequence[SupportsIndex], dtype: npt.DTypeLike) -> int:
        extents = (
            [operator.index(n) for n in shape] if isinstance(shape, Sequence) else [operator.index(shape)]
        )
        nbytes = int(np.prod(extents, dtype=object)) * np.dtype(dtype).itemsize
        return _core.pool_block_bytes(self, nbytes)

    def owns(self, array: npt.NDArray[Any] | _core.Buffer) -> bool:
        """Whether the array or buffer begins at a live block of this pool."""
        address = array.address if isinstance(array, _core.Buffer) else array.ctypes.data
        return _core.pool_owns(self, address)

    def statistics(self) -> PoolStatistics:
        """Counts and bytes now, in all and by tag."""
        return read_statistics(self)

    def leaks(self, older_than: float = 0.0) -> list[LiveBlock]:
        """Blocks that somebody holds, the oldest first; those without a tag, whose age is unknown, last.

        Args:
            older_than: seconds; younger ones are left out, and untagged ones too when it is above 0.

        Raises:
            InputError: `older_than` is no number of seconds from 0 on.
        """
        if not is_seconds(older_than):
            raise InputError(f"[buffers.leaks] older_than={older_than!r}: give a number of seconds from 0 on")
        blocks = [LiveBlock(*fields) for fields in _core.pool_live_blocks(self)]
        old = [b for b in blocks if older_than <= 0 or (b.age_seconds or 0.0) >= older_than]
        return sorted(old, key=lambda b: -1.0 if b.age_seconds is None else b.age_seconds, reverse=True)

    def leak_report(self, older_than: float = 0.0) -> str:
        """`leaks` as text, by tag; empty when nothing is held.

        Raises:
            InputError: `older_than` is no number of seconds from 0 on.
        """
        return leak_report(self.leaks(older_than))

    def report_leaks_at_exit(self, older_than: float = 0.0) -> Callable[[], None]:
        """Write `leak_report` to standard error when the interpreter ends, if anything is held then.

        What modules hold in globals is still alive at that time, and is told too.

        Returns:
            a function that calls it off.

        Raises:
            InputError: `older_than` is no number of seconds from 0 on.
        """
        self.leaks(older_than)
        return report_at_exit(lambda: self.leak_report(older_than))

    def relieve(self, seconds: float = 10.0) -> int:
        """Memory is short: give all free memory back now, and keep next to none free for some time.

        For programs that learn of pressure themselves; `watch_pressure` calls it where the system tells.

        Args:
            seconds: for how long, 0 to 3600.

        Returns:
            the bytes given back.

        Raises:
            InputError: not such a number.
        """
        if not is_seconds(seconds) or not seconds <= 3600:
            raise InputError(f"[buffers.relieve] seconds={seconds!r}: give 0 to 3600")
        return _core.pool_relieve(self, round(1000 * seconds))

    def watch_pressure(
        self,
        stall: float = 0.1,
        window: float = 2.0,
        *,
        seconds: float = 10.0,
        then: Callable[[int], object] | None = None,
        source: str | None = None,
    ) -> PressureWatch:
        """Relieve the pool whenever tasks of this machine wait for memory (Linux, pressure stall information).

        Args:
            stall: seconds within `window` in which some task waited.
            window: 0.5 to 10 s; without privileges a whole multiple of 2 s.
            seconds: as of `relieve`.
            then: called after it with the bytes given back, on the watch's own thread.
            source: file that tells; None: of the whole machine. A control group has its `memory.pressure`.

        Returns:
            the watch; `stop()` it, or use it in a `with` statement.

        Raises:
            InputError: times that cannot be, or the system does not tell: call `relieve` yourself.
        """
        if not is_seconds(seconds) or not seconds <= 3600:
            raise InputError(f"[buffers.watch_pressure] seconds={seconds!r}: give 0 to 3600")
        from atalanta.buffers.pressure import SOURCE, PressureWatch, open_trigger

        descriptor = open_trigger(source or SOURCE, stall, window)
        return PressureWatch(descriptor, lambda: self.relieve(seconds), then)

    def trim(self) -> int:
        """Give all free memory back to the system now; the bytes. Idle memory goes back without this."""
        return _core.pool_trim(self)

    def set_limit(self, limit: int | None) -> int | None:
        """Limit the bytes of live blocks, those of other threads included; None ends the limit.

        Returns:
            The limit before.

        Raises:
            InputError: more is live, or the limit is no number of bytes.
        """
        before: int = _core.pool_figures(self)["limit_bytes"]
        if not _core.pool_set_limit(self, bytes_of("limit", limit, origin="set_limit")):
            live = _core.pool_figures(self)["live_bytes"]
            raise InputError(
                f"[buffers.set_limit] limit {limit:,} is below the {live:,} bytes that are live; release arrays first"
            )
        return before or None

    def set_guard(self, guard: Guard) -> int:
        """Guard every block (`"full"`), one in n, or none (`"off"`); the n before, 0 for none."""
        before = _core.pool_guard(self)
        _core.pool_set_guard(self, guard_every(guard))
        return before

    def faults(self) -> list[GuardFault]:
        """What guards found since the last call, 64 at most."""
        return [GuardFault(*fields) for fields in _core.pool_faults(self)]

    def predict_optimal_size(self, tag: str, expected: int | None = None) -> int:
        """Bytes to ask for so that the tag's next result fits in one block.

        Args:
            tag: an operation that acquired before.
            expected: what the caller reckons with, in bytes.

        Returns:
            The block that the tag's best predictor expects, and no less than the one for `expected`; a
            predictor that was right in less than half of the recent requests is not listened to when
            `expected` is given.

        Raises:
            InputError: the tag never acquired anything here, or `expected` is no number of bytes.
        """
        if not isinstance(tag, str):
            raise InputError(
                f"[buffers.predict_optimal_size] tag={tag!r}: give the text that `acquire` was given as its tag"
            )
        prediction = _core.pool_prediction(self, tag)
        if prediction is None or prediction[0] == 0:
            known = ", ".join(sorted(filter(None, _core.pool_tags(self)))) or "none"
            raise InputError(f"[buffers.predict_optimal_size] {tag!r}: no such tag (known: {known})")
        nbytes, _, score = prediction
        if expected is None:
            return nbytes
        block = _core.pool_block_bytes(self, bytes_of("expected", expected, origin="predict_optimal_size"))
        return max(block, nbytes) if score >= 0.5 else block

    @contextmanager
    def numpy(
        self, least_bytes: int = _LEAST_BYTES, *, tag: str = "numpy", fall_back: bool = False
    ) -> Iterator[None]:
        """Let NumPy itself take arrays of at least `least_bytes` from this pool within the block (NEP 49).

        It holds for this thread's context: new threads start without it, tasks created inside inherit it.
        Arrays may outlive the block. The pool then lives as long as the process. Blocks of one context may end in
        any order; those that go on stay in force.

        Args:
            least_bytes: smaller arrays come from the handler in force before.
            tag: under which they are counted.
            fall_back: at the pool's limit take them from the handler before, which is counted in `fallbacks`;
                else NumPy raises MemoryError.

        Raises:
            InputError: `least_bytes` is no number of bytes, or the tag no text or one too many; or the block ends in
                another thread or task than it began in, where the handler then stays in force.
        """
        least = bytes_of("least_bytes", least_bytes, origin="numpy")
        with handling(self, least, tag, bool(fall_back)):
            yield

    @contextmanager
    def record(self) -> Iterator[Recording]:
        """Record every acquire and release within the block; `trace` of what it gives is there afterwards."""
        recording = Recording()
        _core.pool_start_recording(self)
        try:
            yield recording
        finally:
            blocks, nbytes, tags, names = _core.pool_stop_recording(self)
            recording._trace = Trace(blocks, nbytes, tags, tuple(names))


class Recording:
    """What `BufferPool.record` gives."""

    _trace: Trace | None = None

    @property
    def trace(self) -> Trace:
        """The trace, once the block has ended."""
        if self._trace is None:
            raise InputError("[buffers.record] the recording goes on; read the trace after the block")
        return self._trace
