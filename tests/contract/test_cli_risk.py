"""`atalanta risk` as a user meets it: an example within a minute, files, documents, the page, and what is refused."""

import re

import numpy as np
import pytest

from atalanta.cli.output import write_rows
from tests.american_market import Stock, american_chain
from tests.contract.test_cli import document, run

STOCK = Stock()


@pytest.fixture
def files(tmp_path):
    """A chain, dividends, and a book of three lines."""
    chain = american_chain(STOCK, 31, 60, strikes=np.arange(80.0, 121.0, 5.0), tolerance="standard")
    from atalanta.market.contracts.symbols import format_symbols

    columns = (chain[name] for name in ("root", "expiry", "right", "strike"))
    named = chain.with_columns(symbol=format_symbols(*columns))
    write_rows(named, tmp_path / "quotes.csv")
    (tmp_path / "div.csv").write_text("ex_date,cash\n2026-03-16,0.80\n2026-06-15,0.80\n")
    (tmp_path / "book.csv").write_text(f"symbol,quantity\nXYZ,500\n{named['symbol'][8]},-5\n")
    return tmp_path


def given(files, *more):
    return (
        "risk", files / "book.csv", "--chain", files / "quotes.csv", "--dividends", files / "div.csv", "--rate", 0.04,
        *more,
    )  # fmt: skip


def test_the_screen_shows_the_book(files):
    """Greeks with units, the heat map, tails, stresses, and margin as an estimate with its rule."""
    result = run(*given(files))
    assert 0 == result.exit_code, result.output
    text = " ".join(result.stdout.split())
    for words in (
        *(
            "Greeks by underlying and expiry",
            "gamma $/1%",
            "P&L in $",
            "VaR 99 % $",
            "ES 97.5 % $",
            "1987-10-19 crash",
        ),
        *("Reg T estimate", "TIMS-like estimate", "SPAN-like estimate", "no advice", "synthetic"),
    ):
        assert words in text, words


def test_the_document(files):
    """Every part of the report, in raw units, without NaN."""
    made = document(run(*given(files, "--json")))
    assert made["complete"]
    assert not made["simulated"]
    assert [] == made["warnings"]
    assert 2 == len(made["positions"])
    assert (11, 9) == np.shape(made["grid"]["pnl"])
    assert 0.0 == made["grid"]["pnl"][5][4]
    assert [1, 10] == [tail["days"] for tail in made["tails"]]
    assert 3 == len(made["margin"]["estimates"])
    assert made["value"] == pytest.approx(sum(row["value"] for row in made["positions"]))


def test_the_page_loads_nothing(files):
    """One file with the heat map; texts of the book are texts."""
    (files / "book.csv").write_text("symbol,quantity\nXYZ,500\n<script>alert(1)</script>,1\n")
    target = files / "risk.html"
    result = run(*given(files, "--html", target))
    assert 0 == result.exit_code, result.output
    page = target.read_text()
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(?:src|href)=", page)
    assert 99 == len(re.findall(r'<td style="background:rgb', page))
    assert "1 of 2 positions have no value" in page


def test_shocks_horizon_and_history(files):
    """As the options say."""
    (files / "closes.csv").write_text(
        "date,close,VIX\n"
        + "\n".join(f"2025-01-{day:02},{100 + day % 3},{20 + day % 2}" for day in range(1, 29))
    )
    more = (
        "--spots=-0.1,0,0.1",
        "--vols",
        "0,0.5",
        "--horizon",
        7,
        "--sticky",
        "moneyness",
        "--history",
        files / "closes.csv",
    )
    made = document(run(*given(files, *more, "--json")))
    assert (3, 2) == np.shape(made["grid"]["pnl"])
    assert (7, "moneyness") == (made["grid"]["horizon_days"], made["grid"]["sticky"])
    assert [27, 18] == [tail["scenarios"] for tail in made["tails"]]
    assert "closes.csv" == made["tails"][0]["history"]


def test_without_any_file_an_example_is_shown(tmp_path):
    """The simulated market and a book on it, both labelled; the example can be read back."""
    csv = run("risk", "--example")
    assert 0 == csv.exit_code, csv.output
    assert "symbol,quantity" == csv.stdout.splitlines()[0]
    (tmp_path / "book.csv").write_text(csv.stdout)
    made = document(run("risk", tmp_path / "book.csv", "--json"))
    assert made["simulated"]
    assert made["complete"]
    assert any("synthetic" in text for text in made["warnings"])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--horizon", "soon"), "neither a number of days"),
        (("--sticky", "delta"), "'strike' or 'moneyness'"),
        (("--spots", "a,b"), "give decimals by comma"),
        (("--tolerance", "sloppy"), "tolerance"),
        (("--html", "quotes.csv"), "is the file that is read"),
        (("--history", "absent.csv"), "there is no file"),
    ],
)
def test_what_cannot_be_used_is_refused(files, words, text):
    """One line on stderr, exit code 2."""
    option, value = words
    value = files / value if value.endswith(".csv") else value
    result = run(*given(files, option, value))
    assert (2, "") == (result.exit_code, result.stdout)
    assert 1 == len(result.stderr.strip().splitlines())
    assert text in " ".join(result.stderr.split())


def test_a_book_that_is_none_is_refused(files):
    """With its row."""
    (files / "book.csv").write_text("symbol,quantity\nXYZ,many\n")
    result = run(*given(files))
    assert 2 == result.exit_code
    assert "row 1: quantity 'many' cannot be used" in " ".join(result.stderr.split())
