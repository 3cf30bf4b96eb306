"""Books: what is read, what is refused, and what becomes of positions that fit no market."""

import numpy as np
import polars as pl
import pytest

from atalanta.errors import InputError
from atalanta.risk import Book, Portfolio, PositionFlag, position_flag_names
from tests.risk_market import STOCK, analysis, index_name, portfolio, rows, symbols


def flags_of(held, place=0):
    return PositionFlag(int(held.matched.flags[place]))


@pytest.mark.parametrize("kind", ["csv", "gz", "parquet", "pandas", "polars", "columns", "mappings"])
def test_every_kind_of_source_gives_the_same_book(kind, tmp_path):
    """Headers in other spellings too."""
    columns = {"Contract Symbol": ["AAPL240920C00270000", "AAPL"], "QTY": [-2, 200], "avg price": [3.5, None]}
    frame = pl.DataFrame(columns)
    if kind == "csv":
        frame.write_csv(tmp_path / "book.csv")
        source = tmp_path / "book.csv"
    elif kind == "gz":
        import gzip

        (tmp_path / "book.csv.gz").write_bytes(gzip.compress(frame.write_csv().encode()))
        source = tmp_path / "book.csv.gz"
    elif kind == "parquet":
        frame.write_parquet(tmp_path / "book.parquet")
        source = tmp_path / "book.parquet"
    elif kind == "pandas":
        source = frame.to_pandas()
    elif kind == "polars":
        source = frame
    elif kind == "columns":
        source = columns
    else:
        source = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    book = Book.read(source)
    assert ["option", "stock"] == book["kind"].tolist()
    assert [-2.0, 200.0] == book["quantity"].tolist()
    assert ["AAPL", "AAPL"] == book["root"].tolist()
    assert 270.0 == book["strike"][0]
    assert 3.5 == book["price"][0]
    assert np.isnan(book["price"][1])
    assert book is Book.read(book)


@pytest.mark.parametrize("style", ["AAPL  240920C00270000", "O:AAPL240920C00270000", ".AAPL240920C270"])
def test_every_style_of_symbol_is_one_contract(style):
    """A second spelling of the same contract is a duplicate; both count."""
    book = Book.read(rows(("AAPL240920C00270000", 1), (style, 2)))
    assert [int(PositionFlag.DUPLICATE)] * 2 == book["flags"].tolist()
    assert any("share a symbol" in note for note in book.notes)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"symbol": ["A"]}, "no column for the quantity"),
        ({"quantity": [1]}, "no column for the symbol"),
        ({"symbol": ["A", "B"], "quantity": [1, "many"]}, "row 2: quantity 'many' cannot be used"),
        ({"symbol": ["A", "B"], "quantity": [np.nan, 1]}, "row 1: quantity nan cannot be used"),
        ({"symbol": ["A"], "quantity": [np.inf]}, "row 1: quantity inf cannot be used"),
        ({"symbol": ["A"], "quantity": [-1e300]}, "row 1: quantity -1e+300 cannot be used"),
        ({"symbol": ["A"], "quantity": [1], "multiplier": [0]}, "multiplier 0 cannot be used"),
        ({"symbol": [], "quantity": []}, "holds no rows"),
        ([("A", 1)], "give a mapping with 'symbol' and 'quantity'"),
        ("absent.csv", "there is no file"),
        (7, "cannot read a int"),
    ],
)
def test_what_is_no_book_is_refused(source, text):
    """With its rows, and how to mend it."""
    with pytest.raises(InputError, match=r"^\[risk.Book\]") as error:
        Book.read(source)
    assert text in str(error.value)


def test_a_side_gives_quantities_their_sign():
    """Exports of brokers write 3 and short; read without the side that was three long ones."""
    book = Book.read(
        {"symbol": list("ABCDE"), "qty": [3, 3, -3, 3, -3], "Side": ["Long", "SHORT", "sell", "", None]}
    )
    assert [3.0, -3.0, -3.0, 3.0, -3.0] == book["quantity"].tolist()
    for quantity, side, text in (
        (-3, "long", "its quantity is negative"),
        (3, "flat", "write long or short"),
    ):
        with pytest.raises(InputError, match=r"row 1: side") as error:
            Book.read({"symbol": ["A"], "quantity": [quantity], "side": [side]})
        assert text in str(error.value)


def test_columns_that_could_have_been_meant_as_well_are_told():
    """A first one is taken."""
    book = Book.read({"symbol": ["A"], "position": [4], "qty": [3]})
    assert 3.0 == book["quantity"][0]
    assert "quantity is taken from 'qty'; not used: 'position'" in book.notes


def test_zero_and_unknown_positions_are_kept_and_flagged():
    """They are rows of the book like all others."""
    book = Book.read(rows(("XYZ", 0), ("not a symbol!", 3), ("XYZ1260320C00100000", 1)))
    assert 3 == len(book)
    names = position_flag_names(book["flags"]).tolist()
    assert ["zero_quantity", "unknown_symbol", "adjusted"] == names


def test_positions_that_match_nothing_are_counted():
    """No value, a flag, a note; and the others' sums are what they would be alone."""
    good = (symbols()[5], -2)
    held = Portfolio(
        rows(good, ("ZZZ", 10), ("ZZZ260320C00100000", 1), ("what?", 1), ("XYZ250117C00100000", 4)),
        analysis(),
    )
    found = [flags_of(held, place) for place in range(5)]
    assert [
        0,
        PositionFlag.NO_MATCH,
        PositionFlag.NO_MATCH,
        PositionFlag.UNKNOWN_SYMBOL,
        PositionFlag.EXPIRED,
    ] == found
    assert not held.complete
    assert held.value == Portfolio(rows(good), analysis()).value
    assert 4 == sum(int(note.split(" of ")[0]) for note in held.notes)
    positions = held.positions()
    assert 5 == len(positions)
    assert [True, False, False, False, False] == np.isfinite(positions["value"]).tolist()


def test_a_strike_that_is_not_quoted_is_valued_on_the_smile():
    """And says so; the smile is linear in the strike here, nearly."""
    symbol = symbols()[5].replace("00100000", "00102000")
    held = Portfolio(rows((symbol, 1)), analysis())
    assert PositionFlag.NOT_QUOTED == flags_of(held)
    assert STOCK.smile(102.0) == pytest.approx(held.matched.vol[0], abs=1e-3)
    assert np.isfinite(held.value)
    assert np.isnan(held.positions()["mid"][0])


def test_values_at_the_quotes():
    """American values, index values and shares are what the market quotes, per share."""
    positions = portfolio().positions()
    np.testing.assert_allclose(positions["mid"], positions["price"], atol=2e-3, rtol=1e-5)
    assert ["XYZ"] * 5 + [index_name()] * 2 == positions["underlying"].tolist()
    assert [1.0] + [100.0] * 6 == positions["multiplier"].tolist()
    assert 300 * 100.0 == pytest.approx(positions["value"][0])


def test_an_adjusted_contract_takes_no_quotes_of_the_standard_one():
    """It delivers something else: valued on the smile, without a mid, and by itself."""
    adjusted = symbols()[5].replace("XYZ", "XYZ1")
    held = Portfolio(rows((adjusted, 1), (symbols()[5], -1)), analysis())
    assert PositionFlag.ADJUSTED | PositionFlag.NOT_QUOTED == flags_of(held)
    assert np.isnan(held.matched.mid[0])
    assert np.isfinite(held.positions()["value"]).all()


def test_a_given_multiplier_counts():
    """An adjusted contract delivers what its holder says."""
    symbol = symbols()[5]
    one, ten = (
        Portfolio([{"symbol": symbol, "quantity": 1, "multiplier": given}], analysis()).value
        for given in (None, 10)
    )
    assert one == pytest.approx(10 * ten)


def test_exposures_sum_over_expiries_to_underlyings():
    """Each column; shares stand in a row without an expiry."""
    held = portfolio()
    parts, totals = held.exposures(), held.exposures("underlying")
    for name in ("value", "delta", "gamma", "vega", "theta", "rho", "positions"):
        summed = [parts[name][parts["underlying"] == one].sum() for one in totals["underlying"]]
        np.testing.assert_allclose(summed, totals[name], rtol=1e-12, err_msg=name)
    first = int(np.flatnonzero(parts["underlying"] == "XYZ")[0])
    assert np.isnat(parts["expiry"][first])
    assert 300.0 == parts["delta"][first]
    assert held.value == pytest.approx(totals["value"].sum())
    with pytest.raises(InputError, match="by is 'day'"):
        held.exposures("day")


def test_no_position_at_all_has_no_risk():
    """A book of nothing that the market knows: zeros, not errors."""
    held = Portfolio(rows(("what?", 1)), analysis())
    assert 0.0 == held.value
    assert not held.grid().pnl.any()
    assert 0 == len(held.exposures())


def test_what_is_no_market_is_refused():
    """A chain is not analysed yet."""
    with pytest.raises(InputError, match=r"give what atalanta.analyze returns"):
        Portfolio(rows(("XYZ", 1)), {"spot": 100})
    with pytest.raises(InputError, match=r"\[risk.Portfolio\] tolerance"):
        Portfolio(rows(("XYZ", 1)), analysis(), tolerance="sloppy")
