"""MLX: imported when a device first needs it, and driven from one thread. Main entries: `look`, `Worker`.

MLX arrays are lazy and their streams belong to a thread, so everything is built and evaluated in one function
on one worker thread, and only NumPy arrays leave it. A process that was forked after MLX had been used would
hang: such a child is told so.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from atalanta.errors import DeviceError, how_to_install

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["Mlx", "Worker", "extra", "forked", "look", "processor_extra"]

_T = TypeVar("_T")
#: The first with kernels whose arithmetic may be asked to be exact, and the first that may be another thing.
_LEAST, _BEYOND = (0, 32), (0, 33)


class Mlx(NamedTuple):
    """What was found: the module and its version, or why there is none and what to do.

    In `mend` the words {install} and {reinstall} stand for commands that depend on the device; see `mend_for`.
    """

    core: Any = None
    version: str = ""
    reason: str = ""
    mend: str = ""

    def mend_for(self, extra: str) -> str:
        """What to do for a device that is brought by an extra of this package."""
        return self.mend.format(
            install=how_to_install("mlx", extra), reinstall=how_to_install("mlx", extra, "--force-reinstall")
        )


_found: Mlx | None = None
_process = 0  # that imported MLX
_lock = threading.Lock()


def look() -> Mlx:
    """Import MLX, once. Missing libraries are a finding, not a failure."""
    global _found, _process
    with _lock:
        if _found is None:
            _found, _process = _import(), os.getpid()
        return _found


def forked() -> bool:
    """Whether this process was forked from one that had imported MLX."""
    return _found is not None and _found.core is not None and os.getpid() != _process


def extra() -> str:
    """The extra of this package that brings an MLX with a GPU backend here."""
    return "mlx" if sys.platform == "darwin" else "cuda"


def processor_extra() -> str:
    """The extra of this package that brings an MLX for the processor here."""
    return "mlx" if sys.platform == "darwin" else "gpu-checks"


def _import() -> Mlx:
    # Matrix units would round float32 products to 10 bits; whoever wants that has set the variable.
    os.environ.setdefault("MLX_ENABLE_TF32", "0")
    try:
        core = importlib.import_module("mlx.core")
    except ModuleNotFoundError as error:
        if error.name not in ("mlx", "mlx.core"):
            return Mlx(reason=f"MLX is installed, but needs {error.name}", mend="{install}")
        return Mlx(reason="MLX is not installed", mend="{install}")
    except (ImportError, OSError) as error:  # a library of its own or of the driver is missing
        return Mlx(
            reason=f"MLX is installed, but does not load: {_first_line(error)}", mend=_mend(str(error))
        )
    version = str(getattr(core, "__version__", "0"))
    if not _LEAST <= _numbers(version) < _BEYOND:
        return Mlx(reason=f"MLX {version} is installed; this version works with 0.32", mend="{install}")
    return Mlx(core, version)


def _mend(message: str) -> str:
    if "libmlx" in message:
        return "MLX came without its backend: {install}"
    if "libcuda.so" in message:
        return "the NVIDIA driver is missing: install it, or uninstall mlx"
    return "{reinstall}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int(part) if part.isdigit() else 0 for part in parts)


class Worker:
    """One thread that does everything with MLX, started at the first call."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None

    def do(self, what: str, task: Callable[[], _T]) -> _T:
        """Run `task` on the thread and give its result.

        Raises:
            DeviceError: it raised, or this process was forked after MLX was imported.
        """
        if forked():
            raise DeviceError(
                f"[{self._origin}] {what} cannot run: this process was forked after MLX was used. Start workers "
                "with multiprocessing's 'spawn' method"
            )
        with self._lock:
            if self._executor is None:
                from concurrent.futures import ThreadPoolExecutor  # slow to load, and rarely needed

                self._executor = ThreadPoolExecutor(1, thread_name_prefix=self._origin)
        try:
            return self._executor.submit(task).result()
        except (RuntimeError, ValueError, MemoryError) as error:
            raise DeviceError(
                f"[{self._origin}] {what} failed: {_first_line(error)}. The CPU does the same: device('cpu')"
            ) from error
