"""The calibration file: where it lies, what machine it is of, and when it is refused. Main entries: `load`, `save`.

The text is that of csrc/routing/calibration_record.hpp: a version, the machine, the curves, a checksum. A file is
replaced as a whole or not at all.
"""

from __future__ import annotations

import os
import platform
import secrets
import sys
from pathlib import Path

import numpy as np

from atalanta import _core, config
from atalanta.compute.router.calibration import Curve
from atalanta.machine import cpu_features, processor_name

__all__ = ["Refused", "calibration_path", "fingerprint", "load", "obstacle", "save"]

_HEADER = b"atalanta-calibration "

Curves = dict[tuple[str, str], Curve]


#: What the user or an update may change on one machine; a file that differs in these alone is merely out of date.
_SETTINGS = {"atalanta", "numpy", "instruction set", "threads", "device"}


class Refused(Exception):
    """A file that is there and cannot be used; the text says why, `foreign` whether it should never have been there."""

    def __init__(self, reason: str, *, foreign: bool = True) -> None:
        super().__init__(reason)
        self.foreign = foreign


def calibration_path(device: str = "cpu") -> Path:
    """The file of a device: the configuration's, else one in the user's cache folder; others beside the CPU's."""
    settings = config.configured()
    given = None if settings is None else settings.router.calibration
    path = Path(given) if given else _cache_folder() / "atalanta" / "calibration.txt"
    return path if device == "cpu" else path.with_name(f"{path.stem}-{device}{path.suffix}")


def _cache_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def fingerprint(device: str) -> str:
    """What a measurement depends on, a line each.

    Args:
        device: what it is: the reason of its `Availability`.
    """
    info = cpu_features()
    features = " ".join(name for name, there in info["features"].items() if there)
    facts = {
        "atalanta": _version("atalanta"),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "features": features or "none",
        "processors": str(_usable_processors()),
        "instruction set": info["isa"],
        "threads": str(info["threads"]),
        "device": device,
    }
    return "\n".join(f"{name}: {' '.join(fact.split())}" for name, fact in facts.items())


def _version(package: str) -> str:
    from importlib import metadata  # slow to load, and needed once

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def _usable_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load(path: Path, machine: str) -> Curves | None:
    """The curves of a file; None where there is no file.

    Args:
        path: the file.
        machine: this machine's fingerprint.

    Raises:
        Refused: the file cannot be read, is damaged, of another version, or of another machine.
    """
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Refused(f"it cannot be read: {error.strerror or error}") from None
    try:
        written_for, curves = _core.decode_calibration(text)
    except ValueError as error:
        raise Refused(str(error)) from None
    if written_for != machine:
        raise _mismatch(written_for, machine)
    return {(operation, target): list(points) for operation, target, points in curves}


def _mismatch(theirs: str, ours: str) -> Refused:
    """Names the first facts that differ."""
    other = dict(line.partition(": ")[::2] for line in theirs.splitlines())
    own = dict(line.partition(": ")[::2] for line in ours.splitlines())
    differing = [name for name in own if other.get(name) != own[name]]
    parts = [f"{name} {other.get(name, 'unknown')} there, {own[name]} here" for name in differing[:2]]
    foreign = not differing or not set(differing) <= _SETTINGS
    where = "elsewhere" if foreign else "with other settings"
    return Refused(f"it was measured {where}: {'; '.join(parts) or 'the text differs'}", foreign=foreign)


def obstacle(path: Path) -> str:
    """Why what stands at a path must not be replaced; empty where nothing does, or a calibration however damaged.

    A path given by mistake may be anybody's file: only what begins as our own, or is empty, is ours to replace.
    """
    try:
        if not path.exists():
            return ""
        if not path.is_file():
            return f"{path} is not a file; name another path"
        with path.open("rb") as file:
            head = file.read(len(_HEADER))
    except NotADirectoryError:
        return ""  # nothing stands there, and nothing can: saving says why
    except OSError as error:
        return f"{path} cannot be read ({error.strerror or error}); name another path"
    if _HEADER.startswith(head):
        return ""
    return f"{path} is not a calibration file; name another path, or remove it"


def save(path: Path, machine: str, curves: Curves) -> None:
    """Write a file, with its folder where that is missing.

    Raises:
        OSError: it cannot be written; what stood there is untouched.
    """
    rows = [(operation, target, points) for (operation, target), points in curves.items()]
    text = _core.encode_calibration(machine, rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}-{secrets.token_hex(6)}.tmp")
    try:
        beside.write_bytes(text.encode())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
