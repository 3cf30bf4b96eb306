"""Early assignment on the screen, in the document and on the page: facts, reasons in dollars, no advice."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from atalanta.cli.assignments import headlines, picked, print_assignments, reason
from atalanta.cli.document import report_document
from atalanta.cli.smile_html import smile_page
from atalanta.market.analysis import analyze
from atalanta.market.analysis.assignment import find_assignments
from atalanta.market.table import Table
from tests.american_market import Stock, american_chain
from tests.cli_reports import report

TONIGHT = Stock(dividends=(("2026-03-03", 1.5),))
DEEP_PUTS = Stock(dividends=(), rate=0.06)
NONE = Table({})


def made_of(stock, *days):
    chain = american_chain(
        stock, *days, strikes=[80.0, 90.0, 95.0, 100.0, 110.0, 125.0], tolerance="standard"
    )
    analysis = analyze(chain, rate=stock.rate, dividends=stock.calendar())
    return replace(
        report(chain), analysis=analysis, assignments=find_assignments(analysis), dividends_given=True
    )


@pytest.fixture(scope="module")
def tonight():
    return made_of(TONIGHT, 11, 39)


@pytest.fixture(scope="module")
def puts():
    return made_of(DEEP_PUTS, 30)


def shown(made, width=80):
    stream = io.StringIO()
    print_assignments(Console(file=stream, width=width, highlight=False, markup=False, emoji=False), made)
    return stream.getvalue()


def test_nothing_to_tell_prints_nothing():
    """A chain without such options has no heading for them."""
    assert "" == shown(report())


def test_the_screen_tells_how_many_and_why(tonight):
    """A count per underlying, the worst of each expiry, and the dollar reason of the first."""
    text = " ".join(shown(tonight).split())
    assert "Early assignment" in text
    assert (
        f"XYZ: {len(tonight.assignments)} calls are worth more exercised than held through the $1.50 dividend"
        in text
    )
    assert "of 2026-03-03; the last session to exercise in is 2026-03-02" in text
    assert "XYZ call" in text
    assert "exercising tonight is worth $" in text


def test_amounts_at_a_rate_of_nothing_say_so(tonight):
    """No rate is known where all contracts are American and none is given; dollars must not look as if one were."""
    chain = american_chain(TONIGHT, 11, 39, strikes=[80.0, 90.0, 100.0, 110.0, 125.0], tolerance="standard")
    found = find_assignments(analyze(chain, dividends=TONIGHT.calendar()))
    assert len(found)
    assert (found["rate"] == 0).all()
    assert ", at a rate of 0 %" in reason(found, 0)
    assert headlines(found)[-1].startswith("XYZ: these amounts are at a rate of 0 %;")
    assert not any("rate of 0 %" in text for text in headlines(tonight.assignments))
    assert "rate of 0 %" not in reason(tonight.assignments, 0)


def test_the_reason_adds_up(tonight):
    """What exercise gives, less what holding keeps, is what is lost: per share and per contract of 100."""
    found = tonight.assignments
    value = {name: found[name][0] for name in found.columns}
    text = reason(found, 0)
    assert (
        f"worth {value['intrinsic']:,.2f} exercised, {value['intrinsic'] - value['cost']:,.2f} held" in text
    )
    assert f"${value['cost']:,.2f} a share (${100 * value['cost']:,.2f} a contract)" in text
    assert "more than holding through the $1.50 dividend" in text


def test_a_later_evening_is_named(tonight):
    """Tonight only where the last session has begun; else its day, and that the spot is taken as unchanged."""
    days = (np.datetime64("2026-03-12"), np.datetime64("2026-03-13"))
    later = made_of(Stock(dividends=((str(days[1]), 1.5),)), 39).assignments
    assert not later["tonight"].any()
    assert {days} == set(zip(later["last_day"], later["ex_date"], strict=True))
    text = reason(later, 0)
    assert "were the spot the same at the close of 2026-03-12, worth " in text
    assert "exercising then is worth $" in text
    assert "tonight" not in text
    assert headlines(later)[0].endswith("exercise in is 2026-03-12, were the spot then as it is now")
    assert headlines(tonight.assignments)[0].endswith("exercise in is 2026-03-02")
    assert tonight.assignments["tonight"].all()


def test_puts_are_told_by_their_boundary(puts):
    """Beyond the boundary now: what a day of waiting costs."""
    assert (puts.assignments["right"] < 0).any()
    row = int(np.flatnonzero(puts.assignments["right"] < 0)[0])
    text = reason(puts.assignments, row)
    assert text.startswith("XYZ put ")
    assert "below the exercise boundary of" in text
    assert "each day of waiting costs its holder $0.0" in text
    assert "worth exercising now" in " ".join(headlines(puts.assignments))


def test_one_of_each_expiry(tonight):
    """The option nearest the money that loses at least half of the most, one per expiry, dearest first."""
    found = tonight.assignments
    rows = picked(found, 10)
    assert len(rows) == len(np.unique(found["expiry"]))
    for row in rows.tolist():
        own = found["expiry"] == found["expiry"][row]
        assert found["cost"][row] >= found["cost"][own].max() / 2
        nearer = own & (found["strike"] > found["strike"][row])
        assert (found["cost"][nearer] < found["cost"][own].max() / 2).all()
    assert (np.diff(found["cost"][rows]) <= 0).all()


@pytest.mark.parametrize("count", [0, 1])
def test_no_more_than_asked(tonight, count):
    """The count is a limit."""
    assert count == len(picked(tonight.assignments, count))


def test_nothing_found_is_nothing_picked():
    """An empty table has no rows to pick and no headline."""
    assert ([], []) == (picked(NONE, 5).tolist(), headlines(NONE))


def test_the_document_carries_facts_and_reasons(tonight):
    """Dividends used, and each picked option with its cost and its reason."""
    document = report_document(tonight)
    assert [("XYZ", "2026-03-03", 1.5)] == [
        (row["underlying"], row["ex_date"], row["cash"]) for row in document["dividends"]
    ]
    assert len(picked(tonight.assignments, 50)) == len(document["assignments"])
    first = document["assignments"][0]
    assert first["reason"] == reason(tonight.assignments, int(picked(tonight.assignments, 1)[0]))
    assert {"implied_spot", "borrow", "dividend_value"} <= set(document["expiries"][0])
    assert ([], []) == (report_document(report())["assignments"], report_document(report())["dividends"])


def test_the_page_carries_them_too(tonight):
    """Reasons and dividends stand on the page itself, readable without its script."""
    text = smile_page(tonight)
    assert "XYZ 2026-03-03: 1.5" in text
    assert "more than holding through the $1.50 dividend" in text
    assert '"implied_spot":' in text


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_every_width_shows_whole_cells(tonight, width):
    """No cell is cut; what does not fit is named or goes on in the next line."""
    text = shown(tonight, width)
    assert "…" not in text
    assert all(len(line) <= width for line in text.splitlines())


def test_no_advice_is_given(tonight, puts):
    """Facts about what exercise is worth; no word tells the reader to trade."""
    for made in (tonight, puts):
        assert not {"should", "recommend", "sell", "buy", "roll", "close"} & set(shown(made).lower().split())


def test_names_from_files_cannot_steer_the_terminal(tonight):
    """A ticker with control signs is shown without them."""
    hostile = np.full(len(tonight.assignments), "A\x1b[2J", dtype=object)
    made = replace(tonight, assignments=tonight.assignments.with_columns(underlying=hostile))
    assert "\x1b" not in shown(made)
