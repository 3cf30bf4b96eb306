"""Sizes of the processor's caches, as far as the system tells. Main entry: `cache_bytes`."""

from __future__ import annotations

import os

__all__ = ["cache_bytes"]

# Of a processor that tells nothing: where time per element bends is learnt a little later then.
_USUAL = (48 * 1024.0, 2 * 1024.0**2, 32 * 1024.0**2)
_NAMES = ("SC_LEVEL1_DCACHE_SIZE", "SC_LEVEL2_CACHE_SIZE", "SC_LEVEL3_CACHE_SIZE")


def cache_bytes() -> list[float]:
    """First, second and third level."""
    names = getattr(os, "sysconf_names", {})
    found = [os.sysconf(name) if name in names else 0 for name in _NAMES]
    return [float(size) if size > 0 else usual for size, usual in zip(found, _USUAL, strict=True)]
