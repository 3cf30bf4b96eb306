from dataclasses import fields, replace

import numpy as np
import pytest

from atalanta.benchmarking.clock import Work
from atalanta.benchmarking.contender import Contender, atalanta_contender
from atalanta.benchmarking.listed.accuracy import exact_grid, listed_errors
from atalanta.benchmarking.listed.rows import (
    CHAIN,
    american_price,
    chain_quotes,
    chain_rows,
    evenly,
    grid_quotes,
    grid_rows,
    irregular_rows,
)
from atalanta.benchmarking.operations import OPERATIONS
from atalanta.benchmarking.session import BASE
from atalanta.benchmarking.workloads import Rows

KINDS = pytest.mark.parametrize("rows_of", [grid_rows, chain_rows, irregular_rows])


@KINDS
@pytest.mark.parametrize("count", [1, 7, 250])
def test_rows_are_as_many_as_asked(rows_of, count):
    """Every column is contiguous float64 of that length, `right` int8, and every row has its schedule."""
    rows = rows_of(count)
    assert count == len(rows)
    for column in fields(Rows):
        values = getattr(rows, column.name)
        assert (count,) == values.shape
        assert ("int8" if column.name == "right" else "float64") == values.dtype
        assert values.flags.c_contiguous
    assert (count,) == (rows.schedule_of.shape if rows.schedules else (count,))


@KINDS
def test_rows_are_the_same_every_time(rows_of):
    """The same count gives the same rows and schedules."""
    assert rows_of(50).strike.tolist() == rows_of(50).strike.tolist()
    assert rows_of(50).schedules == rows_of(50).schedules


@KINDS
def test_times_are_whole_days(rows_of):
    """Expiries and ex-dates fall on days, so that a library with a calendar prices the same option."""
    rows = rows_of(100)
    dates = [years for schedule in rows.schedules for years, _ in schedule]
    days = 365 * np.array([*rows.years.tolist(), *dates])
    assert np.round(days) == pytest.approx(days, abs=1e-9)
    assert (days > 0.5).all()


def test_the_chain_is_the_one_described():
    """160 rows: 5 expiries, 16 strikes, puts and calls, 1 to 8 dividends of 0.6, vol about 25 %; 4 % on 100."""
    rows = chain_rows(CHAIN)
    assert (160, 5, {-1, 1}) == (CHAIN, len(set(rows.years.tolist())), set(rows.right.tolist()))
    assert {1, 2, 4, 8} == {len(rows.schedule(row)) for row in range(CHAIN)}
    assert {0.6} == {cash for _, cash in rows.schedules[0]}
    assert ({100.0}, {0.04}) == (set(rows.spot.tolist()), set(rows.rate.tolist()))
    assert (rows.vol > 0.24).all()
    assert (rows.vol < 0.29).all()


def test_further_chains_are_the_first_at_another_price():
    """Spot, strikes and dividends keep their proportions."""
    rows = chain_rows(2 * CHAIN)
    scale = rows.spot[CHAIN] / rows.spot[0]
    assert scale != 1
    assert (rows.strike[:CHAIN] * scale).tolist() == pytest.approx(rows.strike[CHAIN:].tolist())
    assert rows.schedules[0][0][1] * scale == pytest.approx(rows.schedules[1][0][1])
    assert {0, 1} == set(rows.schedule_of.tolist())


def test_irregular_rows_have_dividends_of_their_own():
    """1 to 8 ascending dates before expiry, total deviation below 1.2."""
    rows = irregular_rows(300)
    assert (rows.vol * np.sqrt(rows.years) < 1.2).all()
    for row, schedule in enumerate(rows.schedules):
        assert 1 <= len(schedule) <= 8
        assert rows.schedule(row) == schedule
        assert sorted({years for years, _ in schedule}) == [years for years, _ in schedule]


def test_only_dividends_before_expiry_count_for_a_row():
    """The chain's one schedule reaches beyond its short expiries."""
    rows = chain_rows(CHAIN)
    assert ((30 / 365, 0.6),) == rows.schedule(0)
    assert 8 == len(rows.schedule(CHAIN - 1))
    assert () == grid_rows(1).schedule(0)


def test_taken_rows_keep_their_schedules():
    """An index moves the rows and what they point to, not the schedules."""
    rows = irregular_rows(5)
    taken = rows.take([3])
    assert rows.schedule(3) == taken.schedule(0)
    assert rows.schedules is taken.schedules


def test_some_rows_are_spread_evenly():
    """The first one, and as many as there are at most."""
    assert [0, 2, 5, 7] == evenly(10, 4).tolist()
    assert [0, 1] == evenly(2, 9).tolist()
    rows = grid_rows(10)
    assert rows.spot[[0, 2, 5, 7]].tolist() == rows.some(4).spot.tolist()


@pytest.mark.parametrize("quotes_of", [grid_quotes, chain_quotes])
def test_quotes_tell_their_vol(quotes_of):
    """Above what exercise gives, and the price is that of the volatility."""
    quotes = quotes_of(40)
    intrinsic = np.maximum(quotes.right * (quotes.spot - quotes.strike), 0.0)
    assert 40 == len(quotes)
    assert (quotes.price > intrinsic + 1e-3 * quotes.strike).all()
    assert american_price(quotes, quotes.vol) == pytest.approx(quotes.price, rel=1e-14)


def test_atalanta_takes_part_in_every_operation_on_american_options():
    """It gives a number for every row of each."""
    binders = atalanta_contender().binders
    for operation in OPERATIONS:
        if operation.listed:
            made = binders[operation.binder](operation.rows(20)).run()
            value = made if isinstance(made, np.ndarray) else made.price
            assert np.isfinite(value).all(), operation.name


def doubled(rows):
    """A library whose prices are 3e-4 of the strike too high."""
    return Work.calling(lambda: american_price(rows, rows.vol) + 3e-6 * rows.strike)


def test_errors_are_told_for_a_strike_of_100():
    """3e-6 of the strike is 3e-4, whatever the strike; largest and RMS alike; Atalanta itself beside it."""
    made = listed_errors(
        [atalanta_contender(), Contender("off", {"dividend_irregular": doubled})], ["dividends"], 20
    )
    by = {(error.operation, error.contender): error for error in made}
    off = by["dividend_irregular", "off"]
    assert (20, 0) == (off.rows, off.missing)
    assert 3e-4 == pytest.approx(off.rms, rel=0.5)
    assert by["dividend_chain", BASE].largest < 5e-4
    assert off.reference.startswith("atalanta 2e-06")


def test_a_peer_on_some_rows_is_held_against_those():
    """Its errors are those of the rows that it takes."""

    def some(rows):
        taken = rows.some(3)
        return Work.calling(lambda: american_price(taken, taken.vol, "precise"), rows=3)

    made = listed_errors([Contender("some", {"american_fast": some})], ["american"], 12)
    (error,) = made
    assert (3, 0) == (error.rows, error.missing)
    assert error.largest < 1e-5


def test_a_peer_that_refuses_has_no_price():
    """All rows are missing; the run goes on."""

    def refuse(_):
        def call():
            raise ValueError("no")

        return Work.calling(call)

    (error,) = listed_errors([Contender("no", {"american_fast": refuse})], ["american"], 4)
    assert (4, 4) == (error.rows, error.missing)
    assert np.isnan(error.largest)


def test_a_peers_own_reference_is_used():
    """Rows, name and price come from the contender that has one."""
    finest = {
        "american_fast": (
            "its best",
            2,
            lambda rows: Work.calling(lambda: american_price(rows, rows.vol) + 1.0),
        )
    }
    made = listed_errors([Contender(BASE, atalanta_contender().binders, references=finest)], ["american"], 6)
    (error,) = (error for error in made if error.reference == "its best")
    assert 2 == error.rows
    assert 1.0 == pytest.approx(error.largest, abs=1e-3)


def test_vols_are_held_against_the_quoted_price():
    """A vol 1 % too high is off by a hundredth of its vega, not by 1 %."""

    def high(quotes):
        return Work.calling(lambda: quotes.vol * 1.01)

    made = listed_errors([Contender("high", {"american_iv": high})], ["american"], 10)
    (error,) = made
    assert "the quoted price" == error.reference
    assert 1e-3 < error.largest < 1.0


def test_a_table_of_exact_prices(tmp_path):
    """Columns by name; the price of the table is the reference. Haug (1998), BAW table: 1.87645 is exact."""
    (tmp_path / "american_exact_grid.csv").write_text(
        "type,S,K,T,r,q,sigma,price\ncall,100.0,100.0,0.1,0.1,0.1,0.15,1.8764533679519129\n", encoding="utf-8"
    )
    rows, price = exact_grid(tmp_path / "american_exact_grid.csv")
    assert (1, [1.8764533679519129]) == (len(rows), price.tolist())
    made = listed_errors([atalanta_contender()], ["american"], 4, tmp_path)
    against = [error for error in made if error.reference == "exact grid"]
    assert ["american_fast", "american_standard", "american_precise"] == [
        error.operation for error in against
    ]
    assert [1, 1, 1] == [error.rows for error in against]
    assert against[2].largest < 5e-7


def test_quantlib_prices_the_same_options():
    """Its engines agree with ours on the rows that both price; days and schedules are the same."""
    pytest.importorskip("QuantLib")
    from atalanta.benchmarking.peers import load_peer

    peer = load_peer("quantlib")
    for operation, rows, limit in (
        ("american_fast", grid_rows(12), 2e-3),
        ("dividend_chain", chain_rows(CHAIN).some(2), 5e-3),
        ("dividend_irregular", irregular_rows(2), 2e-2),
    ):
        made = np.asarray(peer.binders[operation](rows).run(), dtype=float)
        price = made if made.ndim == 1 else made[:, 0]
        assert price == pytest.approx(american_price(rows, rows.vol), abs=limit), operation
    quotes = grid_quotes(2)
    assert quotes.vol == pytest.approx(peer.binders["american_iv"](quotes).run(), abs=5e-3)


def test_a_library_that_gives_up_has_no_number():
    """QuantLib raises RuntimeError where it has no root: NaN, and the others go on."""
    pytest.importorskip("QuantLib")
    from atalanta.benchmarking.peers import load_peer

    quotes = replace(grid_quotes(2), price=np.array([1e-9, 1e6]))
    assert np.isnan(load_peer("quantlib").binders["american_iv"](quotes).run()).all()
