"""What this machine has and what is used of it: instruction sets and threads."""

from __future__ import annotations

from typing import Any

from atalanta import _core

__all__ = ["cpu_features", "set_threads"]


def cpu_features() -> dict[str, Any]:
    """The instruction sets of this build and machine.

    Returns:
        `isa`: name of the one in use (`ATALANTA_ISA` forces another); `available`: one dictionary per
        instruction set of the build, best first, with `name`, `description`, `supported`, `chosen`;
        `features`: what the processor reports; `threads`: the default count for large batches.

    Raises:
        InputError: ATALANTA_ISA or ATALANTA_THREADS cannot be followed.
    """
    _core.check_environment()
    return _core.cpu_info()


def set_threads(threads: int | None) -> int:
    """Set the default number of threads of large batches; results do not depend on it.

    Args:
        threads: 1 to 1024, or None for the automatic choice (`ATALANTA_THREADS`, else the processors
            that this process may use).

    Returns:
        The default before, so that it can be put back.

    Raises:
        InputError: not a whole number in that range.
    """
    return _core.set_threads(threads)
