import numpy as np
import pytest

from atalanta.cli.report import worst_rows
from atalanta.market.flags import QualityFlag
from tests.cli_reports import MONTH, QUARTER, WEEK, market, report
from tests.parity_market import Expiry, changed, joined, parity_chain

LATER = np.timedelta64(60, "m")


def flagged(*flags):
    """The week's chain with these flags on its first rows, and an analysis of it."""
    chain = parity_chain(WEEK)
    column = chain["flags"].copy()
    column[: len(flags)] = flags
    return report(chain.with_columns(flags=column)).analysis


def test_slices_partition_the_rows():
    """Every row is in exactly one slice, with the contracts its expiry counts."""
    made = report()
    rows = np.concatenate([smile.rows for smile in made.slices])
    assert list(range(len(made.analysis))) == sorted(rows.tolist())
    assert [int(smile.get("contracts")) for smile in made.slices] == [
        len(smile.rows) for smile in made.slices
    ]


def test_slices_hold_the_contracts_of_their_expiry():
    """The rows of a slice carry the expiry and the forward that the table of expiries gives it."""
    for smile in report(joined(parity_chain(QUARTER), parity_chain(WEEK))).slices:
        assert (smile.get("expiry") == smile.column("expiry")).all()
        assert (smile.get("forward") == smile.column("forward")).all()


def test_two_roots_of_one_date_stay_apart():
    """AM and PM roots with the same strikes give two slices."""
    made = report(parity_chain(MONTH, MONTH._replace(root="SPX")))
    assert ["SPX", "SPXW"] == sorted(smile.get("root") for smile in made.slices)


def test_snapshots_stay_apart():
    """Two snapshots of one expiry give two slices in order of time."""
    first = parity_chain(MONTH)
    made = report(joined(first.with_columns(quote_time=first["quote_time"] + LATER), first))
    assert [first["quote_time"][0], first["quote_time"][0] + LATER] == [
        s.get("quote_time") for s in made.of("SPX")
    ]


def test_out_of_the_money_takes_one_contract_per_strike():
    """Calls at or above the forward, puts below it; together each strike once."""
    (smile,) = report(parity_chain(WEEK)).slices
    strike, right = (smile.column(name)[smile.out_of_the_money] for name in ("strike", "right"))
    assert np.unique(smile.column("strike")).tolist() == sorted(strike.tolist())
    assert np.where(strike >= smile.get("forward"), 1, -1).tolist() == right.tolist()


def test_flagged_rows_make_no_smile():
    """A row with a flag is left out of the smile even when it has a vol."""
    chain = parity_chain(WEEK)
    (smile,) = report(changed(chain, "flags", 20, QualityFlag.WIDE)).slices
    assert np.isfinite(smile.column("iv_mid")[20])
    assert not smile.sound[20]


def test_at_the_money_is_the_nearest_strike():
    """One call and one put at the strike nearest the forward."""
    (smile,) = report(parity_chain(WEEK)).slices
    rows = smile.at_the_money()
    assert [1, -1] == smile.analysis["right"][rows].tolist()
    assert smile.analysis["strike"][rows] == pytest.approx([WEEK.forward] * 2)


def test_at_the_money_of_nothing_is_empty():
    """An expiry without a single vol has no contract at the money."""
    chain = parity_chain(WEEK)
    (smile,) = report(chain.with_columns(flags=np.full(len(chain), QualityFlag.BAD_CONTRACT))).slices
    assert [] == smile.at_the_money().tolist()


def test_front_spreads_over_the_term_structure():
    """Two plots: the next expiry and the first one beyond 25 days, not the two nearest."""
    made = report(parity_chain(WEEK, Expiry(9, 4506.0, 0.999), MONTH, QUARTER))
    assert [7, 30] == [round(365 * s.get("years")) for s in made.front("SPX", 2)]


def test_front_fills_up_with_what_there_is():
    """Four plots asked, three expiries there: all three, in order, each once."""
    assert [7, 30, 91] == [round(365 * s.get("years")) for s in report().front("SPX", 4)]


def test_front_takes_the_last_snapshot():
    """Plots show the newest quotes."""
    first = market()
    made = report(joined(first, first.with_columns(quote_time=first["quote_time"] + LATER)))
    assert {first["quote_time"][0] + LATER} == {s.get("quote_time") for s in made.front("SPX", 4)}


def test_front_of_an_unknown_underlying_is_empty():
    """No smiles, no plots, no error."""
    assert () == report().front("NONE", 2)


def test_worst_rows_come_from_the_gravest_flag_on():
    """A bad contract stands before a crossed quote, a crossed quote before a locked one."""
    analysis = flagged(QualityFlag.LOCKED, QualityFlag.CROSSED, QualityFlag.BAD_CONTRACT)
    assert [2, 1, 0] == worst_rows(analysis, 5).tolist()


def test_worst_rows_show_every_kind():
    """Many rows of one kind do not push the others out; of each kind, those nearest the money come first."""
    analysis = flagged(*[QualityFlag.CROSSED] * 12, QualityFlag.LOCKED)
    rows = worst_rows(analysis, 3).tolist()
    assert 12 == rows[-1]
    nearest = np.argsort(np.abs(analysis["moneyness"][:12]), kind="stable")[:2]
    assert nearest.tolist() == rows[:2]


def test_worst_rows_of_a_clean_chain_are_none():
    """Nothing flagged, nothing to show."""
    assert [] == worst_rows(flagged(), 5).tolist()


def test_a_row_counts_under_its_gravest_flag():
    """A row with two flags is shown once."""
    analysis = flagged(QualityFlag.CROSSED | QualityFlag.WIDE)
    assert [0] == worst_rows(analysis, 5).tolist()
