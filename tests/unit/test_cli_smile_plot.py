import numpy as np
import pytest

from atalanta.cli import smile_plot as plots
from atalanta.cli.smile_plot import Frame, smile_plot
from atalanta.market.flags import QualityFlag
from tests.cli_reports import WEEK, report
from tests.parity_market import changed, parity_chain

BRAILLE = {chr(0x2800 + code) for code in range(256)}


def one_smile(chain=None):
    (smile,) = report(parity_chain(WEEK) if chain is None else chain).slices
    return smile


@pytest.mark.parametrize(("width", "height"), [(38, 9), (60, 12), (20, 4)])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_lines_have_the_size_asked(width, height, ascii_only):
    """Every line is as wide as asked, and there is one line more than the height, for the strikes."""
    lines = smile_plot(one_smile(), width=width, height=height, ascii_only=ascii_only)
    assert [width] * (height + 1) == [len(line.plain) for line in lines]


def test_braille_and_ascii_keep_to_their_signs():
    """The plot holds braille only, or ASCII only where the terminal cannot show braille."""
    drawn = smile_plot(one_smile())[:-1]
    assert set("".join(line.plain[6:] for line in drawn)) <= BRAILLE
    plain = smile_plot(one_smile(), ascii_only=True)
    assert "".join(line.plain for line in plain).isascii()


def test_a_falling_smile_falls():
    """Vol falls with the strike in this market, so the line runs from the upper left to the lower right."""
    rows = [line.plain[6:] for line in smile_plot(one_smile(), ascii_only=True)[:-1]]
    heights = [next(y for y, row in enumerate(rows) if row[x] == "o") for x in range(len(rows[0]))]
    assert sorted(heights) == heights
    assert heights[0] < heights[-1]


def test_the_line_is_unbroken():
    """Between two strikes far apart the mids are joined: every column has a dot of the line."""
    chain = parity_chain(WEEK, strikes=[4200.0, 4505.0, 4800.0])
    rows = [line.plain[6:] for line in smile_plot(one_smile(chain), ascii_only=True)[:-1]]
    assert all(any(row[x] == "o" for row in rows) for x in range(len(rows[0])))


def test_bars_reach_from_bid_to_ask():
    """A wide quote is a tall bar: its dots run from the ask's row to the bid's."""
    frame = Frame(90.0, 110.0, 0.0, 0.9)
    vols = np.array([[0.2, 0.2, 0.2], [0.4, 0.5, 0.4], [0.6, 0.8, 0.6]])
    ranges, _ = plots._paint((10, 21), frame, np.array([90.0, 100.0, 110.0]), *vols)
    assert [1, 2, 3, 4, 5, 6, 7] == np.flatnonzero(ranges[:, 10]).tolist()
    assert [] == np.flatnonzero(ranges[:, 5]).tolist()


def test_braille_cells_encode_their_dots():
    """The dots of a cell are numbered as Unicode numbers them: left column 1-2-3-7, right column 4-5-6-8."""
    dots = np.zeros((4, 4), dtype=bool)
    dots[[0, 1, 2, 3], 0] = True
    dots[3, 3] = True
    assert [[0x47, 0x80]] == plots._cells(dots).tolist()


def test_a_flagged_quote_does_not_distort_the_frame():
    """A flagged row with an absurd ask leaves the frame as it was."""
    chain = parity_chain(WEEK)
    absurd = changed(changed(chain, "ask", 40, 400.0), "flags", 40, QualityFlag.WIDE)
    assert smile_plot(one_smile(chain))[0].plain[:5] == smile_plot(one_smile(absurd))[0].plain[:5]


def test_an_expiry_without_vols_is_an_empty_plot():
    """No sound row: the frame is drawn, no dot, no error."""
    chain = parity_chain(WEEK)
    smile = one_smile(chain.with_columns(flags=np.full(len(chain), QualityFlag.BAD_CONTRACT)))
    assert {" "} == set("".join(line.plain[6:] for line in smile_plot(smile, ascii_only=True)[:-1]))


def test_one_strike_is_drawn():
    """A single strike needs no range to be drawn."""
    lines = smile_plot(one_smile(parity_chain(WEEK, strikes=[4505.0])), ascii_only=True)
    assert "o" in "".join(line.plain for line in lines)


@pytest.mark.parametrize(("forward", "place"), [(90.0, 0), (95.0, 10), (104.0, 27), (110.0, 39)])
def test_the_letter_f_stands_at_the_forward(forward, place):
    """The forward is marked under its strike wherever the labels of the ends leave room."""
    axis = plots._axis(Frame(90.0, 110.0, 0.1, 0.3), forward, 40).plain[6:]
    room = (3, 40 - 4)
    assert min(max(place, room[0]), room[1] - 1) == axis.index("F")
    assert f"{forward:g}" in axis


def test_a_forward_that_is_unknown_is_not_marked_wrongly():
    """NaN is written as nan in the middle, not placed at a strike."""
    assert "nan" in plots._axis(Frame(90.0, 110.0, 0.1, 0.3), float("nan"), 40).plain


@pytest.mark.parametrize(("vol", "text"), [(0.1234, "12.3%"), (1.5, "150%"), (0.0005, "0.1%")])
def test_vols_are_labelled_in_per_cent(vol, text):
    """One decimal below 100 %, none above."""
    assert text == plots._percent(vol)


@pytest.mark.parametrize("width", [-3, 0, 1, 5, 19, 20])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_plot_is_never_narrower_than_it_can_be(width, ascii_only):
    """Below 20 characters the plot of 20 is drawn, not an error."""
    lines = smile_plot(one_smile(), width=width, ascii_only=ascii_only)
    assert {20} == {len(line.plain) for line in lines}


@pytest.mark.parametrize(
    ("left", "right", "columns", "ends"),
    [
        (382.0, 463.0, 14, ("382", "463")),
        (3604.25, 5406.5, 14, ("3604.25", "5406.5")),
        (3604.25, 5406.75, 14, ("3604", "5407")),
        (1234.56, 5432.16, 8, ("1234.56", "")),
    ],
)
def test_strikes_at_the_ends_never_run_into_each_other(left, right, columns, ends):
    """Exact where there is room with a blank between, shorter where there is not, the first alone at last."""
    assert ends == plots._ends(Frame(left, right, 0.1, 0.3), columns)
    assert columns + 6 == len(plots._axis(Frame(left, right, 0.1, 0.3), left, columns).plain)
