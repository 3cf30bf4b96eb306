"""The calibration file: where it lies, what machine it is of, and when it is refused. Main entries: `load`, `save`.

One file holds a record for each device and setting, oldest first, each in the text of
csrc/routing/calibration_record.hpp: a version, the machine, the curves, a checksum. A file is replaced as a whole or
not at all.
"""

from __future__ import annotations

import os
import platform
import stat
import sys
import threading
from pathlib import Path

import numpy as np

from atalanta import _core, config
from atalanta.compute.router.calibration import Curve
from atalanta.machine import cpu_features, processor_name

__all__ = ["Refused", "calibration_path", "fingerprint", "load", "obstacle", "save"]

_HEADER = b"atalanta-calibration "

Curves = dict[tuple[str, str], Curve]


#: What the user, who may pin a process to some processors, or an update may change on one machine; a record that
#: differs in these alone is of other settings.
_SETTINGS = {"atalanta", "rules", "numpy", "processors", "instruction set", "threads", "device", "state"}

#: Of measuring: to be raised where what was measured before is not to be trusted. 2: the first call of a size is no reading.
_RULES = "2"

#: Records in a file; the oldest make room.
MOST_RECORDS = 16

_saving = threading.Lock()


class Refused(Exception):
    """A file that is there and cannot be used; the text says why, `foreign` whether it should never have been there."""

    def __init__(self, reason: str, *, foreign: bool = True) -> None:
        super().__init__(reason)
        self.foreign = foreign


def calibration_path() -> Path:
    """The file: the configuration's, else one in the user's cache folder."""
    settings = config.configured()
    given = None if settings is None else settings.router.calibration
    return Path(given) if given else _cache_folder() / "atalanta" / "calibration.txt"


def _cache_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def fingerprint(device: str, state: str) -> str:
    """What a measurement depends on, a line each.

    Args:
        device: its name.
        state: what it is: the reason of its `Availability`.
    """
    info = cpu_features()
    features = " ".join(name for name, there in info["features"].items() if there)
    facts = {
        "atalanta": _core.VERSION,
        "rules": _RULES,
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "features": features or "none",
        "processors": str(_usable_processors()),
        "instruction set": info["isa"],
        "threads": str(info["threads"]),
        "device": device,
        "state": state,
    }
    return "\n".join(f"{name}: {' '.join(fact.split())}" for name, fact in facts.items())


def _usable_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load(path: Path, machine: str) -> Curves | None:
    """The curves of this machine, device and settings; None where the file, or one of the device, is missing.

    Args:
        path: the file.
        machine: this machine's fingerprint.

    Raises:
        Refused: the file cannot be read, is damaged, of another version, or of another machine; or it has no record of
            the device with these settings.
    """
    try:
        text = _text_of(path)
    except OSError as error:
        raise Refused(f"it cannot be read: {error.strerror or error}") from None
    if text is None:
        return None
    found, damage = _records_in(text)
    for written_for, curves in reversed(found):
        if written_for == machine:
            return curves
    if damage:
        raise Refused(damage[0])
    others = [_mismatch(written_for, machine) for written_for, _ in found]
    if all(one.foreign for one in others):
        raise others[-1]
    of_device = [one for (text, _), one in zip(found, others, strict=True) if _alike(text, machine, "device")]
    ours = [one for one in of_device if not one.foreign]
    if ours:
        raise ours[-1]
    return None


def _text_of(path: Path) -> str | None:
    try:
        # Asked before it is opened: opening a pipe may wait for ever, and a device of the system has no end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("it is not a file")
        return path.read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _records_in(text: str) -> tuple[list[tuple[str, Curves]], list[str]]:
    """The records of a file, and what is wrong with those that are damaged."""
    found: list[tuple[str, Curves]] = []
    damage: list[str] = []
    header = _HEADER.decode()
    first, *more = text.split(f"\n{header}")
    parts = [first, *(header + part for part in more)]
    for place, part in enumerate(parts):
        try:
            written_for, curves = _core.decode_calibration(part + "\n" * (place + 1 < len(parts)))
        except ValueError as error:
            damage.append(str(error))
            continue
        found.append((written_for, {(name, target): list(points) for name, target, points in curves}))
    return found, damage


def _facts(machine: str) -> dict[str, str]:
    return dict(line.partition(": ")[::2] for line in machine.splitlines())


def _alike(one: str, other: str, fact: str) -> bool:
    return _facts(one).get(fact) == _facts(other).get(fact)


def _mismatch(theirs: str, ours: str) -> Refused:
    """Names the first facts that differ."""
    other, own = _facts(theirs), _facts(ours)
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
    """Write a record into a file, with its folder where that is missing.

    Records of this machine with other settings, or of its other devices, stay: the newest fifteen. Damaged ones and those
    of other machines go.

    Raises:
        OSError: it cannot be written; what stood there is untouched.
    """
    with _saving:  # devices are measured in threads of their own
        kept = [(text, known) for text, known in _others(path, machine) if known]
        written = [*kept[1 - MOST_RECORDS :], (machine, curves)]
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}-{os.urandom(6).hex()}.tmp")
        try:
            beside.write_bytes("".join(_encoded(*record) for record in written).encode())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def _others(path: Path, machine: str) -> list[tuple[str, Curves]]:
    """The records of a file that a new one leaves in force."""
    try:
        found, _ = _records_in(_text_of(path) or "")
    except OSError:
        return []
    return [record for record in found if record[0] != machine and not _mismatch(record[0], machine).foreign]


def _encoded(machine: str, curves: Curves) -> str:
    return _core.encode_calibration(
        machine, [(operation, target, points) for (operation, target), points in curves.items()]
    )
