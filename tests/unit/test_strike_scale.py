import numpy as np
import pytest

from atalanta.market.flags import QualityFlag
from atalanta.market.reading.readers import read_chain
from atalanta.market.reading.strike_scale import strikes_out_of_scale
from tests.vendor_layouts import WRITTEN

GOOD = WRITTEN["atalanta"].columns
STRIKES = np.repeat(np.arange(80.0, 121.0, 5.0), 2)


def _market(*, strike=1.0, spot=1.0, quote=1.0, **changed):
    """Calls and puts about a spot of 100, each part in a unit of its own; an argument replaces a column."""
    right = np.tile([1, -1], len(STRIKES) // 2)
    value = np.maximum(right * (100 - STRIKES), 0) + 2.0
    columns = {
        "underlying": "AAA",
        "quote_time": np.datetime64("2024-09-13T20:00", "ns"),
        "right": right,
        "strike": strike * STRIKES,
        "bid": quote * value,
        "spot": 100.0 * spot,
        **changed,
    }
    return {name: np.broadcast_to(column, len(right)).copy() for name, column in columns.items()}


def _side(columns, right):
    keep = columns["right"] == right
    return {name: column[keep] for name, column in columns.items()}


@pytest.mark.parametrize(("unit", "told"), [(100, "cents"), (1000, "thousandths of option symbols")])
@pytest.mark.parametrize("side", [0, 1, -1])
def test_strikes_in_another_unit_are_flagged_and_told(unit, told, side):
    """Strikes 100 or 1000 times the spot under quotes that fit the spot: calls and puts, or either alone."""
    columns = _market(strike=unit)
    rows, notes = strikes_out_of_scale(_side(columns, side) if side else columns)
    assert rows.all()
    (note,) = notes
    assert note.startswith(f"AAA: the strikes of {len(rows)} rows are about {unit} times the spot")
    assert told in note


@pytest.mark.parametrize("factor", [1.0, 0.01, 10.0, 30.0])
def test_other_ratios_of_strike_and_spot_are_left_alone(factor):
    """Only factors near 100 and 1000 have a name; anything else is for the analysis to refute."""
    rows, notes = strikes_out_of_scale(_market(strike=factor))
    assert (False, []) == (rows.any(), notes)


def test_a_failing_stock_is_left_alone():
    """A stock that fell from 100 to 1 has strikes a hundred times its spot: its puts cost them, its calls nothing."""
    columns = _market()
    calls = columns["right"] > 0
    columns |= {"spot": np.full(18, 1.0), "bid": np.where(calls, 0.01, columns["strike"] - 1.1)}
    for side in (columns, _side(columns, 1), _side(columns, -1)):
        assert not strikes_out_of_scale(side)[0].any()


@pytest.mark.parametrize("side", [0, 1, -1])
def test_a_spot_in_another_unit_is_left_alone(side):
    """Where strikes and quotes go together the spot is wrong, and nothing rests on the spot."""
    columns = _market(spot=0.01)
    assert not strikes_out_of_scale(_side(columns, side) if side else columns)[0].any()


@pytest.mark.parametrize("bid", [0.0, np.nan, -1.0])
def test_without_quotes_nothing_is_said(bid):
    """A ratio alone proves nothing."""
    assert not strikes_out_of_scale(_market(strike=100, bid=bid))[0].any()


def test_groups_are_judged_apart():
    """An underlying, or a snapshot, whose strikes are in cents leaves the others as they are."""
    good, cents = _market(), _market(strike=100)
    later = _market(strike=100, quote_time=np.datetime64("2024-09-16T20:00", "ns"))
    other = _market(underlying="BBB")
    parts = (good, later, other)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in good}
    rows, notes = strikes_out_of_scale(joined)
    np.testing.assert_array_equal(np.repeat([False, True, False], 18), rows)
    assert 1 == len(notes)
    assert strikes_out_of_scale(cents)[0].all()


def test_unusable_rows_are_neither_judged_nor_flagged():
    """Rows without a strike or a spot, infinite and absurd ones take no part, and raise no warning."""
    columns = _market(strike=100)
    columns["strike"][:4] = np.nan, 0.0, -5.0, np.inf
    columns["spot"][4:6] = np.nan, 5e-324
    columns["bid"][6:8] = np.inf, 1.7e308
    rows, _ = strikes_out_of_scale(columns)
    np.testing.assert_array_equal([False] * 6, rows[:6])
    assert not strikes_out_of_scale({name: column[:0] for name, column in columns.items()})[0].any()


def test_the_reader_flags_strikes_in_cents():
    """A chain whose strikes are in cents comes back whole, flagged bad_contract, with a note."""
    chain = read_chain({**GOOD, "strike": [100 * strike for strike in GOOD["strike"]]})
    assert {int(QualityFlag.BAD_CONTRACT)} == set(chain["flags"].tolist())
    assert any("as if written in cents: flagged bad_contract" in note for note in chain.notes)
    assert [100 * strike for strike in GOOD["strike"]] == chain["strike"].tolist()
