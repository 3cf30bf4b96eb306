import csv
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from atalanta.cli.output import check_targets, write_rows, write_targets
from atalanta.errors import InputError, MissingExtraError
from atalanta.market.flags import QualityFlag
from atalanta.market.reading.readers import read_chain
from tests.cli_reports import WEEK, market, report
from tests.parity_market import changed, parity_chain

SOURCE = Path("quotes.csv")


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
        check_targets([SOURCE], tmp_path / name, None)


@pytest.mark.parametrize("place", [0, 1])
def test_a_missing_folder_is_named(tmp_path, place):
    """A folder that does not exist is found before the work, for rows and page alike."""
    targets: list = [None, None]
    targets[place] = tmp_path / "nowhere" / "out.csv"
    with pytest.raises(InputError, match=r"there is no folder .*nowhere"):
        check_targets([SOURCE], *targets)


def test_parquet_without_polars_says_what_to_install(tmp_path, monkeypatch):
    """The missing extra is named before the work."""
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(MissingExtraError, match="its extra 'files'"):
        check_targets([SOURCE], tmp_path / "rows.parquet", None)


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "smile.html"])
def test_a_file_that_is_replaced_keeps_its_rights(tmp_path, name):
    """What stood there is replaced whole; who may read it stays as it was, and nothing else is left behind."""
    path = tmp_path / name
    path.write_text("old")
    path.chmod(0o600)
    write(path)
    assert b"old" != path.read_bytes()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [name] == [entry.name for entry in tmp_path.iterdir()]


def write(path):
    """The report on three expiries as what the ending of the path asks for."""
    html = path.suffix == ".html"
    write_targets(report(), None if html else path, path if html else None)


def test_a_new_file_gets_the_rights_of_any_other(tmp_path):
    """The rights are those the system gives to new files, not those of a private temporary one."""
    (tmp_path / "other").touch()
    write_rows(market(), tmp_path / "rows.csv")
    assert (tmp_path / "other").stat().st_mode == (tmp_path / "rows.csv").stat().st_mode


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "smile.html"])
def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch, name):
    """A disk that is full at the last moment: the old file stands untouched, and no half of a new one."""

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / name
    path.write_text("old")
    with pytest.raises(InputError, match=rf"\[cli.chain\] cannot write .*{name}: No space left on device"):
        write(path)
    assert "old" == path.read_text()
    assert [name] == [entry.name for entry in tmp_path.iterdir()]


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path, monkeypatch):
    """Rights of the folder are not enough to replace a protected file."""
    monkeypatch.setattr(os, "access", lambda path, mode: (path.name, mode) != ("rows.csv", os.W_OK))
    (tmp_path / "rows.csv").write_text("precious")
    with pytest.raises(InputError, match=r"rows\.csv: it may not be written to"):
        write_rows(market(), tmp_path / "rows.csv")
    assert "precious" == (tmp_path / "rows.csv").read_text()


def test_a_link_stays_a_link(tmp_path):
    """The rows go to the file the link stands for."""
    (tmp_path / "link.csv").symlink_to(tmp_path / "rows.csv")
    write_rows(market(), tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert 126 == len(pl.read_csv(tmp_path / "rows.csv"))


def test_a_pipe_gets_the_rows(tmp_path):
    """A named pipe is written into, not replaced by a file."""
    os.mkfifo(tmp_path / "pipe.csv")
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit((tmp_path / "pipe.csv").read_text)
        write_rows(market(), tmp_path / "pipe.csv")
        assert 127 == len(read.result(timeout=60).splitlines())


@pytest.mark.parametrize("option", ["--output", "--html"])
@pytest.mark.parametrize("way", ["same.csv", "link.csv", "hard.csv", "folder/../same.csv"])
def test_the_file_that_is_read_is_never_a_target(tmp_path, option, way):
    """Raw quotes are not overwritten, by whatever name they are called."""
    (tmp_path / "folder").mkdir()
    source = tmp_path / "same.csv"
    source.touch()
    (tmp_path / "link.csv").symlink_to(source)
    (tmp_path / "hard.csv").hardlink_to(source)
    target = tmp_path / way
    with pytest.raises(InputError, match=rf"{option} .* is the file that is read: give it another name"):
        check_targets([source], *((target, None) if option == "--output" else (None, target)))


@pytest.mark.parametrize("exists", [False, True])
def test_rows_and_page_need_two_files(tmp_path, exists):
    """One file for both would lose the rows: refused, whether it exists or not."""
    if exists:
        (tmp_path / "out.csv").touch()
    with pytest.raises(InputError, match=r"--output and --html are both .*out\.csv"):
        check_targets([SOURCE], tmp_path / "out.csv", tmp_path / "." / "out.csv")


@pytest.mark.parametrize(("place", "option"), [(0, "--output"), (1, "--html")])
def test_a_folder_is_no_target(tmp_path, place, option):
    """A folder of that name is found before the work."""
    (tmp_path / "out.csv").mkdir()
    targets: list = [None, None]
    targets[place] = tmp_path / "out.csv"
    with pytest.raises(InputError, match=rf"out.csv: it is a folder, {option} takes a file"):
        check_targets([SOURCE], *targets)


def test_good_targets_are_accepted(tmp_path):
    """Two new files in a folder that is there."""
    check_targets([SOURCE], tmp_path / "rows.csv", tmp_path / "smile.html")


def test_texts_that_are_no_text_are_replaced(tmp_path):
    """Half a character in a symbol does not cost the file."""
    chain = changed(parity_chain(WEEK), "symbol", 0, "A\udcff")
    write_rows(report(chain).analysis, tmp_path / "rows.csv")
    assert "A?" == first_record(tmp_path / "rows.csv")["symbol"]
