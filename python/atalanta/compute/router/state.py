"""Where a calibration is from, and what is said about it. Main entries: `CalibrationState`, `say_once`."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["CalibrationState", "CalibrationWarning", "say_once"]

_said: set[str] = set()
_lock = threading.Lock()


class CalibrationWarning(UserWarning):
    """A calibration file was refused, and is measured anew; or a path holds something else, which is kept."""


class CalibrationState(NamedTuple):
    """What is known of one device's times."""

    device: str
    #: "file" or "measured"
    source: str
    #: None where nothing is kept
    path: Path | None
    #: that measuring took
    seconds: float
    #: pairs of operation and target
    curves: int
    #: a refusal, or why it was not saved; empty otherwise
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """In plain types, for JSON."""
        return {
            "device": self.device,
            "source": self.source,
            "path": None if self.path is None else str(self.path),
            "seconds": self.seconds,
            "curves": self.curves,
            "note": self.note,
        }


def say_once(text: str, category: type[Warning]) -> None:
    """Warn, unless this process has said the same."""
    with _lock:
        if text in _said:
            return
        _said.add(text)
    warnings.warn(text, category, stacklevel=3)
