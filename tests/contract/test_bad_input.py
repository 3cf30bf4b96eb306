import gzip
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from atalanta.errors import InputError
from atalanta.market.flags import QualityFlag
from atalanta.market.reading.readers import read_chain
from tests.vendor_layouts import WRITTEN

GOOD = WRITTEN["atalanta"].columns


def _with(**columns):
    return {**GOOD, **columns}


def _cell(name, row, value):
    """The good columns with one cell replaced."""
    cells = list(GOOD[name])
    cells[row] = value
    return _with(**{name: cells})


def _kind(value):
    return type(value).__name__


def _csv(tmp_path, columns=GOOD, ending=".csv"):
    path = tmp_path / f"chain{ending}"
    text = pl.DataFrame(columns).write_csv().encode()
    path.write_bytes(gzip.compress(text) if ending.endswith(".gz") else text)
    return path


def _refused(source, message, **arguments):
    with pytest.raises(InputError, match=r"^\[market\.read_chain\] ") as caught:
        read_chain(source, **arguments)
    assert re.search(message, str(caught.value)), str(caught.value)


# --- the whole call: the source ---


def test_no_such_file(tmp_path):
    """A path without a file is named."""
    _refused(tmp_path / "nowhere.csv", r"there is no file .*nowhere\.csv")


def test_a_folder_is_no_file(tmp_path):
    """Whatever its ending, it is called what it is."""
    (tmp_path / "chain.csv").mkdir()
    for path in (tmp_path / "chain.csv", tmp_path):
        _refused(path, r"is a folder; name one file in it \(known: \.csv, \.csv\.gz, \.parquet\)")


@pytest.mark.parametrize("ending", [".xlsx", ".json", ".dbn.zst", ".gz", ""])
def test_a_type_that_cannot_be_read(tmp_path, ending):
    """An unknown ending is refused with the endings that are known."""
    path = tmp_path / f"chain{ending}"
    path.write_bytes(b"strike,bid\n")
    _refused(path, r"of a type that cannot be read \(known: \.csv, \.csv\.gz, \.parquet\)")


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_an_empty_file(tmp_path, ending):
    """A file of zero bytes is empty, whatever its ending."""
    path = tmp_path / f"chain{ending}"
    path.write_bytes(b"")
    _refused(path, r"is empty \(0 bytes\)")


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_a_file_without_rows(tmp_path, ending):
    """A header alone is no chain."""
    path = tmp_path / f"chain{ending}"
    frame = pl.DataFrame(GOOD).clear()
    if ending == ".parquet":
        frame.write_parquet(path)
    else:
        path = _csv(tmp_path, frame, ending)
    _refused(path, "holds no rows")


@pytest.mark.parametrize("content", [b"\n\n\n", b"   \n", b"\xef\xbb\xbf"])
def test_a_file_of_blank_lines(tmp_path, content):
    """Blank lines are no header and no rows."""
    path = tmp_path / "chain.csv"
    path.write_bytes(content)
    _refused(path, "holds no rows")


@pytest.mark.parametrize(
    "source", [pd.DataFrame(GOOD).head(0), pl.DataFrame(GOOD).clear(), {}, {"strike": []}]
)
def test_a_frame_without_rows(source):
    """An empty frame or mapping is no chain."""
    _refused(source, "holds no rows")


def test_a_zipped_file_that_is_cut_off(tmp_path):
    """Half a gzip stream is not read as half a chain."""
    path = _csv(tmp_path, ending=".csv.gz")
    path.write_bytes(path.read_bytes()[:-20])
    _refused(path, "is cut off")


def test_a_zipped_file_with_a_flipped_bit(tmp_path):
    """A gzip stream whose checksum does not hold is refused."""
    path = _csv(tmp_path, ending=".csv.gz")
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(bytes(data))
    _refused(path, "is not a readable gzip file")


def test_a_zipped_file_that_is_none(tmp_path):
    """Plain text under the ending .csv.gz is refused."""
    path = tmp_path / "chain.csv.gz"
    path.write_bytes(b"strike,bid\n1,2\n")
    _refused(path, "is not a readable gzip file")


def test_a_parquet_file_that_is_none(tmp_path):
    """Text under the ending .parquet is refused."""
    path = tmp_path / "chain.parquet"
    path.write_bytes(b"strike,bid\n1,2\n")
    _refused(path, "is not a Parquet file")


def test_a_parquet_file_that_is_cut_off(tmp_path):
    """Parquet without its closing mark is refused."""
    path = tmp_path / "chain.parquet"
    pl.DataFrame(GOOD).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    _refused(path, "is not a Parquet file, or is cut off")


@pytest.mark.parametrize("part", [slice(4, 80), slice(-12, -8), slice(-400, -40)])
def test_a_parquet_file_with_a_broken_part(part, tmp_path):
    """Parquet whose marks stand and whose pages or table of contents do not is refused in one line."""
    path = tmp_path / "chain.parquet"
    pl.DataFrame(GOOD).write_parquet(path)
    data = bytearray(path.read_bytes())
    data[part] = b"\xff" * len(data[part])
    path.write_bytes(bytes(data))
    _refused(path, "is not a readable Parquet file: [^\n]+$")


@pytest.mark.parametrize(
    "content", [b"PAR1....", b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"s\0t\0r\0", b"strike,\xff\n1\n"]
)
def test_text_that_is_none(tmp_path, content):
    """Parquet, gzip, a spreadsheet, UTF-16 or Latin-1 under the ending .csv are refused."""
    path = tmp_path / "chain.csv"
    path.write_bytes(content)
    _refused(path, "is not UTF-8 text")


def test_a_line_with_too_few_fields(tmp_path):
    """A file that ends in the middle of a line is refused with the line: 45 could have been 4500."""
    path = _csv(tmp_path)
    path.write_text(path.read_text().rstrip("\n").rpartition(",")[0])
    _refused(path, r"chain\.csv, line 9: 11 fields, the header has 12")


def test_a_line_with_too_many_fields(tmp_path):
    """A thousands separator without quotation marks shifts the fields, and is refused with the line."""
    path = _csv(tmp_path)
    path.write_text(path.read_text().replace("560.25", "1,560.25", 1))
    _refused(path, r"chain\.csv, line 2: 13 fields, the header has 12")


@pytest.mark.parametrize("source", [None, 3.5, [GOOD], np.zeros(4), b"chain.csv", object()])
def test_a_source_of_another_kind(source):
    """What is neither path, frame nor mapping is refused by its type."""
    _refused(source, "cannot read a ")


def test_columns_of_different_lengths():
    """A mapping whose columns differ in length is refused with the lengths."""
    _refused(_with(bid=[1.0]), r"differ in length: \{.*'bid': 1")


def test_columns_of_more_dimensions():
    """A column with two dimensions is refused by name."""
    _refused(_with(bid=np.zeros((8, 2))), r"column 'bid' of the mapping has 2 dimensions")


def test_a_scalar_is_no_column():
    """A mapping holds columns, one value per row."""
    _refused(_with(bid=1.0), r"column 'bid' of the mapping has 0 dimensions")


# --- the whole call: the columns ---


def test_unknown_columns_name_the_nearest_layout():
    """Headers of no layout are answered with the nearest one and what it misses."""
    _refused(
        {"foo": [1], "strike": [2.0], "bid": [1.0]},
        r"no known layout \(canonical, .*nearest is yahoo.*found: foo",
    )


def test_a_missing_column_says_what_was_looked_for(tmp_path):
    """The message names the column, the headers looked for and those found."""
    rest = {name: cells for name, cells in GOOD.items() if name != "strike"}
    _refused(
        _csv(tmp_path, rest),
        r"chain\.csv has no column for the strike \(looked for: strike, strike_price\).*found: quote_ts_utc",
    )


def test_a_layout_that_does_not_exist():
    """An unknown layout name is answered with the known ones and the nearest spelling."""
    _refused(GOOD, r"there is no layout 'orats' \(known: canonical, .*did you mean 'orats-", layout="orats")


def test_a_layout_that_does_not_fit():
    """A layout named by the caller is the only one tried."""
    _refused(GOOD, "read as layout optionsdx", layout="optionsdx")


@pytest.mark.parametrize("twin", ["Bid", " bid ", "[BID]"])
def test_two_columns_that_read_alike(twin):
    """Which of two columns is the bid is not guessed."""
    _refused({**GOOD, twin: GOOD["ask"]}, r"has 2 columns that read as 'bid'")


def test_a_csv_header_twice(tmp_path):
    """A header that occurs twice in a CSV file is refused where the layout uses it."""
    path = _csv(tmp_path)
    path.write_text(path.read_text().replace("volume", "bid", 1))
    _refused(path, r"has 2 columns that read as 'bid' \('bid', 'bid'\)")


def test_a_pandas_header_twice():
    """A header that occurs twice in a pandas frame is refused."""
    frame = pd.DataFrame(GOOD)
    _refused(pd.concat([frame, frame[["bid"]]], axis=1), "unique column names")


@pytest.mark.parametrize(
    ("name", "cells", "wanted"),
    [
        ("strike", ["abc"] * 8, "number"),
        ("bid", np.ones(8, dtype=bool), "number"),
        ("ask", np.full(8, "2024-01-01", dtype="M8[D]"), "number"),
        ("ask", pd.Series([[1.0]] * 8), "number"),
        ("right", ["X"] * 8, "call or put"),
        ("right", [2] * 8, "call or put"),
        ("expiry", ["soon"] * 8, "date"),
        ("expiry", ["1850-01-01"] * 8, "date"),
        ("quote_ts_utc", ["noon"] * 8, "time"),
        ("quote_ts_utc", [7.5] * 8, "time"),
    ],
)
def test_a_column_of_another_type(name, cells, wanted):
    """A column without one usable value is refused with count, first value and row."""
    columns = {**GOOD, name: np.array(cells, dtype=object) if isinstance(cells, list) else cells}
    _refused(
        columns, rf"column '{name}' of the mapping .* holds 8 values and no {wanted} \(first: .* data row 1\)"
    )


def test_no_quote_time():
    """Without a quote time there are no years: the caller is asked for it."""
    rest = {name: cells for name, cells in GOOD.items() if name != "quote_ts_utc"}
    _refused(rest, r"does not say when it was quoted: give quote_time=")


def test_no_underlying():
    """Without an underlying there is no product: the caller is asked for it."""
    rest = {name: cells for name, cells in GOOD.items() if name != "underlying"}
    _refused(rest, r"does not name the underlying: give it as underlying=")


# --- the whole call: the arguments ---


def test_a_layout_whose_name_is_no_text():
    """A layout named by something else than text is shown, without a guess."""
    _refused(GOOD, r"there is no layout 3 \(known: canonical, [^?]*\)$", layout=3)
    _refused(GOOD, r"there is no layout '' \(known: canonical, [^?]*\)$", layout="")


@pytest.mark.parametrize("underlying", [3, "", " ^ ", b"SPY", ["SPY"], ("SPY", "QQQ"), {}])
def test_an_underlying_that_is_no_ticker(underlying):
    """The argument must be text with a name in it."""
    _refused(GOOD, r"underlying=.* is no ticker: give one like 'SPY'", underlying=underlying)


@pytest.mark.parametrize(
    "quote_time",
    [
        "yesterday",
        "1850-01-01",
        "",
        np.datetime64("NaT", "ns"),
        3.5,
        [],
        ["2024-09-13"],
        {"SPY": 1},
        object(),
        10**5000,
    ],
    ids=_kind,
)
def test_a_quote_time_that_is_none(quote_time):
    """The argument must be a time from 1990 to 2099."""
    _refused(GOOD, "quote_time=.* is no time from 1990 to 2099", quote_time=quote_time)


@pytest.mark.parametrize(
    "spot",
    [
        *(0.0, -1.0, np.nan, np.inf, 10**5000, {"SPY": 0.0}, {"QQQ": 400.0}, {3: 400.0}),
        *("560", b"560", True, np.True_, [560.0], np.array([560.0]), {"SPY": "560"}, {"SPY": None}, object()),
    ],
    ids=_kind,
)
def test_a_spot_that_is_none(spot):
    """The argument must be a positive price of an underlying that the chain holds."""
    _refused(GOOD, "spot .* needs a positive price of one of SPY", spot=spot)


def test_one_spot_for_two_underlyings():
    """A single spot would be wrong for one of two underlyings."""
    _refused(_with(underlying=["SPY"] * 4 + ["QQQ"] * 4), r"for 2 underlyings \(QQQ, SPY\)", spot=500.0)


def test_one_name_for_two_underlyings():
    """An underlying given for a source that holds two would merge them."""
    columns = _with(underlying=["SPY"] * 4 + ["QQQ"] * 4)
    _refused(columns, r"one name to 2 underlyings \(QQQ, SPY\)", underlying="SPY")


@pytest.mark.parametrize("value", ["bermudan", "noon", "", 3, b"PM", ["PM"], object(), 10**5000], ids=_kind)
@pytest.mark.parametrize("name", ["exercise", "settlement"])
def test_a_choice_that_is_none(name, value):
    """Exercise and settlement are answered with what is known, whatever was given."""
    _refused(GOOD, f"{name}=.* is unknown: give '", **{name: value})


# --- one row: NaN and a flag, the row stays ---


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strike", 0.0),
        ("strike", -5.0),
        ("strike", np.inf),
        ("strike", None),
        ("right", "X"),
        ("right", ""),
        ("expiry", "soon"),
        ("expiry", ""),
        ("expiry", "2024-02-30"),
        ("quote_ts_utc", "noon"),
        ("quote_ts_utc", ""),
        ("bid", np.inf),
        ("ask", -np.inf),
        ("bid", "abc"),
        ("spot", "abc"),
        ("spot", -1.0),
        ("spot", np.inf),
    ],
)
def test_a_cell_that_cannot_be_used_flags_its_row(name, value):
    """One bad cell makes its row a bad contract, and no other; the row stays in its place."""
    chain = read_chain(_cell(name, 3, value))
    assert len(chain) == 8
    np.testing.assert_array_equal(np.arange(8) == 3, (chain["flags"] & QualityFlag.BAD_CONTRACT) != 0)


@pytest.mark.parametrize("name", ["strike", "bid", "ask", "spot"])
def test_a_cell_that_is_no_number_is_nan_and_told(name):
    """The number is missing rather than guessed, and the notes quote the cell with its row."""
    chain = read_chain(_cell(name, 3, "12,5x"))
    assert np.isnan(chain[name][3])
    assert (
        f"{name}: 1 cells are no number, flagged bad_contract (first: '12,5x' in data row 4)" in chain.notes
    )


def test_a_number_with_a_decimal_comma_is_bad():
    """A European 12,25 is flagged rather than read as 1225, and so is a 1,234 beside it."""
    chain = read_chain(_with(ask=["12,25", "1,234", *GOOD["ask"][2:]]))
    assert [0, 1] == np.flatnonzero(chain["flags"] & QualityFlag.BAD_CONTRACT).tolist()
    assert np.isnan(chain["ask"][:2]).all()
    assert "ask: 2 cells are no number, flagged bad_contract (first: '12,25' in data row 1)" in chain.notes


@pytest.mark.parametrize("large", [False, True])
def test_quoted_amounts_in_a_file(tmp_path, large, monkeypatch):
    """Prices like "1,234.50" in quotation marks, and $1234.50 without, read alike by either splitter."""
    if large:
        monkeypatch.setattr("atalanta.market.reading.csv_files.LARGE_CSV_BYTES", 1)
    marked = {"spot": [f"${spot:.2f}" for spot in GOOD["spot"]]}
    if not large:
        marked["strike"] = [f"{10 * strike:,.2f}" for strike in GOOD["strike"]]
    chain = read_chain(_csv(tmp_path, _with(**marked)))
    assert GOOD["spot"] == chain["spot"].tolist()
    assert [strike if large else 10 * strike for strike in GOOD["strike"]] == chain["strike"].tolist()
    assert [0] * 8 == chain["flags"].tolist()


def test_a_bad_cell_in_a_vendor_column_leaves_the_contract_alone():
    """A volume that is no number is empty and told; the quote is as good as before."""
    chain = read_chain(_cell("volume", 3, "many"))
    assert np.isnan(chain["volume"][3])
    assert [0] * 8 == chain["flags"].tolist()
    assert "volume: 1 cells are no number, left empty (first: 'many' in data row 4)" in chain.notes


@pytest.mark.parametrize("value", [-1.0, np.inf, -np.inf])
def test_a_price_that_is_none_becomes_nan(value):
    """A negative or infinite bid is not carried on as a number."""
    chain = read_chain(_cell("bid", 3, value))
    assert np.isnan(chain["bid"][3])
    assert chain["flags"][3] & QualityFlag.NO_BID or np.isinf(value)


@pytest.mark.parametrize("value", [0.0, None, ""])
def test_an_unknown_spot_is_nan_and_told(value):
    """A spot of zero stands for none: the row keeps its quote, without a flag."""
    chain = read_chain(_cell("spot", 3, value))
    assert np.isnan(chain["spot"][3])
    assert chain["flags"][3] == 0
    assert "spot of 1 rows is unknown: NaN" in chain.notes


def test_the_second_of_two_equal_contracts_is_bad():
    """Of rows with one key the first is kept clean, every other is flagged and stays."""
    twice = {name: [*cells, cells[2], cells[2]] for name, cells in GOOD.items()}
    chain = read_chain(twice)
    assert [8, 9] == np.flatnonzero(chain["flags"] & QualityFlag.BAD_CONTRACT).tolist()


def test_a_symbol_of_another_contract_is_bad():
    """Where the symbol and the columns disagree in strike, side or date, neither is trusted."""
    symbols = list(WRITTEN["yahoo"].columns["contractSymbol"])
    symbols[1] = symbols[1].replace("P", "C", 2).replace("SCY", "SPY")
    symbols[2] = symbols[2].replace("00565500", "00565000")
    symbols[5] = symbols[5].replace("241220", "241219")
    chain = read_chain(_with(symbol=symbols))
    assert [1, 2, 5] == np.flatnonzero(chain["flags"] & QualityFlag.BAD_CONTRACT).tolist()
    assert any(note.startswith("3 symbols contradict their columns") for note in chain.notes)


def test_a_symbol_of_another_underlying_is_bad():
    """A row whose column says SPY and whose symbol says QQQ is neither's; it stays, flagged and told."""
    symbols = list(WRITTEN["yahoo"].columns["contractSymbol"])
    symbols[3] = symbols[3].replace("SPY", "QQQ")
    chain = read_chain(_with(symbol=symbols))
    assert [3] == np.flatnonzero(chain["flags"] & QualityFlag.BAD_CONTRACT).tolist()
    assert ("SPY", symbols[3]) == (chain["underlying"][3], chain["symbol"][3])
    assert any(note.startswith("1 symbols are of another underlying, flagged") for note in chain.notes)


def test_a_symbol_that_is_none_leaves_the_columns_in_charge():
    """A vendor's own identifier is kept as found, and told; the columns say all that is needed."""
    chain = read_chain(_with(symbol=[f"id-{row}" for row in range(8)]))
    assert [0] * 8 == chain["flags"].tolist()
    assert chain["symbol"][3] == "id-3"
    assert any(note.startswith("8 symbols are no option symbols") for note in chain.notes)


def test_a_yahoo_symbol_that_is_none_is_a_bad_contract():
    """Where only the symbol tells the contract, a broken one leaves nothing to go by."""
    written = WRITTEN["yahoo"]
    symbols = [*written.columns["contractSymbol"][:7], "SPY???"]
    chain = read_chain({**written.columns, "contractSymbol": symbols}, underlying="SPY", **written.arguments)
    assert [7] == np.flatnonzero(chain["flags"] & QualityFlag.BAD_CONTRACT).tolist()
    assert (0, "NaT") == (chain["right"][7], str(chain["expiry"][7]))


def test_vols_in_per_cent_are_divided():
    """A vendor's volatility column with a median above 300 % is in per cent, and the notes say so."""
    vols = [100 * vol for vol in GOOD["iv_vendor"]]
    chain = read_chain(_with(iv_vendor=vols))
    np.testing.assert_array_equal(np.array(vols) / 100, chain["iv_vendor"])
    assert any("looks like per cent" in note for note in chain.notes)


def test_mixed_settlements_are_told_apart_and_duplicates_are_not():
    """AM and PM rows of one strike and date are two contracts; an unreadable settlement is told."""
    columns = {
        "quote_ts_utc": ["2024-09-13T20:00Z"] * 3,
        "underlying": ["SPX"] * 3,
        "expiry": ["2024-09-20"] * 3,
        "settlement": ["AM", "pm", "noon"],
        "right": ["C"] * 3,
        "strike": [5600.0] * 3,
        "bid": [50.0] * 3,
        "ask": [51.0] * 3,
    }
    chain = read_chain(columns)
    assert ["AM", "PM", "PM"] == chain["settlement"].tolist()
    assert [0, 0, int(QualityFlag.BAD_CONTRACT)] == chain["flags"].tolist()
    assert any("1 cells are neither AM nor PM" in note for note in chain.notes)


def test_a_multiplier_of_nothing_is_a_bad_contract():
    """A contract on zero or minus 100 shares is none."""
    chain = read_chain(_with(multiplier=[100.0, 0.0, -100.0, 10.0, 100.0, 100.0, 100.0, None]))
    assert [1, 2] == np.flatnonzero(chain["flags"] & QualityFlag.BAD_CONTRACT).tolist()
    assert (10.0, 100.0) == (chain["multiplier"][3], chain["multiplier"][7])
