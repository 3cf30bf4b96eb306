"""The router of this process, and what the routed functions ask of it. Main entries: `default_router`, `first_use`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

from atalanta import _core, config
from atalanta.compute.devices import Result
from atalanta.compute.router.overrides import follow
from atalanta.compute.router.router import Router
from atalanta.compute.router.running import FAILURES
from atalanta.compute.router.targets import ONE_THREAD, POOL
from atalanta.reliability.events import FellBack, emit

__all__ = [
    "default_router",
    "first_use",
    "prepare",
    "quarantine",
    "route_computation",
    "route_computation_sync",
]

_lock = threading.Lock()
_router: Router | None = None


def default_router() -> Router:
    """The router that `price`, `greeks`, `implied_vol` and `route_computation` use; made at its first use.

    Raises:
        InputError: a configuration that cannot be followed.
    """
    global _router
    if _router is None:
        with _lock:
            if _router is None:
                made = Router()
                made.begin()
                one_thread, pool = (made.targets.index(name) for name in (ONE_THREAD, POOL))
                _core.install_router(made._core, one_thread, pool, _run_elsewhere)
                config.on_change(partial(follow, made), "router")
                _router = made
    return _router


def first_use() -> None:
    """Called by the routed functions before their first decision."""
    default_router()


def prepare(device: str) -> None:
    """Called by the routed functions for a device named in a call."""
    default_router().prepare(device)


def _run_elsewhere(
    operation: str,
    target: int,
    work: int,
    columns: Sequence[Any],
    tolerance: float,
    probe: bool,
    strict: bool,
) -> Result | None:
    """A routed function's call on a device beyond the CPU's kernels; None lets the kernels do it."""
    del tolerance  # each target has an error of its own, within it
    try:
        return default_router().attempt(operation, target, work, columns, timed=True, probe=probe)
    except FAILURES as error:
        if strict:
            raise
        emit(FellBack(default_router().targets[target], "cpu", error))
        return None


def quarantine() -> tuple[str, ...]:
    """The targets of this process's router that are left alone at present; none where there is no router yet."""
    return () if _router is None else _router.quarantine


async def route_computation(
    operation: str,
    *arrays: Any,
    tolerance: float | None = None,
    deadline: float | None = None,
    device: str | None = None,
) -> Result:
    """Run an operation where it finishes soonest, without holding up the event loop.

    Args:
        operation: a name in `atalanta.compute.devices.OPERATIONS`.
        arrays: as that operation lists them.
        tolerance: largest error, in the operation's measure; None for that of the CPU.
        deadline: seconds; then the quickest device that keeps it in 99 of 100 calls.
        device: 'auto', or the name of the device or target that it must be.

    Returns:
        What the operation lists, as NumPy arrays.

    Raises:
        InputError: an unknown operation, arrays that do not fit, a tolerance that no device meets.
        DeviceError: every device that may do it failed.
    """
    return await default_router().run_async(
        operation, *arrays, tolerance=tolerance, deadline=deadline, device=device
    )


def route_computation_sync(
    operation: str,
    *arrays: Any,
    tolerance: float | None = None,
    deadline: float | None = None,
    device: str | None = None,
) -> Result:
    """`route_computation` for code without an event loop.

    Args:
        operation: as there.
        arrays: as there.
        tolerance: as there.
        deadline: as there.
        device: as there.

    Raises:
        InputError: as there.
        DeviceError: as there.

    Example:
        >>> from atalanta.compute import route_computation_sync
        >>> route_computation_sync("add", [1.0, 2.0], [0.5, 0.5])
        array([1.5, 2.5])
    """
    return default_router().run(operation, *arrays, tolerance=tolerance, deadline=deadline, device=device)
