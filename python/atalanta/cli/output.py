"""Files that `atalanta chain` writes: every row as Parquet or CSV, the smiles as HTML. Main entry: `write_targets`.

A file appears whole or not at all: it is written beside its target, which it then replaces.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from atalanta.cli.document import plain_column
from atalanta.cli.report import Report
from atalanta.cli.smile_html import smile_page
from atalanta.errors import InputError, import_extra
from atalanta.market.flags import flag_names
from atalanta.market.table import Table

__all__ = ["check_targets", "write_page", "write_rows", "write_targets"]


def check_targets(
    sources: Sequence[Path | None], output: Path | None, html: Path | None, origin: str = "cli.chain"
) -> None:
    """Refuse files that cannot be written, before the work begins.

    Args:
        sources: the files that are read.
        output: for the rows.
        html: for the page.
        origin: the command, as messages open.

    Raises:
        InputError: `output` ends in neither .parquet nor .csv, a folder does not exist, or two of the files are one.
        MissingExtraError: Parquet is asked for without polars.
    """
    if output is not None:
        if output.suffix.lower() not in {".parquet", ".csv"}:
            raise InputError(f"[cli.chain] cannot write {output.name}: --output must end in .parquet or .csv")
        if output.suffix.lower() == ".parquet":
            import_extra("polars", "files", "cli.chain --output")
    for option, path in (("--output", output), ("--html", html)):
        if path is None:
            continue
        if not path.parent.is_dir():
            raise InputError(f"[{origin}] cannot write {path}: there is no folder {path.parent}")
        if path.is_dir():
            raise InputError(f"[{origin}] cannot write {path}: it is a folder, {option} takes a file")
        if any(_same_file(path, source) for source in filter(None, sources)):
            raise InputError(f"[{origin}] {option} {path} is the file that is read: give it another name")
    if output is not None and html is not None and _same_file(output, html):
        raise InputError(f"[{origin}] --output and --html are both {output}: give one of them another name")


def write_targets(report: Report, output: Path | None, html: Path | None) -> None:
    """Write what was asked for; existing files are replaced.

    Raises:
        InputError: a file cannot be written; what stood there is untouched.
    """
    if output is not None:
        write_rows(report.analysis, output)
    if html is not None:
        _write(html, smile_page(report).encode(errors="replace"))


def write_page(text: str, path: Path, origin: str) -> None:
    """Write a page; what stood there is replaced.

    Raises:
        InputError: it cannot be written; what stood there is untouched.
    """
    _write(path, text.encode(errors="replace"), origin)


def write_rows(table: Table, path: Path) -> None:
    """Write every row and column, and the flags by name in a further column.

    Args:
        table: N rows with a `flags` column.
        path: a .parquet or a .csv file; NaN becomes an empty field of the latter.

    Raises:
        InputError: the file cannot be written; what stood there is untouched.
    """
    named = table.with_columns(flag_names=flag_names(table["flags"]))
    _write(path, _parquet(named) if path.suffix.lower() == ".parquet" else _csv(named))


def _parquet(table: Table) -> bytes:
    buffer = io.BytesIO()
    table.to_polars().write_parquet(buffer)
    return buffer.getvalue()


def _csv(table: Table) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.columns)
    writer.writerows(zip(*(plain_column(table[name]) for name in table.columns), strict=True))
    return text.getvalue().encode(errors="replace")


def _write(path: Path, content: bytes, origin: str = "cli.chain") -> None:
    try:
        target = path.resolve()  # a link stays a link
        if target.exists() and not target.is_file():
            target.write_bytes(content)  # a pipe or a device has no place to be replaced
        else:
            _replace(target, content)
    except OSError as error:
        raise InputError(f"[{origin}] cannot write {path}: {error.strerror or error}") from error


def _replace(target: Path, content: bytes) -> None:
    """Put a whole file in the place of `target`; a target that may not be written is not replaced either."""
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(0, "it may not be written to")
    beside = target.with_name(f".atalanta-{secrets.token_hex(6)}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # some file systems report a full disk only here
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _same_file(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
