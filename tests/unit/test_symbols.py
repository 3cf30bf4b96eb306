import datetime as dt

import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.contracts.symbols import (
    OptionSymbol,
    format_symbol,
    format_symbols,
    parse_symbol,
    parse_symbols,
)

APPLE = OptionSymbol("AAPL", dt.date(2024, 9, 20), 1, 270.0)
ADJUSTED_PUT = OptionSymbol("AAPL1", dt.date(2014, 6, 21), -1, 92.14)
SPELLINGS = [
    (APPLE, "osi", "AAPL  240920C00270000"),
    (APPLE, "occ", "AAPL240920C00270000"),
    (APPLE, "massive", "O:AAPL240920C00270000"),
    (APPLE, "dxfeed", ".AAPL240920C270"),
    (APPLE, "spiderrock", "AAPL-NMS-EQT-2024-09-20-270-C"),
    (ADJUSTED_PUT, "osi", "AAPL1 140621P00092140"),
    (ADJUSTED_PUT, "occ", "AAPL1140621P00092140"),
    (ADJUSTED_PUT, "massive", "O:AAPL1140621P00092140"),
    (ADJUSTED_PUT, "dxfeed", ".AAPL1140621P92.14"),
    (ADJUSTED_PUT, "spiderrock", "AAPL1-NMS-EQT-2014-06-21-92.14-P"),
]


def _kind(value):
    return type(value).__name__


STYLES = ["osi", "occ", "massive", "dxfeed", "spiderrock"]
REFUSED = [
    "",
    "AAPL",
    "aapl240920C00270000",
    "AAPL240920X00270000",
    "AAPL240920C0027000",
    "AAPL240920C002700000",
    "AAPL 240920C00270000",
    "AA PL 240920C00270000",
    "ABCDEFG240920C00270000",
    "123456240920C00270000",
    "BRK.B240920C00270000",
    "o:AAPL240920C00270000",
    "O:AAPL  240920C00270000",
    ".AAPL240920C",
    ".AAPL240920C270.",
    ".AAPL240920C270.1234",
    ".AAPL240920C100000",
    ".AAPL240920C0",
    "AAPL-NMS-EQT-24-09-20-270-C",
    "AAPL-NMS-EQT-2124-09-20-270-C",
    "AAPL--EQT-2024-09-20-270-C",
    "AAPL-NMS-EQT-2024-09-20-270-Call",
    "AAPL241320C00270000",
    "AAPL240931C00270000",
    "AAPL230229C00270000",
    "AAPL240020C00270000",
    "AAPL240900C00270000",
    "AAPL240920C00000000",
    "AAPL٢٤0920C00270000",
    "AAPL240920C0027000\u0660",
    "A" * 60 + "240920C00270000",
]


@pytest.mark.parametrize(("contract", "style", "text"), SPELLINGS)
def test_parse_recognises_each_style(contract, style, text):
    """A symbol in any of the five styles gives the same contract, adjusted root and fractional strike kept."""
    assert contract == parse_symbol(text), style


@pytest.mark.parametrize(("contract", "style", "text"), SPELLINGS)
def test_format_spells_each_style(contract, style, text):
    """A contract is written exactly as the style's users write it."""
    assert text == format_symbol(contract, style)


def test_format_writes_compact_occ_unless_told():
    """The default style is the compact one, for one contract and for columns."""
    assert format_symbol(APPLE) == "AAPL240920C00270000"
    assert format_symbols("AAPL", "2024-09-20", 1, 270.0).tolist() == ["AAPL240920C00270000"]


@pytest.mark.parametrize(
    ("text", "root", "strike"),
    [
        ("SPXW230915C04500000", "SPXW", 4500.0),
        ("A230915C00120000", "A", 120.0),
        ("GOOGL1230915C00120000", "GOOGL1", 120.0),
        ("4SPX230915C04500000", "4SPX", 4500.0),
        ("  AAPL240920C00270000\n", "AAPL", 270.0),
        ("SPX   141122P00019500", "SPX", 19.5),
        ("VIX250115C00012500", "VIX", 12.5),
        ("F250117P00000001", "F", 0.001),
        ("BKNG250117P99999999", "BKNG", 99_999.999),
        (".F250117P0.5", "F", 0.5),
        (".F250117P12.005", "F", 12.005),
        ("SPX-CBO-IDX-2024-03-15-4550-C", "SPX", 4550.0),
    ],
)
def test_parse_keeps_root_and_strike(text, root, strike):
    """Roots of one to six characters and strikes of whole thousandths are kept exactly; blanks around are not."""
    symbol = parse_symbol(text)
    assert (root, strike) == (symbol.root, symbol.strike)


@pytest.mark.parametrize(
    ("digits", "year"), [("00", 2000), ("24", 2024), ("45", 2045), ("69", 2069), ("99", 2099)]
)
def test_two_digit_years_are_of_this_century(digits, year):
    """A two-digit year is always 20YY."""
    assert year == parse_symbol(f"AAPL{digits}0920C00270000").expiry.year


def test_leap_day_parses():
    """29 February exists in a leap year."""
    assert dt.date(2024, 2, 29) == parse_symbol("SPXW240229P04000000").expiry


@pytest.mark.parametrize("text", REFUSED)
def test_parse_refuses_what_no_style_spells(text):
    """Anything else is one clear error that shows the text; the column parser marks the same rows invalid."""
    with pytest.raises(InputError, match=r"^\[market\.parse_symbol\] .* is not an option symbol"):
        parse_symbol(text)
    assert not parse_symbols([text])["valid"][0]


def test_refusals_say_the_reason():
    """A symbol that fails by its date or strike says so."""
    with pytest.raises(
        InputError, match=r"'AAPL240931C00270000' is not an option symbol: day is out of range"
    ):
        parse_symbol("AAPL240931C00270000")
    with pytest.raises(InputError, match=r"has a strike of 0; the least is 0\.001"):
        parse_symbol("AAPL240920C00000000")
    with pytest.raises(InputError, match=r"matches no style; expected one like 'AAPL  240920C00270000'"):
        parse_symbol("hello")


@pytest.mark.parametrize(
    "text", [None, 3, b"AAPL240920C00270000", ["AAPL240920C00270000"], object()], ids=type
)
def test_parse_refuses_what_is_no_text(text):
    """Whatever is given in the place of a symbol is one clear error that shows it."""
    with pytest.raises(InputError, match=r"^\[market\.parse_symbol\] .* is no text: give one like"):
        parse_symbol(text)


@pytest.mark.parametrize("symbol", [None, "AAPL240920C00270000", ("AAPL", 1), object()], ids=_kind)
def test_format_refuses_what_is_no_contract(symbol):
    """Only a contract can be written: a text is parsed first."""
    with pytest.raises(InputError, match=r"^\[market\.format_symbol\] .* is no OptionSymbol: make one"):
        format_symbol(symbol)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"root": "aapl"}, "root 'aapl'"),
        ({"root": ""}, "root ''"),
        ({"root": "ABCDEFG"}, "root 'ABCDEFG'"),
        ({"expiry": dt.date(1999, 12, 31)}, r"expiry [-\d]+ is outside 2000 to 2099"),
        ({"expiry": dt.date(2100, 1, 1)}, r"expiry [-\d]+ is outside 2000 to 2099"),
        ({"right": 0}, r"right 0 is neither \+1"),
        ({"strike": 0.0}, "strike 0.0"),
        ({"strike": -5.0}, "strike -5.0"),
        ({"strike": 0.0005}, "strike 0.0005"),
        ({"strike": 100_000.0}, "strike 100000.0"),
        ({"strike": float("nan")}, "strike nan"),
        ({"strike": float("inf")}, "strike inf"),
        ({"root": None}, "root None"),
        ({"root": b"AAPL"}, "root b'AAPL'"),
        ({"expiry": "2024-09-20"}, "expiry '2024-09-20' is no date"),
        ({"expiry": None}, "expiry None is no date"),
        ({"right": "C"}, "right 'C'"),
        ({"right": None}, "right None"),
        ({"right": [1]}, r"right \[1\]"),
        ({"strike": "270"}, "strike '270'"),
        ({"strike": None}, "strike None"),
        ({"strike": 10**400}, "strike 1000"),
        ({"strike": [270.0]}, r"strike \[270.0\]"),
    ],
)
def test_a_contract_that_no_symbol_expresses_is_refused(change, reason):
    """Every field of a contract is checked when it is made, so every contract can be written."""
    fields = {"root": "AAPL", "expiry": dt.date(2024, 9, 20), "right": 1, "strike": 270.0}
    with pytest.raises(InputError, match=rf"^\[market\.OptionSymbol\] {reason}"):
        OptionSymbol(**{**fields, **change})


def test_contract_tells_what_its_root_tells():
    """Underlying, multiplier and adjustment follow from the root."""
    day = dt.date(2014, 1, 17)
    told = [
        (symbol.underlying, symbol.multiplier, symbol.adjusted)
        for symbol in (OptionSymbol(root, day, 1, 500.0) for root in ("AAPL", "AAPL1", "AAPL7", "SPXW"))
    ]
    assert told == [
        ("AAPL", 100.0, False),
        ("AAPL", 100.0, True),
        ("AAPL", 10.0, False),
        ("SPX", 100.0, False),
    ]


def test_unknown_style_is_refused():
    """A style that does not exist is refused by name, with the styles there are."""
    message = r"^\[market\.format_symbol\] style 'ric' is unknown: give one of osi, occ, massive, dxfeed, spiderrock$"
    with pytest.raises(InputError, match=message):
        format_symbol(APPLE, "ric")
    with pytest.raises(InputError, match=message):
        format_symbols("AAPL", "2024-09-20", 1, 270.0, style="ric")


def test_column_parses_every_style_and_marks_invalid_rows():
    """Styles may mix in one column; a row that is no symbol holds '', NaT, 0 and NaN, and its neighbours are right."""
    texts = [text for _, _, text in SPELLINGS]
    columns = parse_symbols([*texts[:5], None, float("nan"), "hello", "", *texts[5:]])
    assert columns["valid"].tolist() == [True] * 5 + [False] * 4 + [True] * 5
    assert columns["root"].tolist() == ["AAPL"] * 5 + [""] * 4 + ["AAPL1"] * 5
    assert columns["right"].tolist() == [1] * 5 + [0] * 4 + [-1] * 5
    np.testing.assert_array_equal([270.0] * 5 + [np.nan] * 4 + [92.14] * 5, columns["strike"])
    days = ["2024-09-20"] * 5 + ["NaT"] * 4 + ["2014-06-21"] * 5
    np.testing.assert_array_equal(np.array(days, dtype="M8[D]"), columns["expiry"])


def test_column_types_are_fixed():
    """The types of the parsed columns do not depend on the rows, not even when there are none."""
    expected = {"root": "O", "expiry": "M8[D]", "right": "i1", "strike": "f8", "valid": "?"}
    for texts in ([], ["hello"], [".AAPL240920C270"], ["AAPL240920C00270000"]):
        columns = parse_symbols(texts)
        assert {name: np.dtype(code) for name, code in expected.items()} == {
            k: v.dtype for k, v in columns.items()
        }
        assert [len(texts)] * 5 == [len(column) for column in columns.values()]


@pytest.mark.parametrize("kind", ["O", "U", "S", "T"])
def test_column_may_be_any_kind_of_text(kind):
    """Objects, fixed-width text, bytes and NumPy's variable-width strings are all read."""
    dtype = np.dtypes.StringDType() if kind == "T" else kind
    columns = parse_symbols(np.array(["SPXW230915C04500000", "SPX   230915P04500000"], dtype=dtype))
    assert (columns["root"].tolist(), columns["right"].tolist()) == (["SPXW", "SPX"], [1, -1])


@pytest.mark.parametrize(
    "column", [[1.0, 2.0], [["AAPL240920C00270000"]], np.array(["2024-09-20"], dtype="M8[D]")]
)
def test_column_that_is_not_text_is_refused(column):
    """Numbers, dates and tables are one clear error, not a column of invalid rows."""
    with pytest.raises(InputError, match=r"^\[market\.parse_symbols\] needs one column of text"):
        parse_symbols(column)


@pytest.mark.parametrize("style", STYLES)
def test_column_is_written_like_single_contracts(style):
    """`format_symbols` agrees with `format_symbol` row by row."""
    contracts = [APPLE, ADJUSTED_PUT, OptionSymbol("F", dt.date(2099, 12, 31), 1, 0.5)]
    fields = zip(*((c.root, c.expiry, c.right, c.strike) for c in contracts), strict=True)
    written = format_symbols(*(list(column) for column in fields), style=style)
    assert [format_symbol(contract, style) for contract in contracts] == written.tolist()


def test_row_that_cannot_be_written_is_empty():
    """A row whose fields no symbol expresses gives an empty text; its neighbours are written."""
    written = format_symbols(
        root=["AAPL", "aapl", "AAPL", "AAPL", "AAPL", "AAPL", "AAPL", "A" * 50, None],
        expiry=np.array(["2024-09-20"] * 2 + ["NaT", "1999-12-31"] + ["2024-09-20"] * 5, dtype="M8[D]"),
        right=[1, 1, 1, 1, 0, 1, 1, 1, 1],
        strike=[270.0, 270.0, 270.0, 270.0, 270.0, np.nan, 1e5, 270.0, 270.0],
    )
    assert ["AAPL240920C00270000", *[""] * 8] == written.tolist()


def test_no_rows_give_no_symbols():
    """Empty columns give an empty column."""
    assert format_symbols([], np.array([], dtype="M8[D]"), [], []).tolist() == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ((["AAPL", "SPY"], ["2024-09-20"] * 3, 1, 270.0), "mismatch"),
        (("AAPL", "soon", 1, 270.0), "soon"),
        (("AAPL", 20240920, 1, 270.0), "expiry is a column of int64, not of dates"),
        (("AAPL", "2024-09-20", "call", 270.0), "call"),
    ],
)
def test_columns_that_cannot_be_written_are_refused(fields, reason):
    """Lengths that differ and columns of the wrong kind are one clear error."""
    with pytest.raises(InputError, match=rf"^\[market\.format_symbols\] .*{reason}"):
        format_symbols(*fields)


@pytest.mark.parametrize(
    "name",
    [
        "cboe_spx_20230914",
        "cboe_spy_20230914",
        "cboe_tsla_20231110",
        "hod_spxw_201801",
        "hod_vxx_20161201_15",
        "yf_aapl_tsla_spy_20260212_2snaps",
        "yf_spy_qqq_iwm_20260813_0817",
    ],
)
def test_real_symbols_agree_with_their_columns(shared_data, name):
    """Every symbol of a real chain parses, agrees with its columns, and survives all five styles.

    The one exception is the VXX file, whose expiry column holds the Saturday after the day in the symbol.
    """
    frame = pytest.importorskip("polars").read_parquet(shared_data / f"{name}.parquet")
    symbols = frame["symbol"].to_numpy()
    parsed = parse_symbols(symbols)
    assert parsed["valid"].all()
    np.testing.assert_array_equal(frame["strike"].to_numpy(), parsed["strike"])
    np.testing.assert_array_equal(np.where(frame["right"].to_numpy() == "C", 1, -1), parsed["right"])
    late = (frame["expiry"].to_numpy().astype("M8[D]") - parsed["expiry"]).astype(int)
    assert (7_332 if name.startswith("hod_vxx") else 0) == np.count_nonzero(late == 1)
    assert set(late.tolist()) <= {0, 1}
    for style in STYLES:
        contract = [parsed[column] for column in ("root", "expiry", "right", "strike")]
        again = parse_symbols(format_symbols(*contract, style=style))
        for column in parsed:
            np.testing.assert_array_equal(parsed[column], again[column])
    np.testing.assert_array_equal(symbols, format_symbols(*contract))
