"""What this machine has and what is used of it: instruction sets and threads."""

from __future__ import annotations

import platform
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atalanta import _core, config
from atalanta.config import Change
from atalanta.errors import InputError

if TYPE_CHECKING:
    from atalanta.config import Config

__all__ = ["cpu_features", "prepare", "processor_name", "set_threads", "unusable"]

_lock = threading.Lock()
_prepared = threading.Event()


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
    prepare()
    return _core.cpu_info()


def prepare() -> None:
    """Let the kernels follow the configuration, once: threads, instruction set, and what memory results may take.

    Raises:
        InputError: the configuration, ATALANTA_ISA or ATALANTA_THREADS cannot be followed.
    """
    if _prepared.is_set():
        return
    with _lock:
        if _prepared.is_set():
            return
        _core.check_environment()
        settings = config.configured()
        if settings is not None:
            _select_isa(settings.machine.isa)
            if settings.machine.threads is not None:
                _core.set_threads(settings.machine.threads)
            # Large results come from the pool before anybody asks for `buffers`.
            if settings.buffers.limit is not None:
                _core.pool_set_limit(_core.Pool(shared=True), settings.buffers.limit)
        config.on_change(_follow_threads, "machine.threads")
        _prepared.set()


def _select_isa(name: str | None) -> None:
    if name is None:
        return
    try:
        _core.select_isa(name)
    except InputError as error:
        origin = config.current().origin("machine.isa")
        told = str(error).removeprefix("[select_isa] ")
        raise InputError(f"[machine] machine.isa, {origin}: {told}") from None


def unusable(settings: Config) -> Iterator[tuple[tuple[str, ...], str, object]]:
    """The key, what is wrong and the value of an instruction set that this machine does not run; selects none."""
    name = settings.machine.isa
    if name is None:
        return
    try:
        _core.select_isa(_core.select_isa(name))
    except InputError as error:
        yield ("machine", "isa"), str(error).partition("' is ")[2], name


def _follow_threads(change: Change) -> None:
    _core.set_threads(change.after.value.machine.threads)


def set_threads(threads: int | None) -> int:
    """Set the default number of threads of large batches; results do not depend on it.

    Args:
        threads: 1 to 1024, or None for the automatic choice (`machine.threads` of the configuration, else the
            processors that this process may use).

    Returns:
        The default before, so that it can be put back.

    Raises:
        InputError: not a whole number in that range, or a configuration that cannot be followed.
    """
    prepare()
    settings = config.configured() if threads is None else None
    return _core.set_threads(threads if settings is None else settings.machine.threads)


def processor_name() -> str:
    """The processor's name, as the operating system knows it."""
    name = _sysctl("machdep.cpu.brand_string") if sys.platform == "darwin" else _cpuinfo_name()
    return name or platform.processor() or platform.machine() or "unknown processor"


def _cpuinfo_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    names = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model")))
    return next(names, "")


def _sysctl(key: str) -> str:
    import subprocess  # slow to load, and needed on one system

    try:
        answer = subprocess.run(["sysctl", "-n", key], capture_output=True, text=True, timeout=2, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()
