from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from atalanta.cli.report import worst_rows
from atalanta.market.flags import QualityFlag
from atalanta.market.table import Table
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


def test_a_sound_report_warns_of_nothing():
    """European contracts with a rate from parity need no warning."""
    assert () == report().warnings()


def test_american_contracts_are_warned_of_with_their_number():
    """Some of the rows are American and no dividends are given: the warning counts them and says how to."""
    chain = joined(parity_chain(MONTH), parity_chain(WEEK, exercise="american"))
    (warning,) = report(chain).warnings()
    assert warning.startswith("NO DIVIDENDS GIVEN: 42 of 84 contracts are American")
    assert "--dividends FILE" in warning
    assert () == replace(report(chain), dividends_given=True).warnings()


@pytest.mark.parametrize("day", ["2025-01-06", "2030-01-07"])
def test_dividends_that_all_lie_elsewhere_are_warned_of(day):
    """Before the quotes, or after the last expiry: what was given says nothing of the time between."""
    chain = joined(parity_chain(MONTH), parity_chain(WEEK, exercise="american"))
    names = set(chain["underlying"].tolist())
    stale = replace(report(chain, dividends={key: [(day, 0.5)] for key in names}), dividends_given=True)
    (warning,) = stale.warnings()
    assert warning.startswith(
        f"NO DIVIDENDS AHEAD: all that are given for {', '.join(sorted(names))} lie before the quotes"
    )
    assert "42 of 84 contracts are American" in warning
    assert any("not used" in note for note in stale.analysis.notes)
    assert (
        ()
        == replace(
            report(parity_chain(MONTH), dividends={key: [(day, 0.5)] for key in names}), dividends_given=True
        ).warnings()
    )


def test_an_unknown_rate_is_warned_of():
    """American contracts alone give no rate: the report says so and how to give one."""
    american, blind = report(parity_chain(WEEK, MONTH, exercise="american")).warnings()
    assert american.startswith("NO DIVIDENDS GIVEN: 84 of 84")
    assert blind.startswith("NO RATE: 2 of 2 expiries are discounted at 0 %")
    assert "--rate 0.05" in blind


def test_expiries_that_contradict_themselves_are_warned_of():
    """Those without a forward for that reason are counted; they are no matter of the rate."""

    class Refuted(Table):
        expiries: ClassVar = {"source": np.array(["parity", "refuted", "none"], dtype=object)}
        outside = ()

    made = replace(report(), analysis=Refuted({"exercise": np.array(["european"], dtype=object)}))
    (warning,) = made.warnings()
    assert warning.startswith("CONTRADICTORY QUOTES: 1 of 3 expiries have no forward")


def test_snapshots_are_the_distinct_quote_times():
    """In order, each once; unknown times count as one."""
    first = market()
    both = report(joined(first.with_columns(quote_time=first["quote_time"] + LATER), first))
    assert (first["quote_time"][0], first["quote_time"][0] + LATER) == both.snapshots()
    unknown = first.with_columns(quote_time=np.full(len(first), np.datetime64("NaT", "ns")))
    assert 1 == len(report(unknown).snapshots())


def test_front_leaves_out_expiries_without_a_smile():
    """An expiry of two flagged sides has nothing to draw; the others fill its place."""
    chain = market()
    week = chain["expiry"] == chain["expiry"][0]
    made = report(chain.with_columns(flags=np.where(week, QualityFlag.WIDE, 0).astype(np.uint32)))
    assert [30, 91] == [round(365 * s.get("years")) for s in made.front("SPX", 4)]


def test_underlyings_keep_their_order_and_their_slices():
    """Each name once; its slices are its own and lose none."""
    first = parity_chain(WEEK, MONTH)
    made = report(
        joined(*(first.with_columns(underlying=np.full(84, name, object)) for name in ("AAA", "BBB")))
    )
    assert ("AAA", "BBB") == made.underlyings()
    assert [2, 2] == [len(made.of(name)) for name in made.underlyings()]
    assert {"BBB"} == {name for smile in made.of("BBB") for name in smile.column("underlying")}


def test_worst_rows_are_never_more_than_asked():
    """The count is a limit, and zero shows nothing."""
    analysis = flagged(*[QualityFlag.CROSSED] * 12)
    assert [0, 5] == [len(worst_rows(analysis, count)) for count in (0, 5)]


def test_every_flag_has_its_gravity():
    """A row with any single flag is found among the worst, whatever the flag."""
    for flag in QualityFlag:
        rows = Table({"flags": np.array([0, flag], np.uint32), "moneyness": np.zeros(2)})
        assert [1] == worst_rows(rows, 5).tolist(), flag
