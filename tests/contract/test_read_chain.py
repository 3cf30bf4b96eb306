import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from atalanta.errors import InputError
from atalanta.market.chain import CHAIN_COLUMNS, Chain
from atalanta.market.reading.layouts import LAYOUTS
from atalanta.market.reading.readers import read_chain
from atalanta.market.simulator import simulate_chain
from tests.vendor_layouts import (
    ASK,
    BID,
    EXPIRY,
    OPEN_INTEREST,
    RIGHT,
    SPOT,
    STRIKE,
    SYMBOL,
    VOL,
    VOLUME,
    WRITTEN,
)

EXPIRES_AT = np.array(["2024-09-20T20:00"] * 4 + ["2024-12-20T21:00"] * 4, dtype="M8[s]")

every_layout = pytest.mark.parametrize("name", WRITTEN)


def _read(name: str) -> Chain:
    return read_chain(WRITTEN[name].columns, **WRITTEN[name].arguments)


def _assert_same(expected: Chain, found: Chain) -> None:
    assert expected.columns == found.columns
    for column in expected:
        assert expected[column].dtype == found[column].dtype, column
        np.testing.assert_array_equal(expected[column], found[column], err_msg=column)


def test_every_layout_is_in_the_suite():
    """A layout that is added to the table must be added to this suite."""
    assert {layout.name for layout in LAYOUTS} == set(WRITTEN)


@every_layout
def test_layout_is_recognised_by_its_columns(name):
    """The vendor's headers decide the layout, and the first note says which."""
    assert _read(name).notes[0].startswith(f"layout {name}: ")


@every_layout
def test_naming_the_layout_gives_the_same_chain(name):
    """`layout=` picks the row of the table that recognition picks."""
    written = WRITTEN[name]
    _assert_same(_read(name), read_chain(written.columns, layout=name, **written.arguments))


@every_layout
def test_contracts_are_the_same_in_every_layout(name):
    """Terms come out in canonical form, the call before the put, in the order of the file."""
    chain = _read(name)
    expected = {
        "underlying": ["SPY"] * 8,
        "root": ["SPY"] * 8,
        "symbol": SYMBOL,
        "expiry": np.array(EXPIRY, dtype="M8[D]"),
        "expires_at": EXPIRES_AT,
        "settlement": ["PM"] * 8,
        "right": RIGHT,
        "strike": STRIKE,
        "exercise": ["american"] * 8,
        "multiplier": [100.0] * 8,
    }
    for column, values in expected.items():
        np.testing.assert_array_equal(values, chain[column], err_msg=column)


@every_layout
def test_quotes_are_the_same_in_every_layout(name):
    """Bid, ask and spot arrive to the last bit, and clean quotes carry no flag."""
    chain = _read(name)
    np.testing.assert_array_equal(BID, chain["bid"])
    np.testing.assert_array_equal(ASK, chain["ask"])
    np.testing.assert_array_equal([SPOT] * 8, chain["spot"])
    np.testing.assert_array_equal(np.zeros(8), chain["flags"])


@every_layout
def test_quote_time_is_an_instant_in_utc(name):
    """A stated instant is taken; a date alone is the close, or the minutes before it that the layout means."""
    chain = _read(name)
    np.testing.assert_array_equal(np.full(8, WRITTEN[name].quote_time), chain["quote_time"])
    elapsed = (EXPIRES_AT - WRITTEN[name].quote_time).astype("m8[s]").astype(float)
    np.testing.assert_allclose(elapsed / (365 * 86_400), chain["years"], rtol=1e-15)


@every_layout
def test_vendor_columns_keep_their_numbers(name):
    """Volatility, volume and open interest follow their contract, under one name in every layout."""
    chain = _read(name)
    expected = {"iv_vendor": VOL, "volume": VOLUME, "open_interest": OPEN_INTEREST}
    absent = {"datashop-eod": {"iv_vendor"}, "optionsdx": {"open_interest"}}.get(name, set())
    assert absent == set(expected) - set(chain.columns)
    for column in set(expected) - absent:
        np.testing.assert_array_equal(expected[column], chain[column], err_msg=column)


@every_layout
def test_canonical_columns_come_first_and_typed(name):
    """Whatever came in, the chain opens with the canonical columns in their types."""
    chain = _read(name)
    assert tuple(CHAIN_COLUMNS) == chain.columns[: len(CHAIN_COLUMNS)]
    assert [np.dtype(dtype) for dtype, _ in CHAIN_COLUMNS.values()] == [chain[c].dtype for c in CHAIN_COLUMNS]


@every_layout
def test_every_column_of_the_source_is_accounted_for(name):
    """Each header is named in the notes as mapped, taken or not used; the canonical layout keeps the rest."""
    chain = _read(name)
    told = " ".join(chain.notes).replace(",", " ")
    for header in WRITTEN[name].columns:
        assert header.strip() in chain.columns or f" {header.strip()} " in f"{told} ", header


@every_layout
@pytest.mark.parametrize("carrier", ["pandas", "polars", "lazy", "pyarrow"])
def test_data_frames_give_the_same_chain(name, carrier):
    """Pandas, polars (lazy too) and Arrow frames read alike, and the chain remembers what it came from."""
    columns, arguments = WRITTEN[name].columns, WRITTEN[name].arguments
    frame = {
        "pandas": pd.DataFrame,
        "polars": pl.DataFrame,
        "lazy": pl.LazyFrame,
        "pyarrow": pa.table,
    }[carrier](columns)
    chain = read_chain(frame, **arguments)
    _assert_same(_read(name), chain)
    assert {"lazy": "polars"}.get(carrier, carrier) == chain.origin


@every_layout
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_files_give_the_same_chain(name, ending, tmp_path):
    """CSV, zipped CSV and Parquet files read like the frame they were written from."""
    path = tmp_path / f"chain{ending}"
    frame = pl.DataFrame(WRITTEN[name].columns)
    if ending == ".parquet":
        frame.write_parquet(path)
    else:
        text = frame.write_csv().encode()
        path.write_bytes(gzip.compress(text) if ending == ".csv.gz" else text)
    chain = read_chain(path, **WRITTEN[name].arguments)
    _assert_same(_read(name), chain)
    assert chain.notes[0].startswith(f"layout {name}: chain{ending}, ")


@every_layout
def test_headers_are_compared_without_case_and_blanks(name):
    """Capitals and outer blanks in headers change nothing."""
    shouted = {f"  {header.upper()} ": cells for header, cells in WRITTEN[name].columns.items()}
    chain = read_chain(shouted, **WRITTEN[name].arguments)
    if name == "canonical":  # columns without a meaning of their own keep the name they came with
        chain = Chain({column.lower(): chain[column] for column in chain})
    _assert_same(_read(name), chain)


@every_layout
def test_a_needed_column_that_is_missing_is_named(name):
    """Without one of its columns a layout is refused: the message names the source, and what was found."""
    written = WRITTEN[name]
    for needed in written.needs:
        rest = {header: cells for header, cells in written.columns.items() if header != needed}
        with pytest.raises(
            InputError, match=r"^\[market.read_chain\] the mapping has no column for the "
        ) as e:
            read_chain(rest, layout=name, **written.arguments)
        assert f"found: {next(iter(rest))}" in str(e.value)


@every_layout
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_chain_that_was_written_down_reads_back(name, ending, tmp_path):
    """A chain in a file is a source like any other, and comes back unchanged."""
    chain = _read(name)
    path = Path(tmp_path / f"chain{ending}")
    frame = pl.from_arrow(chain.to_arrow())
    frame.write_parquet(path) if ending == ".parquet" else frame.write_csv(path)
    again = read_chain(path)
    assert again.notes[0].startswith("layout canonical: ")
    _assert_same(chain, again)


def test_a_file_in_the_words_of_a_spreadsheet():
    """Expiration Date, Option Type, Strike Price and the like, with dollars and commas, give the chain they mean."""
    plain = WRITTEN["atalanta"]
    words = {
        "Ticker": plain.columns["underlying"],
        "Quote Time": ["9/13/2024 16:00"] * 8,
        "Expiration Date": [f"{day:%m/%d/%Y}" for day in EXPIRY],
        "Call/Put": ["Call", "Put"] * 4,
        "Strike Price": [f"${strike:,.2f}" for strike in STRIKE],
        "Bid Price": [f"${bid:.2f}" for bid in BID],
        "Ask Price": [f"{ask:,.2f}" for ask in ASK],
        "Underlying Price": [f"${SPOT:,.2f}"] * 8,
        "Volume": [f"{volume:,}" for volume in VOLUME],
        "Open Interest": [f"{interest:,}" for interest in OPEN_INTEREST],
        "IV": VOL,
    }
    chain, found = read_chain(plain.columns), read_chain(words)
    assert found.notes[0].startswith("layout atalanta: ")
    _assert_same(chain, Chain({name: found[name] for name in chain}))


def test_a_chain_is_a_source():
    """A chain given to the reader comes back unchanged, from whatever it was made."""
    chain = read_chain(pd.DataFrame(WRITTEN["atalanta"].columns))
    again = read_chain(chain)
    _assert_same(chain, again)
    assert again.origin == "pandas"


def test_a_simulated_chain_is_a_source():
    """Roots that only the simulator knows are no contradiction: its chain comes back as it was, flags included."""
    chain = simulate_chain().chain
    assert {"SIMIDW"} <= set(chain["root"].tolist())
    _assert_same(chain, read_chain(chain))


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "pyarrow"])
def test_a_chain_gives_back_the_kind_of_frame_that_came_in(kind):
    """What `to_frame` gives is of the library that was read, and reads back to the same chain."""
    frame = kind(WRITTEN["atalanta"].columns)
    chain = read_chain(frame)
    assert type(frame) is type(chain.to_frame())
    _assert_same(chain, read_chain(chain.to_frame()))
