import numpy as np
import pytest

from atalanta.errors import InputError
from atalanta.market.reading.conversion import convert
from atalanta.market.reading.files import open_columns
from atalanta.market.reading.recognition import match_layout
from tests.vendor_layouts import WRITTEN


def _convert(columns):
    raw = open_columns(columns)
    return convert(raw, match_layout(raw.names, raw.label))


def _cell(name, row, value, layout="atalanta"):
    cells = list(WRITTEN[layout].columns[name])
    cells[row] = value
    return {**WRITTEN[layout].columns, name: cells}


def test_wide_rows_become_a_call_and_a_put():
    """Two contracts per row, the call first, in row order; what holds for the row holds for both."""
    found = _convert(WRITTEN["orats-strikes"].columns)
    strikes = WRITTEN["orats-strikes"].columns["strike"]
    assert [1, -1] * 4 == found.columns["right"].tolist()
    assert [strike for strike in strikes for _ in range(2)] == found.columns["strike"].tolist()
    assert (8,) == found.bad.shape


def test_a_value_of_one_side_is_nan_on_the_other():
    """ORATS' delta is the call's; the put has none rather than a derived one."""
    delta = _convert(WRITTEN["orats-strikes"].columns).columns["delta_vendor"]
    np.testing.assert_array_equal([0.6, np.nan] * 4, delta)


@pytest.mark.parametrize(
    ("name", "bad"), [("callBidPrice", [4]), ("putAskPrice", [5]), ("strike", [4, 5]), ("callMidIv", [])]
)
def test_a_bad_cell_of_a_wide_row_touches_its_contracts(name, bad):
    """A side's cell spoils its contract, a shared cell both, a vendor's number none."""
    found = _convert(_cell(name, 2, "x", "orats-strikes"))
    assert bad == np.flatnonzero(found.bad).tolist()


def test_a_wholly_bad_column_is_an_error_only_where_it_matters():
    """Strikes must be numbers; a vendor's column of words is left empty and told."""
    with pytest.raises(InputError, match="column 'strike' of the mapping"):
        _convert({**WRITTEN["atalanta"].columns, "strike": ["x"] * 8})
    found = _convert({**WRITTEN["atalanta"].columns, "iv_vendor": ["x"] * 8})
    assert np.isnan(found.columns["iv_vendor"]).all()
    assert not found.bad.any()


@pytest.mark.parametrize("name", ["expiry", "quote_ts_utc"])
def test_dates_that_could_be_day_first_are_told(name):
    """06/02/2026 is taken as June 2nd, with a note that counts such cells and shows the first."""
    cells = ["", "12/12/2025", "06/02/2026", "06/05/2026", *[""] * 4]
    found = _convert({**WRITTEN["atalanta"].columns, name: cells})
    assert f"{name}: 2 dates taken as month/day/year (first: '06/02/2026')" in found.notes
    assert "2026-06-02" == str(found.columns[{"quote_ts_utc": "quote_time"}.get(name, name)][2])[:10]


def test_dates_whose_order_another_cell_tells_are_not_worth_a_note():
    """Where the column holds 06/16/2026 its order is known, and so is that of 06/02/2026."""
    found = _convert({**WRITTEN["atalanta"].columns, "expiry": ["06/02/2026", "06/16/2026"] * 4})
    assert not any("month/day/year" in note for note in found.notes)


def test_amounts_are_told():
    """Dollar signs and thousands commas that were read past are counted in the notes, with the first."""
    cells = ["$1,234.50", "1,234", *WRITTEN["atalanta"].columns["strike"][2:]]
    found = _convert({**WRITTEN["atalanta"].columns, "strike": cells})
    assert [1234.5, 1234.0] == found.columns["strike"][:2].tolist()
    assert "strike: 2 numbers read without their $ or thousands commas (first: '$1,234.50')" in found.notes
    assert not found.bad.any()


def test_a_column_of_decimal_commas_is_refused_with_the_mend():
    """4,20 is no number here: the message says how to write it."""
    cells = [f"{bid:.2f}".replace(".", ",") for bid in WRITTEN["atalanta"].columns["bid"]]
    with pytest.raises(
        InputError, match=r"first: '12,10' .*: write decimals with a point, not with a comma$"
    ):
        _convert({**WRITTEN["atalanta"].columns, "bid": cells})


def test_a_column_of_missing_cells_is_no_error():
    """A side that was never quoted is missing, not malformed."""
    found = _convert({**WRITTEN["atalanta"].columns, "bid": [None] * 8})
    assert np.isnan(found.columns["bid"]).all()


@pytest.mark.parametrize(
    ("vols", "divided"),
    [
        ([3.0] * 8, False),
        ([3.01] * 8, True),
        ([15.0] * 4 + [np.nan] * 4, True),
        ([0.2] * 5 + [40.0] * 3, False),  # a few absurd wings do not make per cent
        ([0.0] * 8, False),
        ([0.0] * 6 + [25.0] * 2, True),  # zero stands for none
        ([np.nan] * 8, False),
    ],
)
def test_per_cent_goes_by_the_median(vols, divided):
    """A volatility column is divided by 100 if the median of its positive numbers is above 300 %."""
    found = _convert({**WRITTEN["atalanta"].columns, "iv_vendor": vols})
    np.testing.assert_array_equal(np.array(vols) / (100 if divided else 1), found.columns["iv_vendor"])
    assert divided == any("per cent" in note for note in found.notes)


def test_assumed_zones_and_closes_are_told():
    """Notes count times taken as New York's and dates taken as closes."""
    naive = {**WRITTEN["atalanta"].columns}
    naive["quote_time"] = ["2024-09-13T16:00"] * 7 + ["2024-09-13"]
    del naive["quote_ts_utc"]
    notes = _convert(naive).notes
    assert "quote_time: 7 times without a zone, taken as New York's" in notes
    assert "quote_time: 1 dates alone, taken as the session's close" in notes


def test_the_rest_of_a_canonical_chain_is_kept():
    """Columns without a meaning of their own stay where they were: numbers as such, words as they are."""
    columns = {
        "": list(range(8)),
        "comment": ["a"] * 8,
        **WRITTEN["canonical"].columns,
        "forward": ["560.5"] * 8,
    }
    found = _convert(columns).columns
    assert "" not in found
    assert "comment" == next(iter(found))
    assert ["a"] * 8 == found["comment"].tolist()
    assert [560.5] * 8 == found["forward"].tolist()


def test_a_vendor_column_of_words_in_a_canonical_chain_is_kept():
    """A volatility column that holds a word stays as it was found, and is not taken for per cent."""
    vols = np.array(["n.a.", *WRITTEN["canonical"].columns["iv_vendor"][1:]], dtype=object)
    found = _convert({**WRITTEN["canonical"].columns, "iv_vendor": vols})
    assert vols.tolist() == found.columns["iv_vendor"].tolist()


def test_other_layouts_leave_the_rest_out_and_say_so():
    """A column that nothing is known of is not carried, and is named."""
    found = _convert({**WRITTEN["atalanta"].columns, "comment": ["a"] * 8})
    assert "comment" not in found.columns
    assert "columns not used: comment" in found.notes
