"""The files that are looked for, and whether there are any. Main entries: `search_files`, `files_present`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["FILE", "files_present", "misnamed_files", "search_files"]

FILE = "atalanta.yaml"
_SYSTEM = Path("/etc/atalanta")


def search_files(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Of the system, of the user, of the folder one is in: the weakest first, there or not."""
    folders = [_SYSTEM, _user_folder(environment), Path()]
    return [folder / FILE for folder in folders if folder is not None]


def _user_folder(environment: Mapping[str, str]) -> Path | None:
    """`$XDG_CONFIG_HOME/atalanta`, else `~/.config/atalanta`; None for a user without a home."""
    base = environment.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # as the XDG rules say of a relative one
        home = environment.get("HOME") or os.path.expanduser("~")
        if not os.path.isabs(home):
            return None
        base = os.path.join(home, ".config")
    return Path(base) / "atalanta"


def files_present(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether one of the files is there, readable or not."""
    return any(_there(path) for path in search_files(environment))


def misnamed_files(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Files that look like one of ours and are not read."""
    return [
        other
        for path in search_files(environment)
        for other in (path.with_suffix(".yml"), path.with_suffix(".toml"))
        if _there(other)
    ]


def _there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # who cannot look cannot say that there is none: loading tells why
    return True
