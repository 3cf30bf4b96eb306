import csv

import numpy as np
import polars as pl
import pytest

from atalanta.cli.output import check_targets, write_rows, write_targets
from atalanta.errors import InputError, MissingExtraError
from atalanta.market.flags import QualityFlag
from atalanta.market.readers import read_chain
from tests.cli_reports import WEEK, market, report
from tests.parity_market import changed, parity_chain


@pytest.fixture(params=["rows.csv", "rows.parquet", "ROWS.CSV"])
def target(request, tmp_path):
    return tmp_path / request.param


def first_record(path):
    """The first row of a CSV file by column name."""
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.DictReader(file))


def test_rows_read_back_as_the_chain_they_were(target):
    """A file written by `--output` is a chain again: the same quotes, contracts and times."""
    made = report()
    write_rows(made.analysis, target)
    again = read_chain(target)
    for name in ("symbol", "strike", "bid", "ask", "right", "expires_at", "quote_time", "years"):
        assert made.analysis[name].tolist() == again[name].tolist(), name


def test_every_column_is_written(target):
    """All columns of the analysis and the names of the flags, in order."""
    made = report(changed(market(), "flags", 0, QualityFlag.STALE))
    write_rows(made.analysis, target)
    frame = pl.read_csv(target) if target.suffix.lower() == ".csv" else pl.read_parquet(target)
    assert [*made.analysis.columns, "flag_names"] == frame.columns
    assert ["stale", "ok"] == frame["flag_names"].to_list()[:2]
    assert made.analysis["iv_mid"].tolist() == frame["iv_mid"].to_list()


def test_an_unknown_number_is_an_empty_field(tmp_path):
    """NaN is written as nothing, which every reader takes for missing."""
    made = report(changed(parity_chain(WEEK), "bid", 0, np.nan))
    write_rows(made.analysis, tmp_path / "rows.csv")
    first = first_record(tmp_path / "rows.csv")
    assert ("", "") == (first["bid"], first["iv_bid"])


def test_texts_with_commas_and_quotes_survive(tmp_path):
    """Symbols are quoted as CSV demands."""
    chain = changed(parity_chain(WEEK), "symbol", 0, 'A,"B"\nC')
    write_rows(report(chain).analysis, tmp_path / "rows.csv")
    first = first_record(tmp_path / "rows.csv")
    assert 'A,"B"\nC' == first["symbol"]


def test_both_files_are_written(tmp_path):
    """Rows and page in one go; nothing where nothing is asked."""
    write_targets(report(), tmp_path / "rows.csv", tmp_path / "smile.html")
    assert ["rows.csv", "smile.html"] == sorted(path.name for path in tmp_path.iterdir())
    write_targets(report(), None, None)


@pytest.mark.parametrize("name", ["rows.xlsx", "rows", "rows.csv.gz"])
def test_other_endings_are_refused(tmp_path, name):
    """An ending that cannot be written is refused before the work, with the two that can."""
    with pytest.raises(InputError, match=rf"\[cli.chain\] cannot write {name}: .* \.parquet or \.csv"):
        check_targets(tmp_path / name, None)


@pytest.mark.parametrize("place", [0, 1])
def test_a_missing_folder_is_named(tmp_path, place):
    """A folder that does not exist is found before the work, for rows and page alike."""
    targets: list = [None, None]
    targets[place] = tmp_path / "nowhere" / "out.csv"
    with pytest.raises(InputError, match=r"there is no folder .*nowhere"):
        check_targets(*targets)


def test_parquet_without_polars_says_what_to_install(tmp_path, monkeypatch):
    """The missing extra is named before the work."""
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(MissingExtraError, match=r"atalanta\[files\]"):
        check_targets(tmp_path / "rows.parquet", None)
