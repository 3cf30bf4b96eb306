import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.contracts.terms import complete_terms


def _objects(*cells):
    return np.array(cells, dtype=object)


def _found(rows=1, **changed):
    """Converted columns without symbols; a scalar holds for all rows, None leaves a column out."""
    columns = {
        "underlying": "SPY",
        "expiry": np.datetime64("2024-09-20"),
        "right": 1,
        "strike": 550.0,
        **changed,
    }
    return {
        name: np.array(
            np.broadcast_to(cells, rows), dtype=object if np.asarray(cells).dtype.kind in "UO" else None
        )
        for name, cells in columns.items()
        if cells is not None
    }


def _terms(rows=1, exercise=None, settlement=None, renamed=False, **changed):
    return complete_terms(
        _found(rows, **changed), label="x.csv", exercise=exercise, settlement=settlement, renamed=renamed
    )


def _column(name, rows=1, **arguments):
    return _terms(rows, **arguments).columns[name].tolist()


# --- symbols ---


def test_symbols_alone_are_enough():
    """Root, expiry, side and strike come from the symbol where there are no columns."""
    terms = complete_terms(
        {
            "symbol": _objects("SPXW  240920P05500000", "AAPL240920C00270000"),
            "strike": np.array([5500.0, 270.0]),
        },
        label="x.csv",
    )
    columns = terms.columns
    assert ["SPXW", "AAPL"] == columns["root"].tolist()
    assert ["SPX", "AAPL"] == columns["underlying"].tolist()
    assert [-1, 1] == columns["right"].tolist()
    assert ["2024-09-20", "2024-09-20"] == columns["expiry"].astype(str).tolist()
    assert not terms.bad.any()
    assert "underlying of 2 rows taken from the root of the symbol" in terms.notes


@pytest.mark.parametrize(
    ("changed", "name", "expected"),
    [
        ({"strike": np.nan}, "strike", 550.0),
        ({"right": 0}, "right", 1),
        ({"expiry": np.datetime64("NaT", "D")}, "expiry", np.datetime64("2024-09-20").item()),
    ],
)
def test_missing_cells_are_filled_from_the_symbol(changed, name, expected):
    """A cell that is missing in its column is taken from the row's symbol."""
    assert [expected] == _column(name, symbol="SPY240920C00550000", **changed)


@pytest.mark.parametrize(
    ("symbol", "bad"),
    [
        ("SPY240920C00550000", False),
        ("SPY   240920C00550000", False),
        (".SPY240920C550", False),
        ("SPY240920P00550000", True),
        ("SPY240920C00550010", True),
        ("SPY240919C00550000", True),
        ("SPY240921C00550000", False),  # the Saturday of the Friday
        ("whatever", False),
        ("", False),
    ],
)
def test_symbols_are_held_against_the_columns(symbol, bad):
    """Another side, strike or day is a contradiction; another spelling or no symbol is none."""
    assert bad == _terms(symbol=symbol).bad[0]


def test_a_listed_saturday_agrees_with_the_friday_in_the_symbol():
    """The column may hold the Saturday and the symbol the Friday: one contract."""
    terms = _terms(symbol="SPY240920C00550000", expiry=np.datetime64("2024-09-21"))
    assert not terms.bad[0]
    assert ["2024-09-20"] == terms.columns["expiry"].astype(str).tolist()


def test_symbols_are_written_where_there_are_none():
    """A missing symbol is the compact OCC one; a given symbol stays as it was found."""
    assert ["SPY240920C00550000", "SPY240920C00550000"] == _column("symbol", 2)
    assert ["O:SPY240920C00550000", "SPY240920C00550000"] == _column(
        "symbol", 2, symbol=_objects("O:SPY240920C00550000", "")
    )


def test_a_contract_without_terms_has_no_symbol():
    """What cannot be said in a symbol is left empty."""
    assert [""] == _column("symbol", strike=np.nan)


SPY_CALL, QQQ_CALL, QQQ_ADJUSTED = "SPY240920C00550000", "QQQ240920C00550000", "QQQ1240920C00550000"


@pytest.mark.parametrize("renamed", [False, True])
def test_symbols_of_another_underlying_are_bad(renamed):
    """Where the name and some symbols disagree, whoever gave the name, their rows are bad, and no others."""
    terms = _terms(3, symbol=_objects(SPY_CALL, QQQ_CALL, ""), renamed=renamed)
    assert [False, True, False] == terms.bad.tolist()
    assert f"1 symbols are of another underlying, flagged bad_contract (first: {QQQ_CALL!r})" in terms.notes
    assert ["SPY"] * 3 == terms.columns["underlying"].tolist()


def test_a_root_column_vouches_for_the_root_of_its_symbol():
    """A file that has SIMIDW beside SIMIDX knows a root that no table holds; a root that differs vouches for nothing."""
    symbol = _objects("SIMIDW240920C00550000", "QQQ240920C00550000")
    terms = _terms(2, underlying="SIMIDX", root=_objects("SIMIDW", "SIMIDX"), symbol=symbol)
    assert [False, True] == terms.bad.tolist()


def test_a_file_whose_symbols_are_all_of_another_underlying_is_bad():
    """A file that says SPY on rows of QQQ contradicts itself on every row."""
    assert [True, True] == _terms(2, symbol=_objects(QQQ_CALL, QQQ_ADJUSTED)).bad.tolist()


def test_the_caller_may_rename_the_one_underlying_of_all_symbols():
    """META for a file of FB symbols is a new name, and told; symbols of two underlyings cannot both be it."""
    terms = _terms(2, symbol=_objects(QQQ_CALL, QQQ_ADJUSTED), renamed=True)
    assert not terms.bad.any()
    assert f"2 symbols of another underlying taken as those of SPY (first: {QQQ_CALL!r})" in terms.notes
    two = _objects(QQQ_CALL, "IWM240920C00550000")
    assert [True, True] == _terms(2, symbol=two, renamed=True).bad.tolist()


# --- names ---


@pytest.mark.parametrize("name", ["^SPX", " SPX ", "$SPX", "SPX"])
def test_index_marks_are_taken_off(name):
    """Vendors mark indices with ^ or $; the chain does not."""
    assert ["SPX"] == _column("underlying", underlying=name)


def test_a_root_column_is_the_root():
    """A root of its own tells the product; the underlying stays the column's."""
    columns = _terms(underlying="^SPX", root="SPXW").columns
    assert (["SPX"], ["SPXW"]) == (columns["underlying"].tolist(), columns["root"].tolist())


def test_no_name_at_all_is_an_error():
    """Without underlying, root and symbol nothing can be known of the product."""
    with pytest.raises(InputError, match=r"x\.csv does not name the underlying"):
        _terms(underlying=None)


def test_a_row_without_a_name_is_bad():
    """One nameless row is bad, and does not spoil the others."""
    terms = _terms(2, underlying=_objects("SPY", ""))
    assert [False, True] == terms.bad.tolist()


# --- instants ---


@pytest.mark.parametrize(
    ("changed", "expires_at"),
    [
        ({}, "2024-09-20T20:00:00"),
        ({"underlying": "SPX", "root": "SPX"}, "2024-09-20T13:30:00"),
        ({"underlying": "SPX", "root": "SPXW"}, "2024-09-20T20:00:00"),
        ({"underlying": "SPX"}, "2024-09-20T20:00:00"),  # the ticker alone does not tell: PM, and a note
        ({"underlying": "SPX", "settlement": "AM"}, "2024-09-20T13:30:00"),
        ({"underlying": "ZZZ", "settlement": "AM"}, "2024-09-20T13:30:00"),  # a root that no table holds
        ({"underlying": "VIX", "settlement": "PM"}, "2024-09-20T20:00:00"),
        ({"underlying": "SPX", "symbol": "SPX240920C00550000"}, "2024-09-20T13:30:00"),
    ],
)
def test_settlement_goes_by_argument_root_and_symbol(changed, expires_at):
    """The monthly of an index is AM-settled if its root or the caller says so."""
    assert [expires_at] == _terms(**changed).columns["expires_at"].astype(str).tolist()


def test_an_ambiguous_monthly_is_told():
    """Taking the ticker's monthly as PM-settled is an assumption, and told."""
    assert any("SPX" in note and "PM" in note for note in _terms(underlying="SPX").notes)


def test_the_callers_settlement_moves_the_instants_it_contradicts():
    """A written instant goes with the settlement that is written beside it; the caller's other one is computed."""
    found = _found(3, settlement=_objects("PM", "AM", ""))
    found["expires_at"] = np.array(["2024-09-20T15:15"] * 3, dtype="M8[s]")
    terms = complete_terms(found, label="x.csv", settlement="AM")
    assert ["AM"] * 3 == terms.columns["settlement"].tolist()
    expected = ["2024-09-20T13:30:00", "2024-09-20T15:15:00", "2024-09-20T13:30:00"]
    assert expected == terms.columns["expires_at"].astype(str).tolist()


def test_written_instants_are_kept():
    """A chain that was written down keeps expiry instants that no product has, but for missing ones."""
    written = np.array(["2024-09-20T08:00", "NaT"], dtype="M8[ns]")
    expected = ["2024-09-20T08:00:00", "2024-09-20T20:00:00"]
    assert expected == _terms(2, expires_at=written).columns["expires_at"].astype(str).tolist()


@pytest.mark.parametrize(
    ("cells", "expected"), [(["AM", "PM", ""], ["AM", "PM", "PM"]), (["am", "pm", "x"], ["AM", "PM", "PM"])]
)
def test_settlement_columns(cells, expected):
    """AM and PM in any case; an empty or unreadable cell follows the product."""
    found = _found(3)
    found["settlement"] = _objects(*cells)
    assert expected == complete_terms(found, label="x.csv").columns["settlement"].tolist()


# --- exercise and multiplier ---


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "american"),
        ({"underlying": "SPX"}, "european"),
        ({"exercise": "european"}, "european"),
    ],
)
def test_exercise_goes_by_argument_and_product(changed, expected):
    """The argument decides, else the product."""
    assert [expected] == _column("exercise", **changed)


def test_exercise_columns():
    """Styles are spelled out or by letter; an unreadable one follows the product and is told."""
    found = _found(5)
    found["exercise"] = _objects("European", "E", "american", "A", "bermudan")
    terms = complete_terms(found, label="x.csv")
    assert ["european"] * 2 + ["american"] * 3 == terms.columns["exercise"].tolist()
    assert "exercise style of 1 rows unreadable: assumed by root" in terms.notes


def test_exercise_argument_goes_before_the_column():
    """The caller knows better than the file."""
    found = _found(1, exercise=None)
    found["exercise"] = _objects("american")
    assert ["european"] == complete_terms(found, label="x", exercise="european").columns["exercise"].tolist()


@pytest.mark.parametrize(
    ("changed", "expected", "told"),
    [
        ({}, 100.0, True),
        ({"root": "AAPL7"}, 10.0, True),
        ({"multiplier": 10.0}, 10.0, False),
        ({"multiplier": np.nan}, 100.0, True),
        ({"contract_size": "REGULAR"}, 100.0, True),
        ({"contract_size": "10"}, 10.0, False),
        ({"contract_size": "MINI"}, 10.0, False),
        ({"contract_size": ""}, 100.0, True),
        ({"contract_size": "odd"}, 100.0, True),
    ],
)
def test_multipliers_go_by_column_and_product(changed, expected, told):
    """A stated number of shares is taken; where none is, the product's is assumed and told."""
    terms = _terms(**changed)
    assert [expected] == terms.columns["multiplier"].tolist()
    assert told == any("multiplier assumed by root" in note for note in terms.notes)
    odd = any("contract size of 1 rows unreadable" in note for note in terms.notes)
    assert (changed.get("contract_size") == "odd") == odd


def test_adjusted_contracts_are_told():
    """What an adjusted contract delivers is not in its root: it keeps the root, and the notes say so."""
    terms = _terms(underlying=None, symbol="AAPL1240920C00550000")
    assert (["AAPL"], ["AAPL1"]) == (terms.columns["underlying"].tolist(), terms.columns["root"].tolist())
    assert any("1 rows of adjusted contracts (AAPL1)" in note for note in terms.notes)
