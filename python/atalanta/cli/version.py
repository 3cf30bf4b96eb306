"""The version of the package, found without importing anything heavy."""

from __future__ import annotations

from importlib import metadata

__all__ = ["installed_version", "package_version"]


def installed_version(package: str) -> str | None:
    """Version of an installed distribution, None where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def package_version() -> str:
    """Version of Atalanta; `unknown` where it runs from a source tree that was never installed."""
    return installed_version("atalanta") or "unknown"
