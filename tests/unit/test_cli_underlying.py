import io

import numpy as np
import pytest
from rich.console import Console

from atalanta.cli import underlying as screens
from atalanta.cli.underlying import print_underlying
from atalanta.market.flags import QualityFlag
from tests.cli_reports import MONTH, QUARTER, WEEK, market, report
from tests.parity_market import Expiry, joined, parity_chain


def shown(made, *, width=80, name="SPX", **options):
    """What is printed of an underlying, line by line."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
    print_underlying(console, made, name, **options)
    return stream.getvalue().splitlines()


def rows(lines, start):
    """The cells of the lines below the header that starts so, up to the first line that is no row."""
    at = next(place for place, line in enumerate(lines) if line.startswith(start))
    below = lines[at + 2 :]
    return [
        line.split()
        for line in below[: next(n for n, line in enumerate(below) if line[:1] not in "0123456789")]
    ]


def days_later(chain, days):
    return chain.with_columns(
        quote_time=chain["quote_time"] + np.timedelta64(24 * days, "h"), years=chain["years"] - days / 365
    )


def test_the_table_of_expiries_tells_what_was_fitted():
    """Expiry, settlement, days, forward, rate, vol at the forward, source and rows of each, in order."""
    cells = rows(shown(report()), "expiry          days")
    assert [["2026-03-09", "PM", "7.0"], ["2026-04-01", "PM", "30.0"], ["2026-06-01", "PM", "91.0"]] == [
        row[:3] for row in cells
    ]
    assert [4505.0, 4515.0, 4550.0] == [float(row[3].replace(",", "")) for row in cells]
    rate = -100 * np.log(QUARTER.discount) / QUARTER.years
    assert [f"{rate:.2f}", "20.0", "parity", "42"] == cells[-1][-4:]


def test_forwards_share_their_decimals():
    """One exact expiry and one that is less so: the same number of decimals, so that the points stand in line."""
    chain = parity_chain(WEEK, QUARTER)
    wobble = 1 + 0.01 * np.sin(np.arange(len(chain))) * (chain["expiry"] == chain["expiry"][-1])
    lines = shown(report(chain.with_columns(bid=chain["bid"] * wobble)))
    first, second = (line for line in lines if "±" in line and line.startswith("2026-"))
    assert first.index(".", 24) == second.index(".", 24)
    assert first.index("±") == second.index("±")


@pytest.mark.parametrize(
    ("forwards", "errors", "count"),
    [
        ([450.0], [0.5], 2),
        ([450.0], [0.0092], 4),
        ([450.0, 449.0], [0.5, 0.011], 3),
        ([4800.0], [1e-12], 3),
        ([12345.0], [0.001], 2),
        ([450.0, np.nan], [0.0123, np.nan], 3),
        ([450.0], [np.nan], 2),
        ([], [], 2),
    ],
)
def test_decimals_follow_the_smallest_error(forwards, errors, count):
    """Two digits of the smallest standard error, from two decimals to four, seven digits in all."""
    assert count == screens._forward_decimals(forwards, errors)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("parity", "parity"),
        ("parity, curve discount", "parity/curve"),
        ("parity, given rate", "parity/given"),
        ("spot, zero rate", "spot/zero"),
        ("none", "none"),
    ],
)
def test_the_origin_names_forward_and_rate(source, text):
    """Before the stroke the forward's, behind it the rate's; one word for both where they are the same."""
    assert text == screens._origin(source)


def test_the_legend_explains_what_occurs_and_no_more():
    """A rate nobody knows is explained where it occurs, and only there."""
    blind = " ".join(" ".join(shown(report(parity_chain(WEEK, exercise="american")))).split())
    assert "zero: no rate known, 0 taken" in blind
    sound = " ".join(shown(report()))
    assert "vol: at the forward; rate: continuously compounded" in sound
    assert "from: forward/rate" not in sound
    assert "refuted: strikes" in screens._expiry_legend(["refuted"], spot=False)


def test_without_legend_only_the_figures_come():
    """The second underlying of a report does not explain everything again."""
    text = " ".join(shown(report(), legend=False))
    assert "continuously compounded" not in text
    assert "vol point" not in text


def test_expired_ones_give_way_to_live_ones():
    """Where there is no room for all, expiries already past are the first to go; the count tells of them."""
    chain = parity_chain(*(Expiry(7 * week, 4500.0, 0.999) for week in range(1, 14)))
    late = days_later(chain, 8)
    lines = shown(report(late))
    assert "2026-03-16" == rows(lines, "expiry          days")[0][0]
    assert any(line.startswith("and 1 more expiries") for line in lines)
    everything = shown(report(late), everything=True)
    assert "2026-03-09" == rows(everything, "expiry          days")[0][0]


def test_every_snapshot_has_its_share():
    """Two snapshots of nine expiries: the first six of each, each with its time, and where the plots are from."""
    chain = parity_chain(*(Expiry(7 * week, 4500.0, 0.999) for week in range(1, 10)))
    lines = shown(report(joined(chain, days_later(chain, 1))))
    moments = [line[:5] for line in lines if line.startswith(("03-02 15:00 2026-", "03-03 15:00 2026-"))]
    assert ["03-02"] * 6 + ["03-03"] * 6 == moments
    assert any("quoted 03-03 15:00 UTC" in line for line in lines)
    assert any(line.startswith("and 6 more expiries") for line in lines)


def test_the_money_is_shown_with_call_and_put():
    """At the strike nearest the forward, vol in per cent and Greeks with three digits each."""
    call, put = rows(shown(report(parity_chain(MONTH))), "expiry     C/P")
    assert (["C", "4,515"], ["P", "4,515"]) == (call[1:3], put[1:3])
    assert ["20.0", "20.0"] == [call[4], put[4]]
    assert all(3 == len(cell.lstrip("-0.").replace(".", "")) for cell in call[6:])


def test_an_underlying_without_a_vol_has_its_table_only():
    """Nothing to draw, nothing at the money: the expiries stand with dashes, no error."""
    chain = parity_chain(WEEK)
    lines = shown(report(chain.with_columns(flags=np.full(len(chain), QualityFlag.BAD_CONTRACT))))
    assert not any(line.startswith("expiry     C/P") for line in lines)
    assert "-" in rows(lines, "expiry")[0]


@pytest.mark.parametrize("width", [20, 30, 45, 60, 76, 80, 140])
def test_every_width_shows_whole_cells(width):
    """From 20 columns up no line is too long and nothing is cut; vol by expiry is never left out."""
    lines = shown(report(), width=width)
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    headers = next(line for line in lines if line.startswith("expiry "))
    assert "vol %" in headers


def test_two_plots_stand_side_by_side_from_76_columns_up():
    """Below that they stand one above the other."""
    titles = [
        sum("days" in line and "2026-" in line for line in shown(report(market()), width=w)) for w in (75, 76)
    ]
    assert [3, 2] == titles
