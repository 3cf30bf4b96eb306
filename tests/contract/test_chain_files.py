import gzip
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from atalanta.market.contracts.calendar import is_trading_day
from atalanta.market.flags import QualityFlag
from atalanta.market.reading.readers import read_chain


class Known(NamedTuple):
    """What the data catalogue says of a file, and flags counted on its raw columns."""

    rows: int
    underlyings: str
    exercise: str
    snapshots: int
    expiries: int
    instants: int
    two_sided: int
    flags: dict[str, int]


FILES = {
    "cboe_spx_20230914": Known(
        19_920, "SPX", "european", 1, 53, 59, 18_439,
        {"crossed": 1, "no_bid": 1_480, "no_ask": 229, "wide": 449, "expired": 296},
    ),
    "cboe_spy_20230914": Known(
        7_292, "SPY", "american", 1, 31, 31, 6_504, {"no_bid": 788, "wide": 239, "expired": 250}
    ),
    "cboe_tsla_20231110": Known(
        680, "TSLA", "american", 1, 3, 3, 464, {"no_bid": 216, "wide": 1, "expired": 230}
    ),
    "hod_spxw_201801": Known(
        7_588, "SPX", "european", 21, 1, 1, 6_445, {"no_bid": 1_143, "wide": 484, "expired": 386}
    ),
    "hod_vxx_20161201_15": Known(
        14_242, "VXX", "american", 10, 13, 13, 12_559,
        {"no_bid": 1_683, "no_ask": 1, "wide": 32, "expired": 246},
    ),
    "lean_aapl_20140606_09_split": Known(
        4_532, "AAPL", "american", 2, 13, 13, 4_177,
        {"locked": 42, "no_bid": 355, "wide": 143, "expired": 172},
    ),
    "lean_goog_20151223": Known(
        2_058, "GOOG", "american", 1, 11, 11, 1_773, {"locked": 1, "no_bid": 285, "wide": 174}
    ),
    "yf_aapl_tsla_spy_20260212_2snaps": Known(
        34_410, "AAPL SPY TSLA", "american", 4, 37, 37, 32_546,
        {"crossed": 23, "locked": 12, "no_bid": 1_864, "no_ask": 47, "wide": 284},
    ),
    "yf_spy_qqq_iwm_20260813_0817": Known(
        26_025, "IWM QQQ SPY", "american", 2, 21, 21, 23_853,
        {"locked": 7, "no_bid": 2_172, "no_ask": 102, "wide": 53},
    ),
}  # fmt: skip

every_file = pytest.mark.parametrize("name", FILES)


@pytest.fixture(scope="module")
def chain_of(shared_data):
    """Each file read once."""
    chains = {}

    def read(name):
        if name not in chains:
            chains[name] = read_chain(shared_data / f"{name}.parquet")
        return chains[name]

    return read


def _flagged(chain, flag):
    return (chain["flags"] & flag) != 0


@every_file
def test_rows_and_groups_are_the_catalogues(name, chain_of):
    """Every row is kept; underlyings, snapshots, expiries and expiry instants are as many as catalogued."""
    chain, known = chain_of(name), FILES[name]
    assert known.rows == len(chain)
    assert known.underlyings.split() == sorted(set(chain["underlying"]))
    assert {known.exercise} == set(chain["exercise"])
    assert known.snapshots == len(np.unique(chain["quote_time"]))
    assert known.expiries == len(np.unique(chain["expiry"]))
    assert known.instants == len(np.unique(chain["expires_at"]))


@every_file
def test_flags_are_counted(name, chain_of):
    """Each flag is on as many rows as the raw quotes say; nothing else is flagged."""
    chain, known = chain_of(name), FILES[name]
    found = {flag.name.lower(): int(_flagged(chain, flag).sum()) for flag in QualityFlag if flag}
    assert known.flags == {flag: count for flag, count in found.items() if count}
    two_sided = ~_flagged(chain, QualityFlag.NO_BID) & ~_flagged(chain, QualityFlag.NO_ASK)
    assert known.two_sided == int(two_sided.sum())


@every_file
def test_columns_are_those_of_the_file(name, chain_of, shared_data):
    """Strikes, sides, quotes and spots are the file's, row by row; a missing bid is NaN."""
    chain, raw = chain_of(name), pl.read_parquet(shared_data / f"{name}.parquet")
    for column in ("strike", "bid", "ask", "spot"):
        np.testing.assert_array_equal(raw[column].cast(pl.Float64).to_numpy(), chain[column], err_msg=column)
    np.testing.assert_array_equal(np.where(raw["right"].to_numpy() == "C", 1, -1), chain["right"])
    np.testing.assert_array_equal(raw["quote_ts_utc"].to_numpy().astype("M8[ns]"), chain["quote_time"])


@every_file
def test_flags_follow_the_raw_quotes(name, chain_of, shared_data):
    """Crossed, locked, one-sided and wide are recomputed from the file by another library."""
    chain, raw = chain_of(name), pl.read_parquet(shared_data / f"{name}.parquet")
    bid, ask = pl.col("bid").fill_null(0.0), pl.col("ask").fill_null(0.0)
    spread = (ask - bid).round(6)
    rules = {
        QualityFlag.CROSSED: (bid > ask) & (bid > 0),
        QualityFlag.LOCKED: (bid == ask) & (bid > 0),
        QualityFlag.NO_BID: bid <= 0,
        QualityFlag.NO_ASK: ask <= 0,
        QualityFlag.WIDE: (bid > 0) & (spread > 0.05) & (spread > (0.25 * (bid + ask)).round(6)),
    }
    for flag, rule in rules.items():
        expected = raw.select(rule).to_series().to_numpy()
        np.testing.assert_array_equal(expected, _flagged(chain, flag), err_msg=flag.name)


@pytest.mark.parametrize("ending", ["pandas", "polars", "pyarrow", ".csv", ".csv.gz"])
@pytest.mark.parametrize("name", ["cboe_tsla_20231110", "lean_goog_20151223"])
def test_other_carriers_give_the_same_chain(name, ending, chain_of, shared_data, tmp_path):
    """A real file as a frame or as CSV gives the chain that its Parquet file gives."""
    chain, frame = chain_of(name), pl.read_parquet(shared_data / f"{name}.parquet")
    path = tmp_path / f"chain{ending}"
    if ending.startswith("."):
        text = frame.write_csv().encode()
        path.write_bytes(gzip.compress(text) if ending.endswith("gz") else text)
    source = {"pandas": frame.to_pandas, "polars": frame.clone, "pyarrow": frame.to_arrow}.get(
        ending, lambda: path
    )
    again = read_chain(source())
    assert chain.columns == again.columns
    for column in chain:
        np.testing.assert_array_equal(chain[column], again[column], err_msg=column)


def test_am_and_pm_contracts_of_one_date_stay_apart(chain_of):
    """3,454 contracts are listed under SPX (open) and SPXW (close): same key, other instant, no duplicate."""
    chain = chain_of("cboe_spx_20230914")
    keys = np.array(
        [chain["expiry"].astype(np.int64), chain["strike"] * 1000, chain["right"]], dtype=np.int64
    )
    _, which, count = np.unique(keys, axis=1, return_inverse=True, return_counts=True)
    twice = count[which.ravel()] == 2
    assert 2 * 3_454 == int(twice.sum())
    for root, settlement, minutes in (("SPX", "AM", 9 * 60 + 30), ("SPXW", "PM", 16 * 60)):
        rows = twice & (chain["root"] == root)
        assert rows.sum() == 3_454
        assert {settlement} == set(chain["settlement"][rows])
        summer = chain["expiry"][rows] < np.datetime64("2023-11-05")
        local = chain["expires_at"][rows] - chain["expiry"][rows]
        assert {minutes + 4 * 60} == set(local[summer].astype("m8[m]").astype(int))
    assert not _flagged(chain, QualityFlag.BAD_CONTRACT).any()


def test_the_listed_saturday_becomes_the_friday_of_the_symbol(chain_of, shared_data):
    """7,332 rows list a Saturday: the chain holds the trading day, as the symbols do, and says so."""
    chain = chain_of("hod_vxx_20161201_15")
    raw = pl.read_parquet(shared_data / "hod_vxx_20161201_15.parquet")
    saturday = raw.select(pl.col("expiry").dt.weekday() == 6).to_series().to_numpy()
    assert int(saturday.sum()) == 7_332
    assert is_trading_day(chain["expiry"]).all()
    in_symbol = raw.select("20" + pl.col("symbol").str.extract(r"(\d{6})[CP]\d{8}$")).to_series()
    np.testing.assert_array_equal(in_symbol.str.to_date("%Y%m%d").to_numpy(), chain["expiry"])
    assert any("7,332 rows" in note for note in chain.notes)


def test_the_crossed_index_row_is_the_known_one(chain_of):
    """The one crossed SPX quote, 0.1 bid over an ask of 0, is crossed and has no ask."""
    chain = chain_of("cboe_spx_20230914")
    row = int(np.flatnonzero(chain["symbol"] == "SPX251219C04200000")[0])
    assert (0.1, 0.0) == (chain["bid"][row], chain["ask"][row])
    assert int(QualityFlag.CROSSED | QualityFlag.NO_ASK) == int(chain["flags"][row])


def test_quotes_of_nothing_have_neither_side(chain_of):
    """Rows quoted 0/0 or missing on both sides are no bid and no ask, as often as catalogued."""
    for name, count in {"cboe_spx_20230914": 228, "yf_aapl_tsla_spy_20260212_2snaps": 47}.items():
        chain = chain_of(name)
        nothing = (chain["bid"] == 0) & (chain["ask"] == 0)
        assert count == int(nothing.sum())
        both = QualityFlag.NO_BID | QualityFlag.NO_ASK
        assert ((chain["flags"][nothing] & both) == both).all()


def test_the_split_keeps_both_strike_grids(chain_of):
    """Before the 7:1 split strikes go by 5, after it by sevenths like 92.14; each day has its own spot."""
    chain = chain_of("lean_aapl_20140606_09_split")
    before = chain["quote_time"] == np.datetime64("2014-06-06T20:00")
    assert [645.57] == np.unique(chain["spot"][before]).tolist()
    assert [93.70] == np.unique(chain["spot"][~before]).tolist()
    assert 92.14 in chain["strike"][~before]
    assert "AAPL140613C00092140" in chain["symbol"][~before]
