"""The pool of the process under the configuration. Main entry: `follow_configuration`."""

from __future__ import annotations

from typing import Any, cast

from atalanta import config
from atalanta.buffers.pool import BufferPool
from atalanta.config import Change

__all__ = ["follow_configuration"]


def follow_configuration(pool: BufferPool) -> BufferPool:
    """Give the pool the limit and the guard that the configuration says, and each limit of a reload.

    Raises:
        ConfigError: the configuration cannot be used.
        InputError: the limit is below what is live.
    """
    configured = config.configured()
    if configured is not None:
        if configured.buffers.limit is not None:
            pool.set_limit(configured.buffers.limit)
        pool.set_guard(cast(Any, configured.buffers.guard))

    def follow(change: Change) -> None:
        pool.set_limit(change.after.value.buffers.limit)

    config.on_change(follow, "buffers.limit")
    return pool
