import ctypes
import os

import numpy as np
import pytest

from atalanta import _core
from atalanta.benchmarking.pool import allocators, measures, replays, workloads
from atalanta.benchmarking.pool.allocators import (
    GLIBC,
    GLIBC_ALIGNED,
    POOL,
    Allocator,
    Library,
    find_allocators,
)

#: The pool is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")


def test_the_c_library_is_always_measured(monkeypatch):
    """A peer whose library is not found is a remark."""
    absent = Library(("libatalanta_absent.so",), "plain", "a", "b")
    monkeypatch.setattr(allocators, "LIBRARIES", {"absent": absent})
    found, missing = find_allocators()
    assert [POOL, GLIBC, GLIBC_ALIGNED] == [one.name for one in found]
    assert ["absent is not measured: "] == [remark[:24] for remark in missing]


def test_pairs_are_measured_for_every_allocator(monkeypatch):
    """A positive time each, by size."""
    monkeypatch.setattr(measures, "_PAIR_SIZES", (64, 1 << 20))
    pair = [Allocator(POOL, _core.Pool()), allocators.allocator(GLIBC)]
    figures = list(measures.native_pairs(pair, 1))
    assert [("64", POOL), ("64", GLIBC), ("1,048,576", POOL), ("1,048,576", GLIBC)] == [
        (figure.case, figure.contender) for figure in figures
    ]
    assert all(figure.value > 0 for figure in figures)


def test_a_kind_of_functions_that_is_unknown_is_refused():
    """Called wrongly, they would take the process down."""
    with pytest.raises(ValueError, match="plain, aligned or flagged"):
        _core.allocator_pair_ns(("other", 0, 0), 64, 1, 1, 1)


def test_sequences_are_reproducible_and_positive():
    """The same seed gives the same sizes."""
    for make in workloads.SEQUENCES.values():
        sizes = make(3)
        assert (4000,) == sizes.shape
        assert (sizes > 0).all()
        assert (sizes == make(3)).all()


def test_mixed_sizes_make_a_trace(tmp_path):
    """Which the loader finds no fault in."""
    trace = workloads.mixed_sizes(3)
    trace.save(tmp_path / "mixed.npz")
    assert len(type(trace).load(tmp_path / "mixed.npz")) == len(trace)


def test_an_analysis_can_be_recorded_and_replayed():
    """What NumPy allocates in it; each allocator in a process of its own."""
    trace = workloads.record_chains(3, rounds=1, kept=1)
    assert len(trace) > 1000
    assert trace.nbytes.max() > 10_000
    if _core.resident_bytes() == 0:
        pytest.skip("this system does not say how much memory a process has")
    figures = list(replays.replayed("chains", trace, [POOL, GLIBC], 1))
    assert {POOL, GLIBC} == {figure.contender for figure in figures}
    assert all(figure.value > 0 for figure in figures if figure.what == "trace time")


def test_a_watch_list_keeps_the_last_analysis_of_each_name():
    """And releases all of them: what is recorded ends with nothing live."""
    trace = workloads.record_watch_list(3, rounds=3, names=2)
    assert len(trace) > 1000
    assert (trace.nbytes > 0).sum() == (trace.nbytes == 0).sum()


def test_a_day_has_small_and_large_arrays_and_ends_with_nothing_live():
    """Lines of a screen of some KiB at most, a sweep and a book's scenarios of more."""
    trace = workloads.record_day(3, turns=10, names=4)
    acquired = trace.nbytes[trace.nbytes > 0]
    assert (trace.nbytes > 0).sum() == (trace.nbytes == 0).sum()
    assert np.median(acquired) < 4096
    assert acquired.max() > 64 * 1024


def test_a_flagged_allocator_is_called_with_flags():
    """As jemalloc's functions are: bytes and flags, address and flags."""
    seen = []
    acquire = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)(
        lambda size, flags: seen.append((size, flags)) or 4096
    )
    release = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)(
        lambda address, flags: seen.append((address, flags))
    )
    handle = ("flagged", *(ctypes.cast(one, ctypes.c_void_p).value for one in (acquire, release)))
    _core.allocator_pair_ns(handle, 100, 1, 2, 1)
    assert [(100, 0), (4096, 0), (100, 0), (4096, 0)] == seen


def test_growing_sizes_leave_a_known_share():
    """A percentage."""
    (figure,) = measures.growing()
    assert 0 <= figure.value < 100


def test_predictions_name_every_method():
    """The tournament under the pool's own name."""
    contenders = {figure.contender for figure in measures.predictions(3)}
    assert {POOL, "last", "markov2", "ewma", "frequency"} == contenders
    assert np.isfinite([figure.value for figure in measures.predictions(3)]).all()
