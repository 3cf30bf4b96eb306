import io

import numpy as np
import pytest
from rich.console import Console

from atalanta.cli.render import print_machine, print_report, print_run, print_selfcheck
from atalanta.cli.selfcheck import SelfCheck, WorstError
from atalanta.market.flags import QualityFlag
from tests.cli_reports import CARD, MONTH, WEEK, market, report
from tests.parity_market import Expiry, changed, joined, parity_chain


class AsciiFile(io.StringIO):
    """A stream that can only carry ASCII."""

    encoding = "ascii"


def shown(show, *arguments, width=80, file=None, **options):
    """What a function prints on a terminal without colour."""
    stream = io.StringIO() if file is None else file
    show(Console(file=stream, width=width, highlight=False, markup=False, emoji=False), *arguments, **options)
    return stream.getvalue()


def words(text, start):
    """The cells of the first line that starts so."""
    return next(line.split() for line in text.splitlines() if line.startswith(start))


@pytest.mark.parametrize("width", [80, 100, 60])
def test_lines_fit_the_terminal(width):
    """No line is wider than the terminal, from 60 columns up."""
    text = shown(print_report, report(), width=width) + shown(print_run, report(), width=width)
    assert max(map(len, text.splitlines())) <= width


def test_nothing_is_cut_at_80_columns():
    """Index-sized numbers, two snapshots and long sources all fit: no ellipsis anywhere."""
    first = market()
    later = first.with_columns(quote_time=first["quote_time"] + np.timedelta64(1, "h"))
    assert "…" not in shown(print_report, report(first))
    assert "…" not in shown(print_report, report(joined(first, later)))


def test_units_are_those_of_the_desk():
    """Vol in per cent, vega per vol point, theta per day, rho per 1 %, as the headers say."""
    made = report(parity_chain(MONTH))
    row = made.slices[0].at_the_money()[0]
    vega, theta, rho, vol = (float(made.analysis[name][row]) for name in ("vega", "theta", "rho", "iv_mid"))
    text = shown(print_report, made)
    assert "vega/pt theta/day" in text
    cells = words(text, "2026-04-01 C")
    assert f"{100 * vol:.1f}" == cells[4]
    assert [f"{vega / 100:.3g}", f"{theta / 365:.3g}", f"{rho / 100:.3g}"] == cells[7:10]


def test_forwards_show_their_error():
    """The forward has as many decimals as its standard error, which stands beside it."""
    noisy = parity_chain(MONTH)
    bid = noisy["bid"] * (1 + 0.002 * np.sin(np.arange(len(noisy))))
    made = report(noisy.with_columns(bid=bid))
    error = float(made.analysis.expiries["forward_se"][0])
    cells = words(shown(print_report, made), "2026-04-01  PM")
    count = len(cells[5].split(".")[1])
    assert f"{error:.{count}f}" == cells[5]
    assert f"{made.analysis.expiries['forward'][0]:,.{count}f}" == cells[3]


def test_expiries_beyond_the_first_are_counted():
    """Fifteen expiries: twelve shown, three announced; with everything, all."""
    chain = parity_chain(*(Expiry(7 * week, 4500.0, 0.999) for week in range(1, 16)))
    assert "and 3 more expiries: --all shows them" in shown(print_report, report(chain))
    assert "more expiries" not in shown(print_report, report(chain), everything=True)


def test_snapshots_carry_their_time():
    """With several snapshots every expiry says when it was quoted."""
    first = parity_chain(WEEK)
    later = first.with_columns(quote_time=first["quote_time"] + np.timedelta64(1, "h"))
    text = shown(print_report, report(joined(first, later)))
    assert "2026-03-09" == words(text, "03-02 15:00")[2]
    assert "2026-03-09" == words(text, "03-02 16:00")[2]


def test_flagged_rows_are_listed_with_their_flags():
    """The worst row stands with its quote and flags, and every flag is counted."""
    chain = changed(parity_chain(WEEK), "flags", 5, QualityFlag.CROSSED | QualityFlag.STALE)
    text = shown(print_report, report(chain))
    assert "crossed 1, stale 1" in text
    symbol = str(chain["symbol"][5])
    assert "crossed, stale" in next(line for line in text.splitlines() if line.startswith(symbol))


def test_a_contract_without_symbol_is_described():
    """Where there is no symbol, underlying, expiry, side and strike stand in."""
    chain = parity_chain(WEEK)
    bare = chain.with_columns(symbol=np.full(len(chain), "", dtype=object))
    assert "SPX 2026-03-09 C 3604" in shown(
        print_report, report(changed(bare, "flags", 0, QualityFlag.CROSSED))
    )


def test_a_clean_chain_has_no_list_of_flags():
    """Nothing flagged, no such heading."""
    assert "Flagged rows" not in shown(print_report, report())


def test_notes_are_told():
    """What was assumed is printed."""
    text = shown(print_report, report(market().with_notes("settlement assumed: PM")))
    assert "- settlement assumed: PM" in text


@pytest.mark.parametrize("hostile", ["\x1b[31mred\x1b[0m", "a\rb", "a\x07b", "a\x9bb"])
def test_control_characters_never_reach_the_terminal(hostile):
    """Texts of a file cannot steer the terminal: symbols, underlyings, roots and notes are cleaned."""
    chain = parity_chain(WEEK)
    names = np.full(len(chain), hostile, dtype=object)
    bad = chain.with_columns(underlying=names, root=names, symbol=names).with_notes(hostile)
    text = shown(print_report, report(changed(bad, "flags", 0, QualityFlag.CROSSED), source=hostile))
    assert set(text) & {"\x1b", "\r", "\x07", "\x9b"} == set()


def test_square_brackets_are_no_markup():
    """A symbol that looks like markup is printed as it is."""
    chain = parity_chain(WEEK)
    names = np.full(len(chain), "[bold]X[/bold]", dtype=object)
    assert "[bold]X[/bold]" in shown(print_report, report(chain.with_columns(underlying=names)))


def test_a_terminal_without_unicode_gets_ascii_plots():
    """Where braille cannot be shown, the plot is made of ASCII signs."""
    text = shown(print_report, report(), file=AsciiFile())
    assert not any("⠀" < sign <= "⣿" for sign in text)
    assert "o" in text


def test_the_machine_says_what_is_not_used():
    """Processor, kernels with their reason, threads, and what lies idle and why."""
    text = shown(print_machine, CARD)
    for part in (
        "Imaginary 9000, 4 of 8 cores usable",
        "forced by ATALANTA_ISA=avx2",
        "computed on the processor",
    ):
        assert part in text


def test_stages_show_time_per_item():
    """A stage of 2 ms over 126 contracts is 15,873 ns each."""
    assert ["2.00", "126", "contracts", "15,873"] == words(shown(print_run, report()), "whole analysis")[2:]


@pytest.mark.parametrize(("failures", "word"), [(0, "passed"), (2, "FAILED")])
def test_the_self_check_gives_its_verdict(failures, word):
    """The largest errors with their limits, and one word for the whole."""
    check = SelfCheck(24, 168, failures, (WorstError("price", 1.5e-16, 1e-13, "market: 1 call on 1"),))
    text = shown(print_selfcheck, check)
    assert ["1.5e-16", "1.0e-13"] == words(text, "price")[1:3]
    assert f"self-check {word}: 168 values of 24 contracts" in text
