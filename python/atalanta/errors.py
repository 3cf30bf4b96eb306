"""The package's exceptions, and the one way an optional dependency is imported.

    AtalantaError
    ├── InputError (ValueError)          a call that cannot be carried out as asked
    ├── DeviceError (RuntimeError)       a device is not available, or failed while it ran
    ├── BufferLimitError (MemoryError)   a buffer would take its pool beyond the limit
    ├── DeadlineError (TimeoutError)     what was waited for did not come in time
    ├── RefusedError (RuntimeError)      a policy did not make the call
    │   ├── BreakerOpenError             what would be called has failed, and is left alone for a while
    │   └── BulkheadFullError            as many calls as are allowed at a time are under way
    ├── MissingExtraError (ImportError)  an optional dependency is not installed
    └── BrokenExtraError (ImportError)   an optional dependency is installed and does not load

Messages open with their origin and name the value, the limit and the mend:
`[market.read_chain] spx.csv has no column for the strike (looked for: …; found: …)`.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = [
    "AtalantaError",
    "BreakerOpenError",
    "BrokenExtraError",
    "BufferLimitError",
    "BulkheadFullError",
    "DeadlineError",
    "DeviceError",
    "InputError",
    "MissingExtraError",
    "RefusedError",
    "how_to_install",
    "import_extra",
]


#: What pip is given for an extra, where the module's name alone would bring something else.
_REQUIREMENTS = {
    "mlx": "mlx>=0.32,<0.33",
    "cuda": "mlx[cuda13]>=0.32,<0.33",
    "gpu-checks": "mlx[cpu]>=0.32,<0.33",
}


class AtalantaError(Exception):
    """Base of every exception the package raises on purpose."""


class InputError(AtalantaError, ValueError):
    """The arguments or the file cannot be used as they are."""


class BufferLimitError(AtalantaError, MemoryError):
    """The buffer asked for would take its pool beyond the limit."""


class DeadlineError(AtalantaError, TimeoutError):
    """What was waited for did not come before the deadline."""


class RefusedError(AtalantaError, RuntimeError):
    """A policy did not make the call.

    Args:
        message: as every error's.
        retry_after: seconds until it may be worth asking again.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BreakerOpenError(RefusedError):
    """What would be called has failed, and is left alone until it may have recovered."""


class BulkheadFullError(RefusedError):
    """As many calls as are allowed at a time are under way."""


class MissingExtraError(AtalantaError, ImportError):
    """An optional dependency is needed and not installed."""


class BrokenExtraError(AtalantaError, ImportError):
    """An optional dependency is needed, installed, and does not load."""


class DeviceError(AtalantaError, RuntimeError):
    """A device cannot run here, or failed while it ran."""


def how_to_install(module: str, extra: str | None, options: str = "") -> str:
    """What to do about a package that is not there, true wherever this one was installed from.

    Args:
        module: its import name.
        extra: the extra of this package that brings it; None for what this package needs in any case.
        options: of pip, for example `--force-reinstall`.
    """
    requirement = _REQUIREMENTS.get(extra or "", module)
    quoted = requirement if requirement.isalnum() else f"'{requirement}'"
    command = " ".join(filter(None, ("python -m pip install", options, quoted)))
    return f"install atalanta with its extra '{extra}', or: {command}" if extra and not options else command


def import_extra(module: str, extra: str, origin: str) -> ModuleType:
    """Import `module`, or say which extra of the package installs it, or that it is there and does not load.

    Args:
        module: import name, for example `polars`.
        extra: the extra of this package that brings it, for example `files`.
        origin: who asks, as the message's opening tag, for example `market.read_chain`.

    Raises:
        MissingExtraError: the module is not installed.
        BrokenExtraError: it is installed, and it, or something that it needs, fails to load.
    """
    try:
        return importlib.import_module(module)
    except Exception as error:  # a module may fail in any way
        # Where a part of the module is missing, or something it needs, it is there and broken.
        if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
            raise MissingExtraError(
                f"[{origin}] needs {module}, which is not installed: {how_to_install(module, extra)}"
            ) from error
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        mend = how_to_install(module, extra, "--force-reinstall")
        raise BrokenExtraError(
            f"[{origin}] needs {module}, which is installed and does not load ({reason}): {mend}"
        ) from error
