"""The allocators that are measured: the pool, the C library's, and those whose shared libraries are found.

Main entries: `find_allocators`, `LIBRARIES`. The libraries are loaded beside the C library's and replace nothing.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass

from atalanta import _core

__all__ = ["GLIBC", "GLIBC_ALIGNED", "LIBRARIES", "POOL", "Allocator", "allocator", "find_allocators"]

POOL = "atalanta"
GLIBC = "malloc"
GLIBC_ALIGNED = "malloc aligned"


@dataclass(frozen=True)
class Library:
    """How an optional peer is found and called."""

    files: tuple[str, ...]
    kind: str
    acquire: str
    release: str


#: Names are looked for where the dynamic loader looks, LD_LIBRARY_PATH included.
LIBRARIES: Mapping[str, Library] = {
    "mimalloc": Library(
        ("libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so"), "plain", "mi_malloc", "mi_free"
    ),
    "jemalloc": Library(("libjemalloc.so.2", "libjemalloc.so"), "flagged", "mallocx", "dallocx"),
    "tcmalloc": Library(
        ("libtcmalloc.so.4", "libtcmalloc_minimal.so.4", "libtcmalloc.so"), "plain", "tc_malloc", "tc_free"
    ),
}


@dataclass(frozen=True)
class Allocator:
    """A name, and what `_core.allocator_pair_ns` and `_core.allocator_replay` take for it."""

    name: str
    handle: _core.Pool | tuple[str, int, int]


def allocator(name: str) -> Allocator | str:
    """The allocator of that name, loaded; or why its library is not.

    jemalloc needs GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384 to be loaded into a running process.
    """
    if name == POOL:
        return Allocator(name, _core.Pool())
    if name in (GLIBC, GLIBC_ALIGNED):
        own = ctypes.CDLL(None)
        kind, acquire = ("plain", own.malloc) if name == GLIBC else ("aligned", own.aligned_alloc)
        return Allocator(name, (kind, _address(acquire), _address(own.free)))
    library = LIBRARIES[name]
    reasons = []
    for file in library.files:
        try:
            loaded = ctypes.CDLL(file)
        except OSError as error:
            reasons.append(str(error))
            continue
        functions = _address(getattr(loaded, library.acquire)), _address(getattr(loaded, library.release))
        return Allocator(name, (library.kind, *functions))
    return reasons[0]


def find_allocators() -> tuple[list[Allocator], list[str]]:
    """All that can be measured here, and a remark for each peer that is not found."""
    found, missing = [], []
    for name in (POOL, GLIBC, GLIBC_ALIGNED, *LIBRARIES):
        one = allocator(name)
        if isinstance(one, str):
            missing.append(f"{name} is not measured: {one}")
        else:
            found.append(one)
    return found, missing


def _address(function: object) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
