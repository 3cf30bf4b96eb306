"""Files that `atalanta chain` writes: every row as Parquet or CSV, the smiles as HTML. Main entry: `write_targets`."""

from __future__ import annotations

import csv
from pathlib import Path

from atalanta.cli.document import plain_column
from atalanta.cli.report import Report
from atalanta.cli.smile_html import smile_page
from atalanta.errors import InputError, import_extra
from atalanta.market.flags import flag_names
from atalanta.market.table import Table

__all__ = ["check_targets", "write_rows", "write_targets"]


def check_targets(output: Path | None, html: Path | None) -> None:
    """Refuse files that cannot be written, before the work begins.

    Args:
        output: for the rows.
        html: for the smiles.

    Raises:
        InputError: `output` ends in neither .parquet nor .csv, or a folder does not exist.
        MissingExtraError: Parquet is asked for without polars.
    """
    if output is not None:
        if output.suffix.lower() not in {".parquet", ".csv"}:
            raise InputError(f"[cli.chain] cannot write {output.name}: --output must end in .parquet or .csv")
        if output.suffix.lower() == ".parquet":
            import_extra("polars", "files", "cli.chain --output")
    for path in filter(None, (output, html)):
        if not path.parent.is_dir():
            raise InputError(f"[cli.chain] cannot write {path}: there is no folder {path.parent}")


def write_targets(report: Report, output: Path | None, html: Path | None) -> None:
    """Write what was asked for; existing files are replaced."""
    if output is not None:
        write_rows(report.analysis, output)
    if html is not None:
        html.write_text(smile_page(report), encoding="utf-8")


def write_rows(table: Table, path: Path) -> None:
    """Write every row and column, and the flags by name in a further column.

    Args:
        table: N rows with a `flags` column.
        path: a .parquet or a .csv file; NaN becomes an empty field of the latter.
    """
    named = table.with_columns(flag_names=flag_names(table["flags"]))
    if path.suffix.lower() == ".parquet":
        named.to_polars().write_parquet(path)
        return
    columns = [plain_column(named[name]) for name in named.columns]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(named.columns)
        writer.writerows(zip(*columns, strict=True))
