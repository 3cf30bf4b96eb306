import io

import numpy as np
import pytest
from rich.console import Console

from atalanta.cli.screen import (
    decimals,
    digits,
    moment,
    plain,
    print_bullets,
    print_facts,
    print_heading,
    print_table,
    print_verdict,
)

HEADERS = ("name", "bid", "ask", "flags")
ROWS = [("ABC", "1.25", "1.30", "wide, no_iv"), ("DEFGH", "10.00", "11.00", "ok")]


def shown(show, *arguments, width=80, **options):
    """What a function prints on a terminal without colour, line by line, without blanks at the end."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
    show(console, *arguments, **options)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_a_table_aligns_texts_left_and_numbers_right():
    """Two blanks between columns, a rule under the headers; the last text starts on the left."""
    assert [
        "name     bid    ask  flags",
        "────────────────────────────────",
        "ABC     1.25   1.30  wide, no_iv",
        "DEFGH  10.00  11.00  ok",
    ] == shown(print_table, HEADERS, ROWS, left=1, text_last=True)


def test_a_tight_table_has_one_blank_between_columns():
    """Without a gap columns stand one blank apart."""
    assert "name    bid   ask       flags" == shown(print_table, HEADERS, ROWS, left=1, gap=0)[0]


def test_columns_are_left_out_in_the_order_given_until_it_fits():
    """32 columns wanted: at 26 `ask` goes, at 19 `bid` as well; both are named."""
    assert 4 == len(shown(print_table, HEADERS, ROWS, left=1, width=32, spare=("ask", "bid")))
    middle = shown(print_table, HEADERS, ROWS, left=1, width=26, spare=("ask", "bid"))
    assert ["name", "bid", "flags"] == middle[0].split()
    assert "left out, as the terminal is narrow: ask" == " ".join(middle[4:])
    narrow = shown(print_table, HEADERS, ROWS, left=1, width=19, spare=("ask", "bid"))
    assert ["name", "flags"] == narrow[0].split()
    assert "left out, as the terminal is narrow: ask, bid" == " ".join(narrow[4:])


def test_text_goes_on_in_the_next_line_before_columns_are_left_out():
    """A last column of words needs the room of its longest word only."""
    lines = shown(print_table, HEADERS, ROWS, left=1, text_last=True, width=27, spare=("ask",))
    assert ["ABC     1.25   1.30  wide,", "                     no_iv"] == lines[2:4]


def test_what_does_not_fit_at_all_is_folded_never_cut():
    """Where nothing may be left out every sign is still there."""
    lines = shown(print_table, ("name", "value"), [("ABCDEFGHIJ", "1234567890")], left=1, width=12)
    assert sorted("namevalueABCDEFGHIJ1234567890") == sorted("".join(lines).replace("─", "").replace(" ", ""))
    assert max(map(len, lines)) <= 12


def test_a_table_without_rows_has_its_headers():
    """No rows, no error."""
    assert ["a  b", "────"] == shown(print_table, ("a", "b"), [], left=2)


def test_a_spare_column_that_is_not_there_is_not_named():
    """One list of spare columns serves tables with and without some of them."""
    lines = shown(print_table, HEADERS, ROWS, left=1, width=26, spare=("quoted", "ask"))
    assert "left out, as the terminal is narrow: ask" == " ".join(lines[4:])


def test_cells_are_no_markup():
    """Square brackets in a cell are printed as they are."""
    assert "[red]x[/red]" == shown(print_table, ("a",), [("[red]x[/red]",)], left=1)[-1]


def test_a_heading_stands_apart():
    """An empty line, then the text without control signs."""
    assert ["", "a�b"] == shown(print_heading, "a\x1bb")


def test_facts_and_bullets_go_on_below_themselves():
    """Long texts are broken, and continue under their own beginning."""
    assert ["cpu  a b c d", "     e f"] == shown(print_facts, [("cpu", "a b c d e f")], width=12)
    assert ["- a b c", "  d e f"] == shown(print_bullets, ["a b c d e f"], width=8)


def test_a_verdict_is_readable_without_colour():
    """Passed and failed differ in their word, not only in their colour."""
    assert ["recovery FAILED: why"] == shown(print_verdict, "recovery", False, "why")
    assert ["recovery passed: why"] == shown(print_verdict, "recovery", True, "why")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.567, "1,234.57"), (-0.001, "0.00"), (float("nan"), "-"), (float("inf"), "-")],
)
def test_decimals(value, text):
    """Thousands are grouped, zero has no sign, what is no number is a dash."""
    assert text == decimals(value, 2)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123456, "0.0123"), (98765.4, "98,765"), (-1.2345, "-1.23"), (0.0, "0"), (float("nan"), "-")],
)
def test_digits(value, text):
    """Three digits, but never a power of ten in the place of whole digits."""
    assert text == digits(value, 3)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0052, "0.00520"),
        (0.91, "0.910"),
        (-0.25, "-0.250"),
        (123.0, "123"),
        (98765.4, "98,765"),
        (5.5, "5.50"),
    ],
)
def test_padded_digits(value, text):
    """Zeros at the end stay, so that 0.91 does not look less exact than its neighbour 0.911; no bare point."""
    assert text == digits(value, 3, padded=True)


def test_plain_keeps_what_can_be_printed():
    """Letters of any script stay; controls and halves of broken bytes are replaced one by one."""
    assert "Ünï ok�" == plain("Ünï ok\n")
    assert "a�" == plain("a\udcff")


@pytest.mark.parametrize(("instant", "text"), [("2026-03-02T15:00", "03-02 15:00"), ("NaT", "unknown")])
def test_moments_show_month_day_and_time(instant, text):
    """The year is left to the expiry beside it; an unknown instant says so."""
    assert text == moment(np.datetime64(instant, "ns"))
